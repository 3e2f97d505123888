"""Strings of digits that follow a grammar, in training and in test."""

from collections import Counter
from functools import partial
from itertools import pairwise

import numpy as np
import pytest

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.waveform import Waveform
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.corpora.word_lists import DIGITS
from cifviz.errors import CIFError, DataError
from cifviz.training.augmentation import Augmentation, CutAndJoin, Recording
from experiments import structured_digits
from experiments.structured_digits import (
    PROBABILITIES,
    SUCCESSORS,
    GrammarStrings,
    checked_digit,
    grammar_strings,
    grammar_utterances,
    in_noise,
    luhn_digit,
    markov_digit,
)


def recording(tokens, speaker="ann", frames=20):
    features = np.random.default_rng(0).normal(size=(frames, 8)).astype(np.float32)
    return Recording(
        features, tokens, ((2.0, frames - 2.0),) if len(tokens) == 1 else None, speaker
    )


DIGIT_TAKES = {"real": [recording((digit,)) for digit in range(10)] * 2}
SURE = Augmentation(max_tokens=8, empty=0.0)


def drawn(next_digit, length, seed=0):
    rng, digits = np.random.default_rng(seed), []
    for lacking in range(length, 0, -1):
        digits.append(next_digit(rng, digits, lacking))
    return digits


def test_each_digit_follows_three_others_and_is_followed_by_three():
    assert len(SUCCESSORS) == 10
    assert all(len(set(after)) == 3 for after in SUCCESSORS)
    assert set(Counter(digit for after in SUCCESSORS for digit in after).values()) == {3}
    assert sum(PROBABILITIES) == pytest.approx(1)


def test_a_markov_string_holds_only_pairs_of_the_table_as_often_as_it_says():
    digits = drawn(markov_digit, 3000)
    ranks = Counter(SUCCESSORS[before].index(after) for before, after in pairwise(digits))
    for rank, probability in enumerate(PROBABILITIES):
        assert ranks[rank] / 2999 == pytest.approx(probability, abs=0.05)


@pytest.mark.parametrize(
    ("digits", "check"),
    [([], 0), ([0], 0), ([1], 8), ([7, 9, 9, 2, 7, 3, 9, 8, 7, 1], 3), ([9, 9], 2)],
)
def test_check_digits_by_hand(digits, check):
    """The long one is a usual example, 79927398713. Of 9 and 9 the sum is 9 + (18 − 9)."""
    assert luhn_digit(digits) == check


def test_a_string_with_a_check_digit_ends_with_it():
    for seed in range(20):
        digits = drawn(checked_digit, 1 + seed % 6, seed)
        assert digits[-1] == luhn_digit(digits[:-1])


def test_training_utterances_follow_the_grammar():
    make = GrammarStrings(DIGIT_TAKES, {"real": 1.0}, SURE, next_digit=markov_digit)
    rng = np.random.default_rng(1)
    made = [make(rng).tokens for _ in range(60)]
    assert {len(tokens) for tokens in made} == set(range(1, 9))
    assert all(after in SUCCESSORS[before] for tokens in made for before, after in pairwise(tokens))


def test_and_so_they_do_in_other_units():
    spellings = [(2 * digit, 2 * digit + 1) for digit in range(10)]
    takes = {"real": [recording(spelling) for spelling in spellings]}
    make = GrammarStrings(takes, {"real": 1.0}, SURE, next_digit=markov_digit, spellings=spellings)
    rng = np.random.default_rng(2)
    for _ in range(30):
        tokens = make(rng).tokens
        digits = [spellings.index(pair) for pair in zip(tokens[::2], tokens[1::2], strict=True)]
        assert all(after in SUCCESSORS[before] for before, after in pairwise(digits))


def test_the_last_digit_of_a_training_utterance_is_its_check_digit():
    make = GrammarStrings(DIGIT_TAKES, {"real": 1.0}, SURE, next_digit=checked_digit)
    rng = np.random.default_rng(3)
    for _ in range(30):
        tokens = make(rng).tokens
        assert tokens[-1] == luhn_digit(tokens[:-1])


def test_a_speaker_without_a_digit_is_named_in_an_error():
    takes = {"real": [recording((0,))]}
    make = GrammarStrings(takes, {"real": 1.0}, SURE, next_digit=lambda *given: 7)
    with pytest.raises(DataError, match=r"no recording of the tokens \(7,\)"):
        make(np.random.default_rng(0))


def test_without_a_grammar_any_recording_may_follow():
    make = CutAndJoin(DIGIT_TAKES, {"real": 1.0}, SURE)
    rng = np.random.default_rng(4)
    pairs = {pair for _ in range(60) for pair in pairwise(make(rng).tokens)}
    assert any(after not in SUCCESSORS[before] for before, after in pairs)


def test_noise_is_as_loud_as_it_says_relative_to_the_words():
    samples = np.zeros(16_000)
    samples[4000:8000] = 0.1
    one = LabelledUtterance(Waveform(samples), Alignment((TimedToken("one", 0.25, 0.5),)), "ann")
    noisy = in_noise(one, -20.0, np.random.default_rng(0))
    noise = noisy.waveform.samples - one.waveform.samples
    assert np.sqrt(np.mean(noise**2)) == pytest.approx(0.01, rel=0.1)
    assert noisy.words is one.words


def test_what_is_too_loud_for_full_scale_is_scaled_and_not_clipped():
    samples = np.full(16_000, 0.9)
    one = LabelledUtterance(Waveform(samples), Alignment((TimedToken("one", 0.0, 1.0),)), "ann")
    noisy = in_noise(one, 0.0, np.random.default_rng(0)).waveform.samples
    assert np.abs(noisy).max() == pytest.approx(1.0)
    assert (np.abs(noisy) > 0.9999).sum() == 1


@pytest.mark.usefixtures("cifviz_data")
def test_development_strings_follow_the_grammar_and_are_the_same_in_every_call(monkeypatch):
    monkeypatch.setattr(structured_digits, "STRINGS", {"dev": 8, "test": 8})
    made, again = (grammar_utterances("dev", markov_digit) for _ in range(2))
    assert len({one.speaker for one in made}) == 4
    for one, same in zip(made, again, strict=True):
        np.testing.assert_array_equal(one.waveform.samples, same.waveform.samples)
        digits = [DIGITS.index(word.token) for word in one.words]
        assert 3 <= len(digits) <= 12
        assert all(after in SUCCESSORS[before] for before, after in pairwise(digits))
        assert one.words.timed == one.words.tokens
        assert one.words.spans[-1][1] <= one.waveform.duration


@pytest.mark.usefixtures("cifviz_data")
def test_strings_of_given_lengths():
    make = partial(grammar_strings, "test", markov_digit)
    made = make(np.random.default_rng(0), [1, 40], noise_level=-30.0)
    assert [len(one.words) for one in made] == [1, 40]


def test_an_unknown_set_is_refused():
    with pytest.raises(CIFError, match=r"split.*dev.*test"):
        grammar_utterances("train", markov_digit)
