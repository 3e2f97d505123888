"""Like `spacemit_cif`, but a fire takes the threshold off the integrator, not 1.

- SpacemiT's operator ``CifWoHidden`` takes the place of FunASR's function ``cif_wo_hidden``, which
  gives timestamps. It puts out the integrator alone: `accumulated`, and where that reaches the
  threshold β, a token ends. So ⌊S / β⌋ tokens end, as in torch_cif, but one in a frame at most.
- The operator has no weights. Those given here are what it charges, and the only part that is ours:
  a token takes β, the rest of its last frame goes to the next one.
- FunASR's timestamps run it at 0.9999. Where ``Cif`` at 0.9999 has a slack, tokens of
  ``CifWoHidden`` are 0.0001 smaller, and the two part by one token in ten thousand.

Notes
-----
Source: SpacemiT's operators of the domain ``funasr.customop`` (2025, MIT),
``CifWoHidden_ComputeBatch`` · its threshold here: FunASR 1.4.16,
funasr/models/bicif_paraformer/cif_predictor.py
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
    frames = one_fire_per_frame(
        alpha, threshold, lambda reached, carried: reached - threshold, filled=threshold
    )
    weights, num_fires = fired_rows(frames)
    return Contributions(
        weights=weights,
        num_fires=num_fires,
        alpha=alpha,
        accumulated=frames.reached,
        charge=threshold,
    )


DIALECT = Dialect(
    name="spacemit_cif_wo_hidden",
    source="SpacemiT's ONNX operator CifWoHidden",
    integrate=integrate,
    threshold=1.0 - 1e-4,
    adjustable=("threshold",),
    masks_padding=False,
)
