"""Runs of the same seed against each other: what differs, and whether beyond the spread.

Two runs of one seed began alike and saw the same examples. What they share cancels out in their
difference; its spread over the seeds is that of what is compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.metrics import spread
from cifviz.metrics.statistics import deviation, mean
from experiments.recipes import Recipe
from experiments.runs import results_of

TASKS = {"markov-digits": "test", "small-grid": "dev"}
"""Recipes whose runs are compared, and on which set."""
LEAST_SEEDS = 3
"""Of fewer nothing is claimed."""


def folders_by_seed(recipe: Recipe, runs: Path) -> dict[int, Path]:
    """Folders of the finished runs of a recipe, by their seeds; empty if there is none."""
    return {
        result["seed"]: folder
        for folder, result in results_of(recipe.name, runs).items()
        if (result["variant"], result["leave_out"]) == (recipe.variant, None)
    }


def judged_utterances(recipe: Recipe) -> list[LabelledUtterance]:
    """Those of the set of `TASKS`."""
    return recipe.test() if TASKS[recipe.name] == "test" and recipe.test else recipe.dev()


def differences(
    first: Mapping[int, float | None], second: Mapping[int, float | None]
) -> list[float]:
    """First − second of each seed of which both are known.

    >>> differences({0: 1.5, 1: 3.0, 2: 5.0, 3: None}, {0: 1.0, 2: 4.0, 3: 6.0})
    [0.5, 1.0]
    """
    pairs = ((one, second.get(seed)) for seed, one in first.items())
    return [one - other for one, other in pairs if one is not None and other is not None]


def judged(found: Sequence[float]) -> str:
    """Whether the mean of differences is farther from 0 than their standard deviation.

    >>> judged([1.0, 1.2, 1.1]), judged([-0.2, -0.1, -0.3]), judged([-1.0, 0.5, 1.0])
    ('more', 'less', 'no difference')

    Of fewer than `LEAST_SEEDS` nothing is said:

    >>> judged([1.0, 1.0])
    'open'

    Of three normally distributed differences without a meaning, 22 % are farther (Student's t with
    two degrees of freedom beyond √3): one comparison alone proves little.
    """
    if len(found) < LEAST_SEEDS:
        return "open"
    middle, around = mean(found), deviation(found)
    if abs(middle) <= around:
        return "no difference"
    return "more" if middle > 0 else "less"


def with_judgement(found: Sequence[float], *, digits: int = 2) -> str:
    """Differences as a table shows them: their spread with its sign, and what it says.

    >>> with_judgement([1.0, 1.2, 1.1]), with_judgement([-1.0]), with_judgement([])
    ('+1.10 ± 0.10, more', '-1.00, open', '–')
    """
    if not found:
        return "–"
    text = spread(found, digits=digits)
    return f"{'' if text.startswith('-') else '+'}{text}, {judged(found)}"


def grouped(
    measured: Sequence[Mapping[str, Any]], *names: str
) -> dict[tuple[Any, ...], dict[int, Any]]:
    """What was measured, by the values of some of its entries, then by seed.

    >>> grouped([{"task": "a", "seed": 0}, {"task": "a", "seed": 2}], "task").keys()
    dict_keys([('a',)])
    """
    found: dict[tuple[Any, ...], dict[int, Any]] = {}
    for one in measured:
        found.setdefault(tuple(one[name] for name in names), {})[one["seed"]] = one
    return found


def gathered(
    measured: Sequence[Mapping[str, Any]], condition: str, conditions: Sequence[str]
) -> list[dict[str, Any]]:
    """One entry a run: what was measured of it in each condition, under the condition's name.

    A run that lacks one of the conditions is left out:

    >>> run = {"recipe": "a", "variant": "", "seed": 0}
    >>> found = [{**run, "noise": "none", "errors": 2}, {**run, "noise": "10 dB", "errors": 5}]
    >>> [both] = gathered(found, "noise", ["none", "10 dB"])
    >>> both["seed"], both["none"]["errors"], both["10 dB"]["errors"]
    (0, 2, 5)
    >>> gathered(found[:1], "noise", ["none", "10 dB"])
    []
    """
    names = ("recipe", "variant", "seed")
    runs: dict[tuple[Any, ...], dict[str, Any]] = {}
    for one in measured:
        key = tuple(one[name] for name in names)
        runs.setdefault(key, dict(zip(names, key, strict=True)))[str(one[condition])] = one
    return [one for one in runs.values() if set(conditions) <= one.keys()]
