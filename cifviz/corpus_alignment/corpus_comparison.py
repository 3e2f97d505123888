"""`compare_corpora`: two systems on the same utterances, paired, with bootstrap intervals."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cifviz.alignment.timed_tokens import Alignment
from cifviz.corpus_alignment.aligned_corpus import AlignedCorpus
from cifviz.corpus_alignment.row_alignment import FAILED
from cifviz.errors import printable, require
from cifviz.formats import alignment_from_json
from cifviz.metrics import bootstrap, pair_by_label
from cifviz.metrics.confidence import DRAWS
from cifviz.metrics.statistics import mean, median, ratio
from cifviz.text_tables import flush_right, text_table

Statistic = Callable[[np.ndarray], tuple[float, float, float]]
"""Of the indices of utterances: a number of a, one of b, and their difference."""


@dataclass(frozen=True, eq=False)
class PairedRow:
    """What two systems, a and b, made of one utterance."""

    id: str
    scores: tuple[float, float] | None
    """Mean scores; None where one has no token."""
    errors: tuple[int, int, int] | None
    """Token errors of a, of b, and the tokens of the transcript; None where one is not known."""
    edges: np.ndarray
    """Onset and offset of b minus those of a, seconds, of each token that both give a time
    (tokens, 2)."""


@dataclass(frozen=True, eq=False)
class CorpusComparison:
    """Two systems, a and b, on the utterances that both have; ``print`` it."""

    models: tuple[str, str]
    rows: tuple[PairedRow, ...]
    """The utterances that neither failed on."""
    statuses: Mapping[tuple[str, str], int]
    """How many utterances have which status in a and in b."""
    unpaired: tuple[int, int]
    """Utterances that only a has, and only b."""
    draws: int = DRAWS
    seed: int = 0
    """Of the bootstrap."""

    def records(self) -> list[dict[str, Any]]:
        """What differs, as rows of plain values.

        Returns
        -------
        list of dict
            ``metric``; ``a``, ``b`` and ``difference`` (b − a), None where it is not known; ``low``
            and ``high``, the ends of the difference's 95 % interval by bootstrap over the
            utterances; ``count``, the utterances or tokens that it is of; ``unit``.
        """
        errors = np.array([row.errors for row in self.rows if row.errors], float).reshape(-1, 3)
        scores = np.array([row.scores for row in self.rows if row.scores], float).reshape(-1, 2)
        timed = [row.edges for row in self.rows if len(row.edges)]
        edges = np.concatenate([np.zeros((0, 2)), *timed])
        found = [
            self._record("token error rate", len(errors), _rates(errors), len(errors), ""),
            self._record("mean score", len(scores), _means(scores), len(scores), ""),
        ]
        owner = np.repeat(np.arange(len(timed)), [len(one) for one in timed]).astype(int)
        for column, edge in enumerate(("onset", "offset")):
            for what, values in (
                (f"median {edge} difference", edges[:, column]),
                (f"median distance of {edge}s", np.abs(edges[:, column])),
            ):
                statistic = _medians(values, owner, len(timed))
                found.append(self._record(what, len(timed), statistic, len(edges), "s"))
        return found

    def _record(
        self, name: str, utterances: int, statistic: Statistic, count: int, unit: str
    ) -> dict[str, Any]:
        low, high = bootstrap(
            range(utterances),
            lambda drawn: [statistic(np.array(drawn, dtype=int))[2]],
            draws=self.draws,
            seed=self.seed,
        )
        numbers = (*statistic(np.arange(utterances)), low[0], high[0])
        plain = [None if math.isnan(number) else float(number) for number in numbers]
        names = ("a", "b", "difference", "low", "high")
        return {
            "metric": name,
            **dict(zip(names, plain, strict=True)),
            "count": count,
            "unit": unit,
        }

    def worse(self, count: int = 10) -> list[PairedRow]:
        """The utterances in which b has more token errors than a, those with most more first."""
        more = [
            (row.errors[1] - row.errors[0], row)
            for row in self.rows
            if row.errors and row.errors[1] > row.errors[0]
        ]
        return [row for _, row in sorted(more, key=lambda pair: -pair[0])[:count]]

    def table(self) -> str:
        """Everything as aligned text."""
        records = self.records()
        names = [f"{one['metric']} ({one['unit']})".replace(" ()", "") for one in records]
        columns = [["metric", *names]]
        for key, title in {
            "a": f"a: {self.models[0]}",
            "b": f"b: {self.models[1]}",
            "difference": "b − a",
            "low": "95 % from",
            "high": "to",
        }.items():
            columns.append(flush_right([title, *(_shown(one[key]) for one in records)]))
        columns.append(flush_right(["of", *(str(one["count"]) for one in records)]))
        header, *rows = zip(*columns, strict=True)
        became = ", ".join(f"{x} → {y}: {n}" for (x, y), n in sorted(self.statuses.items()))
        a, b = self.unpaired
        return "\n".join(
            [
                f"{len(self.rows)} utterances that neither failed on; {a} only in a, {b} only in b",
                text_table(header, rows),
                f"status in a → in b: {became}",
            ]
        )

    def __str__(self) -> str:
        return self.table()


def compare_corpora(
    a: AlignedCorpus | str | os.PathLike[str],
    b: AlignedCorpus | str | os.PathLike[str],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> CorpusComparison:
    """Compare two systems on the utterances of one corpus.

    Parameters
    ----------
    a, b : AlignedCorpus, str or Path
        Results of `cifviz.align_corpus`, or their folders.
    draws : int > 0
        Of the bootstrap.
    seed : int >= 0
        The same seed draws the same sets.

    Returns
    -------
    CorpusComparison
        Utterances are paired by name, sound and beginning, and equal ones in their order; tokens by
        `cifviz.metrics.pair_by_label`. There is no reference for the times: what is compared is
        where b is and where a is.

    Raises
    ------
    DataError
        If one is no folder of an aligned corpus, or not finished.
    CIFError
        If the extra ``cifviz[corpus]`` is not installed, or they have no utterance in common.

    Examples
    --------
    >>> print(compare_corpora("by-digits", "by-digits-ctc"))  # doctest: +SKIP
    """
    first, second = (
        one if isinstance(one, AlignedCorpus) else AlignedCorpus.read(one) for one in (a, b)
    )
    waiting = dict(_named(first))
    total = len(waiting)
    paired: list[PairedRow] = []
    statuses: Counter[tuple[str, str]] = Counter()
    unknown = 0
    for name, row in _named(second):
        other = waiting.pop(name, None)
        if other is None:
            unknown += 1
            continue
        both = other["status"], row["status"]
        statuses[both] += 1
        if FAILED not in both:
            paired.append(_paired(other, row))
    require(
        len(waiting) < total or not total, "expected results of one corpus, no utterance is in both"
    )
    models = tuple(printable(Path(one.description["model"]).name) for one in (first, second))
    unpaired = (len(waiting), unknown)
    return CorpusComparison(
        (models[0], models[1]), tuple(paired), dict(statuses), unpaired, draws, seed
    )


def _named(aligned: AlignedCorpus) -> Iterator[tuple[Hashable, dict[str, Any]]]:
    """The rows, each with what it is paired by."""
    seen: Counter[Hashable] = Counter()
    kept = ("id", "status", "score", "errors", "reference_tokens", "tokens")
    for row in aligned.rows():
        name = (row["id"], row["sound"], row["offset"])
        yield (name, seen[name]), {key: row[key] for key in kept}
        seen[name] += 1


def _paired(a: Mapping[str, Any], b: Mapping[str, Any]) -> PairedRow:
    errors = (a["errors"], b["errors"], b["reference_tokens"])
    scores = (a["score"], b["score"])
    return PairedRow(
        b["id"],
        None if None in scores else scores,
        None if None in errors else errors,
        _edges(alignment_from_json(a["tokens"] or []), alignment_from_json(b["tokens"] or [])),
    )


def _edges(a: Alignment, b: Alignment) -> np.ndarray:
    """How far the edges of b are behind those of a (tokens, 2)."""
    found = []
    for i, j in pair_by_label(a, b):
        one, other = a.tokens[i], b.tokens[j]
        if one.is_timed and other.is_timed:
            found.append([other.start - one.start, other.end - one.end])  # type: ignore[operator]
    return np.array(found, dtype=float).reshape(-1, 2)


def _rates(errors: np.ndarray) -> Statistic:
    """Errors of each per token of the transcripts."""

    def statistic(drawn: np.ndarray) -> tuple[float, float, float]:
        of_a, of_b, tokens = errors[drawn].sum(axis=0)
        a, b = ratio(of_a, tokens), ratio(of_b, tokens)
        return a, b, b - a

    return statistic


def _means(scores: np.ndarray) -> Statistic:
    """The mean over utterances of each."""

    def statistic(drawn: np.ndarray) -> tuple[float, float, float]:
        a, b = (mean(scores[drawn, column]) for column in (0, 1))
        return a, b, b - a

    return statistic


def _medians(values: np.ndarray, owner: np.ndarray, utterances: int) -> Statistic:
    """The median over tokens of a difference; those of a and b are not known.

    Sorted once: a draw gives each value the weight of its utterance.
    """
    order = np.argsort(values, kind="stable")
    ordered, owners = values[order], owner[order]

    def statistic(drawn: np.ndarray) -> tuple[float, float, float]:
        weights = np.bincount(drawn, minlength=utterances)[owners].cumsum()
        if not len(weights) or not weights[-1]:
            return math.nan, math.nan, math.nan
        middle = [(weights[-1] - 1) // 2, weights[-1] // 2]
        at = np.searchsorted(weights, middle, side="right")
        return math.nan, math.nan, median(ordered[at])

    return statistic


def _shown(number: float | None) -> str:
    return "–" if number is None else f"{number:.4f}"
