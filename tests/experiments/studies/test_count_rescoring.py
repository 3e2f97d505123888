"""What decoding at several counts gains: by hand, and on tiny recognisers."""

from types import SimpleNamespace

import numpy as np
import pytest

from cifviz.errors import DataError
from cifviz.published import ERROR_KINDS, read_study
from cifviz.systems.count_hypotheses import CountHypotheses, CountHypothesis
from experiments import studies
from experiments.studies import count_rescoring, run_study
from experiments.studies.count_rescoring import (
    GAIN,
    REACH,
    SCORERS,
    rescored,
    table,
    utterances_in,
    verdicts,
)
from experiments.studies.paired_seeds import TASKS
from tests.experiments.studies.nar_runs import (
    finished_run,
    noisy_string,
    published_run,
    published_study,
)
from tests.systems.tiny import tiny_recognizer

STRINGS = [noisy_string("one", "two", seed=1), noisy_string("four", seed=2)]


def candidates(*scores):
    """ "one", "one two", "one two two" with these scores; two of them fire by themselves."""
    words = ("one", "two", "two")
    return CountHypotheses(
        2,
        tuple(
            CountHypothesis(count, SimpleNamespace(tokens=words[:count]), (score,) * count)
            for count, score in enumerate(scores, start=1)
        ),
    )


def test_what_is_chosen_is_counted_by_hand(monkeypatch):
    """The CIF-AR prefers one token too few, the CIF-NAR one too many."""
    model, scorer = tiny_recognizer(0), tiny_recognizer(1, decoder="ar")
    found = {scorer: candidates(-0.1, -0.2, -0.3), model: candidates(-0.3, -0.2, -0.1)}
    monkeypatch.setattr(
        count_rescoring,
        "count_hypotheses",
        lambda model, waveform, judge, *, reach: found[judge.model],
    )
    monkeypatch.setattr(
        count_rescoring, "transcribe_all", lambda *_: [SimpleNamespace(tokens=("two",))]
    )
    scores = rescored(model, scorer, [noisy_string("one", "two", "two")])
    plain = {"deletions": 1, "insertions": 0, "substitutions": 0, "right_counts": 0}
    unchanged = {"changed": 0, "better": 0, "worse": 0}
    rates = {"tokens": 3, "token_error_rate": pytest.approx(1 / 3)}
    assert scores["ar"][0] == scores["own"][0] == {**rates, **plain, **unchanged}
    worse = {"deletions": 2, "token_error_rate": pytest.approx(2 / 3), "changed": 1, "worse": 1}
    assert scores["ar"][1:] == [{**rates, **plain, **unchanged, **worse}] * REACH
    right = {"deletions": 0, "token_error_rate": 0, "right_counts": 1, "changed": 1, "better": 1}
    assert scores["own"][1:] == [{**rates, **plain, **unchanged, **right}] * REACH
    assert scores["reference"] == scores["own"]
    alone = {"deletions": 2, "token_error_rate": pytest.approx(2 / 3)}
    assert scores["alone"] == {**rates, **plain, **alone}


def test_no_scorer_beats_the_reference():
    model = tiny_recognizer(0)
    model.start_at(0.1)
    scores = rescored(model, tiny_recognizer(1, decoder="ar"), STRINGS)
    rates = {name: [one["token_error_rate"] for one in scores[name]] for name in SCORERS}
    assert rates["reference"] == sorted(rates["reference"], reverse=True)
    for name in ("ar", "own"):
        assert len(rates[name]) == REACH + 1
        assert all(a >= b for a, b in zip(rates[name], rates["reference"], strict=True))
        assert scores[name][0]["changed"] == 0
    assert len({rates[name][0] for name in SCORERS}) == 1


def test_noise_is_added_in_one_condition_alone():
    assert utterances_in("as tested", STRINGS) == utterances_in("gain", STRINGS) == STRINGS
    noisy = utterances_in("noise", STRINGS)
    for one, before in zip(noisy, STRINGS, strict=True):
        assert one.words == before.words
        assert len(one.waveform.samples) == len(before.waveform.samples)
        assert not np.allclose(one.waveform.samples, before.waveform.samples)
    again = utterances_in("noise", STRINGS)
    np.testing.assert_array_equal(again[0].waveform.samples, noisy[0].waveform.samples)


def test_every_pair_of_runs_is_decoded_in_every_condition(tmp_path, monkeypatch):
    runs = tmp_path / "runs"
    for variant, seed in (("", 0), ("ar", 0), ("", 1), ("ar", 2)):
        finished_run(runs, "markov-digits", variant, seed)
    factors = []

    def load(recipe, folder):
        model = tiny_recognizer(decoder=recipe.config.decoder.kind)
        model.start_at(0.1)
        return model

    def watched(model, scorer, utterances):
        factors.append((model.cif.config.smooth_factor, scorer.cif.config.smooth_factor))
        return rescored(model, scorer, utterances)

    monkeypatch.setattr(count_rescoring, "loaded", load)
    monkeypatch.setattr(count_rescoring, "rescored", watched)
    monkeypatch.setattr(count_rescoring, "judged_utterances", lambda recipe: STRINGS)
    monkeypatch.setattr(studies, "checksum", lambda corpus: f"of {corpus}")
    text = run_study("count-rescoring", runs=runs, data=tmp_path / "data")
    found = read_study(tmp_path / "data" / "results", "count-rescoring")
    assert [(one["condition"], one["seed"]) for one in found["runs"]] == [
        ("as tested", 0),
        ("noise", 0),
        ("gain", 0),
    ]
    assert factors == [(1.0, 1.0), (1.0, 1.0), (GAIN, 1.0)]
    assert text == table(found)
    assert "| markov-digits | as tested | CIF-AR | 4 | 1 |" in text


def test_without_a_pair_there_is_nothing_to_decode(tmp_path, monkeypatch):
    finished_run(tmp_path, "markov-digits", "", 0)
    finished_run(tmp_path, "markov-digits", "ar", 1)
    monkeypatch.setattr(count_rescoring, "judged_utterances", lambda recipe: STRINGS)
    with pytest.raises(DataError, match="no finished runs of one seed with and without"):
        count_rescoring.run(runs=tmp_path, data=tmp_path)


def run_of(seed, *rates):
    """A run of two utterances and 100 tokens, with these rates at b = 0, 1 …"""
    scores = [
        {
            "tokens": 100,
            "token_error_rate": rate,
            **dict.fromkeys(("deletions", "insertions", "substitutions"), 0),
            **{"right_counts": 1, "changed": 2, "better": 1, "worse": 0},
        }
        for rate in rates
    ]
    alone = {name: value for name, value in scores[0].items() if name != "changed"}
    names = {"recipe": "markov-digits", "condition": "as tested", "seed": seed}
    return {**names, **dict.fromkeys(SCORERS, scores), "alone": alone}


@pytest.mark.parametrize(
    ("seeds", "change", "verdict"),
    [
        (3, (-0.1, -0.1, -0.1, 0.1), "reproduced (fewer at b = 1, 2, 3) (more at b = 4)."),
        (3, (-0.1, 0, 0, 0), "not reproduced (fewer at b = 1)."),
        (2, (-0.1, -0.1, -0.1, -0.1), "open, 2 of 3 seeds."),
    ],
)
def test_a_claim_is_judged_seed_by_seed(seeds, change, verdict):
    """Seeds differ by more than the change, but all change alike."""
    runs = [
        run_of(seed, 0.3 * seed + 0.2, *(0.3 * seed + 0.2 + one for one in change))
        for seed in range(seeds)
    ]
    found = {"utterances": {"markov-digits": 2}, "runs": runs}
    (line,) = verdicts(found)
    assert line.endswith(f"among counts, markov-digits, as tested: {verdict}")
    text = table(found)
    rows = [row for row in text.splitlines() if row.startswith("| markov-digits")]
    assert len(rows) == 1 + 4 + 2 + 1 + 1
    assert "100.0 ± 0.0 | 50.0 ± 0.0 | 0.0 ± 0.0 |  |" in rows[0]


# What is published


@pytest.mark.parametrize("one", published_study("count-rescoring"))
def test_without_a_choice_the_errors_are_those_that_were_published(one):
    for variant, scores in {"": one["ar"][0], "ar": one["alone"]}.items():
        run = published_run(one["recipe"], variant, one["seed"])[TASKS[one["recipe"]]]
        alike = [scores[kind] for kind in ERROR_KINDS] == [run[kind] for kind in ERROR_KINDS]
        changed = one["condition"] == "noise" or (one["condition"] == "gain" and not variant)
        assert alike != changed


@pytest.mark.parametrize("one", published_study("count-rescoring"))
def test_published_choices_are_within_their_bound(one):
    for name in SCORERS:
        for scores, bound in zip(one[name], one["reference"], strict=True):
            assert scores["token_error_rate"] >= bound["token_error_rate"]
            assert scores["better"] + scores["worse"] <= scores["changed"]
