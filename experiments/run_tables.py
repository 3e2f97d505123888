"""Tables of published runs, as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from cifviz.errors import DataError, require
from cifviz.metrics import spread
from cifviz.published import ERROR_KINDS
from cifviz.text_tables import markdown_table
from experiments.model_card import ROWS as SCORES
from experiments.model_card import Result

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
    """A way to train and a boundary read-out."""

    title: str
    variant: str
    readout: str


_TRAINED = {
    "segments": "segment mass",
    "spikes": "mass at CTC's spikes",
    "borders": "mass between CTC's borders",
    "blank-weighted": "α · (1 − P(blank))",
    "upsampled": "up-sampled second head",
    "20ms": "frames of 20 ms",
    "80ms": "frames of 80 ms",
    "even": "even mass",
    "": "even mass and pause rounding (the recipe)",
}
"""Methods in training, by variant."""
RAW = Row("raw CIF: fire", "plain", "fire")
BEST = Row(f"{_TRAINED['']}: valleys", "", "valleys, quantiles")
CTC = Row("CTC: path, shifted", "ctc", "path, shifted")
ROWS = (
    RAW,
    Row("CIF: fire, shifted", "plain", "fire, shifted"),
    Row("CIF: fire, silence inserted", "plain", "fire, silence inserted"),
    Row("CIF: centroid", "plain", "centroid"),
    Row("CIF: support of the weights", "plain", "support"),
    Row("CIF: quantiles between fires", "plain", "quantiles"),
    Row("CIF: valleys", "plain", "valleys, quantiles"),
    Row("pause rounding: valleys", "pauses", "valleys, quantiles"),
    *(
        Row(f"{title}: {short}", variant, readout)
        for variant, title in _TRAINED.items()
        for short, readout in (
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
"""From the fires of a CIF to what it is compared with."""


def alignment_table(results: Sequence[Result], recipe: str, split: str) -> str:
    """How well everything aligns on one set: a row for each way to train and each read-out.

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


def held_out_table(results: Sequence[Result], recipe: str) -> str:
    """The same of speakers kept out of training: mean ± standard deviation over the speakers."""
    runs = [one for one in results if one["recipe"] == recipe and one["leave_out"] is not None]
    return _table(runs, (RAW, CTC, BEST), "test", f"{recipe}, held-out speakers", "speakers")


WEIGHT_TITLES = {
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
    rows = []
    for variant, title in WEIGHT_TITLES.items():
        measured = [one[split] for one in runs if one["variant"] == variant and split in one]
        if not measured:
            continue
        cells = [title, str(len(measured))]
        cells += [spread([value(one) for one in measured]) for value, _ in SCORES.values()]
        cells.append(_spread([one["share_in_silence"] for one in measured], 100))
        edges = [one["edges"]["quantiles"]["both"]["mean_absolute"] for one in measured]
        rows.append([*cells, _spread(edges, 1000)])
    require(bool(rows), f"no published result for the weights of {recipe!r}", DataError)
    return markdown_table(heads, rows)


def _table(
    runs: Sequence[Result], rows: Sequence[Row], split: str, title: str, counted: str
) -> str:
    heads = [title, counted, "token errors %", *(head for head, _ in COLUMNS.values())]
    found = []
    for row in rows:
        measured = [
            one[split]
            for one in runs
            if one["variant"] == row.variant
            and row.readout in one.get(split, {"edges": ()})["edges"]
        ]
        if not measured:
            continue
        edges = [one["edges"][row.readout]["both"] for one in measured]
        cells = [row.title, str(len(measured))]
        cells.append(spread([100 * one["token_error_rate"] for one in measured]))
        for name, (_, factor) in COLUMNS.items():
            cells.append(_spread([one[name] for one in edges], factor))
        cells.append(_spread([one.get("share_in_silence") for one in measured], 100))
        found.append(cells)
    require(bool(found), f"no published result for the table {title!r}", DataError)
    return markdown_table([*heads, "α in silence %"], found)


def _spread(values: Sequence[float | None], factor: float) -> str:
    known = [factor * value for value in values if value is not None]
    return spread(known, digits=1) if len(known) == len(values) else "–"


TO_COMPARE = {
    *("markov-digits", "markov-merged", "markov-phones", "check-digits", "small-grid"),
    *("code-digits", "hieradist", "w2v-cif-bert", "spiking-digits"),
    *("drawn-lips", "drawn-phones", "reordered-digits", "reordered-grid"),
}
"""Recipes whose models are not meant for use; the studies "nar-comparison", "phrase-biasing",
"spiking-neurons" and "simultaneous-translation" compare some of them."""


def summary(results: Sequence[Result]) -> str:
    """One table over the other recipes: recognition, counts and calibrated word edges.

    Parameters
    ----------
    results : sequence of dict
        What `experiments.runs.run` returned for each run, of any recipes.

    Returns
    -------
    str
        Markdown; mean ± standard deviation over seeds. Recipes with a test set are shown on it, the
        others on their development set; runs that left a speaker out, on that speaker.
    """
    groups: dict[str, list[Result]] = {}
    own = [one for one in results if one["recipe"] not in TO_COMPARE and not one["variant"]]
    for result in sorted(own, key=lambda one: (one["recipe"], one["leave_out"] or "")):
        split = "test" if "test" in result else "dev"
        held_out = f", {result['leave_out']} not in training" if result["leave_out"] else ""
        name = f"{result['recipe']}: {split} set{held_out}"
        groups.setdefault(name, []).append(result[split])
    heads = [
        "model and set",
        "runs",
        "token errors",
        "deleted, inserted, substituted",
        "right count",
        "onset error",
        "offset error",
    ]
    return markdown_table(heads, [_summary_row(*group) for group in groups.items()])


def _summary_row(name: str, measured: Sequence[Result]) -> list[str]:
    parts = [spread([100 * one[kind] / one["tokens"] for one in measured]) for kind in ERROR_KINDS]
    edges = [
        spread([1000 * one["edges"]["shipped"][edge]["mean_absolute"] for one in measured])
        for edge in ("onset", "offset")
    ]
    return [
        name,
        str(len(measured)),
        spread([100 * one["token_error_rate"] for one in measured], "%"),
        ", ".join(parts) + " %",
        spread([100 * one["count_accuracy"] for one in measured], "%"),
        *(f"{edge} ms" for edge in edges),
    ]


RUN_TABLES: Mapping[str, Callable[[Sequence[Result]], str]] = {
    "summary": summary,
    "alignment": lambda results: alignment_table(results, "digits", "test"),
    "joined": lambda results: alignment_table(results, "digits", "joined"),
    "grid": lambda results: alignment_table(results, "grid", "dev"),
    "weights": lambda results: weights_table(results, "digits", "test"),
    "held-out": lambda results: held_out_table(results, "digits"),
}
"""By name; each is made of all published runs."""
