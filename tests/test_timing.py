import math

import numpy as np
import pytest
import torch

from cifviz.errors import CIFError
from cifviz.timing import FrameGrid


def test_frame_covers_its_piece_of_time():
    grid = FrameGrid(shift=0.04, start=1.0)
    assert grid.seconds(0) == 1.0
    assert grid.seconds(3) == pytest.approx(1.12)
    assert grid.seconds(2.5) == pytest.approx(1.1)


def test_frame_and_seconds_are_inverse():
    grid = FrameGrid(shift=0.0125, start=-0.3)
    for frame in (-2.0, 0.0, 0.37, 511.25):
        assert grid.frame(grid.seconds(frame)) == pytest.approx(frame, abs=1e-12)


def test_arrays_and_tensors_are_converted_element_by_element():
    grid = FrameGrid(shift=0.5, start=1.0)
    assert grid.seconds(np.array([0.0, 3.0])).tolist() == [1.0, 2.5]
    assert grid.seconds(torch.tensor([0.0, 3.0])).tolist() == [1.0, 2.5]
    assert grid.frame(torch.tensor([1.0, 2.5])).tolist() == [0.0, 3.0]


def test_down_sampled_frames_begin_with_the_frames_they_stand_for():
    fine = FrameGrid(shift=0.01, start=0.2)
    coarse = fine.downsampled(8)
    for frame in range(5):
        assert coarse.seconds(frame) == pytest.approx(fine.seconds(8 * frame))
    assert coarse.seconds(1) - coarse.seconds(0) == pytest.approx(0.08)


def test_grids_are_equal_by_value_and_frozen():
    assert FrameGrid(0.04) == FrameGrid(0.04, 0.0)
    assert FrameGrid(0.04) != FrameGrid(0.04, 0.01)
    with pytest.raises(AttributeError, match="cannot assign"):
        FrameGrid(0.04).shift = 0.02


@pytest.mark.parametrize("shift", [0.0, -0.01, math.nan, math.inf, "a", None, True])
def test_shift_must_be_positive_and_finite(shift):
    with pytest.raises(
        CIFError, match=f"shift must be a positive number of seconds, got {shift!r}"
    ):
        FrameGrid(shift)


@pytest.mark.parametrize("start", [math.nan, math.inf, "a", None])
def test_start_must_be_finite(start):
    with pytest.raises(CIFError, match=f"start must be a finite number of seconds, got {start!r}"):
        FrameGrid(0.04, start)


@pytest.mark.parametrize("factor", [0, -2, "4", None])
def test_down_sampling_needs_a_factor(factor):
    with pytest.raises(CIFError, match=f"factor must be a number > 0, got {factor!r}"):
        FrameGrid(0.01).downsampled(factor)
