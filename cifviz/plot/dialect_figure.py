"""Dialects of CIF on the same weights: a lane for each, tokens and faults on one time axis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle, StepPatch
from matplotlib.patheffects import withStroke

from cifviz.core.dialects import ComparedDialect, Comparison
from cifviz.core.dialects._comparison import ROUNDING
from cifviz.errors import CIFError, require, require_integer
from cifviz.plot.canvas import SMALL, resolve, show_time
from cifviz.plot.palette import STYLE, token_style
from cifviz.timing import FrameGrid

BOX = 0.6
"""Height of a token's box in a lane of height 1; signs stand above and below it."""

Keywords = Mapping[str, Any] | None


class DialectArtists(NamedTuple):
    """What `dialect_lanes` drew."""

    weights: StepPatch | None
    """None without frames."""
    boxes: dict[str, tuple[Rectangle, ...]]
    """The tokens of each lane."""
    fires: LineCollection
    """The end of each token."""
    lost: PathCollection
    """A cross where the reference ends a token that the lane has not."""
    negative: PathCollection
    """A minus sign under each frame that gives a negative weight."""
    above_one: PathCollection
    """A triangle over each frame that gives one token more than 1."""
    end: Line2D
    """Where the utterance ends and padding begins."""
    legend: Legend | None
    """None if there is nothing to explain."""


def dialect_lanes(
    comparison: Comparison,
    grid: FrameGrid,
    *,
    utterance: int = 0,
    ax: Axes | None = None,
    weight_kw: Keywords = None,
    fire_kw: Keywords = None,
    lost_kw: Keywords = None,
    negative_kw: Keywords = None,
    above_one_kw: Keywords = None,
    end_kw: Keywords = None,
    **kwargs: Any,
) -> DialectArtists:
    """Draw a lane of tokens for each dialect under the weights that all of them were given.

    Parameters
    ----------
    comparison : Comparison
        What `cifviz.core.dialects.compare` returned.
    grid : FrameGrid
        Clock of the frames.
    utterance : int
        Which of the batch; below 0 it counts from the end.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    weight_kw, fire_kw, lost_kw, negative_kw, above_one_kw, end_kw : mapping, optional
        For the weights, the ends of the tokens, the signs of lost tokens, of negative weights and
        of weights above 1, and the line at the end of the utterance.
    **kwargs
        For the boxes of the tokens.

    Returns
    -------
    DialectArtists
        The number behind a name is the lane's count of tokens. A box reaches from the end of the
        token before it to its own, in padding too if the dialect puts it there.

    Raises
    ------
    CIFError
        If it is no comparison, there is no such utterance or `ax` is no Axes.

    Examples
    --------
    >>> import torch
    >>> from matplotlib.figure import Figure
    >>> from cifviz.core.dialects import compare
    >>> table = compare(torch.full((1, 7), 0.4), dialects=["cif_pytorch"])
    >>> artists = dialect_lanes(table, FrameGrid(0.5), ax=Figure().subplots())
    >>> [len(boxes) for boxes in artists.boxes.values()], len(artists.lost.get_offsets())
    ([3, 2], 1)
    """
    ax = resolve(ax)
    require(
        isinstance(comparison, Comparison),
        f"comparison must be what compare() returns, got {type(comparison).__name__}",
    )
    utterance = require_integer("utterance", utterance)
    batch = len(comparison.frame_lengths)
    if not -batch <= utterance < batch:
        raise CIFError(f"utterance must be an index into a batch of {batch}, got {utterance}")
    frames = int(comparison.frame_lengths[utterance])
    lanes = [
        _lane(row, utterance, height, grid)
        for row, height in zip(comparison, range(len(comparison), 0, -1), strict=True)
    ]

    alpha = comparison.alpha[utterance, :frames].detach().double().cpu().numpy()
    top = len(lanes) + 0.7
    weights = None
    if frames:
        edges = np.array([grid.seconds(frame) for frame in range(frames + 1)])
        heights = top + alpha / max(alpha.max(), ROUNDING)
        look = {"color": STYLE["weight"], "fill": True, "alpha": 0.7, "baseline": top}
        weights = ax.stairs(heights, edges, **{**look, **(weight_kw or {})})

    boxes = {
        row.dialect: _boxes(ax, lane, kwargs) for row, lane in zip(comparison, lanes, strict=True)
    }
    look = {"colors": STYLE["fire"], "linewidths": 1.2, "zorder": 3}
    ticks = [
        np.array([[end, lane.height - BOX / 2], [end, lane.height + BOX / 2]])
        for lane in lanes
        for end in lane.ends
    ]
    fires = LineCollection(ticks, **{**look, **(fire_kw or {})})
    ax.add_collection(fires, autolim=False)
    reference = lanes[0].ends
    crosses = [(end, lane.height) for lane in lanes for end in reference[len(lane.ends) :]]
    under = [(time, lane.height - 0.4) for lane in lanes for time in lane.negative]
    over = [(time, lane.height + 0.4) for lane in lanes for time in lane.above_one]
    lost = _signs(ax, crosses, "token lost", lost_kw, marker="x", s=45, linewidths=2.0)
    negative = _signs(ax, under, "negative weight", negative_kw, marker="_", s=30, linewidths=1.5)
    above_one = _signs(ax, over, "weight above 1", above_one_kw, marker="^", s=14)
    look = {"color": STYLE["threshold"], "linewidth": 1.0, "linestyle": "--", "zorder": 1}
    end = ax.axvline(grid.seconds(frames), **{**look, "label": "end", **(end_kw or {})})

    names = [f"{name}  {len(boxes[name])}" for name in boxes]
    ax.set_yticks([top + 0.5, *(lane.height for lane in lanes)], ["weights", *names])
    ax.tick_params(axis="y", length=0, labelsize=SMALL)
    ax.set_ylim(0.4, top + 1.1)
    drawn = ((lost, crosses), (negative, under), (above_one, over))
    handles = [signs for signs, points in drawn if points]
    legend = None
    if handles:
        legend = ax.legend(
            handles=handles,
            loc="lower right",
            bbox_to_anchor=(1.0, 1.0),
            ncols=len(handles),
            fontsize=SMALL,
            frameon=False,
        )
    last = max([grid.seconds(frames), *(time for lane in lanes for time in lane.ends)])
    show_time(ax, grid.seconds(0), last)
    return DialectArtists(weights, boxes, fires, lost, negative, above_one, end, legend)


class _Lane(NamedTuple):
    """What one dialect makes of the utterance, in seconds."""

    height: float
    start: float
    ends: list[float]
    negative: list[float]
    above_one: list[float]


def _lane(row: ComparedDialect, utterance: int, height: int, grid: FrameGrid) -> _Lane:
    ends = row.fire_positions[utterance, : int(row.num_fires[utterance])]
    weights = row.weights[utterance].cpu().numpy()
    negative = np.flatnonzero((weights < -ROUNDING).any(axis=0))
    above_one = np.flatnonzero((weights > 1 + ROUNDING).any(axis=0))
    return _Lane(
        height,
        grid.seconds(0),
        [grid.seconds(end) for end in ends.tolist()],
        [grid.seconds(frame + 0.5) for frame in negative.tolist()],
        [grid.seconds(frame + 0.5) for frame in above_one.tolist()],
    )


def _boxes(ax: Axes, lane: _Lane, kwargs: Mapping[str, Any]) -> tuple[Rectangle, ...]:
    """One box for each token."""
    boxes = []
    for index, (start, end) in enumerate(zip([lane.start, *lane.ends], lane.ends, strict=False)):
        colour, hatch = token_style(index)
        look = {
            "facecolor": colour,
            "hatch": hatch,
            "edgecolor": STYLE["level"],
            "linewidth": 0.0,
            "alpha": 0.75,
        }
        box = Rectangle(
            (start, lane.height - BOX / 2), max(0.0, end - start), BOX, **{**look, **kwargs}
        )
        ax.add_patch(box)
        boxes.append(box)
    return tuple(boxes)


def _signs(
    ax: Axes, points: list[tuple[float, float]], label: str, keywords: Keywords, **look: Any
) -> PathCollection:
    """Small signs, on top of everything, with a name for the legend."""
    places = np.asarray(points).reshape(-1, 2)
    halo = [withStroke(linewidth=4.0, foreground=STYLE["halo"])]
    look |= {"color": STYLE["fire"], "label": label, "path_effects": halo}
    look |= {"zorder": 4, "clip_on": False}
    return ax.scatter(places[:, 0], places[:, 1], **{**look, **(keywords or {})})
