"""Like FunASR's `cif`, but behind masked weights, and with a weight for the tail.

- Weights of padded frames are zero. Then, in inference, the tail weight (0.45) is added to the
  first padded frame, so that a residual fires from 0.55 on; a column is appended for utterances
  without one. What a padded frame holds thus enters the last token, and that token is not rescaled.
- The tokens are cut to the largest ``⌊Σα⌋``, tail weight included.
- In training (`target_lengths`) ``alpha · (N / S)``, and no tail weight.

Notes
-----
Source: FunASR 1.4.16, ``CifPredictor`` · Paper: Gao et al. (2022), Paraformer
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from cifviz.core.dialects import funasr_cif
from cifviz.core.dialects._contract import Contributions, Dialect
from cifviz.core.dialects._parts import largest, scaled


def integrate(
    alpha: Tensor,
    frame_lengths: Tensor,
    target_lengths: Tensor | None,
    *,
    threshold: float,
    tail_threshold: float,
) -> Contributions:
    """Prepare the weights, fire in the loop, cut."""
    has_tail = target_lengths is None and tail_threshold > 0
    alpha = prepared(alpha, frame_lengths, target_lengths, tail_threshold)
    fired = funasr_cif.fire(alpha, threshold=threshold)
    return cut(fired) if has_tail else fired


def prepared(
    alpha: Tensor, frame_lengths: Tensor, target_lengths: Tensor | None, tail_threshold: float
) -> Tensor:
    """Weights scaled to their targets, or with the tail weight in the first padded frame.

    >>> prepared(torch.tensor([[0.5, 0.0], [0.5, 0.5]]), torch.tensor([1, 2]), None, 0.45)
    tensor([[0.5000, 0.4500, 0.0000],
            [0.5000, 0.5000, 0.4500]])
    """
    if target_lengths is not None:
        return scaled(alpha, target_lengths)
    if tail_threshold == 0:
        return alpha
    frame = torch.arange(alpha.shape[1] + 1, device=alpha.device)
    first_padded = frame == frame_lengths.unsqueeze(1)
    return torch.nn.functional.pad(alpha, (0, 1)) + tail_threshold * first_padded.float()


def cut(fired: Contributions) -> Contributions:
    """Keep as many rows as the largest whole part of the sum of the weights."""
    rows = largest(fired.alpha.sum(dim=1).floor())
    return replace(
        fired, weights=fired.weights[:, :rows], num_fires=fired.num_fires.clamp(max=rows)
    )


DIALECT = Dialect(
    name="paraformer_v1",
    source="FunASR 1.4.16, CifPredictor",
    integrate=integrate,
    threshold=1.0,
    tail_threshold=0.45,
    adjustable=("threshold", "tail_threshold"),
)
