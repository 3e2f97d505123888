"""Like CIF-PyTorch, but the integrator after a fire is the sum less 1, and padding counts.

- The function alone, as FunASR's predictors call it: no lengths, so that weights in padded frames
  fire like any other, and no tail.
- It fires at the threshold and charges 1, once in a frame at most; scaled weights above 1 leave the
  integrator above 1, and the tokens after it negative weights.
- Rows for ``round(Σα)`` tokens, half to even. A token lost to rounding leaves a row of zeros.
- With `target_lengths` the weights are scaled as the predictors do before they call it.
- `accumulated` is what it returns as ``fires``: the integrator before each fire.

Notes
-----
Source: FunASR 1.4.16, ``cif`` in funasr/models/paraformer/cif_predictor.py
"""

from __future__ import annotations

from torch import Tensor

from cifviz.core.dialects._contract import Contributions, Dialect
from cifviz.core.dialects._parts import (
    full_rows,
    one_fire_per_frame,
    rows_for,
    scaled,
    token_rows,
)


def fire(alpha: Tensor, *, threshold: float) -> Contributions:
    """The loop, in float32."""
    frames = one_fire_per_frame(alpha, threshold, lambda reached, carried: reached - 1)
    num_fires = frames.fired.sum(dim=1)
    rows = rows_for(num_fires, alpha)
    weights = token_rows(frames.fired, frames.taken, frames.carried, rows)
    return Contributions(
        weights=full_rows(weights, num_fires),
        num_fires=num_fires,
        alpha=alpha,
        accumulated=frames.reached,
    )


def integrate(
    alpha: Tensor, frame_lengths: Tensor, target_lengths: Tensor | None, *, threshold: float
) -> Contributions:
    """Scale if there is a target, then fire."""
    if target_lengths is not None:
        alpha = scaled(alpha, target_lengths)
    return fire(alpha, threshold=threshold)


DIALECT = Dialect(
    name="funasr_cif",
    source="FunASR 1.4.16, cif",
    integrate=integrate,
    threshold=1.0,
    adjustable=("threshold",),
    masks_padding=False,
)
