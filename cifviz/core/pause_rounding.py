"""Pause rounding: between pauses, the weights are scaled to whole tokens, in inference.

An error in the weight of a token is carried on to the next token, and in long speech such errors
add up. But no pause falls inside a token: the mass between two pauses should be a whole number of
tokens.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from cifviz.core.float64 import in_float64
from cifviz.core.tail import DEFAULT, TailRule
from cifviz.core.validation import check_lengths, require_weights, valid_mask
from cifviz.errors import require_integer, require_number, require_type


def round_at_pauses(
    alpha: Tensor,
    frame_lengths: Tensor,
    *,
    pause_frames: int,
    pause_weight: float = 0.01,
    threshold: float = 1.0,
    tail: TailRule = DEFAULT,
) -> Tensor:
    """Scale the weights between pauses so that they sum to whole tokens.

    Parameters
    ----------
    alpha : Tensor (batch, frames), >= 0
        Weight of each frame, zero at padded frames.
    frame_lengths : Tensor (batch,), integers
        Real frames of each utterance.
    pause_frames : int > 0
        A pause is at least so many neighbouring frames of small weight.
    pause_weight : float > 0
        A weight below this is small.
    threshold : float > 0
        β, the mass of a token.
    tail : TailRule
        Whether a residual is rounded up, or how many tokens the mass is. Default: ``above(0.5)``.

    Returns
    -------
    Tensor (batch, frames)
        ``α · βn / m`` for a segment of mass m of which `tail` makes n tokens. A segment begins
        behind a pause and ends with the next one; one of no token has no weight left.

    Raises
    ------
    CIFError
        If `alpha` is not a floating point tensor of finite weights >= 0, the lengths do not fit, or
        a setting is out of range.

    Examples
    --------
    A pause of two frames between 0.9 and 2.2 tokens:

    >>> alpha = torch.tensor([[0.5, 0.4, 0.0, 0.0, 1.1, 1.1]])
    >>> round_at_pauses(alpha, torch.tensor([6]), pause_frames=2)
    tensor([[0.5556, 0.4444, 0.0000, 0.0000, 1.0000, 1.0000]])

    Notes
    -----
    FunASR's E-Paraformer rounds the sum of all weights of an utterance in this way
    (github.com/modelscope/FunASR): in a long one a single rounding for hundreds of tokens.
    """
    # 1. Check what came.
    alpha = require_weights(alpha)
    frame_lengths = check_lengths("frame_lengths", frame_lengths, alpha, alpha.shape[1])
    pause_frames = require_integer("pause_frames", pause_frames, above=0)
    pause_weight = require_number("pause_weight", pause_weight, above=0)
    threshold = require_number("threshold", threshold, above=0)
    require_type("tail", tail, TailRule)
    # 2. A frame is part of a pause if one of the windows over it holds small weights alone.
    small = (alpha < pause_weight) & valid_mask(frame_lengths, alpha.shape[1])
    inner = F.pad(small.long(), (pause_frames - 1, pause_frames - 1))
    is_whole = _window_sums(inner, pause_frames) == pause_frames
    is_pause = _window_sums(is_whole.long(), pause_frames) > 0
    # 3. The mass of each segment.
    begins = ~is_pause & F.pad(is_pause, (1, 0))[:, :-1]
    segment = begins.long().cumsum(dim=1)
    exact = in_float64(alpha)
    mass = torch.zeros(alpha.shape, dtype=torch.float64, device=alpha.device)
    mass = mass.scatter_add(1, segment, exact)
    # 4. Scale it to its tokens.
    full = (mass / threshold).detach().floor()
    tokens = tail.tokens(mass.detach(), full, threshold)
    # Nothing is divided by zero, not even where it is thrown away: its gradient would be NaN.
    factor = tokens * threshold / torch.where(mass > 0, mass, torch.inf)
    return (exact * factor.gather(1, segment)).to(alpha.dtype)


def _window_sums(counts: Tensor, width: int) -> Tensor:
    """Sums over each `width` neighbours of (batch, size): (batch, size - width + 1).

    >>> _window_sums(torch.tensor([[1, 0, 1, 1]]), 2)
    tensor([[1, 1, 2]])
    """
    running = F.pad(counts.cumsum(dim=1), (1, 0))
    return running[:, width:] - running[:, :-width]
