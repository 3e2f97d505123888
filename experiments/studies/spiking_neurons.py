"""Neurons that spike: errors, spikes and operations by fire rule, in less and more noise.

Every finished run of "spiking-digits" and "spiking-phones" transcribes the same strings without
noise and in pink noise of 20, 10 and 0 dB; most strings in training have some noise. A spiking
encoder counts the additions at its synapses, a GRU its multiplications and additions; what stands
in front of them, and behind, is the same for both and is not counted.

References
----------
Wang et al. (2023), arXiv:2302.01194 (DyTr-SNN), of which the abstract was read: rules and encoder
are a reconstruction. Horowitz (2014), ISSCC, for the energy of operations at 45 nm.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cifviz.core.neurons import NeuronRule
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.errors import DataError, require
from cifviz.metrics import spread
from cifviz.metrics.statistics import mean
from cifviz.published import read_study
from cifviz.text_tables import markdown_table
from experiments.measure import token_scores, transcribe_all
from experiments.recipes import find_recipe, variants_of
from experiments.runs import loaded
from experiments.structured_digits import grammar_utterances, in_noise, markov_digit
from experiments.studies.error_columns import ERROR_HEADS, error_cells
from experiments.studies.nar_claims import SCORES, Claim, Scores, claim_table
from experiments.studies.paired_seeds import folders_by_seed, gathered, grouped
from experiments.studies.study import Study
from experiments.studies.variant_tables import seeds_cell
from experiments.units import DIGIT_PHONES, in_units

NAME = "spiking-neurons"
TASKS = {"spiking-digits": "words", "spiking-phones": "phones"}
"""What a token is, by recipe."""
CONDITIONS = {"clean": np.inf, "20 dB": 20.0, "10 dB": 10.0, "0 dB": 0.0}
"""Speech to noise, by name."""
SEED = 196
"""Of the generator that draws the noise."""
STRINGS = 100
"""Strings that are transcribed, of the test set."""
ADDITION, MULTIPLICATION_AND_ADDITION = 0.9e-12, 4.6e-12
"""Joules at 45 nm, 32-bit floating point: a usual convention, not measured."""

TITLES = {
    "": "spiking, integrate (CIF)",
    "leaky": "spiking, leaky",
    "adaptive": "spiking, adaptive threshold",
    "dynamic": "spiking, second-order dynamics",
    "gru": "GRU, integrate (CIF)",
    "gru-leaky": "GRU, leaky",
    "gru-adaptive": "GRU, adaptive threshold",
    "gru-dynamic": "GRU, second-order dynamics",
}
"""By variant."""


def in_condition(
    utterances: Sequence[LabelledUtterance], decibels: float
) -> list[LabelledUtterance]:
    """The same in so much noise, drawn anew and equal for every system; infinite: none."""
    if decibels == np.inf:
        return list(utterances)
    rng = np.random.default_rng(SEED)
    return [in_noise(one, -decibels, rng) for one in utterances]


def scores_of(model: Any, utterances: Sequence[LabelledUtterance]) -> dict[str, Any]:
    """What a recogniser makes of utterances: errors, right counts, spikes and operations.

    And in how many utterances the scaling of the training gives the right number of tokens: in all,
    unless two spikes come together.
    """
    found = transcribe_all(model, utterances)
    references = [one.words for one in utterances]
    tokens = [[word.token for word in words] for words in references]
    return {
        **token_scores(tokens, [one.tokens for one in found]),
        **model.metrics["energy"](found, references),
        "scaled_count_accuracy": mean(
            [
                float(scaled_count(model.config.neuron, one.require_firing().alpha, len(words)))
                == len(words)
                for one, words in zip(found, references, strict=True)
            ]
        ),
    }


def scaled_count(rule: NeuronRule, alpha: Tensor, number: int) -> int:
    """Tokens that fire where the weights (1, frames) are scaled to a number, as in training.

    >>> alpha = torch.full((1, 20), 0.2)
    >>> scaled_count(NeuronRule(), alpha, 3), scaled_count(NeuronRule("leaky"), alpha, 3)
    (3, 3)
    >>> scaled_count(NeuronRule(), alpha, 9), scaled_count(NeuronRule("leaky"), alpha, 9)
    (9, 9)
    """
    frames = alpha.new_zeros(1, alpha.shape[1], 1)
    return int(rule.integrate(alpha, frames, target_lengths=torch.tensor([number])).num_fires)


def run(*, runs: Path, data: Path) -> dict[str, Any]:
    """Transcribe with every finished run in every condition."""
    measured = []
    for name, unit in TASKS.items():
        recipes = [find_recipe(name, variant) for variant in ("", *variants_of(name))]
        folders = {one.variant: folders_by_seed(one, runs) for one in recipes}
        if not any(folders.values()):
            continue
        clean = grammar_utterances("test", markov_digit, noise_level=-np.inf)[:STRINGS]
        sets = {title: in_condition(clean, level) for title, level in CONDITIONS.items()}
        if unit == "phones":
            sets = {title: in_units(one, DIGIT_PHONES) for title, one in sets.items()}
        for recipe in recipes:
            for seed, folder in folders[recipe.variant].items():
                model = loaded(recipe, folder)
                for condition, utterances in sets.items():
                    names = {"recipe": name, "variant": recipe.variant, "seed": seed}
                    scores = scores_of(model, utterances)
                    measured.append({**names, "condition": condition, **scores})
    require(bool(measured), f"no finished run of {' or '.join(TASKS)} in {runs}", DataError)
    return {"runs": measured}


# Tables


def _added(condition: str) -> Callable[[Mapping[str, Any], str], float]:
    """Points by which token errors grow from clean speech to a condition."""
    rate = "token_error_rate"
    return lambda one, split: 100 * float(one[condition][rate] - one[split][rate])


ERRORS, OPERATIONS = "token errors %", "operations/s, millions"
ADDED = {level: f"token errors added by noise at {level}, points" for level in ("10 dB", "0 dB")}
"""Scores of robustness, by condition."""
OWN_SCORES: Scores = {
    **SCORES,
    OPERATIONS: lambda one, split: one[split]["operations_per_second"] / 1e6,
    **{name: _added(level) for level, name in ADDED.items()},
}
"""Of the scores of a run by condition."""
_ABSTRACT = "abstract of arXiv:2302.01194"
_HERE = "expected here; no source is quoted"
_DYNAMICS = {
    "": "integrate-and-fire",
    "adaptive": "an adaptive threshold",
    "dynamic": "second-order dynamics",
}
CLAIMS = (
    *(
        Claim(f"{title}: fewer errors than LIF", _ABSTRACT, name, "leaky", ERRORS)
        for name, title in _DYNAMICS.items()
    ),
    *(
        Claim(f"{title}: noise adds fewer errors than with LIF", _ABSTRACT, name, "leaky", score)
        for name, title in _DYNAMICS.items()
        for score in ADDED.values()
    ),
    Claim(
        "a spiking network costs less: fewer operations than a GRU",
        _ABSTRACT,
        "",
        "gru",
        OPERATIONS,
    ),
    *(
        Claim(
            "a spiking network is more robust: noise adds fewer errors than with a GRU",
            _ABSTRACT,
            "",
            "gru",
            score,
        )
        for score in ADDED.values()
    ),
    Claim("a GRU makes fewer errors than a spiking network of its size", _HERE, "gru", "", ERRORS),
)
UNTESTED = (
    "Not testable here: the phone error rates of a spiking Transformer on the paper's data, and "
    "energy on hardware made for spikes. The equations of the paper's four dynamics could not be "
    "read; what is compared are four rules of our own reading."
)


def table(found: Mapping[str, Any]) -> str:
    """All tables, one below the other, and what they say of the claims."""
    trained = {one["recipe"] for one in found["runs"]}
    parts = [error_table(found["runs"], recipe) for recipe in TASKS]
    parts += [energy_table(found["runs"])]
    parts.append(
        claim_table(
            gathered(found["runs"], "condition", [*CONDITIONS]),
            claims=CLAIMS,
            tasks={recipe: "clean" for recipe in TASKS if recipe in trained},
            scores=OWN_SCORES,
            untested=UNTESTED,
        )
    )
    parts += [untrained_tasks(trained)]
    return "\n\n".join(part for part in parts if part)


def untrained_tasks(trained: Collection[str]) -> str:
    """A sentence that names the tasks of which there is no run; empty if there is none.

    >>> untrained_tasks(["spiking-digits"])
    'Not trained: spiking-phones (phones).'
    """
    missing = [f"{recipe} ({unit})" for recipe, unit in TASKS.items() if recipe not in trained]
    return f"Not trained: {', '.join(missing)}." if missing else ""


def error_table(runs: Sequence[Mapping[str, Any]], recipe: str) -> str:
    """Errors of each network in each condition: mean ± standard deviation over seeds."""
    heads = [f"{recipe}, {TASKS[recipe]}", "noise", "seeds", *ERROR_HEADS, "right count %"]
    heads.append("right where scaled to N, %")
    of_it = grouped([one for one in runs if one["recipe"] == recipe], "variant", "condition")
    rows = []
    for variant, title in TITLES.items():
        for condition in CONDITIONS:
            each = [*of_it.get((variant, condition), {}).values()]
            if each:
                counts = [
                    spread([100 * one[name] for one in each], digits=1)
                    for name in ("count_accuracy", "scaled_count_accuracy")
                ]
                rows.append([title, condition, seeds_cell(len(each)), *error_cells(each), *counts])
    return markdown_table(heads, rows) if rows else ""


def energy_table(runs: Sequence[Mapping[str, Any]]) -> str:
    """Spikes and operations of the encoder in a second of clean speech, and their energy."""
    heads = ["encoder", "task", "seeds", "spikes/s", "million operations/s", "µJ/s, by convention"]
    rows = []
    clean = [one for one in runs if one["condition"] == "clean"]
    of_it = grouped(clean, "recipe", "variant")
    for (recipe, variant), by_seed in of_it.items():
        each = [*by_seed.values()]
        operations = [one["operations_per_second"] for one in each]
        cost = MULTIPLICATION_AND_ADDITION / 2 if variant.startswith("gru") else ADDITION
        rows.append(
            [
                TITLES[variant],
                TASKS[recipe],
                seeds_cell(len(each)),
                spread([one["spikes_per_second"] for one in each], digits=0),
                spread([one / 1e6 for one in operations]),
                spread([1e6 * cost * one for one in operations]),
            ]
        )
    note = (
        "Energy: 0.9 pJ for an addition, 4.6 pJ for a multiplication with its addition (two "
        "operations here), 32-bit floating point at 45 nm. A convention: on a usual processor an "
        "addition that a spike leaves out saves nothing."
    )
    return f"{markdown_table(heads, rows)}\n\n{note}" if rows else ""


STUDY = Study(
    run,
    partial(read_study, name=NAME),
    table,
    ("digits",),
    rows={"runs": ("recipe", "variant", "seed", "condition")},
)
