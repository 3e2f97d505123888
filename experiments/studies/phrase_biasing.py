"""Systems that take a list of phrases: what they gain on the phrases, and what it costs elsewhere.

Each utterance of the tasks has a phrase of its own. It stands in a list among others that nobody
says; without a list all systems are the same recogniser, their frozen body. What they decode is
scored inside and outside of the phrases for every λ, size of the list and treatment of the mass of
"no bias", for phrases that the context networks may have seen in training and others.

References
----------
Han et al. (2021), arXiv:2012.09466, is collaborative decoding (ColDec); Han et al. (2022),
arXiv:2201.12806, adds purification, positions and fine-grained selection (FineCoS). The
SeACo-Paraformer is FunASR's (github.com/modelscope/FunASR). What papers claim, and what of it is
found here, stands in `experiments.studies.phrase_claims`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from benchmarks.measure import peak_memory
from cifviz.errors import DataError, require
from cifviz.metrics import TokenErrors, biased_errors, detect_phrases
from cifviz.metrics.statistics import mean
from cifviz.systems.collaborative_decoding import ALONE, SHARED, combined
from cifviz.systems.context_network import PhraseMemory
from cifviz.systems.phrase_lists import phrase_ids
from experiments import phone_book, rare_pairs
from experiments.biasing_task import BiasingTask, Call, Phrase
from experiments.recipes import find_recipe
from experiments.runs import loaded
from experiments.studies.nar_comparison import milliseconds, processor
from experiments.studies.paired_seeds import folders_by_seed
from experiments.studies.phrase_claims import claim_table, goal_lines
from experiments.studies.phrase_tables import (
    cost_table,
    main_table,
    mass_table,
    no_bias_table,
    read,
    recipes,
    weight_table,
)
from experiments.studies.study import Study

TASKS = (phone_book.TASK, rare_pairs.TASK)
SYSTEMS = ("coldec", "coldec-purified", "coldec-positions", "finecos", "seaco", "coldec-tokens")
"""Variants that are measured."""
WEIGHTS = {ALONE: tuple(tenths / 10 for tenths in range(11)), SHARED: (0.5, 1.0)}
"""Values of λ, by the treatment of the mass of "no bias"."""
FALSE_SIZE = 100
"""Phrases of the list of which an utterance holds none."""
TIMED_SIZES = (0, 10, 100, 1000, 10_000)
"""Phrases of the lists with which the first utterance of the first task is timed."""
BATCH = 16


class Fired(NamedTuple):
    """An utterance as the body fires it."""

    embeddings: Tensor
    """(fires, dim)"""
    log_probs: Tensor
    """Of the body (fires, vocabulary)."""


def run(*, runs: Path, data: Path) -> dict[str, Any]:
    """Measure every finished run of `SYSTEMS`, and time the first seed of each."""
    measured, timed = [], []
    for task in TASKS:
        for variant in SYSTEMS:
            recipe = find_recipe(task.recipe, variant)
            for seed, folder in sorted(folders_by_seed(recipe, runs).items()):
                model = loaded(recipe, folder)
                names = {"recipe": task.recipe, "variant": variant, "seed": seed}
                measured.append({**names, **measured_model(model, task)})
                if task is TASKS[0] and seed == 0:
                    timed.append({"variant": variant, "times": costs(model, task)})
    recipes = " or ".join(task.recipe for task in TASKS)
    require(bool(measured), f"no finished run of a system with phrases of {recipes}", DataError)
    return {"processor": processor(), "threads": 1, "runs": measured, "costs": timed}


@torch.inference_mode()
def measured_model(model: Any, task: BiasingTask) -> dict[str, Any]:
    """Everything that is measured of a model but for time.

    Returns
    -------
    dict
        ``scores``, by group ("seen", "unseen"), size of the list, treatment and λ what `scores`
        gives; a size of 0 is no list. ``no_bias``, by size, what `no_bias` gives. ``false``, what
        `scores` gives with lists that match nothing, by λ, both groups together; 0 is no list.
    """
    calls = task.calls()
    fired = fire(model, [call.utterance.waveform for call in calls])
    groups = {
        name: [i for i, call in enumerate(calls) if call.seen == (name == "seen")]
        for name in ("seen", "unseen")
    }
    # 1. Without a list.
    alone = [one.log_probs.argmax(dim=1) for one in fired]
    found: dict[str, Any] = {name: {} for name in groups}
    for name, some in groups.items():
        lists = [[calls[i].phrase] for i in some]
        found[name]["0"] = scores(model, [calls[i] for i in some], [alone[i] for i in some], lists)

    # 2. With its own phrase in the list.
    sure = {}
    for size in task.sizes:
        lists = [[call.phrase, *task.distractors(call.phrase, size)] for call in calls]
        biases = context_log_probs(model, fired, lists)
        sure[str(size)] = no_bias(calls, fired, biases)
        for mass, weights in WEIGHTS.items():
            for weight in weights:
                tokens = decoded(fired, biases, weight, mass)
                for name, some in groups.items():
                    by_mass = found[name].setdefault(str(size), {}).setdefault(mass, {})
                    by_mass[f"{weight:g}"] = scores(
                        model,
                        [calls[i] for i in some],
                        [tokens[i] for i in some],
                        [lists[i] for i in some],
                    )

    # 3. With others alone.
    lists = [task.distractors(call.phrase, FALSE_SIZE) for call in calls]
    biases = context_log_probs(model, fired, lists)
    false = {
        mass: {
            f"{weight:g}": scores(model, calls, decoded(fired, biases, weight, mass), lists)
            for weight in weights
        }
        for mass, weights in WEIGHTS.items()
    }
    return {"scores": found, "no_bias": sure, "false": false}


def fire(model: Any, waveforms: Sequence[Any]) -> list[Fired]:
    """What fires in some utterances, and what the body makes of it."""
    made = []
    for start in range(0, len(waveforms), BATCH):
        encoded = model.encoded(model.sounds(waveforms[start : start + BATCH]))
        firing = model.cif(encoded.encoder_out, encoded.frame_lengths)
        adapted = model.adapt(firing.embeddings, firing, encoded)
        none = torch.zeros(adapted.shape[:2], dtype=torch.long)
        log_probs = model.decoder(adapted, firing.num_fires, none).log_softmax(dim=2)
        made += [
            Fired(one[:fires], rows[:fires])
            for one, rows, fires in zip(
                firing.embeddings, log_probs, firing.num_fires.tolist(), strict=True
            )
        ]
    return made


def context_log_probs(
    model: Any, fired: Sequence[Fired], lists: Sequence[Sequence[Phrase]]
) -> list[Tensor]:
    """Log-probabilities of the context network for each utterance (fires, vocabulary + 1).

    All phrases are encoded once; utterances with the same list are decoded together.
    """
    places = {one: i for i, one in enumerate(dict.fromkeys(p for some in lists for p in some))}
    ids = phrase_ids([" ".join(one) for one in places], model.config.vocabulary)
    known = model.context.encode(ids.unsqueeze(0))
    by_list: dict[tuple[Phrase, ...], list[int]] = {}
    for index, phrases in enumerate(lists):
        by_list.setdefault(tuple(phrases), []).append(index)
    made: dict[int, Tensor] = {}
    for phrases, some in by_list.items():
        chosen = torch.tensor([places[one] for one in phrases])
        memory = PhraseMemory(
            known.vectors[:, chosen], known.states[:, chosen], known.ids[:, chosen]
        )
        memory = memory.select(torch.zeros(len(some), dtype=torch.long))
        embeddings = pad_sequence([fired[i].embeddings for i in some], batch_first=True)
        num_fires = torch.tensor([len(fired[i].embeddings) for i in some])
        logits = model.context_output(embeddings, num_fires, memory).logits
        biases = (logits / model.config.context.joint_ctxt_temperature).log_softmax(dim=2)
        made.update(
            (i, rows[: len(fired[i].embeddings)]) for i, rows in zip(some, biases, strict=True)
        )
    return [made[index] for index in range(len(lists))]


def decoded(
    fired: Sequence[Fired], biases: Sequence[Tensor], weight: float, mass: str
) -> list[Tensor]:
    """Most likely tokens of both networks, ids of each utterance (fires,)."""
    share = torch.tensor([weight])
    return [
        combined(one.log_probs[None], rows[None], share, no_bias_mass=mass)[0].argmax(dim=1)
        for one, rows in zip(fired, biases, strict=True)
    ]


def scores(
    model: Any,
    calls: Sequence[Call],
    tokens: Sequence[Tensor],
    lists: Sequence[Sequence[Phrase]],
) -> dict[str, int]:
    """Token errors inside and outside of the utterances' own phrases, and what of lists was found.

    Returns
    -------
    dict
        ``biased``, ``biased_tokens``, ``unbiased`` and ``unbiased_tokens``: errors and reference
        tokens. ``recognised``, ``right``, ``wanted`` and ``found`` are those of `PhraseScores`.
    """
    vocabulary = model.config.vocabulary
    references = [call.tokens for call in calls]
    hypotheses = [[vocabulary[i] for i in ids] for ids in tokens]
    own = [[call.phrase] for call in calls]
    errors = biased_errors(references, hypotheses, own)
    phrases = detect_phrases(references, hypotheses, lists, wanted=own)
    return {
        "biased": _errors(errors.biased),
        "biased_tokens": errors.biased.tokens,
        "unbiased": _errors(errors.unbiased),
        "unbiased_tokens": errors.unbiased.tokens,
        **vars(phrases),
    }


def _errors(counted: TokenErrors) -> int:
    return counted.deletions + counted.insertions + counted.substitutions


def no_bias(
    calls: Sequence[Call], fired: Sequence[Fired], biases: Sequence[Tensor]
) -> dict[str, float | None]:
    """Mean probability of "no bias" for tokens inside and outside of the utterances' phrases.

    Of utterances for which as many tokens fire as the reference has; None without any.
    """
    inside: list[float] = []
    outside: list[float] = []
    for call, one, rows in zip(calls, fired, biases, strict=True):
        if len(one.embeddings) != len(call.tokens):
            continue
        first = next(
            place
            for place in range(len(call.tokens))
            if tuple(call.tokens[place : place + len(call.phrase)]) == call.phrase
        )
        for place, sure in enumerate(rows[:, -1].exp().tolist()):
            within = first <= place < first + len(call.phrase)
            (inside if within else outside).append(sure)
    both = {"inside": inside, "outside": outside}
    return {name: round(mean(some), 4) if some else None for name, some in both.items()}


def costs(model: Any, task: BiasingTask) -> list[dict[str, float]]:
    """Time and memory of the transcription of one utterance with lists of `TIMED_SIZES`."""
    waveform = task.calls()[0].utterance.waveform
    made = []
    for size in TIMED_SIZES:
        phrases = [" ".join(one) for one in task.others()[:size]]
        transcribe = partial(model.transcribe, waveform, phrases=phrases)
        held, _ = peak_memory(transcribe)
        made.append({"phrases": size, "ms": milliseconds(transcribe), "bytes": held})
    return made


def table(found: Mapping[str, Any]) -> str:
    """All tables, one below the other."""
    parts = [main_table(found, recipe) for recipe in recipes(found)]
    parts += [weight_table(found, score) for score in ("F1 %", "unbiased errors %")]
    parts += [mass_table(found), no_bias_table(found), cost_table(found)]
    parts += ["\n".join(goal_lines(found)), claim_table(found)]
    return "\n\n".join(parts)


STUDY = Study(run, read, table, ("digits", "grid"))
