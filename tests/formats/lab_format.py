"""A format that the library does not have: HTK's label file, a line for each timed token.

A line is ``start end label``, the times in units of 100 ns. It holds one tier and not its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import DataError
from cifviz.resources import write_atomically

UNITS = 10_000_000
"""In a second."""


def write(
    path: str | Path,
    tiers: Alignment | Mapping[str, Alignment],
    duration: float,
    *,
    details: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write the timed tokens; see `cifviz.formats.write_alignments`.

    The format has no place for untimed tokens, scores and the duration of the audio.

    Raises
    ------
    DataError
        If the file cannot be written.
    """
    (tier,) = [tiers] if isinstance(tiers, Alignment) else tiers.values()
    lines = [
        f"{round(token.start * UNITS)} {round(token.end * UNITS)} {token.token}\n"
        for token in tier.timed
    ]
    text = "".join(lines)
    return write_atomically(path, lambda part: part.write_text(text, "utf-8"), overwrite=overwrite)


def read(path: str | Path) -> dict[str, Alignment]:
    """Read the tier that `write` wrote; see `cifviz.formats.read_alignments`.

    Raises
    ------
    DataError
        If a line is not of this format.
    """
    tokens = []
    for line in Path(path).read_text("utf-8").splitlines():
        try:
            start, end, label = line.split()
            tokens.append(TimedToken(label, int(start) / UNITS, int(end) / UNITS))
        except ValueError as error:
            raise DataError(f"{path}: expected start, end and label, got {line!r}") from error
    return {"words": Alignment(tuple(tokens))}
