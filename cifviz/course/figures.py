"""Pictures and tables for notebooks: every one with words for those who cannot see it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cifviz.errors import require
from cifviz.locks import one_at_a_time
from cifviz.plot import STYLE
from cifviz.plot.images import DPI, picture_bundle, png

WIDTH = 8.0
"""Inches: as wide as a page of text."""
_TOKENS = STYLE["token_colours"]
LINES: dict[str, list[Any]] = {
    "color": [_TOKENS[index] for index in (5, 2, 1, 3, 0, 6)],
    "linestyle": ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3))],
}
"""What lines look like that are given no colour: dark ones of the palette first, never alone."""


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
        It is drawn only where it is asked for, by `show`: a cell shows nothing twice.
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
    """Let an axis whose unit is the frame say so, with a mark wherever a frame begins or ends."""
    ax.set_xticks(range(frames + 1))
    ax.set_xlabel("position (frames)")


@one_at_a_time
def show(figure: Figure, alt: str) -> None:
    """Show a figure in a notebook, with alt text.

    Parameters
    ----------
    figure : Figure
        Of `canvas`, of `cifviz.plot.panel`, or of pyplot.
    alt : str
        What there is to see, in a sentence or two.

    Raises
    ------
    CIFError
        If `alt` says nothing.

    Notes
    -----
    Gives GitHub the PNG, HTML and screen readers an image with alt text, and a terminal the words.
    """
    emit(picture_bundle(png(figure), alt))
    if "matplotlib.pyplot" in sys.modules:  # or the end of the cell would show it once more
        sys.modules["matplotlib.pyplot"].close(figure)


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Show a table in a notebook: Markdown where that is rendered, aligned text elsewhere.

    Parameters
    ----------
    header : sequence of str (columns,)
        Names of the columns, with units.
    rows : sequence of rows
        A row has one value for each column; numbers are best formatted by the caller.
    """
    cells = [[str(cell) for cell in row] for row in rows]
    emit({"text/markdown": markdown_table(header, cells), "text/plain": text_table(header, cells)})


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown.

    >>> print(markdown_table(["token", "end s"], [["one", "0.50"]]))
    | token | end s |
    |---|---|
    | one | 0.50 |
    """
    lines = [header, ["---"] * len(header), *rows]
    text = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
    text[1] = text[1].replace(" ", "")
    return "\n".join(text)


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in plain text, columns aligned.

    >>> print(text_table(["token", "end s"], [["one", "0.50"]]))
    token  end s
    one    0.50
    """
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def emit(bundle: dict[str, Any]) -> None:
    """Put a mime bundle into the output of a notebook cell; outside a notebook print its words."""
    from IPython.core.getipython import get_ipython
    from IPython.display import display

    if get_ipython() is None:
        print(bundle["text/plain"])
    else:
        display(bundle, raw=True)
