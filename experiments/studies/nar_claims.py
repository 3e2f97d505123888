"""What papers claim of non-autoregressive systems, and whether it is reproduced here.

Claims are judged seed by seed, as in all studies of these systems: see `paired_seeds`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from cifviz.metrics import spread
from cifviz.text_tables import markdown_table
from experiments.studies.paired_seeds import TASKS, differences, judged

ENOUGH = 1.2
"""Cross-entropy in training by which convergence is judged."""


class Claim(NamedTuple):
    """What is expected of two variants: the first has less of something than the second."""

    text: str
    source: str
    first: str
    second: str
    score: str
    """Of `SCORES`."""


_ABSTRACT = "abstract of arXiv:2104.04702"
_PARAFORMER = "arXiv:2206.08317"
_EXPECTED = "expected here; no source is quoted"

SCORES: Mapping[str, Callable[[Mapping[str, Any], str], float | None]] = {
    "token errors %": lambda one, split: 100 * one[split]["token_error_rate"],
    "substituted %": lambda one, split: 100 * one[split]["substitutions"] / one[split]["tokens"],
    "steps": lambda one, split: steps_to(one["history"], "cross_entropy", ENOUGH),
    "edges ms at the fire": lambda one, split: (
        1000 * one[split]["edges"]["fire"]["both"]["mean_absolute"]
    ),
}
"""Of the result of a run and the name of a set."""

CLAIMS = (
    Claim(
        "weights guided by CTC's spikes converge sooner than without",
        _ABSTRACT,
        "spike-segments-0.3",
        "",
        "steps",
    ),
    Claim(
        "and make fewer errors",
        _ABSTRACT,
        "spike-segments-0.3",
        "",
        "token errors %",
    ),
    Claim(
        "and fire nearer to the edges",
        _EXPECTED,
        "spike-segments-0.3",
        "",
        "edges ms at the fire",
    ),
    Claim(
        "the other reading, mass up to each spike, converges sooner",
        _ABSTRACT,
        "spikes-0.3",
        "",
        "steps",
    ),
    Claim(
        "and makes fewer errors",
        _ABSTRACT,
        "spikes-0.3",
        "",
        "token errors %",
    ),
    Claim(
        "a contextual decoder substitutes fewer tokens: it models how they depend on each other",
        _ABSTRACT,
        "context-aware",
        "",
        "substituted %",
    ),
    Claim(
        "the same, 3 × the steps",
        _ABSTRACT,
        "context-aware-longer",
        "nar-longer",
        "substituted %",
    ),
    Claim(
        "Paraformer's sampler, λ = 0.75, makes fewer errors than none",
        _PARAFORMER,
        "paraformer",
        "paraformer-0",
        "token errors %",
    ),
    Claim(
        "and substitutes fewer tokens",
        _PARAFORMER,
        "paraformer",
        "paraformer-0",
        "substituted %",
    ),
    Claim(
        "a dynamic threshold, by the ceiling, makes fewer errors than a fixed one",
        _PARAFORMER,
        "paraformer-dynamic",
        "paraformer",
        "token errors %",
    ),
    Claim(
        "Paraformer, 2 × the steps, makes fewer errors than CIF-NAR, 3 × the steps",
        _EXPECTED,
        "paraformer",
        "nar-longer",
        "token errors %",
    ),
    Claim(
        "CIF-AR makes fewer errors than CIF-NAR",
        _EXPECTED,
        "ar",
        "",
        "token errors %",
    ),
    Claim(
        "the same, 3 × the steps",
        _EXPECTED,
        "ar-longer",
        "nar-longer",
        "token errors %",
    ),
    Claim(
        "self-conditioned CTC makes fewer errors than CTC",
        _EXPECTED,
        "self-conditioned-ctc",
        "ctc",
        "token errors %",
    ),
    Claim(
        "Mask-CTC makes fewer errors than CTC, both 3 × the steps",
        _EXPECTED,
        "mask-ctc",
        "ctc-longer",
        "token errors %",
    ),
    Claim(
        "CIF-NAR makes fewer errors than CTC",
        _EXPECTED,
        "",
        "ctc",
        "token errors %",
    ),
)
"""Claims of the papers as far as they are quoted here, and expectations."""

UNTESTED = (
    "Not testable at this scale: the error rates of the papers and the latency of 1/24 of an "
    "autoregressive Conformer (other data and a hundred times the parameters); what the sampler "
    "gains with 20 000 hours instead of an hour; MWER, which is not built."
)


def steps_to(history: Sequence[Mapping[str, float]], loss: str, level: float) -> float | None:
    """Steps until a loss first is down to a level, between entries by a line; None if never.

    >>> steps_to([{"step": 50, "ctc": 3.0}, {"step": 100, "ctc": 1.0}], "ctc", 2.0)
    75.0
    """
    before = None
    for entry in history:
        if entry[loss] <= level:
            if before is None or before[loss] == entry[loss]:
                return float(entry["step"])
            share = (before[loss] - level) / (before[loss] - entry[loss])
            return float(before["step"] + share * (entry["step"] - before["step"]))
        before = entry
    return None


def claim_table(runs: Sequence[Mapping[str, Any]]) -> str:
    """Each claim on each task, and whether it is reproduced.

    It is reproduced on a task where the differences of the seeds are `judged` to be "less".
    """
    heads = ["claim", "source", "score", *TASKS, "verdict"]
    rows = []
    for claim in CLAIMS:
        cells, judgements = [], []
        for recipe, split in TASKS.items():
            first, second = (
                {
                    one["seed"]: SCORES[claim.score](one, split)
                    for one in runs
                    if (one["recipe"], one["variant"]) == (recipe, variant)
                }
                for variant in (claim.first, claim.second)
            )
            judgements.append(judged(differences(first, second)))
            both = first and second
            cells.append(f"{_shown(first)} against {_shown(second)}" if both else "–")
        rows.append([claim.text, claim.source, claim.score, *cells, verdict_of(judgements)])
    return f"{markdown_table(heads, rows)}\n\n{UNTESTED}"


VERDICTS = {
    "less": "reproduced",
    "more": "not reproduced: the contrary",
    "no difference": "not reproduced: no difference",
    "open": "open",
}


def verdict_of(judgements: Sequence[str]) -> str:
    """What judgements on the tasks say of a claim.

    >>> verdict_of(["less", "less"]), verdict_of(["more", "more"])
    ('reproduced', 'not reproduced: the contrary')
    >>> verdict_of(["less", "open"])
    'markov-digits: reproduced; small-grid: open'
    """
    if len(set(judgements)) == 1:
        return VERDICTS[judgements[0]]
    named = zip(TASKS, judgements, strict=True)
    return "; ".join(f"{task}: {VERDICTS[one]}" for task, one in named)


def _shown(by_seed: Mapping[int, float | None]) -> str:
    known = [value for value in by_seed.values() if value is not None]
    return spread(known, digits=1) if len(known) == len(by_seed) else "–"
