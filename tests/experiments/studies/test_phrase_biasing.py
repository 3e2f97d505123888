"""What a list of phrases changes: by hand, on a tiny recogniser, and what is published."""

from dataclasses import replace

import pytest
import torch

from cifviz.errors import DataError
from cifviz.published import read_study
from cifviz.systems.coldec import ColDecConfig, ColDecRecognizer
from cifviz.systems.context_network import ContextConfig
from experiments import studies
from experiments.biasing_task import BiasingTask, Call
from experiments.studies import phrase_biasing, run_study
from experiments.studies.phrase_biasing import (
    Fired,
    context_log_probs,
    decoded,
    fire,
    measured_model,
    no_bias,
    scores,
    table,
)
from experiments.studies.phrase_claims import verdict
from experiments.studies.phrase_tables import counts
from tests.experiments.studies.nar_runs import (
    finished_run,
    noisy_string,
    published_run,
    published_study,
)
from tests.systems.tiny import tiny_config

CALLS = [
    Call(noisy_string("one", "two", "four", seconds=0.9, seed=1), ("one", "two"), True),
    Call(noisy_string("two", "one", "zero", seconds=0.9, seed=2), ("two", "one"), False),
]
OTHERS = [("three", "four"), ("four", "four"), ("zero",)]
TASK = BiasingTask("code-digits", lambda: CALLS, lambda: OTHERS, (1, 2))


def model(seed=0):
    torch.manual_seed(seed)
    parts = vars(tiny_config())
    sizes = {"ctxt_encoder_hidden_size": 8, "ctxt_encoder_filter_size": 8, "ctxt_num_heads": 2}
    made = ColDecRecognizer(ColDecConfig(**parts, context=ContextConfig(**sizes))).eval()
    made.start_at(0.15)
    return made


def test_scores_by_hand():
    """A "two" became "one", and so a listed phrase that nobody spoke; all else is right."""
    ids = [torch.tensor([1, 1, 4]), torch.tensor([2, 1, 0])]
    lists = [[("one", "two"), ("one", "one")], [("two", "one")]]
    assert scores(model(), CALLS, ids, lists) == {
        "biased": 1,
        "biased_tokens": 4,
        "unbiased": 0,
        "unbiased_tokens": 2,
        "recognised": 2,
        "right": 1,
        "wanted": 2,
        "found": 1,
    }


def test_no_bias_is_the_mean_inside_and_outside_of_phrases_where_counts_are_right():
    fired = [Fired(torch.zeros(fires, 16), torch.zeros(fires, 5)) for fires in (3, 1)]
    biases = [torch.tensor([[0.9, 0.1], [0.7, 0.3], [0.5, 0.5]]).log(), torch.zeros(1, 2)]
    assert no_bias(CALLS, fired, biases) == {"inside": 0.2, "outside": 0.5}


def test_what_is_decoded_here_is_what_the_system_transcribes():
    """All utterances fired at once, then decoded for any λ, and by its own `transcribe`."""
    made = model()
    fired = fire(made, [call.utterance.waveform for call in CALLS])
    assert min(len(one.embeddings) for one in fired) > 0
    lists = [[call.phrase, *TASK.distractors(call.phrase, 2)] for call in CALLS]
    biases = context_log_probs(made, fired, lists)
    for weight in (0.0, 0.5, 1.0):
        for call, phrases, ids in zip(
            CALLS, lists, decoded(fired, biases, weight, "alone"), strict=True
        ):
            request = {"phrases": [" ".join(one) for one in phrases], "phrase_weight": weight}
            found = made.transcribe(call.utterance.waveform, **request)
            assert list(found.tokens) == [made.config.vocabulary[i] for i in ids.tolist()]


def test_without_weight_a_list_changes_no_token():
    found = measured_model(model(), TASK)
    kinds = ("biased", "biased_tokens", "unbiased", "unbiased_tokens", "wanted", "found")
    for group in ("seen", "unseen"):
        alone = found["scores"][group]["0"]
        for size in ("1", "2"):
            listed = found["scores"][group][size]["alone"]["0"]
            assert [listed[kind] for kind in kinds] == [alone[kind] for kind in kinds]
    assert set(found["no_bias"]) == {"1", "2"}
    assert found["false"]["alone"]["0"]["wanted"] == 2


def counted(**changed):
    usual = {
        "biased": 2,
        "biased_tokens": 10,
        "unbiased": 1,
        "unbiased_tokens": 10,
        "recognised": 4,
        "right": 4,
        "wanted": 8,
        "found": 4,
    }
    return {**usual, **changed}


def measured(variant, seed, found):
    """A run that finds so many phrases of 8 in either group with any list, with λ = 0 4."""
    better = counted(found=found, right=found, recognised=found)
    by_weight = {"alone": {"0": counted(), "0.5": better}, "shared": {"0.5": better}}
    sizes = {"0": counted(), "10": by_weight, "100": by_weight, "1000": by_weight}
    sure = {size: {"inside": 0.25, "outside": 0.75} for size in ("10", "100", "1000")}
    return {
        "recipe": "code-digits",
        "variant": variant,
        "seed": seed,
        "scores": {"seen": sizes, "unseen": sizes},
        "no_bias": sure,
        "false": by_weight,
    }


def found_of(*runs):
    times = [{"phrases": size, "ms": 2.0, "bytes": 2**20} for size in (0, 10_000)]
    costs = [{"variant": "coldec", "times": times}]
    return {"processor": "abacus", "threads": 1, "runs": runs, "costs": costs}


def all_of_them(better=6):
    runs = [("coldec", 5), ("finecos", better)]
    return found_of(*(measured(*one, found) for one, found in _by_seed(runs)))


def _by_seed(runs):
    return [((variant, seed), found) for variant, found in runs for seed in range(3)]


def test_tables_say_what_was_measured():
    text = table(all_of_them())
    assert "| 100 | none | 3 | seen | 20.0 ± 0.0 | 10.0 ± 0.0 | 100.0 ± 0.0 | 50.0 ± 0.0 |" in text
    assert "| 100 | FineCoS | 3 | unseen | 20.0 ± 0.0 | 10.0 ± 0.0 | 100.0 ± 0.0 | 75.0" in text
    assert "| ColDec | 2 ms, 1.0 MiB | 2 ms, 1.0 MiB |" in text
    assert "| code-digits | ColDec | 0.25 ± 0.00 | 0.75 ± 0.00 |" in text


def test_goals_are_relative_to_no_list():
    text = table(all_of_them())
    assert (
        "ColDec, 100 distractors: recall 50.0 ± 0.0 → 62.5 ± 0.0, 25 ± 0 % more (goal 30: not"
        in text
    )
    assert (
        "FineCoS, 100 distractors: recall 50.0 ± 0.0 → 75.0 ± 0.0, 50 ± 0 % more (goal 30: reached)"
        in text
    )
    assert "errors elsewhere 10.0 ± 0.0 → 10.0 ± 0.0: not worse." in text
    assert "F1 of FineCoS above that of ColDec with 1000 distractors" in text
    assert text.count(": yes.") == 1
    assert ": no." in table(all_of_them(better=5))


def test_claims_are_open_with_fewer_than_three_seeds():
    text = table(found_of(measured("coldec", 0, 5), measured("finecos", 0, 6)))
    assert "reproduced" not in text
    assert "| open |" in text


@pytest.mark.parametrize(
    ("judgement", "expected", "found"),
    [
        ("less", "less", "reproduced"),
        ("more", "less", "not reproduced: the contrary"),
        ("less", "not more", "reproduced"),
        ("more", "not more", "not reproduced: the contrary"),
        ("open", "not more", "open"),
    ],
)
def test_verdicts(judgement, expected, found):
    assert verdict(judgement, expected) == found


def test_counts_of_both_groups_are_added():
    one = measured("coldec", 0, 5)
    assert counts(one, "10")["found"] == 10
    assert counts(one, "10", groups=["seen"])["found"] == 5
    assert counts(one, "0")["wanted"] == 16


def test_every_finished_run_is_measured(tmp_path, monkeypatch):
    runs = tmp_path / "runs"
    models = {
        finished_run(runs, "code-digits", variant, seed): model(seed)
        for variant, seed in (("coldec", 0), ("coldec", 1), ("finecos", 1))
    }
    monkeypatch.setattr(phrase_biasing, "TASKS", (replace(TASK, sizes=(1, 100)),))
    monkeypatch.setattr(phrase_biasing, "TIMED_SIZES", (0, 2))
    monkeypatch.setattr(phrase_biasing, "loaded", lambda recipe, folder: models[folder])
    monkeypatch.setattr(studies, "checksum", lambda corpus: f"of {corpus}")
    text = run_study("phrase-biasing", runs=runs, data=tmp_path / "data")
    found = read_study(tmp_path / "data" / "results", "phrase-biasing")
    known = [(one["variant"], one["seed"]) for one in found["runs"]]
    assert known == [("coldec", 0), ("coldec", 1), ("finecos", 1)]
    assert [one["variant"] for one in found["costs"]] == ["coldec"]
    assert all(cost["bytes"] > 0 for cost in found["costs"][0]["times"])
    assert text == table(found)
    assert "| 100 | ColDec | 2 | unseen |" in text


def test_without_a_finished_run_there_is_nothing_to_measure(tmp_path):
    with pytest.raises(DataError, match="no finished run of a system with phrases of code-digits"):
        phrase_biasing.run(runs=tmp_path, data=tmp_path)


# What is published


@pytest.mark.parametrize("one", published_study("phrase-biasing"))
def test_published_systems_are_the_same_body_without_a_list(one):
    """The study and the measurement of the run count the errors of the test set, each its way."""
    if one["recipe"] != "code-digits":
        pytest.skip("its utterances are in noise, those of the run are not")
    alone = counts(one, "0")
    run = published_run(one["recipe"], one["variant"], one["seed"])["test"]
    kinds = ("deletions", "insertions", "substitutions")
    assert alone["biased"] + alone["unbiased"] == sum(run[kind] for kind in kinds)
    assert alone["biased_tokens"] + alone["unbiased_tokens"] == run["tokens"]
    for group in one["scores"].values():
        for size, listed in group.items():
            if size != "0":
                unlisted = listed["alone"]["0"]
                assert [unlisted[k] for k in ("biased", "unbiased", "found")] == [
                    group["0"][k] for k in ("biased", "unbiased", "found")
                ]
