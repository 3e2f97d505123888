"""Like `paraformer_v1`, but it fires by FunASR's `cif_v1`, a running sum instead of a loop.

Its threshold argument is ignored.

Notes
-----
Source: FunASR 1.4.16, ``CifPredictorV2`` with a tail threshold of 0.45, as its models set it
"""

from __future__ import annotations

from torch import Tensor

from cifviz.core.dialects import funasr_cif_v1
from cifviz.core.dialects._contract import Contributions, Dialect
from cifviz.core.dialects.paraformer_v1 import cut, prepared


def integrate(
    alpha: Tensor, frame_lengths: Tensor, target_lengths: Tensor | None, *, tail_threshold: float
) -> Contributions:
    """Prepare the weights, fire by the running sum, cut."""
    has_tail = target_lengths is None and tail_threshold > 0
    alpha = prepared(alpha, frame_lengths, target_lengths, tail_threshold)
    fired = funasr_cif_v1.fire(alpha)
    return cut(fired) if has_tail else fired


DIALECT = Dialect(
    name="paraformer_v2",
    source="FunASR 1.4.16, CifPredictorV2",
    integrate=integrate,
    threshold=1.0,
    tail_threshold=0.45,
    adjustable=("tail_threshold",),
)
