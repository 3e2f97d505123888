"""Noise to add to speech."""

from __future__ import annotations

import numpy as np

from cifviz.errors import require, require_integer

NOISE_FLOOR = 60.0
"""Hz: where pink noise begins, as the features do."""


def pink_noise(count: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Noise with the same power in each octave from `NOISE_FLOOR` up, of root mean square 1."""
    frequencies = np.fft.rfftfreq(require_integer("count", count, above=0), 1 / sample_rate)
    require(
        frequencies[-1] >= NOISE_FLOOR,
        f"{count} samples at {sample_rate} Hz hold nothing above {NOISE_FLOOR:g} Hz",
    )
    colour = (frequencies >= NOISE_FLOOR) / np.sqrt(np.maximum(frequencies, NOISE_FLOOR))
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(count)) * colour, count)
    return noise / np.sqrt(np.mean(noise**2))
