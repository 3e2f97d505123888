"""Rounding the mass of each phrase to whole tokens, in inference.

What a token weighs too much or too little is carried on to the next one, and in long speech that
adds up. At a pause no token can be half said: whatever has been heard since the last one is worth a
whole number of tokens.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from cifviz.core.float64 import in_float64
from cifviz.core.tail import tail_fires
from cifviz.core.validation import check_lengths, require_weights, valid_mask
from cifviz.errors import require_integer, require_number


def round_phrases(
    alpha: Tensor,
    frame_lengths: Tensor,
    *,
    pause_frames: int,
    pause_weight: float = 0.01,
    threshold: float = 1.0,
    tail_threshold: float | None = 0.5,
) -> Tensor:
    """Scale the weights between pauses so that they sum to whole tokens.

    Parameters
    ----------
    alpha : Tensor (batch, frames), >= 0
        Weight of each frame, zero at padded frames.
    frame_lengths : Tensor (batch,), integers
        Real frames of each utterance.
    pause_frames : int > 0
        So many neighbouring frames of small weight are a pause.
    pause_weight : float > 0
        Small is what is below it.
    threshold : float > 0
        β, the mass of a token.
    tail_threshold : float >= 0, optional
        τ: a rest above it is rounded up; None rounds down always.

    Returns
    -------
    Tensor (batch, frames)
        ``α · βn / m`` for a phrase of mass m, n being ``⌊m / β⌋``, and one more if what is left is
        above τ. A phrase is what begins behind a pause and ends with the next one; one that rounds
        to nothing has no weight left.

    Raises
    ------
    CIFError
        If `alpha` is not a floating point tensor of finite weights >= 0, the lengths do not fit, or
        a setting is out of range.

    Examples
    --------
    A pause of two frames between 0.9 and 2.2 tokens:

    >>> alpha = torch.tensor([[0.5, 0.4, 0.0, 0.0, 1.1, 1.1]])
    >>> round_phrases(alpha, torch.tensor([6]), pause_frames=2)
    tensor([[0.5556, 0.4444, 0.0000, 0.0000, 1.0000, 1.0000]])

    Notes
    -----
    FunASR's E-Paraformer rounds the sum of all weights of an utterance so
    (github.com/modelscope/FunASR); in a long one that is a single rounding for hundreds of tokens.
    """
    alpha = require_weights(alpha)
    frame_lengths = check_lengths("frame_lengths", frame_lengths, alpha, alpha.shape[1])
    pause_frames = require_integer("pause_frames", pause_frames, above=0)
    pause_weight = require_number("pause_weight", pause_weight, above=0)
    threshold = require_number("threshold", threshold, above=0)
    small = (alpha < pause_weight) & valid_mask(frame_lengths, alpha.shape[1])
    # A frame is part of a pause if one of the windows over it holds small weights alone.
    inner = F.pad(small.long(), (pause_frames - 1, pause_frames - 1))
    is_whole = _window_sums(inner, pause_frames) == pause_frames
    is_pause = _window_sums(is_whole.long(), pause_frames) > 0
    begins = ~is_pause & F.pad(is_pause, (1, 0))[:, :-1]
    phrase = begins.long().cumsum(dim=1)
    mass = torch.zeros(alpha.shape, dtype=torch.float64, device=alpha.device)
    exact = in_float64(alpha)
    mass = mass.scatter_add(1, phrase, exact)
    full = (mass / threshold).detach().floor()
    rest = mass.detach() - full * threshold
    tokens = full + tail_fires(rest, tail_threshold)
    # Nothing is divided by zero, not even where it is thrown away: its gradient would be NaN.
    factor = tokens * threshold / torch.where(mass > 0, mass, torch.inf)
    return (exact * factor.gather(1, phrase)).to(alpha.dtype)


def _window_sums(counts: Tensor, width: int) -> Tensor:
    """Sums over each `width` neighbours of (batch, size): (batch, size - width + 1).

    >>> _window_sums(torch.tensor([[1, 0, 1, 1]]), 2)
    tensor([[1, 1, 2]])
    """
    running = F.pad(counts.cumsum(dim=1), (1, 0))
    return running[:, width:] - running[:, :-width]
