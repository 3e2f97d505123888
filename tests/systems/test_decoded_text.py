"""A heard text: words that cannot be pronounced are left out, those that are not there are seen."""

from types import SimpleNamespace

import pytest

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.corpora.pronunciation import SpokenWord
from cifviz.errors import DataError
from cifviz.systems import decoded_text
from cifviz.systems.decoded_text import about_decoded, decoded_words, is_made_up
from cifviz.systems.doubtful_words import PRESENCE


def test_words_that_cannot_be_pronounced_are_left_out(monkeypatch):
    def pronounce(text):
        if "П" in text:
            raise DataError("not Latin")
        return (SpokenWord(text, 0, len(text), ("a",)),)

    monkeypatch.setattr(decoded_text, "pronounce", pronounce)
    assert [(one.text, one.start, one.end) for one in decoded_words("He said  Привет twice")] == [
        ("He", 0, 2),
        ("said", 3, 7),
        ("twice", 16, 21),
    ]
    assert decoded_words("Привет") == ()


@pytest.mark.parametrize(
    ("words", "presence", "expected"),
    [
        ((), (), False),
        ((TimedToken("you", 0.1, 0.2),), (0.4,), True),
        ((TimedToken("you"),), (0.9,), True),
        ((TimedToken("you", 0.1, 0.2), TimedToken("too")), (0.9, 0.1), False),
    ],
)
def test_it_is_made_up_if_no_word_is_there(words, presence, expected):
    found = SimpleNamespace(words=Alignment(words), extras={PRESENCE: presence})
    assert is_made_up(found) is expected


def test_a_warning_of_something_else_stays():
    assert about_decoded("this sound is probably outside") == "this sound is probably outside"
