"""Pairs of a letter and a digit of GRID's sentences, some of them held out of training."""

from itertools import chain

import numpy as np
import pytest

from cifviz.training.augmentation import Augmentation, Recording
from experiments import rare_pairs
from experiments.biasing_task import holds
from experiments.rare_pairs import VOCABULARY, WithoutUnseenPairs, pairs, unseen_pairs

SURE = Augmentation(max_tokens=6, empty=0.0)


def recording(text):
    tokens = tuple(VOCABULARY.index(word) for word in text.split())
    spans = tuple((10.0 * i, 10.0 * i + 8) for i in range(len(tokens)))
    return Recording(np.zeros((10 * len(tokens), 8), np.float32), tokens, spans, "s1")


def test_a_fifth_of_all_pairs_is_unseen():
    assert len(set(pairs())) == 250
    assert unseen_pairs() < set(pairs())
    assert len(unseen_pairs()) == 50


def test_no_training_utterance_holds_an_unseen_pair():
    letter, digit = sorted(unseen_pairs())[0]
    group = [recording(f"bin blue at {letter} {digit} now"), recording("lay red by a one soon")]
    make = WithoutUnseenPairs({"real": group}, {"real": 1.0}, SURE)
    rng = np.random.default_rng(0)
    made = [[VOCABULARY[i] for i in make(rng).tokens] for _ in range(200)]
    assert any(letter in tokens for tokens in made)
    assert not any(holds(tokens, pair) for tokens in made for pair in unseen_pairs())


@pytest.mark.usefixtures("cifviz_data")
def test_each_sentence_has_its_pair_and_twice_other_noise():
    calls = rare_pairs.calls()
    half = len(calls) // 2
    assert [call.tokens for call in calls[:half]] == [call.tokens for call in calls[half:]]
    for call, again in zip(calls[:half], calls[half:], strict=True):
        assert tuple(call.tokens[3:5]) == call.phrase
        assert call.seen == (call.phrase not in unseen_pairs())
        sounds = (one.utterance.waveform.samples for one in (call, again))
        assert not np.array_equal(*sounds)


@pytest.mark.usefixtures("cifviz_data")
def test_no_sentence_is_in_both_halves():
    halves = [task.calls() for task in rare_pairs.HALVES]
    assert sum(map(len, halves)) == len(rare_pairs.calls())
    assert set(chain(*halves)) == set(rare_pairs.calls())
    even, odd = ({tuple(call.tokens) for call in half} for half in halves)
    assert not even & odd
