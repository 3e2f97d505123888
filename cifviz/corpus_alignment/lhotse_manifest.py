"""A corpus as a manifest of lhotse: cuts, or recordings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cifviz.corpus_alignment.corpus_row import CorpusRow, beside
from cifviz.errors import CIFError, DataError


def lhotse_rows(path: Path) -> Iterator[CorpusRow]:
    """A row for each cut or recording of a manifest.

    Parameters
    ----------
    path : Path
        A ``CutSet`` or a ``RecordingSet``, as JSON lines, gzipped or not. The texts of the
        supervisions of a cut are joined to its transcript; sounds are relative to the manifest's
        folder or absolute. A cut that is no stretch of one sound file in one channel is a row with
        a problem.

    Raises
    ------
    CIFError
        If the extra ``cifviz[lhotse]`` is not installed.
    DataError
        If the file is no such manifest.
    """
    try:
        import lhotse
    except ImportError as error:
        raise CIFError("a lhotse manifest needs the extra: pip install 'cifviz[lhotse]'") from error
    try:
        entries = iter(lhotse.load_manifest_lazy(path) or ())
    except Exception as error:  # whatever lhotse makes of a file that is none of its own
        raise DataError(
            f"expected a manifest of lhotse, cannot read {path}: {type(error).__name__}: {error}"
        ) from error
    number = 0
    while True:
        number += 1
        try:
            entry = next(entries)
        except StopIteration:
            return
        except Exception as error:
            # A generator ends with its first exception: what follows the line cannot be read.
            raise DataError(
                f"expected a manifest of lhotse, cannot read entry {number} of {path}: "
                f"{type(error).__name__}: {error}"
            ) from error
        yield _row(entry, path.parent)


def _row(entry: Any, folder: Path) -> CorpusRow:
    is_cut = hasattr(entry, "supervisions")
    recording: Any = getattr(entry, "recording", None) if is_cut else entry
    sources: Any = getattr(recording, "sources", [])
    if len(sources) != 1 or sources[0].type != "file":
        return CorpusRow(entry.id, "", "", problem="expected a stretch of one sound file")
    sound = str(sources[0].source)
    row = CorpusRow(entry.id, sound, beside(folder, sound))
    if recording.num_channels > 1 and is_cut:
        channels = recording.num_channels
        problem = f"one channel of a sound of {channels} is not read: split the channels first"
        return CorpusRow(row.id, row.sound, row.path, problem=problem)
    if not is_cut:
        return row
    texts = [one.text for one in entry.supervisions if one.text is not None]
    whole = not entry.start and abs(entry.duration - recording.duration) < 1e-3
    return CorpusRow(
        row.id,
        row.sound,
        row.path,
        " ".join(texts) if texts else None,
        float(entry.start),
        None if whole else float(entry.duration),
    )
