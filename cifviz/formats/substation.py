"""Advanced SubStation Alpha (ASS): a subtitle for each timed token, by the library pysubs2.

The name of a tier is the actor's name of its subtitles.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import CIFError, DataError, require, shown
from cifviz.formats.timed_entries import (
    CENTI,
    Entry,
    all_in_order,
    named_tiers,
    parsed_file,
    text_writer,
    written_entries,
)

TOLERANCE = 0.0105
"""Tokens may overlap by so many seconds, by rounding."""
LATEST_CENTI = 10 * 3600 * CENTI - 1
"""The latest time of ASS, 9:59:59.99."""

_OVERRIDE = re.compile(r"\{[^{}]*\}")
_BREAK = re.compile(r"\\[Nn]")
_LONG_HEADING = re.compile(r"^.{0,3}\[.{1000}", re.MULTILINE)
"""For which the parser of pysubs2 would take very long."""


write = text_writer(lambda _, tiers: format_substation(named_tiers(tiers)))
"""Write the timed tokens of all tiers; see `write_alignments` and `format_substation`."""


def format_substation(tiers: Mapping[str, Alignment]) -> str:
    r"""The text that `write` writes: times to 10 ms, each subtitle at least one long.

    Raises
    ------
    DataError
        If pysubs2 is not installed; a token or a name would not be read back, such as one with
        braces, ``\N`` or spaces at its ends; a time is past 9:59:59.99; nothing has times.

    Examples
    --------
    >>> text = format_substation({"words": Alignment((TimedToken("one", 0.25, 0.5),))})
    >>> text.splitlines()[-1]
    'Dialogue: 0,0:00:00.25,0:00:00.50,Default,words,0,0,0,,one'
    """
    pysubs2 = pysubs2_library()
    subtitles = pysubs2.SSAFile()
    written: list[tuple[str, Entry]] = []
    for name, tokens in tiers.items():
        require(name != "", "ASS cannot hold a tier without a name", DataError)
        written += [(name, entry) for entry in written_entries(tokens, CENTI, "ASS")]
    for name, (start, end, label, _) in written:
        end = max(end, start + 1)
        require(end <= LATEST_CENTI, f"ASS ends at 9:59:59.99, {shown(label)} is later", DataError)
        text = label.replace("\n", r"\N")
        event = pysubs2.SSAEvent(start=10 * start, end=10 * end, name=name, text=text)
        subtitles.append(event)
    text = str(subtitles.to_string("ass"))
    found = [(name, token.token) for name, token in _subtitles(text)]
    for index, (name, entry) in enumerate(written):
        require(
            index < len(found) and found[index] == (name, entry.label),
            r"ASS cannot hold braces, \N, \n, \h, most line ends, spaces at the end of a label, or "
            f"a comma in the name of a tier: cannot write {ascii(entry.label)[:60]} of "
            f"tier {ascii(name)[:60]}",
            DataError,
        )
    return text


def read(path: str | Path) -> dict[str, Alignment]:
    """The subtitles of each actor, as tiers, without markup; "words" are those of none.

    See `cifviz.formats.read_alignments`.

    Raises
    ------
    DataError
        If pysubs2 is not installed, the file cannot be read, or is no ASS.
    """
    pysubs2_library()
    return parsed_file(path, "ASS subtitles", parse_substation)


def parse_substation(text: str) -> dict[str, Alignment]:
    """The tiers in the text of an ASS; errors as of `read`."""
    require("[Events]" in text, "it has no [Events]", DataError)
    found: dict[str, list[TimedToken]] = {}
    for name, token in _subtitles(text):
        found.setdefault(name or "words", []).append(token)
    return all_in_order(found, TOLERANCE)


def _subtitles(text: str) -> list[tuple[str, TimedToken]]:
    """Actor and token of each subtitle, in the order of the file."""
    require(not _LONG_HEADING.search(text), "it has a heading that is too long", DataError)
    pysubs2 = pysubs2_library()
    try:
        with warnings.catch_warnings():  # of fields that do not matter here
            warnings.simplefilter("ignore")
            events = pysubs2.SSAFile.from_string(text, format_="ass").get_text_events()
    except (ValueError, TypeError, LookupError, ArithmeticError, pysubs2.Pysubs2Error) as error:
        raise DataError(shown(str(error))) from error
    found = []
    for event in events:
        try:
            require(event.start >= 0, "expected times from 0", DataError)
            label = _BREAK.sub("\n", _OVERRIDE.sub("", event.text)).replace(r"\h", " ")
            found.append((event.name, TimedToken(label, event.start / 1000, event.end / 1000)))
        except CIFError as error:
            raise DataError(f"subtitle {len(found) + 1}: {error}") from error
    return found


def pysubs2_library() -> ModuleType:
    """The library; raises `DataError` if it is not installed."""
    try:
        import pysubs2
    except ImportError as error:
        raise DataError(
            'ASS subtitles need the library pysubs2: pip install "cifviz[formats]"'
        ) from error
    return pysubs2
