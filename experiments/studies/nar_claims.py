"""What papers claim of non-autoregressive systems, and whether it is reproduced here.

Claims are judged seed by seed, as in all studies of these systems: see `paired_seeds`. Those on
boundary losses and on thresholds are judged by their own studies, `boundary_losses` and
`count_rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from cifviz.metrics import spread
from cifviz.text_tables import markdown_table
from experiments.studies.paired_seeds import TASKS, differences, judged


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

Scores = Mapping[str, Callable[[Mapping[str, Any], str], float]]
"""By name: a number of the result of a run and the name of a set."""
SCORES: Scores = {
    "token errors %": lambda one, split: 100 * one[split]["token_error_rate"],
    "substituted %": lambda one, split: 100 * one[split]["substitutions"] / one[split]["tokens"],
}

CLAIMS = (
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
    *(
        Claim(
            f"the same with λ = {ratio}: fewer errors than without",
            f"{_PARAFORMER}; its λ is 0.75",
            f"paraformer-{ratio}",
            "paraformer-0",
            "token errors %",
        )
        for ratio in ("0.25", "0.5", "1")
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


def claim_table(
    runs: Sequence[Mapping[str, Any]],
    *,
    claims: Sequence[Claim] = CLAIMS,
    tasks: Mapping[str, str] = TASKS,
    scores: Scores = SCORES,
    untested: str = UNTESTED,
) -> str:
    """Each claim on each task, and whether it is reproduced.

    It is reproduced on a task where the differences of the seeds are `judged` to be "less".

    Parameters
    ----------
    runs : sequence of mapping
        Results of runs.
    claims : sequence of Claim
    tasks : mapping of str to str
        Which recipes, and on which set of each.
    scores : mapping
        What a claim may name as its score.
    untested : str
        Stands below the table.
    """
    heads = ["claim", "source", "score", *tasks, "verdict"]
    rows = []
    for claim in claims:
        cells, judgements = [], []
        for recipe, split in tasks.items():
            first, second = (
                {
                    one["seed"]: scores[claim.score](one, split)
                    for one in runs
                    if (one["recipe"], one["variant"]) == (recipe, variant)
                }
                for variant in (claim.first, claim.second)
            )
            judgements.append(judged(differences(first, second)))
            both = first and second
            cells.append(f"{_shown(first)} against {_shown(second)}" if both else "–")
        verdict = verdict_of(judgements, tasks)
        rows.append([claim.text, claim.source, claim.score, *cells, verdict])
    return f"{markdown_table(heads, rows)}\n\n{untested}"


VERDICTS = {
    "less": "reproduced",
    "more": "not reproduced: the contrary",
    "no difference": "not reproduced: no difference",
    "open": "open",
}


def verdict_of(judgements: Sequence[str], tasks: Iterable[str] = TASKS) -> str:
    """What judgements on the tasks say of a claim.

    >>> verdict_of(["less", "less"]), verdict_of(["more", "more"])
    ('reproduced', 'not reproduced: the contrary')
    >>> verdict_of(["less", "open"])
    'markov-digits: reproduced; small-grid: open'
    """
    if len(set(judgements)) == 1:
        return VERDICTS[judgements[0]]
    named = zip(tasks, judgements, strict=True)
    return "; ".join(f"{task}: {VERDICTS[one]}" for task, one in named)


def _shown(by_seed: Mapping[int, float]) -> str:
    return spread([*by_seed.values()], digits=1)
