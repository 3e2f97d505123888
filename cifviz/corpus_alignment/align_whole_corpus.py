"""`align_corpus`: a whole corpus on a Dask cluster, part by part, from where it was broken off."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import sys
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifviz.corpus_alignment.aligned_corpus import INDEX, AlignedCorpus
from cifviz.corpus_alignment.corpus_page import write_page
from cifviz.corpus_alignment.corpus_run import (
    DESCRIPTION,
    PARTS,
    CorpusRun,
    code_version,
    model_hash,
    require_corpus_extra,
)
from cifviz.corpus_alignment.corpus_sources import corpus_rows
from cifviz.corpus_alignment.part_files import Part, align_part, part_statuses, parts_of
from cifviz.corpus_alignment.row_alignment import FAILED
from cifviz.corpus_alignment.row_files import CUT, RESULT, TRACE, UTTERANCES, file_stem
from cifviz.errors import CIFError, DataError, require, require_choice, require_integer, shown
from cifviz.formats import WRITERS, check_installed, read_json, write_json
from cifviz.systems.base import TextAligner
from cifviz.systems.checkpoints import list_models

if TYPE_CHECKING:
    from distributed import Client, Future, LocalCluster

ROWS_PER_PART = 100
ASIDE = ".cifviz-"
"""Begins the names of what `cifviz.resources.writing` leaves behind if its process is killed."""
LOCK = ".lock"
"""The file that the process that writes to a folder holds; it stays there, empty."""
IDENTITY = ("source", "model", "model_hash", "code", "settings")
"""Of a description: what a call must share with the one that it goes on from."""
WAIT_FOR_WORKER = 120
"""Seconds until the first worker must be there."""


def align_corpus(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    model: str | os.PathLike[str],
    client: Client | str | None = None,
    workers: int | None = None,
    language: str | None = None,
    formats: Collection[str] = (".TextGrid",),
    cuts: bool = False,
    rows_per_part: int = ROWS_PER_PART,
    retry_failed: bool = False,
    overwrite: bool = False,
    progress: bool = False,
) -> AlignedCorpus:
    """Align or transcribe every utterance of a corpus.

    If it is broken off, by whatever, the same call goes on from there: nothing that is finished is
    done again, and the files are those of an unbroken run, byte for byte.

    Parameters
    ----------
    source : str or Path
        A folder of sound files with their transcripts (.txt, .lab) beside them, a table (.csv,
        .tsv), a manifest of NeMo (.json, .jsonl) or of lhotse (.jsonl, .jsonl.gz).
    out : str or Path
        The folder of the results; made if needed. It may lie in `source`.
    model : str or Path
        A name that comes with the library, or a folder.
    client : distributed.Client or str, optional
        A Dask cluster, or the address of its scheduler; its workers have the same version of the
        library, and the paths of sounds, model and results. Default: a cluster on this machine,
        for which a script calls below ``if __name__ == "__main__":``.
    workers : int > 0, optional
        Processes of that cluster, each with one thread. Default: one for each processor.
    language : str, optional
        Of the transcripts, for a model that aligns text: "en-gb" …; default: the model's.
    formats : collection of str
        Suffixes of the files that each utterance gets beside its JSON file, of
        `cifviz.formats.WRITERS`.
    cuts : bool
        Whether the sound of each utterance of up to two minutes is copied into the results (FLAC).
        The page then plays these, wherever the folder is moved.
    rows_per_part : int > 0
        Utterances that a worker does at a time, and rows of a Parquet file.
    retry_failed : bool
        Whether rows that failed in an earlier call are tried again.
    overwrite : bool
        Whether results of another source, model, code or other settings in `out` may be replaced.
    progress : bool
        Whether a bar on standard error shows how far it is.

    Returns
    -------
    AlignedCorpus
        A row for each utterance of the source, in its order. See `docs/corpus.md` for the columns.

    Raises
    ------
    CIFError
        If the extra ``cifviz[corpus]`` is not installed, there is no such model, or no worker.
    DataError
        If the source cannot be read, or `out` holds other files, or results of another source,
        model, code or settings without `overwrite`, or if another process writes to it.

    Notes
    -----
    The results of a row are kept as long as the source has this row, with this sound file: size and
    time of change tell. Those of rows that the source no longer has are removed.

    Examples
    --------
    >>> align_corpus("recordings", "aligned", model="english")  # doctest: +SKIP
    """
    # 1. What is to be done.
    require_corpus_extra()
    for name, value in (("out", out), ("model", model)):
        require(isinstance(value, str | os.PathLike), f"{name} must be a path, got {shown(value)}")
    folder = Path(out).absolute()
    settings = {"cuts": bool(cuts), "language": language, "rows_per_part": rows_per_part}
    run = _run(folder, os.fspath(model), formats, settings, retry_failed)
    rows = corpus_rows(source, leave_out=folder)
    parts = list(parts_of(rows, rows_per_part, run.key))
    description = {
        **run.identity,
        "settings": run.options,
        "source": os.path.abspath(source),
        "rows": len(rows),
        "parts": [part.name for part in parts],
    }

    _require_ours(folder, Path(source), description, overwrite)
    folder.mkdir(parents=True, exist_ok=True)
    with _alone_in(folder):
        # 2. A folder in which nothing is half done; another process may have claimed it just now.
        _require_ours(folder, Path(source), description, overwrite)
        _claim(folder, description)
        _tidy(folder)
        waiting = [part for part in parts if _is_unfinished(folder, part, retry_failed)]

        # 3. The parts that are missing, and what shows them all.
        done = len(rows) - sum(len(part.rows) for part in waiting)
        if waiting:
            with _connected(client, workers) as connected, _bar(len(rows), done, progress) as bar:
                for part, statuses in _aligned(connected, run, waiting):
                    bar.update(len(part.rows))
                    _count_failed(bar, statuses)
        _remove_others(folder, parts)
        aligned = AlignedCorpus.read(folder)
        write_page(aligned, [row.path for row in rows], cuts=cuts)
    return aligned


def _run(
    folder: Path,
    model: str,
    formats: Collection[str],
    settings: Mapping[str, Any],
    retry_failed: bool,
) -> CorpusRun:
    """The run that the arguments describe, or a `CIFError` about one of them."""
    require_integer("rows_per_part", settings["rows_per_part"], above=0)
    require(not isinstance(formats, str), f"formats must be a collection, got {formats!r}")
    for suffix in formats:
        require_choice("format", suffix, WRITERS)
        check_installed(suffix)
    name = model if model in list_models() else str(Path(model).absolute())
    others = sorted(set(formats) - {RESULT})
    run = CorpusRun(
        str(folder),
        name,
        model_hash(name),
        code_version(),
        json.dumps({**settings, "formats": others}, sort_keys=True),
        uuid.uuid4().hex[:8],
        retry_failed,
    )
    is_aligner = isinstance(run.load(), TextAligner)  # also: a damaged model is one error, not many
    require(
        is_aligner or settings["language"] is None,
        f"a language needs a model that aligns any text (english), not {model}",
    )
    return run


def _require_ours(
    folder: Path, source: Path, description: Mapping[str, Any], overwrite: bool
) -> None:
    """Raise if the folder of the results holds something else."""
    require(not os.path.lexists(folder) or folder.is_dir(), f"{folder} is no folder", DataError)
    is_source = source.is_dir() and folder.is_dir() and os.path.samefile(source, folder)
    require(not is_source, "the results need a folder of their own, not that of the source")
    path = folder / DESCRIPTION
    if path.is_file():
        found = read_json(path)
        ours = isinstance(found, dict) and description.keys() <= found.keys()
        require(ours, f"{path} is not of an aligned corpus", DataError)
        differ = [name for name in IDENTITY if found[name] != description[name]]
        require(
            overwrite or not differ,
            f"{folder} holds the results of another run ({' and '.join(differ)} differ): choose "
            "another folder, or replace them with overwrite",
            DataError,
        )
    else:
        there = [name for name in (PARTS, UTTERANCES, INDEX) if os.path.lexists(folder / name)]
        require(
            not there,
            f"{folder} holds {' and '.join(there)}, and no {DESCRIPTION}: choose another folder",
            DataError,
        )


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Let no other process write to the folder; the lock of one that is killed is gone with it."""
    import filelock

    try:
        with filelock.FileLock(folder / LOCK, timeout=0):
            yield
    except filelock.Timeout as error:
        raise DataError(
            f"another process writes to {folder}: wait until it ends, or choose another folder"
        ) from error


def _claim(folder: Path, description: Mapping[str, Any]) -> None:
    """Write the description of the results, and make the folders that they go into."""
    # First: by it the next call knows the folder.
    write_json(folder / DESCRIPTION, description, overwrite=True)
    for name in (PARTS, UTTERANCES):
        (folder / name).mkdir(exist_ok=True)


def _tidy(folder: Path) -> None:
    """Remove what processes that were killed left half done."""
    for place in (folder, folder / PARTS, *_folders(folder / UTTERANCES)):
        for name in os.listdir(place):
            path = place / name
            if name.startswith(ASIDE) and path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            elif name.startswith((ASIDE, TRACE)):
                path.unlink(missing_ok=True)


def _is_unfinished(folder: Path, part: Part, retry_failed: bool) -> bool:
    statuses = part_statuses(folder / PARTS / part.name)
    return statuses is None or (retry_failed and statuses[FAILED] > 0)


def _remove_others(folder: Path, parts: Sequence[Part]) -> None:
    """Remove the files of parts and rows that the corpus no longer has."""
    kept = {part.name for part in parts}
    for path in (folder / PARTS).glob("part-*.parquet"):
        if path.name not in kept:
            path.unlink()
    stems = {
        file_stem(row, key) for part in parts for row, key in zip(part.rows, part.keys, strict=True)
    }
    suffixes = [*WRITERS, CUT]
    for place in _folders(folder / UTTERANCES):
        for name in os.listdir(place):
            may_be = [name.removesuffix(one) for one in suffixes if name.endswith(one)]
            if may_be and not any(f"{UTTERANCES}/{place.name}/{one}" in stems for one in may_be):
                (place / name).unlink()
        if not os.listdir(place):
            place.rmdir()


def _folders(place: Path) -> list[Path]:
    """The folders in a folder; none that a link names."""
    return sorted(path for path in place.iterdir() if path.is_dir() and not path.is_symlink())


@contextmanager
def _connected(client: Client | str | None, workers: int | None) -> Iterator[Client]:
    """A client of the cluster that was asked for; what was made here is closed here."""
    import distributed

    if isinstance(client, distributed.Client):
        require(workers is None, "workers are those of a cluster made here, not of a client")
        yield client
        return
    with contextlib.ExitStack() as stack:
        if client is None:
            address = stack.enter_context(_local_cluster(workers))
        else:
            require(workers is None, "workers are those of a cluster made here")
            address = client
        try:
            connected = stack.enter_context(distributed.Client(address, set_as_default=False))
            connected.wait_for_workers(1, timeout=WAIT_FOR_WORKER)
        except (OSError, ValueError, TypeError) as error:  # TimeoutError is an OSError
            raise CIFError(
                f"expected a Dask cluster with a worker at {address}: {error}"
            ) from error
        yield connected


def _local_cluster(workers: int | None) -> LocalCluster:
    """A cluster on this machine alone."""
    import distributed

    count = os.cpu_count() or 1
    if workers is not None:
        count = require_integer("workers", workers, above=0)
    try:
        return distributed.LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            processes=True,
            memory_limit=None,
            silence_logs=logging.CRITICAL,
            dashboard_address="127.0.0.1:0",  # any free port, for this machine alone
        )
    except RuntimeError as error:  # so it is where a script has no such line
        raise CIFError(
            "the processes of a cluster cannot start: in a script, align_corpus must be called "
            'below if __name__ == "__main__":'
        ) from error


def _aligned(
    client: Client, run: CorpusRun, parts: Sequence[Part]
) -> Iterator[tuple[Part, Mapping[str, int]]]:
    """Align parts on a cluster, a few more at a time than it has threads, as they are finished."""
    import distributed

    waiting = iter(parts)
    under_way: dict[Future, tuple[Part, int]] = {}
    finished = distributed.as_completed(loop=client.loop)

    def submit(part: Part, attempt: int) -> None:
        name = f"{part.name}-{run.token}-{attempt}"
        future = client.submit(align_part, run, part, key=name, pure=False)
        under_way[future] = (part, attempt)
        finished.add(future)

    for part in waiting:
        submit(part, 0)
        if len(under_way) >= 2 * sum(client.nthreads().values()):
            break
    for future in finished:
        part, attempt = under_way.pop(future)
        error = future.exception()
        if error is None:
            yield part, future.result()
            following = next(waiting, None)
            if following is not None:
                submit(following, 0)
        elif isinstance(error, distributed.KilledWorker) and attempt < len(part.rows):
            submit(part, attempt + 1)  # at each end of a process it comes further
        else:
            for other in under_way:
                other.cancel()
            if isinstance(error, CIFError):
                raise error
            raise CIFError(
                f"a worker cannot align {part.name}: {type(error).__name__}: {error}"
            ) from error
        future.release()


@contextmanager
def _bar(total: int, done: int, progress: bool) -> Iterator[Any]:
    from tqdm import tqdm

    with tqdm(
        total=total, initial=done, unit="utterance", disable=not progress, file=sys.stderr
    ) as bar:
        yield bar


def _count_failed(bar: Any, statuses: Mapping[str, int]) -> None:
    bar.failed = getattr(bar, "failed", 0) + statuses[FAILED]
    if bar.failed:
        bar.set_postfix_str(f"{bar.failed} failed", refresh=False)
