"""What all drawing functions share: the Axes they draw on, legends, and labels of any content."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any
from unicodedata import east_asian_width

import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure, SubFigure
from matplotlib.legend import Legend
from matplotlib.textpath import text_to_path

from cifviz.errors import require
from cifviz.locks import one_at_a_time
from cifviz.plot.fonts import families, is_drawable
from cifviz.plot.palette import STYLE, Keywords, styled, token_look

MOST_COLUMNS = 16
"""Longer labels are cut, and end in "…"; a Chinese character takes two columns."""

LONGEST_WORDS = 200
"""Characters of a token in the description of a picture."""

MOST_AREAS = 1000
"""More areas than this are drawn as one collection, in their colours but without patterns, outlines
and names: none of them could be told apart, and each takes milliseconds."""

ROW_COLUMNS = 9
"""Space for a token's name at the left of its row; see `displayable`."""


def resolve(ax: Axes | None) -> Axes:
    """The Axes to draw on: `ax`, or without one the current Axes of pyplot.

    Raises
    ------
    CIFError
        If `ax` is something else.
    """
    if ax is None:
        from matplotlib import pyplot as plt

        return plt.gca()
    require(isinstance(ax, Axes), f"ax must be a matplotlib Axes, got {type(ax).__name__}")
    return ax


def show_time(ax: Axes, start: float, end: float) -> None:
    """Give the x axis its words, and space for start … end unless its limits were set by hand."""
    ax.set_xlabel("time (s)")
    ax.update_datalim([(start, 0.0), (end, 0.0)], updatey=False)
    if ax.get_autoscalex_on():
        ax.margins(x=0)
        ax.autoscale_view(scaley=False)


def add_lines(ax: Axes, lines: Iterable[Any], **look: Any) -> LineCollection:
    """Add lines that do not move the limits of the Axes."""
    drawn = LineCollection([np.asarray(line) for line in lines], **look)
    ax.add_collection(drawn, autolim=False)
    return drawn


def crowd(
    ax: Axes, outlines: Iterable[np.ndarray], tokens: Iterable[int | None], given: Keywords
) -> PolyCollection:
    """Many areas of tokens as one collection; see `MOST_AREAS`."""
    colours = [token_look(token)["facecolor"] for token in tokens]
    look = styled(given, facecolor=colours, linewidth=0.0, alpha=0.75)
    areas = PolyCollection(list(outlines), **look)
    ax.add_collection(areas)
    return areas


def box_outlines(left: Any, right: Any, lower: Any, upper: Any) -> np.ndarray:
    """Corners of boxes (boxes, 4, 2)."""
    left, right, lower, upper = np.broadcast_arrays(left, right, lower, upper)
    return np.stack(
        [
            np.stack([x, y], axis=-1)
            for x, y in ((left, lower), (left, upper), (right, upper), (right, lower))
        ],
        axis=1,
    )


def legend_above(ax: Axes, **look: Any) -> Legend:
    """A legend above the Axes: inside, there is no place that is always free."""
    above = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "borderaxespad": 0.2}
    return ax.legend(**{**above, "fontsize": STYLE["text_size"], "frameon": False, **look})


def token_axis(ax: Axes, names: Sequence[str], first: int = 0) -> int:
    """Make the y axis one of tokens, a row of height 1 for each, the first one on top.

    The rows are those of the tokens from `first` on. Where there are more rows than names fit, each
    second, third … is named; which, is returned.
    """
    count, size = len(names), STYLE["text_size"]
    ax.set_ylim(first + max(count, 1), first)
    step = max(1, int(np.ceil(count * 1.2 * size / height_in_points(ax))))
    shown = [displayable(name, ROW_COLUMNS) for name in names[::step]]
    ax.set_yticks(first + np.arange(count)[::step] + 0.5, shown, fontsize=size, **plain_text())
    ax.set_ylabel("token")
    return step


def counted(number: int, thing: str) -> str:
    """A number with its noun.

    >>> counted(1, "token"), counted(2, "token")
    ('1 token', '2 tokens')
    """
    return f"{number} {thing}{'' if number == 1 else 's'}"


def ordinal(number: int) -> str:
    """A number in a row.

    >>> [ordinal(number) for number in (2, 3, 4, 11, 21, 112)]
    ['2nd', '3rd', '4th', '11th', '21st', '112th']
    """
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number // 10 % 10 == 1 else ending}"


def signed(number: float) -> str:
    """Rounded to an integer, with its sign: that of typography, as on the axes.

    >>> signed(-1.7), signed(3.0)
    ('−2', '+3')
    """
    return f"{round(number):+d}".replace("-", "−")


def displayable(label: str, columns: int = MOST_COLUMNS) -> str:
    r"""A label as it can be shown with the fonts at hand.

    Parameters
    ----------
    label : str
        Any text.
    columns : int
        Space for it; wide characters take two columns.

    Returns
    -------
    str
        Without what cannot be printed: a control character, or a character that no installed font
        has, becomes its escaped code point. A label without visible characters is
        quoted. A long one is cut and ends in "…".

    Examples
    --------
    >>> displayable("naïve"), displayable("two\nlines"), displayable("")
    ('naïve', 'two\\nlines', "''")
    >>> displayable("incomprehensibility", columns=8)
    'incompr…'
    """
    if not label.strip():
        label = repr(label)
    parts = [
        character if character.isprintable() and is_drawable(character) else _escaped(character)
        for character in label[: columns + 1]
    ]
    ends = list(accumulate(sum(map(_columns, part)) for part in parts))
    if ends[-1] <= columns:
        return "".join(parts)
    return "".join(part for part, end in zip(parts, ends, strict=True) if end < columns) + "…"


def plain_text() -> dict[str, Any]:
    """Properties of a text of any content: `$` is a dollar sign, not the start of a formula.

    >>> plain_text()["parse_math"]
    False
    """
    return {"parse_math": False, "usetex": False, "fontfamily": list(families())}


@one_at_a_time
def text_widths(labels: Iterable[str], size: float, ax: Axes) -> list[float]:
    """Widths of labels on the x axis, in its unit, at its present limits and size."""
    properties = font_manager.FontProperties(family=list(families()), size=size)
    left, right = ax.get_xlim()
    return [
        text_to_path.get_text_width_height_descent(label, properties, False)[0]
        * abs(right - left)
        / width_in_points(ax)
        for label in labels
    ]


def width_in_points(ax: Axes) -> float:
    """Width of the Axes, in points of 1/72 inch."""
    return max(1.0, ax.bbox.width / _dpi(ax) * 72)


def height_in_points(ax: Axes) -> float:
    """Height of the Axes, in points of 1/72 inch."""
    return max(1.0, ax.bbox.height / _dpi(ax) * 72)


def seen(ax: Axes) -> tuple[float, float] | None:
    """From when to when the Axes shows something, where that was set by hand; else None."""
    if ax.get_autoscalex_on():
        return None
    left, right = sorted(ax.get_xlim())
    return left, right


def _dpi(ax: Axes) -> float:
    figure: Figure | SubFigure | None = ax.figure
    return 100.0 if figure is None else float(figure.dpi)


def _escaped(character: str) -> str:
    r"""``\n`` for a newline, ``\u4e2d`` for a character that no font here has."""
    return character.encode("unicode_escape", errors="backslashreplace").decode("ascii")


def _columns(character: str) -> int:
    return 2 if east_asian_width(character) in "WF" else 1
