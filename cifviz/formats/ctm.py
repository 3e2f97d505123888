"""NIST's CTM: a line for each timed token of a recording, with its confidence.

A line is ``recording channel start duration token confidence``; ``;;`` begins a comment. A file may
hold many recordings, so that the names of alignments are those of recordings: ``"me"`` is channel 1
of ``me``, ``"me B"`` its channel B.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import CIFError, DataError, require, shown
from cifviz.formats.timed_entries import (
    MICRO,
    WHITE_SPACE,
    all_in_order,
    decimal,
    lines_of,
    named_tiers,
    parsed_file,
    require_writable,
    score_of,
    seconds_of,
    text_writer,
    whole_units,
    written_entries,
)

TOLERANCE = 0.02 + 1e-9
"""Tokens may overlap by so many seconds: start and duration are often rounded apart, to 10 ms."""
SPACE = "<space>"
"""Stands for a space in a token."""

_FIRST_CHANNEL = "1"
_UNKNOWN = ("NA", "<NA>")
_UNWRITABLE = re.compile(f"(?! )[\0-\x1f\x7f{WHITE_SPACE}\ud800-\udfff]|{SPACE}|^$")
_UNWRITABLE_NAME = re.compile(f"[\0-\x20\x7f{WHITE_SPACE}\ud800-\udfff]|^;;|^$")


write = text_writer(lambda path, tiers: format_ctm(named_tiers(tiers, recording_name(path))))
"""Write the timed tokens of recordings; see `cifviz.formats.write_alignments` and `format_ctm`."""


def recording_name(path: str | Path) -> str:
    """What a recording is called whose file is named so: without spaces.

    >>> recording_name("takes/my talk.ctm")
    'my_talk'
    """
    return "_".join(filter(None, re.split(f"[{WHITE_SPACE}]+", Path(path).stem)))


def format_ctm(recordings: Mapping[str, Alignment]) -> str:
    """The text that `write` writes; times to microseconds, a space in a token as ``<space>``.

    Raises
    ------
    DataError
        If a token is empty, is ``<space>`` in part or has white space other than spaces, a name
        is no recording or recording and channel, or nothing has times.

    Examples
    --------
    >>> words = Alignment((TimedToken("one", 0.1, 0.3, 0.5), TimedToken("of two", 0.3, 0.5)))
    >>> print(format_ctm({"me": words}), end="")
    me 1 0.1 0.2 one 0.5
    me 1 0.3 0.2 of<space>two
    """
    lines = []
    for name, tokens in recordings.items():
        place = " ".join(recording_and_channel(name, "CTM"))
        for start, end, label, score in written_entries(tokens, MICRO, "CTM"):
            confidence = "" if score is None else f" {decimal(whole_units(score, MICRO))}"
            times = f"{decimal(start)} {decimal(end - start)}"
            lines.append(f"{place} {times} {escaped(label, 'CTM')}{confidence}\n")
    return "".join(lines)


def recording_and_channel(name: str, format_name: str) -> tuple[str, str]:
    """Of the name of an alignment; raises `DataError` if it is none."""
    recording, *channels = name.split(" ")
    channel = channels[0] if channels else _FIRST_CHANNEL
    is_known = len(channels) < 2 and channels != [_FIRST_CHANNEL]
    require(
        is_known and not any(map(_UNWRITABLE_NAME.search, (recording, channel))),
        f"{format_name} holds recordings: expected a name without white space, or a name and a "
        f"channel other than {_FIRST_CHANNEL}, got {ascii(name)[:60]}",
        DataError,
    )
    return recording, channel


def name_of(recording: str, channel: str) -> str:
    """The name of an alignment."""
    return recording if channel == _FIRST_CHANNEL else f"{recording} {channel}"


def escaped(label: str, format_name: str) -> str:
    """A label without spaces; raises `DataError` if it would not be read back."""
    what = f"an empty label, {SPACE}, control characters, or white space other than spaces"
    return require_writable(label, _UNWRITABLE, what, format_name).replace(" ", SPACE)


def read(path: str | Path) -> dict[str, Alignment]:
    """The recordings of a CTM; see `cifviz.formats.read_alignments`.

    Further columns are passed over, as is the confidence ``NA``.

    Raises
    ------
    DataError
        If the file cannot be read, or a line is of another form.
    """
    return parsed_file(path, "CTM", parse_ctm)


def parse_ctm(text: str) -> dict[str, Alignment]:
    """The recordings of the text of a CTM; errors as of `read`.

    >>> parse_ctm("me 1 0.1 0.2 one 0.5")["me"].tokens
    (TimedToken(token='one', start=0.1, end=0.3, score=0.5),)
    """
    found: dict[str, list[TimedToken]] = {}
    for number, fields in numbered_fields(text):
        require(
            len(fields) >= 5,
            f"line {number}: expected recording, channel, start, duration and token, "
            f"got {shown(' '.join(fields))}",
            DataError,
        )
        recording, channel, start, length, label, *more = fields
        token = timed_token(number, start, length, label, more[0] if more else _UNKNOWN[0])
        found.setdefault(name_of(recording, channel), []).append(token)
    return all_in_order(found, TOLERANCE)


def numbered_fields(text: str) -> Iterator[tuple[int, list[str]]]:
    """Number and fields of each line that is neither empty nor a comment."""
    for number, line in enumerate(lines_of(text), start=1):
        stripped = line.strip(" \t")
        if stripped and not stripped.startswith(";;"):
            yield number, re.split("[ \t]+", stripped)


def timed_token(number: int, start: str, length: str, label: str, score: str) -> TimedToken:
    """The token of a line; raises `DataError` if these are no times or no confidence."""
    try:
        begin = seconds_of(start, "a start")
        end = round(begin + seconds_of(length, "a duration"), 9)
        confidence = None if score in _UNKNOWN else score_of(score)
        return TimedToken(label.replace(SPACE, " "), begin, max(begin, end), confidence)
    except CIFError as error:
        raise DataError(f"line {number}: {error}") from error
