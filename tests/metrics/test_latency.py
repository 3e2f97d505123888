"""Lagging by hand, as SimulEval 1.1.4 gives it, and where there is nothing to measure."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifviz.errors import CIFError
from cifviz.metrics import (
    average_lagging,
    average_proportion,
    differentiable_average_lagging,
    length_adaptive_average_lagging,
)

RECORDED = [
    # delays, source, reference tokens: AL, LAAL, DAL, AP of SimulEval 1.1.4, nine decimals
    ([0.91, 1.36, 2.5, 2.5], 2.5, 6, (1.173333333, 1.173333333, 1.08, 0.484666667)),
    (
        [0.13, 1.37, 1.73, 4.04, 4.97, 7.25, 7.25],
        7.25,
        5,
        (-0.376666667, 0.659047619, 0.97244898, 0.737655172),
    ),
    ([0.14, 2.5], 2.5, 6, (1.111666667, 1.111666667, 0.695, 0.176)),
    ([0.32, 1.09, 3.1, 4.69, 7.25], 7.25, 4, (-0.335, 0.39, 0.55, 0.567241379)),
    ([3.85], 4.0, 2, (3.85, 3.85, 3.85, 0.48125)),
    ([1.0], 1.0, 7, (1.0, 1.0, 1.0, 0.142857143)),
    ([3.78, 6.87], 7.25, 5, (4.6, 4.6, 3.78, 0.293793103)),
    ([3.5, 3.5], 2.5, 6, (3.5, 3.5, 3.5, 0.466666667)),
]
DELAYS = st.lists(st.floats(0, 20), min_size=1, max_size=12).map(sorted)


def all_four(delays, source, reference):
    return (
        average_lagging(delays, source, reference),
        length_adaptive_average_lagging(delays, source, reference),
        differentiable_average_lagging(delays, source),
        average_proportion(delays, source, reference),
    )


@pytest.mark.parametrize(("delays", "source", "reference", "expected"), RECORDED)
def test_it_is_what_simuleval_gave(delays, source, reference, expected):
    assert all_four(delays, source, reference) == pytest.approx(expected, abs=1e-8)


def test_by_hand():
    """|X| = 6, |Y| = 3: an ideal system writes at 0, 2, 4. Lags 2, 2, 2; then the source ends."""
    delays = [2.0, 4.0, 6.0, 6.0]
    assert average_lagging(delays, 6.0, 3) == pytest.approx(2.0)
    # max(3, 4) tokens, one each 1.5: 2, 4 − 1.5, 6 − 3.
    assert length_adaptive_average_lagging(delays, 6.0, 3) == pytest.approx(7.5 / 3)
    # d' = 2, 4, 6, 7.5, less 0, 1.5, 3, 4.5.
    assert differentiable_average_lagging(delays, 6.0) == pytest.approx((2 + 2.5 + 3 + 3) / 4)
    assert average_proportion(delays, 6.0, 3) == pytest.approx(1.0)


@given(DELAYS, st.floats(0.1, 20), st.integers(1, 15))
def test_it_is_the_recursion_and_the_sums_themselves(delays, source, reference):
    rate, before, total = len(delays) / source, None, 0.0
    for place, delay in enumerate(delays):
        before = delay if before is None else max(delay, before + 1 / rate)
        total += before - place / rate
    dal = differentiable_average_lagging(delays, source)
    assert dal == pytest.approx(total / len(delays), rel=1e-9, abs=1e-9)
    al, laal, _, _ = all_four(delays, source, reference)
    assert al <= laal + 1e-9
    assert dal >= delays[0] - 1e-9


@given(st.floats(0.1, 20), st.integers(1, 12))
def test_who_waits_for_the_end_lags_by_the_whole_source(source, count):
    al, laal, dal, ap = all_four([source] * count, source, count)
    assert (al, laal, dal, ap) == pytest.approx((source, source, source, 1.0))


@pytest.mark.parametrize(
    ("delays", "source", "reference"), [([], 1.0, 2), ([0.0], 0.0, 2), ([], 0.0, 0)]
)
def test_nothing_to_measure_is_nan(delays, source, reference):
    assert all(math.isnan(one) for one in all_four(delays, source, reference))


def test_a_reference_without_a_token_has_no_ideal_system():
    al, laal, dal, ap = all_four([1.0], 2.0, 0)
    assert math.isnan(al) and math.isnan(laal) and math.isnan(ap) and dal == 1.0


@pytest.mark.parametrize(
    ("delays", "source", "reference", "message"),
    [
        ([2.0, 1.0], 3.0, 1, "must not decrease"),
        ([-1.0], 3.0, 1, "delays must be >= 0"),
        ([math.nan], 3.0, 1, "delays must be finite numbers"),
        ("ab", 3.0, 1, "delays must be a sequence of numbers"),
        ([1.0], -3.0, 1, "source_length must be a number >= 0"),
        ([1.0], 3.0, -1, "reference_length must be an integer >= 0"),
        ([1.0], 3.0, 1.5, "reference_length must be an integer >= 0"),
    ],
)
def test_what_is_no_delay_is_refused(delays, source, reference, message):
    with pytest.raises(CIFError, match=message):
        average_lagging(delays, source, reference)
