"""Like FunASR's `cif`, but by a running sum in float64 that is cut to float32, and no loop.

- A token fires where the whole part of the running sum grows; its threshold argument is ignored.
- One fire per frame: where the sum grows by two or more, all of it goes to one token, and the
  others are lost.
- Rounding loses the last token less often than in the loop, since it happens once and not in every
  frame.
- The source fails where the batch's last utterance fires nothing and others do; here that utterance
  has no token.
- `accumulated` is what it returns as ``fires``: the fraction of the running sum, 1 higher where a
  token fires.

Notes
-----
Source: FunASR 1.4.16, ``cif_v1`` in funasr/models/paraformer/cif_predictor.py
"""

from __future__ import annotations

import torch
from torch import Tensor

from cifviz.core.dialects._contract import Contributions, Dialect
from cifviz.core.dialects._parts import full_rows, rows_for, scaled, token_rows


def fire(alpha: Tensor) -> Contributions:
    """Whole and fractional parts of the running sum."""
    mass = alpha.cumsum(dim=1, dtype=torch.float64).float()
    whole = mass.detach().floor()
    fired = whole.diff(dim=1, prepend=torch.zeros_like(whole[:, :1])) > 0
    peaks = fired.float() + mass - whole
    carried = torch.where(fired, peaks - peaks.detach().floor(), 0.0)
    num_fires = fired.sum(dim=1)
    rows = rows_for(num_fires, alpha)
    return Contributions(
        weights=full_rows(token_rows(fired, alpha - carried, carried, rows), num_fires),
        num_fires=num_fires,
        alpha=alpha,
        accumulated=peaks,
    )


def integrate(alpha: Tensor, frame_lengths: Tensor, target_lengths: Tensor | None) -> Contributions:
    """Scale if there is a target, then fire."""
    return fire(alpha if target_lengths is None else scaled(alpha, target_lengths))


DIALECT = Dialect(
    name="funasr_cif_v1",
    source="FunASR 1.4.16, cif_v1",
    integrate=integrate,
    threshold=1.0,
    masks_padding=False,
)
