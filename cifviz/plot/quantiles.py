"""How well a word's edge is read at each quantile of its token's mass, as plain numbers.

Like `cifviz.plot.geometry`, no drawing here; but of many utterances with known words, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from cifviz.alignment.timed_tokens import Alignment, Edges, times_at
from cifviz.core.firing import Firing
from cifviz.core.valley_segmentation import segment_ends
from cifviz.errors import require
from cifviz.metrics import best_shift, edge_errors
from cifviz.metrics.numbers import median
from cifviz.plot import geometry
from cifviz.timing import FrameGrid

if TYPE_CHECKING:
    from cifviz.systems.transcription import Transcription

QUANTILES = (0.0, 0.02, *(share / 20 for share in range(1, 20)), 0.98, 1.0)
"""Shares of a token's mass: every 5 %, and 2 % inside both ends."""


class QuantileErrors(NamedTuple):
    """What reading edges at each quantile is worth. NaN where nothing was read."""

    cut: str
    """Where one token's mass ends and the next one's begins."""
    quantiles: np.ndarray
    """Shares of a token's mass (quantiles,)."""
    errors: Mapping[str, np.ndarray]
    """By edge, "onset" and "offset": mean absolute error after the shift, seconds (quantiles,)."""
    shifts: Mapping[str, np.ndarray]
    """By edge: the constant that makes the error least, seconds (quantiles,)."""
    seconds_per_token: np.ndarray
    """Median of 1/α (quantiles,); see `seconds_per_token`."""
    utterances: int
    """How many had the right number of tokens."""
    tokens: int
    """How many of theirs have times in the reference."""

    def least(self, edge: str, *, between: tuple[float, float] = (0.0, 1.0)) -> int:
        """Which quantile has the least error, to the microsecond; the first of equals."""
        inside = (between[0] <= self.quantiles) & (self.quantiles <= between[1])
        return int(np.where(inside, self.errors[edge].round(6), np.inf).argmin())

    def best(self) -> Edges:
        """The reading with the least errors: onsets up to 0.5, offsets from 0.5 on.

        Without any token, the default of `Edges`.
        """
        if not self.tokens:
            return Edges(cut=self.cut)
        first = self.least("onset", between=(0.0, 0.5))
        last = self.least("offset", between=(0.5, 1.0))
        return Edges(
            float(self.quantiles[first]),
            float(self.quantiles[last]),
            float(self.shifts["onset"][first]),
            float(self.shifts["offset"][last]),
            cut=self.cut,
        )


def errors_by_quantile(
    transcriptions: Sequence[Transcription],
    references: Sequence[Alignment],
    *,
    cut: str = "valleys",
    quantiles: Sequence[float] = QUANTILES,
) -> QuantileErrors:
    """Read all edges at every quantile, and compare them with what was said.

    Parameters
    ----------
    transcriptions : sequence of Transcription
        What was heard.
    references : sequence of Alignment
        What was said in each. Utterances with another number of tokens are left out: nothing says
        which token is which.
    cut : {"valleys", "fires"}
        Where one token's mass ends and the next one's begins.
    quantiles : sequence of float in [0, 1]
        Shares of a token's mass.

    Returns
    -------
    QuantileErrors
        ``mean |time at the quantile + shift − edge|``, with ``shift = −median(time − edge)`` of
        each quantile and kind of edge.

    Raises
    ------
    CIFError
        If there are not as many references as transcriptions, or of the quantiles or `cut`.

    Examples
    --------
    A token that weighs 0.1, 0.8 and 0.1 in frames of 1 s. One frame was said: the middle one.

    >>> from types import SimpleNamespace as Heard
    >>> from cifviz.core.firing import integrate_and_fire
    >>> from cifviz.alignment.timed_tokens import TimedToken
    >>> firing = integrate_and_fire(torch.tensor([[0.1, 0.8, 0.1]]).double(), torch.eye(3)[None])
    >>> heard = Heard(tokens=("one",), firing=firing, grid=FrameGrid(1.0))
    >>> said = Alignment((TimedToken("one", 1.0, 2.0),))
    >>> found = errors_by_quantile([heard], [said], quantiles=[0.05, 0.5])
    >>> found.shifts["onset"].round(3).tolist(), found.seconds_per_token.round(3).tolist()
    ([0.5, -0.5], [10.0, 1.25])
    """
    require(
        len(transcriptions) == len(references),
        f"expected {len(transcriptions)} references, one a transcription, got {len(references)}",
    )
    empty = np.zeros((0, len(quantiles)))
    times, slopes, edges, utterances = [empty], [empty], [], 0
    for heard, said in zip(transcriptions, references, strict=True):
        if len(heard.tokens) != len(said) or not len(said):
            continue
        utterances += 1
        is_timed = np.array([token.is_timed for token in said])
        read = times_at(heard.require_firing(), heard.grid, quantiles, cut=cut).numpy()[is_timed]
        times.append(read)
        slopes.append(seconds_per_token(heard.require_firing(), heard.grid, read))
        edges += [(token.start, token.end) for token in said.timed]
    late = np.concatenate(times)
    known = np.array(edges, dtype=np.float64).reshape(-1, 2)
    errors, shifts = {}, {}
    for side, edge in enumerate(("onset", "offset")):
        signed = late - known[:, [side]]
        shifts[edge] = np.array([best_shift(column) for column in signed.T])
        moved = (signed + shifts[edge]).T
        errors[edge] = np.array([edge_errors(column)["mean_absolute"] for column in moved])
    slope = np.array([median(column) for column in np.concatenate(slopes).T])
    return QuantileErrors(cut, np.array(quantiles), errors, shifts, slope, utterances, len(known))


def weights_at(firing: Firing, grid: FrameGrid, times: np.ndarray) -> np.ndarray:
    """α of the frames in which times lie (any shape); 0 without frames.

    A time between two frames belongs to the earlier one: there `times_at` read it.

    Raises
    ------
    CIFError
        If the firing is a batch of several utterances.

    Examples
    --------
    >>> from cifviz.core.firing import integrate_and_fire
    >>> firing = integrate_and_fire(torch.tensor([[0.5, 0.25]]), torch.eye(2)[None])
    >>> weights_at(firing, FrameGrid(1.0), np.array([0.5, 1.0, 1.5])).tolist()
    [0.5, 0.5, 0.25]
    """
    steps = geometry.weight_steps(firing, grid)
    if not len(steps.scaled):
        return np.zeros(np.shape(times))
    frame = np.searchsorted(steps.edges, times) - 1
    return steps.scaled[frame.clip(0, len(steps.scaled) - 1)]


def seconds_per_token(firing: Firing, grid: FrameGrid, times: np.ndarray) -> np.ndarray:
    """How far an error of mass moves a time: dt/dm = 1/α.

    Parameters
    ----------
    firing : Firing
        Of one utterance.
    grid : FrameGrid
        Clock of its frames.
    times : array (any shape)
        Seconds.

    Returns
    -------
    array (the same shape)
        ``β · frame / α_t`` in seconds per token, t being the frame in which the time lies; infinite
        where that frame weighs nothing.

    Raises
    ------
    CIFError
        If the firing is a batch of several utterances.

    Examples
    --------
    In frames of 0.2 s, weights of 0.5 stretch a token over two of them, of 0.125 over eight.

    >>> from cifviz.core.firing import integrate_and_fire
    >>> firing = integrate_and_fire(torch.tensor([[0.5, 0.125]]), torch.eye(2)[None])
    >>> seconds_per_token(firing, FrameGrid(0.2), np.array([0.1, 0.3]))
    array([0.4, 1.6])
    """
    with np.errstate(divide="ignore"):
        return firing.threshold * grid.shift / weights_at(firing, grid, times)


def valley_cuts(firing: Firing, grid: FrameGrid) -> geometry.Curve:
    """Times and masses of the cuts between tokens (fires − 1,); see `segment_ends`.

    Raises
    ------
    CIFError
        If the firing is a batch of several utterances.

    Examples
    --------
    >>> from cifviz.core.firing import integrate_and_fire
    >>> alpha = torch.tensor([[0.5, 0.5, 0.25, 0.0, 0.5, 0.25]])
    >>> seconds, mass = valley_cuts(integrate_and_fire(alpha, torch.eye(6)[None]), FrameGrid(1.0))
    >>> seconds.tolist(), mass.tolist()
    ([3.0], [1.25])
    """
    one = geometry.one_utterance(firing)
    ends = segment_ends(one)[:-1]
    return geometry.Curve(mass_times(one, grid, ends.numpy()), ends.numpy())


def mass_times(firing: Firing, grid: FrameGrid, mass: np.ndarray) -> np.ndarray:
    """Times at which the running sum reaches masses, in seconds (any shape).

    Raises
    ------
    CIFError
        If the firing is a batch of several utterances.

    Examples
    --------
    >>> from cifviz.core.firing import integrate_and_fire
    >>> firing = integrate_and_fire(torch.tensor([[0.5, 1.0]]), torch.eye(2)[None])
    >>> mass_times(firing, FrameGrid(1.0), np.array([0.25, 1.0])).tolist()
    [0.5, 1.5]
    """
    one = geometry.one_utterance(firing)
    frames = one.frames_at_mass(torch.from_numpy(mass).reshape(1, -1))
    return grid.seconds(frames.reshape(mass.shape).numpy())
