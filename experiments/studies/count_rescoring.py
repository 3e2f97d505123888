"""Decoding at several numbers of tokens, of which a scorer chooses one.

A decoder that gives all tokens at once cannot correct the count, settled before it begins.
`count_hypotheses` decodes at m̂ − b … m̂ + b tokens; the CIF-AR of the same seed judges each, given
the tokens. Two bounds stand beside it: the CIF-NAR as its own scorer, which knows no more than it
decoded with, and the best candidate by the reference, which no scorer can beat.

References
----------
Liu et al. (2020), arXiv:2008.02516 (FastLR), noisy parallel decoding. What is measured here is the
reconstruction of `cifviz.systems.count_hypotheses`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.errors import DataError, require
from cifviz.metrics import spread, token_errors
from cifviz.published import read_study
from cifviz.systems.cif import CIFRecognizer
from cifviz.systems.count_hypotheses import CountHypotheses, count_hypotheses
from cifviz.systems.sequence_scorers import CIFScorer
from cifviz.text_tables import markdown_table
from experiments.measure import error_scores, transcribe_all
from experiments.recipes import find_recipe
from experiments.runs import loaded
from experiments.structured_digits import in_noise
from experiments.studies.error_columns import ERROR_HEADS, error_cells, error_rates
from experiments.studies.paired_seeds import (
    LEAST_SEEDS,
    TASKS,
    differences,
    folders_by_seed,
    grouped,
    judged,
    judged_utterances,
    with_judgement,
)
from experiments.studies.study import Study

NAME = "count-rescoring"
REACH = 4
"""The largest b."""
NOISE_LEVEL = -5.0
"""Of the pink noise that is added in "noise": dB relative to the speech."""
SEED = 154
"""Of the generator that draws it."""
GAIN = 0.85
"""Of the weights in "gain"."""

CONDITIONS = {
    "as tested": "as tested",
    "noise": f"pink noise of {NOISE_LEVEL:g} dB added",
    "gain": f"all weights times {GAIN:g}",
}
SCORERS = {"ar": "CIF-AR", "own": "itself", "reference": "the reference: a bound"}
SHOWN = {"ar": range(1, REACH + 1), "own": (1, REACH), "reference": (REACH,)}
"""Values of b in the table, beside 0; the result has all."""
ABOUT_GAIN = (
    f'With "{CONDITIONS["gain"]}" the count is wrong and the frames are not. Scaling to a count '
    "undoes a constant gain by construction: a candidate of another count than fires is the same "
    "with and without the gain, but for the noise threshold of 0.005. So this condition says how "
    "well a scorer finds the count, and nothing of robustness. The CIF-AR alone keeps its weights."
)


def utterances_in(
    condition: str, utterances: Sequence[LabelledUtterance]
) -> list[LabelledUtterance]:
    """The utterances of a condition: the same, but for "noise"."""
    if condition != "noise":
        return list(utterances)
    rng = np.random.default_rng(SEED)
    return [in_noise(one, NOISE_LEVEL, rng) for one in utterances]


def rescored(
    model: CIFRecognizer, scorer: CIFRecognizer, utterances: Sequence[LabelledUtterance]
) -> dict[str, Any]:
    """Candidates of every utterance, chosen by each of `SCORERS` within each b.

    Parameters
    ----------
    model, scorer : CIFRecognizer
        CIF-NAR and CIF-AR, in evaluation mode.
    utterances : sequence of LabelledUtterance

    Returns
    -------
    dict
        Under each of `SCORERS` a list over b = 0 … `REACH`: what `error_scores` gives,
        ``right_counts``, and how many utterances have another count than fires (``changed``),
        fewer errors by that (``better``) or more (``worse``). Under "alone" the errors and right
        counts of the CIF-AR by itself.
    """
    references = [[word.token for word in one.words] for one in utterances]
    judges = {"ar": CIFScorer(scorer), "own": CIFScorer(model)}
    chosen: dict[str, list[list[Tokens]]] = {name: [] for name in SCORERS}
    for one, reference in zip(utterances, references, strict=True):
        for name, judge in judges.items():
            found = count_hypotheses(model, one.waveform, judge, reach=REACH)
            within = [found.within(reach) for reach in range(REACH + 1)]
            chosen[name].append([one.transcription.tokens for one in within])
        chosen["reference"].append([closest(one, reference) for one in within])
    alone = [one.tokens for one in transcribe_all(scorer, utterances)]
    return {
        **{name: scores_by_reach(references, each) for name, each in chosen.items()},
        "alone": {
            **error_scores(references, alone),
            "right_counts": _right_counts(references, alone),
        },
    }


Tokens = Sequence[str]


def closest(found: CountHypotheses, reference: Tokens) -> Tokens:
    """The candidate with the fewest errors; of equals the one nearest to the count that fires."""
    candidates = sorted(found.candidates, key=lambda one: abs(one.count - found.fired))
    tokens = [one.transcription.tokens for one in candidates]
    return min(tokens, key=lambda one: _num_errors(reference, one))


def _num_errors(reference: Tokens, found: Tokens) -> int:
    errors = token_errors([reference], [found])
    return errors.deletions + errors.insertions + errors.substitutions


def _right_counts(references: Sequence[Tokens], found: Sequence[Tokens]) -> int:
    return sum(len(one) == len(reference) for one, reference in zip(found, references, strict=True))


def scores_by_reach(
    references: Sequence[Tokens], chosen: Sequence[Sequence[Tokens]]
) -> list[dict[str, Any]]:
    """For each b, of what was chosen for each utterance and b."""
    scores = []
    for reach in range(REACH + 1):
        tokens = [one[reach] for one in chosen]
        gained = [
            _num_errors(reference, one[0]) - _num_errors(reference, one[reach])
            for reference, one in zip(references, chosen, strict=True)
            if len(one[0]) != len(one[reach])
        ]
        scores.append(
            {
                **error_scores(references, tokens),
                "right_counts": _right_counts(references, tokens),
                "changed": len(gained),
                "better": sum(one > 0 for one in gained),
                "worse": sum(one < 0 for one in gained),
            }
        )
    return scores


def run(*, runs: Path, data: Path) -> dict[str, Any]:
    """Every condition with the finished pairs of CIF-NAR and CIF-AR of one seed."""
    measured, sizes = [], {}
    for name in TASKS:
        recipes = {variant: find_recipe(name, variant) for variant in ("", "ar")}
        folders = {variant: folders_by_seed(recipe, runs) for variant, recipe in recipes.items()}
        utterances = judged_utterances(recipes[""])
        sizes[name] = len(utterances)
        for seed in sorted(folders[""].keys() & folders["ar"].keys()):
            for condition in CONDITIONS:
                pair = [loaded(recipes[one], folders[one][seed]) for one in recipes]
                if condition == "gain":
                    cif = pair[0].cif
                    cif.config = replace(cif.config, smooth_factor=GAIN)
                found = rescored(pair[0], pair[1], utterances_in(condition, utterances))
                measured.append({"recipe": name, "condition": condition, "seed": seed, **found})
    require(
        bool(measured),
        f"no finished runs of one seed with and without the variant 'ar' of {' or '.join(TASKS)} "
        f"in {runs}",
        DataError,
    )
    return {"utterances": sizes, "runs": measured}


def table(found: Mapping[str, Any]) -> str:
    """Every b of every scorer in each condition, and what it says of the claim."""
    heads = ["task", "condition", "scorer", "b", "seeds", *ERROR_HEADS, "right count %"]
    heads += ["count changed %", "better %", "worse %", "change of token errors, points"]
    rows = []
    for (recipe, condition), by_seed in grouped(found["runs"], "recipe", "condition").items():
        task = [recipe, CONDITIONS[condition]]
        utterances = found["utterances"][recipe]
        for scorer, title in SCORERS.items():
            # At b = 0 there is no choice, and all scorers are the same.
            for reach in (0, *SHOWN[scorer]) if scorer == "ar" else SHOWN[scorer]:
                scores = {seed: one[scorer][reach] for seed, one in by_seed.items()}
                cells = [title if reach else "none", str(reach), *_cells(scores, utterances)]
                apart = differences(error_rates(scores), error_rates(_plain(by_seed)))
                rows.append([*task, *cells, with_judgement(apart) if reach else ""])
        alone = {seed: one["alone"] for seed, one in by_seed.items()}
        apart = differences(error_rates(alone), error_rates(_plain(by_seed)))
        rows.append([*task, "CIF-AR alone", "", *_cells(alone, utterances), with_judgement(apart)])
    lines = [markdown_table(heads, rows), "", ABOUT_GAIN, ""]
    return "\n".join([*lines, *(f"- {line}" for line in verdicts(found))])


def _plain(by_seed: Mapping[int, Mapping[str, Any]]) -> dict[int, Mapping[str, Any]]:
    """Scores without a choice, b = 0."""
    return {seed: one["ar"][0] for seed, one in by_seed.items()}


def _cells(scores: Mapping[int, Mapping[str, Any]], utterances: int) -> list[str]:
    """Errors by kind, counts and changes."""
    each = list(scores.values())
    cells = [str(len(each)), *error_cells(each)]
    for name in ("right_counts", "changed", "better", "worse"):
        known = [100 * one[name] / utterances for one in each if name in one]
        cells.append(spread(known, digits=1) if known else "")
    return cells


def verdicts(found: Mapping[str, Any]) -> Iterator[str]:
    """Does the CIF-AR's choice make fewer errors: a sentence for each task and condition."""
    for (recipe, condition), by_seed in grouped(found["runs"], "recipe", "condition").items():
        if len(by_seed) < LEAST_SEEDS:
            verdict = f"open, {len(by_seed)} of {LEAST_SEEDS} seeds"
        else:
            plain = error_rates(_plain(by_seed))
            within = {
                reach: error_rates({seed: one["ar"][reach] for seed, one in by_seed.items()})
                for reach in range(1, REACH + 1)
            }
            says = {reach: judged(differences(one, plain)) for reach, one in within.items()}
            fewer = [str(reach) for reach, which in says.items() if which == "less"]
            more = [str(reach) for reach, which in says.items() if which == "more"]
            verdict = "reproduced" if 2 * len(fewer) > REACH else "not reproduced"
            verdict += f" (fewer at b = {', '.join(fewer)})" if fewer else ""
            verdict += f" (more at b = {', '.join(more)})" if more else ""
        yield (
            f"Fewer token errors where CIF-AR chooses among counts, {recipe}, "
            f"{CONDITIONS[condition]}: {verdict}."
        )


STUDY = Study(run, partial(read_study, name=NAME), table, ("digits", "grid"))
