"""Figures for notebooks, each with alt text and a numbered caption."""

from __future__ import annotations

import html
import sys
from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cifviz.alignment.timed_tokens import Alignment
from cifviz.course.figure_data import figure_data_html
from cifviz.errors import require
from cifviz.locks import one_at_a_time
from cifviz.notebooks.cell_output import emit
from cifviz.plot import STYLE
from cifviz.plot.images import DPI, figure_bundle

WIDTH = 8.0
"""Inches: as wide as a page of text."""
LINES: dict[str, list[Any]] = {
    name: [line[name] for line in STYLE["lines"]] for name in ("color", "linestyle")
}
"""Colour and dash of lines that are given none: dark colours first, and no two alike."""
WORDS_HEIGHT = 34.0
"""Points at the top of an Axes for words above their sound, three tenths of it at most."""
SPAN: dict[str, Any] = {"color": STYLE["level"], "linewidth": 0.9, "marker": "|", "zorder": 4}
"""Of the line below a word, with a tick where the word begins and where it ends."""
_NUMBERS: dict[str, int] = {}
"""Numbers of figures by their captions: a cell that is run again keeps its number."""


@one_at_a_time
def canvas(
    rows: int = 1, *, height: float = 2.2, width: float = WIDTH, share_time: bool = True
) -> tuple[Figure, list[Axes]]:
    """An empty figure with axes one below the other, unknown to pyplot.

    Parameters
    ----------
    rows : int > 0
        Number of axes.
    height : float > 0
        Inches for each of them.
    width : float > 0
        Inches.
    share_time : bool
        Whether all have one horizontal axis.

    Returns
    -------
    Figure
        Only `show` draws it, so that a cell shows nothing twice.
    list of Axes (rows,)
        Lines differ in colour and in dash, see `LINES`.
    """
    require(rows > 0, f"rows must be > 0, got {rows}")
    figure = Figure(figsize=(width, height * rows), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, 1, squeeze=False, sharex=share_time)[:, 0]
    for ax in axes:
        ax.set_prop_cycle(**LINES)
    return figure, list(axes)


def count_frames(ax: Axes, frames: int) -> None:
    """Label a horizontal axis in frames, with a tick at each edge of a frame."""
    ax.set_xticks(range(frames + 1))
    ax.set_xlabel("position (frames)")


def name_words(ax: Axes, words: Alignment) -> None:
    """Write the words of a reference above their sound, with a line from start to end of each.

    Parameters
    ----------
    ax : Axes
        With a time axis, whose limits are final. It gets more space at the top for the words; lines
        that cross the whole Axes pass behind them.
    words : Alignment (tokens,)
        Words and their times.

    Examples
    --------
    >>> from cifviz.alignment.timed_tokens import TimedToken
    >>> _, (ax,) = canvas()
    >>> name_words(ax, Alignment((TimedToken("one", 0.0, 0.5), TimedToken("two", 1.0, 2.0))))
    >>> [(text.get_text(), text.get_position()[0]) for text in ax.texts]
    [('one', 0.25), ('two', 1.5)]
    >>> [list(line.get_xdata()) for line in ax.lines]
    [[0.0, 0.5], [1.0, 2.0]]
    """
    room = min(0.3, WORDS_HEIGHT / max(1.0, 72 * ax.bbox.height / ax.figure.dpi))
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + (high - low) * room / (1 - room))
    paper = {"facecolor": STYLE["halo"], "edgecolor": "none", "pad": 1.0}
    look: dict[str, Any] = {"ha": "center", "va": "center", "bbox": paper, "zorder": 4}
    for word, (start, end) in zip(words, words.spans, strict=True):
        place = ax.get_xaxis_transform()
        ax.text((start + end) / 2, 1 - 0.45 * room, word.token, transform=place, **look)
        ax.add_line(Line2D([start, end], [1 - 0.9 * room] * 2, transform=place, **SPAN))


@one_at_a_time
def show(figure: Figure, alt: str, *, caption: str = "") -> None:
    """Show a figure in a notebook, with alt text and a caption.

    Parameters
    ----------
    figure : Figure
        Of `canvas`, of `cifviz.plot.panel`, or of pyplot.
    alt : str
        What there is to see, in a sentence or two; screen readers read it out.
    caption : str
        What to look for. It stands below the figure as "Figure 1. …", counted in the order in which
        captions are first shown. Empty: no caption and no number.

    Raises
    ------
    CIFError
        If `alt` says nothing.

    Notes
    -----
    GitHub gets a PNG. HTML gets an image with twice the pixels for the same size, with alt text,
    and what it shows as tables in a fold. A terminal gets the text.
    """
    bundle = figure_bundle(figure, alt)
    if caption:
        bundle = captioned(bundle, caption)
    data = figure_data_html(figure)  # of the figure as it was drawn
    emit({**bundle, "text/html": bundle["text/html"] + data})
    if "matplotlib.pyplot" in sys.modules:  # or the end of the cell would show it once more
        sys.modules["matplotlib.pyplot"].close(figure)


def captioned(bundle: Mapping[str, Any], caption: str) -> dict[str, Any]:
    """A picture's output with a numbered caption below it, see `show`."""
    number = _NUMBERS.setdefault(caption, len(_NUMBERS) + 1)
    words = f"<strong>Figure {number}.</strong> {html.escape(caption, quote=False)}"
    return {
        **bundle,
        "text/html": (
            f'<figure style="margin:0">{bundle["text/html"]}'
            f"<figcaption>{words}</figcaption></figure>"
        ),
        "text/plain": f"Figure {number}. {caption}\n{bundle['text/plain']}",
    }
