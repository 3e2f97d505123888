"""Alignments in files that other programs read: Praat's TextGrid, through praatio, and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cifviz.errors import DataError, require, shown
from cifviz.resources import write_atomically
from cifviz.speech.alignment import Alignment, TimedToken

UNTIMED_SUFFIX = " (no interval)"
"""Ends the name of the point tier with the tokens that cannot stand in an interval tier."""

_DECIMALS = 6


def write_textgrid(
    path: str | Path,
    alignment: Alignment | Mapping[str, Alignment],
    duration: float,
    *,
    overwrite: bool = False,
) -> Path:
    """Write alignments as the tiers of a Praat TextGrid, with empty intervals between tokens.

    Parameters
    ----------
    path : str or Path
        Where to write.
    alignment : Alignment or mapping of str to Alignment
        One alignment, which becomes the tier "words", or several by the names of their tiers.
    duration : float > 0
        Length of the audio in seconds.
    overwrite : bool
        Whether a file that stands there may be replaced, in one step.

    Returns
    -------
    Path
        `path`. Times are rounded to microseconds. An interval cannot be empty, so tokens that are
        untimed or shorter than half a microsecond go to a point tier ``"<name> (no interval)"``:
        where they stand, or, untimed, at the end of the token before; those of one place share a
        point, separated by spaces. JSON (`write_json`) loses nothing.

    Raises
    ------
    DataError
        If a token ends after `duration`, the folder does not exist, a file stands there that may
        not be replaced, or a token would not be read back as it is: if it is empty, has white space
        at its ends, or looks like the file's syntax.

    See Also
    --------
    read_textgrid : reads it back.
    """
    from praatio import textgrid
    from praatio.utilities.errors import PraatioException

    tiers = {"words": alignment} if isinstance(alignment, Alignment) else dict(alignment)
    end = round(duration, _DECIMALS)
    require(end > 0, f"{path}: duration must be > 0 s, got {duration}", DataError)
    grid = textgrid.Textgrid(0, end)
    expected: dict[str, Alignment] = {}
    for name, tier in tiers.items():
        intervals, points = _split(tier)
        last = max([stop for _, stop, _ in intervals] + list(points), default=0.0)
        require(
            last <= end, f"{path}: tier {name!r} ends at {last} s, the audio at {end} s", DataError
        )
        grid.addTier(textgrid.IntervalTier(name, intervals, 0, end))
        expected[name] = Alignment(tuple(TimedToken(token, *span) for *span, token in intervals))
        if points:
            extra = name + UNTIMED_SUFFIX
            grid.addTier(textgrid.PointTier(extra, list(points.items()), 0, end))
            expected[extra] = Alignment(
                tuple(TimedToken(label, time, time) for time, label in points.items())
            )

    def write(part: Path) -> None:
        try:
            grid.save(str(part), "long_textgrid", includeBlankSpaces=True, reportingMode="error")
        except PraatioException as error:
            raise DataError(f"{path}: cannot be written as a TextGrid: {error}") from error
        except UnicodeEncodeError as error:
            letter = shown(error.object[error.start])
            raise DataError(f"{path}: a TextGrid is UTF-8, which does not hold {letter}") from error
        # praatio neither escapes nor refuses labels that it then reads as something else.
        found = read_textgrid(part)
        for name, tier in expected.items():
            require(
                found.get(name) == tier,
                f"{path}: the tokens of tier {name!r} would not be read back as they are; expected "
                f"{[token.token for token in tier]}, a TextGrid gives "
                f"{[token.token for token in found.get(name, ())]}",
                DataError,
            )

    return write_atomically(path, write, overwrite=overwrite)


def read_textgrid(path: str | Path) -> dict[str, Alignment]:
    """Read the tiers of a Praat TextGrid.

    Parameters
    ----------
    path : str or Path
        A TextGrid, long or short, in UTF-8 or UTF-16.

    Returns
    -------
    dict of str to Alignment
        The tiers by name, in order, times in seconds. Empty intervals are dropped; a point becomes
        a token without length.

    Raises
    ------
    DataError
        If the file does not exist or is not a TextGrid.
    """
    from praatio import textgrid
    from praatio.utilities.errors import PraatioException

    path = Path(path)
    require(path.is_file(), f"no such TextGrid: {path}", DataError)
    try:
        grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=False, reportingMode="error")
    # praatio meets a damaged file with whatever its parser happens to stumble over.
    except (PraatioException, LookupError, ValueError, TypeError, AttributeError) as error:
        raise DataError(f"expected a Praat TextGrid, cannot read {path}: {error}") from error
    tiers = {}
    for name in grid.tierNames:
        tier = grid.getTier(name)
        if isinstance(tier, textgrid.PointTier):
            spans = [(time, time, label) for time, label in tier.entries]
        else:
            spans = list(tier.entries)
        tiers[name] = Alignment(tuple(TimedToken(label, start, end) for start, end, label in spans))
    return tiers


def write_json(path: str | Path, value: Any, *, overwrite: bool = False) -> Path:
    """Write what JSON can hold: UTF-8, keys sorted, so that equal values make equal files.

    Parameters
    ----------
    path : str or Path
        Where to write.
    value : mapping, sequence, str, number, bool or None
        An `Alignment` becomes a list of objects with token, start, end and score.
    overwrite : bool
        Whether a file that stands there may be replaced, in one step.

    Raises
    ------
    DataError
        If something cannot be written as JSON, NaN and infinity included, the folder does not
        exist, or a file stands there that may not be replaced.
    """
    try:
        text = json.dumps(
            value, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False, default=_plain
        )
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: cannot be written as JSON: {error}") from error
    # Line ends are the same everywhere, so that equal values make equal files.
    # A lone surrogate is written as JSON's own escape, which looks like Python's.
    encoded = (text + "\n").encode("utf-8", "backslashreplace")
    return write_atomically(path, lambda part: part.write_bytes(encoded), overwrite=overwrite)


def read_json(path: str | Path) -> Any:
    """Read a JSON file in UTF-8; raises `DataError` if it is missing or damaged."""
    path = Path(path)
    require(path.is_file(), f"no such JSON file: {path}", DataError)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"expected JSON in UTF-8, cannot read {path}: {error}") from error


def alignment_from_json(value: Any) -> Alignment:
    """The `Alignment` that `write_json` wrote, untimed tokens included.

    >>> alignment_from_json([{"token": "uh", "start": None, "end": None, "score": None}]).text
    'uh'
    """
    try:
        return Alignment(tuple(TimedToken(**token) for token in value))
    except TypeError as error:
        raise DataError(
            f"expected a list of objects with token, start, end and score: {error}"
        ) from error


def _split(
    alignment: Alignment,
) -> tuple[list[tuple[float, float, str]], dict[float, str]]:
    """What fits intervals, and the rest by the time of its point."""
    intervals: list[tuple[float, float, str]] = []
    points: dict[float, str] = {}
    last = 0.0
    for token in alignment:
        if token.start is not None and token.end is not None:
            # Rounded alike on both sides: praatio takes any overlap, however small, for an error.
            start, last = round(token.start, _DECIMALS), round(token.end, _DECIMALS)
            if start < last:
                intervals.append((start, last, token.token))
                continue
        points[last] = f"{points[last]} {token.token}" if last in points else token.token
    return intervals, points


def _plain(value: Any) -> Any:
    """What stands in JSON for a value that JSON does not know."""
    if isinstance(value, Alignment):
        return [
            {"token": token.token, "start": token.start, "end": token.end, "score": token.score}
            for token in value
        ]
    raise TypeError(f"{type(value).__name__} is not a JSON type")
