"""Like SRT, but W3C's WebVTT: a header, no numbers, and ``&lt;`` for ``<``."""

from __future__ import annotations

import html
import re
from pathlib import Path

from cifviz.alignment.timed_tokens import Alignment
from cifviz.errors import DataError, require, shown
from cifviz.formats.srt import BLANK_LINE, TIMING, TOLERANCE, subtitle, timing
from cifviz.formats.timed_entries import (
    MILLI,
    in_order,
    lines_of,
    only_tier,
    parsed_file,
    require_writable,
    text_writer,
    written_entries,
)

HEADER = "WEBVTT"

_UNWRITABLE = re.compile(f"[\0\r\ud800-\udfff]|{BLANK_LINE}")
_TAG = re.compile("<[^<>]*>")


write = text_writer(lambda _, tiers: format_webvtt(only_tier(tiers, "WebVTT")))
"""Write the timed tokens of one tier; see `cifviz.formats.write_alignments` and `format_webvtt`."""


def format_webvtt(tokens: Alignment) -> str:
    r"""The text that `write` writes: times to milliseconds, each subtitle at least one long.

    Raises
    ------
    DataError
        If a token has an empty line, a carriage return or a zero character, or none has times.

    Examples
    --------
    >>> from cifviz import TimedToken
    >>> format_webvtt(Alignment((TimedToken("<unk>", 0.25, 0.5),))).split("\n")[2:4]
    ['00:00:00.250 --> 00:00:00.500', '&lt;unk&gt;']
    """
    what = "an empty line, a carriage return or a zero character"
    subtitles = []
    for start, end, label, _ in written_entries(tokens, MILLI, "WebVTT"):
        writable = require_writable(label, _UNWRITABLE, what, "WebVTT")
        subtitles.append(f"\n{timing(start, end, '.')}\n{html.escape(writable, quote=False)}\n")
    return "".join([f"{HEADER}\n", *subtitles])


def read(path: str | Path) -> dict[str, Alignment]:
    """The tier "words", without markup, notes and styles; see `cifviz.formats.read_alignments`.

    Raises
    ------
    DataError
        If the file cannot be read, or is no WebVTT.
    """
    return {"words": parsed_file(path, "WebVTT subtitles", parse_webvtt)}


def parse_webvtt(text: str) -> Alignment:
    r"""The subtitles in the text of a WebVTT as tokens; errors as of `read`.

    >>> parse_webvtt("WEBVTT\n\n00:00.250 --> 00:00.500 line:0\n<v Ann>R&amp;B</v>\n").tokens
    (TimedToken(token='R&B', start=0.25, end=0.5, score=None),)
    """
    lines = lines_of(text)
    require(
        re.match(rf"{HEADER}(?:[ \t]|$)", lines[0]) is not None,
        f"expected {HEADER} in the first line, got {shown(lines[0])}",
        DataError,
    )
    tokens = []
    block: list[str] = []  # the lines since the last empty one
    for number, line in enumerate([*lines[1:], ""], start=2):
        if line:
            block.append(line)
            continue
        # Times stand in the first line of a block, or below its name; notes and styles have none.
        place = next((index for index, one in enumerate(block[:2]) if "-->" in one), None)
        if place is not None:
            first = number - len(block) + place
            found = TIMING.match(block[place])
            if found is None:
                raise DataError(f"line {first}: expected times, got {shown(block[place])}")
            label = html.unescape(_TAG.sub("", "\n".join(block[place + 1 :])))
            tokens.append(subtitle(first, found, label))
        block = []
    return in_order(tokens, TOLERANCE)
