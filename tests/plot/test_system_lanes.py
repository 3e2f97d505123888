"""Lanes that some systems alone have: when they are there, and what they show."""

import itertools

import numpy as np
import pytest
import torch

from cifviz import plot
from cifviz.core.neurons import USUAL
from cifviz.plot.tracks import TRACKS
from tests.systems import test_fastlr, test_simultaneous, test_spiking
from tests.systems.tiny import noise, tiny_recognizer


@pytest.fixture(scope="module")
def lips():
    video = test_fastlr.video(25, seed=1)
    return test_fastlr.tiny().transcribe(noise(1.0), video=video), video


def spiking(rule, network="spiking"):
    return test_spiking.tiny(rule=rule, network=network).transcribe(noise(1.0))


def test_a_plain_recogniser_has_none_of_them():
    panel = plot.panel(tiny_recognizer().transcribe(noise(0.5)))
    assert not {"pictures", "membrane", "spikes", "written"} & panel.axes.keys()


def test_pictures_stand_at_their_times(lips):
    transcription, video = lips
    panel = plot.panel(transcription)
    ax = panel.axes["pictures"]
    assert 1 <= len(ax.images) <= 25
    assert transcription.extras["video"].shape == tuple(video.shape)
    for image in ax.images:
        left, right, _, _ = image.get_extent()
        place = int((left + right) / 2 / transcription.grid.shift)
        np.testing.assert_allclose(image.get_array(), 255 * video[place], atol=0.51)
    edges = [image.get_extent()[:2] for image in ax.images]
    assert all(one[1] <= after[0] + 1e-9 for one, after in itertools.pairwise(edges))
    assert "pictures" in panel.fig.alt
    part = plot.panel(transcription, start=0.4, end=0.6)
    middles = [sum(image.get_extent()[:2]) / 2 for image in part.axes["pictures"].images]
    assert middles and all(0.4 <= one <= 0.6 for one in middles)


def test_a_membrane_is_shown_where_it_is_no_accumulated_weight():
    leaky = spiking("leaky")
    panel = plot.panel(leaky)
    trace, _, _ = USUAL["leaky"].run(leaky.firing.scaled_alpha)
    (line, *_) = panel.axes["membrane"].lines
    assert np.max(line.get_ydata()) == pytest.approx(float(trace.peak.max()), abs=1e-6)
    assert "membrane potential of a neuron with the rule leaky" in panel.fig.alt
    assert "membrane" not in plot.panel(spiking("integrate")).axes


def test_a_raster_is_that_of_the_last_layer():
    transcription = spiking("integrate")
    frames = transcription.firing.alpha.shape[1]
    raster = transcription.extras["raster"]
    assert raster.shape == (frames, 16) and set(np.unique(raster)) <= {0, 1}
    panel = plot.panel(transcription)
    assert ("spikes" in panel.axes) == bool(raster.size)
    assert TRACKS["spikes"].describe(transcription) == "spikes of 16 neurons"
    assert "raster" not in spiking("integrate", "gru").extras


@pytest.mark.parametrize("kind", ["simultaneous", "wait-k"])
def test_what_was_written_is_a_staircase(kind):
    """Also of a system without a CIF, which the explorer refuses."""
    kinds = {"simultaneous": test_simultaneous.tiny, "wait-k": test_simultaneous.tiny_wait}
    model = test_simultaneous.never_ending(kinds[kind]())
    transcription = model.transcribe(noise(1.0))
    assert (transcription.firing is None) == (kind == "wait-k")
    assert len(transcription.tokens) > 1
    panel = plot.panel(transcription)
    steps = panel.axes["written"].lines[0].get_xydata()
    assert steps[-1, 1] == len(transcription.tokens)
    np.testing.assert_allclose(
        steps[1:-1:2, 0], torch.as_tensor(transcription.extras["delays"]).numpy()
    )
