"""From mass to time: when a mass is reached, and how steep the running sum is there."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cifviz.alignment.mass_times import mass_times, seconds_per_token, valley_cuts, weights_at
from cifviz.core.firing import integrate_and_fire
from cifviz.errors import CIFError
from cifviz.timing import FrameGrid

SHIFT = 0.04


@given(
    st.lists(st.floats(0.05, 0.9), min_size=1, max_size=12),
    st.floats(0.01, 0.99),
    st.sampled_from([0.5, 1.0]),
)
def test_one_over_alpha_is_the_slope_of_time_over_mass(weights, share, threshold):
    firing = integrate_and_fire(
        torch.tensor([weights], dtype=torch.float64),
        torch.eye(len(weights), dtype=torch.float64)[None],
        threshold=threshold,
    )
    grid, running = FrameGrid(SHIFT), np.concatenate([[0.0], np.cumsum(weights)])
    frame = min(int(share * len(weights)), len(weights) - 1)
    middle = np.array([running[frame] + 0.5 * weights[frame]])
    around = mass_times(firing, grid, middle + 1e-3 * threshold * np.array([-1, 1]))
    slope = seconds_per_token(firing, grid, around[:1])
    assert np.diff(around)[0] / 2e-3 == pytest.approx(slope[0], rel=1e-5)


@pytest.mark.parametrize(
    "compute",
    [
        lambda firing: weights_at(firing, FrameGrid(SHIFT), np.zeros(1)),
        lambda firing: mass_times(firing, FrameGrid(SHIFT), np.zeros(1)),
        lambda firing: valley_cuts(firing, FrameGrid(SHIFT)),
    ],
)
def test_a_batch_is_refused(compute):
    with pytest.raises(CIFError, match="expected the firing of one utterance, got a batch of 2"):
        compute(integrate_and_fire(torch.ones(2, 3), torch.ones(2, 3, 1)))


def test_without_frames_every_weight_is_zero():
    firing = integrate_and_fire(torch.zeros(1, 0), torch.zeros(1, 0, 1))
    assert weights_at(firing, FrameGrid(SHIFT), np.array([0.0, 1.0])).tolist() == [0.0, 0.0]
