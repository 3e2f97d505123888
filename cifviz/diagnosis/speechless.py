"""`without_speech`: where in a sound nobody speaks, be it silence or steady noise.

A pause is quieter than the speech around it (`cifviz.audio.pauses`). Noise is told by its spectrum:
flat, and for longer than any consonant.
"""

from __future__ import annotations

import numpy as np

from cifviz.audio.pauses import pauses
from cifviz.audio.waveform import Waveform

SHORTEST = 0.3
"""Seconds of a stretch, at least."""
LONGEST_CONSONANT = 0.5
"""Seconds: a flat spectrum that lasts longer is noise."""
FLAT = 0.3
"""Spectral flatness, geometric by arithmetic mean of the power: 0.56 of white noise on average,
well below 0.1 of vowels."""
_WINDOW = 512
_SILENT = 1e-5
"""Root mean square below which a piece is silence, whatever its spectrum."""


def without_speech(waveform: Waveform) -> list[tuple[float, float]]:
    """Stretches without speech: start and end of each in seconds, in order.

    Parameters
    ----------
    waveform : Waveform
        At any sample rate.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(size=16_000).astype(np.float32) / 10
    >>> without_speech(Waveform(noise))
    [(0.0, 1.0)]
    """
    if not len(waveform.samples):
        return []
    return _union(pauses(waveform, shortest=SHORTEST) + _noise(waveform), waveform.duration)


def _noise(waveform: Waveform) -> list[tuple[float, float]]:
    """Stretches of a flat spectrum, or of silence, that are longer than any consonant."""
    pieces = len(waveform.samples) // _WINDOW
    found = np.zeros(pieces, dtype=bool)
    window = np.hanning(_WINDOW)
    for first in range(0, pieces, 4096):  # an hour has a hundred thousand
        last = min(pieces, first + 4096)
        part = waveform.samples[first * _WINDOW : last * _WINDOW].reshape(-1, _WINDOW)
        power = np.abs(np.fft.rfft(part * window, axis=1)[:, 1:-1]) ** 2 + 1e-20
        flatness = np.exp(np.log(power).mean(axis=1)) / power.mean(axis=1)
        level = np.sqrt((part.astype(np.float64) ** 2).mean(axis=1))
        found[first:last] = (flatness > FLAT) | (level < _SILENT)
    changes = np.diff(found.astype(np.int8), prepend=0, append=0)
    piece = _WINDOW / waveform.sample_rate
    times = [
        (float(start) * piece, waveform.duration if end == pieces else float(end) * piece)
        for start, end in zip(np.flatnonzero(changes > 0), np.flatnonzero(changes < 0), strict=True)
    ]
    return [(start, end) for start, end in times if end - start >= LONGEST_CONSONANT]


def _union(stretches: list[tuple[float, float]], duration: float) -> list[tuple[float, float]]:
    """Stretches in order, without overlap."""
    found: list[tuple[float, float]] = []
    for start, end in sorted(stretches):
        end = min(end, duration)
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found
