"""Errors of edges, by hand and against mir_eval and numpy."""

import math

import mir_eval.alignment
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifviz.errors import CIFError
from cifviz.metrics import (
    aas_mean,
    aas_start,
    aas_sum,
    best_shift,
    drift,
    edge_errors,
    share_within,
)

ERRORS = st.lists(st.integers(-40, 40).map(lambda n: n / 64), min_size=1, max_size=12)


def test_summary_by_hand():
    assert edge_errors([-0.25, 0.5, 0.0, 0.75]) == {
        "signed_mean": 0.25,
        "mean_absolute": 0.375,
        "median_absolute": 0.375,
        "count": 4,
    }


@given(ERRORS)
def test_absolute_errors_and_shares_are_mir_evals(errors):
    reference = 1.0 + 2.0 * np.arange(len(errors))
    hypothesis = reference + errors
    median, mean = mir_eval.alignment.absolute_error(reference, hypothesis)
    assert edge_errors(errors)["median_absolute"] == pytest.approx(median)
    assert edge_errors(errors)["mean_absolute"] == pytest.approx(mean)
    for tolerance in (1 / 64, 0.25):
        expected = mir_eval.alignment.percentage_correct(reference, hypothesis, window=tolerance)
        assert share_within(errors, tolerance) == pytest.approx(expected)


def test_a_tolerance_includes_its_end_in_spite_of_rounding():
    assert share_within([1.02 - 1.0, 1.0 - 1.02, 0.0201], 0.02) == pytest.approx(2 / 3)


@given(ERRORS)
def test_shares_grow_with_the_tolerance(errors):
    shares = [share_within(errors, tolerance) for tolerance in (0.0, 0.02, 0.1, 1.0)]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@given(ERRORS)
def test_no_other_shift_makes_errors_smaller(errors):
    def after(shift):
        return np.abs(np.array(errors) + shift).mean()

    shifts = np.linspace(-1, 1, 81)
    assert after(best_shift(errors)) <= min(map(after, shifts)) + 1e-12


def test_drift_is_the_slope_in_milliseconds_per_minute():
    times = np.array([0.0, 10.0, 30.0, 55.0])
    assert drift(0.05 + 0.002 / 60 * times, times) == pytest.approx(2.0)


@given(ERRORS)
def test_drift_of_one_utterance_is_the_least_squares_line(errors):
    times = np.arange(len(errors)) ** 1.5
    if len(errors) == 1:
        assert math.isnan(drift(errors, times))
        return
    slope = np.polyfit(times, errors, 1)[0]
    assert drift(errors, times) == pytest.approx(60_000 * slope, abs=1e-6)


def test_an_utterance_that_is_late_as_a_whole_does_not_drift():
    errors, times = [0.1, 0.1, 0.5, 0.5], [0.0, 1.0, 5.0, 6.0]
    assert drift(errors, times, [0, 0, 1, 1]) == pytest.approx(0.0, abs=1e-9)
    assert drift(errors, times) > 1000


def test_drift_needs_two_times():
    assert math.isnan(drift([0.1, 0.2, 0.3], [0.1, 0.1, 0.1]))
    assert math.isnan(drift([0.1, 0.2], [0.1, 5.0], [0, 1]))


@given(ERRORS, st.integers(-64, 64))
def test_drift_does_not_depend_on_clock_or_shift(errors, later):
    times = np.arange(len(errors)) / 4
    moved = drift(np.array(errors) + later / 64, times + later)
    assert moved == pytest.approx(drift(errors, times), nan_ok=True, abs=1e-6)


# Two tokens: onsets 100 ms late and 200 ms early, offsets right and 60 ms late.
ONSETS, OFFSETS = [0.1, -0.2], [0.0, 0.06]


def test_aas_has_three_forms():
    assert aas_sum(ONSETS, OFFSETS) == pytest.approx((0.1 + 0.2 + 0.0 + 0.06) / 2)
    assert aas_mean(ONSETS, OFFSETS) == pytest.approx((0.1 + 0.2 + 0.0 + 0.06) / 4)
    assert aas_start(ONSETS) == pytest.approx((0.1 + 0.2) / 2)


@given(ERRORS)
def test_aas_follow_from_the_mean_absolute_errors(errors):
    others = errors[::-1]
    onset, offset = (edge_errors(one)["mean_absolute"] for one in (errors, others))
    assert aas_sum(errors, others) == pytest.approx(onset + offset)
    assert aas_mean(errors, others) == pytest.approx((onset + offset) / 2)
    assert aas_start(errors) == pytest.approx(onset)


def test_of_no_error_nothing_is_measured():
    summary = edge_errors([])
    assert summary["count"] == 0
    values = [v for name, v in summary.items() if name != "count"]
    values += [share_within([], 0.1), drift([], []), best_shift([])]
    values += [aas_sum([], []), aas_mean([], []), aas_start([])]
    assert all(math.isnan(value) for value in values)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: edge_errors([0.1, math.nan]), "errors must be finite numbers, got nan at index 1"),
        (lambda: edge_errors([[0.1]]), r"errors must be a sequence \(n,\), got shape \(1, 1\)"),
        (lambda: edge_errors(["late"]), r"errors must be a sequence of numbers, got \['late'\]"),
        (lambda: share_within([0.1], -0.1), "tolerance must be a number >= 0, got -0.1"),
        (lambda: drift([0.1], [0.0, 1.0]), r"one number for each error \(1\), got 2"),
        (lambda: aas_sum([0.1], []), r"one number for each error \(1\), got 0"),
    ],
)
def test_what_is_no_error_is_refused(call, message):
    with pytest.raises(CIFError, match=message):
        call()
