"""What a plot shows, as plain numbers: curves, steps and boxes in seconds and units of weight.

No drawing here. Every function takes the `Firing` of one utterance and the `FrameGrid` of its
frames, and gives NumPy arrays, so that another drawing library can use them as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

import numpy as np
import torch

from cifviz.alignment.mass_times import one_utterance
from cifviz.audio.waveform import Waveform
from cifviz.core.firing import Firing
from cifviz.core.mass_axis import GivenAxis
from cifviz.errors import require
from cifviz.timing import FrameGrid

MOST_COLUMNS = 4000
"""Frames are joined until there are no more than this: a picture shows no more."""
MOST_ROWS = 1000
"""The same of the tokens of a matrix."""
Within = tuple[float, float] | None
"""From when to when something is drawn, seconds; None: all of it."""
ROUNDING = 1e-9
"""A contribution below this share of β is rounding, not a contribution."""
_BLOCK = 64
"""Tokens whose contributions are computed together."""


class Curve(NamedTuple):
    """Corners of a line: times and values."""

    seconds: np.ndarray
    """Never falling (points,)."""
    level: np.ndarray
    """(points,)."""


class WeightSteps(NamedTuple):
    """Weights as steps: each holds from one edge to the next."""

    edges: np.ndarray
    """Seconds (frames + 1,)."""
    given: np.ndarray
    """α (frames,)."""
    scaled: np.ndarray
    """The weights that were integrated (frames,)."""


class Matrix(NamedTuple):
    """Contributions, or the largest of neighbouring ones."""

    token_edges: np.ndarray
    """Index of the token at which each row begins, and the end of the last (rows + 1,)."""
    time_edges: np.ndarray
    """Seconds at which each column begins, and the end of the last (columns + 1,)."""
    values: np.ndarray
    """(rows, columns)."""


class Boxes(NamedTuple):
    """The contributions that are not zero, one box each, token by token."""

    token: np.ndarray
    """Index of the token (boxes,)."""
    frame: np.ndarray
    """Index of the frame (boxes,)."""
    start: np.ndarray
    """Seconds at which the frame begins (boxes,)."""
    end: np.ndarray
    """Seconds at which the frame ends (boxes,)."""
    lower: np.ndarray
    """Mass up to which the token was filled before the frame (boxes,)."""
    upper: np.ndarray
    """Mass up to which it is filled after it; below `lower` where the token pays back (boxes,)."""
    weight: np.ndarray
    """W, what the frame contributes; unlike `upper − lower` enlarged in a tail (boxes,)."""


def weight_steps(firing: Firing, grid: FrameGrid) -> WeightSteps:
    """Weights over time, each as wide as its frame.

    Parameters
    ----------
    firing : Firing
        Of one utterance.
    grid : FrameGrid
        Clock of its frames.

    Returns
    -------
    WeightSteps
        Frame t holds from ``edges[t]`` to ``edges[t + 1]``.

    Raises
    ------
    CIFError
        If the firing is a batch of several utterances.

    Examples
    --------
    >>> import torch
    >>> from cifviz.core.firing import integrate_and_fire
    >>> firing = integrate_and_fire(torch.tensor([[0.5, 1.0]]), torch.eye(2)[None])
    >>> weight_steps(firing, FrameGrid(0.25)).edges.tolist()
    [0.0, 0.25, 0.5]
    """
    one = one_utterance(firing)
    return WeightSteps(
        _seconds(grid, np.arange(one.alpha.shape[1] + 1)),
        one.alpha[0].double().numpy(),
        one.scaled_alpha[0].double().numpy(),
    )


def visible_steps(steps: WeightSteps) -> WeightSteps:
    """Steps with no more frames than a picture shows: the largest of as many as are joined.

    >>> frames = MOST_COLUMNS + 2
    >>> steps = WeightSteps(np.arange(frames + 1.0), np.arange(frames), np.arange(frames))
    >>> visible_steps(steps).given[:3].tolist(), visible_steps(steps).edges[-1].tolist()
    ([1, 3, 5], 4002.0)
    """
    frames = len(steps.given)
    if frames <= MOST_COLUMNS:
        return steps
    first = np.arange(0, frames, -(-frames // MOST_COLUMNS))
    return WeightSteps(
        np.append(steps.edges[first], steps.edges[-1]),
        np.maximum.reduceat(steps.given, first),
        np.maximum.reduceat(steps.scaled, first),
    )


def steps_within(steps: WeightSteps, within: Within) -> WeightSteps:
    """The steps of the frames that can be seen.

    >>> steps = WeightSteps(np.arange(5.0), np.arange(4.0), np.arange(4.0))
    >>> part = steps_within(steps, (1.5, 2.5))
    >>> part.edges.tolist(), part.given.tolist()
    ([1.0, 2.0, 3.0], [1.0, 2.0])
    """
    seen = overlapping(steps.edges[:-1], steps.edges[1:], within)
    edges = steps.edges[seen.start : seen.stop + 1]
    return WeightSteps(edges, steps.given[seen], steps.scaled[seen])


def overlapping(starts: np.ndarray, ends: np.ndarray, within: Within) -> slice:
    """Which of rising intervals have a part that can be seen; all, if `within` is None.

    >>> overlapping(np.array([0.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0]), (1.0, 1.5))
    slice(1, 2, None)
    """
    if within is None:
        return slice(0, len(starts))
    left, right = within
    first = int(np.searchsorted(ends, left, side="right"))
    last = int(np.searchsorted(starts, right, side="left"))
    return slice(first, max(first, last))


def fire_times(firing: Firing, grid: FrameGrid) -> np.ndarray:
    """Times at which tokens end, in seconds, float64 (fires,).

    Raises
    ------
    CIFError
        If the firing is a batch of several utterances.

    Examples
    --------
    >>> import torch
    >>> from cifviz.core.firing import integrate_and_fire
    >>> firing = integrate_and_fire(torch.tensor([[0.5, 1.0]]), torch.eye(2)[None])
    >>> fire_times(firing, FrameGrid(0.25)).tolist()
    [0.375]
    """
    return _seconds(grid, one_utterance(firing).fire_positions[0].numpy())


def mass_curve(firing: Firing, grid: FrameGrid) -> Curve:
    """Running sum of the weights: ``S_t`` at the time where frame t begins (frames + 1,).

    It rises by straight lines, because a frame's weight is spread evenly over the frame; where it
    crosses a multiple of β, a token is full.

    Raises
    ------
    CIFError
        If the firing is a batch of several utterances.

    Examples
    --------
    >>> import torch
    >>> from cifviz.core.firing import integrate_and_fire
    >>> firing = integrate_and_fire(torch.tensor([[0.5, 1.0]]), torch.eye(2)[None])
    >>> mass_curve(firing, FrameGrid(0.25)).level.tolist()
    [0.0, 0.5, 1.5]
    """
    one = one_utterance(firing)
    mass = _running_mass(one)
    return Curve(_seconds(grid, np.arange(len(mass))), mass)


def fire_masses(firing: Firing) -> np.ndarray:
    """Running sum of the weights at each fire (fires,).

    ``(i + 1)·β`` for token i, less where it fired within the slack; for a tail, the whole sum.

    Raises
    ------
    CIFError
        If the firing is a batch of several utterances.

    Examples
    --------
    >>> import torch
    >>> from cifviz.core.firing import integrate_and_fire
    >>> alpha = torch.tensor([[0.25, 0.625, 0.5]])
    >>> fire_masses(integrate_and_fire(alpha, torch.eye(3)[None])).tolist()
    [1.0]
    >>> fire_masses(integrate_and_fire(alpha, torch.eye(3)[None], slack=0.25)).tolist()
    [0.875]
    """
    one = one_utterance(firing)
    frame_ends = np.ceil(one.fire_positions[0].numpy()).astype(int)
    return np.minimum(one.token_masses[0].numpy(), _running_mass(one)[frame_ends])


def accumulation_teeth(firing: Firing, grid: FrameGrid) -> tuple[Curve, ...]:
    """The sawtooth, tooth by tooth: one for each token, and the residual after the last fire.

    Parameters
    ----------
    firing : Firing
        Of one utterance.
    grid : FrameGrid
        Clock of its frames.

    Returns
    -------
    tuple of Curve (fires + 1,)
        Tooth i climbs from the fire before to its own: ``S − (mass at which token i begins)``.

    Raises
    ------
    CIFError
        If the firing is a batch of several utterances.

    Examples
    --------
    >>> import torch
    >>> from cifviz.core.firing import integrate_and_fire
    >>> firing = integrate_and_fire(torch.tensor([[0.5, 1.0]]), torch.eye(2)[None])
    >>> for tooth in accumulation_teeth(firing, FrameGrid(1.0)):
    ...     print(tooth.seconds.tolist(), tooth.level.tolist())
    [0.0, 1.0, 1.5] [0.0, 0.5, 1.0]
    [1.5, 2.0] [0.0, 0.5]
    """
    one = one_utterance(firing)
    running = _running_mass(one)
    frames = np.arange(len(running))
    begins = np.concatenate([[0.0], one.token_masses[0].numpy()])  # mass where each tooth begins
    stops = np.concatenate([[0.0], one.fire_positions[0].numpy(), [float(frames[-1])]])
    masses = np.concatenate([[0.0], fire_masses(one), running[-1:]])
    teeth = []
    for index, begin in enumerate(begins):
        first, last = stops[index], stops[index + 1]
        inside = slice(int(np.floor(first)) + 1, int(np.ceil(last)))
        position = np.concatenate([[first], frames[inside], [last]])
        mass = np.concatenate([masses[index : index + 1], running[inside], masses[[index + 1]]])
        teeth.append(Curve(_seconds(grid, position), mass - begin))
    return tuple(teeth)


def accumulation_curve(firing: Firing, grid: FrameGrid) -> Curve:
    """The integrator over time: straight up within each frame, straight down at each fire.

    Parameters
    ----------
    firing : Firing
        Of one utterance.
    grid : FrameGrid
        Clock of its frames.

    Returns
    -------
    Curve
        A corner at each frame's edge, and two at each fire, above and below: from β to 0; within
        the slack from less than β to below 0; for a tail from the residual to 0.

    Raises
    ------
    CIFError
        If the firing is a batch of several utterances.

    Examples
    --------
    Token 0 is full in the middle of frame 1:

    >>> import torch
    >>> from cifviz.core.firing import integrate_and_fire
    >>> firing = integrate_and_fire(torch.tensor([[0.5, 1.0]]), torch.eye(2)[None])
    >>> seconds, level = accumulation_curve(firing, FrameGrid(1.0))
    >>> seconds.tolist()
    [0.0, 1.0, 1.5, 1.5, 2.0]
    >>> level.tolist()
    [0.0, 0.5, 1.0, 0.0, 0.5]

    Notes
    -----
    Notebook: notebooks/01_integrate_and_fire.ipynb
    """
    teeth = accumulation_teeth(firing, grid)
    return Curve(
        np.concatenate([tooth.seconds for tooth in teeth]),
        np.concatenate([tooth.level for tooth in teeth]),
    )


def contribution_boxes(firing: Firing, grid: FrameGrid) -> Boxes:
    """W as rectangles between time and mass.

    Parameters
    ----------
    firing : Firing
        Of one utterance.
    grid : FrameGrid
        Clock of its frames.

    Returns
    -------
    Boxes
        Without slack the box of token i and frame t is as wide as the frame and lies on the mass
        axis where ``[S_t, S_{t+1}]`` and ``[iβ, (i+1)β]`` overlap: its height is ``W[i, t]``.

    Raises
    ------
    CIFError
        If the firing is a batch of several utterances.

    Examples
    --------
    Frame 1 gives 0.5 to token 0; the other 0.5 belongs to no token.

    >>> import torch
    >>> from cifviz.core.firing import integrate_and_fire
    >>> firing = integrate_and_fire(torch.tensor([[0.5, 1.0]]), torch.eye(2)[None])
    >>> boxes = contribution_boxes(firing, FrameGrid(1.0))
    >>> list(zip(boxes.token.tolist(), boxes.frame.tolist(), boxes.weight.tolist()))
    [(0, 0, 0.5), (0, 1, 0.5)]
    >>> boxes.lower.tolist(), boxes.upper.tolist()
    ([0.0, 0.5], [0.5, 1.0])

    Notes
    -----
    Notebook: notebooks/01_integrate_and_fire.ipynb
    """
    one = one_utterance(firing)
    parts = []
    for first_token, first_frame, weights in _contribution_blocks(one):
        ends = one.token_masses[0, first_token : first_token + len(weights)].numpy()
        before_first = one.token_masses[0, first_token - 1] if first_token else 0.0
        begins = np.concatenate([[float(before_first)], ends])[:-1]
        filled = weights.cumsum(axis=1)
        # A tail's weights were enlarged: on the mass axis they take their own space.
        total = np.where(filled[:, -1] > 0, filled[:, -1], 1.0)
        filled = filled * ((ends - begins) / total)[:, None]
        before = np.concatenate([np.zeros((len(ends), 1)), filled], axis=1)[:, :-1]
        row, column = np.nonzero(np.abs(weights) > ROUNDING * one.threshold)
        lower, upper = begins[row] + before[row, column], begins[row] + filled[row, column]
        parts.append((first_token + row, first_frame + column, lower, upper, weights[row, column]))
    nothing = (np.zeros(0, int), np.zeros(0, int), *[np.zeros(0)] * 3)
    token, frame, lower, upper, weight = map(np.concatenate, zip(nothing, *parts, strict=True))
    times = _seconds(grid, frame), _seconds(grid, frame + 1)
    return Boxes(token, frame, *times, lower, upper, weight)


def contribution_matrix(firing: Firing, grid: FrameGrid, within: Within = None) -> Matrix:
    """W as a matrix that can be drawn, whatever the length of the utterance.

    Parameters
    ----------
    firing : Firing
        Of one utterance.
    grid : FrameGrid
        Clock of its frames.
    within : (float, float), optional
        Only the frames between two times, and the tokens that end there or are being filled.

    Returns
    -------
    Matrix
        W itself up to `MOST_ROWS` tokens and `MOST_COLUMNS` frames. Of more, as many neighbours as
        necessary are joined, and a value is the entry of largest magnitude among them.

    Raises
    ------
    CIFError
        If the firing is a batch of several utterances.

    Examples
    --------
    >>> import torch
    >>> from cifviz.core.firing import integrate_and_fire
    >>> firing = integrate_and_fire(torch.tensor([[0.5, 1.0]]), torch.eye(2)[None])
    >>> contribution_matrix(firing, FrameGrid(1.0)).values.tolist()
    [[0.5, 0.5]]
    """
    # 1. Tokens and frames that can be seen, and how many are joined.
    one = one_utterance(firing)
    times = _seconds(grid, np.arange(one.alpha.shape[1] + 1))
    seen = overlapping(times[:-1], times[1:], within)
    ends = fire_times(one, grid)
    tokens = overlapping(np.concatenate([times[:1], ends])[:-1], ends, within)
    fires, frames = tokens.stop - tokens.start, seen.stop - seen.start
    rows, columns = -(-fires // MOST_ROWS) or 1, -(-frames // MOST_COLUMNS) or 1

    # 2. The largest and the smallest entry of each cell.
    highest = np.zeros((-(-fires // rows), -(-frames // columns)))
    lowest = highest.copy()
    for first_token, first_frame, weights in _contribution_blocks(one):
        if first_token >= tokens.stop or first_token + len(weights) <= tokens.start:
            continue
        row, column = np.nonzero(weights)
        token, frame = first_token + row, first_frame + column
        kept = (token >= tokens.start) & (token < tokens.stop)
        kept &= (frame >= seen.start) & (frame < seen.stop)
        place = (token[kept] - tokens.start) // rows, (frame[kept] - seen.start) // columns
        np.maximum.at(highest, place, weights[row, column][kept])
        np.minimum.at(lowest, place, weights[row, column][kept])
    edges = np.minimum(np.arange(0, frames + columns, columns), frames)
    return Matrix(
        tokens.start + np.minimum(np.arange(0, fires + rows, rows), fires),
        _seconds(grid, seen.start + (edges if frames else np.zeros(1))),
        np.where(highest >= -lowest, highest, lowest),
    )


def _contribution_blocks(one: Firing) -> Iterator[tuple[int, int, np.ndarray]]:
    """W in blocks of some tokens: the first token and frame of each, and W there (tokens, frames).

    All entries of these tokens are in the block, so that an hour needs no matrix of all its tokens
    and frames.
    """
    axis, fires = one.axis, int(one.num_fires[0])
    for first in range(0, fires, _BLOCK):
        last = min(first + _BLOCK, fires)
        if isinstance(axis, GivenAxis):  # known as a whole, and any frame may give to any token
            yield first, 0, axis.contributions[0, first:last].numpy()
            continue
        # W changes from the frame that reaches the first token's start to the last one's end.
        reach = axis.reach[0, [first, last]].contiguous()
        begin, end = torch.searchsorted(axis.running[0].contiguous(), reach).tolist()
        before = max(0, begin - 1)
        part = replace(
            axis,
            running=axis.running[:, before : end + 1],
            ends=axis.ends[:, first : last + 1],
            reach=axis.reach[:, first : last + 1],
            fill=axis.fill[:, first:last],
        )
        # What lies before is one column more, which is left out.
        yield first, begin, part.contributions[0, :, begin - before :].numpy()


def waveform_line(waveform: Waveform, points: int = 4000) -> Curve:
    """A waveform with no more points than can be seen.

    Parameters
    ----------
    waveform : Waveform
        Sample n is at ``n / sample_rate`` seconds.
    points : int >= 2
        Most points of the line.

    Returns
    -------
    Curve
        The samples; of more than `points`, lowest and highest of each of ``points // 2`` pieces.

    Raises
    ------
    CIFError
        If `points` is below 2.

    Examples
    --------
    >>> sound = Waveform(np.array([0.0, 0.5, -0.5, 0.25, 0.0, 0.125]), 2)
    >>> waveform_line(sound).seconds.tolist()
    [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]
    >>> waveform_line(sound, points=4).level.tolist()
    [-0.5, 0.5, 0.0, 0.25]
    """
    require(points >= 2, f"points must be at least 2, got {points}")
    samples = waveform.samples
    if len(samples) <= points:
        return Curve(np.arange(len(samples)) / waveform.sample_rate, samples)
    edges = np.linspace(0, len(samples), points // 2 + 1).astype(int)[:-1]
    extremes = [np.minimum.reduceat(samples, edges), np.maximum.reduceat(samples, edges)]
    return Curve(np.repeat(edges / waveform.sample_rate, 2), np.stack(extremes, axis=1).ravel())


def label_rows(
    centres: Sequence[float], widths: Sequence[float], *, rows: int, gap: float = 0.0
) -> list[int | None]:
    """Put labels in as few rows as needed, so that none touches its neighbour.

    Parameters
    ----------
    centres : sequence of float (labels,)
        Centres of the labels, from left to right.
    widths : sequence of float (labels,)
        How wide they are, in the unit of `centres`.
    rows : int
        Rows there are.
    gap : float
        Space between neighbours.

    Returns
    -------
    list of int or None (labels,)
        The first row in which there is space; None if there is none in any.

    Examples
    --------
    Three labels of width 2, one unit apart, and two rows:

    >>> label_rows([1, 2, 3], [2, 2, 2], rows=2)
    [0, 1, 0]
    >>> label_rows([1, 2, 3], [2, 2, 2], rows=1)
    [0, None, 0]
    """
    taken = [-np.inf] * rows
    placed: list[int | None] = []
    for centre, width in zip(centres, widths, strict=True):
        free = [row for row in range(rows) if taken[row] + gap <= centre - width / 2]
        placed.append(free[0] if free else None)
        if free:
            taken[free[0]] = centre + width / 2
    return placed


def _seconds(grid: FrameGrid, frames: np.ndarray) -> np.ndarray:
    """Times of many frame positions at once."""
    return np.asarray(grid.seconds(cast(Any, frames)), dtype=np.float64)


def _running_mass(one: Firing) -> np.ndarray:
    """S_t of one utterance, float64 (frames + 1,)."""
    return np.concatenate([[0.0], one.scaled_alpha[0].double().cumsum(dim=0).numpy()])
