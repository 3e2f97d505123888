"""Errors of edges that were paired: onsets, offsets, or both, in seconds.

Conventions
-----------
``errors`` are *hypothesis − reference* in seconds, positive is late; one number for each pair that
has times on both sides, pooled over the tokens of all utterances, not averaged by utterance. The
pairs are made by `cifviz.metrics.pairing`: tokens without a partner, and untimed ones, have no
error and are counted there. Onsets and offsets are scored separately.

Of no error at all every metric is nan, without a warning: nothing was measured.

Metrics
-------
* `edge_errors`: signed mean, mean and median absolute error, number.
* `share_within`: share of edges within a tolerance.
* `drift`: how the error grows while an utterance goes on.
* `best_shift`: the constant that makes absolute errors smallest.
* `aas_sum`, `aas_mean`, `aas_start`: three metrics that publications call AAS, the accumulated
  average shift. Before comparing with one, find out which it is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cifviz.errors import require, require_number
from cifviz.metrics.statistics import ROUNDING, Numbers, mean, median, numbers, ratio

TOLERANCES = (0.010, 0.020, 0.025, 0.050, 0.100)
"""Seconds; those that are usually reported."""


def validate(errors: Numbers, *others: Numbers) -> None:
    """Raise unless all are sequences of finite numbers, of one length.

    >>> validate([0.1], [0.1, 0.2])
    Traceback (most recent call last):
    ...
    cifviz.errors.CIFError: expected one number for each error (1), got 2
    """
    count = len(numbers("errors", errors))
    for other in others:
        found = len(numbers("numbers beside the errors", other))
        require(found == count, f"expected one number for each error ({count}), got {found}")


def edge_errors(errors: Numbers) -> dict[str, float]:
    """Summary of edge errors (hypothesis − reference, seconds), in seconds.

    Returns
    -------
    dict
        ``signed_mean``, ``mean_absolute``, ``median_absolute`` and the number ``count``.

    Examples
    --------
    >>> edge_errors([-0.1, 0.1, 0.3])["mean_absolute"]
    0.16666666666666666
    """
    values = numbers("errors", errors)
    return {
        "signed_mean": mean(values),
        "mean_absolute": mean(np.abs(values)),
        "median_absolute": median(np.abs(values)),
        "count": int(values.size),
    }


def share_within(errors: Numbers, tolerance: float) -> float:
    """Share of edges that are wrong by no more than a tolerance, in [0, 1].

    Parameters
    ----------
    errors : sequence of float (edges,)
        Seconds.
    tolerance : float >= 0
        Seconds, inclusive.

    Examples
    --------
    >>> share_within([-0.02, 0.01, 0.03, 0.5], 0.02)
    0.5
    """
    values = numbers("errors", errors)
    return mean(np.abs(values) <= require_number("tolerance", tolerance, at_least=0) + ROUNDING)


def drift(
    errors: Numbers, times: Numbers, utterances: Sequence[int] | np.ndarray | None = None
) -> float:
    """How fast errors grow while an utterance goes on, in milliseconds per minute.

    Parameters
    ----------
    errors : sequence of float (edges,)
        Seconds.
    times : sequence of float (edges,)
        When the edges are in the reference, in seconds from the start of their utterance.
    utterances : sequence of int (edges,), optional
        Which utterance each edge belongs to; default: all to one.

    Returns
    -------
    float
        60 000 times the slope of the least-squares lines through the errors of the utterances, of
        one slope and each with its own height: ``Σ (t − t̄)(e − ē) / Σ (t − t̄)²``, means by
        utterance. So the offset of an utterance as a whole is not counted as drift. nan where
        no utterance has edges at two times. In utterances of a few seconds it shows how the first
        tokens differ from the last, and little about a minute.

    Raises
    ------
    CIFError
        If the numbers differ or are not finite.

    Examples
    --------
    A millisecond more in each second:

    >>> round(drift([0.100, 0.101, 0.102], [0.0, 1.0, 2.0]), 6)
    60.0
    """
    validate(errors, times)
    e, t = numbers("errors", errors), numbers("times", times)
    group = np.zeros(len(e)) if utterances is None else numbers("utterances", utterances)
    validate(errors, group)
    _, index = np.unique(group, return_inverse=True)
    size = np.bincount(index)

    def centred(values: np.ndarray) -> np.ndarray:
        return values - (np.bincount(index, weights=values) / size)[index]

    t = centred(t)
    spread = float(t @ t)
    return 60_000 * ratio(float(t @ centred(e)), spread if spread > len(t) * ROUNDING**2 else 0.0)


def best_shift(errors: Numbers) -> float:
    """The constant to add to the hypotheses that makes the mean absolute error smallest.

    Returns
    -------
    float
        ``−median(errors)``, seconds.

    Examples
    --------
    >>> best_shift([0.1, 0.2, 0.9])
    -0.2
    """
    return -median(numbers("errors", errors))


def aas_sum(onset_errors: Numbers, offset_errors: Numbers) -> float:
    """AAS as FunASR's own code computes it, in seconds: both edges of a token added up.

    Returns
    -------
    float
        ``Σ (|onset error| + |offset error|) / tokens``.

    Examples
    --------
    >>> aas_sum([0.1, -0.1], [0.2, 0.0])
    0.2

    Notes
    -----
    Source: ``AverageShiftCalculator`` in ``funasr/utils/timestamp_tools.py`` of
    github.com/modelscope/FunASR. It compares equal tokens after a Levenshtein alignment.
    """
    validate(onset_errors, offset_errors)
    return mean(np.abs(onset_errors) + np.abs(offset_errors))


def aas_mean(onset_errors: Numbers, offset_errors: Numbers) -> float:
    """AAS halved, in seconds: the mean over both edges. Also known as word boundary error (WBE).

    Returns
    -------
    float
        ``Σ (|onset error| + |offset error|) / (2 · tokens)``.

    Examples
    --------
    >>> aas_mean([0.1, -0.1], [0.2, 0.0])
    0.1
    """
    return aas_sum(onset_errors, offset_errors) / 2


def aas_start(onset_errors: Numbers) -> float:
    """AAS of onsets alone, in seconds, as a model card of FunASR's aligner describes it.

    Returns
    -------
    float
        ``Σ |onset error| / tokens``.

    Examples
    --------
    >>> aas_start([0.1, -0.3])
    0.2
    """
    return mean(np.abs(numbers("onset_errors", onset_errors)))
