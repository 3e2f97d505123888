"""Power spectra and mel bands, with numpy alone: the parts of `LogMel`.

Values are those of librosa's ``feature.melspectrogram``, with which tests compare them. librosa
loads numba and most of scipy, which takes seconds, and fails where numba can write no cache.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

_BLOCK = 4096
"""Frames at a time, so that an hour of sound needs no gigabytes."""


def power_spectra(
    samples: np.ndarray, *, fft_length: int, hop_length: int, win_length: int
) -> np.ndarray:
    """Squared magnitudes of the short-time Fourier transform, unpadded.

    Parameters
    ----------
    samples : array of float (time,)
        At least `fft_length` of them.
    fft_length, hop_length, win_length : int > 0
        Samples of a transform, between two of them, and under the periodic Hann window, which
        is centred in the transform.

    Returns
    -------
    array (frames, 1 + fft_length // 2), float32
        ``|Σ_n w_n x_{t·hop+n} e^{-2πikn/fft_length}|²`` for each whole transform.

    Examples
    --------
    A cosine of 2 in 8 samples: its window has the sum 4, half of it at +2, half at -2.

    >>> wave = np.cos(2 * np.pi * 2 * np.arange(8) / 8)
    >>> power_spectra(wave, fft_length=8, hop_length=8, win_length=8).round(6).tolist()
    [[0.0, 1.0, 4.0, 1.0, 0.0]]
    """
    window = np.zeros(fft_length)
    begin = (fft_length - win_length) // 2
    turns = np.arange(win_length) / win_length
    window[begin : begin + win_length] = 0.5 - 0.5 * np.cos(2 * np.pi * turns)
    frames = sliding_window_view(samples, fft_length)[::hop_length]
    power = np.empty((len(frames), 1 + fft_length // 2), dtype=np.float32)
    for first in range(0, len(frames), _BLOCK):
        block = slice(first, first + _BLOCK)
        spectra = np.fft.rfft(frames[block] * window).astype(np.complex64)
        power[block] = np.abs(spectra) ** 2
    return power


def mel_filters(
    n_mels: int, f_min: float, f_max: float, *, sample_rate: int, fft_length: int
) -> np.ndarray:
    """Triangles over the frequencies of a transform, evenly spaced in mel, each of area 1 Hz.

    Parameters
    ----------
    n_mels : int > 0
        How many.
    f_min, f_max : float
        Start of the first and end of the last, Hz.
    sample_rate : int > 0
        Hz.
    fft_length : int > 0
        Samples of the transform.

    Returns
    -------
    array (n_mels, 1 + fft_length // 2), float32

    Examples
    --------
    One triangle from 0 to 400 Hz, 2 / 400 high in its middle:

    >>> mel_filters(1, 0, 400, sample_rate=800, fft_length=8).tolist()
    [[0.0, 0.0024999999441206455, 0.004999999888241291, 0.0024999999441206455, 0.0]]
    """
    edges = mel_frequencies(n_mels + 2, f_min, f_max)[:, None]
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    frequencies = np.fft.rfftfreq(fft_length, 1 / sample_rate)
    rising, falling = (frequencies - low) / (middle - low), (high - frequencies) / (high - middle)
    triangles = np.maximum(0, np.minimum(rising, falling))
    return (triangles * 2 / (high - low)).astype(np.float32)


def mel_frequencies(number: int, f_min: float, f_max: float) -> np.ndarray:
    """Frequencies evenly spaced in mel, both ends included, Hz.

    The scale is that of Slaney's Auditory Toolbox (1998): 200/3 Hz a mel up to 1000 Hz, which are
    15 mel, and from there on a factor of 6.4 for every 27 mel.

    Examples
    --------
    From 7.5 to 42 mel in steps of 34.5 / 2:

    >>> mel_frequencies(3, 500, 6400).round(1).tolist()
    [500.0, 1954.9, 6400.0]
    """
    low, high = _mel(np.array([f_min, f_max]))
    mels = np.linspace(low, high, number)
    return np.where(mels < 15, mels * 200 / 3, 1000 * 6.4 ** ((mels - 15) / 27))


def _mel(frequencies: np.ndarray) -> np.ndarray:
    above = 15 + 27 * np.log(np.maximum(frequencies, 1000) / 1000) / np.log(6.4)
    return np.where(frequencies < 1000, frequencies * 3 / 200, above)
