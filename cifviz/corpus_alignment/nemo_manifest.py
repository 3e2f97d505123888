"""A corpus as a manifest of NeMo: an object of JSON in each line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from cifviz.corpus_alignment.corpus_row import CorpusRow, beside, checked_row
from cifviz.resources import read_text

SOUND = "audio_filepath"
"""The key that every line has."""


def nemo_rows(path: Path) -> Iterator[CorpusRow]:
    """A row for each line of a manifest that is not empty.

    Parameters
    ----------
    path : Path
        In UTF-8. An object has ``audio_filepath``, relative to the manifest's folder or absolute,
        and may have ``text``, ``offset`` and ``duration`` (seconds) and ``id``; other keys are not
        read. A line that is none is a row with a problem.

    Raises
    ------
    DataError
        If the file cannot be read.
    """
    for number, line in enumerate(read_text(path, "manifest").split("\n"), start=1):
        if line.strip():
            yield _row(line, path.parent, f"line {number}")


def _row(line: str, folder: Path, place: str) -> CorpusRow:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return CorpusRow(place, "", "", problem=f"{place} is not JSON")
    if not isinstance(entry, dict) or not isinstance(entry.get(SOUND), str):
        return CorpusRow(place, "", "", problem=f"{place} is no object with a text {SOUND!r}")
    sound, name = entry[SOUND], entry.get("id")
    return checked_row(
        str(name) if isinstance(name, str | int) else "",
        sound,
        beside(folder, sound),
        entry.get("text"),
        entry.get("offset"),
        entry.get("duration"),
        place=place,
    )
