"""SubRip's SRT: a subtitle for each timed token.

The library pysubs2, which writes ASS here (`cifviz.formats.substation`), takes braces, backslashes
and words such as ``<unk>`` of any format for markup, and its WebVTT knows no ``&lt;``. Tokens shall
stay what they are, so SRT and WebVTT are read and written here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import CIFError, DataError, require, shown
from cifviz.formats.timed_entries import (
    LATEST,
    MILLI,
    WHITE_SPACE,
    in_order,
    lines_of,
    only_tier,
    parsed_file,
    require_writable,
    text_writer,
    written_entries,
)

TOLERANCE = 0.0015
"""Tokens may overlap by so many seconds, by rounding."""

_BLANK = f"[{WHITE_SPACE.replace(chr(10), '')}]*"
BLANK_LINE = rf"^{_BLANK}\n|\n{_BLANK}(?:\n|\Z)"
"""In a token, a line of white space beside another line."""
_MARKUP = re.compile(
    rf"</?(?:[bBiIuU]|[fF][oO][nN][tT])(?:[{WHITE_SPACE}][^<>]*)?>|\{{\\[^{{}}]*\}}"
)
_UNWRITABLE = re.compile(f"[\0\r\ud800-\udfff]|{BLANK_LINE}|-->|{_MARKUP.pattern}")
_TIME = r"(?:([0-9]{1,6}):)?([0-9]{1,2}):([0-9]{1,2})[.,]([0-9]{1,3})"
TIMING = re.compile(rf"[ \t]*{_TIME}[ \t]*-->[ \t]*{_TIME}(?![0-9]).*")


write = text_writer(lambda _, tiers: format_srt(only_tier(tiers, "SRT")))
"""Write the timed tokens of one tier; see `cifviz.formats.write_alignments` and `format_srt`."""


def format_srt(tokens: Alignment) -> str:
    """The text that `write` writes: times to milliseconds, each subtitle at least one long.

    Raises
    ------
    DataError
        If a token has an empty line, an arrow ``-->``, markup such as ``<i>``, a carriage return or
        a zero character, or none has times.

    Examples
    --------
    >>> print(format_srt(Alignment((TimedToken("one", 0.25, 0.5),))).rstrip())
    1
    00:00:00,250 --> 00:00:00,500
    one
    """
    what = "an empty line, -->, markup such as <i>, a carriage return or a zero character"
    return "".join(
        f"{number}\n{timing(start, end, ',')}\n"
        f"{require_writable(label, _UNWRITABLE, what, 'SRT')}\n\n"
        for number, (start, end, label, _) in enumerate(written_entries(tokens, MILLI, "SRT"), 1)
    )


def timing(start: int, end: int, point: str) -> str:
    """The line of times of a subtitle, of milliseconds."""
    return f"{_clock(start, point)} --> {_clock(max(end, start + 1), point)}"


def _clock(milliseconds: int, point: str) -> str:
    seconds, rest = divmod(milliseconds, MILLI)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02d}:{minute:02d}:{second:02d}{point}{rest:03d}"


def read(path: str | Path) -> dict[str, Alignment]:
    """The tier "words", without markup; see `cifviz.formats.read_alignments`.

    Raises
    ------
    DataError
        If the file cannot be read, or is no SRT.
    """
    return {"words": parsed_file(path, "SRT subtitles", parse_srt)}


def parse_srt(text: str) -> Alignment:
    r"""The subtitles in the text of an SRT as tokens; errors as of `read`.

    >>> parse_srt("1\n00:00:00,250 --> 00:00:00,500\n<i>one</i>\n").tokens
    (TimedToken(token='one', start=0.25, end=0.5, score=None),)
    """
    # 1. Where subtitles begin.
    lines = lines_of(text)
    timings = [(index, found) for index, line in enumerate(lines) if (found := TIMING.match(line))]
    before = lines[: timings[0][0]] if timings else lines
    strange = next((line for line in before if line.strip() and not _is_number(line)), None)
    require(strange is None, f"expected a number or times, got {shown(strange)}", DataError)
    # 2. Their lines, up to the number of the next one.
    tokens = []
    ends = [*(index for index, _ in timings[1:]), None]
    for (index, found), end in zip(timings, ends, strict=False):
        own = lines[index + 1 : end]
        if end is not None and own and _is_number(own[-1]) and not "".join(own[-2:-1]).strip():
            own.pop()
        while len(own) > 1 and not own[-1].strip():
            own.pop()
        tokens.append(subtitle(index + 1, found, _MARKUP.sub("", "\n".join(own))))
    return in_order(tokens, TOLERANCE)


def _is_number(line: str) -> bool:
    return re.fullmatch(r"\s*[0-9]+\s*", line) is not None


def subtitle(line: int, times: re.Match[str], text: str) -> TimedToken:
    """A subtitle as a token, of the match of `TIMING`; raises `DataError` if its times are none."""
    groups: Sequence[str | None] = times.groups()
    start, end = _seconds(groups[:4]), _seconds(groups[4:])
    try:
        require(
            end <= LATEST, f"expected times up to {LATEST:g} s, got {shown(times[0])}", DataError
        )
        return TimedToken(text, start, end)
    except CIFError as error:
        raise DataError(f"line {line}: {error}") from error


def _seconds(parts: Sequence[str | None]) -> float:
    hours, minutes, seconds, fraction = (part or "0" for part in parts)
    whole = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
    return (whole * MILLI + int(fraction.ljust(3, "0"))) / MILLI
