"""Tables of variants beside each other, and claims about pairs of them, from published runs.

What the studies of recipes in word pieces share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from cifviz.metrics import spread
from cifviz.text_tables import markdown_table
from experiments.studies.nar_claims import VERDICTS
from experiments.studies.paired_seeds import LEAST_SEEDS, differences, judged, with_judgement

Score = Callable[[Mapping[str, Any]], float | None]
"""Of the result of a run."""

RAW, LEARNED = "fire", "valleys, quantiles"
"""Boundary read-outs: without anything learned, and learned from development utterances."""


def _edges(readout: str) -> Score:
    """Mean absolute error of onsets and offsets of equal tokens, pooled, in ms."""

    def score(one: Mapping[str, Any]) -> float | None:
        error = one["dev"]["edges"].get(readout, {}).get("both", {}).get("mean_absolute")
        return None if error is None else 1000 * error

    return score


SCORES: Mapping[str, Score] = {
    "word errors %": lambda one: 100 * one["dev"]["words"]["rate"],
    "piece errors %": lambda one: 100 * one["dev"]["token_error_rate"],
    "right count %": lambda one: 100 * one["dev"]["count_accuracy"],
    "mean |Σα − N|": lambda one: one["dev"]["weight_sum_error"]["mean_absolute"],
    "edges ms, raw": _edges(RAW),
    "edges ms, learned": _edges(LEARNED),
}
"""On prompts that nothing is trained on."""
DIGITS = {"mean |Σα − N|": 2}
"""Digits behind the point where a score has not one."""


class Claim(NamedTuple):
    """What is expected of two variants: the first has less of a score than the second.

    Either may be two variants: then it is their difference, the first less the second.
    """

    text: str
    source: str
    first: tuple[str, ...]
    second: tuple[str, ...]
    score: str = "word errors %"
    """Of `SCORES`."""


def by_seed(runs: Sequence[Mapping[str, Any]], variant: str, score: str) -> dict[int, float | None]:
    """A score of the runs of a variant."""
    return {one["seed"]: SCORES[score](one) for one in runs if one["variant"] == variant}


def score_cells(runs: Sequence[Mapping[str, Any]], variant: str) -> list[str]:
    """Number of seeds and, for each of `SCORES`, mean ± standard deviation over them."""
    cells = [seeds_cell(len([one for one in runs if one["variant"] == variant]))]
    for name in SCORES:
        values = [one for one in by_seed(runs, variant, name).values() if one is not None]
        cells.append(spread(values, digits=DIGITS.get(name, 1)) if values else "–")
    return cells


def seeds_cell(seeds: int) -> str:
    """A number of seeds, and of how many where that is too few.

    >>> seeds_cell(3), seeds_cell(1)
    ('3', '1 of 3')
    """
    return str(seeds) if seeds >= LEAST_SEEDS else f"{seeds} of {LEAST_SEEDS}"


def variant_table(
    runs: Sequence[Mapping[str, Any]], titles: Mapping[str, Sequence[str]], heads: Sequence[str]
) -> str:
    """A row for each variant of which there are runs: its title cells, and `score_cells`."""
    known = {one["variant"] for one in runs}
    rows = [[*title, *score_cells(runs, one)] for one, title in titles.items() if one in known]
    return markdown_table([*heads, "seeds", *SCORES], rows) if rows else ""


def compared(runs: Sequence[Mapping[str, Any]], claim: Claim) -> list[float]:
    """What a claim's first has more than its second, for each seed of which all is known."""
    sides = [_side(runs, side, claim.score) for side in (claim.first, claim.second)]
    return differences(*sides)


def _side(
    runs: Sequence[Mapping[str, Any]], variants: Sequence[str], score: str
) -> dict[int, float | None]:
    values = [by_seed(runs, variant, score) for variant in variants]
    if len(values) == 1:
        return values[0]
    found: dict[int, float | None] = {}
    for seed in values[0].keys() & values[1].keys():
        pair = differences({seed: values[0][seed]}, {seed: values[1][seed]})
        found[seed] = pair[0] if pair else None
    return found


def claim_table(runs: Sequence[Mapping[str, Any]], claims: Sequence[Claim], untested: str) -> str:
    """Each claim, the paired difference over seeds, and whether its direction is reproduced.

    Claims of which too few seeds are there stand below the table.
    """
    heads = ["claim", "source", "score", "difference of the same seeds", "verdict"]
    rows, missing = [], []
    for claim in claims:
        found = compared(runs, claim)
        verdict = judged(found)
        if verdict == "open":
            missing.append(f"{claim.text} ({seeds_cell(len(found))})")
            continue
        shown = with_judgement(found)
        rows.append([claim.text, claim.source, claim.score, shown, VERDICTS[verdict]])
    parts = [markdown_table(heads, rows)] if rows else []
    if missing:
        parts.append(f"Open, with the seeds that are there: {'; '.join(missing)}.")
    return "\n\n".join([*parts, untested])
