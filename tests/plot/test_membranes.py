"""Membranes and rasters: what is drawn where."""

import numpy as np
import pytest
import torch

from cifviz import plot
from cifviz.core.neurons import RULES, NeuronRule
from cifviz.errors import CIFError
from cifviz.timing import FrameGrid

GRID = FrameGrid(0.5)


def trace_of(*alpha, rule="integrate"):
    return NeuronRule(rule).run(torch.tensor([alpha]).reshape(1, -1))[0]


def test_the_potential_rises_to_its_peak_and_falls_at_a_spike(ax):
    artists = plot.membrane(trace_of(0.75, 0.5, 0.25), GRID, ax=ax)
    points = np.stack(artists.potential.get_data(), axis=1).round(6).tolist()
    assert points == [
        [0, 0],
        [0.5, 0.75],
        [0.5, 0.75],
        [1, 1.25],
        [1, 0.25],
        [1.5, 0.5],
        [1.5, 0.5],
    ]
    np.testing.assert_allclose(artists.spikes.get_offsets(), [[1.0, 1.0]])
    assert artists.threshold.get_data().values.tolist() == [1, 1, 1]


def test_several_spikes_of_a_frame_are_one_larger_mark(ax):
    sizes = plot.membrane(trace_of(1.0, 3.0), GRID, ax=ax).spikes.get_sizes()
    assert sizes[1] == 3 * sizes[0]


@pytest.mark.parametrize("rule", RULES)
def test_without_frames_there_is_nothing_to_draw(ax, rule):
    artists = plot.membrane(trace_of(rule=rule), GRID, ax=ax)
    assert artists.threshold is None and not len(artists.spikes.get_offsets())
    assert not plot.spike_raster(np.zeros((0, 3)), GRID, ax=ax).spikes.get_paths()


def test_a_raster_has_a_row_for_each_neuron(ax):
    drawn = plot.spike_raster(torch.tensor([[1, 0, 0], [0, 0, 1]]), GRID, ax=ax).spikes
    middles = [path.vertices.mean(axis=0).tolist() for path in drawn.get_paths()]
    assert middles == [[0.25, 0.0], [0.75, 2.0]]
    assert ax.get_ylim() == (-0.5, 2.5) and ax.get_xlim() == (0, 1)


def test_what_is_no_membrane_or_raster_is_refused(ax):
    with pytest.raises(CIFError, match="trace must be a Membrane"):
        plot.membrane(torch.zeros(1, 3), GRID, ax=ax)
    two = NeuronRule().run(torch.zeros(2, 3))[0]
    with pytest.raises(CIFError, match="of one utterance, got a batch of 2"):
        plot.membrane(two, GRID, ax=ax)
    with pytest.raises(CIFError, match=r"spikes must be \(frames, neurons\), got \(3,\)"):
        plot.spike_raster(np.zeros(3), GRID, ax=ax)
