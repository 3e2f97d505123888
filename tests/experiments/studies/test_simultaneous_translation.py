"""The study of simultaneous translation: by hand, and on translators without training."""

import pytest
import torch

from cifviz.core.tail import above
from cifviz.errors import DataError
from cifviz.published import ERROR_KINDS
from cifviz.systems.transcription import Transcription
from experiments.local_reordering import DIGITS_LANGUAGE
from experiments.recipes import find_recipe
from experiments.studies import simultaneous_translation
from experiments.studies.simultaneous_translation import (
    BETAS,
    JOINED,
    LAGGING,
    TITLES,
    Task,
    best_lagging,
    beta_table,
    by_run,
    compared_tasks,
    fire_table,
    fire_waits,
    fires_off,
    joined_utterances,
    run,
    scores_of,
    system_table,
    table,
    weight_outside,
    with_tail,
)
from tests.experiments.studies.nar_runs import finished_run, noisy_string
from tests.experiments.studies.untrained import untrained

STRINGS = [noisy_string("one", "two", seed=n, seconds=0.8) for n in range(5)]


def test_utterances_are_joined_each_once():
    made = joined_utterances(STRINGS, 2)
    assert [one.words.text for one in made] == ["one two one two"] * 2
    assert [one.waveform.duration for one in made] == pytest.approx([1.6, 1.6])
    assert joined_utterances(STRINGS, 4)[0].words.spans[-1] == pytest.approx((2.8, 3.2))


def test_the_best_interpreter_by_hand():
    """Of one and two, 0.4 s each, the first is known when the second is: both at 0.8 s, the end."""
    assert best_lagging(STRINGS[:1], DIGITS_LANGUAGE) == pytest.approx(
        {"AL": 0.8, "LAAL": 0.8, "DAL": 0.8}
    )
    two = [noisy_string("two", "two", seconds=0.8)]
    assert best_lagging(two, DIGITS_LANGUAGE)["AL"] == pytest.approx(0.4)


def test_a_translator_is_measured_against_the_translation():
    model = untrained(find_recipe("reordered-digits"), None)
    found = scores_of(model, STRINGS[:2], DIGITS_LANGUAGE)
    assert (found["utterances"], found["tokens"]) == (2, 4)
    assert found["token_error_rate"] * 4 == sum(found[kind] for kind in ERROR_KINDS)
    assert set(LAGGING) < found.keys()


def test_fires_are_timed_from_the_end_of_their_words():
    """Weight begins at 0.2 s: fires at 0.5 and 0.8 s; words end at 0.4 s, to wait for, and 0.8."""
    alpha = torch.full((20,), 2 / 15, dtype=torch.float64)
    alpha[:5] = 0
    fired = Transcription.from_alpha(alpha, ["a", "b"], frame_shift=0.04, slack=1e-6)
    found = fire_waits([fired], STRINGS[:1], DIGITS_LANGUAGE)
    assert found == pytest.approx({"known": 0.0, "waiting": 0.1}, abs=1e-5)
    # All weight lies in the words; beside shorter ones five frames of ten do.
    assert weight_outside([fired], STRINGS[:1]) == {"before": 0.0, "after": 0.0}
    late = [noisy_string("two", "two", seconds=0.4)]
    assert weight_outside([fired], late)["after"] == pytest.approx(2 - 5 * 2 / 15)
    # Two fires are one word and the end: one too few for two words, of which that is a half.
    assert fires_off([fired], STRINGS[:1]) == 0.5
    # In the order of the sound no word waits; a wrong number of fires is not timed.
    same = fire_waits([fired], STRINGS[:1], DIGITS_LANGUAGE.in_order)
    assert same["waiting"] is None and same["known"] == pytest.approx(0.05, abs=1e-5)
    four = [noisy_string("two", "two", "two", "two")]
    assert fire_waits([fired], four, DIGITS_LANGUAGE) == {"known": None, "waiting": None}
    by_clock = untrained(find_recipe("reordered-digits", "wait-4"), None)
    scores = scores_of(by_clock, STRINGS[:1], DIGITS_LANGUAGE)
    assert scores["fires_after"] == {"known": None, "waiting": None}
    assert scores["weight_outside"] == {"before": None, "after": None}
    assert scores["fires_off"] is None


@pytest.mark.slow
def test_every_run_translates_at_every_length_and_two_at_every_threshold(tmp_path, monkeypatch):
    for variant in ("", "wait-4", "in-order"):
        finished_run(tmp_path, "reordered-digits", variant, 0)
    monkeypatch.setattr(simultaneous_translation, "loaded", untrained)
    monkeypatch.setitem(
        simultaneous_translation.TASKS,
        "reordered-digits",
        Task(lambda: STRINGS[:4], DIGITS_LANGUAGE),
    )
    found = run(runs=tmp_path, data=tmp_path)
    of_run = {variant: [] for variant in ("", "wait-4", "in-order")}
    for one in found["runs"]:
        of_run[one["variant"]].append((one["joined"], one["beta"]))
    assert of_run["wait-4"] == of_run["in-order"] == [(factor, 1.0) for factor in JOINED]
    assert of_run[""] == [*of_run["wait-4"], *((1, beta) for beta in BETAS)]
    fires = {one["beta"]: one["utterances"] for one in found["runs"] if one["joined"] == 1}
    assert set(fires.values()) == {4}
    assert [one["joined"] for one in found["best"]] == list(JOINED)
    assert "| best interpreter | × 4 |" in table(found)


def test_the_recogniser_is_judged_with_the_tail_of_the_others():
    """Alike but for the tail, it would write on where the others end."""
    recipe = find_recipe("reordered-digits", "in-order")
    model = untrained(recipe, None)
    assert model.tail == above(0.5)
    assert with_tail(model).tail == find_recipe("reordered-digits").config.cif.tail == above(0.1)


def test_without_a_run_there_is_nothing_to_translate(tmp_path):
    with pytest.raises(DataError, match="no finished run of reordered-digits or reordered-grid"):
        run(runs=tmp_path, data=tmp_path)


# --- tables --------------------------------------------------------------------------------------


def scored(variant, seed, *, joined=1, beta=1.0, rate=0.5, lag=1.0):
    return {
        "recipe": "reordered-digits",
        "variant": variant,
        "seed": seed,
        "joined": joined,
        "beta": beta,
        "utterances": 2,
        "tokens": 10,
        "token_error_rate": rate,
        **dict.fromkeys(ERROR_KINDS, 0),
        "count_accuracy": 0.5,
        **dict.fromkeys(LAGGING, lag),
        "fires_after": dict.fromkeys(("known", "waiting"), lag),
        "weight_outside": {"before": 0.5, "after": 0.25},
        "fires_off": None if lag is None else 0.1,
    }


def test_systems_and_thresholds_have_tables_of_their_own():
    runs = [scored("", seed, joined=factor) for seed in range(2) for factor in JOINED]
    runs += [scored("", seed, beta=beta, lag=None) for seed in range(2) for beta in BETAS]
    runs += [scored("wait-2", 0, joined=factor, lag=None) for factor in JOINED]
    found = {"best": [], "runs": runs}
    lines = system_table(found, "reordered-digits").splitlines()[2:]
    assert [line.split(" | ")[:3] for line in lines] == [
        *(["| CIF-IL, one fire later", f"× {factor}", "2 of 3"] for factor in JOINED),
        *(["| wait-2, segments of 280 ms", f"× {factor}", "1 of 3"] for factor in JOINED),
    ]
    assert lines[0].endswith(
        "| 50.0 ± 0.0 | 1.00 ± 0.00 | 1.00 ± 0.00 | 1.00 ± 0.00 | 10.0 ± 0.0 |"
    )
    assert lines[-1].endswith("| – | – | – | – |")
    lines = beta_table(found, "reordered-digits").splitlines()[2:]
    assert [line.split(" | ")[1] for line in lines] == ["0.8", "0.9", "1", "1.1", "1.2"]
    assert system_table(found, "reordered-grid") == fire_table(found, "reordered-grid") == ""
    lines = fire_table(found, "reordered-digits").splitlines()[2:]
    assert lines == [
        "| CIF-IL, one fire later | 2 of 3 | 1.00 ± 0.00 | 1.00 ± 0.00 | 0.00 ± 0.00 "
        "| 0.50 ± 0.00 | 0.25 ± 0.00 |"
    ]
    assert {one["variant"] for one in runs} <= TITLES.keys()


def test_long_utterances_are_judged_by_how_many_errors_they_add():
    """CIF adds 5 points, wait-2 adds 20; a run that lacks a length is in no claim."""
    runs = []
    for seed in range(3):
        for variant, more in {"": 0.05, "wait-2-600ms": 0.2}.items():
            rates = {1: 0.1 * (seed + 1), 2: 0.0, 4: 0.1 * (seed + 1) + more}
            runs += [
                scored(variant, seed, joined=factor, rate=rate) for factor, rate in rates.items()
            ]
    runs.append(scored("fusion", 0))
    assert [one["variant"] for one in by_run(runs)] == ["", "wait-2-600ms"] * 3
    text = table({"best": [], "runs": runs})
    (row,) = [line for line in text.splitlines() if "generalises better" in line]
    assert "5.0 ± 0.0 against 20.0 ± 0.0" in row
    assert row.endswith("| reproduced |")
    # A second task is compared where more than one system was trained on it.
    grid = [{**one, "recipe": "reordered-grid"} for one in runs]
    alone = [one for one in grid if one["variant"] == ""]
    assert compared_tasks([*runs, *alone]) == ["reordered-digits"]
    assert compared_tasks([*runs, *grid]) == ["reordered-digits", "reordered-grid"]
