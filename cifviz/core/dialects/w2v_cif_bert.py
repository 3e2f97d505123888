"""Like FunASR's `cif`, but peaks are flattened first, and inference scales to ``round(Σα)``.

- Weights of padded frames are zero; the others are scaled to N in training (`target_lengths`) and
  to round(Σα), half to even, in inference. That takes the place of a tail rule and shifts every
  boundary, not the last one alone.
- While a weight is above the threshold (0.999), its row becomes half of itself and half its mean.
  No frame then fires twice; the sum stays. Where the mean is above the threshold that never ends;
  here the row becomes its mean, the limit.
- It fires at 0.999, charges 1, and has no tail.

Notes
-----
Source: aispeech-lab/w2v-cif-bert, wav2vec/wav2vec2_cif.py · Paper: Yi, Zhou & Xu (2021)
"""

from __future__ import annotations

import torch
from torch import Tensor

from cifviz.core.dialects import funasr_cif
from cifviz.core.dialects._contract import Contributions, Dialect
from cifviz.core.dialects._parts import scaled


def integrate(
    alpha: Tensor, frame_lengths: Tensor, target_lengths: Tensor | None, *, threshold: float
) -> Contributions:
    """Scale, flatten, fire in the loop."""
    wanted = alpha.sum(dim=1).round() if target_lengths is None else target_lengths
    rows = [flattened(row, threshold) for row in scaled(alpha, wanted)]
    return funasr_cif.fire(torch.stack(rows) if rows else alpha, threshold=threshold)


def flattened(row: Tensor, threshold: float) -> Tensor:
    """The weights of one utterance, none above the threshold if they can be.

    >>> flattened(torch.tensor([0.18, 1.69, 0.18, 0.18, 0.18, 1.60]), 0.999)
    tensor([0.5462, 0.9238, 0.5462, 0.5462, 0.5462, 0.9013])
    """
    above = (row > threshold).nonzero()
    while len(above):
        is_weight = row.ne(0).float()
        mean = row.sum() / is_weight.sum()
        if mean > threshold - 1e-6:
            return mean * is_weight
        for frame in above.flatten().tolist():
            if row[frame] >= threshold:
                row = row * 0.5 + 0.5 * row.sum() / is_weight.sum() * is_weight
        above = (row > threshold).nonzero()
    return row


DIALECT = Dialect(
    name="w2v_cif_bert",
    source="aispeech-lab/w2v-cif-bert",
    integrate=integrate,
    threshold=0.999,
    adjustable=("threshold",),
)
