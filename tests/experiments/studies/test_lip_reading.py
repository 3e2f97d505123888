"""The study of lip reading: by hand, and on readers without training."""

import numpy as np
import pytest

from cifviz.errors import DataError
from cifviz.published import ERROR_KINDS
from experiments.recipes import drawn_lips, drawn_phones, find_recipe
from experiments.studies import lip_reading, nar_comparison
from experiments.studies.lip_reading import (
    LENGTHS,
    REACH,
    REACHES,
    SCORERS,
    TIMED,
    about_guessing,
    clock_table,
    confusions,
    reach_table,
    read_phones,
    run,
    system_table,
    table,
    time_table,
    timed_utterances,
    verdicts,
    viseme_matrix,
    viseme_table,
)
from tests.experiments.studies.nar_runs import finished_run
from tests.experiments.studies.untrained import untrained

PHONES = drawn_phones.VOCABULARY


def place(phone):
    return PHONES.index(phone)


def test_pairs_of_phones_are_counted_by_hand():
    """p for b once, b rightly once; the deleted and the inserted phone are in no pair."""
    counts = np.array(confusions([["b", "iː", "b", "ɛ"], ["m"]], [["p", "iː", "b"], ["m", "m"]]))
    found = {
        (PHONES[row], PHONES[column]): counts[row, column] for row, column in np.argwhere(counts)
    }
    assert found == {("b", "p"): 1, ("b", "b"): 1, ("iː", "iː"): 1, ("m", "m"): 1}


def test_phones_that_look_alike_are_one_viseme():
    counts = np.zeros((len(PHONES), len(PHONES)), int)
    counts[place("p"), place("m")] = 3
    counts[place("p"), place("f")] = 1
    counts[place("ɛ"), place("æ")] = 2
    names, shares = viseme_matrix(counts.tolist())
    row = dict(zip(names, shares[names.index("lips")], strict=True))
    assert row.pop("lips") == 0.75 and row.pop("lip and teeth") == 0.25
    assert set(row.values()) == {0.0}
    assert shares[names.index("half open"), names.index("half open")] == 1
    assert not shares[names.index("round")].any()


@pytest.fixture
def few(monkeypatch):
    """Few utterances, timed briefly, and readers without training."""
    for module in (drawn_lips, drawn_phones):
        monkeypatch.setattr(module, "UTTERANCES", {"dev": 2, "test": 2})
    monkeypatch.setattr(lip_reading, "LENGTHS", LENGTHS[:2])
    monkeypatch.setattr(lip_reading, "TIMED", 2)
    monkeypatch.setattr(nar_comparison, "LEAST_SECONDS", 1e-4)
    monkeypatch.setattr(lip_reading, "loaded", untrained)


@pytest.mark.usefixtures("few")
def test_visemes_have_no_more_errors_than_phones():
    recipe = find_recipe("drawn-phones")
    utterances = recipe.test()
    found = read_phones(untrained(recipe, None), utterances)
    for one, pictures, count in zip(utterances, found["pictures"], found["reference"], strict=True):
        assert len(one.words) == count
        spoken = one.words.spans[-1][1] - one.words.spans[0][0]
        assert pictures == pytest.approx(25 * spoken, abs=0.01)
        assert pictures < len(one.extras["video"])
    assert found["viseme_error_rate"] > 0
    assert sum(map(sum, found["confusions"])) <= sum(found["reference"])


def test_utterances_that_are_timed_have_the_lengths_of_the_table():
    assert [len(one.words) for one in timed_utterances()] == [
        n for n in LENGTHS for _ in range(TIMED)
    ]


@pytest.mark.slow
@pytest.mark.usefixtures("few")
def test_every_run_is_rescored_read_and_timed(tmp_path):
    for recipe, variant, seed in (
        ("drawn-lips", "", 1),
        ("drawn-lips", "ar", 1),
        ("drawn-lips", "50fps", 0),
        ("drawn-phones", "12fps", 2),
    ):
        finished_run(tmp_path, recipe, variant, seed)
    found = run(runs=tmp_path, data=tmp_path)
    assert [(one["variant"], one["seed"]) for one in found["rescored"]] == [("", 1), ("50fps", 0)]
    assert [(one["variant"], one["seed"]) for one in found["phones"]] == [("12fps", 2)]
    for one in found["rescored"]:
        assert set(SCORERS) < set(one)
        rates = [scores["token_error_rate"] for scores in one["reference"]]
        assert len(rates) == REACH + 1 and rates == sorted(rates, reverse=True)
        for scores, bound in zip(one["auxiliary"], one["reference"], strict=True):
            assert scores["token_error_rate"] >= bound["token_error_rate"]
    times = found["times"]
    assert times["seed"] == 1 and times["words"] == [2, 2, 4, 4]
    names = {"autoregressive", "NAR", *(f"NPD, b = {reach}" for reach in REACHES)}
    assert times.keys() == {"seed", "words", "given", *names}
    assert times["given"].keys() == names
    assert all(value > 0 for name in names for value in times[name])
    text = table({**found, "runs": []})
    assert "| 12.5 pictures/s | 1 of 3 |" in text and "| + warm-up | none | 0 | 1 of 3 |" in text


def test_without_both_readers_there_is_nothing_to_time(tmp_path):
    finished_run(tmp_path, "drawn-phones", "50fps", 0)
    finished_run(tmp_path, "drawn-lips", "", 0)
    finished_run(tmp_path, "drawn-lips", "ar", 1)
    assert lip_reading.time_pair(tmp_path) is None
    assert time_table({"phones": []}) == ""


def test_without_any_run_there_is_nothing_to_measure(tmp_path):
    with pytest.raises(DataError, match="no finished run of 'drawn-lips' or 'drawn-phones'"):
        run(runs=tmp_path, data=tmp_path)


# --- tables --------------------------------------------------------------------------------------


def scores(rate, **others):
    return {"tokens": 100, "token_error_rate": rate, **dict.fromkeys(ERROR_KINDS, 0), **others}


def test_systems_stand_by_clock_and_by_what_was_added():
    runs = [
        {
            "recipe": "drawn-lips",
            "variant": variant,
            "seed": seed,
            "test": scores(rate, count_accuracy=0.5),
        }
        for variant, rate in {"50fps-ar": 0.1, "": 0.3, "alone": 0.4}.items()
        for seed in range(2)
    ]
    lines = system_table(runs).splitlines()[2:]
    assert [line.split(" | ")[:3] for line in lines] == [
        ["| I&F-NAR", "25", "2 of 3"],
        ["| + warm-up", "25", "2 of 3"],
        ["| autoregressive", "50", "2 of 3"],
    ]
    assert "| 40.00 ± 0.00 |" in lines[0] and lines[0].endswith("| 50.0 ± 0.0 |")
    assert system_table([]) == ""


def test_a_larger_reach_is_judged_seed_by_seed():
    made = [
        {
            "variant": "",
            "seed": seed,
            "auxiliary": [
                scores(0.2 + 0.1 * seed - 0.05 * (reach > 0)) for reach in range(REACH + 1)
            ],
            "reference": [scores(0.1 * seed) for _ in range(REACH + 1)],
        }
        for seed in range(3)
    ]
    rows = reach_table(made).splitlines()[2:]
    assert len(rows) == 1 + REACH + 1
    assert all(row.endswith("| -5.00 ± 0.00, less |") for row in rows[1:-1])
    assert rows[-1].startswith("| + warm-up | the reference: a bound | 4 | 3 |")


def test_slopes_of_the_times_and_their_ratio():
    words = [length for length in LENGTHS for _ in range(TIMED)]
    wobble = [0.01, -0.01] * (len(words) // 2)  # some standard error
    times = {
        "seed": 0,
        "words": words,
        "given": {"autoregressive": [min(one, 6) for one in words], "NAR": words},
        "autoregressive": [2 * one + w for one, w in zip(words, wobble, strict=True)],
        "NAR": [3.0 + w for w in wobble],
    }
    text = time_table({"times": times, "processor": "any"})
    row = "| autoregressive | 4.00 (2.0) | 8.00 (4.0) | 12.00 (6.0) | 24.00 (6.0) | 48.00 (6.0) |"
    assert f"{row} 2.000 ± 0.00" in text
    assert "1.3, 2.7, 4.0 times as fast" in text and "reproduced in direction" in text


def test_counts_stand_by_clock_and_by_pictures_of_a_phone():
    counts = np.zeros((len(PHONES), len(PHONES)), int)
    counts[place("p"), [place("p"), place("b")]] = 3, 1
    one = {
        "variant": "12fps",
        "seed": 0,
        "pictures": [12, 40],
        "reference": [10, 10],
        "hypothesis": [8, 10],
        "confusions": counts.tolist(),
        "viseme_error_rate": 0.25,
    }
    text = clock_table([one])
    assert "| 12.5 pictures/s | 1 of 3 | 2.60 | 50.0 | 1.00 | 25.0 | 25.0 | 100.0 |" in text
    assert "| below 1.25 | 1 | 0.0 |" in text and "| 4 to 6 | 1 | 100.0 |" in text
    assert clock_table([]) == ""
    assert viseme_table({"phones": [one]}) == ""
    assert "| lips | 100.0 |" in viseme_table({"phones": [{**one, "variant": ""}]})


def test_a_reader_of_visemes_guesses_and_a_blind_one_seldom_hits_the_viseme():
    """5 visemes of 8 vowels, 6 of 16 consonants; 36 ordered pairs look alike, of 24 · 23."""
    assert "50.0 % of the phones wrong" in about_guessing()
    assert "6.5 % are in the same viseme" in about_guessing()


def counted(variant, seed, right):
    return {
        "variant": variant,
        "seed": seed,
        "reference": [5] * 10,
        "hypothesis": [5] * right + [4] * (10 - right),
    }


def test_claims_about_counts_are_judged_by_paired_seeds():
    phones = [
        counted(variant, seed, right - (seed == 1))
        for variant, right in {"": 8, "12fps": 4, "50fps": 8}.items()
        for seed in range(3)
    ]
    rescored = [
        {"variant": "", "seed": seed, "auxiliary": [scores(0.2)] + REACH * [scores(0.1)]}
        for seed in range(3)
    ]
    npd, faster, slower = verdicts({"rescored": rescored, "phones": phones})
    assert 'trained as "+ warm-up": b = 1: reproduced; b = 2: reproduced' in npd
    assert npd.endswith("Seeds: 3.")
    fewer, more = "Fewer wrong counts of phones at 50", "More wrong counts of phones at 12.5"
    assert faster.startswith(fewer) and "not reproduced: no difference" in faster
    assert slower.startswith(more) and ": reproduced. Seeds: 3." in slower
    few = [one for one in phones if one["seed"] < 2]
    assert all(": open. Seeds: 2 of 3." in one for one in verdicts({"rescored": [], "phones": few}))
