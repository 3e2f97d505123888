"""Each check by its name, in the order in which findings of one severity are listed."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cifviz.diagnosis.checks import (
    batch_dependence,
    constant_shift,
    drift,
    fires_in_silence,
    half_precision_sums,
    invalid_weights,
    lost_tail,
    lost_to_rounding,
    saturated_weights,
    several_fires,
    swapped_integrator,
    token_count,
)
from cifviz.diagnosis.findings import Check

_ALL = (
    invalid_weights.CHECK,
    swapped_integrator.CHECK,
    half_precision_sums.CHECK,
    lost_to_rounding.CHECK,
    lost_tail.CHECK,
    several_fires.CHECK,
    saturated_weights.CHECK,
    batch_dependence.CHECK,
    fires_in_silence.CHECK,
    drift.CHECK,
    constant_shift.CHECK,
    token_count.CHECK,
)
CHECKS: Mapping[str, Check] = MappingProxyType({check.name: check for check in _ALL})
"""What a diagnosis looks for: causes before the counts that show them."""
