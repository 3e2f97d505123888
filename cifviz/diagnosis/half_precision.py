"""How many tokens fire if the running sum is kept in another type than float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from cifviz.diagnosis.observed import ObservedUtterance

LONGEST = 200_000
"""Frames that are added up one by one, at most."""
LOOP, SUM = "loop", "running sum"


def counts_in(dtype: Any, utterance: ObservedUtterance) -> dict[str, int]:
    """Full tokens of the weights as used, when everything is of this type.

    Parameters
    ----------
    dtype : NumPy type, or `torch.bfloat16`
        Of the weights and of the running sum.
    utterance : ObservedUtterance
        With valid weights.

    Returns
    -------
    dict of str to int
        `LOOP`: the integrator is emptied by a threshold at each fire, as most code does.
        `SUM`: the weights are summed up and divided by the threshold.

    Examples
    --------
    Half precision knows no 2049: of a sum of ones it makes 2048.

    >>> ones = np.ones(3000)
    >>> counts_in(np.float16, ObservedUtterance(name="a", alpha=ones, used=ones))
    {'loop': 3000, 'running sum': 2048}
    """
    weights = torch.as_tensor(utterance.used[:LONGEST])
    kind = dtype if isinstance(dtype, torch.dtype) else torch.from_numpy(np.zeros(0, dtype)).dtype
    weights = weights.to(kind)
    threshold = utterance.threshold - utterance.slack
    if kind == torch.bfloat16:
        values, rounded = weights.float().numpy(), _to_bfloat16
    else:
        values, rounded = weights.numpy(), _as_is
    with np.errstate(all="ignore"):  # what is too large for the type is infinite in it
        return {
            LOOP: _loop(values, threshold, utterance.threshold, rounded),
            SUM: _sum(values, threshold, utterance.threshold, rounded),
        }


def _loop(values: np.ndarray, reach: float, charge: float, rounded: Any) -> int:
    """Empty the integrator at each fire, a frame at a time."""
    kind = values.dtype.type
    held, fires, reach, charge = kind(0), 0, kind(reach), kind(charge)
    for value in values:
        held = rounded(held + value)
        while np.isfinite(held) and held >= reach and charge > 0:
            whole = max(1, int(held / charge)) if held > 4 * charge else 1
            less = rounded(held - kind(whole) * charge)
            if not less < held:  # too large for its type: nothing more can be told
                return fires
            held, fires = less, fires + whole
    return fires


def _sum(values: np.ndarray, reach: float, charge: float, rounded: Any) -> int:
    """Sum up everything, then count."""
    kind = values.dtype.type
    held = kind(0)
    for value in values:
        held = rounded(held + value)
    if not np.isfinite(held) or not charge > 0:
        return 0
    return int(np.floor((float(held) + (charge - reach)) / charge))


def _as_is(value: Any) -> Any:
    return value


def _to_bfloat16(value: Any) -> Any:
    """The nearest bfloat16 of a float32, as a float32; half to even."""
    bits = int(np.float32(value).view(np.uint32))
    kept = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
    return np.uint32(kept).view(np.float32)
