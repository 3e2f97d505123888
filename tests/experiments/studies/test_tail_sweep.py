"""What the tail rules are measured to cost, on a tiny recogniser and by hand."""

import json

import pytest

from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.errors import DataError
from cifviz.published import (
    ERROR_KINDS,
    SPLITS,
    THRESHOLDS,
    best_thresholds,
    read_results,
    read_tail_sweep,
    study_path,
    total_errors,
)
from cifviz.resources import resource
from experiments import studies
from experiments.studies import STUDIES, run_study, tail_sweep
from experiments.studies.tail_sweep import all_rules, sweep, table
from tests.systems.synthetic import aligned
from tests.systems.tiny import noise, tiny_recognizer

SOUNDS = [noise(0.7, seed) for seed in range(4)]


# Counting


def spoken(*words):
    return LabelledUtterance(
        noise(0.1), aligned(*((word, i / 9, (i + 1) / 9) for i, word in enumerate(words)))
    )


def test_words_are_counted_by_hand(monkeypatch):
    """Two strings: one loses its last word under all rules but one, which adds one to the other."""
    model = tiny_recognizer()
    firing, _ = tail_sweep.decode_by_tail_rule(model, model.config.features(SOUNDS[0]))

    def decode(_model, log_mel, rules):
        words = {True: ("one",), False: ("two", "three")}[len(log_mel) < 12]
        more = {True: ("one", "two"), False: ("two", "four", "zero")}[len(log_mel) < 12]
        return firing, {name: more if name == "above 0.3" else words for name in rules}

    monkeypatch.setattr(tail_sweep, "decode_by_tail_rule", decode)
    short, longer = (
        spoken("one", "two"),
        LabelledUtterance(noise(0.2), spoken("two", "three").words),
    )
    found = sweep(model, [short, longer])
    assert found["full"] == [int(firing.num_fires)] * 2
    assert found["rests"] == [round(float(firing.residual), 4)] * 2
    usual = {"deletions": 1, "insertions": 0, "substitutions": 0}
    assert found["rules"].pop("above 0.3") == {
        **{"deletions": 0, "insertions": 1, "substitutions": 1},
        **{"right_counts": 1, "last_lost": 0},
    }
    for rule in found["rules"].values():
        assert rule == {**usual, "right_counts": 1, "last_lost": 1}


def run(seed, **errors):
    """A run whose rules all make these errors on both sets, but for those named by their τ."""
    none = dict.fromkeys((*ERROR_KINDS, "right_counts", "last_lost"), 0)
    by_tau = errors.pop("by_tau", {})
    rules = {name: {**none, **errors, **by_tau.get(name, {})} for name in all_rules(0.0)}
    return {"seed": seed, **{split: {"rules": rules} for split in SPLITS}}


def published(folder, *runs):
    path = study_path(folder, "tail-sweep")
    path.parent.mkdir(parents=True)
    words = {"dev": [5, 5], "test": [5, 5, 10, 5]}
    path.write_text(json.dumps({"runs": runs, "said": words}), "utf-8")
    return folder


def test_the_best_thresholds_are_those_of_all_runs_together():
    one = run(
        0, insertions=5, by_tau={"above 0.3": {"insertions": 1}, "above 0.4": {"insertions": 2}}
    )
    two = run(
        1, deletions=5, by_tau={"above 0.4": {"deletions": 2}, "at least 0.7": {"deletions": 0}}
    )
    assert best_thresholds([one], "dev") == [0.3]
    assert best_thresholds([two], "dev") == [0.4]
    assert best_thresholds([one, two], "dev") == [0.4]  # 4 errors, and 6 at 0.3


def shown(folder):
    return table(read_tail_sweep(folder))


def test_a_table_gives_shares_of_words_and_of_utterances(tmp_path):
    by_tau = {"above 0.5": {"insertions": 1, "right_counts": 3, "last_lost": 1}}
    text = shown(published(tmp_path, run(0, deletions=2, by_tau=by_tau)))
    assert "| above 0.5 | 1 | 30.00 | 12.00 | 8.00 | 4.00 | 0.00 | 75.0 | 25.0 |" in text
    assert "| at least 0.5 | 1 | 20.00 | 8.00 | 8.00 | 0.00 | 0.00 | 0.0 | 0.0 |" in text
    assert "| at least 0.4 |" not in text
    assert (
        "as with above in every run: at least 0.1, at least 0.2, at least 0.3, at least 0.4,"
        in text
    )
    assert "on dev (10 words) at τ: seed 0 0.1, 0.2, 0.3, 0.4, 0.6" in text


def test_what_was_not_measured_is_said(tmp_path):
    with pytest.raises(DataError, match="run `python -m experiments study tail-sweep`"):
        shown(tmp_path)


@pytest.fixture
def two_strings(monkeypatch):
    """Instead of the data set: a string to develop on, and two to test with, one of them silent."""
    sets = {"dev": [spoken("one")], "test": [spoken("one", "two"), spoken()]}
    monkeypatch.setattr(tail_sweep, "labelled_strings", sets.__getitem__)
    monkeypatch.setattr(studies, "checksum", lambda corpus: f"of {corpus}")


@pytest.mark.usefixtures("two_strings")
def test_every_finished_run_is_swept_over_both_sets(tmp_path, monkeypatch):
    models = {}
    for seed in (0, 2):
        folder = tmp_path / "runs" / f"digits-plain-seed{seed}"
        folder.mkdir(parents=True)
        needed = ("recipe", "variant", "leave_out", "fit", "recordings", "versions", "history")
        result = {**dict.fromkeys(needed), "seed": seed}
        (folder / "result.json").write_text(json.dumps(result), "utf-8")
        models[folder] = tiny_recognizer(seed)
    (tmp_path / "runs" / "digits-plain-seed1").mkdir()  # has not ended
    monkeypatch.setattr(tail_sweep, "loaded", lambda recipe, folder: models[folder])
    text = run_study("tail-sweep", runs=tmp_path / "runs", data=tmp_path / "data")
    found = read_tail_sweep(tmp_path / "data" / "results")
    assert found["said"] == {"dev": [1], "test": [2, 0]}
    assert found["data"] == {"digits": "of digits"}
    assert found["command"] == "python -m experiments study tail-sweep"
    assert found["variant"] == "plain"
    assert [one["seed"] for one in found["runs"]] == [0, 2]
    assert [len(one["test"]["rests"]) for one in found["runs"]] == [2, 2]
    assert found["runs"][0]["test"] != found["runs"][1]["test"]
    assert text == table(found)


@pytest.mark.usefixtures("two_strings")
def test_without_a_finished_run_there_is_nothing_to_sweep(tmp_path):
    with pytest.raises(DataError, match="no finished run of 'plain' in"):
        STUDIES["tail-sweep"].run(runs=tmp_path, data=tmp_path)


# What is published

FOUND = read_tail_sweep(resource("results"))


@pytest.mark.parametrize("one", FOUND["runs"], ids=lambda one: f"seed {one['seed']}")
@pytest.mark.parametrize("split", SPLITS)
def test_residuals_tell_how_many_counts_are_right(one, split):
    """Two ways to count: by decoding, and from the residuals."""
    utterances = list(
        zip(one[split]["full"], one[split]["rests"], FOUND["said"][split], strict=True)
    )
    for threshold in THRESHOLDS:
        right = sum(full + (residual > threshold) == words for full, residual, words in utterances)
        assert right == one[split]["rules"][f"above {threshold:g}"]["right_counts"]


@pytest.mark.parametrize("one", FOUND["runs"], ids=lambda one: f"seed {one['seed']}")
@pytest.mark.parametrize("split", SPLITS)
def test_the_recipe_s_own_threshold_makes_the_errors_that_were_published(one, split):
    (run,) = [
        result
        for result in read_results(resource("results"))
        if (result["recipe"], result["variant"], result["seed"], result["leave_out"])
        == ("digits", FOUND["variant"], one["seed"], None)
    ]
    words = sum(FOUND["said"][split])
    assert words == run[split]["tokens"]
    assert total_errors(one[split]["rules"]["above 0.5"]) == round(
        words * run[split]["token_error_rate"]
    )


def test_every_seed_was_swept():
    assert [one["seed"] for one in FOUND["runs"]] == [0, 1, 2]
    assert study_path(resource("results"), "tail-sweep").stat().st_size < 60_000
