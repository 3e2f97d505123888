"""Dialects of CIF on the same weights: a lane for each, tokens and faults on one time axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from cifviz.plot.canvas import add_lines, legend_above, resolve, show_time
from cifviz.plot.palette import STYLE, Keywords, styled, token_look
from cifviz.timing import FrameGrid

BOX = 0.6
"""Height of a token's box in a lane of height 1; signs are drawn above and below it."""


class DialectArtists(NamedTuple):
    """What `dialect_lanes` drew."""

    weights: StepPatch | None
    """None without frames."""
    boxes: dict[str, tuple[Rectangle, ...]]
    """The tokens of each lane."""
    fires: LineCollection
    """The end of each token."""
    lost: PathCollection
    """A cross where the reference ends a token that the lane does not have."""
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
    # 1. What each dialect makes of the utterance.
    ax = resolve(ax)
    utterance = _checked(comparison, utterance)
    frames = int(comparison.frame_lengths[utterance])
    heights = range(len(comparison), 0, -1)
    lanes = {
        row.dialect: _lane(row, utterance, height, grid)
        for row, height in zip(comparison, heights, strict=True)
    }

    # 2. The weights on top, and a lane of tokens for each dialect.
    alpha = comparison.alpha[utterance, :frames].detach().double().cpu().numpy()
    top = len(lanes) + 0.7
    weights = _weights(ax, alpha, grid, top, weight_kw)
    boxes = {name: _boxes(ax, lane, kwargs) for name, lane in lanes.items()}
    ticks = [
        [(end, lane.height - BOX / 2), (end, lane.height + BOX / 2)]
        for lane in lanes.values()
        for end in lane.ends
    ]
    look = styled(fire_kw, colors=STYLE["fire"], linewidths=1.2, zorder=3)
    fires = add_lines(ax, ticks, **look)
    look = styled(
        end_kw, color=STYLE["threshold"], linewidth=1.0, linestyle="--", zorder=1, label="end"
    )
    end = ax.axvline(grid.seconds(frames), **look)

    # 3. Signs for faults, explained by a legend.
    reference = next(iter(lanes.values())).ends
    lost, negative, above_one = [], [], []
    for lane in lanes.values():
        lost += [(time, lane.height) for time in reference[len(lane.ends) :]]
        negative += [(time, lane.height - 0.4) for time in lane.negative]
        above_one += [(time, lane.height + 0.4) for time in lane.above_one]
    signs = (
        _signs(ax, lost, "token lost", lost_kw, marker="x", s=45, linewidths=2.0),
        _signs(ax, negative, "negative weight", negative_kw, marker="_", s=30, linewidths=1.5),
        _signs(ax, above_one, "weight above 1", above_one_kw, marker="^", s=14),
    )
    handles = [one for one in signs if np.size(one.get_offsets())]
    legend = None
    if handles:
        place = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "borderaxespad": None}
        legend = legend_above(ax, handles=handles, ncols=len(handles), **place)

    # 4. The axes.
    names = [f"{name}  {len(boxes[name])}" for name in lanes]
    ax.set_yticks([top + 0.5, *heights], ["weights", *names])
    ax.tick_params(axis="y", length=0, labelsize=STYLE["text_size"])
    ax.set_ylim(0.4, top + 1.1)
    last = max([grid.seconds(frames), *(time for lane in lanes.values() for time in lane.ends)])
    show_time(ax, grid.seconds(0), last)
    return DialectArtists(weights, boxes, fires, *signs, end, legend)


def _checked(comparison: Comparison, utterance: int) -> int:
    """The index of the utterance, if there is one in the comparison."""
    require(
        isinstance(comparison, Comparison),
        f"comparison must be what compare() returns, got {type(comparison).__name__}",
    )
    utterance = require_integer("utterance", utterance)
    batch = len(comparison.frame_lengths)
    if not -batch <= utterance < batch:
        raise CIFError(f"utterance must be an index into a batch of {batch}, got {utterance}")
    return utterance


def _weights(
    ax: Axes, alpha: np.ndarray, grid: FrameGrid, bottom: float, weight_kw: Keywords
) -> StepPatch | None:
    """The weights as steps, of height 1 at most."""
    if not len(alpha):
        return None
    edges = grid.seconds(np.arange(len(alpha) + 1, dtype=np.float64))
    look = styled(weight_kw, color=STYLE["weight"], fill=True, alpha=0.7, baseline=bottom)
    return ax.stairs(bottom + alpha / max(alpha.max(), ROUNDING), edges, **look)


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
        corner = (start, lane.height - BOX / 2)
        look = styled(kwargs, **token_look(index))
        boxes.append(Rectangle(corner, max(0.0, end - start), BOX, **look))
        ax.add_patch(boxes[-1])
    return tuple(boxes)


def _signs(
    ax: Axes, points: Sequence[tuple[float, float]], label: str, given: Keywords, **look: Any
) -> PathCollection:
    """Small signs, on top of everything, with a name for the legend."""
    halo = [withStroke(linewidth=4.0, foreground=STYLE["halo"])]
    look |= {"color": STYLE["fire"], "path_effects": halo, "zorder": 4, "clip_on": False}
    look["label"] = label
    return ax.scatter(*np.asarray(points).reshape(-1, 2).T, **styled(given, **look))
