"""Utterances of random digits, each with a code that a list may name."""

from collections import Counter

import numpy as np
import pytest

from cifviz.corpora.word_lists import DIGITS
from cifviz.errors import CIFError
from cifviz.training.augmentation import Augmentation, Recording
from experiments import phone_book
from experiments.biasing_task import holds
from experiments.phone_book import RandomStrings, codes, random_string


def takes():
    features = np.zeros((12, 8), dtype=np.float32)
    return [Recording(features, (digit,), ((2.0, 10.0),), "ann") for digit in range(10)]


def test_all_codes_differ_and_half_of_them_are_unseen():
    assert [len(group) for group in codes().values()] == [40, 40]
    assert len({code for group in codes().values() for code in group}) == 80
    assert {len(code) for group in codes().values() for code in group} == {5}


def test_a_random_string_holds_no_unseen_code_even_if_that_is_all_there_is(monkeypatch):
    """Of two digits, with 98 of the 100 strings unseen, the two others are drawn."""
    unseen = tuple((a, b) for a in range(10) for b in range(10) if (a, b) not in [(1, 2), (3, 4)])
    monkeypatch.setattr(phone_book, "codes", lambda: {"seen": (), "unseen": unseen})
    rng = np.random.default_rng(0)
    assert {tuple(random_string(rng, 2)) for _ in range(10)} == {(1, 2), (3, 4)}


def test_seen_codes_are_planted_where_they_are_asked_for():
    rng = np.random.default_rng(1)
    planted = [random_string(rng, 8, 0.5) for _ in range(300)]
    share = np.mean([any(holds(one, code) for code in codes()["seen"]) for one in planted])
    assert share == pytest.approx(0.5, abs=0.1)
    plain = [random_string(rng, 8) for _ in range(300)]
    assert not any(holds(one, code) for one in plain for code in codes()["seen"])


def test_training_utterances_have_any_length_and_any_digit_after_any_other():
    make = RandomStrings({"real": takes()}, {"real": 1.0}, Augmentation(max_tokens=8, empty=0.0))
    rng = np.random.default_rng(2)
    made = [make(rng).tokens for _ in range(120)]
    assert {len(tokens) for tokens in made} == set(range(1, 9))
    assert min(Counter(digit for tokens in made for digit in tokens).values()) > 20


def test_the_same_generator_makes_the_same_utterance_whatever_was_made_before():
    make = RandomStrings({"real": takes()}, {"real": 1.0}, Augmentation(empty=0.0), planted=1.0)
    first = make(np.random.default_rng(3)).tokens
    make(np.random.default_rng(4))
    assert make(np.random.default_rng(3)).tokens == first


@pytest.mark.usefixtures("cifviz_data")
def test_each_utterance_holds_its_code_and_no_other():
    made = phone_book.calls("dev")
    assert Counter(call.seen for call in made) == {True: 40, False: 40}
    spoken = [tuple(DIGITS[digit] for digit in one) for group in codes().values() for one in group]
    for call in made:
        assert [code for code in spoken if holds(call.tokens, code)] == [call.phrase]
        assert 7 <= len(call.tokens) <= 10


@pytest.mark.usefixtures("cifviz_data")
def test_every_speaker_says_as_many_seen_codes_as_unseen_ones():
    counts = Counter((call.utterance.speaker, call.seen) for call in phone_book.calls("dev"))
    assert set(counts.values()) == {10}


@pytest.mark.usefixtures("cifviz_data")
def test_nobody_says_the_other_codes_of_a_list():
    calls = phone_book.calls("test")
    others = set(phone_book.other_codes())
    assert len(others) == 10_000
    for call in calls:
        assert not _runs(call.tokens) & others


def _runs(tokens):
    return {tuple(tokens[first : first + 5]) for first in range(len(tokens) - 4)}


def test_there_is_no_training_set_of_calls():
    with pytest.raises(CIFError, match="split must be one of 'dev', 'test', got 'train'"):
        phone_book.calls("train")


@pytest.mark.usefixtures("cifviz_data")
@pytest.mark.parametrize(
    ("task", "utterances"),
    [
        (phone_book.DEV_TASK, 80),
        pytest.param(phone_book.LONG_DEV_TASK, 240, marks=pytest.mark.long),
    ],
)
def test_nobody_says_a_distractor_in_development_either(task, utterances):
    references = [call.tokens for call in task.calls()]
    assert len(references) == utterances
    assert len(task.others()) >= max(task.sizes)
    assert not any(holds(tokens, code) for tokens in references for code in task.others()[:1000])
