"""ELAN's EAF: tiers of annotations, by the library pympi.

An EAF is XML. A document type, where entities would be defined, is refused before anything is
read.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import DataError, require, require_number, shown
from cifviz.formats.timed_entries import (
    LATEST,
    MILLI,
    all_in_order,
    named_tiers,
    require_writable,
    written_entries,
)
from cifviz.resources import read_file, write_atomically

LARGEST = 2**26
"""Bytes of the largest EAF that is read: its tree takes many times the memory."""
TOLERANCE = 0.0015
"""Annotations may overlap by so many seconds, by rounding."""
DATE = "1970-01-01T00:00:00+00:00"
"""Written as the date of every file, so that equal alignments make equal files."""

# What XML 1.0 cannot hold, and the carriage return, which XML reads as a line feed.
_UNWRITABLE = re.compile("[\0-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")


def write(
    path: str | Path,
    tiers: Alignment | Mapping[str, Alignment],
    duration: float,
    *,
    details: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write the timed tokens of all tiers; see `cifviz.formats.write_alignments`.

    Times are whole milliseconds. An annotation cannot be empty, and those of a tier do not
    overlap: a shorter token takes a millisecond from what follows.

    Raises
    ------
    DataError
        If pympi is not installed; a token or a name has characters that XML cannot hold, a name is
        empty, or nothing has times; or if the file cannot be written.
    """
    try:
        content = _document(named_tiers(tiers))
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    return write_atomically(path, lambda part: part.write_bytes(content), overwrite=overwrite)


def _document(tiers: Mapping[str, Alignment]) -> bytes:
    """The content of an EAF."""
    library = pympi_library()
    document = library.Eaf(author="cifviz")
    document.adocument["DATE"] = DATE
    document.remove_tier("default")
    what = "control characters other than tab and line feed, or halves of surrogate pairs"
    for name, tokens in tiers.items():
        require(name != "", "EAF cannot hold a tier without a name", DataError)
        document.add_tier(require_writable(name, _UNWRITABLE, what, "EAF"))
        last = 0
        for start, end, label, _ in written_entries(tokens, MILLI, "EAF"):
            require_writable(label, _UNWRITABLE, what, "EAF")
            start = max(start, last)
            last = max(end, start + 1)
            document.add_annotation(name, start, last, label)
    text = library.to_string(document)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def read(path: str | Path) -> dict[str, Alignment]:
    """The tiers of an EAF by name; see `cifviz.formats.read_alignments`.

    Annotations without times, and those that only refer to others, become untimed tokens.

    Raises
    ------
    DataError
        If pympi is not installed; the file cannot be read or is larger than `LARGEST`; it is no
        EAF, has a document type, or annotations of a tier that overlap.
    """
    library = pympi_library()
    data = read_file(path, "EAF", at_most=LARGEST)
    try:
        return _tiers(_checked(data, library))
    except DataError as error:
        raise DataError(f"expected EAF of ELAN, cannot read {path}: {error}") from error


def _checked(data: bytes, library: Any) -> Any:
    """What pympi makes of an EAF; raises `DataError` if that is harmful, or nothing."""
    from xml.etree.ElementTree import ParseError

    import defusedxml.ElementTree

    try:
        root = defusedxml.ElementTree.fromstring(data, forbid_dtd=True)
        require(
            root.tag == "ANNOTATION_DOCUMENT",
            f"its outermost element is {shown(root.tag)}, expected 'ANNOTATION_DOCUMENT'",
            DataError,
        )
        with tempfile.TemporaryDirectory() as folder:  # pympi reads files alone
            copy = Path(folder, "checked.eaf")
            copy.write_bytes(data)
            return library.Eaf(str(copy), suppress_version_warning=True)
    except ParseError as error:
        raise DataError(f"it is no XML: {error}") from error
    except defusedxml.DefusedXmlException as error:
        raise DataError("it has a document type, which an EAF has not") from error
    except (LookupError, ValueError) as error:  # a key that is missing, an encoding that is none
        if isinstance(error, DataError):
            raise
        raise DataError(f"what ELAN writes is missing in it: {shown(str(error))}") from error


def _tiers(document: Any) -> dict[str, Alignment]:
    found: dict[str, list[TimedToken]] = {}
    for name, (aligned, referring, _, _) in document.tiers.items():
        tokens = found[name] = []
        for first, last, label, _ in aligned.values():
            start, end = document.timeslots.get(first), document.timeslots.get(last)
            if start is None or end is None:
                tokens.append(TimedToken(label))
                continue
            for time in (start, end):
                require_number(
                    "a time in milliseconds",
                    time,
                    at_least=0,
                    at_most=LATEST * MILLI,
                    error=DataError,
                )
            require(start <= end, f"{shown(label)} ends before it starts", DataError)
            tokens.append(TimedToken(label, start / MILLI, end / MILLI))
        tokens += [TimedToken(label) for _, label, _, _ in referring.values()]
    return all_in_order(found, TOLERANCE)


def pympi_library() -> Any:
    """The library; raises `DataError` if it is not installed."""
    try:
        import defusedxml  # noqa: F401
        import pympi.Elan
    except ImportError as error:
        raise DataError(
            'ELAN\'s EAF needs the library pympi-ling: pip install "cifviz[formats]"'
        ) from error
    return pympi.Elan
