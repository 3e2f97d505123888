"""Tables of published results, as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from cifviz.errors import DataError, require
from cifviz.published import read_results
from experiments.model_card import ROWS as SCORES
from experiments.model_card import Result, spread, summary
from experiments.studies.label_vs_frame import comparison_table, read_comparison, verdict
from experiments.studies.tail_sweep import tails_table
from experiments.studies.vocabulary_coverage import coverage_table

COLUMNS: dict[str, tuple[str, float]] = {
    "mean_absolute": ("mean abs. ms", 1000),
    "median_absolute": ("median ms", 1000),
    "signed_mean": ("signed ms", 1000),
    "within_20ms": ("≤ 20 ms %", 100),
    "within_50ms": ("≤ 50 ms %", 100),
    "within_100ms": ("≤ 100 ms %", 100),
    "f_measure": ("F1 at 20 ms %", 100),
    "r_value": ("R-value %", 100),
    "drift": ("drift ms/min", 1),
}
"""Scores of edges, their headings, and what they are multiplied by."""


class Row(NamedTuple):
    """A way to train and a way to read edges."""

    title: str
    variant: str
    reading: str


_TRAINED = {
    "segments": "segment mass",
    "spikes": "mass at CTC's spikes",
    "borders": "mass between CTC's borders",
    "blank-weighted": "α · (1 − P(blank))",
    "upsampled": "up-sampled second head",
    "20ms": "frames of 20 ms",
    "80ms": "frames of 80 ms",
    "even": "even mass, taught",
    "": "even mass and whole phrases (the recipe)",
}
"""Remedies in training, by variant."""
RAW = Row("raw CIF: fire", "plain", "fire")
BEST = Row("even mass and whole phrases (the recipe): valleys", "", "valleys, quantiles")
CTC = Row("CTC: path, shifted", "ctc", "path, shifted")
ROWS = (
    RAW,
    Row("CIF: fire, shifted", "plain", "fire, shifted"),
    Row("CIF: fire, silence inserted", "plain", "fire, silence inserted"),
    Row("CIF: centroid", "plain", "centroid"),
    Row("CIF: support of the weights", "plain", "support"),
    Row("CIF: quantiles between fires", "plain", "quantiles"),
    Row("CIF: valleys", "plain", "valleys, quantiles"),
    Row("whole phrases: valleys", "pauses", "valleys, quantiles"),
    *(
        Row(f"{title}: {short}", variant, reading)
        for variant, title in _TRAINED.items()
        for short, reading in (
            ("fire, shifted", "fire, shifted"),
            ("quantiles", "quantiles"),
            ("valleys", "valleys, quantiles"),
        )
    ),
    Row("the same, as shipped", "", "shipped"),
    Row("CTC: path", "ctc", "path"),
    CTC,
    Row("CTC with label priors: path", "ctc-priors", "path"),
    Row("CTC with label priors: path, shifted", "ctc-priors", "path, shifted"),
    Row("attention: centroid", "attention", "centroid"),
    Row("attention: quantiles", "attention", "quantiles"),
)
"""From the raw reading of a CIF to what it is compared with."""


def alignment_table(results: Sequence[Result], recipe: str, split: str) -> str:
    """How well everything aligns on one set: a row for each way to train and to read.

    Parameters
    ----------
    results : sequence of dict
        What `experiments.runs.run` returned; those of this recipe in which no speaker was left
        out are used.
    recipe, split : str
        Such as "digits" and "test".

    Returns
    -------
    str
        Markdown, mean ± standard deviation over seeds. Errors are those of onsets and offsets of
        equal tokens, pooled; rows that nobody ran are left out.
    """
    runs = [one for one in results if one["recipe"] == recipe and one["leave_out"] is None]
    return _table(runs, ROWS, split, f"{recipe}, {split} set", "seeds")


def unheard_table(results: Sequence[Result], recipe: str) -> str:
    """The same of speakers that were kept out of training: mean ± deviation over the speakers."""
    runs = [one for one in results if one["recipe"] == recipe and one["leave_out"] is not None]
    return _table(runs, (RAW, CTC, BEST), "test", f"{recipe}, speakers unheard", "speakers")


MADE = {
    "linear": "linear layer",
    "dense": "hidden layer",
    "affine": "convolution, width 3, no ReLU",
    "plain": "convolution, width 3",
    "wide": "convolution, width 5",
    "20ms": "the same, frames of 20 ms",
    "80ms": "the same, frames of 80 ms",
    "unscaled": "never scaled",
    "no-quantity": "no quantity loss",
}
"""How a plain CIF makes its weights and what teaches their sum, by variant. Unless a title says
otherwise: a convolution over 3 frames of 40 ms with a ReLU behind it, weights scaled in training,
quantity loss."""


def weights_table(results: Sequence[Result], recipe: str, split: str) -> str:
    """Ways to make the weights of a plain CIF, and ways to teach their sum: a row for each.

    Parameters
    ----------
    results, recipe, split
        As for `alignment_table`.

    Returns
    -------
    str
        Markdown, mean ± standard deviation over seeds: token errors by kind, the share of
        utterances with the right number, how far Σα is from it, the share of weight in silence,
        and the mean absolute error of edges read at quantiles between fires.
    """
    runs = [one for one in results if one["recipe"] == recipe and one["leave_out"] is None]
    units = {name: f"{name} {unit}".strip() for name, (_, unit) in SCORES.items()}
    heads = [f"{recipe}, {split} set", "seeds", *units.values(), "α in silence %", "edges ms"]
    lines = [_line(heads), _line(["---"] * len(heads))]
    for variant, title in MADE.items():
        measured = [one[split] for one in runs if one["variant"] == variant and split in one]
        if not measured:
            continue
        cells = [title, str(len(measured))]
        cells += [spread([value(one) for one in measured]) for value, _ in SCORES.values()]
        cells.append(_spread([one["share_in_silence"] for one in measured], 100))
        edges = [one["edges"]["quantiles"]["both"]["mean_absolute"] for one in measured]
        lines.append(_line([*cells, _spread(edges, 1000)]))
    require(len(lines) > 2, f"no published result for the weights of {recipe!r}", DataError)
    return "\n".join(lines)


def _table(
    runs: Sequence[Result], rows: Sequence[Row], split: str, title: str, counted: str
) -> str:
    heads = [title, counted, "token errors %", *(head for head, _ in COLUMNS.values())]
    lines = [_line([*heads, "α in silence %"]), _line(["---"] * (len(heads) + 1))]
    for row in rows:
        measured = [
            one[split]
            for one in runs
            if one["variant"] == row.variant
            and row.reading in one.get(split, {"edges": ()})["edges"]
        ]
        if not measured:
            continue
        edges = [one["edges"][row.reading]["both"] for one in measured]
        cells = [row.title, str(len(measured))]
        cells.append(spread([100 * one["token_error_rate"] for one in measured]))
        for name, (_, factor) in COLUMNS.items():
            cells.append(_spread([one[name] for one in edges], factor))
        cells.append(_spread([one.get("share_in_silence") for one in measured], 100))
        lines.append(_line(cells))
    require(len(lines) > 2, f"no published result for the table {title!r}", DataError)
    return "\n".join(lines)


def _spread(values: Sequence[float | None], factor: float) -> str:
    known = [factor * value for value in values if value is not None]
    return spread(known, digits=1) if len(known) == len(values) else "–"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def synchrony_table(folder: Path) -> str:
    """The comparison of label- and frame-synchronous recognisers, and what it says."""
    runs = read_comparison(folder)
    says = [f"- {claim}" for frame in ("cif", "ctc") for claim in verdict(runs, frame=frame)]
    return "\n".join([comparison_table(runs), "", *says])


TABLES: Mapping[str, Callable[[Path], str]] = {
    "summary": lambda folder: summary(read_results(folder)),
    "alignment": lambda folder: alignment_table(read_results(folder), "digits", "test"),
    "joined": lambda folder: alignment_table(read_results(folder), "digits", "joined"),
    "grid": lambda folder: alignment_table(read_results(folder), "grid", "dev"),
    "weights": lambda folder: weights_table(read_results(folder), "digits", "test"),
    "unheard": lambda folder: unheard_table(read_results(folder), "digits"),
    "synchrony": synchrony_table,
    "coverage": coverage_table,
    "tails": tails_table,
}
"""By the name that `cifviz results` knows; each reads a folder of results."""
