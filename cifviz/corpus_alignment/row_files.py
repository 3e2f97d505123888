"""The files of one utterance. The JSON file is written last: where it is whole, the row is done."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from cifviz.alignment.timed_tokens import Alignment
from cifviz.corpus_alignment.corpus_row import CorpusRow
from cifviz.corpus_alignment.corpus_run import CorpusRun
from cifviz.corpus_alignment.row_alignment import FAILED, STATUSES, RowResult, align_row
from cifviz.errors import CIFError, DataError
from cifviz.formats import ONE_TIER, RECORDINGS, WRITERS, read_json
from cifviz.resources import write_atomically

UTTERANCES = "utterances"
"""The folder of the files of the utterances, in that of the results."""
RESULT = ".json"
CUT = ".flac"
LONGEST_CUT = 120.0
"""Seconds of sound that are copied, at most."""
MOST_ATTEMPTS = 3
"""Processes that may end while they work on one sound, before it is given up."""
TRACE = ".trying-"
"""Begins the names of files that say which sound a process works on."""

_NO_NAME = re.compile(r"[^\w.-]+")


def file_stem(row: CorpusRow, key: str) -> str:
    """Where in the folder of the results the files of a row are, without their suffix.

    >>> file_stem(CorpusRow("chapter 1/line 2", "a.wav", "a.wav"), "0f" * 8)
    'utterances/0f/chapter_1_line_2-0f0f0f0f0f0f0f0f'
    """
    name = _NO_NAME.sub("_", row.id.encode("utf-8", "replace").decode())[-40:].lstrip(".-")
    return f"{UTTERANCES}/{key[:2]}/{name}-{key}"


def row_content(run: CorpusRun, row: CorpusRow, key: str) -> dict[str, Any]:
    """What the JSON file of a row holds; the row is aligned unless that is there already.

    Parameters
    ----------
    run : CorpusRun
        Whose results these are.
    row : CorpusRow
        Of the corpus.
    key : str
        Of the row.

    Raises
    ------
    DataError
        If a file cannot be written; never because of the sound.
    """
    stem = Path(run.out, file_stem(row, key))
    kept = stored_content(stem, key)
    if kept is not None and not (run.retry_failed and kept["status"] == FAILED):
        return kept
    stem.parent.mkdir(parents=True, exist_ok=True)
    with _attempt(stem, run.token) as attempts:
        if attempts > MOST_ATTEMPTS:
            reason = f"the process that worked on it ended {MOST_ATTEMPTS} times: is memory short?"
            result = RowResult(FAILED, reason)
        else:
            result = align_row(row, run.load(), language=run.options["language"])
        _write(stem, run, row, key, result)
    content = stored_content(stem, key)
    if content is None:
        raise DataError(f"cannot read again what was just written: {stem}{RESULT}")
    return content


def stored_content(stem: Path, key: str) -> dict[str, Any] | None:
    """What a whole JSON file of this row holds; None if there is none."""
    try:
        content = read_json(f"{stem}{RESULT}")
    except CIFError:
        return None
    known = isinstance(content, dict) and content.get("key") == key
    return content if known and content.get("status") in STATUSES else None


def _write(stem: Path, run: CorpusRun, row: CorpusRow, key: str, result: RowResult) -> None:
    """Write all files of a row, the JSON file last."""
    if result.waveform is not None and result.tiers:
        for suffix in run.options["formats"]:
            path = stem.with_name(stem.name + suffix)
            try:
                WRITERS[suffix](path, _shown(suffix, row, result), result.duration, overwrite=True)
            except DataError as error:  # a label that the format cannot hold
                path.unlink(missing_ok=True)
                missing = f"no {suffix} file: {error}".replace(f"{path}: ", "")
                result = replace(result, reason="; ".join(filter(None, [result.reason, missing])))
        if run.options["cuts"] and result.duration <= LONGEST_CUT:
            _write_cut(stem.with_name(stem.name + CUT), result)
    details = {
        "id": row.id,
        "sound": row.sound,
        "text": row.text,
        "offset": row.offset,
        "status": result.status,
        "reason": result.reason,
        "key": key,
        **result.values,
        **run.identity,
    }
    path = stem.with_name(stem.name + RESULT)
    WRITERS[RESULT](path, dict(result.tiers), result.duration, details=details, overwrite=True)


def _shown(suffix: str, row: CorpusRow, result: RowResult) -> Alignment | dict[str, Alignment]:
    """What a format takes: all tiers, or the first of them."""
    first = next(iter(result.tiers.values()))
    if suffix in RECORDINGS:
        return {row.id: first}
    return first if suffix in ONE_TIER else dict(result.tiers)


def _write_cut(path: Path, result: RowResult) -> None:
    import soundfile

    waveform = result.waveform
    assert waveform is not None
    samples, rate = waveform.samples.clip(-1, 1), waveform.sample_rate
    write_atomically(path, lambda part: soundfile.write(part, samples, rate), overwrite=True)


@contextmanager
def _attempt(stem: Path, token: str) -> Iterator[int]:
    """Leave a trace while a row is worked on: the number of attempts in this call, from 1."""
    trace = stem.with_name(f"{TRACE}{stem.name[-16:]}-{token}")
    with trace.open("ab") as file:
        file.write(b".")
        file.flush()
        attempts = file.tell()
    try:
        yield attempts
    finally:
        trace.unlink(missing_ok=True)
