"""A format that the library does not have: NIST's CTM, a line for each timed token.

A line is ``tier channel start duration token``, the times in seconds; ``;;`` begins a comment.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import DataError
from cifviz.resources import write_atomically


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
    given = {"words": tiers} if isinstance(tiers, Alignment) else tiers
    lines = [
        f"{name} 1 {token.start} {token.end - token.start} {token.token}"
        for name, tier in given.items()
        for token in tier.timed
    ]
    text = "\n".join([f";; {dict(details or {})}", *lines])
    return write_atomically(path, lambda part: part.write_text(text, "utf-8"), overwrite=overwrite)


def read(path: str | Path) -> dict[str, Alignment]:
    """Read the tiers that `write` wrote; see `cifviz.formats.read_alignments`.

    Raises
    ------
    DataError
        If a line is not of this format.
    """
    tiers: dict[str, list[TimedToken]] = {}
    for line in Path(path).read_text("utf-8").splitlines():
        if line.startswith(";;"):
            continue
        try:
            name, _, start, length, token = line.split()
            timed = TimedToken(token, float(start), float(start) + float(length))
        except ValueError as error:
            expected = "expected tier, channel, start, duration and token"
            raise DataError(f"{path}: {expected}, got {line!r}") from error
        tiers.setdefault(name, []).append(timed)
    return {name: Alignment(tuple(tokens)) for name, tokens in tiers.items()}
