"""What all metrics share: checks of their input, and statistics that are nan of no values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cifviz.errors import CIFError, require, shown

ROUNDING = 1e-9
"""Seconds. A time counts as within a tolerance that it exceeds by no more: 1.02 − 1.0 is within
0.02, though in floating point it is larger."""

Numbers = Sequence[float] | np.ndarray


def numbers(name: str, values: Numbers) -> np.ndarray:
    """The values as an array of finite float64 (n,), or a `CIFError` that names them.

    >>> numbers("errors", [0.5, float("nan")])
    Traceback (most recent call last):
    ...
    cifviz.errors.CIFError: errors must be finite numbers, got nan at index 1
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise CIFError(f"{name} must be a sequence of numbers, got {shown(values)}") from error
    require(array.ndim == 1, f"{name} must be a sequence (n,), got shape {array.shape}")
    finite = np.isfinite(array)
    if not finite.all():
        index = int(np.argmin(finite))
        raise CIFError(f"{name} must be finite numbers, got {array[index]} at index {index}")
    return array


def mean(values: Numbers) -> float:
    """Arithmetic mean; nan, without a warning, of nothing.

    >>> mean([1, 2]), mean([])
    (1.5, nan)
    """
    return float(np.mean(values)) if len(values) else float("nan")


def median(values: Numbers) -> float:
    """Like `mean`, but the median."""
    return float(np.median(values)) if len(values) else float("nan")


def deviation(values: Numbers) -> float:
    """Standard deviation of a sample, ``sqrt(Σ (x − mean)² / (n − 1))``; nan of fewer than two.

    >>> deviation([1.0, 2.0, 3.0]), deviation([1.0])
    (1.0, nan)
    """
    return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")


def spread(values: Numbers, unit: str = "", digits: int = 2) -> str:
    """Mean ± standard deviation as text, or the one value, with so many decimals.

    >>> spread([1.0, 2.0, 3.0], "%"), spread([1.5], "%")
    ('2.00 ± 1.00 %', '1.50 %')
    """
    text = f"{mean(values):.{digits}f}"
    if len(values) > 1:
        text += f" ± {deviation(values):.{digits}f}"
    return f"{text} {unit}".strip()


def ratio(part: float, whole: float) -> float:
    """``part / whole``; nan of nothing.

    >>> ratio(1, 4), ratio(0, 0)
    (0.25, nan)
    """
    return part / whole if whole else float("nan")


def require_equally_many(
    references: Sequence[object], hypotheses: Sequence[object], what: str = "hypotheses"
) -> None:
    """Raise unless there are as many of both.

    >>> require_equally_many([1, 2], [1])
    Traceback (most recent call last):
    ...
    cifviz.errors.CIFError: expected as many hypotheses as references (2), got 1
    """
    require(
        len(references) == len(hypotheses),
        f"expected as many {what} as references ({len(references)}), got {len(hypotheses)}",
    )
