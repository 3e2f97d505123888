"""Compares what two runs printed: numbers within tolerances, everything else as it stands."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime
from typing import Any

from cifviz.errors import printable
from cifviz.notebooks.masks import mask
from cifviz.notebooks.tolerances import Tolerances

_NUMBER = (
    r"(?<![\w.])[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
    r"|(?<!\w)[-+]?(?:[nN]a[nN]|[iI]nf(?:inity)?)(?!\w)"
)
_MOMENT = r"(?<!\d)\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?"
_TOKEN = re.compile(f"(?P<moment>{_MOMENT})|(?P<number>{_NUMBER})")
_RULE = re.compile(r"([-=_─*])\1{2,}")
_BRACKET = re.compile(r"(?<=[\[(]) | (?=[\])])")
_SVG_NAMES = ("id", "href", "xlink:href", "clip-path")
"""Attributes of SVG that hold names, which are drawn anew in each run."""

AROUND = 30
"""Characters of a complaint before and after the first difference."""
DAY = 86_400.0
"""Seconds: a moment of the new run that is no further from now is the clock's, and no result."""


def text_difference(before: str, now: str, tolerances: Tolerances) -> str:
    """The first place at which two texts differ, with a few words around it.

    Parameters
    ----------
    before, now : str
        Times, folders and addresses in them are masked, see `cifviz.notebooks.masks`; any white
        space is as good as any other.
    tolerances : Tolerances
        Of the numbers. Two integers must be the same.

    Returns
    -------
    str
        Empty if they do not differ.

    Examples
    --------
    >>> text_difference("mean 0.5 of 3", "mean  0.5000001 of 3", Tolerances())
    ''
    >>> text_difference("mean 0.5 of 3", "mean 0.5 of 4", Tolerances())
    "expected 'mean 0.5 of 3', got 'mean 0.5 of 4'"
    """
    if before == now:
        return ""
    old, new = _plain(before), _plain(now)
    places = _first_difference(old, new, tolerances)
    if places is None:
        return ""
    return f"expected {_around(old, places[0])}, got {_around(new, places[1])}"


def html_difference(before: str, now: str, tolerances: Tolerances) -> str:
    """`text_difference` of what a browser shows of two pieces of HTML: words, tables, alt texts.

    >>> html_difference("<td id='a1'>3</td>", "<td id='b2'>4</td>", Tolerances())
    "expected '3', got '4'"
    """
    if before == now:
        return ""
    return text_difference(_words(before), _words(now), tolerances)


def svg_difference(before: str, now: str, tolerances: Tolerances) -> str:
    """`text_difference` of two drawings in SVG, without ids and the date of drawing."""
    if before == now:
        return ""
    return text_difference(_drawing(before), _drawing(now), tolerances)


def json_difference(before: Any, now: Any, tolerances: Tolerances) -> str:
    """`text_difference` of two values in JSON, whatever the order of their names.

    >>> json_difference({"b": 1.0, "a": 2}, {"a": 2, "b": 1.0000001}, Tolerances())
    ''
    """
    old, new = (json.dumps(value, sort_keys=True) for value in (before, now))
    return text_difference(old, new, tolerances)


def _plain(text: str) -> str:
    """A text in one line, with what depends on the width of numbers made the same."""
    return _BRACKET.sub("", " ".join(_RULE.sub(r"\1\1\1", mask(text)).split()))


def _words(html: str) -> str:
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(html, "html.parser")
    for tag in soup(["style", "script", "template"]):
        tag.decompose()
    alts = [str(image["alt"]) for image in soup("img", alt=True)]
    return " ".join([soup.get_text(" "), *alts])


def _drawing(svg: str) -> str:
    """Elements, attributes and words of a drawing, without names and metadata."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(svg, "html.parser")
    for tag in soup(["metadata"]):
        tag.decompose()
    elements = [
        " ".join([tag.name, *(str(tag[key]) for key in tag.attrs if key not in _SVG_NAMES)])
        for tag in soup(True)
    ]
    return " ".join([*elements, soup.get_text(" ")])


def _first_difference(old: str, new: str, tolerances: Tolerances) -> tuple[int, int] | None:
    """Where two texts begin to differ, in each of them."""
    at = (0, 0)
    first, second = (list(_TOKEN.finditer(text)) for text in (old, new))
    for before, now in zip(first, second, strict=False):
        between = _unlike(old[at[0] : before.start()], new[at[1] : now.start()])
        if between is not None:
            return at[0] + between, at[1] + between
        if not _agree(before, now, tolerances):
            return before.start(), now.start()
        at = before.end(), now.end()
    rest = _unlike(old[at[0] :], new[at[1] :])
    return None if rest is None else (at[0] + rest, at[1] + rest)


def _unlike(before: str, now: str) -> int | None:
    """The first character at which two texts differ."""
    if before == now:
        return None
    pairs = enumerate(zip(before, now, strict=False))
    shorter = min(len(before), len(now))
    return next((place for place, (one, two) in pairs if one != two), shorter)


def _agree(before: re.Match[str], now: re.Match[str], tolerances: Tolerances) -> bool:
    """Whether two moments or two numbers are the same."""
    if before[0] == now[0]:
        return True
    if before.lastgroup != now.lastgroup:
        return False
    if before.lastgroup == "moment":
        return _is_now(now[0])
    if not any(set(one[0].lower()) & set(".einf") for one in (before, now)):
        return False
    return tolerances.agree(float(before[0]), float(now[0]))


def _is_now(moment: str) -> bool:
    try:
        read = datetime.fromisoformat(moment.replace(",", "."))
        return abs(read.timestamp() - time.time()) < DAY
    except (ValueError, OverflowError, OSError):
        return False


def _around(text: str, place: int) -> str:
    """Some words of a text, in one line of printable characters."""
    begin, end = max(0, place - AROUND), place + AROUND
    cut = ("…" if begin else "") + text[begin:end] + ("…" if end < len(text) else "")
    return f"'{printable(cut)}'" if text else "nothing"
