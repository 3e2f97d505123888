"""Pictures of how something changes: weights of several models, and curves over training."""

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
from cifviz.plot.canvas import SMALL, displayable, plain_text, resolve, show_time
from cifviz.plot.palette import STYLE
from cifviz.timing import FrameGrid

Keywords = Mapping[str, Any] | None

COLOURS = tuple(STYLE["token_colours"][index] for index in (5, 2, 1, 3))
DASHES = ("-", "--", ":", "-.")
MARKERS = ("o", "s", "^", "D")
"""Of curves; each differs from the others in all three."""


class StripArtists(NamedTuple):
    """What `film_strip` drew."""

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


def film_strip(
    firings: Sequence[Firing],
    grid: FrameGrid,
    *,
    labels: Sequence[str],
    words: Alignment | None = None,
    ax: Axes | None = None,
    fire_kw: Keywords = None,
    **kwargs: Any,
) -> StripArtists:
    """Draw the weights of one utterance by several models, or by one as it learns: a row for each.

    Parameters
    ----------
    firings : sequence of Firing
        Each of one utterance; the first is drawn on top.
    grid : FrameGrid
        Clock of their frames.
    labels : sequence of str
        Names of the rows.
    words : Alignment, optional
        What was said, and when: a shade behind all rows.
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
    >>> artists = film_strip(rows, FrameGrid(0.1), labels=["a", "b"], ax=Figure().subplots())
    >>> [len(artists.weights), len(artists.fires.get_segments())]
    [2, 3]

    Notes
    -----
    Notebook: notebooks/06_training_film.ipynb
    """
    ax = resolve(ax)
    require(
        len(firings) == len(labels) > 0,
        f"expected a label for each of the firings, got {len(firings)} and {len(labels)}",
    )
    rows = [geometry.weight_steps(one, grid) for one in firings]
    highest = max((float(row.given.max(initial=0.0)) for row in rows), default=0.0) or 1.0
    end = max(float(row.edges[-1]) for row in rows)
    names = []
    for word in words or ():
        if word.start is None or word.end is None:
            continue
        ax.axvspan(word.start, word.end, color=STYLE["rest"], alpha=0.6, linewidth=0, zorder=0)
        look = {"ha": "center", "va": "bottom", "fontsize": SMALL, **plain_text()}
        look["transform"] = ax.get_xaxis_transform()  # x in seconds, y in heights of the Axes
        middle = (word.start + word.end) / 2
        names.append(ax.text(middle, 1.01, displayable(word.token), **look))
    drawn, bars = [], []
    for index, (row, firing) in enumerate(zip(rows, firings, strict=True)):
        place = len(rows) - 1 - index
        look = {"color": STYLE["weight"], "fill": True, "linewidth": 0, "zorder": 2}
        heights = place + 0.92 * row.given / highest
        drawn.append(ax.stairs(heights, row.edges, baseline=place, **{**look, **kwargs}))
        ax.axhline(place, color=STYLE["level"], linewidth=0.5, zorder=3)
        bars += [
            [(time, place), (time, place + 0.92)] for time in geometry.fire_times(firing, grid)
        ]
    look = {"colors": STYLE["fire"], "linewidths": 0.8, "zorder": 4, "clip_on": False}
    fires = LineCollection(bars, **{**look, **(fire_kw or {})})
    ax.add_collection(fires, autolim=False)
    ax.set_ylim(0, len(rows))
    middles = np.arange(len(rows))[::-1] + 0.5
    ax.set_yticks(middles, [displayable(label) for label in labels])
    ax.tick_params(axis="y", length=0)
    show_time(ax, 0.0, end)
    return StripArtists(tuple(drawn), fires, tuple(names))


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
        If there are no curves or more than four, lengths differ, a curve has nothing above 0, or
        `ax` is no Axes.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> artists = training_curves({"loss": ([1, 2, 4], [8, 4, 2])}, ax=Figure().subplots())
    >>> artists.lines["loss"].get_ydata().tolist()
    [1.0, 0.5, 0.25]

    Notes
    -----
    Notebook: notebooks/06_training_film.ipynb
    """
    ax = resolve(ax)
    require(
        1 <= len(curves) <= len(MARKERS),
        f"expected 1 to {len(MARKERS)} curves, got {len(curves)}",
    )
    lines = {}
    for (name, (steps, values)), colour, dashes, marker in zip(
        curves.items(), COLOURS, DASHES, MARKERS, strict=False
    ):
        level = np.asarray(values, dtype=np.float64)
        require(
            len(steps) == len(level) and bool((level >= 0).all()) and level.max(initial=0.0) > 0,
            f"curve {name!r} needs a value >= 0 for each step, not all of them 0",
        )
        look = {"color": colour, "linestyle": dashes, "marker": marker, "markersize": 3.5}
        (lines[name],) = ax.plot(steps, level / level.max(), label=name, **{**look, **kwargs})
    ax.set_ylim(0, 1.05)
    ax.set_ylabel("share of its highest")
    legend = ax.legend(fontsize=SMALL, loc="upper right")
    return CurveArtists(lines, legend)
