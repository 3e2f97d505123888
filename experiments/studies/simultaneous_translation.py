"""Accuracy against latency of systems that translate while they listen, into a made-up language.

Every finished run of "reordered-digits" and "reordered-grid" translates the judged utterances as
they are, and joined two by two and four by four, which is longer than any in training. Of CIF-IL
and CIF-F the same weights are also used at other thresholds β. Beside them stand the best
interpreter, who knows each word at its end and no word before, and the recogniser with whose
encoder they begin: it writes the same words in the order in which they are spoken.

References
----------
Chang & Lee (2022), arXiv:2204.09595: the abstract, and the authors' code. Ma et al. (2019) and Ma,
Pino & Koehn (2020) for wait-k.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch

from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.errors import DataError, require
from cifviz.metrics import (
    average_lagging,
    differentiable_average_lagging,
    length_adaptive_average_lagging,
    spread,
)
from cifviz.metrics.statistics import mean
from cifviz.published import read_study
from cifviz.systems.segment_translator import SegmentTranslator
from cifviz.systems.transcription import Transcription
from cifviz.text_tables import markdown_table
from experiments.local_reordering import DIGITS_LANGUAGE, GRID_LANGUAGE, Language
from experiments.measure import token_scores, transcribe_all
from experiments.recipes import find_recipe, variants_of
from experiments.recipes.reordered import (
    IN_ORDER,
    LATENCY_WEIGHTS,
    TAIL,
    WAITS,
    WORD_WAITS,
    spoken_digits,
)
from experiments.robustness_sets import joined
from experiments.runs import loaded
from experiments.studies.error_columns import ERROR_HEADS, error_cells
from experiments.studies.nar_claims import SCORES, Claim, Scores, claim_table
from experiments.studies.paired_seeds import folders_by_seed, gathered, grouped
from experiments.studies.study import Study
from experiments.studies.variant_tables import seeds_cell
from experiments.training_data import labelled_sentences

NAME = "simultaneous-translation"
JOINED = (1, 2, 4)
"""Utterances in one."""
BETAS = (0.8, 0.9, 1.1, 1.2)
"""β in inference, beside 1, of `THRESHOLDED`."""
THRESHOLDED = ("", "own-fire", "fusion")
LAGGING = ("AL", "LAAL", "DAL")
OUTSIDE = ("before", "after")
"""Of the words: where weight may lie that is no word's."""


class Task(NamedTuple):
    """What is spoken, and the language that it is translated to."""

    spoken: Callable[[], list[LabelledUtterance]]
    language: Language


TASKS = {
    "reordered-digits": Task(lambda: spoken_digits("test"), DIGITS_LANGUAGE),
    "reordered-grid": Task(lambda: labelled_sentences("dev"), GRID_LANGUAGE),
}
"""By recipe."""

TITLES = {
    "": "CIF-IL, one fire later",
    "own-fire": "CIF-IL, at its own fire",
    "fusion": "CIF-F, at its own fire",
    "fusion-align": "CIF-F, quantity loss at CTC's spikes",
    **{f"latency-{weight:g}": f"CIF-IL, latency × {weight:g}" for weight in LATENCY_WEIGHTS},
    **{f"wait-{wait}-600ms": f"wait-{wait}, segments of 600 ms" for wait in WORD_WAITS},
    **{f"wait-{wait}": f"wait-{wait}, segments of 280 ms" for wait in WAITS},
    IN_ORDER: "recogniser, words in the order of the sound",
}
"""By variant."""


def joined_utterances(
    utterances: Sequence[LabelledUtterance], factor: int
) -> list[LabelledUtterance]:
    """Utterances of each speaker, so many in one, each used once; what is left over is dropped."""
    by_speaker: dict[str, list[LabelledUtterance]] = {}
    for one in utterances:
        by_speaker.setdefault(one.speaker, []).append(one)
    return [
        joined(some[start : start + factor], [0] * (factor + 1))
        for some in by_speaker.values()
        for start in range(0, len(some) - factor + 1, factor)
    ]


def scores_of(
    model: SegmentTranslator, spoken: Sequence[LabelledUtterance], language: Language
) -> dict[str, Any]:
    """What a translator makes of utterances.

    Returns
    -------
    dict
        ``utterances``, what `token_scores` gives, and AL, LAAL, DAL and AP, see
        `cifviz.metrics.latency`: means over the utterances of which there are any, in seconds;
        ``fires_after``, see `fire_waits`, and ``weight_outside`` and ``fires_off``,
        see there.
    """
    utterances = language.translated(spoken)
    found = transcribe_all(model, utterances)
    references = [one.words for one in utterances]
    tokens = [[word.token for word in words] for words in references]
    return {
        "utterances": len(utterances),
        **token_scores(tokens, [one.tokens for one in found]),
        **model.metrics["lagging"](found, references),
        "fires_after": fire_waits(found, spoken, language),
        "weight_outside": weight_outside(found, spoken),
        "fires_off": fires_off(found, spoken),
    }


def fire_waits(
    found: Sequence[Transcription], spoken: Sequence[LabelledUtterance], language: Language
) -> dict[str, float | None]:
    """How long after the end of a spoken word its fire comes: what the fires have learned.

    Parameters
    ----------
    found : sequence of Transcription
        Of a CIF, or of a system without fires.
    spoken : sequence of LabelledUtterance
    language : Language

    Returns
    -------
    dict
        Means in seconds, of utterances with a fire for each word, the end aside; None where there
        are none. ``known``: of words that the best interpreter writes at their end; ``waiting``: of
        those for which she waits for the next one. A fire that is a policy of its own comes later
        behind the latter.
    """
    waits: dict[bool, list[float]] = {False: [], True: []}
    for one, source in zip(found, spoken, strict=True):
        count = len(source.words)
        if one.firing is None or int(one.firing.num_fires) not in (count, count + 1):
            continue
        fires = one.grid.seconds(one.firing.fire_positions[0, :count].double()).tolist()
        least = language.least_delays(source.words, source.waveform.duration)
        for fire, best, (_, end) in zip(fires, least, source.words.spans, strict=True):
            waits[best > end].append(fire - end)
    named = {"known": waits[False], "waiting": waits[True]}
    return {name: mean(values) if values else None for name, values in named.items()}


def weight_outside(
    found: Sequence[Transcription], spoken: Sequence[LabelledUtterance]
) -> dict[str, float | None]:
    """Weight of the frames ``before`` the first word and ``after`` the last, means, in tokens.

    The end is a token without sound, so that its weight may lie anywhere. A frame counts where its
    middle lies; without fires both are None.
    """
    outside: dict[str, list[float]] = {name: [] for name in OUTSIDE}
    for one, source in zip(found, spoken, strict=True):
        if one.firing is None or not len(source.words):
            continue
        alpha = one.firing.alpha[0].double()
        middles = one.grid.seconds(torch.arange(len(alpha)) + 0.5)
        (start, _), (_, end) = source.words.spans[0], source.words.spans[-1]
        outside["before"].append(float(alpha[middles < start].sum()))
        outside["after"].append(float(alpha[middles > end].sum()))
    return {name: mean(values) if values else None for name, values in outside.items()}


def fires_off(found: Sequence[Transcription], spoken: Sequence[LabelledUtterance]) -> float | None:
    """By how many of its words an utterance has too many fires or too few, the end aside: a mean.

    What the decoder writes does not count: long utterances may have the right fires and be written
    wrongly. Without fires it is None.
    """
    shares = [
        abs(int(one.firing.num_fires) - 1 - len(source.words)) / len(source.words)
        for one, source in zip(found, spoken, strict=True)
        if one.firing is not None and len(source.words)
    ]
    return mean(shares) if shares else None


def best_lagging(spoken: Sequence[LabelledUtterance], language: Language) -> dict[str, float]:
    """AL, LAAL and DAL of `Language.least_delays`, means over utterances, in seconds."""
    found: dict[str, list[float]] = {name: [] for name in LAGGING}
    for one in spoken:
        whole, count = one.waveform.duration, len(one.words)
        delays = language.least_delays(one.words, whole)
        if delays:
            found["AL"].append(average_lagging(delays, whole, count))
            found["LAAL"].append(length_adaptive_average_lagging(delays, whole, count))
            found["DAL"].append(differentiable_average_lagging(delays, whole))
    return {name: mean(values) for name, values in found.items()}


def run(*, runs: Path, data: Path) -> dict[str, Any]:
    """Translate with every finished run, at every length; some at every β."""
    measured, best = [], []
    for name, task in TASKS.items():
        recipes = [find_recipe(name, variant) for variant in ("", *variants_of(name))]
        folders = {one.variant: folders_by_seed(one, runs) for one in recipes}
        if not any(folders.values()):
            continue
        spoken = task.spoken()
        sets = {factor: joined_utterances(spoken, factor) for factor in JOINED}
        for factor, utterances in sets.items():
            lagging = best_lagging(utterances, task.language)
            best.append({"recipe": name, "joined": factor, **lagging})
        for recipe in recipes:
            recognises = recipe.variant == IN_ORDER
            language = task.language.in_order if recognises else task.language
            for seed, folder in folders[recipe.variant].items():
                names = {"recipe": name, "variant": recipe.variant, "seed": seed}
                model = loaded(recipe, folder)
                model = with_tail(model) if recognises else model
                for factor, utterances in sets.items():
                    scores = scores_of(model, utterances, language)
                    measured.append({**names, "joined": factor, "beta": 1.0, **scores})
                for beta in BETAS if recipe.variant in THRESHOLDED else ():
                    model.config = replace(model.config, threshold=beta)
                    scores = scores_of(model, sets[1], language)
                    measured.append({**names, "joined": 1, "beta": beta, **scores})
    require(bool(measured), f"no finished run of {' or '.join(TASKS)} in {runs}", DataError)
    return {"best": best, "runs": measured}


def with_tail(model: Any) -> Any:
    """The recogniser with the tail of the others, without which it was trained."""
    cif = replace(model.config.cif, tail_handling_firing_threshold=TAIL)
    model.config = replace(model.config, cif=cif)
    return model


# Tables


def _extra_errors(one: Mapping[str, Any], split: str) -> float:
    """Points by which token errors grow when four utterances are one."""
    return 100 * float(one["4"]["token_error_rate"] - one["1"]["token_error_rate"])


OWN_SCORES: Scores = {
    "token errors %": lambda one, split: SCORES["token errors %"](one, "1"),
    "DAL in s": lambda one, split: float(one["1"]["DAL"]),
    "more token errors, four joined, points": _extra_errors,
}
"""Of the scores of a run by how many utterances are one."""

_ABSTRACT = "abstract of arXiv:2204.09595"
_EXPECTED = "expected here; no source is quoted"
CLAIMS = (
    Claim(
        "CIF generalises better to long utterances (there: than monotonic attention; here: than "
        "wait-2, 600 ms)",
        _ABSTRACT,
        "",
        "wait-2-600ms",
        "more token errors, four joined, points",
    ),
    *(
        Claim(text, _EXPECTED, "", f"wait-{wait}-600ms", score)
        for wait in WORD_WAITS
        for text, score in (
            (f"CIF-IL makes fewer errors than wait-{wait}, 600 ms", "token errors %"),
            ("and lags less behind", "DAL in s"),
        )
    ),
    Claim(
        "CIF-IL that waits for one more fire makes fewer errors than at its own fire",
        _EXPECTED,
        "",
        "own-fire",
        "token errors %",
    ),
    Claim(
        "CIF-IL makes fewer errors than CIF-F, both at their own fire",
        _EXPECTED,
        "own-fire",
        "fusion",
        "token errors %",
    ),
    *(
        Claim(text, source, first, second, score)
        for weight in LATENCY_WEIGHTS
        for text, source, first, second, score in (
            (
                f"the latency loss, × {weight:g}, makes CIF-IL lag less",
                _ABSTRACT,
                f"latency-{weight:g}",
                "",
                "DAL in s",
            ),
            (
                "at a price: without it fewer errors",
                _EXPECTED,
                "",
                f"latency-{weight:g}",
                "token errors %",
            ),
        )
    ),
)
UNTESTED = (
    "Not testable here: BLEU at equal latency against monotonic multihead attention, which is not "
    "built, on MuST-C, which is not among the data. Joined strings end early in all systems, the "
    "recogniser included, since no decoder wrote more than twelve tokens in training: their errors "
    "are those of decoders, and say little of segments. The languages are made up: results hold "
    "for local re-ordering of single words and for nothing else."
)


def table(found: Mapping[str, Any]) -> str:
    """All tables, one below the other, and what they say of the claims."""
    parts = [system_table(found, recipe) for recipe in TASKS]
    parts += [beta_table(found, recipe) for recipe in TASKS]
    parts += [fire_table(found, recipe) for recipe in TASKS]
    parts.append(
        claim_table(
            by_run(found["runs"]),
            claims=CLAIMS,
            tasks=dict.fromkeys(compared_tasks(found["runs"]), "1"),
            scores=OWN_SCORES,
            untested=UNTESTED,
        )
    )
    return "\n\n".join(part for part in parts if part)


def compared_tasks(measured: Sequence[Mapping[str, Any]]) -> list[str]:
    """The tasks of which more than one system was trained."""
    variants = {(one["recipe"], one["variant"]) for one in measured if one["variant"] != IN_ORDER}
    return [name for name in TASKS if sum(recipe == name for recipe, _ in variants) > 1]


def by_run(measured: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One entry a run: its scores at β = 1 under how many utterances are one."""
    standing = [one for one in measured if one["beta"] == 1]
    return gathered(standing, "joined", [str(factor) for factor in JOINED])


def system_table(found: Mapping[str, Any], recipe: str) -> str:
    """Every system on one task at every length: mean ± standard deviation over seeds."""
    heads = [recipe, "joined", "seeds", *ERROR_HEADS, "right count %"]
    heads += [f"{name} s" for name in LAGGING] + ["fires off by %"]
    rows = []
    of_it = grouped(
        [one for one in found["runs"] if one["recipe"] == recipe and one["beta"] == 1],
        "variant",
        "joined",
    )
    for variant, title in TITLES.items():
        for factor in JOINED:
            if (variant, factor) in of_it:
                each = [*of_it[variant, factor].values()]
                off = [100 * one["fires_off"] for one in each if one["fires_off"] is not None]
                cells = [*_cells(each), spread(off, digits=1) if off else "–"]
                rows.append([title, f"× {factor}", *cells])
    if not rows:
        return ""
    for one in found["best"]:
        if one["recipe"] == recipe:
            lags = [f"{one[name]:.2f}" for name in LAGGING]
            rows.append(
                [
                    "best interpreter",
                    f"× {one['joined']}",
                    "",
                    *[""] * len(ERROR_HEADS),
                    "",
                    *lags,
                    "",
                ]
            )
    return markdown_table(heads, rows)


def beta_table(found: Mapping[str, Any], recipe: str) -> str:
    """The same weights at each β, on utterances as they are."""
    heads = [f"{recipe}, β in inference", "β", "seeds", *ERROR_HEADS, "right count %"]
    heads += [f"{name} s" for name in LAGGING]
    of_it = grouped(
        [
            one
            for one in found["runs"]
            if one["recipe"] == recipe and one["joined"] == 1 and one["variant"] in THRESHOLDED
        ],
        "variant",
        "beta",
    )
    rows = [
        [TITLES[variant], f"{beta:g}", *_cells([*of_it[variant, beta].values()])]
        for variant, beta in sorted(of_it)
    ]
    return markdown_table(heads, rows) if rows else ""


def fire_table(found: Mapping[str, Any], recipe: str) -> str:
    """When the fires come, on utterances as they are."""
    heads = [f"{recipe}, fires", "seeds", "s after a word that is known at its end"]
    heads += ["s after one that waits for the next", "later by s"]
    heads += ["weight before the first word", "weight after the last"]
    of_it = grouped(
        [
            one
            for one in found["runs"]
            if (one["recipe"], one["joined"], one["beta"]) == (recipe, 1, 1)
            and None not in one["fires_after"].values()
        ],
        "variant",
    )
    rows = []
    for variant, title in TITLES.items():
        each = [*of_it.get((variant,), {}).values()]
        if each:
            waits = [one["fires_after"] for one in each]
            columns = [[one[name] for one in waits] for name in ("known", "waiting")]
            columns.append([one["waiting"] - one["known"] for one in waits])
            columns += [[one["weight_outside"][name] for one in each] for name in OUTSIDE]
            rows.append([title, seeds_cell(len(each)), *map(spread, columns)])
    return markdown_table(heads, rows) if rows else ""


def _cells(each: Sequence[Mapping[str, Any]]) -> list[str]:
    """Errors, counts and lagging of some seeds."""
    lags = [[one[name] for one in each if one[name] is not None] for name in LAGGING]
    return [
        seeds_cell(len(each)),
        *error_cells(each),
        spread([100 * one["count_accuracy"] for one in each], digits=1),
        *(spread(values) if values else "–" for values in lags),
    ]


STUDY = Study(
    run,
    partial(read_study, name=NAME),
    table,
    ("digits", "grid"),
    rows={
        "runs": ("recipe", "variant", "seed", "joined", "beta"),
        "best": ("recipe", "joined"),
    },
)
