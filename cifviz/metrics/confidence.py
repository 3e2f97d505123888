"""Confidence intervals of a score: the bootstrap over utterances.

Utterances are drawn with replacement, not tokens: the errors within an utterance are correlated,
and tokens drawn one by one would make intervals too narrow. For the difference between two systems
pass pairs with the results of both for the same utterance. Of few utterances intervals are too
narrow all the same, and of a single one both ends are its score.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from cifviz.errors import require_integer, require_number

Utterance = TypeVar("Utterance")

DRAWS = 1000
CONFIDENCE = 0.95


class Intervals(NamedTuple):
    """Ends of confidence intervals, one for each number of a statistic."""

    low: np.ndarray
    high: np.ndarray


def bootstrap(
    utterances: Sequence[Utterance],
    statistic: Callable[[list[Utterance]], Sequence[float] | np.ndarray],
    *,
    draws: int = DRAWS,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> Intervals:
    """Confidence intervals by the percentiles of a statistic over redrawn sets.

    Parameters
    ----------
    utterances : sequence
        Whatever the statistic takes, one item for each utterance.
    statistic : callable
        From a list of as many utterances to numbers (numbers,).
    draws : int > 0
        How many sets are drawn, with replacement.
    confidence : float in (0, 1)
        Share of the draws inside the interval.
    seed : int >= 0
        The same seed draws the same sets.

    Returns
    -------
    Intervals
        The percentiles ``50 ∓ 50 · confidence`` over the draws in which the number is not nan; nan
        where it always is, or there are no utterances.

    Raises
    ------
    CIFError
        If a setting is out of its range.

    Examples
    --------
    Each utterance is one number, the statistic their mean:

    >>> low, high = bootstrap([1.0, 2.0, 3.0], lambda drawn: [np.mean(drawn)])
    >>> bool(1.0 <= low[0] < 2.0 < high[0] <= 3.0)
    True

    Two systems on the same utterances, and the mean of their difference:

    >>> pairs = [(1.0, 1.5), (2.0, 2.5), (3.0, 3.5)]
    >>> low, high = bootstrap(pairs, lambda drawn: [np.mean([b - a for a, b in drawn])])
    >>> low.tolist(), high.tolist()
    ([0.5], [0.5])

    Notes
    -----
    Source: B. Efron and R. Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
    """
    draws = require_integer("draws", draws, above=0)
    confidence = require_number("confidence", confidence, above=0, below=1)
    rng = np.random.default_rng(require_integer("seed", seed, at_least=0))
    count = len(utterances)
    if not count:
        nothing = np.full(np.shape(statistic([])), np.nan)
        return Intervals(nothing, nothing)
    sets = (rng.integers(count, size=count) for _ in range(draws))
    drawn = np.array([statistic([utterances[i] for i in indices]) for indices in sets], np.float64)
    ends = [50 - 50 * confidence, 50 + 50 * confidence]
    known = [column[~np.isnan(column)] for column in drawn.T]
    both = [np.percentile(one, ends) if len(one) else (np.nan, np.nan) for one in known]
    return Intervals(*np.transpose(both).reshape(2, -1))
