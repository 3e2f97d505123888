"""Model cards: what a checkpoint was made from and what it measured, as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cifviz.metrics import spread
from cifviz.published import ERROR_KINDS, PROGRAM
from cifviz.systems.cif import CIFRecognizerConfig
from cifviz.systems.configuration import EncoderSystemConfig, SystemConfig
from cifviz.text_tables import markdown_table
from experiments.interval_tables import interval_table

Result = dict[str, Any]

COUNT = "mean abs(Σα − N)"
"""A row that only a CIF has."""
ROWS: dict[str, tuple[Callable[[Result], float], str]] = {
    "token error rate": (lambda r: 100 * r["token_error_rate"], "%"),
    "deletions": (lambda r: 100 * r["deletions"] / max(1, r["tokens"]), "%"),
    "insertions": (lambda r: 100 * r["insertions"] / max(1, r["tokens"]), "%"),
    "substitutions": (lambda r: 100 * r["substitutions"] / max(1, r["tokens"]), "%"),
    "right number of tokens": (lambda r: 100 * r["count_accuracy"], "%"),
    COUNT: (lambda r: r["weight_sum_error"]["mean_absolute"], ""),
}
EDGES = {
    "signed mean": "signed_mean",
    "mean absolute": "mean_absolute",
    "median absolute": "median_absolute",
}


SHOWN = ("fire", "fire, shifted", "shipped")
"""Boundary read-outs on the card of a CIF; the card of another system has all."""
CIF_EDGES = (
    "*fire* is the time of the fire itself, *fire, shifted* adds a constant learned on the "
    "development set, and *shipped* is what transcriptions carry: quantiles of a token's mass, cut "
    "at fires or in valleys of the weights, plus a constant, all learned on the development set"
)
SYNTHESISED_TOO = " and as many synthesised utterances"
OF_WORDS = (
    ". The tokens are phones; *shipped* was learned from the onsets of words' first phones and the "
    "offsets of their last, where the transcripts of development utterances are aligned"
)
TRAINED_ON_TIMES = "Word times of the training recordings were used: a loss puts the weights there."
INTERVALS = (
    "Each edge of an aligned word has an interval. How many true edges lie in theirs, of each half "
    "of the development speech by what the other half taught this seed:"
)
OTHER_EDGES = (
    "constants and quantiles are learned on the development set. Measured in single precision, "
    "kept in half"
)


def results_table(results: Sequence[Result], split: str) -> str:
    """Recognition and edges of several seeds on one set, as a Markdown table."""
    measured = [result[split] for result in results if split in result]
    rows = [
        [name, spread([value(one) for one in measured], unit)]
        for name, (value, unit) in ROWS.items()
        if "weight_sum_error" in measured[0] or name != COUNT
    ]
    readouts = list(measured[0]["edges"])
    for readout in [one for one in SHOWN if one in readouts] or readouts:
        for edge in ("onset", "offset"):
            errors = [one["edges"][readout][edge] for one in measured]
            if not errors[0]["count"]:
                continue
            values = ", ".join(
                f"{name} {spread([1000 * one[key] for one in errors])}"
                for name, key in EDGES.items()
            )
            rows.append([f"{edge} error in ms, {readout}", values])
    return markdown_table([split, f"{len(measured)} seed{'s' if len(measured) > 1 else ''}"], rows)


def model_card(recipe: Any, results: Sequence[Result], seed: int) -> str:
    """The card of a recipe's checkpoint.

    Parameters
    ----------
    recipe : Recipe
        What was run.
    results : sequence of dict
        What `run` returned for each of its runs.
    seed : int
        The one that is shipped.
    """
    whole = [result for result in results if result["leave_out"] is None]
    held_out = [result for result in results if result["leave_out"] is not None]
    shipped = next(result for result in whole if result["seed"] == seed)
    seeds = ", ".join(str(result["seed"]) for result in whole)
    name = "-".join(part for part in (recipe.name, recipe.variant) if part)
    variant = f" --variant {recipe.variant}" if recipe.variant else ""
    parts = [
        f"# {name}",
        f"Seed {seed} of seeds {seeds}: of those with the fewest errors on the bundled clips the "
        f"one with the lowest token error rate on the development set. Made by `{PROGRAM} train "
        f"{recipe.name}{variant} --seed {seed}` and `{PROGRAM} publish {recipe.name}` in "
        f"{shipped['seconds'] / 60:.0f} minutes on a CPU (torch {shipped['versions']['torch']}).",
        f"Data: {recipe.sources}. Licence of these weights: {recipe.licence}.",
        *([TRAINED_ON_TIMES] if "even" in recipe.fit.loss_weights else []),
        f"Vocabulary: {' '.join(recipe.config.vocabulary)}.{_frames(recipe.config)}",
        "Results of all seeds, mean and standard deviation. Edges are hypothesis − reference, of "
        f"equal tokens paired by label: {_edges(recipe)}.",
    ]
    for split in ("test", "dev", "clips"):
        if any(split in result for result in whole):
            parts.append(results_table(whole, split))
    if "intervals" in shipped:
        parts += [INTERVALS, interval_table(shipped["intervals"])]
    if recipe.note:
        parts.append(f"{recipe.note}.")
    if held_out:
        parts.append(_held_out_table(held_out))
    return "\n\n".join(parts) + "\n"


def _edges(recipe: Any) -> str:
    """How the edges of a recipe's system are read."""
    if not isinstance(recipe.config, CIFRecognizerConfig):
        return OTHER_EDGES
    if recipe.edge_pairs is not None:
        return CIF_EDGES + OF_WORDS
    return CIF_EDGES + SYNTHESISED_TOO * (recipe.synthetic_share > 0)


def _frames(config: SystemConfig) -> str:
    """How long the encoder's frames last; empty for a system without an `Encoder`."""
    if not isinstance(config, EncoderSystemConfig):
        return ""
    return f" Encoder frames of {1000 * config.grid.shift:.0f} ms."


def _held_out_table(results: Sequence[Result]) -> str:
    """Token error rates on speakers who were kept out of training, each and pooled."""
    rows: list[list[object]] = []
    for result in results:
        rate = 100 * result["test"]["token_error_rate"]
        rows.append([result["leave_out"], result["seed"], f"{rate:.2f} %"])
    errors = [sum(result["test"][kind] for kind in ERROR_KINDS) for result in results]
    pooled = 100 * sum(errors) / sum(result["test"]["tokens"] for result in results)
    rows.append(["all together", "", f"{pooled:.2f} %"])
    heads = ["speaker kept out of training", "seed", "token error rate on that speaker"]
    return markdown_table(heads, rows)
