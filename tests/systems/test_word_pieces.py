"""Words of pieces of three kinds, and their errors."""

import pytest

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.systems.word_pieces import joined_pieces, word_errors


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        ([], []),
        (["##s"], ["s"]),
        (["please", "un", "##mu", "##te", "it"], ["please", "unmute", "it"]),
        (["Ġplease", "Ġun", "mute"], ["please", "unmute"]),
        (["pl", "ease", "▁it"], ["please", "it"]),
        (["▁", "it"], ["it"]),
        (["##"], []),
    ],
)
def test_words_of_pieces(pieces, words):
    assert joined_pieces(pieces) == words


def test_errors_are_those_of_words():
    """Of three words one is wrong in one of its pieces, and one is missing."""
    pieces = ("please", "un", "##mute", "it")
    reference = Alignment(tuple(TimedToken(one) for one in pieces))
    hypothesis = type("Found", (), {"tokens": ("please", "un", "##plug")})
    found = word_errors([hypothesis], [reference])
    assert (found["words"], found["substitutions"], found["deletions"]) == (3, 1, 1)
    assert found["rate"] == pytest.approx(2 / 3)
