"""The words of the models among the utterances aligned by hand."""

import numpy as np
import pytest

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.waveform import Waveform
from cifviz.corpora.clips import load_clip
from experiments.recipes import RECIPES
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
    return utterances


def test_words_that_are_known_are_found_and_measured(by_hand, tmp_path):
    found = vocabulary_coverage.run(runs=tmp_path, data=tmp_path)
    digits = found["models"]["digits"]["rows"]
    assert [row["utterance"] for row in digits] == ["known", "mixed"]
    reference = [word.token for word in by_hand["known"][1]]
    assert digits[0]["known"] == digits[0]["heard"].split() == reference
    assert np.abs(digits[0]["errors"]).max() < 0.2
    assert digits[1]["known"] == ["two"]
    table = vocabulary_coverage.table(found)
    assert "alone: known" in table
    assert "| digits | mixed | two lakes | two | – | – |" in table


@pytest.mark.usefixtures("by_hand")
def test_a_recipe_whose_model_does_not_ship_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setitem(RECIPES, "tones", RECIPES["digits"])
    found = vocabulary_coverage.run(runs=tmp_path, data=tmp_path)
    assert {"digits", "grid"} <= found["models"].keys()
    assert "tones" not in found["models"]


@pytest.mark.usefixtures("cifviz_data")
def test_of_the_real_ones_no_model_covers_any(tmp_path):
    table = vocabulary_coverage.table(vocabulary_coverage.run(runs=tmp_path, data=tmp_path))
    assert "3 utterances" not in table
    assert "vocabulary alone: none" in table
    assert "| digits | phonlab_two_plus_two | two plus two | two, two |" in table
