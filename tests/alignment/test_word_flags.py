"""What speaks against a word's times, and what has none because nobody spoke there."""

import pytest

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.alignment.word_flags import (
    LONG,
    SHORT,
    SILENT,
    in_pause,
    without_silent,
    word_flags,
)
from cifviz.errors import CIFError

WORDS = Alignment(
    (
        TimedToken("right", 0.0, 0.5),
        TimedToken("long", 0.5, 3.6),
        TimedToken("short", 3.6, 3.62),
        TimedToken("none"),
        TimedToken("silent", 4.1, 4.4),
        TimedToken("both", 4.4, 4.41),
        TimedToken("edge", 4.45, 4.6),
    )
)


def test_each_reason_by_hand():
    found = word_flags(WORDS, frame=0.024, pauses=[(3.7, 3.8), (4.0, 4.5)])
    assert found == ((), (LONG,), (SHORT,), (), (SILENT,), (SHORT, SILENT), ())
    assert word_flags(Alignment(), frame=0.024) == ()


def test_a_frame_has_a_length():
    with pytest.raises(CIFError, match="frame must be a number > 0"):
        word_flags(WORDS, frame=0)


def test_a_word_that_reaches_out_of_a_pause_is_not_silent():
    assert in_pause(TimedToken("a", 1.0, 2.0), [(1.0, 2.0)])
    assert not in_pause(TimedToken("a", 1.0, 2.01), [(1.0, 2.0), (2.0, 3.0)])
    assert not in_pause(TimedToken("a", 0.99, 1.5), [(1.0, 2.0)])
    assert not in_pause(TimedToken("a"), [(0.0, 9.0)])


def test_phones_of_a_silent_word_lose_their_times_and_others_keep_theirs():
    phones = Alignment(
        (
            TimedToken("h", 0.9, 1.1),
            TimedToken("aɪ", 1.1, 1.4, 0.5),
            TimedToken("h", 1.5, 1.6, 0.25),
            TimedToken("oʊ", 1.6, 1.7),
            TimedToken("x"),
        )
    )
    found = without_silent(phones, [2, 3], [(1.0, 2.0)])
    assert [one.is_timed for one in found] == [True, True, False, False, False]
    assert [one.score for one in found] == [None, 0.5, 0.25, None, None]
    assert without_silent(phones, [5], [(1.0, 2.0)]) == phones


def test_as_many_parts_as_the_counts_say():
    with pytest.raises(CIFError, match="expected 3 parts, as many as .* got 7"):
        without_silent(WORDS, [3], [])
