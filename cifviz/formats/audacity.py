r"""Labels of Audacity: a line ``start\tend\tlabel`` each."""

from __future__ import annotations

import re
from pathlib import Path

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import CIFError, DataError, require, shown
from cifviz.formats.timed_entries import (
    MICRO,
    in_order,
    lines_of,
    only_tier,
    parsed_file,
    require_writable,
    seconds_of,
    text_writer,
    written_entries,
)

TOLERANCE = 1.5e-6
"""Tokens may overlap by so many seconds, by rounding."""

_UNWRITABLE = re.compile("[\0\t\n\r\ud800-\udfff]")


write = text_writer(lambda _, tiers: format_audacity(only_tier(tiers, "Audacity")))
"""Write the timed tokens of one tier; see `cifviz.formats.write_alignments`, `format_audacity`."""


def format_audacity(tokens: Alignment) -> str:
    r"""The text that `write` writes, times with six decimals as Audacity has them.

    Raises
    ------
    DataError
        If a token has a tab, a line end or a zero character, or none has times.

    Examples
    --------
    >>> format_audacity(Alignment((TimedToken("one", 0.1, 0.1 + 0.2),)))
    '0.100000\t0.300000\tone\n'
    """
    what = "a tab, a line end or a zero character"
    return "".join(
        f"{_six(start)}\t{_six(end)}\t{require_writable(label, _UNWRITABLE, what, 'Audacity')}\n"
        for start, end, label, _ in written_entries(tokens, MICRO, "Audacity")
    )


def _six(micros: int) -> str:
    whole, rest = divmod(micros, MICRO)
    return f"{whole}.{rest:06d}"


def read(path: str | Path) -> dict[str, Alignment]:
    """The tier "words"; see `cifviz.formats.read_alignments`.

    The ranges of frequencies that some labels have are passed over.

    Raises
    ------
    DataError
        If the file cannot be read, or a line is of another form.
    """
    return {"words": parsed_file(path, "labels of Audacity", parse_audacity)}


def parse_audacity(text: str) -> Alignment:
    r"""The tokens in the text of a label file; errors as of `read`.

    >>> parse_audacity("0.1\t0.3\tone\n\\\t100.0\t200.0\n").tokens
    (TimedToken(token='one', start=0.1, end=0.3, score=None),)
    """
    tokens = []
    for number, line in enumerate(lines_of(text), start=1):
        if not line or line.startswith("\\"):  # the second line of a label, with its frequencies
            continue
        start, *others = line.split("\t", 2)
        try:
            require(len(others) > 0, f"expected start, end and label, got {shown(line)}", DataError)
            end, label = others[0], others[1] if others[1:] else ""
            tokens.append(
                TimedToken(label, seconds_of(start, "a start"), seconds_of(end, "an end"))
            )
        except CIFError as error:
            raise DataError(f"line {number}: {error}") from error
    return in_order(tokens, TOLERANCE)
