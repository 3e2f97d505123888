"""Like `paraformer_v1`, but without a residual: the threshold of an utterance is ``Σα / ⌈Σα⌉``.

- Paraformer's paper proposes it for inference, where weights are not scaled: ⌈Σα⌉ tokens of equal
  mass come out and nothing is left. No public code runs it, FunASR included.
- A frame may fire several times. Tokens end at equal parts of the float32 running sum, the last one
  where it ends, so rounding loses none.
- Rounding up counts too many where the weights were trained to sum to N.
- In training (`target_lengths`) the weights are scaled to N, which makes the threshold 1.
- Weights of padded frames are zero.

Notes
-----
Written after the paper; there is no public code to compare it with.

Paper: Gao et al. (2022), Paraformer, arXiv 2206.08317
"""

from __future__ import annotations

import torch
from torch import Tensor

from cifviz.core.dialects._contract import Contributions, Dialect
from cifviz.core.dialects._parts import full_rows, largest, scaled


def integrate(alpha: Tensor, frame_lengths: Tensor, target_lengths: Tensor | None) -> Contributions:
    """Cut the running sum into equal parts."""
    if target_lengths is not None:
        alpha = scaled(alpha, target_lengths)
    after = torch.nn.functional.pad(alpha, (1, 0)).cumsum(dim=1)
    total = after[:, -1:]
    if target_lengths is not None:
        num_fires = target_lengths * (total.squeeze(1) > 0)
    else:
        num_fires = total.detach().squeeze(1).ceil().long()
    rows = largest(num_fires)
    token = torch.arange(rows + 1, device=alpha.device)
    edges = (total * (token / num_fires.clamp(min=1).unsqueeze(1))).unsqueeze(2)
    after = after.unsqueeze(1)
    upper = torch.minimum(edges[:, 1:], after[:, :, 1:])
    lower = torch.maximum(edges[:, :-1], after[:, :, :-1])
    weights = full_rows((upper - lower).clamp(min=0), num_fires)
    return Contributions(weights=weights, num_fires=num_fires, alpha=alpha)


DIALECT = Dialect(
    name="paraformer_dynamic",
    source="Paraformer's paper, arXiv 2206.08317",
    integrate=integrate,
)
