"""Alignments in files: one module for each format, found by the suffix of a file's name.

A new format is a module, its import here and a line: ``register(".xyz", write=..., read=...)``.
`write_alignments` then writes it and `read_alignments` reads it. The files that `cifviz align`
writes are listed in `cifviz.cli.transcription_output`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from cifviz.alignment.timed_tokens import Alignment
from cifviz.errors import DataError, require
from cifviz.formats import (
    audacity,
    csv_alignments,
    ctm,
    elan,
    json_alignments,
    rttm,
    srt,
    substation,
    textgrid,
    webvtt,
)
from cifviz.formats.json_alignments import alignment_from_json
from cifviz.formats.json_files import read_json, write_json
from cifviz.formats.textgrid import (
    UNTIMED_SUFFIX,
    format_textgrid,
    read_textgrid,
    write_textgrid,
)
from cifviz.formats.timed_entries import named_tiers

__all__ = [
    "ONE_TIER",
    "READERS",
    "RECORDINGS",
    "UNTIMED_SUFFIX",
    "WRITERS",
    "alignment_from_json",
    "check_installed",
    "format_textgrid",
    "read_alignments",
    "read_json",
    "read_textgrid",
    "register",
    "write_alignments",
    "write_json",
    "write_textgrid",
]

Writer = Callable[..., Path]
"""``write(path, tiers, duration, *, details=None, overwrite=False)``, see `write_alignments`."""
Reader = Callable[[Path], dict[str, Alignment]]
"""``read(path)``, see `read_alignments`."""

WRITERS: dict[str, Writer] = {}
"""By suffix."""
READERS: dict[str, Reader] = {}
"""By suffix."""
ONE_TIER: set[str] = set()
"""Suffixes of the formats that hold one tier and not its name, which is read as "words"."""
LIBRARIES = {".ass": substation.pysubs2_library, ".eaf": elan.pympi_library}
"""By suffix, what raises `DataError` unless the library of a format is installed."""
RECORDINGS: set[str] = set()
"""Suffixes of the formats that hold one tier of each of several recordings, whose names are those
of the alignments; a single alignment has the name of its file."""


def register(
    suffix: str,
    *,
    write: Writer | None = None,
    read: Reader | None = None,
    one_tier: bool = False,
    recordings: bool = False,
) -> None:
    """Add a format to `WRITERS`, to `READERS`, or to both; the last call for a suffix holds.

    Parameters
    ----------
    suffix : str
        With its dot.
    write, read : callable, optional
        See `Writer` and `Reader`.
    one_tier : bool
        Whether the format holds one tier without a name; see `ONE_TIER`.
    recordings : bool
        Whether names are those of recordings; see `RECORDINGS`.
    """
    (ONE_TIER.add if one_tier else ONE_TIER.discard)(suffix)
    (RECORDINGS.add if recordings else RECORDINGS.discard)(suffix)
    if write is not None:
        WRITERS[suffix] = write
    if read is not None:
        READERS[suffix] = read


register(".TextGrid", write=textgrid.write_textgrid, read=textgrid.read_textgrid)
register(".short.TextGrid", write=textgrid.write_short_textgrid, read=textgrid.read_textgrid)
register(".json", write=json_alignments.write, read=json_alignments.read)
register(".csv", write=csv_alignments.write, read=csv_alignments.read)
register(".ctm", write=ctm.write, read=ctm.read, recordings=True)
register(".rttm", write=rttm.write, read=rttm.read, recordings=True)
register(".srt", write=srt.write, read=srt.read, one_tier=True)
register(".vtt", write=webvtt.write, read=webvtt.read, one_tier=True)
register(".ass", write=substation.write, read=substation.read)
register(".eaf", write=elan.write, read=elan.read)
register(".txt", write=audacity.write, read=audacity.read, one_tier=True)


def write_alignments(
    path: str | Path,
    tiers: Alignment | Mapping[str, Alignment],
    duration: float,
    *,
    details: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write alignments in the format that the suffix of the file names.

    Parameters
    ----------
    path : str or Path
        Ends in a suffix of `WRITERS`; upper and lower case are the same.
    tiers : Alignment or mapping of str to Alignment
        One alignment, which becomes the tier "words", or several by the names of their tiers; for
        the formats in `RECORDINGS` by the names of recordings.
    duration : float >= 0
        Length of the audio in seconds; a TextGrid needs one above 0.
    details : mapping of str to what JSON can hold, optional
        What else is known, such as the model. A format without a place for it leaves it out.
    overwrite : bool
        Whether a file that is there may be replaced, in one step.

    Raises
    ------
    DataError
        If no format has this suffix, it holds one tier and there are others, or the alignments or
        the file cannot be written.
    """
    suffix = _suffix(path, WRITERS)
    count = len(named_tiers(tiers))
    require(
        suffix not in ONE_TIER or count == 1, f"{suffix} holds one tier, got {count}", DataError
    )
    return WRITERS[suffix](Path(path), tiers, duration, details=details, overwrite=overwrite)


def read_alignments(path: str | Path) -> dict[str, Alignment]:
    """Read the tiers of a file in the format that its suffix names.

    Parameters
    ----------
    path : str or Path
        Ends in a suffix of `READERS`; upper and lower case are the same.

    Returns
    -------
    dict of str to Alignment
        The tiers by name, in the order of the file.

    Raises
    ------
    DataError
        If no format has this suffix, or the file is not of this format.

    Examples
    --------
    >>> from cifviz.resources import resource
    >>> read_alignments(resource("clips") / "digits_three.TextGrid")["words"].text
    'three one four'
    """
    return READERS[_suffix(path, READERS)](Path(path))


def check_installed(suffix: str) -> None:
    """Raise `DataError` if a format needs a library that is not installed.

    >>> check_installed(".ctm")
    """
    if suffix in LIBRARIES:
        LIBRARIES[suffix]()


def _suffix(path: str | Path, known: Iterable[str]) -> str:
    found = [suffix for suffix in known if str(path).lower().endswith(suffix.lower())]
    if not found:
        raise DataError(f"expected a file name that ends in {' or '.join(known)}, got {path}")
    return max(found, key=len)
