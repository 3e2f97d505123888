"""Which token of the hypothesis is compared with which token of the reference.

Conventions
-----------
There are two ways, and each misses something. By *label*: fewest edits between the tokens; pairs of
equal tokens are compared. A token that was missed or recognised as another one has no error, so
fewer errors with more tokens left out are no progress. By *time*: most events within a window,
whatever the tokens are called; a wrong word at the right time counts as right, and no error exceeds
the window. Report both, and how many tokens were left out. Pairs never cross.

Untimed tokens take part in the pairing by label like all others, and a pair with one has no error;
they have no event to pair by time.

Functions
---------
* `pair_by_label`, for two alignments.
* `pair_by_time`, for two sequences of times.

References
----------
`mir_eval.util.match_events` finds as many pairs by time, but any of the matchings that have as
many. Here it is the one with the smallest errors.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cifviz.alignment.timed_tokens import Alignment
from cifviz.errors import require, require_number, require_type
from cifviz.metrics.statistics import ROUNDING, Numbers, numbers, require_equally_many

Pair = tuple[int, int]
"""Index in the reference, index in the hypothesis."""


def validate(references: Sequence[Alignment], hypotheses: Sequence[Alignment]) -> None:
    """Raise unless both are sequences of as many alignments.

    >>> validate([Alignment()], [])
    Traceback (most recent call last):
    ...
    cifviz.errors.CIFError: expected as many hypotheses as references (1), got 0
    """
    for name, utterances in (("reference", references), ("hypothesis", hypotheses)):
        require_type(f"what holds each {name}", utterances, Sequence)
        for index, one in enumerate(utterances):
            require_type(f"{name} {index}", one, Alignment)
    require_equally_many(references, hypotheses)


def pair_by_label(reference: Alignment, hypothesis: Alignment) -> list[Pair]:
    """Pair equal tokens of one utterance, along fewest edits.

    Parameters
    ----------
    reference : Alignment
        The true tokens; untimed ones are tokens too.
    hypothesis : Alignment
        The recognised tokens.

    Returns
    -------
    list of (int, int)
        Indices, rising on both sides. Of all ways to edit one into the other with as few deletions,
        insertions and substitutions, the one whose pairs (substituted ones included) lie closest in
        time, onsets and offsets added up. Memory grows with the product of the numbers of tokens:
        5000 against 5000 take about a gigabyte.

    Examples
    --------
    Of two "one" only the second was recognised, as its time shows:

    >>> from cifviz.alignment.timed_tokens import TimedToken
    >>> reference = Alignment((TimedToken("one", 0.0, 0.4), TimedToken("one", 0.5, 0.9)))
    >>> pair_by_label(reference, Alignment((TimedToken("one", 0.6, 0.9),)))
    [(1, 0)]
    """
    validate([reference], [hypothesis])
    ref, hyp = (np.array([t.token for t in one], dtype=object) for one in (reference, hypothesis))
    equal = np.equal.outer(ref, hyp).astype(bool)
    # To pair saves one edit, of a deletion and an insertion, or both if the tokens are equal.
    pairs = _dearest(1.0 + equal, _distances(reference, hypothesis))
    return [(i, j) for i, j in pairs if equal[i, j]]


def pair_by_time(reference: Numbers, hypothesis: Numbers, *, window: float) -> list[Pair]:
    """Pair most events that are no further apart than a window.

    Parameters
    ----------
    reference, hypothesis : sequence of float (n,), (m,)
        Times of events in seconds, in order.
    window : float > 0
        Largest distance of a pair, in seconds; inclusive.

    Returns
    -------
    list of (int, int)
        Indices, rising on both sides: as many pairs as there can be, as does
        `mir_eval.util.match_events`, and of all such matchings the one with the smallest sum of
        ``|hypothesis − reference|``.

    Examples
    --------
    Taking the nearest first would pair 10 with 9 and leave 0 and 25 alone.

    >>> pair_by_time([0.0, 0.010], [0.009, 0.025], window=0.020)
    [(0, 0), (1, 1)]
    """
    ref, hyp = numbers("reference", reference), numbers("hypothesis", hypothesis)
    window = require_number("window", window, above=0)
    for name, times in (("reference", ref), ("hypothesis", hyp)):
        require(bool((np.diff(times) >= 0).all()), f"{name} times must be in order")
    # Events that are far apart cannot be paired: each group of near ones is paired on its own.
    events = np.sort(np.concatenate([ref, hyp]))
    groups = np.concatenate([[-np.inf], events[1:][np.diff(events) > window + ROUNDING]])
    rows, columns = np.searchsorted(ref, groups), np.searchsorted(hyp, groups)
    pairs = []
    for row, column, one, other in zip(
        rows.tolist(),
        columns.tolist(),
        np.split(ref, rows[1:]),
        np.split(hyp, columns[1:]),
        strict=True,
    ):
        pairs += [(row + i, column + j) for i, j in _nearest(one, other, window)]
    return pairs


def _nearest(ref: np.ndarray, hyp: np.ndarray, window: float) -> list[Pair]:
    distances = np.abs(np.subtract.outer(ref, hyp))
    near = distances <= window + ROUNDING
    return _dearest(np.where(near, 1.0, -np.inf), np.where(near, distances, 0.0))


def _distances(reference: Alignment, hypothesis: Alignment) -> np.ndarray:
    """|Δonset| + |Δoffset| of all pairs, the largest where a token is untimed (n, m)."""
    sides = reference, hypothesis  # to numpy, None is nan
    onsets = np.subtract.outer(*(np.array([t.start for t in side], float) for side in sides))
    offsets = np.subtract.outer(*(np.array([t.end for t in side], float) for side in sides))
    distances = np.abs(onsets) + np.abs(offsets)
    known = distances[~np.isnan(distances)]
    return np.nan_to_num(distances, nan=known.max() if known.size else 0.0)


def _dearest(values: np.ndarray, distances: np.ndarray) -> list[Pair]:
    """Pairs without crossings whose values sum highest, and then whose distances sum lowest.

    Values are whole numbers, or −inf for what may not be paired. Dynamic programming:
    ``best[i, j]`` is what the first i and the first j make at best.
    """
    rows, columns = values.shape
    largest = distances.max(initial=0.0)
    if largest > 0:  # all distances together count less than one unit of value
        values = values - distances / (largest * (min(rows, columns) + 1))
    best = np.zeros((rows + 1, columns + 1))
    for row in range(rows):
        paired = best[row, :-1] + values[row]
        np.maximum.accumulate(np.maximum(best[row, 1:], paired), out=best[row + 1, 1:])
    pairs = []
    row, column = rows, columns
    while row and column:
        if best[row, column] == best[row - 1, column]:
            row -= 1
        elif best[row, column] == best[row, column - 1]:
            column -= 1
        else:
            row, column = row - 1, column - 1
            pairs.append((row, column))
    return pairs[::-1]
