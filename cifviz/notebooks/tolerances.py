"""How far the outputs of a new run may be from those that a notebook holds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from cifviz.errors import DataError, require, shown

KEY = "check"
"""Where metadata of a notebook or a cell keep tolerances, below "cifviz"."""


@dataclass(frozen=True)
class Tolerances:
    """What counts as the same.

    Examples
    --------
    >>> Tolerances().changed_by({"cifviz": {"check": {"rtol": 0.01}}})
    Tolerances(rtol=0.01, atol=1e-08, pixels=0.001)
    """

    rtol: float = 1e-5
    """Of a printed number, relative to the larger of the two."""
    atol: float = 1e-8
    """Of a printed number."""
    pixels: float = 1e-3
    """Share of the pixels of a picture that may differ."""

    def changed_by(self, metadata: Mapping[str, Any]) -> Tolerances:
        """These, but for the values that a notebook or a cell names.

        Raises
        ------
        DataError
            If a name is not one of these, or a value is no number >= 0.
        """
        own = metadata.get("cifviz")
        named = own.get(KEY, {}) if isinstance(own, Mapping) else {}
        known = [field.name for field in fields(self)]
        require(
            isinstance(named, Mapping) and set(named) <= set(known),
            f"metadata cifviz.{KEY} may name {', '.join(known)}, got {shown(named)}",
            DataError,
        )
        for name, value in named.items():
            good = type(value) in (int, float) and math.isfinite(value) and value >= 0
            require(good, f"{name} must be a number >= 0, got {shown(value)}", DataError)
        return replace(self, **named)

    def agree(self, before: float, now: float) -> bool:
        """Whether two printed numbers are the same; NaN is the same as NaN alone.

        >>> Tolerances().agree(0.1, 0.1000001), Tolerances().agree(1.0, math.nan)
        (True, False)
        """
        if math.isnan(before) or math.isnan(now):
            return math.isnan(before) and math.isnan(now)
        return math.isclose(before, now, rel_tol=self.rtol, abs_tol=self.atol)
