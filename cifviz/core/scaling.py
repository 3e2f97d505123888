"""Scaling: make the weights of an utterance sum to its number of tokens, in training."""

from __future__ import annotations

import torch
from torch import Tensor

from cifviz.core.masks import check_lengths, require_weights
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
    return (alpha * scaling_factor(alpha, target_lengths, threshold)).to(alpha.dtype)


def scaling_factor(alpha: Tensor, target_lengths: Tensor, threshold: float) -> Tensor:
    """What `scale_to_length` multiplies each row by (batch, 1), in float32 at least.

    In float16 a factor above 65504 would be infinite, and scaled weights rounded to it or to
    bfloat16 need not sum to anything near the number of tokens.

    >>> import torch
    >>> scaling_factor(torch.tensor([[0.5, 1.0, 0.5]]), torch.tensor([3]), 1.0)
    tensor([[1.5000]])
    """
    alpha = require_weights(alpha)
    target_lengths = check_lengths("target_lengths", target_lengths, alpha)
    threshold = require_number("threshold", threshold, above=0)
    wanted = target_lengths.double() * threshold
    factor = wanted / (alpha.double().sum(dim=1) + EPSILON)
    return factor.to(torch.promote_types(alpha.dtype, torch.float32)).unsqueeze(1)
