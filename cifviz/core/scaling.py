"""Scaling: make the weights of an utterance sum to its number of tokens, in training."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from cifviz.core.float64 import in_float64
from cifviz.core.validation import check_lengths, require_weights
from cifviz.errors import require_number

EPSILON = 1e-8
"""Added to the sum of the weights before dividing by it (a tip of CIF-PyTorch's README)."""


def scale_to_length(alpha: Tensor, target_lengths: Tensor, threshold: float = 1.0) -> Tensor:
    """Scale the weights of each utterance so that its known number of tokens comes out.

    Parameters
    ----------
    alpha : Tensor (batch, frames), >= 0
        Weight of each frame, zero at padded frames.
    target_lengths : Tensor (batch,), integers >= 0
        Number of tokens of each utterance, N.
    threshold : float > 0
        β, the mass of one token.

    Returns
    -------
    Tensor (batch, frames)
        ``alpha · βN / (Σ alpha + 1e-8)``, each row in proportion to what it was.

    Raises
    ------
    CIFError
        If `alpha` is not a floating point tensor of finite weights >= 0, the target lengths are not
        one integer >= 0 for each utterance, or `threshold` is not a number above 0.

    Examples
    --------
    Weights that sum to 2, asked for 3 tokens:

    >>> import torch
    >>> scale_to_length(torch.tensor([[0.5, 1.0, 0.5]]), torch.tensor([3]))
    tensor([[0.7500, 1.5000, 0.7500]])

    Notes
    -----
    Since the result does not change when `alpha` is multiplied by a constant, no loss behind it can
    teach how large the weights should be: that takes the quantity loss, on the unscaled weights.
    Paper: Dong & Xu (2020), section 2.2.
    """
    return scaled_to_length(alpha, target_lengths, threshold).to(alpha.dtype)


def scaled_to_length(alpha: Tensor, target_lengths: Tensor, threshold: float) -> Tensor:
    """Like `scale_to_length`, but in float32 at least.

    Scaled weights rounded to float16 or bfloat16 need not sum to anything near the number of
    tokens, and a factor above 65504 would be infinite in float16.

    >>> alpha = torch.tensor([[0.5, 1.0, 0.5]], dtype=torch.float16)
    >>> scaled_to_length(alpha, torch.tensor([3]), 1.0)
    tensor([[0.7500, 1.5000, 0.7500]])
    """
    alpha = require_weights(alpha)
    target_lengths = check_lengths("target_lengths", target_lengths, alpha)
    threshold = require_number("threshold", threshold, above=0)
    exact = in_float64(alpha)
    # As a running sum, which adds zeros behind an utterance without another rounding.
    total = F.pad(exact.cumsum(dim=1), (1, 0))[:, -1]
    factor = target_lengths.double() * threshold / (total + EPSILON)
    return (exact * factor.unsqueeze(1)).to(torch.promote_types(alpha.dtype, torch.float32))
