"""Words that are not there, and words that are there besides, in planted phones."""

import numpy as np
import pytest
import torch

from cifviz.systems.phone_evidence import PhoneEvidence
from cifviz.systems.word_presence import LARGEST, unexplained, word_odds, word_presence
from tests.systems.planted_phones import SILENT, planted

SPOKEN = (
    [SILENT] * 3 + [0] * 3 + [1] * 3 + [2] * 3 + [SILENT] * 5 + [3] * 3 + [4] * 4 + [SILENT] * 3
)
"""Two words, 0 1 2 and 3 4, with silence around them."""
PHONES, COUNTS = [0, 1, 2, 3, 4], [3, 2]


def judged(phones, counts, rows=SPOKEN):
    return word_presence(planted(rows, sure=12.0), phones, counts)


def test_words_that_were_spoken_are_there():
    found = judged(PHONES, COUNTS)
    assert min(found.probabilities) > 0.9 and found.unexplained == () and found.free_mass == 0


def test_an_added_word_is_not_there_and_the_others_are():
    first, added, last = judged([0, 1, 2, 4, 3, 0, 3, 4], [3, 3, 2]).probabilities
    assert added < 0.5 < min(first, last)


def test_of_a_swapped_word_the_one_is_not_there_and_the_other_is_unexplained():
    found = judged([0, 1, 2, 0, 2], COUNTS)
    assert found.probabilities[1] < 0.5 < found.probabilities[0]
    ((start, end),) = found.unexplained
    assert 17 <= start < end <= 24 and found.free_mass == pytest.approx(2, abs=0.1)


def test_a_dropped_word_is_unexplained():
    found = judged([3, 4], [2])
    assert found.probabilities[0] > 0.9
    ((start, end),) = found.unexplained
    assert 3 <= start < end <= 12 and found.free_mass == pytest.approx(3, abs=0.3)


def test_without_a_word_all_that_is_spoken_is_unexplained():
    found = judged([], [])
    assert found.probabilities == () and len(found.unexplained) == 1
    assert found.free_mass == pytest.approx(5)


@pytest.mark.parametrize("frames", [0, 1, 4])
def test_more_phones_than_frames_are_not_there(frames):
    found = judged(PHONES, COUNTS, [0] * frames)
    assert found.probabilities == (0.0, 0.0) and found.unexplained == ()


def test_odds_are_finite_however_sure_the_classifier_is():
    odds, free = word_odds(planted(SPOKEN, sure=500.0), PHONES, COUNTS)
    assert odds.shape == (2,) and np.abs(odds).max() <= LARGEST
    assert free.shape == (len(SPOKEN),) and free.min() >= 0 and free.max() <= 1


def test_little_mass_is_not_unexplained():
    evidence = PhoneEvidence(np.full(4, 0.3), torch.eye(4), torch.zeros(4, 2), torch.log)
    assert unexplained(evidence, np.ones(4)) == ((), 0.0)
