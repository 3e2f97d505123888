"""Like FunASR's `cif`, but it has as many rows as tokens fire, and so never fails.

- SpacemiT's operator ``Cif`` for ONNX Runtime takes the place of FunASR's loop in an exported
  model. It fires at the threshold, charges 1, once in a frame at most, and adds in FunASR's order:
  a threshold below 1 is a slack, and its tokens borrow.
- Its rows are those that fired, where FunASR makes round(Σα) of them: no row of zeros stands for a
  token lost to rounding, and more fires than that are no error.
- Like the function, it knows no lengths and no tail: weights in padded frames fire. With
  `target_lengths` they are scaled as FunASR's predictors do before they call it.
- The other operator, ``CifWoHidden``, is `spacemit_cif_wo_hidden`. The same number means another
  thing there.

Notes
-----
Source: SpacemiT's operators of the domain ``funasr.customop`` (2025, MIT), ``Cif_ComputeBatch``
"""

from __future__ import annotations

from torch import Tensor

from cifviz.core.dialects._contract import Contributions, Dialect
from cifviz.core.dialects._parts import fired_rows, one_fire_per_frame, scaled


def integrate(
    alpha: Tensor, frame_lengths: Tensor, target_lengths: Tensor | None, *, threshold: float
) -> Contributions:
    """Scale if there is a target, then fire in the loop."""
    if target_lengths is not None:
        alpha = scaled(alpha, target_lengths)
    frames = one_fire_per_frame(alpha, threshold, lambda reached, carried: reached - 1)
    weights, num_fires = fired_rows(frames)
    return Contributions(
        weights=weights, num_fires=num_fires, alpha=alpha, accumulated=frames.reached
    )


DIALECT = Dialect(
    name="spacemit_cif",
    source="SpacemiT's ONNX operator Cif",
    integrate=integrate,
    threshold=1.0,
    adjustable=("threshold",),
    masks_padding=False,
)
