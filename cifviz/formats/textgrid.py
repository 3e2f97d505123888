"""Alignments as the tiers of a Praat TextGrid."""

from __future__ import annotations

import math
import re
from collections.abc import Container, Iterator, Mapping
from itertools import chain, count
from pathlib import Path
from typing import Any

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import DataError, require, require_number, shown
from cifviz.formats.praat import Tier, parse_textgrid
from cifviz.formats.timed_entries import LARGEST, LATEST, MICRO, decimal, whole_units
from cifviz.resources import read_file, write_atomically

UNTIMED_SUFFIX = " (no interval)"
"""Ends the name of the point tier with the tokens that do not fit an interval tier."""

TOLERANCE = 1e-6
"""Intervals may overlap by so many seconds: other programs round start and end apart."""

_HEADER = ('File type = "ooTextFile"', 'Object class = "TextGrid"', "")
_UNWRITABLE = re.compile("[\0\r\ud800-\udfff]")
"""Characters that a TextGrid cannot hold: Praat takes zeros for the end and turns CR into LF."""


def write_textgrid(
    path: str | Path,
    tiers: Alignment | Mapping[str, Alignment],
    duration: float,
    *,
    details: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    short: bool = False,
) -> Path:
    """Write alignments as the tiers of a Praat TextGrid, with empty intervals between tokens.

    Parameters
    ----------
    path : str or Path
        Where to write.
    tiers : Alignment or mapping of str to Alignment
        One alignment, which becomes the tier "words", or several by the names of their tiers.
    duration : float > 0
        Length of the audio in seconds.
    details : mapping, optional
        Left out: a TextGrid has no place for them.
    overwrite : bool
        Whether a file that is there may be replaced, in one step.
    short : bool
        Whether it is in Praat's short text format, values without their names.

    Returns
    -------
    Path
        `path`: UTF-8, in Praat's long text format, or the short one. Times are rounded to
        microseconds. An interval cannot be empty, so tokens that are untimed or shorter than half a
        microsecond go to a point tier ``"<name> (no interval)"``: at their time or, untimed, at the
        end of the token before; those of one time share a point, separated by spaces. JSON
        (`write_json`) loses nothing.

    Raises
    ------
    DataError
        If a token starts before 0 or ends after `duration`, the folder does not exist, a file
        is there that may not be replaced, or a token or name would not be read back as it is:
        an empty token, or one with a carriage return, a zero character or half of a surrogate pair.

    See Also
    --------
    read_textgrid : reads it back.
    """
    try:
        content = format_textgrid(tiers, duration, short=short).encode("utf-8")
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    return write_atomically(path, lambda part: part.write_bytes(content), overwrite=overwrite)


def write_short_textgrid(*arguments: Any, **options: Any) -> Path:
    """Like `write_textgrid`, but in the short text format."""
    return write_textgrid(*arguments, **options, short=True)


def format_textgrid(
    alignment: Alignment | Mapping[str, Alignment], duration: float, *, short: bool = False
) -> str:
    """The text that `write_textgrid` writes.

    >>> text = format_textgrid(Alignment((TimedToken("two", 0.25, 1.0),)), 1.0)
    >>> text.splitlines()[-3:]
    ['            xmin = 0.25 ', '            xmax = 1 ', '            text = "two" ']
    """
    given = {"words": alignment} if isinstance(alignment, Alignment) else alignment
    if not isinstance(given, Mapping):
        raise DataError(f"expected an Alignment, or several by name, got {shown(given)}")
    seconds = require_number("duration", duration, above=0, error=DataError)
    require(seconds <= LATEST, f"duration must be <= {LATEST:g} s, got {duration} s", DataError)
    end = whole_units(seconds, MICRO) / MICRO
    require(end > 0, f"duration must be > 0 s, got {duration} s", DataError)
    tiers: list[Tier] = []
    for name, tokens in given.items():
        if not isinstance(name, str) or not isinstance(tokens, Alignment):
            raise DataError(f"expected an Alignment by a name, got {shown({name: tokens})}")
        intervals, points = _split(tokens, f"tier {shown(name)}", end)
        tiers.append(Tier(name, True, tuple(_with_blanks(intervals, end))))
        if points:
            taken = {*given, *(tier.name for tier in tiers)}
            extra = next(_free_names(name + UNTIMED_SUFFIX, taken))
            entries = tuple((time, time, label) for time, label in points.items())
            tiers.append(Tier(extra, False, entries))
    lines = _short_lines if short else _long_lines
    return "\n".join([*_HEADER, *lines(tiers, end)]) + "\n"


def read_textgrid(path: str | Path) -> dict[str, Alignment]:
    """Read the tiers of a Praat TextGrid.

    Parameters
    ----------
    path : str or Path
        A TextGrid as Praat reads it: long or short text, chronological text, or binary; the text in
        UTF-8, in UTF-16 with a byte order mark, or else in Latin-1.

    Returns
    -------
    dict of str to Alignment
        The tiers by name, in the order of the file; times in seconds, sorted.

        - Labels are kept as they are, spaces included. Intervals with an empty label are dropped.
        - A point becomes a token without length; its label may be empty.
        - Of tiers of the same name the first keeps it, the others become ``"<name> (2)"``,
          ``"<name> (3)"`` and so on, past names that are taken.
        - Of entries of a tier that start at the same time only the first is kept, as in Praat.
        - Where intervals overlap by at most a microsecond, the later one starts where the earlier
          one ends.

    Raises
    ------
    DataError
        If the file cannot be read, is not a TextGrid, holds several objects (a Collection), or
        has intervals that overlap by more. The message says what, and where.

    Examples
    --------
    >>> from cifviz.resources import resource
    >>> tiers = read_textgrid(resource("clips") / "digits_three.TextGrid")
    >>> list(tiers), tiers["words"].text
    (['words', 'phones'], 'three one four')
    """
    data = read_file(path, "TextGrid", at_most=LARGEST)
    try:
        tiers = parse_textgrid(data)
        names = {tier.name for tier in tiers}
        free: dict[str, Iterator[str]] = {}
        found: dict[str, Alignment] = {}
        for tier in tiers:
            name = tier.name
            if name in found:
                name = next(free.setdefault(name, _free_names(name, names)))
            found[name] = _alignment(tier)
    except DataError as error:
        raise DataError(f"expected a Praat TextGrid, cannot read {path}: {error}") from error
    return found


def _alignment(tier: Tier) -> Alignment:
    """The entries of a tier in order of time, the first at each, without empty intervals."""
    entries: dict[float, tuple[float, str]] = {}
    for start, end, label in tier.entries:
        entries.setdefault(start, (end, label))
    tokens: list[TimedToken] = []
    last = -math.inf
    for start, (end, label) in sorted(entries.items()):
        if tier.is_interval_tier and not label:
            continue
        if start < last - TOLERANCE:
            raise DataError(
                f"intervals that overlap are not supported: in tier {shown(tier.name)} "
                f"{shown(label)} starts at {start} s, before {shown(tokens[-1].token)} ends at "
                f"{last} s"
            )
        start = max(start, last)
        last = max(start, end)
        tokens.append(TimedToken(label, start, last))
    return Alignment(tuple(tokens))


def _free_names(name: str, taken: Container[str]) -> Iterator[str]:
    """The name, "name (2)", "name (3)" …: those that are not taken."""
    numbered = (f"{name} ({number})" for number in count(2))
    return (free for free in chain([name], numbered) if free not in taken)


def _split(
    alignment: Alignment, where: str, duration: float
) -> tuple[list[tuple[float, float, str]], dict[float, str]]:
    """The tokens that fit intervals, and the others by the time of their point."""
    intervals: list[tuple[float, float, str]] = []
    points: dict[float, str] = {}
    last = 0.0
    for token in alignment:
        require(token.token != "", f"{where}: an empty token cannot be read back", DataError)
        if token.start is not None and token.end is not None:
            # Rounded alike on both sides: intervals must share their edges.
            start, last = (whole_units(time, MICRO) / MICRO for time in (token.start, token.end))
            require(
                start >= 0 and last <= duration,
                f"{where}: {shown(token.token)} is from {start} to {last} s, "
                f"the audio from 0 to {duration} s",
                DataError,
            )
            if start < last:
                intervals.append((start, last, token.token))
                continue
        points[last] = f"{points[last]} {token.token}" if last in points else token.token
    return intervals, points


def _with_blanks(
    intervals: list[tuple[float, float, str]], duration: float
) -> Iterator[tuple[float, float, str]]:
    """Intervals without gaps, from 0 to the duration."""
    last = 0.0
    for start, end, label in [*intervals, (duration, duration, "")]:
        if last < start:
            yield last, start, ""
        if start < end:
            yield start, end, label
        last = end


def _short_lines(tiers: list[Tier], duration: float) -> Iterator[str]:
    """The lines below the header in Praat's short text format."""
    yield from ("0", _seconds(duration), "<exists>", str(len(tiers)))
    for tier in tiers:
        yield f'"{"IntervalTier" if tier.is_interval_tier else "TextTier"}"'
        yield from (_quoted(tier.name), "0", _seconds(duration), str(len(tier.entries)))
        for start, end, label in tier.entries:
            yield _seconds(start)
            if tier.is_interval_tier:
                yield _seconds(end)
            yield _quoted(label)


def _long_lines(tiers: list[Tier], duration: float) -> Iterator[str]:
    """The lines below the header in Praat's long text format."""
    span = ["xmin = 0 ", f"xmax = {_seconds(duration)} "]
    yield from span
    yield "tiers? <exists> "
    yield f"size = {len(tiers)} "
    yield "item []: "
    for number, tier in enumerate(tiers, 1):
        kind = "intervals" if tier.is_interval_tier else "points"
        yield f"    item [{number}]:"
        yield f'        class = "{"IntervalTier" if tier.is_interval_tier else "TextTier"}" '
        yield f"        name = {_quoted(tier.name)} "
        yield from (f"        {line}" for line in span)
        yield f"        {kind}: size = {len(tier.entries)} "
        for index, (start, end, label) in enumerate(tier.entries, 1):
            yield f"        {kind} [{index}]:"
            if tier.is_interval_tier:
                yield f"            xmin = {_seconds(start)} "
                yield f"            xmax = {_seconds(end)} "
                yield f"            text = {_quoted(label)} "
            else:
                yield f"            number = {_seconds(start)} "
                yield f"            mark = {_quoted(label)} "


def _seconds(time: float) -> str:
    """A time without an exponent, which some readers of TextGrids do not know."""
    return decimal(whole_units(time, MICRO))


def _quoted(text: str) -> str:
    """A text as it is written in the file, if it can be."""
    problem = _UNWRITABLE.search(text)
    if problem:
        raise DataError(
            f"a TextGrid cannot hold the character {problem[0]!a} of {ascii(text)[:60]}"
        )
    return '"' + text.replace('"', '""') + '"'
