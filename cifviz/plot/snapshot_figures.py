"""Training snapshots: the weights of a model as it learns, and curves over training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import StepPatch
from matplotlib.text import Text

from cifviz.alignment.timed_tokens import Alignment
from cifviz.core.firing import Firing
from cifviz.errors import require
from cifviz.plot import geometry
from cifviz.plot.canvas import add_lines, displayable, plain_text, resolve, show_time
from cifviz.plot.palette import STYLE, Keywords, styled
from cifviz.timing import FrameGrid


class StripArtists(NamedTuple):
    """What `snapshot_strip` drew."""

    weights: tuple[StepPatch, ...]
    """One for each row, from the top."""
    fires: LineCollection
    """A bar across its row for each fire, row by row."""
    words: tuple[Text, ...]
    """Names of the words above the strip."""


class CurveArtists(NamedTuple):
    """What `training_curves` drew."""

    lines: dict[str, Line2D]
    legend: Legend


def snapshot_strip(
    firings: Sequence[Firing],
    grid: FrameGrid,
    *,
    labels: Sequence[str],
    words: Alignment | None = None,
    ax: Axes | None = None,
    fire_kw: Keywords = None,
    **kwargs: Any,
) -> StripArtists:
    """Draw the weights of one utterance in several training snapshots, or by several models.

    Parameters
    ----------
    firings : sequence of Firing
        Each of one utterance; the first is drawn on top.
    grid : FrameGrid
        Clock of their frames.
    labels : sequence of str
        Names of the rows.
    words : Alignment, optional
        The reference: a shade behind all rows.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    fire_kw : mapping, optional
        For the fires.
    **kwargs
        For the weights.

    Returns
    -------
    StripArtists
        All rows have one scale: the height of a row is the largest weight of all.

    Raises
    ------
    CIFError
        If there are no rows, not as many labels as rows, a firing is a batch of several utterances,
        or `ax` is no Axes.

    Examples
    --------
    >>> import torch
    >>> from matplotlib.figure import Figure
    >>> from cifviz.core.firing import integrate_and_fire
    >>> alphas = [1.0, 1.0], [0.0, 1.0]
    >>> rows = [integrate_and_fire(torch.tensor([a]), torch.eye(2)[None]) for a in alphas]
    >>> artists = snapshot_strip(rows, FrameGrid(0.1), labels=["a", "b"], ax=Figure().subplots())
    >>> [len(artists.weights), len(artists.fires.get_segments())]
    [2, 3]

    Notes
    -----
    Notebook: notebooks/03_training_film.ipynb
    """
    # 1. What is drawn, on one scale.
    ax = resolve(ax)
    require(
        len(firings) == len(labels) > 0,
        f"expected a label for each of the firings, got {len(firings)} and {len(labels)}",
    )
    rows = [geometry.weight_steps(one, grid) for one in firings]
    highest = max((float(row.given.max(initial=0.0)) for row in rows), default=0.0) or 1.0
    end = max(float(row.edges[-1]) for row in rows)

    # 2. Words behind the rows, weights from the bottom of each row, fires across it.
    names = _shade_words(ax, words) if words is not None else ()
    drawn, bars = [], []
    for index, (row, firing) in enumerate(zip(rows, firings, strict=True)):
        bottom = len(rows) - 1 - index
        look = styled(kwargs, color=STYLE["weight"], fill=True, linewidth=0, zorder=2)
        heights = bottom + 0.92 * row.given / highest
        drawn.append(ax.stairs(heights, row.edges, baseline=bottom, **look))
        ax.axhline(bottom, color=STYLE["level"], linewidth=0.5, zorder=3)
        times = geometry.fire_times(firing, grid)
        bars += [[(time, bottom), (time, bottom + 0.92)] for time in times]
    look = styled(fire_kw, colors=STYLE["fire"], linewidths=0.8, zorder=4, clip_on=False)
    fires = add_lines(ax, bars, **look)

    # 3. The axes.
    ax.set_ylim(0, len(rows))
    middles = np.arange(len(rows))[::-1] + 0.5
    ax.set_yticks(middles, [displayable(label) for label in labels])
    ax.tick_params(axis="y", length=0)
    show_time(ax, 0.0, end)
    return StripArtists(tuple(drawn), fires, names)


def _shade_words(ax: Axes, words: Alignment) -> tuple[Text, ...]:
    """A shade from start to end of each timed word, with its name above the Axes."""
    names = []
    look = {"ha": "center", "va": "bottom", "fontsize": STYLE["text_size"], **plain_text()}
    look["transform"] = ax.get_xaxis_transform()  # x in seconds, y in heights of the Axes
    for word in words.timed:
        start, end = word.start or 0.0, word.end or 0.0
        ax.axvspan(start, end, color=STYLE["neutral"], alpha=0.6, linewidth=0, zorder=0)
        names.append(ax.text((start + end) / 2, 1.01, displayable(word.token), **look))
    return tuple(names)


def training_curves(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    ax: Axes | None = None,
    **kwargs: Any,
) -> CurveArtists:
    """Draw curves of different units over training, each as a share of its own highest value.

    Parameters
    ----------
    curves : mapping of str to (steps, values)
        By name; both sequences of one length, values >= 0 and not all 0.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    **kwargs
        For the lines.

    Returns
    -------
    CurveArtists
        Lines differ in colour, dashes and markers.

    Raises
    ------
    CIFError
        If there are no curves or more than six, lengths differ, a curve has nothing above 0, or
        `ax` is no Axes.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> artists = training_curves({"loss": ([1, 2, 4], [8, 4, 2])}, ax=Figure().subplots())
    >>> artists.lines["loss"].get_ydata().tolist()
    [1.0, 0.5, 0.25]

    Notes
    -----
    Notebook: notebooks/03_training_film.ipynb
    """
    ax = resolve(ax)
    most = len(STYLE["lines"])
    require(1 <= len(curves) <= most, f"expected 1 to {most} curves, got {len(curves)}")
    lines = {}
    for (name, (steps, values)), line in zip(curves.items(), STYLE["lines"], strict=False):
        level = np.asarray(values, dtype=np.float64)
        require(
            len(steps) == len(level) and bool((level >= 0).all()) and level.max(initial=0.0) > 0,
            f"curve {name!r} needs a value >= 0 for each step, not all of them 0",
        )
        look = styled(kwargs, **line, markersize=3.5, label=name)
        (lines[name],) = ax.plot(steps, level / level.max(), **look)
    ax.set_ylim(0, 1.05)
    ax.set_ylabel("share of its highest")
    legend = ax.legend(fontsize=STYLE["text_size"], loc="upper right")
    return CurveArtists(lines, legend)
