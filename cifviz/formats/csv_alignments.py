"""Alignments as a table: tier, token, start, end and score of each token, separated by commas."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from pathlib import Path

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import CIFError, DataError, require, shown
from cifviz.formats.timed_entries import (
    LATEST,
    MICRO,
    all_in_order,
    decimal,
    named_tiers,
    parsed_file,
    require_writable,
    score_of,
    seconds_of,
    text_writer,
    whole_units,
)

COLUMNS = ("tier", "token", "start", "end", "score")
TOLERANCE = 1.5e-6
"""Tokens may overlap by so many seconds, by rounding."""

_UNWRITABLE = re.compile("[\0\ud800-\udfff]")
# What a spreadsheet takes for the beginning of a formula, in any width.
_FORMULA = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
_GUARDED = re.compile("'+[=+\\-@\t\r\n＝＋－＠]")


write = text_writer(lambda _, tiers: format_csv(named_tiers(tiers)))
"""Write all tiers, untimed tokens included; see `write_alignments` and `format_csv`."""


def format_csv(tiers: Mapping[str, Alignment]) -> str:
    r"""The text that `write` writes: names and labels quoted, times to microseconds, Windows' ends.

    A label that a spreadsheet would take for a formula begins with ``'``, which `read` takes away.

    Raises
    ------
    DataError
        If a label or a name has a zero character, or a token starts before 0.

    Examples
    --------
    >>> format_csv({"words": Alignment((TimedToken("=1", 0.1, 0.3), TimedToken("uh")))})
    'tier,token,start,end,score\r\n"words","\'=1",0.1,0.3,\r\n"words","uh",,,\r\n'
    """
    rows = [",".join(COLUMNS)]
    for name, tokens in tiers.items():
        for token in tokens:
            numbers = (_time(token, token.start), _time(token, token.end), _score(token))
            rows.append(",".join((_quoted(name), _quoted(token.token), *numbers)))
    return "\r\n".join([*rows, ""])


def _quoted(text: str) -> str:
    require_writable(text, _UNWRITABLE, "a zero character", "CSV")
    guard = "'" if _FORMULA.match(text) else ""
    doubled = text.replace('"', '""')
    return f'"{guard}{doubled}"'


def _time(token: TimedToken, seconds: float | None) -> str:
    if seconds is None:
        return ""
    require(
        0 <= seconds <= LATEST,
        f"CSV holds times from 0 to {LATEST:g} s, {shown(token.token)} is from {token.start:g} s "
        f"to {token.end:g} s",
        DataError,
    )
    return decimal(whole_units(seconds, MICRO))


def _score(token: TimedToken) -> str:
    return "" if token.score is None else decimal(whole_units(token.score, MICRO))


def read(path: str | Path) -> dict[str, Alignment]:
    """The tiers of a table with the columns token, start and end; tier and score may be missing.

    See `cifviz.formats.read_alignments`.

    Raises
    ------
    DataError
        If the file cannot be read, a column is missing, or a row is no token.
    """
    return parsed_file(path, "CSV table of tokens", parse_csv)


def parse_csv(text: str) -> dict[str, Alignment]:
    r"""The tiers in the text of a table; errors as of `read`.

    >>> parse_csv("token,start,end\none,0.1,0.3\nuh,,")["words"].text
    'one uh'
    """
    found: dict[str, list[TimedToken]] = {}
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(rows, [])
        missing = [name for name in ("token", "start", "end") if name not in header]
        require(not missing, f"expected the columns {', '.join(COLUMNS)}, no {missing}", DataError)
        for cells in rows:
            if not cells:
                continue
            require(
                len(cells) == len(header),
                f"line {rows.line_num}: expected {len(header)} cells, got {len(cells)}",
                DataError,
            )
            row = dict(zip(header, cells, strict=True))
            name = _unguarded(row.get("tier", "words"))
            found.setdefault(name, []).append(_token(row, rows.line_num))
    except csv.Error as error:
        raise DataError(f"line {rows.line_num}: {error}") from error
    return all_in_order(found, TOLERANCE)


def _token(row: Mapping[str, str], line: int) -> TimedToken:
    try:
        start, end, score = row["start"], row["end"], row.get("score", "")
        return TimedToken(
            _unguarded(row["token"]),
            seconds_of(start, "a start") if start else None,
            seconds_of(end, "an end") if end else None,
            score_of(score) if score else None,
        )
    except CIFError as error:
        raise DataError(f"line {line}: {error}") from error


def _unguarded(text: str) -> str:
    return text[1:] if _GUARDED.match(text) else text
