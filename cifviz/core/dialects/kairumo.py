"""Like FunASR's `cif`, but one utterance at a time, in Rust: no padding, and rows for what fired.

- It fires where the integrator reaches 1, and charges 1. A frame fires once, however large its
  weight: a weight of 5 leaves 4 on the integrator, nothing bounds that, and each of the next four
  frames fires whatever it holds. A test of the source asks for this, so that one large weight does
  not repeat a word.
- A token that ends by such a debt gets a negative weight from the frame that ends it.
- No tail and no scaling. Each utterance comes with its real frames alone, so what is owed at its
  end is lost and padding never fires. With `target_lengths` the weights are scaled to N first, as
  FunASR's predictors do.

Notes
-----
Source: hauchiehlin-ops/Kairumo, 2718db4, ``cif`` in crates/padnote-asr-paraformer/src/cif.rs
"""

from __future__ import annotations

from torch import Tensor

from cifviz.core.dialects._contract import Contributions, Dialect
from cifviz.core.dialects._parts import fired_rows, one_fire_per_frame, scaled
from cifviz.core.validation import valid_mask


def integrate(alpha: Tensor, frame_lengths: Tensor, target_lengths: Tensor | None) -> Contributions:
    """Scale if there is a target, then fire in the real frames."""
    if target_lengths is not None:
        alpha = scaled(alpha, target_lengths)
    frames = one_fire_per_frame(alpha, 1.0, lambda reached, carried: reached - 1)
    real = valid_mask(frame_lengths, alpha.shape[1])
    weights, num_fires = fired_rows(frames._replace(fired=frames.fired & real))
    return Contributions(weights=weights * real.unsqueeze(1), num_fires=num_fires, alpha=alpha)


DIALECT = Dialect(
    name="kairumo",
    source="hauchiehlin-ops/Kairumo 2718db4, cif.rs",
    integrate=integrate,
    threshold=1.0,
)
