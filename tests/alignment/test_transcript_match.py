"""A transcript is found in a long sound; what is on one side alone moves nothing else."""

import random
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cifviz.alignment.timed_tokens import Alignment
from cifviz.alignment.transcript_match import PAD, WIDE_PAD, Place, places, stretches
from cifviz.errors import CIFError

LETTERS = [chr(97 + n) for n in range(26)]


def spoken(words, *, seconds=0.1, gap=0.0, start=0.0, wrong=0.0, seed=0):
    """Phones recognised of words, a share of them wrong, and when each word begins and ends."""
    rng = random.Random(seed)
    recognised, spans, time = [], [], start
    for word in words:
        begin = time
        for phone in word:
            fate = rng.random()
            if fate > wrong:
                recognised.append((phone, time))
            elif fate > wrong / 2:
                recognised.append((rng.choice(LETTERS), time))
            time += seconds
        spans.append((begin, time))
        time += gap
    return recognised, spans, time


def alignment(recognised, seconds=0.1):
    onsets = torch.tensor([time for _, time in recognised], dtype=torch.float64)
    return Alignment.from_edges([phone for phone, _ in recognised], onsets, onsets + seconds)


def some_words(count, seed=0):
    rng = random.Random(seed)
    return ["".join(rng.choices(LETTERS, k=rng.randint(2, 7))) for _ in range(count)]


def far(found, spans):
    """Seconds that the words are off in the mean."""
    return sum(abs(one.start - start) for one, (start, _) in zip(found, spans, strict=True)) / len(
        found
    )


def test_phones_of_which_a_third_is_misheard_are_enough():
    words = some_words(800)
    recognised, spans, duration = spoken(words, gap=0.05, wrong=0.35)
    found = places(alignment(recognised), words, duration=duration)
    assert far(found, spans) < 0.1
    assert sum(one.recognised > 0 for one in found) > 0.7 * len(words)


@pytest.mark.parametrize("place", [0, 200, 400])
def test_sound_without_words_moves_nothing_else(place):
    """Two minutes of other speech before, in between and behind."""
    words, other = some_words(400), some_words(250, seed=9)
    before, spans, time = spoken(words[:place], wrong=0.2)
    noise, _, time = spoken(other, start=time)
    after, more, duration = spoken(words[place:], start=time, wrong=0.2, seed=1)
    found = places(alignment(before + noise + after), words, duration=duration)
    assert far(found, spans + more) < 0.3


def test_a_transcript_of_a_small_part_is_found():
    words = some_words(2000)
    recognised, spans, duration = spoken(words, wrong=0.3)
    found = places(alignment(recognised), words[900:930], duration=duration)
    assert far(found, spans[900:930]) < 0.1


def test_words_without_sound_move_nothing_else():
    words, added = some_words(400), some_words(100, seed=9)
    recognised, spans, duration = spoken(words, wrong=0.2)
    found = places(alignment(recognised), words[:200] + added + words[200:], duration=duration)
    assert far(found[:200] + found[300:], spans) < 0.3
    assert sum(one.recognised == 0 for one in found[200:300]) > 70


def test_wrong_words_share_the_time_between_their_neighbours():
    words = ["abcdef", "ghijkl", "xx", "yyyy", "mnopqr", "stuvwx"]
    recognised, _, duration = spoken(["abcdef", "ghijkl", "zzzzzz", "mnopqr", "stuvwx"])
    found = places(alignment(recognised), words, duration=duration)
    assert [one.recognised for one in found] == [1, 1, 0, 0, 1, 1]
    assert (found[2].start, found[2].end) == pytest.approx((1.2, 1.4))
    assert (found[3].start, found[3].end) == pytest.approx((1.4, 1.8))


def test_a_word_is_not_torn_apart_by_a_long_pause():
    """Two of three phones of "nop" before a minute, the last behind it."""
    recognised, _, time = spoken(["abcdefghijklm", "no"])
    more, _, duration = spoken(["p", "qrstuvwxyz"], start=time + 60)
    found = places(
        alignment(recognised + more), ["abcdefghijklm", "nop", "qrstuvwxyz"], duration=duration
    )
    assert (found[1].start, found[1].end) == pytest.approx((1.3, 1.5))


def test_nothing_heard_and_nothing_written():
    assert places(Alignment(), [], duration=3) == []
    found = places(Alignment(), ["ab", "cd"], duration=0.4)
    assert [(one.start, one.end, one.recognised) for one in found] == [(0, 0.2, 0), (0.2, 0.4, 0)]
    recognised, _, duration = spoken(["abc"])
    assert places(alignment(recognised), [], duration=duration) == []


def test_a_word_needs_phones():
    with pytest.raises(CIFError, match="every word needs at least one phone"):
        places(Alignment(), [""], duration=1)


@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 0.1, 1, 30]), st.sampled_from([0.05, 0.5]), st.booleans()),
        max_size=60,
    ),
    st.sampled_from([3, 10, 26]),
)
def test_stretches_hold_every_word_once_in_order_and_none_is_too_long(words, longest):
    found, time = [], 0.0
    for gap, length, recognised in words:
        found.append(Place(time + gap, time + gap + length, float(recognised)))
        time += gap + length
    made = stretches(found, duration=time + 5, longest=longest)
    assert [word for one in made for word in range(one.first, one.end)] == list(range(len(found)))
    assert all(0 <= one.end_time - one.start_time <= longest + 1e-9 for one in made)
    assert all(a.end_time <= b.start_time + 1e-9 for a, b in pairwise(made))
    for one in made:
        assert one.first < one.end
        assert one.start_time <= found[one.first].start + 1e-9
        assert found[one.end - 1].end <= one.end_time + 1e-9


def test_a_stretch_ends_in_a_gap_between_words_that_were_heard():
    found = [Place(n, n + 0.9, 1.0) for n in range(40)]
    found[17] = Place(17, 17.3, 1.0)
    found[22] = Place(22, 22.1, 0.0)
    first, _ = stretches(found, duration=41, longest=26)
    assert first.end == 18 and first.end_time == pytest.approx(17.65)


def test_sound_far_from_any_word_is_in_no_stretch():
    found = [Place(10, 11, 1.0), Place(50, 51, 1.0)]
    one, other = stretches(found, duration=100, longest=26)
    assert (one.start_time, one.end_time) == (10 - PAD, 11 + PAD)
    assert (other.start_time, other.end_time) == (50 - PAD, 51 + PAD)


def test_beside_words_that_were_not_recognised_there_is_more_sound():
    """They may lie beyond a pause; but no more than a quarter of the longest stretch is added."""
    found = [Place(10, 10.2, 0.0), Place(10.2, 11, 1.0), Place(11, 11.1, 0.0)]
    (one,) = stretches(found, duration=100, longest=26)
    assert (one.start_time, one.end_time) == (10 - WIDE_PAD, pytest.approx(11.1 + WIDE_PAD))
    (short,) = stretches(found, duration=100, longest=4)
    assert (short.start_time, short.end_time) == (9, pytest.approx(12.1))
