"""Like `paraformer_v1`, but nothing fires: each token is a Gaussian on the mass axis.

- The weights are scaled to N in training (`target_lengths`) and to round(Σα), half to even, in
  inference. Token i looks for the mass i + ½: ``W[i, t] ∝ exp(−(σ · (i + ½ − S_{t+1}))²)`` with
  σ = 0.5, normalised over the real frames, so a token sums to 1 and a frame need not.
- In the source four heads begin at σ = 0.5 and learn their own.
- No threshold, no tail, no token lost to rounding. In inference the source fills the rows of
  shorter utterances up to the batch's longest; in training it zeroes them.
- Weights of padded frames are zero.

Notes
-----
Source: FunASR 1.4.16, ``PifPredictor`` · Paper: Zou et al. (2024), E-Paraformer
"""

from __future__ import annotations

import torch
from torch import Tensor

from cifviz.core.dialects._contract import Contributions, Dialect
from cifviz.core.dialects._parts import full_rows, largest, scaled
from cifviz.core.soft_alignment import SIGMA, soft_weights


def integrate(alpha: Tensor, frame_lengths: Tensor, target_lengths: Tensor | None) -> Contributions:
    """`soft_weights` of the scaled weights."""
    num_fires = alpha.sum(dim=1).round().long() if target_lengths is None else target_lengths
    alpha = scaled(alpha, num_fires)
    sigma = torch.tensor([SIGMA], device=alpha.device)
    weights = soft_weights(alpha, frame_lengths, largest(num_fires), sigma).squeeze(1)
    if target_lengths is not None:
        weights = full_rows(weights, num_fires)
    return Contributions(weights=weights, num_fires=num_fires, alpha=alpha)


DIALECT = Dialect(
    name="soft",
    source="FunASR 1.4.16, PifPredictor",
    integrate=integrate,
    threshold=1.0,
    overlapping=True,
)
