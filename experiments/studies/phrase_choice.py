"""λ and the treatment of "no bias" of ColDec on tokens, chosen on some utterances, told of others.

The study "phrase-biasing" shows all settings on the utterances that it judges by; to take the best
of them there would flatter it. Here a rule that was written down first chooses on utterances that
are not judged: the largest recall of listed phrases with 100 distractors, of all settings that make
no more errors outside of phrases than no list does, as `judged` says seed by seed. Of the phone
book there are development utterances. Of GRID there are no sentences but those of
`experiments.rare_pairs`: each half is judged by what the other half chose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


class Round(NamedTuple):
    """What is chosen on, and what is told of."""

    title: str
    choosing: BiasingTask
    judging: BiasingTask


HALVES = rare_pairs.HALVES
ROUNDS = (
    Round("code-digits, development utterances", phone_book.DEV_TASK, phone_book.TASK),
    Round("small-grid, even sentences", HALVES[0], HALVES[1]),
    Round("small-grid, odd sentences", HALVES[1], HALVES[0]),
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
        mass, weight = chosen(tried)
        told = {
            str(seed): counted(model, one.judging, one.judging.sizes, [mass], [float(weight)])
            for seed, model in models.items()
        }
        made.append(
            {
                "recipe": recipe.name,
                "chosen_on": one.title,
                "no_bias_mass": mass,
                "weight": weight,
                "tried": tried,
                "told": told,
            }
        )
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


def chosen(tried: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    """The setting with the largest mean recall of those that are no worse elsewhere.

    Parameters
    ----------
    tried : mapping
        By seed, what `counted` gives.

    Returns
    -------
    tuple of str
        Treatment and λ; of equal ones the smaller λ, and "alone". If all are worse, the least λ.
    """
    settings = [
        (mass, weight)
        for weight in tried[next(iter(tried))][MIDDLE][ALONE]
        for mass in MASSES
        if harmless(tried, mass, weight)
    ]
    return max(
        settings,
        key=lambda setting: mean([*_of_seeds(tried, "recall %", setting).values()]),
        default=(ALONE, next(iter(tried[next(iter(tried))][MIDDLE][ALONE]))),
    )


def harmless(tried: Mapping[str, Mapping[str, Any]], mass: str, weight: str) -> bool:
    """Whether errors outside of phrases are no more than without a list."""
    score = "unbiased errors %"
    with_list, without = _of_seeds(tried, score, (mass, weight)), _of_seeds(tried, score)
    return judged(differences(with_list, without)) != "more"


def _of_seeds(
    found: Mapping[str, Mapping[str, Any]],
    score: str,
    setting: tuple[str, str] | None = None,
    size: str = MIDDLE,
) -> dict[int, float]:
    """A score by seed, with a setting or without a list."""
    return {
        int(seed): SCORES[score](
            one[NONE] if setting is None else one[size][setting[0]][setting[1]]
        )
        for seed, one in found.items()
    }


def read(folder: Path) -> dict[str, Any]:
    """What is published, from a folder of results; errors as of `read_study`."""
    found: dict[str, Any] = read_study(folder, NAME)
    return found


def table(found: Mapping[str, Any]) -> str:
    """What was tried, what was chosen, and what that gives where it was not chosen."""
    names = list(dict.fromkeys(one["recipe"] for one in found["rounds"]))
    lines = [line for name in names for line in goal(found, name)]
    return "\n\n".join([tried_table(found), told_table(found), "\n".join(lines)])


def tried_table(found: Mapping[str, Any]) -> str:
    """Recall and errors elsewhere where the setting was chosen, by λ."""
    weights = [f"{weight:g}" for weight in WEIGHTS]
    heads = ["chosen on, 100 distractors", "score", '"no bias"', "no list"]
    heads += [f"λ = {weight}" for weight in weights]
    rows = []
    for one in found["rounds"]:
        for score in ("recall %", "unbiased errors %"):
            for mass in MASSES:
                alone = spread([*_of_seeds(one["tried"], score).values()], digits=1)
                cells = []
                for weight in weights:
                    some = [*_of_seeds(one["tried"], score, (mass, weight)).values()]
                    text = spread(some, digits=1)
                    is_chosen = (mass, weight) == (one["no_bias_mass"], one["weight"])
                    cells.append(f"**{text}**" if is_chosen else text)
                rows.append([one["chosen_on"], score, mass, alone, *cells])
    return markdown_table(heads, rows)


def told_table(found: Mapping[str, Any]) -> str:
    """Scores with the chosen setting where it was not chosen."""
    heads = ["told of the others", "setting", "distractors", "seeds"]
    heads += ["recall %, no list", "with the list", "difference"]
    heads += ["unbiased errors %, no list", "with the list", "difference", "F1 %"]
    rows = []
    for name in dict.fromkeys(one["recipe"] for one in found["rounds"]):
        for size in _sizes(found, name):
            with_list, without = joined(found, name, size), joined(found, name, NONE)
            cells = []
            for score in ("recall %", "unbiased errors %"):
                first, second = (_scores(one, score) for one in (with_list, without))
                cells += [spread([*one.values()], digits=1) for one in (second, first)]
                cells.append(with_judgement(differences(first, second), digits=1))
            f_measure = spread([*_scores(with_list, "F1 %").values()], digits=1)
            rows.append([name, settings(found, name), size, str(len(with_list)), *cells, f_measure])
    return markdown_table(heads, rows)


def goal(found: Mapping[str, Any], name: str) -> list[str]:
    """Whether recall rises by the goal of "phrase-biasing", with the setting that was chosen."""
    with_list, without = joined(found, name, MIDDLE), joined(found, name, NONE)
    recall, alone = (_scores(one, "recall %") for one in (with_list, without))
    gains = [100 * (recall[seed] / alone[seed] - 1) for seed in recall if alone[seed]]
    reached = "reached" if gains and mean(gains) >= 100 * GAIN else "not reached"
    errors = differences(*(_scores(one, "unbiased errors %") for one in (with_list, without)))
    worse = {"more": "worse by more than their spread", "open": "open"}
    return [
        f"- {name}, {settings(found, name)}, {MIDDLE} distractors: {spread(gains, digits=0)} % more "
        f"phrases found (goal {100 * GAIN:.0f}: {reached}); errors elsewhere: "
        f"{worse.get(judged(errors), 'not worse')}."
    ]


def settings(found: Mapping[str, Any], name: str) -> str:
    """What was chosen, in all rounds of a task."""
    return " and ".join(
        dict.fromkeys(
            f"λ = {one['weight']}, {one['no_bias_mass']}"
            for one in found["rounds"]
            if one["recipe"] == name
        )
    )


def _sizes(found: Mapping[str, Any], name: str) -> list[str]:
    one = next(one for one in found["rounds"] if one["recipe"] == name)
    return [size for size in next(iter(one["told"].values())) if size != NONE]


def joined(found: Mapping[str, Any], name: str, size: str) -> dict[int, dict[str, int]]:
    """Counts of all rounds of a task together, by seed: each utterance is judged once."""
    made: dict[int, dict[str, int]] = {}
    for one in found["rounds"]:
        if one["recipe"] != name:
            continue
        for seed, by_size in one["told"].items():
            counts = by_size[size]
            if size != NONE:
                counts = counts[one["no_bias_mass"]][one["weight"]]
            before = made.setdefault(int(seed), dict.fromkeys(counts, 0))
            made[int(seed)] = {kind: before[kind] + counts[kind] for kind in counts}
    return made


def _scores(counts: Mapping[int, Mapping[str, int]], score: str) -> dict[int, float]:
    return {seed: SCORES[score](one) for seed, one in counts.items()}


STUDY = Study(run, read, table, ("digits", "grid"))
