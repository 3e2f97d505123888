"""Flattening: weights drawn towards their mean until none fires twice, as w2v-cif-bert does it."""

from __future__ import annotations

import torch
from torch import Tensor

from cifviz.core.validation import check_lengths, require_weights, valid_mask
from cifviz.errors import require_number

HIGHEST = 0.999
"""The weight above which a frame is a peak."""
CLOSE = 1e-6
"""What is so near to the highest weight is not told apart from it: a peak is not one, and a mean
would take many halvings to get below."""


def flatten_peaks(alpha: Tensor, frame_lengths: Tensor, *, highest: float = HIGHEST) -> Tensor:
    """Draw the weights of each utterance towards their mean until none is above `highest`.

    Parameters
    ----------
    alpha : Tensor (batch, frames), >= 0
        Weights, such as scaled ones; zero at padded frames.
    frame_lengths : Tensor (batch,), integers
        Real frames of each utterance. Those without any weight do not count for the mean.
    highest : float > 0
        What no weight should be above.

    Returns
    -------
    Tensor (batch, frames)
        ``m + (α_t − m) / 2^k`` with the smallest whole k that leaves no weight above `highest`, m
        being the mean of the weights that are not 0; where m is not below `highest`, it is m. The
        sum stays. A gradient flows through α and m, not through k.

    Raises
    ------
    CIFError
        If `alpha` is not a floating point tensor of finite weights >= 0, or the lengths do not fit.

    Examples
    --------
    The mean is ½, and one halving is enough: 1.4 becomes 0.95.

    >>> flatten_peaks(torch.tensor([[1.4, 0.1, 0.2, 0.3, 0.0]]), torch.tensor([5]))
    tensor([[0.9500, 0.3000, 0.3500, 0.4000, 0.0000]])

    Notes
    -----
    Source: ``resize`` in github.com/aispeech-lab/w2v-cif-bert, where the weights are halved in a
    loop, which does not end where the mean is above 0.999. Paper: Yi, Zhou & Xu (2021).
    """
    alpha = require_weights(alpha)
    lengths = check_lengths("frame_lengths", frame_lengths, alpha, alpha.shape[1])
    highest = require_number("highest", highest, above=0)
    is_weight = valid_mask(lengths, alpha.shape[1]) & (alpha > 0)
    count = is_weight.sum(dim=1, keepdim=True).clamp(min=1)
    exact = alpha.masked_fill(~is_weight, 0).double()
    mean = exact.sum(dim=1, keepdim=True) / count
    with torch.no_grad():
        top = torch.cat([exact, torch.zeros_like(mean)], dim=1).amax(dim=1, keepdim=True)
        room = (highest - mean).clamp(min=CLOSE)
        halvings = torch.log2(((top - mean) / room).clamp(min=1)).ceil()
        kept = torch.where(mean > highest - CLOSE, torch.zeros_like(mean), 2.0**-halvings)
        kept = torch.where(top > highest + CLOSE, kept, torch.ones_like(mean))
    flat = mean + (exact - mean) * kept
    return torch.where(is_weight, flat, torch.zeros_like(flat)).to(alpha.dtype)
