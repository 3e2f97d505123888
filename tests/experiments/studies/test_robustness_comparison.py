"""The robustness comparison: measuring by hand, its table on made-up numbers."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from cifviz.alignment.timed_tokens import Alignment
from cifviz.audio.waveform import Waveform
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.errors import CIFError
from cifviz.published import verdict
from experiments.studies import robustness_comparison
from experiments.studies.robustness_comparison import comparison_table, measure_sets, table
from tests.compared_runs import counts, runs
from tests.systems.synthetic import RATE, hummed

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
    utterances = [hummed("a", word_length=150), hummed("a", "b"), hummed("a", "b", "c")]
    utterances[1:] = [hummed("a", "b", lead=80), hummed("a", "b", "c", lead=80)]
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
    one, two = hummed("a"), hummed("b")
    model = Planted(monkeypatch, "abbaab", [0.0] * 6)
    measure_sets(model, {"x": [one, two], "y": [two, one]})
    order = [one, one, two, two, two, one]
    assert model.asked == [[utterance.waveform] for utterance in order]


def test_a_loop_shows_in_the_length_ratio(monkeypatch):
    model = Planted(monkeypatch, ["", "a " * 12], [0.0] * 2)
    counts = measure_sets(model, {"set": [hummed(*"aaaa")]})["set"]
    assert (counts["length_ratio"], counts["insertions"], counts["token_error_rate"]) == (3, 8, 2)


@pytest.mark.parametrize(
    ("utterances", "message"),
    [
        ([], "at least one word in 'set'"),
        ([hummed()], "at least one word in 'set'"),
        (
            [hummed("a"), LabelledUtterance(Waveform(np.zeros(0), RATE), Alignment())],
            "sound in each utterance of 'set'",
        ),
    ],
)
def test_what_cannot_be_measured_is_refused(monkeypatch, utterances, message):
    with pytest.raises(CIFError, match=message):
        measure_sets(Planted(monkeypatch, [], []), {"set": utterances})


# The table, on made-up numbers


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


def test_the_table_of_the_study_has_what_it_says_of_cif_and_of_ctc():
    published = runs("attention") + runs("cif") + runs("ctc")
    rows, says = table(published).split("\n\n- ")
    assert rows == comparison_table(published)
    claims = verdict(published) + verdict(published, frame="ctc")
    assert says.split("\n- ") == claims
    assert len(claims) == 12
