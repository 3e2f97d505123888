"""Losses on where weights lie: whether training converges sooner, and fires are nearer to edges.

Each CIF-NAR is trained with one more loss than without, from a quarter of the steps on: two
reconstructions of the loss by which CTC's spikes guide the weights, each with several weights. The
results are those of the runs; nothing is decoded again.

References
----------
Yu et al. (2021), arXiv:2104.04702. Its abstract, which is all that is quoted of it here, says that
a CIF without guidance estimates boundaries badly, so that it converges slowly and makes more
errors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from cifviz.errors import DataError, require
from cifviz.metrics import spread
from cifviz.published import ERROR_KINDS, read_study
from cifviz.text_tables import markdown_table
from experiments.runs import results_of
from experiments.studies.paired_seeds import (
    LEAST_SEEDS,
    TASKS,
    differences,
    grouped,
    judged,
    with_judgement,
)
from experiments.studies.study import Study

NAME = "boundary-losses"
READOUTS = {"fire": "fire", "valleys, quantiles": "valleys"}
"""Where token edges are read: the first is raw, the second learned on development utterances."""
EDGES = ("onset", "offset")
ENOUGH = 1.2
"""Cross-entropy in training by which convergence is judged."""

BOUNDARY_LOSSES = {
    "": "none",
    "spike-segments-0.1": "mass between spikes, weight 0.1",
    "spike-segments-0.3": "mass between spikes, weight 0.3",
    "spike-segments-1": "mass between spikes, weight 1",
    "spikes-0.1": "mass up to each spike, weight 0.1",
    "spikes-0.3": "mass up to each spike, weight 0.3",
    "spikes-1": "mass up to each spike, weight 1",
}
"""Variants that differ in the loss on where weights lie: two readings of that of 2104.04702, both
reconstructions."""


def run(*, runs: Path, data: Path) -> dict[str, Any]:
    """What the finished runs of `BOUNDARY_LOSSES` measured, and how their cross-entropy fell."""
    measured = [
        {
            "recipe": name,
            "variant": one["variant"],
            "seed": one["seed"],
            "steps": [entry["step"] for entry in one["history"]],
            "cross_entropy": [entry["cross_entropy"] for entry in one["history"]],
            **_scores(one[split]),
        }
        for name, split in TASKS.items()
        for one in results_of(name, runs).values()
        if one["variant"] in BOUNDARY_LOSSES and one["leave_out"] is None
    ]
    require(bool(measured), f"no finished run of {' or '.join(TASKS)} in {runs}", DataError)
    return {"runs": measured}


def _scores(one: Mapping[str, Any]) -> dict[str, Any]:
    """Of all that a run measured on a set, what is compared."""
    kept = ("tokens", "token_error_rate", *ERROR_KINDS, "count_accuracy", "share_in_silence")
    errors = {
        name: {
            edge: {way: round(one["edges"][name][edge][way], 4) for way in MEANS} for edge in EDGES
        }
        for name in READOUTS
    }
    return {**{name: one[name] for name in kept}, "edges": errors}


MEANS = ("signed_mean", "mean_absolute")


def steps_to(history: Sequence[Mapping[str, float]], loss: str, level: float) -> float | None:
    """Steps until a loss first is down to a level, between entries by a line; None if never.

    >>> steps_to([{"step": 50, "ctc": 3.0}, {"step": 100, "ctc": 1.0}], "ctc", 2.0)
    75.0
    """
    before = None
    for entry in history:
        if entry[loss] <= level:
            if before is None or before[loss] == entry[loss]:
                return float(entry["step"])
            share = (before[loss] - level) / (before[loss] - entry[loss])
            return float(before["step"] + share * (entry["step"] - before["step"]))
        before = entry
    return None


def scores_of(one: Mapping[str, Any]) -> dict[str, float | None]:
    """The numbers by which a run is compared, by the head of their column; None: never reached."""
    history = [
        {"step": step, "cross_entropy": loss}
        for step, loss in zip(one["steps"], one["cross_entropy"], strict=True)
    ]
    found: dict[str, float | None] = {
        STEPS: steps_to(history, "cross_entropy", ENOUGH),
        "token errors %": 100 * one["token_error_rate"],
        "right count %": 100 * one["count_accuracy"],
        "α in silence %": 100 * one["share_in_silence"],
    }
    for name, title in READOUTS.items():
        for edge in EDGES:
            found[f"{title}: {edge} ms"] = 1000 * one["edges"][name][edge]["mean_absolute"]
    return found


STEPS = f"steps to {ENOUGH:g}"
DIGITS = {"token errors %": 2, "right count %": 1, "α in silence %": 1}
"""Decimals; else none."""
CLAIMED = {STEPS: "Converges sooner", "token errors %": "Makes fewer errors"}
"""What the paper's abstract says is less, in words."""


def table(found: Mapping[str, Any]) -> str:
    """The losses beside each other, what they change against none, and the paper's claims."""
    scores = {
        key: {seed: scores_of(one) for seed, one in by_seed.items()}
        for key, by_seed in grouped(found["runs"], "recipe", "variant").items()
    }
    # In the order in which they are defined; a task without any of the losses compares nothing.
    compared = {recipe for recipe, variant in scores if variant}
    every = [
        (recipe, variant)
        for recipe in TASKS
        if recipe in compared or not compared
        for variant in BOUNDARY_LOSSES
    ]
    scores = {key: scores[key] for key in every if key in scores}
    rows, changes = [], []
    for (recipe, variant), by_seed in scores.items():
        each = list(by_seed.values())
        start = [recipe, BOUNDARY_LOSSES[variant]]
        cells = [_cell(head, [one[head] for one in each]) for head in each[0]]
        rows.append([*start, str(len(each)), *cells])
        if variant:
            apart = _changes(by_seed, scores.get((recipe, ""), {}))
            cells = [with_judgement(a, digits=DIGITS.get(head, 0)) for head, a in apart.items()]
            changes.append([*start, *cells])
    names = list(each[0])
    parts = [markdown_table(["task", "loss", "seeds", *names], rows), NOTE]
    if changes:
        parts += [ABOUT_CHANGES, markdown_table(["task", "loss", *names], changes)]
        parts.append("\n".join(f"- {line}" for line in verdicts(scores)))
    return "\n\n".join(parts)


NOTE = (
    f"Steps until the cross-entropy in training, a mean of 50 steps, is down to {ENOUGH:g}; edges: "
    "mean absolute errors of tokens that are right."
)
ABOUT_CHANGES = (
    "Differences to no loss, seed by seed. With three seeds more than one in five goes beyond its "
    "standard deviation by chance: a claim counts as reproduced where most weights agree."
)

Scores = Mapping[int, Mapping[str, float | None]]
"""By seed, then by the head of the column."""


def _cell(head: str, values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "never"
    text = spread(known, digits=DIGITS.get(head, 0))
    return text if len(known) == len(values) else f"{text} ({len(known)} of {len(values)})"


def _changes(by_seed: Scores, without: Scores) -> dict[str, list[float]]:
    """Differences of each column to no loss; a seed that never got there is left out."""
    heads = next(iter(by_seed.values()))
    return {head: differences(_column(by_seed, head), _column(without, head)) for head in heads}


def _column(scores: Scores, head: str) -> dict[int, float | None]:
    return {seed: one[head] for seed, one in scores.items()}


def verdicts(scores: Mapping[tuple[str, str], Scores]) -> Iterator[str]:
    """Whether the paper's claims are reproduced: a sentence for each claim and task."""
    for head, claim in CLAIMED.items():
        for recipe in TASKS:
            says = {
                variant: judged(_changes(by_seed, scores.get((recipe, ""), {}))[head])
                for (name, variant), by_seed in scores.items()
                if name == recipe and variant
            }
            if not says:
                continue
            by_judgement = {
                one: [BOUNDARY_LOSSES[variant] for variant in says if says[variant] == one]
                for one in ("less", "more", "no difference", "open")
            }
            known = len(says) - len(by_judgement["open"])
            most = 2 * len(by_judgement["less"]) > known
            verdict = "reproduced" if most else "not reproduced"
            details = [
                f"{title} with {_listed(by_judgement[one], len(says))}"
                for one, title in TITLES.items()
                if by_judgement[one]
            ]
            yield f"{claim}, {recipe}: {verdict if known else 'open'} ({' – '.join(details)})."


def _listed(losses: Sequence[str], tried: int) -> str:
    """Names of some of the losses that were tried.

    >>> _listed(["a", "b"], 3), _listed(["a", "b"], 2), _listed(["a"], 1)
    ('a; b', 'all 2', 'a')
    """
    return f"all {tried}" if len(losses) == tried > 1 else "; ".join(losses)


TITLES = {
    "less": "yes",
    "no difference": "no difference",
    "more": "the contrary",
    "open": f"fewer than {LEAST_SEEDS} seeds",
}
"""Of judgements."""

STUDY = Study(run, partial(read_study, name=NAME), table)
