"""A corpus as a table: CSV, or with tabs (.tsv), whose first line names the columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

from cifviz.corpus_alignment.corpus_row import CorpusRow, beside, checked_row
from cifviz.errors import DataError, require
from cifviz.resources import read_text

COLUMNS = {
    "sound": ("sound", "audio_filepath", "audio", "path", "file", "wav"),
    "text": ("text", "transcript", "sentence"),
    "id": ("id", "utt_id", "utterance_id"),
    "offset": ("offset", "start"),
    "duration": ("duration",),
}
"""What is read, and the names that its column may have; the first that is there counts."""


def csv_rows(path: Path) -> Iterator[CorpusRow]:
    """A row for each line of a table that is not empty.

    Parameters
    ----------
    path : Path
        In UTF-8. A column of `COLUMNS` for the sound, relative to the table's folder, is needed;
        others may be missing, and further ones are not read. An empty text is no transcript; an
        empty id is the sound without its suffix.

    Raises
    ------
    DataError
        If the file cannot be read, or has no column for the sound.
    """
    text = read_text(path, "table of a corpus")
    delimiter = "\t" if path.suffix.lower() in (".tsv", ".tab") else ","
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    names = [name.strip().lower() for name in next(lines, [])]
    known = {
        field: next((one for one in choices if one in names), None)
        for field, choices in COLUMNS.items()
    }
    listed = ", ".join(COLUMNS["sound"])
    require(
        known["sound"] is not None,
        f"expected a table with a column for the sound ({listed}), the columns of {path} are "
        f"{', '.join(map(repr, names)) or 'missing'}",
        DataError,
    )
    columns = {field: names.index(name) for field, name in known.items() if name is not None}
    while True:
        try:
            cells = next(lines)
        except StopIteration:
            return
        except csv.Error as error:
            place = f"line {lines.line_num}"
            yield CorpusRow(place, "", "", problem=f"{place} is none of a table: {error}")
            continue
        if any(cells):
            yield _row(cells, columns, len(names), path.parent, lines.line_num)


def _row(
    cells: list[str], columns: Mapping[str, int], width: int, folder: Path, line: int
) -> CorpusRow:
    values = {
        field: cells[column] if column < len(cells) else "" for field, column in columns.items()
    }
    sound = values["sound"].strip()
    problem = ""
    if len(cells) != width:
        problem = f"expected {width} columns, line {line} has {len(cells)}"
    return checked_row(
        values.get("id", "").strip(),
        sound,
        beside(folder, sound),
        values.get("text") or None,
        values.get("offset", "").strip() or None,
        values.get("duration", "").strip() or None,
        problem=problem,
        place=f"line {line}",
    )
