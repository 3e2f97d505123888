"""Noise has the spectrum that its name says."""

import numpy as np
import pytest

from cifviz.audio.noise import pink_noise
from cifviz.audio.waveform import SAMPLE_RATE
from cifviz.errors import CIFError


def test_pink_noise_has_the_same_power_in_each_octave():
    noise = pink_noise(2**17, SAMPLE_RATE, np.random.default_rng(0))
    assert np.mean(noise**2) == pytest.approx(1)
    power = np.abs(np.fft.rfft(noise)) ** 2
    frequencies = np.fft.rfftfreq(len(noise), 1 / SAMPLE_RATE)
    octaves = [
        power[(frequencies >= low) & (frequencies < 2 * low)].sum()
        for low in (60, 120, 240, 480, 960, 1920, 3840)
    ]
    assert octaves == pytest.approx([np.mean(octaves)] * 7, rel=0.1)
    assert power[frequencies < 60].sum() < 1e-9 * power.sum()


@pytest.mark.parametrize(
    ("count", "rate", "message"),
    [(0, 16_000, "count must be an integer > 0"), (5, 100, "5 samples at 100 Hz hold nothing")],
)
def test_noise_needs_room_for_its_lowest_frequency(count, rate, message):
    with pytest.raises(CIFError, match=message):
        pink_noise(count, rate, np.random.default_rng(0))
