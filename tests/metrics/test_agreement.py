"""`agreement`: two alignments in a few numbers."""

import math
from dataclasses import astuple

import pytest
from hypothesis import given

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import CIFError
from cifviz.metrics import agreement, evaluate
from tests.strategies import alignments


def of(*tokens):
    return Alignment(tuple(TimedToken(*token) for token in tokens))


def test_numbers_by_hand():
    """Starts differ by 10, 30 and 60 ms, ends by 0, 20 and 50 ms; "uh" has no partner."""
    first = of(("a", 0.0, 0.5), ("b", 0.5, 1.0), ("c", 1.0, 1.5))
    second = of(("a", 0.01, 0.5), ("uh", 0.5, 0.5), ("b", 0.53, 1.02), ("c", 1.06, 1.55))
    found = agreement(first, second)
    assert (found.matched, found.reference, found.hypothesis) == (3, 3, 4)
    assert (found.within_20ms, found.within_50ms) == (3 / 6, 5 / 6)
    assert found.start_mean_absolute == pytest.approx(0.1 / 3)
    assert found.end_mean_absolute == pytest.approx(0.07 / 3)
    assert found.start_median == pytest.approx(0.03)
    assert found.end_median == pytest.approx(0.02)


def test_equal_counts_alone_match_nothing():
    found = agreement(of(("a", 0.0, 0.5)), of(("b", 0.0, 0.5)))
    assert found.matched == 0 and math.isnan(found.within_20ms) and math.isnan(found.end_median)


def test_untimed_tokens_are_left_out():
    timed = of(("a", 0.0, 0.5), ("b", 0.5, 1.0))
    more = of(("a", 0.0, 0.5), ("b",), ("b", 0.5, 1.0), ("c",))
    assert astuple(agreement(more, timed)) == astuple(agreement(timed, timed))


def test_nothing_and_what_is_no_alignment():
    assert astuple(agreement(Alignment(), Alignment()))[:3] == (0, 0, 0)
    with pytest.raises(CIFError, match="hypothesis 0"):
        agreement(Alignment(), "one two")


@given(alignments(), alignments())
def test_the_numbers_are_those_of_the_report(reference, hypothesis):
    first, second = Alignment(reference.timed), Alignment(hypothesis.timed)
    found, scores = agreement(reference, hypothesis), evaluate([first], [second]).scores
    for edge, size in (("onset", found.start_mean_absolute), ("offset", found.end_mean_absolute)):
        assert size == pytest.approx(scores["label", edge, "mean_absolute"], nan_ok=True)
    both = [scores["label", edge, "within_20ms"] for edge in ("onset", "offset")]
    assert found.within_20ms == pytest.approx(sum(both) / 2, nan_ok=True)
