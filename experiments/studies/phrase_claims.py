"""What papers claim of collaborative decoding, and whether it is reproduced; the goals set here.

Claims are judged seed by seed, as in all studies of these systems: see `paired_seeds`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cifviz.metrics import spread
from cifviz.metrics.statistics import mean
from cifviz.text_tables import markdown_table
from experiments.studies.paired_seeds import differences, judged
from experiments.studies.phrase_tables import MIDDLE, TITLES, by_seed, recipes, sizes, variants

FEW, MANY = "few", "many"
"""The smallest and the largest number of distractors of a task."""


class Claim(NamedTuple):
    """One system has more or less of something than another."""

    text: str
    source: str
    first: str
    second: str
    score: str
    size: str
    """Distractors, or `FEW` or `MANY`."""
    expected: str
    """What `judged` is to say: "more" or "less"; "not more" of what is not to get worse."""


_COLDEC = "abstract of arXiv:2012.09466"
_RESULTS = "results in github.com/MingLunHan/CIF-ColDec"
_FINECOS = "abstract of arXiv:2201.12806"

CLAIMS = (
    Claim(
        "a list lowers errors in names", _COLDEC, "coldec", "", "biased errors %", MIDDLE, "less"
    ),
    Claim(
        "and does not degrade the rest",
        _COLDEC,
        "coldec",
        "",
        "unbiased errors %",
        MIDDLE,
        "not more",
    ),
    Claim("ColDec raises F1", _RESULTS, "coldec", "", "F1 %", MANY, "more"),
    Claim(
        "and makes slightly more errors elsewhere",
        _RESULTS,
        "coldec",
        "",
        "unbiased errors %",
        MANY,
        "more",
    ),
    Claim(
        "purification raises F1",
        _RESULTS,
        "coldec-purified",
        "coldec",
        "F1 %",
        MANY,
        "more",
    ),
    Claim(
        "positions raise F1 further",
        _RESULTS,
        "coldec-positions",
        "coldec-purified",
        "F1 %",
        MANY,
        "more",
    ),
    Claim(
        "fine-grained selection raises F1 further",
        _RESULTS,
        "finecos",
        "coldec-positions",
        "F1 %",
        MANY,
        "more",
    ),
    Claim(
        "FineCoS has a higher F1 than ColDec",
        _RESULTS,
        "finecos",
        "coldec",
        "F1 %",
        MANY,
        "more",
    ),
    Claim(
        "and makes fewer errors in phrases",
        _FINECOS,
        "finecos",
        "coldec",
        "biased errors %",
        MANY,
        "less",
    ),
)
"""Claims of the papers as far as they are quoted here."""

UNTESTED = (
    "Not testable at this scale: the sizes of the gains (8.8 and 21.1 % fewer wrong characters, "
    "40.1 and 51.5 % in names, arXiv:2012.09466; 6.1 % fewer wrong words and 16.4 % fewer wrong "
    "characters, arXiv:2201.12806), which are those of other data, of large Conformers and of "
    "lists of rare words."
)


def claim_table(found: Mapping[str, Any]) -> str:
    """Each claim on each task, and whether it is reproduced."""
    names = recipes(found)
    heads = ["claim", "source", "score", *names, "verdict"]
    rows = []
    for claim in CLAIMS:
        cells, verdicts = [], []
        for recipe in names:
            listed = sizes(found, recipe)
            size = {FEW: listed[0], MANY: listed[-1]}.get(claim.size, claim.size)
            first, second = (
                by_seed(found, recipe, variant, claim.score, size)
                for variant in (claim.first, claim.second)
            )
            both = bool(first and second)
            cells.append(f"{_shown(first)} against {_shown(second)}" if both else "–")
            verdicts.append(verdict(judged(differences(first, second)), claim.expected))
        same = len(set(verdicts)) == 1
        named = (f"{name}: {one}" for name, one in zip(names, verdicts, strict=True))
        said = verdicts[0] if same else "; ".join(named)
        against = "the longest list" if claim.size == MANY else f"{claim.size} distractors"
        text = f"{claim.text}, {against}"
        rows.append([text, claim.source, claim.score, *cells, said])
    return f"{markdown_table(heads, rows)}\n\n{UNTESTED}"


def verdict(judgement: str, expected: str) -> str:
    """What a judgement says of a claim.

    >>> verdict("more", "more"), verdict("no difference", "more"), verdict("less", "more")
    ('reproduced', 'not reproduced: no difference', 'not reproduced: the contrary')
    >>> verdict("no difference", "not more"), verdict("open", "more")
    ('reproduced', 'open')
    """
    if judgement == "open":
        return "open"
    if expected == "not more":
        return "not reproduced: the contrary" if judgement == "more" else "reproduced"
    if judgement == expected:
        return "reproduced"
    return f"not reproduced: {'no difference' if judgement == 'no difference' else 'the contrary'}"


def _shown(seeds: Mapping[int, float]) -> str:
    return spread([*seeds.values()], digits=1)


GAIN = 0.3
"""How much higher recall is to be, relative to that without a list."""


def goal_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """What was to be reached with λ = 0.5: recall, errors elsewhere, FineCoS against ColDec."""
    for recipe in recipes(found):
        yield from _gains(found, recipe)
        largest = sizes(found, recipe)[-1]
        if {"finecos", "coldec"} <= set(variants(found, recipe)):
            pair = (by_seed(found, recipe, one, "F1 %", largest) for one in ("finecos", "coldec"))
            first, second = pair
            answer = {"more": "yes", "open": "open"}.get(judged(differences(first, second)), "no")
            yield (
                f"- {recipe}: F1 of FineCoS above that of ColDec with {largest} distractors: "
                f"{_shown(first)} against {_shown(second)}: {answer}."
            )


def _gains(found: Mapping[str, Any], recipe: str) -> Iterator[str]:
    """Recall and errors elsewhere of each system, against those without a list."""
    alone, elsewhere = (
        by_seed(found, recipe, "", score, MIDDLE) for score in ("recall %", "unbiased errors %")
    )
    for variant in variants(found, recipe):
        recall, errors = (
            by_seed(found, recipe, variant, score, MIDDLE)
            for score in ("recall %", "unbiased errors %")
        )
        gains = [100 * (recall[seed] / alone[seed] - 1) for seed in recall if alone[seed]]
        reached = "reached" if gains and mean(gains) >= 100 * GAIN else "not reached"
        worse = judged(differences(errors, elsewhere))
        kept = {"more": "worse by more than their spread", "open": "open"}.get(worse, "not worse")
        yield (
            f"- {recipe}, {TITLES[variant]}, {MIDDLE} distractors: recall {_shown(alone)} → "
            f"{_shown(recall)}, {spread(gains, digits=0)} % more (goal {100 * GAIN:.0f}: "
            f"{reached}); errors elsewhere {_shown(elsewhere)} → {_shown(errors)}: {kept}."
        )
