"""Tables of the study "phrase-biasing", of what `experiments.studies.phrase_biasing` measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cifviz.metrics import PhraseScores, spread
from cifviz.metrics.statistics import ratio
from cifviz.published import read_study
from cifviz.text_tables import markdown_table
from experiments.studies.paired_seeds import differences, with_judgement

NAME = "phrase-biasing"
TITLES = {
    "": "none",
    "coldec": "ColDec",
    "coldec-purified": "+ purification",
    "coldec-positions": "+ positions",
    "finecos": "FineCoS",
    "seaco": "SeACo-style",
    "coldec-tokens": "ColDec on tokens",
}
"""By variant; the first is what the body recognises, scored with the same lists: λ = 0."""
GROUPS = ("seen", "unseen")
USUAL = "0.5"
"""λ."""
MIDDLE = "100"
"""Distractors."""

Counts = Mapping[str, int]


def phrase_scores(counts: Counts) -> PhraseScores:
    """The scores of phrases in counts."""
    return PhraseScores(
        **{name: counts[name] for name in ("recognised", "right", "wanted", "found")}
    )


SCORES: Mapping[str, Callable[[Counts], float]] = {
    "biased errors %": lambda one: 100 * ratio(one["biased"], one["biased_tokens"]),
    "unbiased errors %": lambda one: 100 * ratio(one["unbiased"], one["unbiased_tokens"]),
    "precision %": lambda one: 100 * phrase_scores(one).precision,
    "recall %": lambda one: 100 * phrase_scores(one).recall,
    "F1 %": lambda one: 100 * phrase_scores(one).f_measure,
}
"""Of counts, by the head of their column."""


def read(folder: Path) -> dict[str, Any]:
    """What is published, from a folder of results; errors as of `read_study`."""
    found: dict[str, Any] = read_study(folder, NAME)
    return found


def recipes(found: Mapping[str, Any]) -> list[str]:
    """The recipes that were measured, in order."""
    return list(dict.fromkeys(one["recipe"] for one in found["runs"]))


def sizes(found: Mapping[str, Any], recipe: str) -> list[str]:
    """The sizes of its lists, in order, without that of no list."""
    one = next(one for one in found["runs"] if one["recipe"] == recipe)
    return [size for size in one["scores"]["seen"] if size != "0"]


def counts(
    one: Mapping[str, Any],
    size: str,
    *,
    groups: Sequence[str] = GROUPS,
    weight: str = USUAL,
    mass: str = "alone",
) -> dict[str, int]:
    """Counts of a run, of some groups of phrases together; of no list where `size` is "0"."""
    parts = [one["scores"][group][size] for group in groups]
    if size != "0":
        parts = [part[mass][weight] for part in parts]
    return {name: sum(part[name] for part in parts) for name in parts[0]}


def by_seed(
    found: Mapping[str, Any], recipe: str, variant: str, score: str, size: str, **which: Any
) -> dict[int, float]:
    """A score of `SCORES` of all seeds; `variant` "" is λ = 0, from whichever run has it."""
    runs = [one for one in found["runs"] if one["recipe"] == recipe]
    if variant:
        runs = [one for one in runs if one["variant"] == variant]
    else:
        which = {**which, "weight": "0"}
    return {one["seed"]: SCORES[score](counts(one, size, **which)) for one in runs}


def variants(found: Mapping[str, Any], recipe: str) -> list[str]:
    """The variants that were measured, in the order of `TITLES`."""
    known = {one["variant"] for one in found["runs"] if one["recipe"] == recipe}
    return [variant for variant in TITLES if variant in known]


def main_table(found: Mapping[str, Any], recipe: str) -> str:
    """Scores of every system, with λ = 0.5 and no bias standing alone."""
    heads = [f"{recipe}: distractors", "system", "seeds", "phrases", *SCORES]
    rows = []
    for size in sizes(found, recipe):
        for variant in ["", *variants(found, recipe)]:
            for group in GROUPS:
                cells = []
                for score in SCORES:
                    seeds = by_seed(found, recipe, variant, score, size, groups=[group])
                    cells.append(spread([*seeds.values()], digits=1))
                start = [size, TITLES[variant], str(len(seeds)), group]
                rows.append([*start, *cells])
    return markdown_table(heads, rows)


def weight_table(found: Mapping[str, Any], score: str) -> str:
    """A score by λ, phrases seen and unseen together."""
    one = found["runs"][0]
    size = sizes(found, one["recipe"])[0]
    weights = list(one["scores"]["seen"][size]["alone"])
    heads = [score, "distractors", "system", *(f"λ = {weight}" for weight in weights)]
    rows = []
    for recipe in recipes(found):
        for size in sizes(found, recipe):
            for variant in variants(found, recipe):
                cells = [
                    spread(
                        [*by_seed(found, recipe, variant, score, size, weight=weight).values()],
                        digits=1,
                    )
                    for weight in weights
                ]
                rows.append([recipe, size, TITLES[variant], *cells])
    return markdown_table(heads, rows)


def mass_table(found: Mapping[str, Any]) -> str:
    """Both treatments of the mass of "no bias", with λ = 0.5 and 100 distractors."""
    shown = ("F1 %", "unbiased errors %")
    heads = ['λ = 0.5, 100 distractors: "no bias"', "system"]
    heads += [f"{score}, {mass}" for score in shown for mass in ("alone", "shared", "difference")]
    rows = []
    for recipe in recipes(found):
        for variant in variants(found, recipe):
            cells = []
            for score in shown:
                alone, shared = (
                    by_seed(found, recipe, variant, score, MIDDLE, mass=mass)
                    for mass in ("alone", "shared")
                )
                cells += [spread([*values.values()], digits=1) for values in (alone, shared)]
                cells.append(with_judgement(differences(shared, alone), digits=1))
            rows.append([recipe, TITLES[variant], *cells])
    return markdown_table(heads, rows)


def no_bias_table(found: Mapping[str, Any]) -> str:
    """Probability of "no bias" inside and outside of phrases, and lists that match nothing."""
    heads = ['P("no bias"), tokens', "system"]
    heads += ["few: inside", "outside", "many: inside", "outside"]
    heads += ["list of others: errors %", "without a list", "difference", "phrases recognised"]
    rows = []
    for recipe in recipes(found):
        few, *_, many = sizes(found, recipe)
        for variant in variants(found, recipe):
            runs = [
                one for one in found["runs"] if (one["recipe"], one["variant"]) == (recipe, variant)
            ]
            cells = [
                _spread([one["no_bias"][size][where] for one in runs])
                for size in (few, many)
                for where in ("inside", "outside")
            ]
            others = {one["seed"]: one["false"]["alone"][USUAL] for one in runs}
            errors = {seed: _all_errors(one) for seed, one in others.items()}
            alone = {one["seed"]: _all_errors(counts(one, "0")) for one in runs}
            cells += [spread([*values.values()], digits=1) for values in (errors, alone)]
            cells.append(with_judgement(differences(errors, alone), digits=1))
            cells.append(spread([one["recognised"] for one in others.values()], digits=1))
            rows.append([recipe, TITLES[variant], *cells])
    return markdown_table(heads, rows)


def _spread(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return spread(known) if known else "–"


def _all_errors(one: Counts) -> float:
    """Token errors inside and outside of phrases, in %."""
    tokens = one["biased_tokens"] + one["unbiased_tokens"]
    return 100 * (one["biased"] + one["unbiased"]) / tokens


def cost_table(found: Mapping[str, Any]) -> str:
    """Time and memory of the transcription of an utterance, by the size of its list."""
    listed = [one["phrases"] for one in found["costs"][0]["times"]]
    heads = ["system", *(f"{size:,} phrases" for size in listed)]
    rows = [
        [
            TITLES[one["variant"]],
            *(f"{cost['ms']:.0f} ms, {cost['bytes'] / 2**20:.1f} MiB" for cost in one["times"]),
        ]
        for one in found["costs"]
    ]
    note = (
        "Processor time and most memory held at once, beyond the model, to transcribe the first "
        f"test utterance; {found['processor']}, {found['threads']} thread. The phrases of a list "
        "are encoded anew for each utterance."
    )
    return f"{markdown_table(heads, rows)}\n\n{note}"
