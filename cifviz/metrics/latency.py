"""How far a simultaneous system lags behind its source: average lagging and its relatives.

Conventions
-----------
A *delay* d_i is how much of the source was read when token i was written, in seconds or in any
other unit; the source's length |X| and the result are in that unit too. Tokens count from 1 in the
formulas. A token that is written before anything was read has a delay of 0. A hypothesis without a
token, a source of length 0 and, for the metrics that look at it, a reference without a token give
nan.

A system that waits for the end has a lagging of |X|. One that keeps up with an ideal system, which
writes its tokens evenly over the source, has a lagging of what it waits before the first token.

Metrics
-------
* `average_lagging` (AL): against an ideal system that writes as many tokens as the reference has.
* `length_adaptive_average_lagging` (LAAL): the same, but too many tokens are not rewarded.
* `differentiable_average_lagging` (DAL): no token may make up for the delay of one before it.
* `average_proportion` (AP): mean share of the source that was read.

References
----------
Ma et al. (2019), STACL; Papi et al. (2022) and Polák et al. (2022) for LAAL; Cherry & Foster
(2019), as in Arivazhagan et al. (2019), for DAL; Cho & Esipova (2016) for AP. The definitions are
those of SimulEval 1.1.4 (github.com/facebookresearch/SimulEval), whose results the tests repeat.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from cifviz.errors import CIFError, require, require_integer, require_number
from cifviz.metrics.statistics import numbers


def validate(delays: Sequence[float] | np.ndarray, source_length: float) -> np.ndarray:
    """The delays as an array (tokens,).

    Raises
    ------
    CIFError
        If delays are no finite numbers >= 0, one is smaller than the one before it, or the length
        of the source is no number >= 0.

    Examples
    --------
    >>> validate([2.0, 1.0], 3.0)
    Traceback (most recent call last):
    ...
    cifviz.errors.CIFError: delays must not decrease: what is read stays read; got 1.0 after 2.0
    """
    require_number("source_length", source_length, at_least=0)
    values = numbers("delays", delays)
    require(bool((values >= 0).all()), "delays must be >= 0")
    falls = np.flatnonzero(np.diff(values) < 0)
    if len(falls):
        before, after = values[falls[0]], values[falls[0] + 1]
        raise CIFError(
            f"delays must not decrease: what is read stays read; got {after} after {before}"
        )
    return values


def average_lagging(
    delays: Sequence[float] | np.ndarray, source_length: float, reference_length: int
) -> float:
    """AL: mean delay behind an ideal system, up to the first token that saw all of the source.

    Parameters
    ----------
    delays : sequence of float (tokens,)
        d_i.
    source_length : float >= 0
        |X|.
    reference_length : int >= 0
        |Y|, tokens of the reference.

    Returns
    -------
    float
        ``Σ_{i ≤ τ} (d_i − (i − 1) · |X| / |Y|) / τ``, where τ is the first i with ``d_i ≥ |X|``, or
        the number of tokens if there is none. d_1 where that is beyond the source.

    Raises
    ------
    CIFError
        If the delays decrease or are no finite numbers >= 0, or a length is none.

    Examples
    --------
    A source of 4 s and 4 tokens, so that an ideal system writes one each second; the first token
    waits 2 s, the others keep up until the source ends: 2, 3 − 1, 4 − 2.

    >>> average_lagging([2.0, 3.0, 4.0, 4.0], 4.0, 4)
    2.0
    """
    delays = validate(delays, source_length)
    count = require_integer("reference_length", reference_length, at_least=0)
    return _lagging(delays, source_length, count)


def length_adaptive_average_lagging(
    delays: Sequence[float] | np.ndarray, source_length: float, reference_length: int
) -> float:
    """LAAL: like `average_lagging`, but the ideal system writes as many tokens as this one.

    Parameters
    ----------
    delays, source_length, reference_length
        As there.

    Returns
    -------
    float
        Of ``|X| / max(|Y|, tokens)`` in place of ``|X| / |Y|``: a token more than the reference has
        does not make the lagging smaller.

    Examples
    --------
    Twice as many tokens as the reference has. By AL the second and the third one do not lag at all:

    >>> average_lagging([1.0, 1.0, 2.0, 2.0], 2.0, 2)
    0.3333333333333333
    >>> length_adaptive_average_lagging([1.0, 1.0, 2.0, 2.0], 2.0, 2)
    0.8333333333333334
    """
    delays = validate(delays, source_length)
    count = require_integer("reference_length", reference_length, at_least=0)
    return _lagging(delays, source_length, max(count, len(delays)) if count else 0)


def differentiable_average_lagging(
    delays: Sequence[float] | np.ndarray, source_length: float
) -> float:
    """DAL: each token takes its time, so that a token that waits delays all behind it.

    Parameters
    ----------
    delays, source_length
        As for `average_lagging`.

    Returns
    -------
    float
        ``Σ_i (d'_i − (i − 1) / γ) / n`` over all n tokens, with ``γ = n / |X|``, ``d'_1 = d_1`` and
        ``d'_i = max(d_i, d'_{i−1} + 1 / γ)``.

    Examples
    --------
    An ideal system writes a token each second. Here the first one waits 3 s, and the others,
    written at once, count as 4, 5 and 6:

    >>> differentiable_average_lagging([3.0, 3.0, 3.0, 4.0], 4.0)
    3.0
    """
    delays = validate(delays, source_length)
    if not len(delays) or not source_length:
        return math.nan
    # d'_i − (i − 1) / γ is the largest lag so far, for a token adds as much as an ideal one.
    lags = delays - np.arange(len(delays)) * source_length / len(delays)
    return float(np.maximum.accumulate(lags).mean())


def average_proportion(
    delays: Sequence[float] | np.ndarray, source_length: float, reference_length: int
) -> float:
    """AP: mean share of the source that was read when a token was written.

    Parameters
    ----------
    delays, source_length, reference_length
        As for `average_lagging`.

    Returns
    -------
    float
        ``Σ_i d_i / (|X| · |Y|)``: with more tokens than the reference has it may be above 1.

    Examples
    --------
    >>> average_proportion([1.0, 2.0], 2.0, 2)
    0.75
    """
    delays = validate(delays, source_length)
    count = require_integer("reference_length", reference_length, at_least=0)
    if not len(delays) or not source_length or not count:
        return math.nan
    return float(delays.sum() / (source_length * count))


def _lagging(delays: np.ndarray, source_length: float, count: int) -> float:
    """Mean delay behind a system that writes `count` tokens evenly over the source."""
    if not len(delays) or not source_length or not count:
        return math.nan
    if delays[0] > source_length:
        return float(delays[0])
    at_end = np.flatnonzero(delays >= source_length)
    until = int(at_end[0]) + 1 if len(at_end) else len(delays)
    lags = delays[:until] - np.arange(until) * source_length / count
    return float(lags.mean())
