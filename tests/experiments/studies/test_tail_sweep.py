"""What the rules for the rest are measured to cost, on a tiny recogniser and by hand."""

import json
from dataclasses import replace

import pytest
import torch

from cifviz.core.dialects import tail_rules
from cifviz.errors import DataError
from cifviz.published import read_results
from cifviz.resources import resource
from experiments import publish
from experiments.measure import Spoken
from experiments.studies import tail_sweep
from experiments.studies.tail_sweep import (
    ERRORS,
    SPLITS,
    THRESHOLDS,
    all_rules,
    best_thresholds,
    errors_of,
    heard_by_rule,
    read_tails,
    sweep,
    tails_table,
)
from tests.systems.synthetic import aligned
from tests.systems.tiny import noise, tiny_recognizer

SOUNDS = [noise(0.7, seed) for seed in range(4)]


def features(model, waveform):
    return model.config.features(waveform)


# Hearing


@pytest.mark.parametrize("decoder", ["nar", "ar"])
@pytest.mark.parametrize(
    ("rule", "settings"),
    [
        ("drop", {"apply_tail_handling": False}),
        ("above 0.2", {"tail_handling_firing_threshold": 0.2}),
        ("above 0.8", {"tail_handling_firing_threshold": 0.8}),
    ],
)
def test_two_rules_are_what_a_recogniser_can_do_by_itself(decoder, rule, settings):
    model = tiny_recognizer(decoder=decoder)
    rules = all_rules(model.cif.config.slack)
    heard = [heard_by_rule(model, features(model, one), rules)[1][rule] for one in SOUNDS]
    model.cif.config = replace(model.cif.config, **settings)
    assert heard == [model.transcribe(one).tokens for one in SOUNDS]


def test_a_rest_is_what_is_left_before_any_rule():
    model = tiny_recognizer()
    for sound in SOUNDS:
        firing, heard = heard_by_rule(model, features(model, sound))
        assert not firing.tail_fired.any()
        assert len(heard["drop"]) == int(firing.num_fires)
        assert list(heard) == list(tail_rules())


def test_phrases_are_not_rounded_whatever_the_model_does():
    plain, phrased = tiny_recognizer(), tiny_recognizer(pause_frames=1, pause_weight=0.5)
    for sound in SOUNDS:
        log_mel = features(plain, sound)
        rounded = phrased.transcribe(sound).firing
        assert not torch.equal(rounded.alpha, rounded.scaled_alpha)
        found = [heard_by_rule(model, log_mel) for model in (plain, phrased)]
        assert found[0][1] == found[1][1]
        assert torch.equal(found[0][0].scaled_alpha, found[1][0].scaled_alpha)


def test_nothing_heard_is_no_word_by_any_rule():
    model = tiny_recognizer()
    torch.nn.init.constant_(model.cif.weights.weight_proj.bias, -50.0)
    _, heard = heard_by_rule(model, features(model, SOUNDS[0]))
    # However little there is, it is rounded up.
    assert {name for name, words in heard.items() if words} == {"dynamic"}


# Counting


def spoken(*words):
    return Spoken(
        noise(0.1), aligned(*((word, i / 9, (i + 1) / 9) for i, word in enumerate(words)))
    )


def test_words_are_counted_by_hand(monkeypatch):
    """Two strings: one loses its last word under all rules but one, which adds one to the other."""
    model = tiny_recognizer()
    firing, _ = heard_by_rule(model, features(model, SOUNDS[0]))

    def hear(_model, log_mel, rules):
        words = {True: ("one",), False: ("two", "three")}[len(log_mel) < 12]
        more = {True: ("one", "two"), False: ("two", "four", "zero")}[len(log_mel) < 12]
        return firing, {name: more if name == "above 0.3" else words for name in rules}

    monkeypatch.setattr(tail_sweep, "heard_by_rule", hear)
    short, longer = spoken("one", "two"), Spoken(noise(0.2), spoken("two", "three").words)
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
    none = dict.fromkeys((*ERRORS, "right_counts", "last_lost"), 0)
    by_tau = errors.pop("by_tau", {})
    rules = {name: {**none, **errors, **by_tau.get(name, {})} for name in all_rules(0.0)}
    return {"seed": seed, **{split: {"rules": rules} for split in SPLITS}}


def published(folder, *runs):
    path = folder / tail_sweep.TAILS
    path.parent.mkdir(parents=True)
    said = {"dev": [5, 5], "test": [5, 5, 10, 5]}
    path.write_text(json.dumps({"runs": runs, "said": said}), "utf-8")
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


def test_a_table_gives_shares_of_words_and_of_utterances(tmp_path):
    by_tau = {"above 0.5": {"insertions": 1, "right_counts": 3, "last_lost": 1}}
    table = tails_table(published(tmp_path, run(0, deletions=2, by_tau=by_tau)))
    assert "| above 0.5 | 1 | 30.00 | 12.00 | 8.00 | 4.00 | 0.00 | 75.0 | 25.0 |" in table
    assert "| at least 0.5 | 1 | 20.00 | 8.00 | 8.00 | 0.00 | 0.00 | 0.0 | 0.0 |" in table
    assert "| at least 0.4 |" not in table
    assert (
        "as with above in every run: at least 0.1, at least 0.2, at least 0.3, at least 0.4, "
        in table
    )
    assert "on dev (10 words) at τ: seed 0 0.1, 0.2, 0.3, 0.4, 0.6" in table


def test_what_was_not_measured_is_said(tmp_path):
    with pytest.raises(DataError, match="run `cifviz tails`"):
        tails_table(tmp_path)


@pytest.fixture
def two_strings(monkeypatch):
    """Instead of the data set: a string to develop on, and two to test with, one of them silent."""
    sets = {"dev": [spoken("one")], "test": [spoken("one", "two"), spoken()]}
    monkeypatch.setattr(publish, "spoken_strings", sets.__getitem__)
    monkeypatch.setattr(publish, "checksum", lambda corpus: f"of {corpus}")


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
    monkeypatch.setattr(publish, "loaded", lambda recipe, folder: models[folder])
    table = publish.try_tails(runs=tmp_path / "runs", data=tmp_path / "data")
    found = read_tails(tmp_path / "data" / "results")
    assert found["said"] == {"dev": [1], "test": [2, 0]}
    assert found["data"] == {"digits": "of digits"}
    assert (found["command"], found["variant"]) == ("cifviz tails", "plain")
    assert [one["seed"] for one in found["runs"]] == [0, 2]
    assert [len(one["test"]["rests"]) for one in found["runs"]] == [2, 2]
    assert found["runs"][0]["test"] != found["runs"][1]["test"]
    assert table == tails_table(tmp_path / "data" / "results")


@pytest.mark.usefixtures("two_strings")
def test_without_a_finished_run_there_is_nothing_to_sweep(tmp_path):
    with pytest.raises(DataError, match="no finished run of 'plain' in"):
        publish.try_tails(runs=tmp_path, data=tmp_path)


# What is published

FOUND = read_tails(resource("results"))


@pytest.mark.parametrize("one", FOUND["runs"], ids=lambda one: f"seed {one['seed']}")
@pytest.mark.parametrize("split", SPLITS)
def test_rests_tell_how_many_counts_are_right(one, split):
    """Two ways to count: by decoding, and from what is left of the weights."""
    utterances = list(
        zip(one[split]["full"], one[split]["rests"], FOUND["said"][split], strict=True)
    )
    for threshold in THRESHOLDS:
        right = sum(full + (rest > threshold) == said for full, rest, said in utterances)
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
    assert errors_of(one[split]["rules"]["above 0.5"]) == round(
        words * run[split]["token_error_rate"]
    )


def test_every_seed_was_swept():
    assert [one["seed"] for one in FOUND["runs"]] == [0, 1, 2]
    assert (resource("results") / tail_sweep.TAILS).stat().st_size < 60_000
