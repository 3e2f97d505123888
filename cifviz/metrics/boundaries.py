"""Edges as events: found or missed within a window, by mir_eval.

Conventions
-----------
Events are times in seconds. An event of the hypothesis is a hit if it is paired with one of the
reference within the window (inclusive); each is used once, and there are as many hits as there can
be (maximum matching: taking the nearest first finds fewer). Onsets are events of their own, and so
are offsets; where words touch, counting both counts an inner boundary twice. The first and the last
edge of an utterance count like all others.

An untimed token has no event. One in the hypothesis is a miss, and no false alarm. One in the
reference is no miss, but a hypothesis event near it is a false alarm: precision is then a lower
bound.

Metrics
-------
* `detect`: hits, and from them precision, recall, F1, over-segmentation and R-value.
* `over_segmentation`, `r_value`: the last two from their parts.

References
----------
O. Räsänen, U. Laine, T. Altosaar, "An improved speech segmentation quality measure: the R-value",
Interspeech 2009.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from cifviz.errors import require_number
from cifviz.metrics.statistics import ROUNDING, Numbers, numbers, ratio

WINDOW = 0.020
"""Seconds; the usual one for F1 and R-value."""


def validate(reference: Numbers, hypothesis: Numbers, window: float = WINDOW) -> None:
    """Raise unless both are sequences of finite times and the window is above 0.

    >>> validate([0.1], [0.1], 0)
    Traceback (most recent call last):
    ...
    cifviz.errors.CIFError: window must be a number > 0, got 0
    """
    numbers("reference", reference)
    numbers("hypothesis", hypothesis)
    require_number("window", window, above=0)


@dataclass(frozen=True)
class Detection:
    """How many events were found; add them up over utterances.

    Examples
    --------
    >>> one, other = Detection(hits=1, reference=2, hypothesis=1), Detection(2, 2, 4)
    >>> (one + other).recall
    0.75
    """

    hits: int
    reference: int
    """Events of the reference."""
    hypothesis: int
    """Events of the hypothesis."""

    @property
    def precision(self) -> float:
        """``hits / hypothesis``; nan where the hypothesis has no event."""
        return ratio(self.hits, self.hypothesis)

    @property
    def recall(self) -> float:
        """``hits / reference``; nan where the reference has no event."""
        return ratio(self.hits, self.reference)

    @property
    def f_measure(self) -> float:
        """F1, their harmonic mean: ``2 · hits / (reference + hypothesis)``; nan of no event."""
        return ratio(2 * self.hits, self.reference + self.hypothesis)

    @property
    def over_segmentation(self) -> float:
        """See the function `over_segmentation`."""
        return over_segmentation(self.reference, self.hypothesis)

    @property
    def r_value(self) -> float:
        """See the function `r_value`."""
        return r_value(self.recall, self.over_segmentation)

    def __add__(self, other: Detection) -> Detection:
        """Both sets together."""
        return Detection(
            self.hits + other.hits,
            self.reference + other.reference,
            self.hypothesis + other.hypothesis,
        )


def detect(reference: Numbers, hypothesis: Numbers, *, window: float = WINDOW) -> Detection:
    """Count the events of one utterance that were found.

    Parameters
    ----------
    reference, hypothesis : sequence of float (n,), (m,)
        Times of events in seconds.
    window : float > 0
        Largest distance of a hit, in seconds.

    Returns
    -------
    Detection
        Hits by `mir_eval.util.match_events`.

    Raises
    ------
    CIFError
        See `validate`.

    Examples
    --------
    >>> detect([0.0, 0.010], [0.009, 0.025, 0.5], window=0.020)
    Detection(hits=2, reference=2, hypothesis=3)
    """
    from mir_eval.util import match_events

    validate(reference, hypothesis, window)
    ref, hyp = numbers("reference", reference), numbers("hypothesis", hypothesis)
    hits = len(match_events(ref, hyp, window + ROUNDING)) if ref.size and hyp.size else 0
    return Detection(hits, len(ref), len(hyp))


def over_segmentation(reference: int, hypothesis: int) -> float:
    """The surplus of boundaries: ``hypothesis / reference − 1``; nan where the reference has none.

    >>> over_segmentation(4, 5)
    0.25
    """
    return ratio(hypothesis, reference) - 1


def r_value(recall: float, over_segmentation: float) -> float:
    """R-value of Räsänen et al. (2009): how near to all hits at no over-segmentation.

    Parameters
    ----------
    recall : float in [0, 1]
        Hit rate, HR.
    over_segmentation : float >= −1
        OS.

    Returns
    -------
    float <= 1
        ``1 − (|r1| + |r2|) / 2`` with ``r1 = √((1 − HR)² + OS²)`` and ``r2 = (HR − 1 − OS) / √2``.
        1 is perfect; boundaries that are too many lower it even where they add hits.

    Examples
    --------
    >>> r_value(1.0, 0.0)
    1.0
    >>> round(r_value(0.75, 0.25), 4)
    0.6464
    """
    r1 = math.hypot(1 - recall, over_segmentation)
    r2 = (recall - 1 - over_segmentation) / math.sqrt(2)
    return 1 - (abs(r1) + abs(r2)) / 2
