"""Praat's own grammar, as far as a TextGrid needs it: long and short text, chronological, binary.

Praat reads numbers, texts in quotation marks and <flags> that are separated by white space, and
skips every other word. So the long and the short text format are one grammar, and what a text holds
is never taken for syntax.
"""

from __future__ import annotations

import codecs
import math
import re
import struct
from dataclasses import dataclass
from typing import NoReturn, Protocol

from cifviz.errors import DataError, require, shown

CHRONOLOGICAL = '"Praat chronological TextGrid text file"'
BINARY, OLD_BINARY = b"ooBinaryFile", b"TextGridBinaryFile"

_TOKEN = re.compile(
    r"""
    (?: \s++ | ! [^\n]*+ | \+ (?= \s | \Z ) | [^-+0-9"<!\s] \S*+ )*+
    (?: " (?P<text> [^"]*+ (?: "" [^"]*+ )*+ ) " (?= \s | \Z )
      | < (?P<flag> [^>\s]* ) >
      | (?P<number> [-+0-9] \S* )
      | (?P<unclosed> ["<] \S* )
      | \Z
    )
    """,
    re.VERBOSE,
)
_NUMBER = re.compile(
    r"""
    ([-+]?+ [0-9]++ (?: \. [0-9]*+ )?+ (?: [eE] [-+]?+ [0-9]++ )?+ ) (%?+) (?: / ([1-9] [0-9]*+) )?+
    (?! [eE/%] ) [^0-9]*+
    """,
    re.VERBOSE,
)
"""A number, and text without digits behind it, such as a unit: ``0.5s``."""
_NEWER = re.compile(r"[^ ]+ 0*[1-9]")
"""A class in a version that Praat's own readers do not know."""


@dataclass(frozen=True)
class Tier:
    """A tier as it is in the file."""

    name: str
    is_interval_tier: bool
    entries: tuple[tuple[float, float, str], ...]
    """Start, end and label of each; of a point, start and end are the same."""


def parse_textgrid(data: bytes) -> list[Tier]:
    r"""The tiers of a TextGrid, in the order of the file.

    Parameters
    ----------
    data : bytes
        The content of the file.

    Returns
    -------
    list of Tier
        With empty labels, in no particular order of time; times are finite.

    Raises
    ------
    DataError
        If this is not a TextGrid that Praat would read; says what was expected, and where.

    Examples
    --------
    >>> header = 'File type = "ooTextFile"\n"TextGrid" 0 1 <exists> 1 '
    >>> tier = '"IntervalTier" "words" 0 1 size = 1 from 0 to 1 it says "no" ! a comment'
    >>> parse_textgrid((header + tier).encode())[0].entries
    ((0.0, 1.0, 'no'),)
    """
    if data.startswith(BINARY):
        binary = _Binary(data, len(BINARY))
        return _textgrid(binary, binary.class_name())
    if data.startswith(OLD_BINARY):
        return _textgrid(_Binary(data, len(OLD_BINARY)), "TextGrid")
    text = _decoded(data)
    if text.startswith(CHRONOLOGICAL):
        return _chronological(_Text(text, len(CHRONOLOGICAL)))
    first_line, _, _ = text.partition("\n")
    source = _Text(text, len(first_line))
    if "ooTextFile" in first_line:
        return _textgrid(source, source.class_name())
    class_name, is_old, _ = first_line.partition("TextFile")
    require(bool(is_old), f"not a file of Praat: its first line is {shown(first_line)}", DataError)
    return _textgrid(source, class_name)


class _Source(Protocol):
    """What a TextGrid is read from; each call reads the next value."""

    place: str
    """What is being read, for messages."""

    def fail(self, problem: str) -> NoReturn: ...
    def number(self) -> float: ...
    def count(self) -> int: ...
    def text(self) -> str: ...
    def class_name(self) -> str: ...
    def exists(self) -> bool: ...


class _Text:
    def __init__(self, text: str, start: int):
        self.place = "its header"
        self._text = text
        self._tokens = _TOKEN.finditer(text, start)
        self._position = start

    def fail(self, problem: str) -> NoReturn:
        line = self._text.count("\n", 0, self._position) + 1
        raise DataError(f"line {line}, {self.place}: {problem}")

    def number(self) -> float:
        value = self.number_or_end()
        return self.fail("the file ends, expected a number") if value is None else value

    def number_or_end(self) -> float | None:
        """The next number; None at the end of the file."""
        token = self._next("number")
        if token is None:
            return None
        found = _NUMBER.fullmatch(token)
        if not found:
            self.fail(f"expected a number, got {shown(token)}")
        digits, percent, denominator = found.groups()
        value = float(digits) / (100 if percent else 1) / float(denominator or 1)
        if not math.isfinite(value):
            self.fail(f"expected a finite number, got {shown(token)}")
        return value

    def count(self) -> int:
        value = self.number()
        if value < 0 or not value.is_integer():
            self.fail(f"expected how many there are, got {value:g}")
        return int(value)

    def text(self) -> str:
        token = self._next("text")
        if token is None:
            self.fail("the file ends, expected a text in quotation marks")
        return token.replace('""', '"')

    def class_name(self) -> str:
        return _without_version(self.text())

    def exists(self) -> bool:
        token = self._next("flag")
        flag = (token or "").lower()
        if flag not in ("exists", "absent"):
            self.fail(f"expected <exists> or <absent>, got {shown(token or 'the end of the file')}")
        return flag == "exists"

    def _next(self, kind: str) -> str | None:
        """The next token, which must be of this kind; None at the end of the file."""
        token = next(self._tokens, None)
        found = token and token.lastgroup
        if not token or not found:
            self._position = len(self._text)
            return None
        self._position = token.start(found)
        if found == "unclosed":
            self.fail(
                f"{shown(token[found])} is not closed, or not followed by white space; "
                "a quotation mark in a text is doubled"
            )
        if found != kind:
            self.fail(f"expected a {kind}, got the {found} {shown(token[found])}")
        return token[kind]


class _Binary:
    """Numbers are big-endian."""

    def __init__(self, data: bytes, start: int):
        self.place = "its header"
        self._data = data
        self._position = start

    def fail(self, problem: str) -> NoReturn:
        raise DataError(f"byte {self._position}, {self.place}: {problem}")

    def number(self) -> float:
        (value,) = struct.unpack(">d", self._take(8))
        if not math.isfinite(value):
            self.fail(f"expected a finite number, got {value}")
        return float(value)

    def count(self) -> int:
        value = int.from_bytes(self._take(4), "big", signed=True)
        if value < 0:
            self.fail(f"expected how many there are, got {value}")
        return value

    def text(self) -> str:
        """One byte a character or, behind FFFF, UTF-16; its length counts characters."""
        length = int.from_bytes(self._take(2), "big")
        if length < 0xFFFF:
            return self._take(length).decode("latin-1")
        units = bytearray()
        for _ in range(int.from_bytes(self._take(2), "big")):
            unit = self._take(2)
            units += unit + (self._take(2) if 0xD8 <= unit[0] < 0xDC else b"")
        try:
            return units.decode("utf-16-be")
        except UnicodeDecodeError:
            self.fail("expected a text in UTF-16")

    def class_name(self) -> str:
        return _without_version(self._take(self._take(1)[0]).decode("latin-1"))

    def exists(self) -> bool:
        return self._take(1) != b"\0"

    def _take(self, size: int) -> bytes:
        taken = self._data[self._position : self._position + size]
        if len(taken) < size:
            self.fail(f"the file ends, expected {size} bytes more")
        self._position += size
        return taken


def _without_version(class_name: str) -> str:
    """The name of a class as Praat takes it: "IntervalTier 0" is an IntervalTier."""
    return class_name if _NEWER.match(class_name) else class_name.partition(" ")[0]


def _textgrid(source: _Source, class_name: str) -> list[Tier]:
    """A TextGrid, text or binary, behind the name of its class."""
    if class_name == "Collection":
        raise DataError("it holds several objects of Praat; save the TextGrid alone")
    require(
        class_name == "TextGrid",
        f"it holds an object of Praat of the class {shown(class_name)}",
        DataError,
    )
    _span(source)
    if not source.exists():
        return []
    tiers = []
    total = source.count()
    for index in range(total):
        source.place = f"tier {index + 1} of {total}"
        is_interval_tier, name = _is_interval_tier(source), source.text()
        _span(source)
        count = source.count()
        entries = []
        where = f"of {count} of tier {shown(name)}"
        for number in range(1, count + 1):
            source.place = f"entry {number} {where}"
            entries.append(_entry(source, is_interval_tier))
        tiers.append(Tier(name, is_interval_tier, tuple(entries)))
    return tiers


def _chronological(source: _Text) -> list[Tier]:
    """The tiers first, then the entries of all of them, each behind the number of its tier."""
    _span(source)
    tiers: list[tuple[str, bool, list[tuple[float, float, str]]]] = []
    total = source.count()
    for index in range(total):
        source.place = f"tier {index + 1} of {total}"
        is_interval_tier, name = _is_interval_tier(source), source.text()
        _span(source)
        tiers.append((name, is_interval_tier, []))
    source.place = "its entries"
    while (number := source.number_or_end()) is not None:
        if number not in range(1, len(tiers) + 1):
            source.fail(f"expected the number of one of {len(tiers)} tiers, got {number:g}")
        _, is_interval_tier, entries = tiers[int(number) - 1]
        entries.append(_entry(source, is_interval_tier))
    return [Tier(name, is_interval, tuple(entries)) for name, is_interval, entries in tiers]


def _is_interval_tier(source: _Source) -> bool:
    """What the class of a tier says."""
    class_name = source.class_name()
    if class_name not in ("IntervalTier", "TextTier"):
        source.fail(f"expected an IntervalTier or a TextTier, got {shown(class_name)}")
    return class_name == "IntervalTier"


def _entry(source: _Source, is_interval: bool) -> tuple[float, float, str]:
    """An interval, or a point."""
    if is_interval:
        return *_span(source), source.text()
    time = source.number()
    return time, time, source.text()


def _span(source: _Source) -> tuple[float, float]:
    """Two times in order."""
    start, end = source.number(), source.number()
    if start > end:
        source.fail(f"expected a start before an end, got {start:g} and {end:g}")
    return start, end


def _decoded(data: bytes) -> str:
    """Text with Unix line ends, from UTF-16, UTF-8 or else Latin-1, without zeros, as in Praat.

    UTF-16 without a byte order mark is known by the zero beside its first character.
    """
    marked = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    zeros = data[:2].count(0) == 1
    if marked or zeros:
        encoding = "utf-16" if marked else "utf-16-le" if data[0] else "utf-16-be"
        try:
            text = data[: len(data) // 2 * 2].decode(encoding)
        except UnicodeDecodeError as error:
            raise DataError(f"byte {error.start}: expected UTF-16, as the file begins") from error
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("latin-1")
            require(not _has_surrogates(data), "expected UTF-8, it holds surrogates", DataError)
    return text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")


def _has_surrogates(data: bytes) -> bool:
    """True for what would be UTF-8, were it not for surrogates, which only UTF-16 has."""
    try:
        data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True
