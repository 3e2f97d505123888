"""From mass to time, for one utterance: when a mass is reached, and how steep the sum is there.

The time of a mass has the condition number 1/α: where the weights are small, a small error of mass
is a large error of time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from cifviz.core.firing import Firing
from cifviz.core.valley_segmentation import segment_ends
from cifviz.errors import CIFError, require, require_choice, require_type
from cifviz.timing import FrameGrid


def one_utterance(firing: Firing | None) -> Firing:
    """The firing on the CPU, without gradients and padding.

    Raises
    ------
    CIFError
        If it is not a `Firing`, or not of a single utterance.
    """
    if not isinstance(firing, Firing):
        raise CIFError(f"firing must be a Firing, got {type(firing).__name__}")
    require(
        len(firing) == 1,
        f"expected the firing of one utterance, got a batch of {len(firing)}: "
        "pass firing.utterance(i)",
    )
    return firing.cpu().utterance(0)


def times_at(
    firing: Firing, grid: FrameGrid, quantiles: Sequence[float], *, cut: str = "valleys"
) -> Tensor:
    """Times at which quantiles of each token's mass are reached, for one utterance, in seconds.

    Parameters
    ----------
    firing : Firing
        Of a single utterance.
    grid : FrameGrid
        Clock of the frames.
    quantiles : sequence of float in [0, 1]
        Shares of a token's mass.
    cut : {"valleys", "fires"}
        Where one token's mass ends and the next one's begins.

    Returns
    -------
    Tensor (fires, quantiles), float64
        ``grid.seconds(frames_at_mass(start + quantile · (end − start)))``, start and end being the
        token's ends on the mass axis.
    """
    require_type("firing", firing, Firing)
    require_type("grid", grid, FrameGrid)
    require_choice("cut", cut, ("fires", "valleys"))
    require(len(firing) == 1, f"edges are read for one utterance, got a batch of {len(firing)}")
    ends = segment_ends(firing) if cut == "valleys" else firing.token_masses[0].cpu()
    starts = torch.cat([torch.zeros_like(ends[:1]), ends[:-1]])
    masses = starts.unsqueeze(1) + (ends - starts).unsqueeze(1) * torch.tensor(
        quantiles, dtype=torch.float64
    )
    frames = firing.cpu().frames_at_mass(masses.flatten()[None])[0]
    return grid.seconds(frames.view(masses.shape))


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
    weights = one_utterance(firing).scaled_alpha[0].double().numpy()
    if not len(weights):
        return np.zeros(np.shape(times))
    edges = grid.seconds(np.arange(len(weights) + 1, dtype=np.float64))
    frame = np.searchsorted(edges, times) - 1
    return weights[frame.clip(0, len(weights) - 1)]


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


def valley_cuts(firing: Firing, grid: FrameGrid) -> tuple[np.ndarray, np.ndarray]:
    """Times and masses of the cuts between tokens, each (fires − 1,); see `segment_ends`.

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
    ends = segment_ends(one_utterance(firing))[:-1].numpy()
    return mass_times(firing, grid, ends), ends


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
    masses = torch.from_numpy(mass).reshape(1, -1)
    frames = one_utterance(firing).frames_at_mass(masses)
    return grid.seconds(frames.reshape(mass.shape).numpy())
