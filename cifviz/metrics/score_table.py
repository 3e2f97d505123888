"""The table that a report prints: a row for each metric, a column for each kind of edge."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from cifviz.metrics.boundaries import WINDOW
from cifviz.metrics.confidence import CONFIDENCE
from cifviz.metrics.edge_scores import TOLERANCES
from cifviz.metrics.measuring import PAIRING_WINDOW, Key
from cifviz.text_tables import flush_right, text_table


class Metric(NamedTuple):
    """What a metric is called in the table, its unit in scores and records, and what it is."""

    title: str
    unit: str
    definition: str


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "token_error_rate": Metric(
            "token error rate",
            "share",
            "deletions + insertions + substitutions, per reference token; fewest edits, by jiwer",
        ),
        "deletions": Metric("deletions", "share", "per reference token"),
        "insertions": Metric("insertions", "share", "per reference token"),
        "substitutions": Metric("substitutions", "share", "per reference token"),
        "count_accuracy": Metric(
            "right count", "share", "utterances with as many tokens as their reference"
        ),
        "signed_mean": Metric(
            "signed mean", "s", "mean of e, hypothesis − reference, over pairs with two times"
        ),
        "mean_absolute": Metric("mean absolute", "s", "mean of |e|"),
        "median_absolute": Metric("median absolute", "s", "median of |e|"),
        **{
            f"within_{1000 * t:.0f}ms": Metric(
                f"within {1000 * t:.0f} ms", "share", f"share of |e| <= {1000 * t:.0f} ms"
            )
            for t in TOLERANCES
        },
        "drift": Metric(
            "drift",
            "ms/min",
            "one slope of e over time in the reference for all utterances, an intercept for each",
        ),
        "aas_sum": Metric(
            "aas_sum", "s", "AAS as FunASR's code has it: Σ(|e onset| + |e offset|) / pairs"
        ),
        "aas_mean": Metric("aas_mean", "s", "half of it: the mean over both edges"),
        "aas_start": Metric("aas_start", "s", "AAS of onsets alone: Σ|e onset| / pairs"),
        "precision": Metric(
            "precision",
            "share",
            "hits / hypothesis edges; as many hits as possible, each edge used once",
        ),
        "recall": Metric("recall", "share", "hits / reference edges"),
        "f_measure": Metric("F1", "share", "2 · hits / (reference edges + hypothesis edges)"),
        "over_segmentation": Metric(
            "over-segmentation", "share", "hypothesis edges / reference edges − 1"
        ),
        "r_value": Metric(
            "R-value",
            "",
            "1 − (|r1| + |r2|) / 2 of Räsänen et al. (2009), from recall and over-segmentation",
        ),
        "weight_sum_error": Metric(
            "Σα/β − N", "tokens", "mean over utterances; N reference tokens"
        ),
        "weight_sum_error_absolute": Metric("|Σα/β − N|", "tokens", "mean over utterances"),
        "share_in_silence": Metric(
            "α in silence", "share", "weight outside of the reference words / all weight"
        ),
        "row_entropy": Metric(
            "row entropy", "bits", "mean over tokens of −Σ p log2 p, p a row of W over its sum"
        ),
        "residual": Metric(
            "residual",
            "tokens",
            "weight behind the last full token / β, before any tail rule; mean over utterances",
        ),
        "latency_mean": Metric(
            "latency, mean", "s", "end of the frame that fires − end of the word, paired by label"
        ),
        "latency_median": Metric("latency, median", "s", "the median of the same"),
    }
)

COUNTS: Mapping[str, str] = MappingProxyType(
    {
        "pairs": "by label: equal tokens, fewest edits, then closest in time; by time: most pairs",
        "missed": "in the reference, without a partner",
        "extra": "in the hypothesis, without a partner",
        "untimed": "by label: pairs in which a token has no time; by time: tokens without one",
    }
)
"""What the counts of edges are."""

SECTIONS: Mapping[str, str] = MappingProxyType(
    {
        "tokens": "tokens",
        "label": "edges, paired by label",
        "time": f"edges, paired by time ({1000 * PAIRING_WINDOW:.0f} ms)",
        "boundaries": f"boundaries within {1000 * WINDOW:.0f} ms",
        "weights": "weights",
    }
)
"""Parts of the table, and their headings."""

SHOWN = MappingProxyType(
    {"share": (100, "%", 1), "s": (1000, "ms", 1), "ms/min": (1, "ms/min", 1), "": (1, "", 3)}
)
"""Factor, unit and decimals in the table; others are shown as they are, with two decimals."""


def table(
    scores: Mapping[Key, float],
    intervals: Mapping[Key, tuple[float, float]],
    counts: Mapping[Key, int],
) -> str:
    """Scores with their intervals, counts and definitions as aligned text.

    A score that was not measured is "–".

    >>> key = ("label", "onset", "signed_mean")
    >>> print(table({key: -0.0031}, {key: (-0.005, 0.001)}, {("label", "onset", "missed"): 12}))
    Errors are hypothesis − reference: positive is late.
    In brackets: 95 % intervals, by bootstrap over utterances.
    <BLANKLINE>
    edges, paired by label  onset
      missed                   12
      signed mean            -3.1 ms [-5.0, 1.0]
    <BLANKLINE>
    definitions
      missed       in the reference, without a partner
      signed mean  mean of e, hypothesis − reference, over pairs with two times
    """
    parts = [
        "Errors are hypothesis − reference: positive is late.\n"
        f"In brackets: {100 * CONFIDENCE:.0f} % intervals, by bootstrap over utterances."
    ]
    for section, heading in SECTIONS.items():
        keys = [key for key in (*counts, *scores) if key[0] == section]
        if not keys:
            continue
        names = list(dict.fromkeys(metric for _, _, metric in keys))
        edges = list(dict.fromkeys(edge for _, edge, _ in keys))
        columns = [
            _column(
                edge, [_cell((section, edge, name), scores, intervals, counts) for name in names]
            )
            for edge in edges
        ]
        titles = [f"  {METRICS[name].title if name in METRICS else name}" for name in names]
        header, *rows = zip([heading, *titles], *columns, strict=True)
        parts.append(text_table(header, rows))
    defined = {name: (name, text) for name, text in COUNTS.items()}
    defined |= {name: (metric.title, metric.definition) for name, metric in METRICS.items()}
    shown = {name for _, _, name in (*counts, *scores)}
    needed = [(f"  {defined[name][0]}", defined[name][1]) for name in defined if name in shown]
    parts.append(text_table(["definitions", ""], needed))
    return "\n\n".join(parts)


def _cell(
    key: Key,
    scores: Mapping[Key, float],
    intervals: Mapping[Key, tuple[float, float]],
    counts: Mapping[Key, int],
) -> tuple[str, str]:
    """A number as text, and what follows it: unit and interval."""
    if key in counts:
        return str(counts[key]), ""
    if key not in scores:
        return "", ""
    unit = METRICS[key[2]].unit
    factor, shown, decimals = SHOWN.get(unit, (1, unit, 2))
    value, low, high = (
        "–" if math.isnan(number) else f"{factor * number:.{decimals}f}"
        for number in (scores[key], *intervals[key])
    )
    if value == "–":
        return value, ""
    return value, f"{shown} [{low}, {high}]".strip()


def _column(title: str, cells: list[tuple[str, str]]) -> list[str]:
    """A column: its title and the numbers flush right, unit and interval behind the numbers."""
    title, *numbers = flush_right([title, *(number for number, _ in cells)])
    return [title, *(f"{number} {unit}" for number, (_, unit) in zip(numbers, cells, strict=True))]
