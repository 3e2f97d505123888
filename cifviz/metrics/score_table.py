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
            "deletions + insertions + substitutions, per token said; fewest edits, by jiwer",
        ),
        "deletions": Metric("deletions", "share", "per token said"),
        "insertions": Metric("insertions", "share", "per token said"),
        "substitutions": Metric("substitutions", "share", "per token said"),
        "count_accuracy": Metric("right count", "share", "utterances with as many heard as said"),
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
            "slope of e over time in the reference: one for all utterances, each of its own height",
        ),
        "aas_sum": Metric(
            "aas_sum", "s", "AAS as FunASR's code has it: Σ(|e onset| + |e offset|) / pairs"
        ),
        "aas_mean": Metric("aas_mean", "s", "half of it: the mean over both edges"),
        "aas_start": Metric("aas_start", "s", "AAS of onsets alone: Σ|e onset| / pairs"),
        "precision": Metric(
            "precision", "share", "hits / edges heard; most hits there can be, each edge used once"
        ),
        "recall": Metric("recall", "share", "hits / edges said"),
        "f_measure": Metric("F1", "share", "2 · hits / (edges said + edges heard)"),
        "over_segmentation": Metric("over-segmentation", "share", "edges heard / edges said − 1"),
        "r_value": Metric(
            "R-value",
            "",
            "1 − (|r1| + |r2|) / 2 of Räsänen et al. (2009), from recall and over-segmentation",
        ),
        "weight_sum_error": Metric("Σα/β − N", "tokens", "mean over utterances; N tokens said"),
        "weight_sum_error_absolute": Metric("|Σα/β − N|", "tokens", "mean over utterances"),
        "share_in_silence": Metric(
            "α in silence", "share", "weight outside of the words said / all weight"
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

    "–" stands for what was not measured.

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
        titles = [f"  {METRICS[name].title if name in METRICS else name}" for name in names]
        columns = [_justified([heading, *titles])]
        for edge in dict.fromkeys(edge for _, edge, _ in keys):
            cells = [_cell((section, edge, name), scores, intervals, counts) for name in names]
            columns.append(_column(edge, cells))
        rows = zip(*columns, strict=True)
        parts.append("\n".join("  ".join(row).rstrip() for row in rows))
    defined = {name: (name, text) for name, text in COUNTS.items()}
    defined |= {name: (metric.title, metric.definition) for name, metric in METRICS.items()}
    shown = {name for _, _, name in (*counts, *scores)}
    needed = [pair for name, pair in defined.items() if name in shown]
    titles = _justified([f"  {title}" for title, _ in needed])
    lines = [f"{title}  {text}" for title, (_, text) in zip(titles, needed, strict=True)]
    parts.append("\n".join(["definitions", *lines]))
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
    """Numbers flush right under their title, what follows them flush left."""
    width = max(len(title), *(len(number) for number, _ in cells))
    return _justified(
        [title.rjust(width), *(f"{number.rjust(width)} {rest}" for number, rest in cells)]
    )


def _justified(lines: list[str]) -> list[str]:
    width = max(len(line) for line in lines)
    return [line.ljust(width) for line in lines]
