"""Hits, F1, over-segmentation and R-value, against mir_eval and by hand."""

import math

import mir_eval.onset
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifviz.errors import CIFError
from cifviz.metrics import Detection, detect, over_segmentation, r_value

TIMES = st.lists(st.integers(0, 96), min_size=1, max_size=8).map(lambda n: np.sort(n) / 64)


@given(TIMES, TIMES)
def test_precision_recall_and_f_measure_are_mir_evals(reference, hypothesis):
    found = detect(reference, hypothesis, window=3 / 64)
    expected = mir_eval.onset.f_measure(reference, hypothesis, window=3 / 64)
    assert (found.f_measure, found.precision, found.recall) == pytest.approx(expected)


def test_by_hand():
    # 0.5 is found twice but counted once, 1.0 is missed by a millisecond, 2.0 is found.
    found = detect([0.5, 1.0, 2.0, 3.0], [0.49, 0.51, 1.021, 1.98, 4.0], window=0.02)
    assert found == Detection(hits=2, reference=4, hypothesis=5)
    assert (found.precision, found.recall) == (0.4, 0.5)
    assert found.f_measure == pytest.approx(4 / 9)
    assert found.over_segmentation == 0.25
    r1, r2 = math.hypot(0.5, 0.25), (0.5 - 1 - 0.25) / math.sqrt(2)
    assert found.r_value == pytest.approx(1 - (r1 - r2) / 2)


def test_more_boundaries_than_there_are_raise_recall_but_not_the_r_value():
    reference = np.arange(1, 11) / 2
    every = np.arange(1, 300) / 50
    found = detect(reference, every)
    assert found.recall == 1.0
    assert found.r_value < 0 < detect(reference, reference[::2]).r_value < 1


@pytest.mark.parametrize(
    ("recall", "surplus", "expected"),
    [
        (1.0, 0.0, 1.0),
        (0.75, 0.25, 1 - math.sqrt(0.125)),
        (0.0, -1.0, 1 - math.sqrt(2) / 2),  # an empty hypothesis
        (1.0, 1.0, 1 - (1 + math.sqrt(0.5)) / 2),  # each boundary twice
    ],
)
def test_r_value(recall, surplus, expected):
    assert r_value(recall, surplus) == pytest.approx(expected)


def test_sets_are_pooled():
    total = detect([0.1, 0.2], [0.1]) + detect([], [0.1, 0.9])
    assert total == Detection(hits=1, reference=2, hypothesis=3)


def test_of_nothing_nothing_is_measured():
    nothing, silent, noisy = detect([], []), detect([0.1], []), detect([], [0.1])
    assert math.isnan(nothing.f_measure)
    assert (silent.f_measure, silent.recall, silent.over_segmentation) == (0.0, 0.0, -1.0)
    assert (noisy.f_measure, noisy.precision) == (0.0, 0.0)
    undefined = [silent.precision, noisy.recall, noisy.r_value, over_segmentation(0, 2)]
    assert all(math.isnan(value) for value in undefined)


def test_bad_times_and_windows_are_refused():
    with pytest.raises(CIFError, match="reference must be finite numbers, got nan at index 0"):
        detect([math.nan], [])
    with pytest.raises(CIFError, match="window must be a number > 0, got -1"):
        detect([], [], window=-1)
