"""α as a tone, fires as clicks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifviz.audio.sonification import mixed, sonified
from cifviz.audio.waveform import Waveform
from cifviz.errors import CIFError
from cifviz.timing import FrameGrid

GRID = FrameGrid(0.04)
WEIGHTS = st.lists(st.floats(-1, 1e6), max_size=12)
FIRES = st.lists(st.floats(-1, 1), max_size=12).map(sorted)


def test_clicks_begin_where_fires_are():
    """48.9 and 100 samples; what is outside is not heard."""
    sound = sonified([0] * 5, [-0.1, 0.0489, 0.1, 0.2, 9], GRID, 0.2, sample_rate=1000).samples
    begun = np.flatnonzero((sound != 0) & (np.roll(sound, 1) == 0))
    assert begun.tolist() == [49, 100]
    assert sound[[49, 100]] == pytest.approx([0.7, 0.7])


def test_the_tone_is_as_loud_as_the_weights():
    sound = sonified([0.1] * 25 + [0.2] * 25, [], GRID, 2.0).samples
    soft, loud = sound[4000:12000], sound[20000:28000]
    assert np.abs(loud).max() == pytest.approx(0.25, rel=1e-3)
    assert np.abs(soft).max() == pytest.approx(0.125, rel=1e-3)
    peak = np.argmax(np.abs(np.fft.rfft(loud)))
    assert peak * 16000 / len(loud) == pytest.approx(330, abs=2)


@given(WEIGHTS, FIRES, st.booleans())
def test_it_never_clips_and_the_voice_stays_louder(weights, fires, tail_fired):
    cif = sonified(weights, fires, GRID, 0.48, sample_rate=8000, tail_fired=tail_fired)
    assert np.abs(cif.samples).max(initial=0) <= 0.951
    voice = Waveform(np.ones(3840, np.float32), 8000)
    both = mixed(voice, cif)
    assert np.abs(both.samples).max() <= 1 and len(both.samples) == 3840
    assert (both.samples >= 0.6 - 0.4 * 0.951).all()


def test_a_soft_voice_stays_as_it_is_and_the_cif_is_softer():
    cif = sonified([1.0] * 25, [0.5], GRID, 1.0, sample_rate=8000)
    voice = Waveform(np.full(8000, 0.09, np.float32), 8000)
    both = mixed(voice, cif)
    assert both.samples - 0.06 * cif.samples == pytest.approx(voice.samples, abs=1e-6)
    silent = mixed(Waveform(np.zeros(8000, np.float32), 8000), cif)
    assert silent.samples == pytest.approx(cif.samples * 0.05 * 2 / 3, abs=1e-6)


def test_nothing_is_silent_and_what_is_no_row_is_refused():
    assert not sonified([], [], GRID, 0.1).samples.any()
    assert len(sonified([], [0.0], GRID, 0.0).samples) == 0
    for weights in ([[1.0]], [float("nan")]):
        with pytest.raises(CIFError, match="weights must be finite numbers"):
            sonified(weights, [], GRID, 1.0)
    with pytest.raises(CIFError, match="fires must be finite"):
        sonified([1.0], [float("inf")], GRID, 1.0)
    with pytest.raises(CIFError, match="expected a voice of 16000 Hz, got 8000 Hz"):
        mixed(Waveform(np.zeros(8, np.float32), 8000), sonified([], [], GRID, 0.1))
