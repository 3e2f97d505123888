"""CIF-PyTorch, the reference implementation: Algorithm 1 with a threshold that is a slack.

- It fires where the integrator reaches the threshold β and always charges 1, so ``⌊S + 1 − β⌋``
  tokens fire. For β ≠ 1 a token borrows from the frame that fires it, or pays back: its weights
  sum to 1, and some are negative.
- One fire per frame. What a scaled weight above 1 should have fired more waits for later frames.
- In training (`target_lengths`) ``alpha · (N / S)``; at β = 1 rounding then loses the last token
  of every second utterance.
- In inference the residual fires if it is above the tail threshold, divided by itself. That happens
  in the first padded frame: an utterance that fills its batch never gets its tail.
- Weights of padded frames are zero. A fire deferred to the first padded frame takes weight from it,
  a later one is dropped.

Notes
-----
Source: MingLunHan/CIF-PyTorch, 9ce5118, modules/cif_middleware.py · Paper: Dong & Xu (2020)
"""

from __future__ import annotations

import torch
from torch import Tensor

from cifviz.core.dialects._contract import Contributions, Dialect
from cifviz.core.dialects._parts import full_rows, largest, one_fire_per_frame, scaled, token_rows
from cifviz.core.validation import valid_mask


def integrate(
    alpha: Tensor,
    frame_lengths: Tensor,
    target_lengths: Tensor | None,
    *,
    threshold: float,
    tail_threshold: float,
) -> Contributions:
    """Fire in a float32 loop, then give the first padded frame its special treatment."""
    if target_lengths is not None:
        alpha = scaled(alpha, target_lengths)
    frames = one_fire_per_frame(alpha, threshold, lambda reached, carried: carried)
    counts = frames.fired.long().cumsum(dim=1)
    size = alpha.shape[1]
    seen = valid_mask(frame_lengths + 1, size)  # the real frames and the first padded one
    rows = largest((frames.fired & seen).sum(dim=1)) + 1
    weights = token_rows(frames.fired, frames.taken, frames.carried, rows) * seen.unsqueeze(1)
    if target_lengths is not None:
        num_fires = (frames.fired & seen).sum(dim=1)
    else:
        num_fires = (frames.fired & valid_mask(frame_lengths, size)).sum(dim=1)
        padded = frame_lengths < size
        if padded.any():
            first = frame_lengths.clamp(max=size - 1).unsqueeze(1)
            residual = frames.left.gather(1, first)
            opened = counts.gather(1, first).unsqueeze(2).expand(-1, 1, size)
            tail = weights.gather(1, opened) / (residual + 1e-10).unsqueeze(2)
            keep = padded & (residual.squeeze(1) > tail_threshold)
            row = torch.arange(rows, device=alpha.device) == num_fires.unsqueeze(1)
            weights = torch.where((row & keep.unsqueeze(1)).unsqueeze(2), tail, weights)
            num_fires = num_fires + keep
    return Contributions(
        weights=full_rows(weights, num_fires)[:, : largest(num_fires)],
        num_fires=num_fires,
        alpha=alpha,
        accumulated=frames.left,
    )


DIALECT = Dialect(
    name="cif_pytorch",
    source="MingLunHan/CIF-PyTorch 9ce5118",
    integrate=integrate,
    threshold=0.99,
    tail_threshold=0.5,
    adjustable=("threshold", "tail_threshold"),
)
