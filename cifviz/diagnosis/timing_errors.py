"""How far fires are from the ends of the reference tokens, and how that goes with time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cifviz.diagnosis.findings import Picture
from cifviz.diagnosis.observed import ObservedUtterance
from cifviz.diagnosis.picture_data import MOST_POINTS, numbers

FEWEST = 5
"""Tokens, at least, for a line through the errors."""
MOST_PAIRED = 500
"""Tokens whose pairs give the slope; of more, every other or so."""


@dataclass(frozen=True, eq=False)
class Errors:
    """Times of the reference, and by how much the fires come later, of all utterances."""

    times: np.ndarray
    """Ends of the reference tokens, seconds (tokens,)."""
    late: np.ndarray
    """Fire minus that, seconds (tokens,)."""

    @cached_property
    def slope(self) -> float:
        """Of the line through the errors, seconds a second; 0 where there is none.

        The median slope of all pairs (Theil and Sen): a fire in a pause may be off by all of it.
        """
        step = max(1, len(self.times) // MOST_PAIRED)
        times, late = self.times[::step], self.late[::step]
        first, second = np.triu_indices(len(times), 1)
        apart = times[second] - times[first]
        if len(times) < FEWEST or not (apart != 0).any():
            return 0.0
        return float(np.median((late[second] - late[first])[apart != 0] / apart[apart != 0]))

    @property
    def start(self) -> float:
        """Of that line, at time 0."""
        rest = self.late - self.slope * self.times
        return float(np.median(rest)) if len(rest) else 0.0

    @property
    def span(self) -> float:
        """Seconds from the first reference token to the last."""
        return float(np.ptp(self.times)) if len(self.times) else 0.0

    @property
    def explained(self) -> float:
        """How much nearer the errors are to the line than to their median, in [0, 1].

        Like a share of variance, but of median distances: ``1 − (to the line / to the median)²``.
        """
        if not self.spread:
            return 0.0
        left = np.median(np.abs(self.late - self.slope * self.times - self.start))
        return max(0.0, 1.0 - float(left / self.spread) ** 2)

    @property
    def median(self) -> float:
        """Median error, seconds."""
        return float(np.median(self.late)) if len(self.late) else 0.0

    @property
    def spread(self) -> float:
        """Median distance of the errors from their median, seconds."""
        return float(np.median(np.abs(self.late - self.median))) if len(self.late) else 0.0


def can_be_timed(utterance: ObservedUtterance) -> bool:
    """Whether each fire has its token in the reference."""
    reference = utterance.reference
    return (
        reference is not None
        and utterance.grid is not None
        and 0 < utterance.num_fires == len(reference)
        and all(token.is_timed for token in reference)
    )


def errors_of(utterances: Sequence[ObservedUtterance]) -> Errors:
    """The errors of utterances that `can_be_timed`, put together."""
    times = [np.array([token.end for token in one.reference or ()]) for one in utterances]
    late = [
        one.seconds(one.fire_frames) - ends for one, ends in zip(utterances, times, strict=True)
    ]
    empty = np.zeros(0)
    return Errors(np.concatenate([empty, *times]), np.concatenate([empty, *late]))


def error_picture(errors: Errors, alt: str, *, line: tuple[float, float]) -> Picture:
    """Errors over time, with a line: slope, and its value at time 0."""
    step = max(1, -(-len(errors.times) // MOST_POINTS))
    return Picture(
        kind="errors",
        alt=alt,
        data={
            "times": numbers(errors.times[::step]),
            "late": numbers(errors.late[::step]),
            "line": numbers(np.array(line)),
        },
    )
