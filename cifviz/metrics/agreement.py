"""How far two alignments of one utterance agree: matched tokens, and how far their edges are apart.

Like `cifviz.metrics.report`, but of one utterance, in the few numbers that the explorer shows below
its lanes and computes again in the browser while settings change (``explorer/js/agreement.js``).

Conventions
-----------
Tokens are matched by label (`cifviz.metrics.pairing.pair_by_label`): along fewest edits, and of
these the ones that lie closest in time. A difference is *hypothesis − reference*, negative is
early. Untimed tokens are left out on both sides, as the explorer does not show them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cifviz.alignment.timed_tokens import Alignment
from cifviz.metrics import edge_scores
from cifviz.metrics.pairing import pair_by_label, validate
from cifviz.metrics.statistics import mean, median


@dataclass(frozen=True)
class Agreement:
    """What two alignments have in common; times in seconds, nan where nothing is matched."""

    matched: int
    """Pairs of tokens with the same label."""
    reference: int
    """Timed tokens of the first."""
    hypothesis: int
    """Timed tokens of the second."""
    within_20ms: float
    """Share of the edges of matched tokens, starts and ends together, that are 20 ms apart at
    most."""
    within_50ms: float
    """The same of 50 ms."""
    start_mean_absolute: float
    end_mean_absolute: float
    start_median: float
    """Signed: negative where the second begins earlier."""
    end_median: float


def agreement(reference: Alignment, hypothesis: Alignment) -> Agreement:
    """Match the tokens of two alignments, and compare their edges.

    Parameters
    ----------
    reference, hypothesis : Alignment
        Of one utterance; neither needs to be true.

    Returns
    -------
    Agreement
        Numbers of matched tokens and of all; shares of edges within 20 and 50 ms; mean
        ``|hypothesis − reference|`` and median ``hypothesis − reference`` of starts and of ends.

    Raises
    ------
    CIFError
        If one of them is no `Alignment`.

    Examples
    --------
    The second has one word less, and the other one 30 ms later:

    >>> from cifviz.alignment.timed_tokens import TimedToken
    >>> reference = Alignment((TimedToken("one", 0.0, 0.5), TimedToken("two", 0.5, 1.0)))
    >>> found = agreement(reference, Alignment((TimedToken("two", 0.53, 1.03),)))
    >>> found.matched, found.reference, found.hypothesis, found.within_20ms, found.within_50ms
    (1, 2, 1, 0.0, 1.0)
    >>> round(found.start_median, 6)
    0.03
    """
    validate([reference], [hypothesis])
    first, second = Alignment(reference.timed), Alignment(hypothesis.timed)
    pairs = pair_by_label(first, second)
    of = np.array([first.spans[i] for i, _ in pairs], dtype=np.float64).reshape(-1, 2)
    to = np.array([second.spans[j] for _, j in pairs], dtype=np.float64).reshape(-1, 2)
    apart = to - of
    starts, ends = apart[:, 0], apart[:, 1]
    return Agreement(
        matched=len(pairs),
        reference=len(first),
        hypothesis=len(second),
        within_20ms=edge_scores.share_within(apart.ravel(), 0.020),
        within_50ms=edge_scores.share_within(apart.ravel(), 0.050),
        start_mean_absolute=mean(np.abs(starts)),
        end_mean_absolute=mean(np.abs(ends)),
        start_median=median(starts),
        end_median=median(ends),
    )
