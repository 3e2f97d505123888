"""`evaluate` and the `Report` it returns: every metric of a set, printed, and as records."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from cifviz import display
from cifviz.alignment.timed_tokens import Alignment
from cifviz.core.firing import Firing
from cifviz.errors import require, require_choice
from cifviz.metrics import pairing, weight_scores
from cifviz.metrics.confidence import DRAWS, bootstrap
from cifviz.metrics.measuring import (
    EDGES,
    PAIRINGS,
    Key,
    Measured,
    measure,
    pooled,
    scores,
)
from cifviz.metrics.score_table import METRICS, table
from cifviz.timing import FrameGrid


class EdgeErrors(NamedTuple):
    """Errors of one kind of edge in a set, one item for each pair with times on both sides."""

    errors: np.ndarray
    """Hypothesis − reference, seconds (pairs,)."""
    times: np.ndarray
    """When it is in the reference, seconds from the start of its utterance (pairs,)."""
    utterances: np.ndarray
    """Index of its utterance (pairs,)."""


@dataclass(frozen=True, eq=False, repr=False)
class Report:
    """Every metric of a set; ``print`` it, or show it as the last expression of a notebook cell.

    Examples
    --------
    >>> from cifviz.alignment.timed_tokens import TimedToken
    >>> reference = Alignment((TimedToken("one", 0.0, 0.4), TimedToken("two", 0.5, 0.9)))
    >>> report = evaluate([reference], [reference.shifted(0.02)])
    >>> round(report.scores["label", "onset", "signed_mean"], 6)
    0.02
    >>> report.counts["label", "onset", "pairs"]
    2
    """

    measured: tuple[Measured, ...]
    """Of each utterance."""
    draws: int = DRAWS
    seed: int = 0
    """Of the bootstrap."""

    @cached_property
    def scores(self) -> Mapping[Key, float]:
        """Value of each metric by section, edge ("" where there is none) and name.

        Sections are those of `cifviz.metrics.score_table.SECTIONS`, names and units those of its
        `METRICS`. nan where nothing was measured.
        """
        return MappingProxyType(scores(self.measured))

    @cached_property
    def intervals(self) -> Mapping[Key, tuple[float, float]]:
        """95 % confidence interval of each score, by bootstrap over the utterances."""
        low, high = bootstrap(
            self.measured,
            lambda drawn: list(scores(drawn).values()),
            draws=self.draws,
            seed=self.seed,
        )
        ends = zip(low.tolist(), high.tolist(), strict=True)
        return MappingProxyType(dict(zip(self.scores, ends, strict=True)))

    @cached_property
    def counts(self) -> Mapping[Key, int]:
        """Numbers of what was compared, and of what was left out.

        For each pairing and edge: ``pairs`` that have an error, ``missed`` ones of the reference
        and ``extra`` ones of the hypothesis, which have no partner, and ``untimed``: by label,
        pairs with an untimed token, and by time, untimed tokens of both sides.
        """
        counts = {
            ("tokens", "", "utterances"): len(self.measured),
            ("tokens", "", "reference tokens"): sum(one.tokens.tokens for one in self.measured),
            ("tokens", "", "hypothesis tokens"): sum(
                one.hypothesis_tokens for one in self.measured
            ),
        }
        for way in PAIRINGS:
            for edge in EDGES:
                found = [one.pairs[way, edge] for one in self.measured]
                counts[way, edge, "pairs"] = sum(len(one.reference) for one in found)
                for kind in ("missed", "extra", "untimed"):
                    counts[way, edge, kind] = sum(getattr(one, kind) for one in found)
        fired = [one.weights for one in self.measured if one.weights is not None]
        if fired:
            unknown = sum(math.isnan(one.mass_in_silence) for one in fired)
            counts["weights", "", "utterances"] = len(fired)
            counts["weights", "", "utterances without known silence"] = unknown
        return MappingProxyType(counts)

    def errors(self, edge: str, *, pairing: str = "label") -> EdgeErrors:
        """The errors behind the scores: of "onset" or "offset", paired by "label" or by "time"."""
        require_choice("edge", edge, EDGES)
        require_choice("pairing", pairing, PAIRINGS)
        return EdgeErrors(*pooled(self.measured, pairing, edge))

    def records(self) -> list[dict[str, Any]]:
        """All numbers as rows of plain values, for JSON or ``pandas.DataFrame(report.records())``.

        Returns
        -------
        list of dict
            ``section``, ``edge``, ``metric``, ``value``, ``low``, ``high`` (of the 95 % interval)
            and ``unit``; None for what is nan, and for the interval of a count.
        """
        rows: list[tuple[Any, ...]] = [(*key, n, None, None, "") for key, n in self.counts.items()]
        for key, value in self.scores.items():
            numbers = (value, *self.intervals[key])
            plain = (None if math.isnan(number) else number for number in numbers)
            rows.append((*key, *plain, METRICS[key[2]].unit))
        names = ("section", "edge", "metric", "value", "low", "high", "unit")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def table(self) -> str:
        """Everything as aligned text: scores with their intervals, counts, and the definitions."""
        return table(self.scores, self.intervals, self.counts)

    def __str__(self) -> str:
        return self.table()

    def __repr__(self) -> str:
        names = ("utterances", "reference tokens")
        utterances, tokens = (self.counts["tokens", "", name] for name in names)
        return f"<Report of {utterances} utterances with {tokens} tokens: print it>"

    def _repr_png_(self) -> display.Png:
        """`cifviz.plot.error_panel`, for notebooks; with its alternative text."""
        return display.png(self)


def evaluate(
    references: Sequence[Alignment],
    hypotheses: Sequence[Alignment],
    *,
    firings: Sequence[Firing] | None = None,
    grid: FrameGrid | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Report:
    """Measure everything.

    Parameters
    ----------
    references : sequence of Alignment
        The true alignments, one for each utterance.
    hypotheses : sequence of Alignment
        Those that were estimated, in the same order.
    firings : sequence of Firing, optional
        Those of the hypotheses, a fire for each token; for the scores of the weights. Needs
        `grid`.
    grid : FrameGrid, optional
        Clock of the firings' frames.
    draws, seed : int
        Of the bootstrap.

    Returns
    -------
    Report

    Raises
    ------
    CIFError
        If the numbers of utterances differ, or a firing has not as many fires as its hypothesis
        has tokens.

    Examples
    --------
    >>> from cifviz.alignment.timed_tokens import TimedToken
    >>> reference = Alignment((TimedToken("one", 0.0, 0.4), TimedToken("two", 0.5, 0.9)))
    >>> hypothesis = Alignment((TimedToken("one", 0.0, 0.45), TimedToken("too", 0.5, 0.9)))
    >>> scores = evaluate([reference], [hypothesis]).scores
    >>> scores["tokens", "", "token_error_rate"], scores["boundaries", "offset", "recall"]
    (0.5, 0.5)
    """
    pairing.validate(references, hypotheses)
    require(
        (firings is None) == (grid is None),
        "expected both firings and the grid that is their clock, or neither",
    )
    if firings is not None:
        _require_fires(firings, hypotheses, grid)
    behind: Sequence[Firing | None] = firings or [None] * len(references)
    utterances = zip(references, hypotheses, behind, strict=True)
    return Report(
        tuple(measure(*utterance, grid) for utterance in utterances),
        draws=draws,
        seed=seed,
    )


def _require_fires(
    firings: Sequence[Firing], hypotheses: Sequence[Alignment], grid: FrameGrid | None
) -> None:
    """Raise unless there is a firing for each hypothesis, with a fire for each token."""
    require(
        len(firings) == len(hypotheses),
        f"expected {len(hypotheses)} firings, one a hypothesis, got {len(firings)}",
    )
    for index, (firing, hypothesis) in enumerate(zip(firings, hypotheses, strict=True)):
        weight_scores.validate(firing, grid)
        require(
            int(firing.num_fires[0]) == len(hypothesis),
            f"firing {index} must have a fire for each of the {len(hypothesis)} tokens, "
            f"got {int(firing.num_fires[0])}",
        )
