"""Drawings of lesson 00: the problem that CIF solves, and the way from sound to words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cifviz.errors import require
from cifviz.plot import STYLE, token_style

MOST_BOXES = 5
"""Boxes of a row of the pipeline: the first ones, an ellipsis and the last one of more."""


class _Row(NamedTuple):
    """A row of boxes of the pipeline."""

    name: str
    boxes: Sequence[str]
    made_by: str
    """What made it of the row above."""


def draw_problem(frames: int, words: Sequence[str], *, ax: Axes) -> None:
    """Draw frames in a row above words in a row, and between them question marks.

    Parameters
    ----------
    frames : int > 0
        Number of frames.
    words : sequence of str
        They stand at equal distances: nobody knows their times.
    ax : Axes
        Where to draw.

    Raises
    ------
    CIFError
        If there are no frames.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()
    >>> draw_problem(3, ["one", "two"], ax=ax)
    >>> [text.get_text() for text in ax.texts]
    ['one', '?', 'two', '?']

    Notes
    -----
    Notebook: notebooks/00_start_here.ipynb
    """
    require(frames > 0, f"frames must be > 0, got {frames}")
    look = {"facecolor": STYLE["neutral"], "edgecolor": STYLE["level"], "linewidth": 0.6}
    for frame in range(frames):
        ax.add_patch(Rectangle((frame, 2), 1, 0.8, **look))
    width = frames / max(1, len(words))
    for index, word in enumerate(words):
        middle = (index + 0.5) * width
        box = Rectangle((middle - 0.3 * width, 0), 0.6 * width, 0.8, **look)
        box.set_facecolor(STYLE["ground"])
        ax.add_patch(box)
        ax.text(middle, 0.4, word, ha="center", va="center")
        for far in (middle - 0.8 * width, middle + 0.8 * width):
            ends = [middle, min(max(far, 0.5), frames - 0.5)]
            ax.plot(ends, [0.8, 2], ":", color=STYLE["level"], linewidth=1)
        ax.text(middle, 1.4, "?", ha="center", va="center", fontsize="large")
    ax.set(xlim=(0, frames), ylim=(-0.1, 2.9), xlabel="frame", yticks=(0.4, 2.4))
    ax.set_yticklabels(["words", "frames"])


def draw_pipeline(frames: int, tokens: Sequence[str], *, ax: Axes) -> None:
    """Draw what a recogniser with a CIF makes of a sound, step by step, from top to bottom.

    Parameters
    ----------
    frames : int > 0
        Number of frames.
    tokens : sequence of str
        What it writes; one embedding each.
    ax : Axes
        Where to draw.

    Raises
    ------
    CIFError
        If there are no frames.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()
    >>> draw_pipeline(40, ["one", "two"], ax=ax)
    >>> [text.get_text() for text in ax.texts if text.get_text().startswith("h")]
    ['h₀', 'h₁', 'h₂', 'h₃₉']

    Notes
    -----
    Notebook: notebooks/00_start_here.ipynb
    """
    require(frames > 0, f"frames must be > 0, got {frames}")
    rows = (
        _Row("sound", ["the waveform"], ""),
        _Row(f"{frames} frames", _symbols("h", frames), "encoder: a vector for each 40 ms"),
        _Row(f"{frames} weights", _symbols("α", frames), "weight predictor: how much of a token?"),
        _Row(
            f"{len(tokens)} embeddings",
            _symbols("c", len(tokens)),
            "integrate and fire: add up the weights, fire at 1",
        ),
        _Row(f"{len(tokens)} tokens", _shortened(list(tokens)), "decoder: a word for each vector"),
    )
    for number, row in enumerate(rows):
        bottom = 2 * (len(rows) - 1 - number)
        ax.text(-0.2, bottom + 0.5, row.name, ha="right", va="center")
        if row.made_by:
            arrow = {"arrowstyle": "->", "color": STYLE["level"]}
            ax.annotate("", (1, bottom + 1.1), (1, bottom + 1.9), arrowprops=arrow)
            ax.text(1.2, bottom + 1.5, row.made_by, va="center", style="italic")
        coloured = number >= len(rows) - 2
        _draw_boxes(ax, bottom, row.boxes, coloured=coloured)
    ax.set(xlim=(-2.6, 10), ylim=(-0.1, 2 * len(rows) - 0.9))
    ax.axis("off")


def _draw_boxes(ax: Axes, bottom: float, texts: Sequence[str], *, coloured: bool) -> None:
    """A row of boxes from 0 to 10, each with its text; an ellipsis stands without a box."""
    width = 10 / max(1, len(texts))
    for index, text in enumerate(texts):
        left = index * width
        colour = token_style(index).colour if coloured else STYLE["neutral"]
        look = {"facecolor": colour, "edgecolor": STYLE["level"], "alpha": 0.6}
        if text != "…":
            ax.add_patch(Rectangle((left + 0.06, bottom), width - 0.12, 1, **look))
        ax.text(left + width / 2, bottom + 0.5, text, ha="center", va="center")
    if not texts:
        ax.text(0, bottom + 0.5, "(none)", va="center")


def _symbols(letter: str, count: int) -> list[str]:
    """Names of the entries of a row, counted from 0.

    >>> _symbols("c", 2), _symbols("h", 43)
    (['c₀', 'c₁'], ['h₀', 'h₁', 'h₂', '…', 'h₄₂'])
    """
    low = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
    return _shortened([f"{letter}{index}".translate(low) for index in range(count)])


def _shortened(texts: list[str]) -> list[str]:
    return texts if len(texts) <= MOST_BOXES else [*texts[: MOST_BOXES - 2], "…", texts[-1]]
