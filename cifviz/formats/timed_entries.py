"""What the formats share: times as whole numbers, tokens in order, text of any usual encoding."""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import CIFError, DataError, require, shown
from cifviz.resources import read_file, write_atomically

LARGEST = 2**28
"""Bytes of the largest file that is read."""
LATEST = 1e8
"""Seconds of the latest time in a file, three years: in a float it still has its microseconds."""
MICRO, MILLI, CENTI = 10**6, 10**3, 10**2
"""Units in a second."""

WHITE_SPACE = (
    "\t\n\x0b\x0c\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""What Python or JavaScript takes for white space, for a class of a regular expression."""

_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,4})?")
_SURROGATE = re.compile("[\ud800-\udfff]")

Result = TypeVar("Result")
Tiers = Alignment | Mapping[str, Alignment]
"""One alignment, or several by the names of their tiers."""


class Entry(NamedTuple):
    """A token as it is written."""

    start: int
    end: int
    """In units of the format, such as microseconds."""
    label: str
    score: float | None


# --- writing -------------------------------------------------------------------------------------


def whole_units(seconds: float, units: int) -> int:
    """Seconds in whole units of a format, rounded; halves go up, as in JavaScript.

    >>> whole_units(0.1 + 0.2, MICRO), whole_units(0.0005, MILLI)
    (300000, 1)
    """
    return math.floor(seconds * units + 0.5)


def decimal(micros: int) -> str:
    """Microseconds in seconds, without an exponent and without zeros at the end.

    >>> decimal(250_000), decimal(3_600_000_000), decimal(1)
    ('0.25', '3600', '0.000001')
    """
    whole, rest = divmod(micros, MICRO)
    return f"{whole}.{rest:06d}".rstrip("0").rstrip(".")


def named_tiers(tiers: object, name: str = "words") -> Mapping[str, Alignment]:
    """Alignments by name; a single one has the given name.

    Raises
    ------
    DataError
        If it is something else.
    """
    given = {name: tiers} if isinstance(tiers, Alignment) else tiers
    if not isinstance(given, Mapping):
        raise DataError(f"expected an Alignment, or several by name, got {shown(given)}")
    for key, tokens in given.items():
        if not isinstance(key, str) or not isinstance(tokens, Alignment):
            raise DataError(f"expected an Alignment by a name, got {shown({key: tokens})}")
    return given


def only_tier(tiers: object, format_name: str) -> Alignment:
    """The tier of a format that holds one.

    Raises
    ------
    DataError
        If there are none or several.
    """
    given = named_tiers(tiers)
    require(len(given) == 1, f"{format_name} holds one tier, got {len(given)}", DataError)
    return next(iter(given.values()))


def written_entries(tokens: Alignment, units: int, format_name: str) -> list[Entry]:
    """The timed tokens in whole units of a format that has no place for others.

    Raises
    ------
    DataError
        If there are tokens and none has times, or one starts before 0 or ends after `LATEST`.
    """
    timed = tokens.timed
    require(
        bool(timed) or not len(tokens),
        f"{format_name} holds times, and none of the {len(tokens)} tokens has any; JSON and CSV "
        "hold tokens without times",
        DataError,
    )
    return [
        Entry(
            _checked_time(token.start, token, units, format_name),
            _checked_time(token.end, token, units, format_name),
            token.token,
            token.score,
        )
        for token in timed
    ]


def _checked_time(seconds: float | None, token: TimedToken, units: int, format_name: str) -> int:
    assert seconds is not None
    found = whole_units(seconds, units) if seconds <= LATEST else -1
    require(
        found >= 0,
        f"{format_name} holds times from 0 to {LATEST:g} s, {shown(token.token)} is from "
        f"{token.start:g} to {token.end:g} s",
        DataError,
    )
    return found


def require_writable(label: str, unwritable: re.Pattern[str], what: str, format_name: str) -> str:
    """The label, or name, if nothing in it is unwritable in a format; `what` says what would be.

    Raises
    ------
    DataError
        If it cannot be written.
    """
    require(
        not unwritable.search(label),
        f"{format_name} cannot hold {what}: it is in {ascii(label)[:60]}",
        DataError,
    )
    return label


def text_writer(make: Callable[[str | Path, Tiers], str]) -> Callable[..., Path]:
    """The writer of a format whose files are texts; see `cifviz.formats.write_alignments`.

    Parameters
    ----------
    make : callable
        Gives the text of a path and of what is to be written; raises `DataError` for what the
        format cannot hold.
    """

    def write(
        path: str | Path,
        tiers: Tiers,
        duration: float,
        *,
        details: Mapping[str, Any] | None = None,
        overwrite: bool = False,
    ) -> Path:
        try:
            text = make(path, tiers)
            problem = _SURROGATE.search(text)
            require(not problem, "UTF-8 cannot hold half of a surrogate pair", DataError)
        except DataError as error:
            raise DataError(f"{path}: {error}") from error
        content = text.encode("utf-8")
        return write_atomically(path, lambda part: part.write_bytes(content), overwrite=overwrite)

    return write


# --- reading -------------------------------------------------------------------------------------


def parsed_file(path: str | Path, what: str, parse: Callable[[str], Result]) -> Result:
    """What a parser makes of the text of a file, or one error that names the file.

    Parameters
    ----------
    path : str or Path
    what : str
        What it should be, for messages.
    parse : callable
        Takes the text.

    Raises
    ------
    DataError
        If the file cannot be read or is larger than `LARGEST`, or the parser refuses it.
    """
    data = read_file(path, what, at_most=LARGEST)
    try:
        return parse(decoded(data))
    except CIFError as error:
        raise DataError(f"expected {what}, cannot read {path}: {error}") from error


def decoded(data: bytes) -> str:
    r"""Text in UTF-8, or in UTF-16 with its byte order mark, without the mark.

    Raises
    ------
    DataError
        If it is neither.

    Examples
    --------
    >>> decoded("é\r\n".encode("utf-8-sig")), decoded("é\n".encode("utf-16"))
    ('é\r\n', 'é\n')
    """
    is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"expected UTF-8, or UTF-16 with a byte order mark, byte {error.start} is neither"
        ) from error


def lines_of(text: str) -> list[str]:
    """Lines that end as on Unix, Windows or an old Mac; other separators stay inside."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def seconds_of(digits: str, what: str) -> float:
    """A time or a duration.

    Raises
    ------
    DataError
        If it is no number from 0 to `LATEST`.
    """
    value = float(digits) if _NUMBER.fullmatch(digits) else math.nan
    require(0 <= value <= LATEST, f"expected {what} in seconds, got {shown(digits)}", DataError)
    return value + 0.0  # no negative zero


def score_of(digits: str) -> float:
    """A confidence; raises `DataError` if it is no number from 0 to 1."""
    value = float(digits) if _NUMBER.fullmatch(digits) else math.nan
    require(0 <= value <= 1, f"expected a confidence from 0 to 1, got {shown(digits)}", DataError)
    return value + 0.0


def in_order(tokens: Sequence[TimedToken], tolerance: float) -> Alignment:
    """Tokens of a file by their starts; an untimed one stays behind the one before it.

    Parameters
    ----------
    tokens : sequence of TimedToken
        In the order of the file.
    tolerance : float
        Tokens may overlap by so many seconds, by rounding: then the later one starts where the
        earlier one ends.

    Raises
    ------
    DataError
        If two overlap by more.

    Examples
    --------
    >>> late, soon = TimedToken("b", 0.2, 0.3), TimedToken("a", 0.1, 0.201)
    >>> in_order([late, soon], 0.0015).spans
    ((0.1, 0.201), (0.201, 0.3))
    """
    # 1. Groups of a timed token and the untimed ones behind it, by their starts.
    groups: list[list[TimedToken]] = [[]]
    for token in tokens:
        if token.is_timed:
            groups.append([])
        groups[-1].append(token)
    first, *others = groups
    others.sort(key=lambda group: group[0].start or 0.0)
    # 2. Small overlaps.
    kept, last = list(first), 0.0
    for timed, *untimed in others:
        start, end = timed.start or 0.0, timed.end or 0.0
        require(
            start >= last - tolerance,
            f"tokens that overlap are not supported: {shown(timed.token)} starts at {start:g} s, "
            f"before the one before it ends at {last:g} s",
            DataError,
        )
        start = max(start, last)
        last = max(start, end)
        kept += [TimedToken(timed.token, start, last, timed.score), *untimed]
    return Alignment(tuple(kept))


def all_in_order(
    tiers: Mapping[str, Iterable[TimedToken]], tolerance: float
) -> dict[str, Alignment]:
    """Several tiers `in_order`; an error names its tier."""
    found = {}
    for name, tokens in tiers.items():
        try:
            found[name] = in_order(list(tokens), tolerance)
        except CIFError as error:
            raise DataError(f"{shown(name)}: {error}") from error
    return found
