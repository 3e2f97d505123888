"""Like `spacemit_cif`, but the threshold is charged, while a token is completed with 1 − sum.

- Both numbers are 1 as the source calls it, and then it is FunASR's loop. At any other threshold β
  they disagree: the integrator keeps ``sum − β`` after a fire, the next token gets ``sum − 1`` of
  the frame. The first token so weighs 1 and every later one β, and ⌊S / β⌋ tokens fire.
- Below 1 a frame may give a negative weight to the token that it opens.
- The function alone, as the source calls it: no lengths and no tail, so that weights in padded
  frames fire. With `target_lengths` the weights are scaled to N first, as FunASR's predictors do.

Notes
-----
Source: Sophgo, SOPHON-DEMO (BSD-2-Clause), ``cif`` in seaco_paraformer.py, a port of FunASR's for
a chip
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
    frames = one_fire_per_frame(alpha, threshold, lambda reached, carried: reached - threshold)
    weights, num_fires = fired_rows(frames)
    return Contributions(
        weights=weights,
        num_fires=num_fires,
        alpha=alpha,
        accumulated=frames.reached,
        charge=threshold,
    )


DIALECT = Dialect(
    name="sophgo_seaco",
    source="Sophgo's SOPHON-DEMO, seaco_paraformer.py",
    integrate=integrate,
    threshold=1.0,
    adjustable=("threshold",),
    masks_padding=False,
)
