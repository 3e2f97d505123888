"""What the models know of the utterances aligned by hand."""

import json

import numpy as np
import pytest

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.waveform import Waveform
from cifviz.corpora.clips import load_clip
from experiments.studies import vocabulary_coverage


@pytest.fixture
def by_hand(monkeypatch):
    """A clip of the digits' model, words of nobody's vocabulary, and a mixture without sound."""
    clip = load_clip("digits_two")
    silent = Waveform(np.zeros(16000, np.float32))
    utterances = {
        "known": (clip.waveform, clip.words),
        "unknown": (silent, Alignment((TimedToken("lake", 0.1, 0.4),))),
        "mixed": (silent, Alignment((TimedToken("two", 0.1, 0.4), TimedToken("lakes", 0.4, 0.9)))),
    }
    monkeypatch.setattr(vocabulary_coverage, "human_aligned", lambda: utterances)
    monkeypatch.setattr(vocabulary_coverage, "checksum", lambda corpus: "none")
    return utterances


def test_words_that_are_known_are_found_and_measured(by_hand, tmp_path):
    table = vocabulary_coverage.cover(data=tmp_path)
    found = json.loads((tmp_path / "results" / vocabulary_coverage.COVERAGE).read_text("utf-8"))
    digits = found["models"]["digits"]["rows"]
    assert [row["utterance"] for row in digits] == ["known", "mixed"]
    said = [word.token for word in by_hand["known"][1]]
    assert digits[0]["known"] == digits[0]["heard"].split() == said
    assert np.abs(digits[0]["errors"]).max() < 0.2
    assert digits[1]["known"] == ["two"]
    assert "alone: known" in table
    assert "| digits | mixed | two lakes | two | nothing | – |" in table


@pytest.mark.usefixtures("cifviz_data")
def test_of_the_real_ones_no_model_covers_any(tmp_path):
    assert "3 utterances" not in vocabulary_coverage.cover(data=tmp_path)
    table = vocabulary_coverage.coverage_table(tmp_path / "results")
    assert "vocabulary alone: none" in table
    assert "| digits | phonlab_two_plus_two | two plus two | two, two |" in table
