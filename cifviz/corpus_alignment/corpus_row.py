"""`CorpusRow`: one utterance of a corpus, as its source names it, and the key of its result."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

KEY_LENGTH = 16
"""Hexadecimal digits of a key in the names of files: of 10,000 rows two have one by a chance of
3e-12."""


@dataclass(frozen=True)
class CorpusRow:
    """One utterance of a corpus; every row of the source is one, whatever is wrong with it."""

    id: str
    """Its name; several rows may have the same."""
    sound: str
    """The sound file as the source names it; empty where it names none."""
    path: str
    """The same as a path that can be opened."""
    text: str | None = None
    """The transcript; None where none is given."""
    offset: float = 0.0
    """Where in the file it begins, seconds."""
    duration: float | None = None
    """How long it is, seconds; None: to the end of the file."""
    problem: str = ""
    """What is wrong with the row itself, in one sentence; empty if nothing is."""
    repeat: int = 0
    """How many equal rows come before it."""

    def key(self, run_key: str) -> str:
        """What the result of this row depends on, as one number.

        Parameters
        ----------
        run_key : str
            That of the model, the code and the settings.

        Returns
        -------
        str
            The first `KEY_LENGTH` hexadecimal digits of a SHA-256 of `run_key`, all fields but
            `path`, and size and time of change of the sound file: a file that was replaced is
            aligned again.
        """
        fields = {name: value for name, value in asdict(self).items() if name != "path"}
        try:
            found = os.stat(self.path) if self.path else None
        except (OSError, ValueError):  # not there, or no path at all
            found = None
        file = None if found is None else [found.st_size, found.st_mtime_ns]
        content = json.dumps([run_key, fields, file], sort_keys=True)
        return hashlib.sha256(content.encode("ascii")).hexdigest()[:KEY_LENGTH]


def numbered(rows: Iterable[CorpusRow]) -> Iterator[CorpusRow]:
    """The rows, each with the number of equal ones before it.

    >>> one = CorpusRow("a", "a.wav", "a.wav")
    >>> [row.repeat for row in numbered([one, one, CorpusRow("b", "a.wav", "a.wav")])]
    [0, 1, 0]
    """
    before: Counter[CorpusRow] = Counter()
    for row in rows:
        yield replace(row, repeat=before[row]) if before[row] else row
        before[row] += 1


def beside(folder: Path, sound: str) -> str:
    """The path of a sound that a file in a folder names: absolute, or relative to the folder."""
    return os.path.join(os.path.abspath(folder), sound) if sound else ""


def checked_row(
    id: str,
    sound: str,
    path: str,
    text: object,
    offset: object,
    duration: object,
    *,
    problem: str = "",
    place: str,
) -> CorpusRow:
    """A row of values that a file gave: whatever cannot be one is its problem.

    Parameters
    ----------
    id, sound, path : str
        As of `CorpusRow`. Without an id it is the sound without its suffix, and, for a part of a
        file, where that begins; without a sound it is the place.
    text : object
        The transcript; None for none.
    offset, duration : object
        Numbers or their texts; None for the whole file.
    problem : str
        What is wrong already.
    place : str
        Where in the source it stands, for messages.

    >>> checked_row("", "a/b.wav", "/a/b.wav", "one", "1.5", None, place="line 2").id
    'a/b-1.5'
    """
    times: list[float | None] = []
    for name, value in (("offset", offset), ("duration", duration)):
        try:
            seconds = None if value is None else float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            seconds = math.nan
        if seconds is not None and not 0 <= seconds < math.inf:
            problem = problem or f"{place}: {name} must be a number of seconds >= 0"
            seconds = None
        times.append(seconds)
    if text is not None and not isinstance(text, str):
        problem, text = problem or f"{place}: the transcript must be a text", None
    if not sound:
        problem = problem or f"{place} names no sound"
    start = times[0] or 0.0
    if not id:
        id = str(Path(sound).with_suffix("").as_posix()) if Path(sound).name else place
        id += f"-{start:g}" if start else ""
    return CorpusRow(id, sound, path, text, start, times[1], problem)
