"""Columns of token errors, the same in all tables that compare systems."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from cifviz.metrics import spread
from cifviz.published import ERROR_KINDS

ERROR_HEADS = ("token errors %", "deleted %", "inserted %", "substituted %")


def error_cells(scores: Collection[Mapping[str, Any]]) -> list[str]:
    """Below `ERROR_HEADS`, mean ± standard deviation of what `error_scores` gave for each run.

    >>> one = {"tokens": 4, "token_error_rate": 0.5, "deletions": 1, "insertions": 1}
    >>> error_cells([{**one, "substitutions": 0}])
    ['50.00', '25.00', '25.00', '0.00']
    """
    rates = [100 * one["token_error_rate"] for one in scores]
    parts = [[100 * one[kind] / one["tokens"] for one in scores] for kind in ERROR_KINDS]
    return [spread(values) for values in (rates, *parts)]


def error_rates(by_seed: Mapping[int, Mapping[str, Any]]) -> dict[int, float]:
    """Token errors in %, by seed.

    >>> error_rates({2: {"token_error_rate": 0.5}})
    {2: 50.0}
    """
    return {seed: 100 * one["token_error_rate"] for seed, one in by_seed.items()}
