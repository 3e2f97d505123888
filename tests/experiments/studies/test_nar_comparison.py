"""The comparison of systems: tables of made-up results, times of tiny models, verdicts by hand."""

import json

import pytest

from cifviz.errors import DataError
from cifviz.published import study_path
from cifviz.systems.checkpoints import save_model
from experiments.recipes import VARIANTS, find_recipe
from experiments.recipes.recipe import Recipe
from experiments.studies import nar_comparison
from experiments.studies.boundary_losses import BOUNDARY_LOSSES
from experiments.studies.nar_claims import (
    CLAIMS,
    SCORES,
    claim_table,
    verdict_of,
)
from experiments.studies.nar_comparison import (
    LENGTHS,
    SAMPLERS,
    SYSTEMS,
    UNITS,
    decoding_times,
    line_fit,
    read,
    system_table,
    table,
    time_table,
)
from experiments.studies.paired_seeds import TASKS
from tests.systems.synthetic import spoken
from tests.systems.tiny import tiny_recognizer

READOUTS = ("fire", "valleys, quantiles", "path", "path, shifted")


def result(recipe, variant, seed, errors, **scores):
    """Of 100 tokens so many are substituted, and one is deleted."""
    edges = {name: {"both": {"mean_absolute": 0.1 + 0.01 * errors}} for name in READOUTS}
    measured = {
        "tokens": 100,
        "token_error_rate": (errors + 1) / 100,
        "deletions": 1,
        "insertions": 0,
        "substitutions": errors,
        "count_accuracy": 0.9,
        "edges": edges,
    }
    return {
        "recipe": recipe,
        "variant": variant,
        "seed": seed,
        "leave_out": None,
        "fit": {},
        "recordings": {},
        "versions": {},
        "history": [
            {"step": 50, "cross_entropy": 2.2},
            {"step": 100, "cross_entropy": 0.2 + 0.01 * errors},
        ],
        TASKS.get(recipe, "test"): {**measured, **scores},
    }


def results(**errors):
    """Of three seeds on all recipes; the errors of a variant, or 9."""
    variants = {*SYSTEMS, *SAMPLERS, *BOUNDARY_LOSSES}
    return [
        result(recipe, variant, seed, errors.get(variant.replace("-", "_") or "nar", 9) + seed)
        for recipe in {**TASKS, **UNITS}
        for variant in variants
        for seed in range(3)
    ]


def timed(variant, slope):
    reference = [length for length in LENGTHS for _ in range(4)]
    return {
        "variant": variant,
        "seed": 0,
        "reference": reference,
        "hypothesis": reference,
        "encoder": [1.0 + 0.1 * one for one in reference],
        "decoding": [2.0 + slope * one for one in reference],
    }


FOUND = {"processor": "abacus", "threads": 1, "times": [timed("ctc", 0.25), timed("ar", 1.5)]}


def row(text, title):
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {title} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_everything_that_is_compared_is_a_variant_of_a_recipe():
    for variant in {*SYSTEMS, *SAMPLERS, *BOUNDARY_LOSSES}:
        assert variant == "" or variant in VARIANTS
    for claim in CLAIMS:
        assert {claim.first, claim.second} <= {*VARIANTS, ""}
        assert claim.score in SCORES
    for name in {**TASKS, **UNITS}:
        assert isinstance(find_recipe(name), Recipe)


def test_a_system_has_its_errors_counts_and_edges_in_a_row():
    cells = row(system_table(results(ar=4), "small-grid"), "CIF-AR")
    errors = ["6.00 ± 1.00", "1.00 ± 0.00", "0.00 ± 0.00", "5.00 ± 1.00"]
    assert cells == ["CIF-AR", "3", *errors, "90.00 ± 0.00", "150 ± 10", "150 ± 10"]


def test_the_time_of_a_token_is_the_slope_of_a_line():
    text = time_table(FOUND)
    assert row(text, "CTC")[-2:] == ["0.250 ± 0.000", "0.100 ± 0.000"]
    assert row(text, "CIF-AR")[1:] == [
        *("9.50", "17.00", "32.00", "62.00"),
        *("1.500 ± 0.000", "0.100 ± 0.000"),
    ]
    assert "abacus, 1 thread" in text
    assert "times what it costs" not in text
    with_both = {**FOUND, "times": [*FOUND["times"], timed("", 0.5)]}
    assert "CIF-AR 3.0 times what it costs CIF-NAR" in time_table(with_both)


def test_a_longer_training_is_named():
    text = system_table(results(), "markov-digits")
    assert row(text, "Mask-CTC, 10 passes, 3 × the steps")
    assert row(text, "CIF-NAR")


def test_the_error_of_a_slope_by_hand():
    """Residuals 1/3, −2/3, 1/3 of the line 1/3 + x/2: sqrt(2/3 / 1 / 2)."""
    slope, error = line_fit([-1, 0, 1], [0.0 + 1 / 6, -1 / 3, 1.0 + 1 / 6])
    assert slope == pytest.approx(0.5)
    assert error == pytest.approx((2 / 3 / 1 / 2) ** 0.5, rel=1e-6)


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        ([1, 2, 3], [4, 5, 7], "reproduced"),  # differences −3, −3, −4
        ([1, 2, 3], [2, 3, 6], "reproduced"),  # −1, −1, −3: mean −1.67, deviation 1.15
        ([1, 2, 3], [1, 2, 6], "not reproduced: no difference"),  # 0, 0, −3: −1 and 1.73
        ([5, 6, 7], [1, 3, 3], "not reproduced: the contrary"),
        ([1, 2], [4, 5, 7], "open"),
        ([], [], "open"),
    ],
)
def test_a_claim_is_judged_by_the_differences_of_seeds(first, second, verdict):
    """Errors of CIF-AR and of CIF-NAR."""
    runs = [
        result(recipe, variant, seed, errors)
        for recipe in TASKS
        for variant, of_seeds in (("ar", first), ("", second))
        for seed, errors in enumerate(of_seeds)
    ]
    assert row(claim_table(runs), "CIF-AR makes fewer errors than CIF-NAR")[-1] == verdict


def test_a_claim_is_judged_on_every_task():
    assert verdict_of(["less", "less"]) == "reproduced"
    assert verdict_of(["open", "open"]) == "open"
    both = "markov-digits: reproduced; small-grid: not reproduced: no difference"
    assert verdict_of(["less", "no difference"]) == both


def test_claims_are_judged_by_three_seeds():
    text = claim_table(results(ar=2))
    assert row(text, "CIF-AR makes fewer errors than CIF-NAR")[-3:] == [
        *["4.0 ± 1.0 against 11.0 ± 1.0"] * 2,
        "reproduced",
    ]
    two_seeds = [one for one in results(ar=2) if one["seed"] < 2]
    assert row(claim_table(two_seeds), "CIF-AR makes fewer errors than CIF-NAR")[-1] == "open"
    assert row(claim_table([]), "CIF-AR makes fewer errors than CIF-NAR")[-3:] == ["–", "–", "open"]


def test_all_tables_are_made_of_what_is_published(tmp_path):
    for one in [*results(), result("digits", "ctc", 0, 3)]:
        name = f"{one['recipe']}-{one['variant']}-{one['seed']}.json"
        (tmp_path / name).write_text(json.dumps(one), "utf-8")
    (tmp_path / "studies").mkdir()
    study_path(tmp_path, "nar-comparison").write_text(json.dumps(FOUND), "utf-8")
    found = read(tmp_path)
    assert {one["recipe"] for one in found["runs"]} == {*TASKS, *UNITS}
    text = table(found)
    for part in (
        "Mask-CTC",
        "merged units",
        "λ = 0.25",
        "Not testable",
    ):
        assert part in text


def test_what_was_not_run_has_no_row():
    assert system_table([], "small-grid") == ""
    one = [result("small-grid", "ctc", 0, 3)]
    assert len(system_table(one, "small-grid").splitlines()) == 3


def test_an_utterance_is_timed_alone(monkeypatch):
    monkeypatch.setattr(nar_comparison, "LEAST_SECONDS", 1e-4)
    model = tiny_recognizer()
    one = spoken(("a", 0.1, 0.2), ("b", 0.3, 0.4), seconds=16.0)
    one = type(one)(type(one.waveform)(one.waveform.samples, 16_000), one.words)
    found = decoding_times(model, [one, one])
    assert found["reference"] == [2, 2]
    assert found["hypothesis"][0] == len(model.transcribe(one.waveform).tokens)
    assert all(taken > 0 for part in ("encoder", "decoding") for taken in found[part])


def test_every_finished_system_is_timed_and_published(tmp_path, monkeypatch):
    """Each length once, by an invented recipe."""
    monkeypatch.setattr(
        nar_comparison, "decoding_times", lambda model, some: {"reference": len(some)}
    )
    monkeypatch.setattr(nar_comparison, "loaded", lambda recipe, folder: folder.name)
    asked = []
    monkeypatch.setattr(
        nar_comparison,
        "grammar_strings",
        lambda split, grammar, rng, lengths: asked.append(lengths) or lengths,
    )
    for name in ("markov-digits-seed0", "markov-digits-ar-seed0"):
        save_model(tiny_recognizer(), tmp_path / name / "model", "a tiny one")
        (tmp_path / name / "result.json").write_text("{}", "utf-8")
    found = nar_comparison.run(runs=tmp_path, data=tmp_path)
    assert asked == [[length] * 4 for length in LENGTHS]
    assert [one["variant"] for one in found["times"]] == ["", "ar"]
    assert found["times"][0]["reference"] == 4 * len(LENGTHS)
    with pytest.raises(DataError, match="no finished run of 'markov-digits'"):
        nar_comparison.run(runs=tmp_path / "none", data=tmp_path)
