"""The study of CIF on word boundaries of English: trivial bars, scores by hand, and its tables."""

import math
from dataclasses import replace

import numpy as np
import pytest

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.waveform import SAMPLE_RATE, Waveform
from cifviz.corpora.pronunciation import SpokenWord
from experiments.english_words import TranscribedUtterance
from experiments.studies import english_alignment as study


def utterance(name="one"):
    """Words of one and three phones from 0.1 to 0.9 s."""
    words = (SpokenWord("a", 0, 1, ("ə",)), SpokenWord("cat", 2, 5, ("k", "æ", "t")))
    times = Alignment((TimedToken("a", 0.1, 0.4), TimedToken("cat", 0.5, 0.9)))
    return TranscribedUtterance(name, Waveform(np.zeros(SAMPLE_RATE, np.float32)), words, times)


def test_trivial_bars_share_what_lies_between_the_true_ends():
    equal, by_phones = study.equal_words(utterance()), study.words_by_phones(utterance())
    assert np.array(equal.spans) == pytest.approx(np.array([[0.1, 0.5], [0.5, 0.9]]))
    assert np.array(by_phones.spans) == pytest.approx(np.array([[0.1, 0.3], [0.3, 0.9]]))


def errors(method=study.equal_words):
    sets = {study.HAND: [utterance(), utterance("two")]}
    return study.errors_of(method, {**sets, **{name: [utterance()] for name in study.OTHERS}})


def test_errors_are_those_of_both_edges_with_their_times():
    found = errors()[study.HAND]["one"]
    assert found[..., 0] == pytest.approx(np.array([[0.0, 0.1], [0.0, 0.0]]))
    assert found[..., 1] == pytest.approx(np.array([[0.1, 0.4], [0.5, 0.9]]))


def test_scores_are_of_each_edge_in_milliseconds():
    scores = study.scores_of([errors()[study.HAND]["one"][None]])
    assert scores["onset"]["mean_absolute"] == 0
    assert scores["offset"]["mean_absolute"] == pytest.approx(50)
    assert scores["offset"]["median_absolute"] == pytest.approx(50)
    assert scores["both"]["within_50ms"] == 0.75
    assert scores["interval_ms"] == [25.0, 25.0]  # of a single utterance


def test_edges_that_are_none_are_left_out():
    edges = errors()[study.HAND]["one"]
    kept = study.without(edges, "one", {("one", 0, 1), ("two", 1, 0)})
    assert math.isnan(kept[0, 1, 0])
    assert np.isfinite(kept).sum() == edges.size - 2
    assert study.scores_of([kept[None]])["both"]["mean_absolute"] == 0


def test_a_row_is_compared_with_ctc_utterance_by_utterance():
    mine, ctc = errors(), errors(study.words_by_phones)
    found = study.measured([mine], [ctc], set())
    # Onsets of 0 and 0, offsets of 100 and 0; of CTC 0 and 200, 100 and 0.
    assert found[study.HAND]["both"]["mean_absolute"] == pytest.approx(25)
    assert found[study.HAND]["to_ctc_ms"] == pytest.approx([-50.0, -50.0])
    assert found[study.HAND]["each_seed_ms"] == [25.0]


def test_the_tables_show_every_row_and_set():
    rows = {
        study.JUDGE: study.measured([errors()], [], set()),
        study.CTC_ROW: study.measured([errors(study.words_by_phones)] * 2, [errors()] * 2, set()),
    }
    scores = {"phones": 8, "cif": 0.2, "segments": 0.15, "ctc": 0.1, "count": 0.03}
    scores |= {"count_pooled": 0.025, "segments_count": 0.02}
    found = {
        "rows": rows,
        "recognition": [{"samples": scores}, {"samples": {**scores, "cif": 0.4}}],
        "text": {"samples": 0.02},
        "czech": {"cs": {study.CTC_ROW: {"seeds": 2, **rows[study.JUDGE][study.HAND]["both"]}}},
    }
    text = study.table(found)
    assert "| pocketsphinx | 1 | 25.0 (25.0 to 25.0) | 25.0 | 0.0 | 0.0 | 50.0 | 50.0 |" in text
    assert "| CTC forced | 2 | 75.0" in text
    assert "| CTC forced | the voice of Czech | 2 | 25.0 | " in text
    assert "| samples | 30.0 | 15.0 | 10.0 | 3.0 | 2.5 | 2.0 | 2.0 |" in text


def test_three_pairs_of_labels_overlap(cifviz_data):
    forced = study.overlapping()
    assert len(forced) == 6
    words = {one.id: [word.text for word in one.words] for one in study.hand_labelled()}
    assert len(words) == 12
    named = {words[name][place] for name, place, _ in forced}
    assert named == {"considered", "beautiful", "his", "strengths", "always", "so"}


def test_the_czech_utterance_is_read_by_two_voices(cifviz_data):
    one, other = study.czech("cs"), study.czech("en-us")
    assert [word.text for word in one.words] == [word.token for word in one.times]
    assert one.times == other.times and one.words != other.words
    found = study.czech_scores([study.equal_words], "cs")
    assert (found["seeds"], found["mean_absolute"]) == (1, pytest.approx(242.3, abs=0.5))


def test_noise_is_ten_decibels_below_the_whole():
    samples = np.random.default_rng(0).standard_normal(SAMPLE_RATE).astype(np.float32)
    one = replace(utterance(), waveform=Waveform(samples, SAMPLE_RATE))
    added = study.noisy(one).waveform.samples - samples
    assert 10 * np.log10(np.mean(samples**2) / np.mean(added**2)) == pytest.approx(10, abs=0.01)
    assert study.noisy(one).times == one.times


def test_an_utterance_that_is_not_aligned_is_left_out():
    untimed = Alignment((TimedToken("a"), TimedToken("cat")))
    found = errors(lambda one: untimed if one.id == "two" else study.equal_words(one))
    assert np.isnan(found[study.HAND]["two"][..., 0]).all()
    scores = study.measured([found], [], set())[study.HAND]
    assert scores["both"]["mean_absolute"] == pytest.approx(25)
