"""The robustness comparison: measuring by hand, table and verdict on made-up numbers."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from cifviz.alignment.timed_tokens import Alignment
from cifviz.audio.waveform import Waveform
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.errors import CIFError, DataError
from cifviz.published import LONGER, read_robustness_comparison, study_path, verdict
from experiments.studies import robustness_comparison
from experiments.studies.robustness_comparison import comparison_table, measure_sets, table
from tests.systems.synthetic import RATE, said

# Measuring


class Planted:
    """Gives the planted transcriptions one after the other, and takes the planted time."""

    def __init__(self, monkeypatch, texts, seconds):
        self.texts, self.seconds = list(texts), list(seconds)
        self.now, self.asked = 0.0, []
        monkeypatch.setattr(robustness_comparison.time, "perf_counter", lambda: self.now)

    def transcribe_batch(self, waveforms):
        self.asked.append(waveforms)
        self.now += self.seconds.pop(0)
        return [SimpleNamespace(tokens=tuple(self.texts.pop(0).split())) for _ in waveforms]


def test_errors_lengths_and_times_are_those_worked_out_by_hand(monkeypatch):
    # 230, 380 and 530 samples: 0.23, 0.38 and 0.53 s.
    utterances = [said("a", word_length=150), said("a", "b"), said("a", "b", "c")]
    utterances[1:] = [said("a", "b", lead=80), said("a", "b", "c", lead=80)]
    found = ["warm up", "a a", "b", "a b x"]  # an insertion, a deletion, a substitution
    model = Planted(monkeypatch, found, [100.0, 0.023, 0.076, 0.265])
    measured = measure_sets(model, {"set": utterances})
    assert json.loads(json.dumps(measured)) == measured
    (counts,) = measured.values()
    assert counts["utterances"] == 3
    assert counts["tokens"] == 6
    assert (counts["deletions"], counts["insertions"], counts["substitutions"]) == (1, 1, 1)
    assert counts["token_error_rate"] == 0.5
    assert counts["length_ratio"] == 1.0
    assert counts["seconds_per_utterance"] == pytest.approx(0.076)
    assert counts["real_time_factor"] == pytest.approx(0.2)  # of 0.1, 0.2 and 0.5
    assert counts["threads"] == 1


def test_utterances_are_transcribed_one_at_a_time_and_the_first_once_before(monkeypatch):
    one, two = said("a"), said("b")
    model = Planted(monkeypatch, "abbaab", [0.0] * 6)
    measure_sets(model, {"x": [one, two], "y": [two, one]})
    order = [one, one, two, two, two, one]
    assert model.asked == [[utterance.waveform] for utterance in order]


def test_a_loop_shows_in_the_length_ratio(monkeypatch):
    model = Planted(monkeypatch, ["", "a " * 12], [0.0] * 2)
    counts = measure_sets(model, {"set": [said(*"aaaa")]})["set"]
    assert (counts["length_ratio"], counts["insertions"], counts["token_error_rate"]) == (3, 8, 2)


@pytest.mark.parametrize(
    ("utterances", "message"),
    [
        ([], "at least one word in 'set'"),
        ([said()], "at least one word in 'set'"),
        (
            [said("a"), LabelledUtterance(Waveform(np.zeros(0), RATE), Alignment())],
            "sound in each utterance of 'set'",
        ),
    ],
)
def test_what_cannot_be_measured_is_refused(monkeypatch, utterances, message):
    with pytest.raises(CIFError, match=message):
        measure_sets(Planted(monkeypatch, [], []), {"set": utterances})


# Table and verdict, on made-up numbers


def counts(deleted=0, inserted=0, substituted=0, *, seconds=0.01, threads=1, tokens=100):
    return {
        "tokens": tokens,
        "token_error_rate": (deleted + inserted + substituted) / tokens,
        "deletions": deleted,
        "insertions": inserted,
        "substitutions": substituted,
        "length_ratio": 1 + (inserted - deleted) / tokens,
        "seconds_per_utterance": seconds,
        "threads": threads,
    }


def runs(system, jitter=(0, 1, 2), **errors):
    """Runs of a system with so many substitutions, in % of the tokens, in each condition."""
    kinds = {"in_domain": 2, "longer": 2, "repeated": 2, "noise_gap": 2, "truncated": 2, **errors}
    longer_, seconds = kinds.pop("longer"), kinds.pop("seconds", 0.01)
    return [
        {
            "system": system,
            "seed": seed,
            "conditions": {
                **{
                    name.replace("_", " "): counts(
                        *(errors if isinstance(errors, tuple) else (0, 0, errors + more)),
                        seconds=seconds,
                    )
                    for name, errors in kinds.items()
                },
                **{name: counts(0, 0, longer_ + more) for name in LONGER.values()},
            },
        }
        for seed, more in enumerate(jitter)
    ]


def judged(attention, cif, **names):
    """The first word of each sentence."""
    return [sentence.split(":")[0] for sentence in verdict(attention + cif, **names)]


def test_the_table_has_a_row_for_each_condition_and_system():
    results = [
        {"system": "cif", "seed": 0, "conditions": {"in domain": counts(1, 2, 3)}},
        {"system": "cif", "seed": 1, "conditions": {"in domain": counts(3, 2, 3, seconds=0.03)}},
        {"system": "ctc", "seed": 0, "conditions": {"loud": counts(5)}},
    ]
    _, rule, *rows = comparison_table(results).split("\n\n")[0].splitlines()
    assert rule.count("|") == rows[0].count("|") == 10
    assert rows == [
        "| in domain | cif | 2 | 7.00 ± 1.41 | 2.00 ± 1.41 | 2.00 ± 0.00 | 3.00 ± 0.00 "
        "| 1.00 ± 0.01 | 20.00 ± 14.14 |",
        "| loud | ctc | 1 | 5.00 | 5.00 | 0.00 | 0.00 | 0.95 | 10.00 |",
    ]


def test_the_table_says_what_is_the_papers_and_what_is_not():
    assert comparison_table(runs("cif")).endswith("\n\n" + robustness_comparison.SOURCE)


def test_a_label_synchronous_system_that_fails_as_expected_confirms_everything():
    worse = {"longer": 80, "repeated": (30, 0, 0), "noise_gap": 20, "truncated": 9}
    few = (0, 0.1, 0.2)
    assert (
        judged(runs("attention", few, seconds=0.05, **worse), runs("cif", few, seconds=0.01))
        == ["Confirmed"] * 6
    )


def test_the_opposite_contradicts_everything():
    worse = {"in_domain": 9, "longer": 80, "repeated": (30, 0, 0), "noise_gap": 40, "truncated": 30}
    few = (0, 0.1, 0.2)
    assert (
        judged(runs("attention", few, seconds=0.01), runs("cif", few, seconds=0.05, **worse))
        == ["Contradicted"] * 6
    )


def test_systems_are_apart_in_domain_whichever_is_the_worse():
    few = (0, 0.1, 0.2)
    good, bad = {"in_domain": 2}, {"in_domain": 7}
    assert judged(runs("attention", few, **good), runs("cif", few, **bad))[0] == "Contradicted"
    assert judged(runs("attention", few, **bad), runs("cif", few, **good))[0] == "Contradicted"
    almost = {"in_domain": 3}  # a point apart
    assert judged(runs("attention", few, **almost), runs("cif", few, **good))[0] == "Confirmed"


def test_differences_inside_the_spread_are_open():
    wild = (0, 8, 16)  # ± 8 points
    attention = runs("attention", wild, longer=15, noise_gap=3, truncated=1)
    assert judged(attention, runs("cif", wild))[:1] == ["Open"]
    sentences = verdict(attention + runs("cif", wild))
    assert sentences[0] == (
        "Open: in domain attention and cif are close "
        "(token error rate: attention 10.00 ± 8.00 %, cif 10.00 ± 8.00 %)."
    )


def test_a_rise_inside_the_spread_is_open_and_outside_is_not():
    def noisy(system, *rates):
        group = runs(system, (0, 0, 0))
        for one, rate in zip(group, rates, strict=True):
            one["conditions"]["noise gap"] = counts(0, 0, rate)
        return group

    cif = noisy("cif", 6, 7, 8)  # in domain 2: rises of 5 ± 1 points
    assert judged(noisy("attention", 7, 8, 9), cif)[3] == "Open"
    assert judged(noisy("attention", 8, 9, 10), cif)[3] == "Open"  # 7 ± 1: the ranges touch
    assert judged(noisy("attention", 9, 10, 11), cif)[3] == "Confirmed"
    assert judged(noisy("attention", 3, 4, 5), cif)[3] == "Contradicted"


def test_what_a_system_loses_in_domain_is_not_held_against_it_elsewhere():
    weak = runs("attention", in_domain=30, noise_gap=31, truncated=32)
    sentences = verdict(weak + runs("cif", noise_gap=12))
    assert sentences[3].startswith("Contradicted: noise between words")
    assert "attention 1.00 ± 0.00 points, cif 10.00 ± 0.00 points" in sentences[3]


def test_length_breaks_one_system_only_or_the_claim_is_wrong():
    fine, broken = {"longer": 5}, {"longer": 60}
    assert judged(runs("attention", **broken), runs("cif", **fine))[1] == "Confirmed"
    assert judged(runs("attention", **broken), runs("cif", **broken))[1] == "Contradicted"
    assert judged(runs("attention", **fine), runs("cif", **fine))[1] == "Contradicted"
    assert judged(runs("attention", longer=12), runs("cif", **fine))[1] == "Open"


def test_longer_sets_count_together():
    attention = runs("attention")
    for one in attention:
        one["conditions"]["5 times longer"] = counts(0, 0, 262, tokens=300)
    # (3 sets · about 2 of 100 + 262 of 300) / 600, less about 2 %
    (sentence,) = verdict(attention + runs("cif"))[1:2]
    assert sentence.startswith("Confirmed")
    assert "attention 42.17 ± 0.50 points" in sentence


def test_substituted_words_are_neither_skipped_nor_looped():
    attention = runs("attention", repeated=(0, 0, 50))
    assert judged(attention, runs("cif", repeated=(0, 0, 2)))[2] == "Open"
    assert judged(runs("attention", repeated=(0, 9, 0)), runs("cif"))[2] == "Confirmed"


def test_a_single_run_leaves_all_open():
    worse = {"longer": 80, "repeated": (30, 0, 0), "noise_gap": 20, "truncated": 9}
    assert judged(runs("attention", (0,), **worse), runs("cif", (0,))) == ["Open"] * 6


def test_times_with_other_numbers_of_threads_are_not_compared():
    attention, cif = runs("attention", seconds=0.05), runs("cif")
    assert verdict(attention + cif)[5].startswith("Confirmed: cif takes less time")
    for one in cif:
        one["conditions"]["in domain"]["threads"] = 2
    assert verdict(attention + cif)[5] == (
        "Open: cif takes less time for an utterance than attention (torch threads 1 and 2; "
        "in domain: attention 50.00 ± 0.00 ms, cif 10.00 ± 0.00 ms)."
    )


def test_any_pair_of_systems_can_be_judged():
    results = runs("las") + runs("ctc")
    assert "las and ctc are close" in verdict(results, label="las", frame="ctc")[0]
    with pytest.raises(CIFError, match="runs of the system 'attention', got none"):
        verdict(results)


def test_a_missing_condition_is_named():
    results = runs("attention") + runs("cif")
    del results[4]["conditions"]["noise gap"]
    with pytest.raises(CIFError, match="'cif' with seed 1 lacks the sets .'noise gap'."):
        verdict(results)


def test_a_comparison_is_read_from_where_it_was_published(tmp_path):
    path = study_path(tmp_path, "robustness-comparison")
    path.parent.mkdir()
    path.write_text(json.dumps({"command": "cifviz compare", "runs": runs("cif")}), "utf-8")
    assert read_robustness_comparison(tmp_path) == runs("cif")


def test_a_comparison_that_nobody_made_says_what_to_run(tmp_path):
    with pytest.raises(DataError, match="run `python -m experiments study robustness-comparison`"):
        read_robustness_comparison(tmp_path)


def test_the_table_of_the_study_has_what_it_says_of_cif_and_of_ctc():
    published = runs("attention") + runs("cif") + runs("ctc")
    rows, says = table(published).split("\n\n- ")
    assert rows == comparison_table(published)
    claims = verdict(published) + verdict(published, frame="ctc")
    assert says.split("\n- ") == claims
    assert len(claims) == 12
