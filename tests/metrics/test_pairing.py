"""Pairs by label and by time, against mir_eval and every pairing there is."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mir_eval.util import match_events

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import CIFError
from cifviz.metrics import pair_by_label, pair_by_time
from tests.strategies import alignments

# Exact times: 64ths of a second.
TIMES = st.lists(st.integers(0, 96), max_size=6).map(lambda n: np.sort(n) / 64)
WINDOWS = st.sampled_from([1 / 64, 5 / 64, 0.25])


def at(*tokens):
    """Tokens of 0.1 s that begin at given times; None is untimed."""
    return Alignment(
        tuple(
            TimedToken(name) if time is None else TimedToken(name, time, time + 0.1)
            for name, time in tokens
        )
    )


def nearest_first(reference, hypothesis, window):
    """The greedy way: the closest pair, then the closest of the rest, and so on."""
    distances = sorted(
        (abs(h - r), i, j)
        for (i, r), (j, h) in itertools.product(enumerate(reference), enumerate(hypothesis))
    )
    pairs = []
    for distance, i, j in distances:
        if distance <= window and all(i != a and j != b for a, b in pairs):
            pairs.append((i, j))
    return pairs


def matchings(rows, columns):
    """All ways to pair, crossing ones too."""
    for count in range(min(rows, columns) + 1):
        for chosen in itertools.combinations(range(rows), count):
            for partners in itertools.permutations(range(columns), count):
                yield list(zip(chosen, partners, strict=True))


def test_taking_the_nearest_first_finds_fewer_than_there_are():
    reference, hypothesis = [0.000, 0.010], [0.009, 0.025]
    assert nearest_first(reference, hypothesis, 0.020) == [(1, 0)]
    assert pair_by_time(reference, hypothesis, window=0.020) == [(0, 0), (1, 1)]
    assert len(match_events(np.array(reference), np.array(hypothesis), 0.020)) == 2


@given(TIMES, TIMES, WINDOWS)
def test_there_are_as_many_pairs_by_time_as_mir_eval_finds(reference, hypothesis, window):
    pairs = pair_by_time(reference, hypothesis, window=window)
    expected = (
        match_events(reference, hypothesis, window) if reference.size and hypothesis.size else []
    )
    assert len(pairs) == len(expected)


@given(TIMES, TIMES, WINDOWS)
def test_pairs_by_time_are_within_the_window_and_never_cross(reference, hypothesis, window):
    pairs = np.array(pair_by_time(reference, hypothesis, window=window), int).reshape(-1, 2)
    assert (np.abs(reference[pairs[:, 0]] - hypothesis[pairs[:, 1]]) <= window).all()
    assert (np.diff(pairs, axis=0) > 0).all()


@given(TIMES.filter(lambda t: len(t) < 5), TIMES.filter(lambda t: len(t) < 5), WINDOWS)
def test_of_all_ways_to_pair_as_many_the_closest_is_taken(reference, hypothesis, window):
    def cost(pairs):
        distances = [abs(reference[i] - hypothesis[j]) for i, j in pairs]
        return (-len(pairs), sum(distances)) if max(distances, default=0) <= window else (1, 0)

    best = min(cost(pairs) for pairs in matchings(len(reference), len(hypothesis)))
    assert cost(pair_by_time(reference, hypothesis, window=window)) == pytest.approx(best)


def test_the_window_includes_its_end_in_spite_of_rounding():
    assert 1.02 - 1.0 > 0.02
    assert pair_by_time([1.0], [1.02], window=0.02) == [(0, 0)]
    assert pair_by_time([1.0], [1.0201], window=0.02) == []


def test_an_hour_of_words_is_paired_by_time():
    reference = np.arange(10_000) * 0.35
    late = np.random.default_rng(0).uniform(-0.1, 0.1, size=10_000)
    pairs = pair_by_time(reference, reference + late, window=0.2)
    assert pairs == [(i, i) for i in range(10_000)]


def test_times_out_of_order_are_refused():
    with pytest.raises(CIFError, match="hypothesis times must be in order"):
        pair_by_time([0.0], [0.2, 0.1], window=0.02)
    with pytest.raises(CIFError, match="window must be a number > 0, got 0"):
        pair_by_time([0.0], [0.2], window=0)


def test_of_equal_tokens_the_one_in_time_is_paired():
    reference = at(("one", 0.0), ("one", 0.5), ("one", 1.0))
    assert pair_by_label(reference, at(("one", 0.55))) == [(1, 0)]
    assert pair_by_label(reference, at(("one", 0.45), ("one", 1.1))) == [(1, 0), (2, 1)]


def test_a_wrong_word_in_the_right_place_is_paired_by_time_alone():
    reference, hypothesis = at(("one", 0.0), ("two", 0.5)), at(("one", 0.0), ("too", 0.5))
    assert pair_by_label(reference, hypothesis) == [(0, 0)]
    assert pair_by_time([0.0, 0.5], [0.0, 0.5], window=0.02) == [(0, 0), (1, 1)]


def test_fewer_edits_come_before_less_time():
    # One deletion, though "b" then is a second off.
    reference, hypothesis = at(("a", 0.0), ("b", 1.0)), at(("b", 0.0))
    assert pair_by_label(reference, hypothesis) == [(1, 0)]


def test_an_untimed_token_is_paired_by_its_label():
    reference, hypothesis = (
        at(("a", 0.0), ("b", None), ("c", 1.0)),
        at(("a", None), ("b", 0.5), ("c", 1.0)),
    )
    assert pair_by_label(reference, hypothesis) == [(0, 0), (1, 1), (2, 2)]


def test_times_decide_between_equal_tokens_though_another_is_untimed():
    reference = at(("a", None), ("a", 0.5), ("a", 1.0))
    assert pair_by_label(reference, at(("a", 0.5))) == [(1, 0)]


@given(alignments(max_tokens=4, with_untimed=False), alignments(max_tokens=4, with_untimed=False))
def test_pairs_by_label_follow_fewest_edits_and_then_least_time(reference, hypothesis):
    def cost(pairs):
        words = [(reference.tokens[i], hypothesis.tokens[j]) for i, j in pairs]
        equal = sum(r.token == h.token for r, h in words)
        distance = sum(abs(r.start - h.start) + abs(r.end - h.end) for r, h in words)
        return len(reference) + len(hypothesis) - len(pairs) - equal, distance

    rising = [
        pairs
        for pairs in matchings(len(reference), len(hypothesis))
        if pairs == sorted_pairs(pairs)
    ]
    best = min(cost(pairs) for pairs in rising)
    answers = [pairs for pairs in rising if cost(pairs) == best]
    equal = [
        [(i, j) for i, j in pairs if reference.tokens[i].token == hypothesis.tokens[j].token]
        for pairs in answers
    ]
    assert pair_by_label(reference, hypothesis) in equal


def sorted_pairs(pairs):
    """The same rows and columns, paired in order."""
    return list(zip(sorted(i for i, _ in pairs), sorted(j for _, j in pairs), strict=True))


@given(alignments(), alignments(), st.integers(0, 640))
def test_pairs_do_not_depend_on_when_the_clock_starts(reference, hypothesis, later):
    moved = reference.shifted(later / 64), hypothesis.shifted(later / 64)
    assert pair_by_label(*moved) == pair_by_label(reference, hypothesis)


@given(alignments())
def test_whatever_equals_itself_is_paired_in_full(reference):
    assert pair_by_label(reference, reference) == [(i, i) for i in range(len(reference))]


def test_what_is_no_alignment_is_refused():
    with pytest.raises(CIFError, match="hypothesis 0 must be an Alignment, got"):
        pair_by_label(Alignment(), ["one"])
