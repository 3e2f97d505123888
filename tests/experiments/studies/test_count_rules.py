"""How a CIF counts in inference: by hand, on tiny recognisers, and what is published."""

import math
from types import SimpleNamespace

import pytest

from cifviz.core.tail import above, drop, dynamic, rounded
from cifviz.errors import DataError
from cifviz.published import ERROR_KINDS, read_study
from cifviz.resources import resource
from experiments import studies
from experiments.studies import count_rules, run_study
from experiments.studies.count_rules import bias_of_the_ceiling, count_by_rule, table, weight_sums
from experiments.studies.paired_seeds import TASKS
from tests.experiments.studies.nar_runs import (
    finished_run,
    noisy_string,
    published_run,
    published_study,
)
from tests.systems.tiny import tiny_recognizer

STRINGS = [noisy_string("one", "two", seed=1), noisy_string("one", seed=2), noisy_string(seed=3)]


def test_words_are_counted_by_hand(monkeypatch):
    """The string "one two", recognised as each rule would have it."""
    recognised = {above(0.5): ("one", "two"), drop: ("one",), rounded: ("one", "one")}
    recognised[dynamic] = ("one", "two", "two")

    def transcribe(model, utterances):
        return [SimpleNamespace(tokens=recognised[model.cif.config.tail]) for _ in utterances]

    monkeypatch.setattr(count_rules, "transcribe_all", transcribe)
    model = tiny_recognizer()
    config = model.cif.config
    found = count_by_rule(model, STRINGS[:1])
    assert model.cif.config is config
    errors = {
        name: [*(one[kind] for kind in ERROR_KINDS), one["right_counts"], one["count_error"]]
        for name, one in found.items()
    }
    assert errors == {
        "above": [0, 0, 0, 1, 0],
        "drop": [1, 0, 0, 0, -1],
        "rounded": [0, 0, 1, 1, 0],
        "dynamic": [0, 1, 0, 0, 1],
    }


def test_sums_of_weights_tell_the_counts_of_every_rule():
    """Two ways to count: by decoding, and from the sums."""
    model = tiny_recognizer()
    model.start_at(0.1)
    sums = weight_sums(model, STRINGS)
    assert all(0.01 < total % 1 < 0.98 and abs(total % 1 - 0.5) > 0.01 for total in sums)
    words = [len(one.words) for one in STRINGS]
    tokens = {"drop": math.floor, "above": round, "rounded": round, "dynamic": math.ceil}
    for name, one in count_by_rule(model, STRINGS).items():
        extra = [tokens[name](total) - count for total, count in zip(sums, words, strict=True)]
        assert one["count_error"] == pytest.approx(sum(extra) / 3)
        assert one["right_counts"] == extra.count(0)


def measured(seed, *, ceiling, rounding=0.0, sums=(2.1, 1.9)):
    """A run on two strings of two words."""
    scores = {
        "tokens": 4,
        "token_error_rate": 0.25,
        "deletions": 1,
        "insertions": 0,
        "substitutions": 0,
        "right_counts": 1,
        "count_error": rounding,
    }
    rules = dict.fromkeys(count_rules.RULES, scores)
    rules["dynamic"] = {**scores, "token_error_rate": 0.5, "count_error": ceiling}
    names = {"recipe": "markov-digits", "variant": "", "seed": seed}
    return {**names, "sums": list(sums), "rules": rules}


def found_of(*runs):
    return {"words": {"markov-digits": [2, 2]}, "runs": runs}


def test_a_table_has_errors_and_what_a_rule_changes():
    text = table(found_of(*(measured(seed, ceiling=0.5) for seed in range(3))))
    assert (
        "| markov-digits | CIF-NAR | dynamic, by the ceiling | 3 | 50.00 ± 0.00 | 25.00 ± 0.00 | "
        "0.00 ± 0.00 | 0.00 ± 0.00 | 50.0 ± 0.0 | 0.50 ± 0.00 | +25.00 ± 0.00, more |" in text
    )
    assert "| above 0.5 is" not in text
    assert "half a token too many" in text
    assert "20 000 hours), markov-digits, CIF-NAR: no, more." in text
    assert "by rounding (expected here), markov-digits, CIF-NAR: no difference." in text


def test_the_bias_of_the_ceiling_is_judged_against_rounding():
    (line,) = bias_of_the_ceiling(found_of(*(measured(seed, ceiling=0.5) for seed in range(3))))
    assert "above 0 in 50 ± 0 % of the utterances" in line
    assert line.endswith("by rounding 0.00 ± 0.00: the bias shows.")
    runs = [measured(seed, ceiling=0.5 * seed - 0.5) for seed in range(3)]
    (line,) = bias_of_the_ceiling(found_of(*runs))
    assert line.endswith("no bias shows.")
    (line,) = bias_of_the_ceiling(found_of(*runs[:2]))
    assert line.endswith("2 of 3 seeds: nothing is claimed.")


def test_every_finished_run_is_decoded_by_every_rule(tmp_path, monkeypatch):
    runs = tmp_path / "runs"
    models = {
        finished_run(runs, "markov-digits", variant, seed): tiny_recognizer(seed)
        for variant, seed in (("", 0), ("", 1), ("paraformer", 1), ("ar", 0))
    }
    monkeypatch.setattr(count_rules, "loaded", lambda recipe, folder: models[folder])
    monkeypatch.setattr(count_rules, "judged_utterances", lambda recipe: STRINGS)
    monkeypatch.setattr(studies, "checksum", lambda corpus: f"of {corpus}")
    text = run_study("count-rules", runs=runs, data=tmp_path / "data")
    found = read_study(tmp_path / "data" / "results", "count-rules")
    assert found["words"] == {"markov-digits": [2, 1, 0], "small-grid": [2, 1, 0]}
    assert [(one["variant"], one["seed"]) for one in found["runs"]] == [
        ("", 0),
        ("", 1),
        ("paraformer", 1),
    ]
    assert text == table(found)
    assert "| markov-digits | CIF-NAR | fixed, the residual is dropped | 2 |" in text


def test_without_a_finished_run_there_is_nothing_to_decode(tmp_path, monkeypatch):
    monkeypatch.setattr(count_rules, "judged_utterances", lambda recipe: STRINGS)
    with pytest.raises(DataError, match="no finished run of markov-digits or small-grid in"):
        count_rules.run(runs=tmp_path, data=tmp_path)


# What is published


@pytest.mark.parametrize("one", published_study("count-rules"))
def test_the_recipe_s_own_rule_makes_the_errors_that_were_published(one):
    run = published_run(one["recipe"], one["variant"], one["seed"])[TASKS[one["recipe"]]]
    errors = one["rules"]["above"]
    assert [errors[kind] for kind in ERROR_KINDS] == [run[kind] for kind in ERROR_KINDS]
    assert errors["right_counts"] == round(run["count_accuracy"] * run["utterances"])


@pytest.mark.parametrize("one", published_study("count-rules"))
def test_published_sums_tell_what_the_ceiling_adds(one):
    """Two ways to count, but for what rounding the sums to three decimals changes."""
    words = read_study(resource("results"), "count-rules")["words"][one["recipe"]]
    low, high = (
        sum(math.ceil(total + off) for total in one["sums"]) - sum(words) for off in (-5e-4, 5e-4)
    )
    assert low <= round(one["rules"]["dynamic"]["count_error"] * len(words)) <= high
