"""Model cards: what a checkpoint was made from and what it measured, as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cifviz.metrics.statistics import spread

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
"""Readings of edges that a CIF's card tells of; another one's tells of all."""
CIF_EDGES = (
    "*fire* is the raw reading, *fire, shifted* adds a constant learned on the development set, "
    "and *shipped* is what transcriptions carry: read at shares of a token's mass, cut at fires or "
    "in valleys of the weights, plus a constant, all learned on the development set and as many "
    "synthesised utterances"
)
TAUGHT = "Word times of the training recordings were used: the weights were taught to lie there."
OTHER_EDGES = (
    "constants and quantiles are learned on the development set. Measured in single precision, "
    "kept in half"
)


def results_table(results: Sequence[Result], split: str) -> str:
    """Recognition and edges of several seeds on one set, as a Markdown table."""
    measured = [result[split] for result in results if split in result]
    lines = [f"| {split} | {len(measured)} seed{'s' if len(measured) > 1 else ''} |", "|---|---|"]
    for name, (value, unit) in ROWS.items():
        if "weight_sum_error" not in measured[0] and name == COUNT:
            continue
        lines.append(f"| {name} | {spread([value(one) for one in measured], unit)} |")
    readings = list(measured[0]["edges"])
    for rule in [one for one in SHOWN if one in readings] or readings:
        for edge in ("onset", "offset"):
            errors = [one["edges"][rule][edge] for one in measured]
            if not errors[0]["count"]:
                continue
            values = ", ".join(
                f"{name} {spread([1000 * one[key] for one in errors])}"
                for name, key in EDGES.items()
            )
            lines.append(f"| {edge} error in ms, {rule} | {values} |")
    return "\n".join(lines)


def summary(results: Sequence[Result]) -> str:
    """One table over all recipes: recognition, counts and calibrated word edges.

    Parameters
    ----------
    results : sequence of dict
        What `train` returned for each run, of any recipes.

    Returns
    -------
    str
        Markdown; mean ± standard deviation over seeds. Recipes with a test set are shown on it, the
        others on their development set; runs that left a speaker out, on that speaker.
    """
    lines = [
        "| model and set | runs | token errors | deleted, inserted, substituted | right count "
        "| onset error | offset error |",
        "|---|---|---|---|---|---|---|",
    ]
    groups: dict[str, list[Result]] = {}
    own = [result for result in results if not result["variant"]]
    for result in sorted(own, key=lambda one: (one["recipe"], one["leave_out"] or "")):
        split = "test" if "test" in result else "dev"
        unheard = f", {result['leave_out']} unheard in training" if result["leave_out"] else ""
        name = f"{result['recipe']}: {split} set{unheard}"
        groups.setdefault(name, []).append(result[split])
    for name, measured in groups.items():
        parts = [
            spread([100 * one[part] / one["tokens"] for one in measured])
            for part in ("deletions", "insertions", "substitutions")
        ]
        edges = [
            spread([1000 * one["edges"]["shipped"][edge]["mean_absolute"] for one in measured])
            for edge in ("onset", "offset")
        ]
        cells = [
            name,
            str(len(measured)),
            spread([100 * one["token_error_rate"] for one in measured], "%"),
            ", ".join(parts) + " %",
            spread([100 * one["count_accuracy"] for one in measured], "%"),
            *(f"{edge} ms" for edge in edges),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


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
    unheard = [result for result in results if result["leave_out"] is not None]
    shipped = next(result for result in whole if result["seed"] == seed)
    seeds = ", ".join(str(result["seed"]) for result in whole)
    name = "-".join(part for part in (recipe.name, recipe.variant) if part)
    variant = f" --variant {recipe.variant}" if recipe.variant else ""
    parts = [
        f"# {name}",
        f"Seed {seed} of seeds {seeds}: of those that hear the bundled clips best the one with the "
        f"lowest token error rate on the development set. Made by `cifviz train {recipe.name}"
        f"{variant} --seed {seed}` and `cifviz publish {recipe.name}` in "
        f"{shipped['seconds'] / 60:.0f} minutes on a CPU (torch {shipped['versions']['torch']}).",
        f"Data: {recipe.sources}. Licence of these weights: {recipe.licence}.",
        *([TAUGHT] if recipe.fit.alignment == "even" else []),
        f"Vocabulary: {' '.join(recipe.config.vocabulary)}. Encoder frames of "
        f"{1000 * recipe.config.grid.shift:.0f} ms.",
        "Results of all seeds, mean and standard deviation. Edges are hypothesis − reference, of "
        f"equal tokens paired by label: {OTHER_EDGES if recipe.variant else CIF_EDGES}.",
    ]
    for split in ("test", "dev", "clips"):
        if any(split in result for result in whole):
            parts.append(results_table(whole, split))
    if unheard:
        lines = ["| speaker kept out of training | seed | token error rate on that speaker |"]
        lines.append("|---|---|---|")
        for result in unheard:
            rate = 100 * result["test"]["token_error_rate"]
            lines.append(f"| {result['leave_out']} | {result['seed']} | {rate:.2f} % |")
        errors = [
            sum(result["test"][kind] for kind in ("deletions", "insertions", "substitutions"))
            for result in unheard
        ]
        pooled = 100 * sum(errors) / sum(result["test"]["tokens"] for result in unheard)
        lines.append(f"| all together | | {pooled:.2f} % |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"
