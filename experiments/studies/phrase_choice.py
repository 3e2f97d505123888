"""λ and the treatment of "no bias" of ColDec on tokens, chosen on some utterances, told of others.

The study "phrase-biasing" shows all settings on the utterances that it judges by; to take the best
of them there would flatter it. Here a rule chooses on utterances that are not judged: the largest
recall of listed phrases with 100 distractors, of all settings that do no harm, which are those that
make no more errors outside of phrases than no list does. What "no more" means makes two rules
(`GUARDS`). The first was written down before anything was measured; the second after its outcome
had been seen, and so were, because 80 utterances show little harm, the 240 of the second round. Of
GRID there are no sentences but those of `experiments.rare_pairs`: each half is judged by what the
other half chose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from cifviz.errors import DataError, require
from cifviz.metrics import spread
from cifviz.metrics.statistics import mean
from cifviz.published import read_study
from cifviz.systems.collaborative_decoding import ALONE, SHARED
from cifviz.text_tables import markdown_table
from experiments import phone_book, rare_pairs
from experiments.biasing_task import BiasingTask
from experiments.recipes import find_recipe
from experiments.runs import loaded
from experiments.studies.paired_seeds import differences, folders_by_seed, judged, with_judgement
from experiments.studies.phrase_biasing import context_log_probs, decoded, fire, scores
from experiments.studies.phrase_claims import GAIN
from experiments.studies.phrase_tables import MIDDLE, SCORES
from experiments.studies.study import Study

NAME = "phrase-choice"
VARIANT = "coldec-tokens"
WEIGHTS = tuple(tenths / 10 for tenths in range(1, 11))
"""Values of λ that are tried, with either treatment of the mass of "no bias"."""
MASSES = (ALONE, SHARED)
NONE = "0"
"""The size of no list."""
RECALL, ERRORS = "recall %", "unbiased errors %"
"""Of `SCORES`: what is chosen by, and what is to stay."""


class Round(NamedTuple):
    """What is chosen on, and what is told of."""

    group: str
    """Rounds of one group are told of together."""
    title: str
    choosing: BiasingTask
    judging: BiasingTask


GUARDS: Mapping[str, Callable[[Sequence[float]], bool]] = {
    "no clear difference": lambda found: judged(found) != "more",
    "none on average": lambda found: mean(found) <= 0,
}
"""Whether a setting does no harm, of the differences of errors outside of phrases, by seed."""
HALVES = rare_pairs.HALVES
ROUNDS = (
    Round("code-digits", "code-digits, 80 utterances", phone_book.DEV_TASK, phone_book.TASK),
    Round(
        "code-digits, by 240",
        "code-digits, 240 utterances",
        phone_book.LONG_DEV_TASK,
        phone_book.TASK,
    ),
    Round("small-grid", "small-grid, even sentences", HALVES[0], HALVES[1]),
    Round("small-grid", "small-grid, odd sentences", HALVES[1], HALVES[0]),
)


def run(*, runs: Path, data: Path) -> dict[str, Any]:
    """Choose on the utterances for it, then count with that setting on the others."""
    made = []
    for one in ROUNDS:
        recipe = find_recipe(one.choosing.recipe, VARIANT)
        folders = folders_by_seed(recipe, runs)
        require(bool(folders), f"no finished run of {recipe.name}, {VARIANT}", DataError)
        models = {seed: loaded(recipe, folder) for seed, folder in sorted(folders.items())}
        tried = {
            str(seed): counted(model, one.choosing, [int(MIDDLE)], MASSES, WEIGHTS)
            for seed, model in models.items()
        }
        choices = {}
        for guard in GUARDS:
            mass, weight = chosen(tried, guard)
            told = {
                str(seed): counted(model, one.judging, one.judging.sizes, [mass], [float(weight)])
                for seed, model in models.items()
            }
            choices[guard] = {"no_bias_mass": mass, "weight": weight, "told": told}
        names = {"recipe": recipe.name, "group": one.group, "chosen_on": one.title}
        made.append({**names, "tried": tried, "choices": choices})
    return {"variant": VARIANT, "rounds": made}


@torch.inference_mode()
def counted(
    model: Any,
    task: BiasingTask,
    sizes: Sequence[int],
    masses: Sequence[str],
    weights: Sequence[float],
) -> dict[str, Any]:
    """What `scores` gives by size, treatment and λ; by `NONE` alone without a list."""
    calls = task.calls()
    fired = fire(model, [call.utterance.waveform for call in calls])
    alone = [one.log_probs.argmax(dim=1) for one in fired]
    found: dict[str, Any] = {NONE: scores(model, calls, alone, [[call.phrase] for call in calls])}
    for size in sizes:
        lists = [[call.phrase, *task.distractors(call.phrase, size)] for call in calls]
        biases = context_log_probs(model, fired, lists)
        found[str(size)] = {
            mass: {
                f"{weight:g}": scores(model, calls, decoded(fired, biases, weight, mass), lists)
                for weight in weights
            }
            for mass in masses
        }
    return found


def chosen(tried: Mapping[str, Mapping[str, Any]], guard: str) -> tuple[str, str]:
    """The setting with the largest mean recall of those that do no harm.

    Parameters
    ----------
    tried : mapping
        By seed, what `counted` gives.
    guard : str
        One of `GUARDS`.

    Returns
    -------
    tuple of str
        Treatment and λ; of equal ones the smaller λ, and "alone". If all do harm, the least λ.
    """
    weights = list(next(iter(tried.values()))[MIDDLE][ALONE])
    without = _of_seeds(tried, ERRORS)
    harmless = [
        (mass, weight)
        for weight in weights
        for mass in MASSES
        if GUARDS[guard](differences(_of_seeds(tried, ERRORS, (mass, weight)), without))
    ]
    return max(
        harmless,
        key=lambda setting: mean([*_of_seeds(tried, RECALL, setting).values()]),
        default=(ALONE, weights[0]),
    )


def _of_seeds(
    found: Mapping[str, Mapping[str, Any]], score: str, setting: tuple[str, str] | None = None
) -> dict[int, float]:
    """A score by seed, with a setting or without a list."""
    made = {}
    for seed, one in found.items():
        counts = one[NONE] if setting is None else one[MIDDLE][setting[0]][setting[1]]
        made[int(seed)] = SCORES[score](counts)
    return made


def read(folder: Path) -> dict[str, Any]:
    """What is published, from a folder of results; errors as of `read_study`."""
    found: dict[str, Any] = read_study(folder, NAME)
    return found


def table(found: Mapping[str, Any]) -> str:
    """What was tried, what was chosen, and what that gives where it was not chosen."""
    names = list(dict.fromkeys(one["group"] for one in found["rounds"]))
    lines = [goal(found, name, guard) for name in names for guard in GUARDS]
    return "\n\n".join([tried_table(found), told_table(found), "\n".join(lines)])


def tried_table(found: Mapping[str, Any]) -> str:
    """Recall and errors elsewhere where the settings were chosen, by λ."""
    weights = [f"{weight:g}" for weight in WEIGHTS]
    heads = ["chosen on, 100 distractors", "score", '"no bias"', "no list"]
    heads += [f"λ = {weight}" for weight in weights]
    rows = []
    for one in found["rounds"]:
        choices = [(some["no_bias_mass"], some["weight"]) for some in one["choices"].values()]
        for score in (RECALL, ERRORS):
            for mass in MASSES:
                cells = [spread([*_of_seeds(one["tried"], score).values()], digits=1)]
                for weight in weights:
                    values = _of_seeds(one["tried"], score, (mass, weight)).values()
                    mark = "**" if (mass, weight) in choices else ""
                    cells.append(f"{mark}{spread([*values], digits=1)}{mark}")
                rows.append([one["chosen_on"], score, mass, *cells])
    return markdown_table(heads, rows)


def told_table(found: Mapping[str, Any]) -> str:
    """Scores with the chosen settings where they were not chosen."""
    heads = ["told of the others", "harm allowed", "chosen", "distractors"]
    heads += ["recall %, no list", "with the list", "difference"]
    heads += ["unbiased errors %, no list", "with the list", "difference", "F1 %"]
    rows = []
    for name in dict.fromkeys(one["group"] for one in found["rounds"]):
        for guard in GUARDS:
            without = joined(found, name, guard, NONE)
            for size in _sizes(found, name):
                with_list = joined(found, name, guard, size)
                cells = []
                for score in (RECALL, ERRORS):
                    first, second = (_scores(one, score) for one in (with_list, without))
                    cells += [spread([*one.values()], digits=1) for one in (second, first)]
                    cells.append(with_judgement(differences(first, second), digits=1))
                cells.append(spread([*_scores(with_list, "F1 %").values()], digits=1))
                rows.append([name, guard, settings(found, name, guard), size, *cells])
    return markdown_table(heads, rows)


def goal(found: Mapping[str, Any], name: str, guard: str) -> str:
    """Whether recall rises by the goal of "phrase-biasing", with what was chosen."""
    with_list, without = (joined(found, name, guard, size) for size in (MIDDLE, NONE))
    recall, alone = (_scores(one, RECALL) for one in (with_list, without))
    gains = [100 * (recall[seed] / alone[seed] - 1) for seed in recall if alone[seed]]
    reached = "reached" if gains and mean(gains) >= 100 * GAIN else "not reached"
    errors = differences(*(_scores(one, ERRORS) for one in (with_list, without)))
    worse = {"more": "worse by more than their spread", "open": "open"}
    return (
        f"- {name}, {settings(found, name, guard)} (harm allowed: {guard}), {MIDDLE} distractors: "
        f"{spread(gains, digits=0)} % more phrases found (goal {100 * GAIN:.0f}: {reached}); "
        f"errors elsewhere: {worse.get(judged(errors), 'not worse')}."
    )


def settings(found: Mapping[str, Any], name: str, guard: str) -> str:
    """What was chosen, in all rounds of a task."""
    made = [one["choices"][guard] for one in found["rounds"] if one["group"] == name]
    texts = (f"λ = {one['weight']}, {one['no_bias_mass']}" for one in made)
    return " and ".join(dict.fromkeys(texts))


def _sizes(found: Mapping[str, Any], name: str) -> list[str]:
    one = next(one for one in found["rounds"] if one["group"] == name)
    told = next(iter(one["choices"].values()))["told"]
    return [size for size in next(iter(told.values())) if size != NONE]


def joined(found: Mapping[str, Any], name: str, guard: str, size: str) -> dict[int, dict[str, int]]:
    """Counts of all rounds of a task together, by seed: each utterance is judged once."""
    made: dict[int, dict[str, int]] = {}
    for one in found["rounds"]:
        if one["group"] != name:
            continue
        choice = one["choices"][guard]
        for seed, by_size in choice["told"].items():
            counts = by_size[size]
            if size != NONE:
                counts = counts[choice["no_bias_mass"]][choice["weight"]]
            before = made.setdefault(int(seed), dict.fromkeys(counts, 0))
            made[int(seed)] = {kind: before[kind] + counts[kind] for kind in counts}
    return made


def _scores(counts: Mapping[int, Mapping[str, int]], score: str) -> dict[int, float]:
    return {seed: SCORES[score](one) for seed, one in counts.items()}


STUDY = Study(run, read, table, ("digits", "grid"))
