"""Are words found that a transcript has wrong, too many or too few? Errors planted on purpose.

In each of many transcripts one word is swapped for another, one is added, or one is left out; the
sound stays. Words come from other transcripts of the same set, and are pronounced unlike the one
that they replace and unlike their neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cifviz.corpora.pronunciation import SpokenWord
from cifviz.published import read_study
from cifviz.systems.checkpoints import load_model
from cifviz.systems.phone_alignment import phone_evidence
from cifviz.systems.phone_evidence import PhoneEvidence
from cifviz.systems.phone_lattice import PhoneLattice
from cifviz.systems.word_presence import CONSTANT, LEAST_UNEXPLAINED, ODDS, unexplained, word_odds
from cifviz.text_tables import markdown_table
from experiments.english_words import (
    TranscribedUtterance,
    encoded_sound,
    english_samples,
    kept_out_words,
)
from experiments.studies.study import Study

NAME, MODEL = "english-presence", "english"
SWAPPED, ADDED, DROPPED = "swapped", "added", "dropped"
KINDS = (SWAPPED, ADDED, DROPPED)
ERRORS = 252
"""Planted in each set, a third of them of each kind."""


@dataclass(frozen=True)
class PlantedError:
    """A transcript with one error."""

    words: tuple[SpokenWord, ...]
    kind: str
    place: int
    """Index of the word that is wrong or too many; of the word behind the one left out."""


def run(*, runs: Path, data: Path) -> dict[str, Any]:
    """Plant errors in prompts that were kept out and in recordings of other speakers."""
    model = load_model(MODEL)
    kept_out = kept_out_words()
    sets = {"prompts": kept_out["prompts"], "samples": english_samples()}
    learning = measured(model, [*kept_out["prompts"], *kept_out["grid"]], seed=1)
    return {
        "errors": ERRORS,
        "used": {"odds": ODDS, "constant": CONSTANT},
        "fitted": fitted(learning["odds"], learning["spoken"]),
        "sets": {name: summary(measured(model, rows, seed=0)) for name, rows in sets.items()},
    }


def planted(
    words: Sequence[SpokenWord], pool: Sequence[SpokenWord], kind: str, rng: np.random.Generator
) -> PlantedError:
    """A transcript with an error; one of a single word is never left without any.

    >>> one, two, six = (SpokenWord(text, 0, 3, (text,)) for text in ("one", "two", "six"))
    >>> made = planted([one, two], [one, two, six], "swapped", np.random.default_rng(0))
    >>> [word.text for word in made.words], made.place
    (['one', 'six'], 1)
    """
    place = int(rng.integers(len(words)))
    if kind == DROPPED and len(words) > 1:
        return PlantedError((*words[:place], *words[place + 1 :]), DROPPED, place)
    near = {word.phones for word in words[max(0, place - 1) : place + 2]}
    others = [word for word in pool if word.phones not in near]
    other = others[int(rng.integers(len(others)))]
    if kind == SWAPPED:
        return PlantedError((*words[:place], other, *words[place + 1 :]), SWAPPED, place)
    return PlantedError((*words[:place], other, *words[place:]), ADDED, place)


@torch.inference_mode()
def measured(
    model: Any, utterances: Sequence[TranscribedUtterance], *, seed: int
) -> dict[str, np.ndarray]:
    """Of all transcripts with errors: what is known of each word, and of each place between two.

    Returns
    -------
    dict of array
        Of words: "odds", "spoken" (whether it is) and "kind" (of the error in its transcript, an
        index into `KINDS`). Of places before, between and behind words, where no word is swapped:
        "free" (mass that is no word's), "stretches" (unexplained ones), "dropped" (whether a word
        was left out there).
    """
    rng = np.random.default_rng(seed)
    evidence = {
        one.id: phone_evidence(model, model.encoded([encoded_sound(one)])) for one in utterances
    }
    pool = [word for one in utterances for word in one.words]
    rows: dict[str, list[np.ndarray]] = {
        name: [] for name in ("odds", "spoken", "kind", "free", "stretches", "dropped")
    }
    for number in range(ERRORS):
        one = utterances[number % len(utterances)]
        error = planted(one.words, pool, KINDS[number % len(KINDS)], rng)
        words, places = judged(model, evidence[one.id], error.words)
        spoken = np.ones(len(error.words), bool)
        spoken[error.place : error.place + 1] = error.kind == DROPPED
        rows["odds"].append(words)
        rows["spoken"].append(spoken)
        rows["kind"].append(np.full(len(words), KINDS.index(error.kind)))
        if error.kind != SWAPPED:
            rows["free"].append(places[0])
            rows["stretches"].append(places[1])
            here = (np.arange(len(spoken) + 1) == error.place) & (error.kind == DROPPED)
            rows["dropped"].append(here)
    return {name: np.concatenate(parts) for name, parts in rows.items()}


def judged(
    model: Any, evidence: PhoneEvidence, words: Sequence[SpokenWord]
) -> tuple[np.ndarray, np.ndarray]:
    """Odds of the words; free mass and unexplained stretches before, between and behind them.

    A place goes from the middle of a word to the middle of the next one.
    """
    phones = [model.config.vocabulary.index(phone) for word in words for phone in word.phones]
    counts = [len(word.phones) for word in words]
    odds, free = word_odds(evidence, phones, counts)
    lattice = PhoneLattice(evidence, phones, counts)
    spans = lattice.weights().medians()
    middles = (spans[lattice.first, 0] + spans[lattice.last, 1]) / 2
    running = np.concatenate([[0.0], np.cumsum(free * evidence.alpha)])
    bounds = np.concatenate([[0.0], middles, [len(free)]])
    mass = np.diff(np.interp(bounds, np.arange(len(running)), running))
    stretches, _ = unexplained(evidence, free)
    inside = np.searchsorted(middles, [(start + end) / 2 for start, end in stretches])
    return odds, np.stack([mass, np.bincount(inside, minlength=len(words) + 1)])


def fitted(odds: np.ndarray, spoken: np.ndarray, steps: int = 50) -> dict[str, float]:
    """The logistic model of presence with the greatest likelihood, by Newton's method."""
    inputs = np.stack([odds, np.ones_like(odds)], axis=1)
    weights = np.zeros(2)
    for _ in range(steps):
        p = 1 / (1 + np.exp(-inputs @ weights))
        slope = inputs.T @ (spoken - p) - 1e-3 * weights
        curve = (inputs * (p * (1 - p))[:, None]).T @ inputs + 1e-3 * np.eye(2)
        weights += np.clip(np.linalg.solve(curve, slope), -1, 1)
    return {"odds": round(float(weights[0]), 3), "constant": round(float(weights[1]), 3)}


def area(values: np.ndarray, positive: np.ndarray) -> float:
    """Area under the ROC curve: how often a positive has the greater value, half for equal ones.

    >>> area(np.array([3.0, 1.0, 2.0]), np.array([True, False, True]))
    1.0
    """
    high, low = values[positive][:, None], values[~positive]
    return float((high > low).mean() + 0.5 * (high == low).mean())


def summary(rows: dict[str, np.ndarray]) -> dict[str, Any]:
    """What is published of a set: numbers of errors, areas, and what the bounds find."""
    odds, spoken = rows["odds"], rows["spoken"]
    doubtful = ODDS * odds + CONSTANT < 0
    found: dict[str, Any] = {"false": float(doubtful[spoken].mean())}
    for kind in (SWAPPED, ADDED):
        own = rows["kind"] == KINDS.index(kind)
        found[kind] = {
            "errors": int((own & ~spoken).sum()),
            "area": area(-odds[own], ~spoken[own]),
            "found": float(doubtful[own & ~spoken].mean()),
        }
    dropped, explained = rows["dropped"], rows["stretches"] == 0
    found[DROPPED] = {
        "errors": int(dropped.sum()),
        "area": area(rows["free"], dropped),
        "found": float((~explained[dropped]).mean()),
        "false": float((~explained[~dropped]).mean()),
    }
    return found


def table(found: dict[str, Any]) -> str:
    """Errors of each kind in each set, and how many are found."""
    heads = ["set", "error", "planted", "area under the ROC curve", "found %"]
    rows = [
        [
            name,
            kind,
            one[kind]["errors"],
            f"{one[kind]['area']:.3f}",
            f"{100 * one[kind]['found']:.0f}",
        ]
        for name, one in found["sets"].items()
        for kind in KINDS
    ]
    wrong = "; ".join(
        f"{name}: {100 * one['false']:.1f} % of the words that were spoken are doubted, and at "
        f"{100 * one[DROPPED]['false']:.1f} % of the places where nothing is missing something is "
        "unexplained"
        for name, one in found["sets"].items()
    )
    return (
        f"{markdown_table(heads, rows)}\n\n"
        "A swapped or added word is found where its presence is below ½, a dropped one where a "
        f"stretch of {LEAST_UNEXPLAINED:g} phones or more is unexplained. {wrong}."
    )


STUDY = Study(run, partial(read_study, name=NAME), table, corpora=("prompts", "grid", "samples"))
