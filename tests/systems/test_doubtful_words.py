"""Which words of a transcript are doubtful, and in which order."""

from dataclasses import replace

import pytest

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import CIFError
from cifviz.systems.doubtful_words import DOUBTS, PRESENCE, doubtful_words, presence_of
from tests.systems.test_transcription import made

WORDS = Alignment(
    (
        TimedToken("one", 0.0, 0.1),
        TimedToken("two", 0.1, 0.2),
        TimedToken("three"),
        TimedToken("four", 0.2, 0.4),
    )
)


def with_words(**extras):
    return replace(made(), words=WORDS, extras=extras)


def test_without_words_nothing_is_doubtful():
    assert doubtful_words(made()) == [] and presence_of(made()) is None


def test_a_word_without_times_is_doubtful():
    (only,) = doubtful_words(with_words())
    assert (only.index, only.word.token, only.reasons) == (2, "three", ("untimed",))
    assert presence_of(with_words()) is None


def test_worst_first_untimed_then_by_presence_then_by_place():
    doubts = [("longer than 3 s",), (), (), ("in silence", "short")]
    found = doubtful_words(with_words(**{PRESENCE: [0.9, 0.4, 0.6, 0.1], DOUBTS: doubts}))
    assert [(one.word.token, one.reasons) for one in found] == [
        ("three", ("untimed",)),
        ("four", ("presence 0.10", "in silence", "short")),
        ("two", ("presence 0.40",)),
        ("one", ("longer than 3 s",)),
    ]


def test_as_many_presences_as_words():
    with pytest.raises(CIFError, match="expected 4 presences, got 1"):
        doubtful_words(with_words(**{PRESENCE: [0.9]}))
