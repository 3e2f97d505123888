"""How well the edges of words are read at each quantile of their tokens' mass.

Conventions
-----------
A hypothesis has as many tokens as its reference, or it is left out. Errors are *hypothesis −
reference* in seconds, after the constant shift that makes them smallest: what is compared is the
spread that a quantile leaves, not its bias.

Functions
---------
* `errors_by_quantile`: errors, shifts and slopes of a set, and from them the best read-out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from cifviz.alignment.mass_times import one_utterance, seconds_per_token, times_at
from cifviz.alignment.timed_tokens import Alignment, Edges
from cifviz.core.firing import Firing
from cifviz.errors import require
from cifviz.metrics.edge_scores import best_shift, edge_errors
from cifviz.metrics.statistics import median
from cifviz.timing import FrameGrid

QUANTILES = (0.0, 0.02, *(share / 20 for share in range(1, 20)), 0.98, 1.0)
"""Shares of a token's mass: every 5 %, and 2 % inside both ends."""


class WithFiring(Protocol):
    """A transcription, as far as it is needed here."""

    @property
    def tokens(self) -> Sequence[str]:
        """One for each fire."""

    @property
    def firing(self) -> Firing | None:
        """Of one utterance."""

    @property
    def grid(self) -> FrameGrid:
        """Clock of the firing's frames."""


class QuantileErrors(NamedTuple):
    """The errors of edges that are read at each quantile. NaN where nothing was read."""

    cut: str
    """Where one token's mass ends and the next one's begins."""
    quantiles: np.ndarray
    """Shares of a token's mass (quantiles,)."""
    errors: Mapping[str, np.ndarray]
    """By edge, "onset" and "offset": mean absolute error after the shift, seconds (quantiles,)."""
    shifts: Mapping[str, np.ndarray]
    """By edge: the constant that makes the error least, seconds (quantiles,)."""
    seconds_per_token: np.ndarray
    """Median of 1/α (quantiles,); see `seconds_per_token`."""
    utterances: int
    """How many had the right number of tokens."""
    tokens: int
    """How many of theirs have times in the reference."""

    def least(self, edge: str, *, between: tuple[float, float] = (0.0, 1.0)) -> int:
        """Which quantile has the least error, to the microsecond; the first of equals."""
        inside = (between[0] <= self.quantiles) & (self.quantiles <= between[1])
        return int(np.where(inside, self.errors[edge].round(6), np.inf).argmin())

    def best(self) -> Edges:
        """The boundary read-out with the least errors: onsets up to 0.5, offsets from 0.5 on.

        Without any token, the default of `Edges`.
        """
        if not self.tokens:
            return Edges(cut=self.cut)
        first = self.least("onset", between=(0.0, 0.5))
        last = self.least("offset", between=(0.5, 1.0))
        return Edges(
            float(self.quantiles[first]),
            float(self.quantiles[last]),
            float(self.shifts["onset"][first]),
            float(self.shifts["offset"][last]),
            cut=self.cut,
        )


def errors_by_quantile(
    transcriptions: Sequence[WithFiring],
    references: Sequence[Alignment],
    *,
    cut: str = "valleys",
    quantiles: Sequence[float] = QUANTILES,
) -> QuantileErrors:
    """Read all edges at every quantile, and compare them with the reference.

    Parameters
    ----------
    transcriptions : sequence of Transcription
        Each with tokens, firing and grid.
    references : sequence of Alignment
        The true alignment of each. Utterances with another number of tokens are left out: it is not
        known which token is which.
    cut : {"valleys", "fires"}
        Where one token's mass ends and the next one's begins.
    quantiles : sequence of float in [0, 1]
        Shares of a token's mass.

    Returns
    -------
    QuantileErrors
        ``mean |time at the quantile + shift − edge|``, with ``shift = −median(time − edge)`` of
        each quantile and kind of edge.

    Raises
    ------
    CIFError
        If there are not as many references as transcriptions, one of these has no firing, or `cut`
        is something else.

    Examples
    --------
    A token that weighs 0.1, 0.8 and 0.1 in frames of 1 s. The word is the middle frame.

    >>> import torch
    >>> from types import SimpleNamespace
    >>> from cifviz.timing import FrameGrid
    >>> from cifviz.core.firing import integrate_and_fire
    >>> from cifviz.alignment.timed_tokens import TimedToken
    >>> firing = integrate_and_fire(torch.tensor([[0.1, 0.8, 0.1]]).double(), torch.eye(3)[None])
    >>> hypothesis = SimpleNamespace(tokens=("one",), firing=firing, grid=FrameGrid(1.0))
    >>> reference = Alignment((TimedToken("one", 1.0, 2.0),))
    >>> found = errors_by_quantile([hypothesis], [reference], quantiles=[0.05, 0.5])
    >>> found.shifts["onset"].round(3).tolist(), found.seconds_per_token.round(3).tolist()
    ([0.5, -0.5], [10.0, 1.25])
    """
    require(
        len(transcriptions) == len(references),
        f"expected {len(transcriptions)} references, one a transcription, got {len(references)}",
    )

    # 1. Times and slopes at all quantiles, token by token.
    times, slopes, edges, utterances = [], [], [], 0
    for hypothesis, reference in zip(transcriptions, references, strict=True):
        if len(hypothesis.tokens) != len(reference) or not len(reference):
            continue
        utterances += 1
        firing, grid = one_utterance(hypothesis.firing), hypothesis.grid
        is_timed = np.array([token.is_timed for token in reference])
        times.append(times_at(firing, grid, quantiles, cut=cut).numpy()[is_timed])
        slopes.append(seconds_per_token(firing, grid, times[-1]))
        edges += [(token.start, token.end) for token in reference.timed]

    # 2. Errors after the best shift, for each quantile.
    empty = np.zeros((0, len(quantiles)))
    late = np.concatenate([empty, *times])
    slope = np.array([median(column) for column in np.concatenate([empty, *slopes]).T])
    known = np.array(edges, dtype=np.float64).reshape(-1, 2)
    errors, shifts = {}, {}
    for side, edge in enumerate(("onset", "offset")):
        signed = late - known[:, [side]]
        shifts[edge] = np.array([best_shift(column) for column in signed.T])
        moved = (signed + shifts[edge]).T
        errors[edge] = np.array([edge_errors(column)["mean_absolute"] for column in moved])
    return QuantileErrors(cut, np.array(quantiles), errors, shifts, slope, utterances, len(known))
