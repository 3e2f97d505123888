"""Variants beside each other, and claims about pairs and pairs of pairs, on made-up results."""

import pytest

from experiments.recipes import variants_of
from experiments.studies import distillation, language_model_comparison
from experiments.studies.variant_tables import (
    SCORES,
    Claim,
    claim_table,
    compared,
    score_cells,
    variant_table,
)
from tests.experiments.studies.word_piece_runs import result, results

STUDIES = (language_model_comparison, distillation)


@pytest.mark.parametrize("study", STUDIES)
def test_every_variant_has_a_row(study):
    assert study.TITLES.keys() == {"", *variants_of(study.RECIPE)}
    for claim in study.CLAIMS:
        assert {*claim.first, *claim.second} <= study.TITLES.keys() and claim.score in SCORES


def test_a_row_shows_means_over_seeds():
    runs = results("x", none=0.3)
    assert score_cells(runs, "none") == [
        "3",
        "31.0 ± 1.0",
        "31.0 ± 1.0",
        "69.0 ± 1.0",
        "0.62 ± 0.02",
        "100.0 ± 0.0",
        "100.0 ± 0.0",
    ]
    untimed = [result("x", "none", 0, edges={})]
    assert score_cells(untimed, "none")[-2:] == ["–", "–"]
    assert score_cells(untimed, "none")[0] == "1 of 3"
    table = variant_table(runs, {"none": ("nothing",), "other": ("else",)}, ["what"])
    assert "| nothing | 3 | 31.0 ± 1.0 |" in table and "else" not in table
    assert variant_table([], {"none": ("nothing",)}, ["what"]) == ""


def test_a_claim_is_judged_by_the_same_seeds():
    runs = results("x", first=0.3, second=0.4)
    fewer = Claim("fewer", "here", ("first",), ("second",))
    assert compared(runs, fewer) == pytest.approx([-10, -10, -10])
    more = fewer._replace(first=("second",), second=("first",))
    missing = fewer._replace(second=("third",))
    text = claim_table(runs, [fewer, more, missing], "The rest.")
    verdicts = [line.split(" | ")[-1].rstrip(" |") for line in text.splitlines()[2:4]]
    assert verdicts == ["reproduced", "not reproduced: the contrary"]
    assert text.endswith("that are there: fewer (0 of 3).\n\nThe rest.")
    assert claim_table([], [missing], "The rest.").startswith("Open")


def test_of_two_seeds_nothing_is_claimed():
    runs = [one for one in results("x", first=0.3, second=0.4) if one["seed"] < 2]
    text = claim_table(runs, [Claim("fewer", "here", ("first",), ("second",))], "The rest.")
    assert "reproduced" not in text and "fewer (2 of 3)" in text


def test_a_claim_on_differences():
    """With a tenth the second loses 20 points, with all of it 5: the first helps more there."""
    runs = results("x", tenth=0.4, tenth_none=0.6, _=0.3, none=0.35)
    claim = Claim("more", "here", ("tenth", "tenth-none"), ("", "none"))
    assert compared(runs, claim) == pytest.approx([-15, -15, -15])
