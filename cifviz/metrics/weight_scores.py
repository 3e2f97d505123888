"""What only CIF has: the weights behind the tokens, and when a token is ready.

Conventions
-----------
A `Firing` is that of one utterance, on the CPU or not. A frame's weight is spread evenly over the
frame. Times are in seconds on the clock (`FrameGrid`) of the frames.

Metrics
-------
* `mass_in_silence`: weight between the words.
* `row_entropies`: over how many frames each token is spread.
* `fires_per_second`: tokens in noise and in silence, where there should be none.
* `batch_difference`: what batching changes, which must be nothing.
* `emission_times`: when each token is ready; less its end in the reference, its latency.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cifviz.alignment.timed_tokens import Alignment
from cifviz.core.firing import Firing
from cifviz.errors import require, require_type
from cifviz.metrics.statistics import Numbers, numbers, ratio
from cifviz.timing import FrameGrid


def validate(firing: Firing, grid: FrameGrid | None = None) -> None:
    """Raise unless it is a `Firing` of one utterance, and the clock, if there is one, a clock."""
    require_type("firing", firing, Firing)
    require(len(firing) == 1, f"expected the firing of one utterance, got a batch of {len(firing)}")
    if grid is not None:
        require_type("grid", grid, FrameGrid)


def mass_in_silence(firing: Firing, grid: FrameGrid, words: Alignment) -> float:
    """Weight that lies outside of all words, in units of weight.

    Parameters
    ----------
    firing : Firing
        Of one utterance.
    grid : FrameGrid
        Clock of its frames.
    words : Alignment
        The reference. Every token must be timed: without its time, silence is unknown.

    Returns
    -------
    float
        ``Σα − Σ_t α_t · (share of frame t inside words)``; over Σα, it is the share in silence.

    Raises
    ------
    CIFError
        If a word is untimed, or the firing is that of a batch.

    Examples
    --------
    The word begins in the middle of the second of two frames:

    >>> import torch
    >>> from cifviz.core.firing import integrate_and_fire
    >>> from cifviz.alignment.timed_tokens import TimedToken
    >>> firing = integrate_and_fire(torch.tensor([[0.5, 0.5]]), torch.eye(2)[None])
    >>> mass_in_silence(firing, FrameGrid(0.5), Alignment((TimedToken("a", 0.75, 1.0),)))
    0.75
    """
    validate(firing, grid)
    require_type("words", words, Alignment)
    alpha = firing.cpu().utterance(0).alpha[0].double().numpy()
    mass = np.concatenate([[0.0], alpha.cumsum()])
    frames = grid.frame(np.array(words.spans).reshape(-1, 2))
    inside = np.interp(frames, np.arange(len(mass)), mass)
    return max(0.0, float(mass[-1] - np.diff(inside, axis=1).sum()))


def row_entropies(firing: Firing) -> np.ndarray:
    """Entropy of each row of W, in bits (fires,).

    Returns
    -------
    array (fires,)
        ``−Σ_t p_t log2 p_t`` with ``p_t = W[i, t] / Σ_t W[i, t]``: 0 if one frame makes the token,
        ``log2 n`` if n frames share it evenly. What a token pays back within the slack (negative
        entries) is left out.

    Examples
    --------
    Two frames, then one:

    >>> import torch
    >>> from cifviz.core.firing import integrate_and_fire
    >>> row_entropies(integrate_and_fire(torch.tensor([[0.5, 0.5, 1.0]]), torch.eye(3)[None]))
    array([1., 0.])
    """
    validate(firing)
    weights = firing.cpu().utterance(0).contributions[0].numpy().clip(min=0)
    shares = weights / weights.sum(axis=1, keepdims=True)
    return np.abs((shares * np.log2(np.where(shares > 0, shares, 1.0))).sum(axis=1))


def fires_per_second(firings: Sequence[Firing], seconds: Numbers) -> float:
    """Tokens per second of sound without a word, such as noise or silence.

    Parameters
    ----------
    firings : sequence of Firing
        Of one utterance each.
    seconds : sequence of float (utterances,)
        Their durations.

    Returns
    -------
    float
        All fires over all seconds; nan without sound.

    Examples
    --------
    >>> import torch
    >>> from cifviz.core.firing import integrate_and_fire
    >>> fires_per_second([integrate_and_fire(torch.ones(1, 3), torch.eye(3)[None])], [1.5])
    2.0
    """
    for firing in firings:
        validate(firing)
    require(
        len(firings) == len(seconds),
        f"expected {len(firings)} durations, one a firing, got {len(seconds)}",
    )
    fires = sum(int(firing.num_fires[0]) for firing in firings)
    return ratio(fires, float(numbers("seconds", seconds).sum()))


def batch_difference(alone: Sequence[Firing], batched: Firing) -> float:
    """Largest difference between utterances fired alone and in one batch.

    It must be 0; where an encoder made the weights, no more than its rounding in a batch.

    Parameters
    ----------
    alone : sequence of Firing
        Of one utterance each.
    batched : Firing
        The same utterances, in the same order, together.

    Returns
    -------
    float >= 0
        Largest absolute difference of a weight, a fire's position (frames) or a value of an
        embedding; inf where the numbers of frames or of fires differ.

    Examples
    --------
    >>> import torch
    >>> from cifviz.core.firing import integrate_and_fire
    >>> together = integrate_and_fire(torch.full((2, 3), 0.5), torch.ones(2, 3, 1))
    >>> batch_difference(list(together), together)
    0.0
    """
    require_type("batched", batched, Firing)
    for firing in alone:
        validate(firing)
    require(
        len(alone) == len(batched),
        f"expected {len(batched)} utterances alone, as many as batched, got {len(alone)}",
    )
    differences = [0.0]
    for one, other in zip(alone, batched.cpu(), strict=True):
        one = one.cpu().utterance(0)
        for name in ("alpha", "fire_positions", "embeddings"):
            left, right = getattr(one, name).double(), getattr(other, name).double()
            if left.shape != right.shape:
                return float("inf")
            differences.append(float((left - right).abs().max()) if left.numel() else 0.0)
    return max(differences)


def emission_times(firing: Firing, grid: FrameGrid) -> np.ndarray:
    """When each token is ready, in seconds (fires,): at the end of the frame that fires it.

    A token made of the residual is ready when the utterance ends. This is the delay of the CIF
    alone: the look-ahead of the encoder comes on top.

    Examples
    --------
    The second of three frames fires:

    >>> import torch
    >>> from cifviz.core.firing import integrate_and_fire
    >>> firing = integrate_and_fire(torch.tensor([[0.75, 0.75, 0.0]]), torch.eye(3)[None])
    >>> emission_times(firing, FrameGrid(0.25))
    array([0.5])
    """
    validate(firing, grid)
    one = firing.cpu().utterance(0)
    fired = one.axis.fired[0].numpy()
    tokens = np.arange(int(one.num_fires[0]))
    before = (fired[None, :] <= tokens[:, None]).sum(axis=1)  # frames without enough weight
    return np.asarray(grid.seconds(np.minimum(before + 1, len(fired)).astype(np.float64)))
