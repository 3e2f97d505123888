"""Like torch_cif, but it always scales, in inference to ``max(1, round(Σα))``, and always fires.

- The weights are scaled to N in training (`target_lengths`) and to round(Σα), half to even, in
  inference; where that is 0, to 1. So N tokens come out whatever rounding does: the last one takes
  what is left, and need not reach 1.
- A frame fires as often as its weight allows. The loop does so for the whole batch at once, and a
  round writes where it should add: in a frame where *another* utterance fires twice, one that
  fires not at all loses the frame's weight, and one that is at its last token all of that frame
  but the rest. What an utterance gives so depends on its batch.
- What the last frame has left after a fire is dropped. If that should have been the last token, and
  rounding kept it below 1, its row is zeros.
- There is no mask: weights of padded frames count.

Notes
-----
Source: fixie-ai/ultravox, 6dcb51b, ``CFormerAdapter`` in ultravox/model/ultravox_adapter.py. In
another commit, 0ede13e, inference does not scale, since the rounded count takes the place of the
sum before the factor is formed
"""

from __future__ import annotations

import torch
from torch import Tensor

from cifviz.core.dialects._contract import Contributions, Dialect
from cifviz.core.dialects._parts import full_rows, largest, scaled


def integrate(alpha: Tensor, frame_lengths: Tensor, target_lengths: Tensor | None) -> Contributions:
    """Scale, then sort the weights of one frame after the other into tokens."""
    if target_lengths is None:
        wanted = alpha.sum(dim=1).round().long().clamp(min=1)
    else:
        wanted = target_lengths
    num_fires = wanted * alpha.detach().any(dim=1)  # the source divides zero by zero
    alpha = scaled(alpha, num_fires)
    level, token = alpha.new_zeros(len(alpha)), torch.zeros_like(num_fires)
    number = torch.arange(largest(num_fires), device=alpha.device)
    columns: list[Tensor] = []
    for weight in alpha.unbind(dim=1):
        column = alpha.new_zeros(len(alpha), len(number))
        missing, level = 1 - level, level + weight
        fires = level >= 1
        while True:  # for all rows while any of them fires
            taken = torch.where(fires, missing, weight)
            at_token = number == token.unsqueeze(1)
            column = torch.where(at_token, taken.unsqueeze(1), column)  # replaces what was there
            weight = weight - taken
            level = torch.where(fires, level - 1, level)
            token = torch.minimum(token + fires, num_fires - 1)
            missing, fires = torch.ones_like(level), level >= 1
            if not fires.any():
                break
        if len(columns) < alpha.shape[1] - 1:
            column = column + (number == token.unsqueeze(1)) * weight.unsqueeze(1)
        columns.append(column)
    weights = torch.stack(columns, dim=2) if columns else alpha.unsqueeze(1)[:, : len(number)]
    return Contributions(weights=full_rows(weights, num_fires), num_fires=num_fires, alpha=alpha)


DIALECT = Dialect(
    name="ultravox_cformer",
    source="fixie-ai/ultravox 6dcb51b, CFormerAdapter",
    integrate=integrate,
    threshold=1.0,
    masks_padding=False,
)
