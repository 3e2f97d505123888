from __future__ import annotations

import numpy as np
import pytest
import torch

from cifviz.audio.waveform import Waveform
from cifviz.core.firing import integrate_and_fire
from cifviz.core.tail import above
from cifviz.errors import CIFError
from cifviz.plot import geometry
from cifviz.timing import FrameGrid


def corners(firing, grid):
    seconds, level = geometry.accumulation_curve(firing, grid)
    return seconds.tolist(), level.tolist()


def test_worked_example_fires_inside_its_frames(make):
    times = geometry.fire_times(make.firing(), FrameGrid(0.04, start=1.0))
    assert times.tolist() == pytest.approx([1 + 0.04 * (1 + 8 / 9), 1 + 0.04 * 3.5])


def test_worked_example_climbs_and_drops(make, frames):
    seconds, level = corners(make.firing(), frames)
    assert seconds == pytest.approx([0, 1, 1 + 8 / 9, 1 + 8 / 9, 2, 3, 3.5, 3.5, 4])
    assert level == pytest.approx([0, 0.2, 1, 0, 0.1, 0.7, 1, 0, 0.3])


def test_one_frame_may_fire_several_times(make, frames):
    # 0.5, then 2.25: β is reached after 0.5 and 1.5 of the 2.25 in frame 1.
    seconds, level = corners(make.firing((0.5, 2.25)), frames)
    assert seconds == pytest.approx([0, 1, 11 / 9, 11 / 9, 15 / 9, 15 / 9, 2])
    assert level == pytest.approx([0, 0.5, 1, 0, 1, 0, 0.75])


def test_slack_fires_at_the_end_of_the_frame_and_goes_below_zero(make, frames):
    # 0.875 is within 0.25 of full: the token borrows 0.125.
    seconds, level = corners(make.firing((0.25, 0.625, 0.5, 0.75), slack=0.25), frames)
    assert seconds == pytest.approx([0, 1, 2, 2, 3, 3 + 5 / 6, 3 + 5 / 6, 4])
    assert level == pytest.approx([0, 0.25, 0.875, -0.125, 0.375, 1, 0, 0.125])


def test_tail_drops_from_what_is_left(make, frames):
    # 0.2 is left where the weights end, after frame 1; frame 2 is empty.
    seconds, level = corners(make.firing((0.6, 0.6, 0.0), tail=above(0.1)), frames)
    assert seconds == pytest.approx([0, 1, 1 + 2 / 3, 1 + 2 / 3, 2, 2, 3])
    assert level == pytest.approx([0, 0.6, 1, 0, 0.2, 0, 0])


def test_teeth_follow_the_integrator_of_the_firing(make, frames):
    weights = np.random.default_rng(3).uniform(0, 0.9, 40)
    firing = make.firing(weights, threshold=0.7, slack=0.05)
    curve = geometry.accumulation_curve(firing, frames)
    last = np.searchsorted(curve.seconds, np.arange(1, 41), side="right") - 1
    at_edge = curve.seconds[last] == np.arange(1, 41)
    assert at_edge.all()
    assert curve.level[last] == pytest.approx(firing.accumulated[0].numpy(), abs=1e-12)
    assert np.abs(np.diff(curve.level[np.flatnonzero(np.diff(curve.seconds) == 0)])).max() <= 0.7
    drops = np.diff(curve.level)[np.diff(curve.seconds) == 0]
    assert drops[:-1] == pytest.approx(-0.7)


@pytest.mark.parametrize("alpha", [(), (0.0,), (0.0, 0.0)])
def test_nothing_fires(make, frames, alpha):
    firing = make.firing(alpha)
    assert geometry.fire_times(firing, frames).shape == (0,)
    assert geometry.contribution_boxes(firing, frames).weight.shape == (0,)
    assert set(corners(firing, frames)[1]) == {0.0}
    assert geometry.weight_steps(firing, frames).edges.tolist() == list(range(len(alpha) + 1))


def test_padding_is_not_shown(frames):
    alpha = torch.tensor([[0.5, 0.5, 0.5]])
    firing = integrate_and_fire(alpha, torch.eye(3)[None], frame_lengths=torch.tensor([2]))
    assert geometry.mass_curve(firing, frames).level.tolist() == [0.0, 0.5, 1.0]


def test_given_and_scaled_weights(make, frames):
    steps = geometry.weight_steps(make.firing((0.5, 0.5), target_lengths=torch.tensor([2])), frames)
    assert steps.given.tolist() == [0.5, 0.5]
    assert steps.scaled == pytest.approx([1.0, 1.0])


def test_boxes_stand_where_frame_and_token_overlap(make, frames):
    boxes = geometry.contribution_boxes(make.firing(), frames)
    assert list(zip(boxes.token.tolist(), boxes.frame.tolist(), strict=True)) == [
        (0, 0),
        (0, 1),
        (1, 1),
        (1, 2),
        (1, 3),
    ]
    assert boxes.start.tolist() == [0, 1, 1, 2, 3]
    assert boxes.end.tolist() == [1, 2, 2, 3, 4]
    assert boxes.lower == pytest.approx([0, 0.2, 1, 1.1, 1.7])
    assert boxes.upper == pytest.approx([0.2, 1, 1.1, 1.7, 2])
    assert boxes.weight == pytest.approx([0.2, 0.8, 0.1, 0.6, 0.3])


def test_what_is_paid_back_is_a_box_upside_down(make, frames):
    boxes = geometry.contribution_boxes(make.firing((0.25, 0.625, 0.5), slack=0.25), frames)
    assert boxes.weight == pytest.approx([0.25, 0.75])  # token 1 does not come to be
    boxes = geometry.contribution_boxes(make.firing((0.25, 0.625, 0.5, 0.75), slack=0.25), frames)
    (paid_back,) = np.flatnonzero(boxes.weight < 0)
    assert (boxes.lower[paid_back], boxes.upper[paid_back]) == pytest.approx((1.0, 0.875))


def test_tail_takes_its_own_room_and_enlarged_weights(make, frames):
    boxes = geometry.contribution_boxes(make.firing((0.6, 0.6, 0.6), tail=above(0.5)), frames)
    assert boxes.weight[2:] == pytest.approx([0.25, 0.75])
    assert boxes.lower[2:] == pytest.approx([1.0, 1.2])
    assert boxes.upper[2:] == pytest.approx([1.2, 1.8])


def test_batch_is_refused(frames):
    firing = integrate_and_fire(torch.ones(2, 1), torch.ones(2, 1, 1))
    with pytest.raises(CIFError, match=r"batch of 2: pass firing\.utterance\(i\)"):
        geometry.fire_times(firing, frames)


def test_something_else_than_a_firing_is_refused(frames):
    with pytest.raises(CIFError, match="firing must be a Firing, got list"):
        geometry.fire_times([0.5], frames)


def test_long_waveform_keeps_its_extremes():
    samples = np.zeros(100_000)
    samples[[12_345, 67_890]] = 0.5, -0.75
    curve = geometry.waveform_line(Waveform(samples), points=200)
    assert len(curve.seconds) == 200
    assert (curve.level.max(), curve.level.min()) == (0.5, -0.75)
    assert curve.seconds[curve.level.argmax()] == pytest.approx(12_000 / 16_000)


def test_waveform_needs_two_points():
    with pytest.raises(CIFError, match="points must be at least 2, got 1"):
        geometry.waveform_line(Waveform(np.zeros(4)), points=1)


def test_no_two_labels_of_a_row_touch():
    rng = np.random.default_rng(0)
    centres, widths = np.sort(rng.uniform(0, 30, 60)), rng.uniform(0.2, 3, 60)
    rows = np.array(geometry.label_rows(centres, widths, rows=3, gap=0.1))
    assert set(rows) == {None, 0, 1, 2}
    for row in range(3):
        left, right = (centres - widths / 2)[rows == row], (centres + widths / 2)[rows == row]
        assert (left[1:] - right[:-1] >= 0.1 - 1e-12).all()
