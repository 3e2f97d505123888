"""What is chosen by hand-made counts, what is told of it, and what is published."""

import pytest

from cifviz.errors import DataError
from cifviz.published import read_study
from cifviz.resources import resource
from experiments import studies
from experiments.biasing_task import BiasingTask
from experiments.studies import phrase_choice, run_study
from experiments.studies.phrase_choice import Round, chosen, goal, joined, table
from tests.experiments.studies.nar_runs import finished_run
from tests.experiments.studies.test_phrase_biasing import CALLS, OTHERS, counted, model

STRICT, CLEAR = "none on average", "no clear difference"


def tried(**settings):
    """Three seeds; by λ found phrases of 8 and errors of 10 outside of them, with "alone"."""
    by_weight = {
        weight.removeprefix("w"): [counted(found=found, unbiased=one) for one in errors]
        for weight, (found, errors) in settings.items()
    }
    worst = counted(found=0, unbiased=9)
    return {
        str(seed): {
            "0": counted(),
            "100": {
                "alone": {weight: some[seed] for weight, some in by_weight.items()},
                "shared": dict.fromkeys(by_weight, worst),
            },
        }
        for seed in range(3)
    }


def test_the_largest_recall_that_does_no_harm_is_chosen():
    """λ = 1 finds most and errs oftener with all seeds; at 0.5 one seed of three errs once more."""
    found = tried(w0_1=(5, (1, 1, 1)), w0_5=(6, (1, 1, 2)), w1=(8, (2, 2, 2)))
    assert chosen(found, CLEAR) == ("alone", "0_5")
    assert chosen(found, STRICT) == ("alone", "0_1")


def test_of_equal_ones_the_smaller_weight_is_chosen():
    found = tried(w0_1=(6, (1, 1, 1)), w0_5=(6, (1, 1, 1)))
    assert chosen(found, CLEAR) == ("alone", "0_1")


def test_where_all_do_harm_the_least_weight_is_chosen():
    found = tried(w0_1=(5, (2, 2, 2)), w1=(8, (3, 3, 3)))
    assert chosen(found, CLEAR) == chosen(found, STRICT) == ("alone", "0_1")


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """Two halves of a task, each chosen for by the other, of three seeds."""
    runs = tmp_path / "runs"
    models = {
        finished_run(runs, "small-grid", "coldec-tokens", seed): model(seed) for seed in range(3)
    }
    halves = [
        BiasingTask("small-grid", lambda one=one: [one], lambda: OTHERS, (2,)) for one in CALLS
    ]
    rounds = (Round("grid", "first", *halves), Round("grid", "second", *halves[::-1]))
    monkeypatch.setattr(phrase_choice, "ROUNDS", rounds)
    monkeypatch.setattr(phrase_choice, "MIDDLE", "2")
    monkeypatch.setattr(phrase_choice, "loaded", lambda recipe, folder: models[folder])
    monkeypatch.setattr(studies, "checksum", lambda corpus: f"of {corpus}")
    text = run_study("phrase-choice", runs=runs, data=tmp_path / "data")
    return text, read_study(tmp_path / "data" / "results", "phrase-choice")


def test_each_utterance_is_told_of_once_by_what_others_chose(measured):
    text, found = measured
    assert text == table(found)
    assert [one["chosen_on"] for one in found["rounds"]] == ["first", "second"]
    for one in found["rounds"]:
        for guard, choice in one["choices"].items():
            setting = choice["no_bias_mass"], choice["weight"]
            assert setting == chosen(one["tried"], guard)
    both = joined(found, "grid", CLEAR, "2")
    assert {seed: counts["biased_tokens"] for seed, counts in both.items()} == dict.fromkeys(
        range(3), 4
    )
    assert goal(found, "grid", STRICT).startswith("- grid, λ = ")


def test_without_a_finished_run_nothing_is_chosen(tmp_path):
    with pytest.raises(DataError, match="no finished run of code-digits, coldec-tokens"):
        phrase_choice.run(runs=tmp_path, data=tmp_path)


def test_the_published_choices_follow_from_what_was_tried():
    for one in read_study(resource("results"), "phrase-choice")["rounds"]:
        for guard, choice in one["choices"].items():
            setting = choice["no_bias_mass"], choice["weight"]
            assert setting == chosen(one["tried"], guard)
