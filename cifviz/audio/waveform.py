"""Sound in: `Waveform`, `load_waveform`, and log-mel features with their clock.

FFmpeg (PyAV) and soxr are loaded when first used, not with the library.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cifviz.audio.decoding import HIGHEST_RATE, LOWEST_RATE
from cifviz.audio.mel import mel_filters, power_spectra
from cifviz.audio.sound_files import Source, read_mono
from cifviz.errors import (
    AudioError,
    require,
    require_integer,
    require_number,
    require_type,
)
from cifviz.timing import FrameGrid

SAMPLE_RATE = 16_000
"""Hz: the rate of every shipped model."""
LONGEST_WINDOW = 2**16
"""Samples under a window of features, at most: seconds of sound."""


@dataclass(frozen=True, eq=False)
class Waveform:
    """Mono audio with its clock; the last expression of a notebook cell plays it.

    Parameters
    ----------
    samples : array of float (time,)
        Amplitudes, full scale being ±1. Integers are refused: their full scale is unknown.
    sample_rate : int > 0
        Hz.

    Raises
    ------
    AudioError
        If the samples are not a one-dimensional array of finite floating point numbers, or the rate
        is not an integer > 0.

    Examples
    --------
    >>> Waveform(np.zeros(8000, dtype=np.float32), 16000).duration
    0.5
    """

    samples: np.ndarray
    sample_rate: int = SAMPLE_RATE

    def __post_init__(self) -> None:
        try:
            samples = np.asarray(self.samples)
        except (RuntimeError, TypeError, ValueError) as error:  # ragged, or a tensor with gradient
            raise AudioError(f"samples must be an array (time,): {error}") from error
        require(
            samples.ndim == 1 and samples.dtype.kind == "f",
            "samples must be floating point, (time,), full scale being ±1, "
            f"got {samples.dtype} {samples.shape}",
            AudioError,
        )
        with np.errstate(over="ignore"):  # beyond float32 is infinite, and refused as such
            samples = np.ascontiguousarray(samples, dtype=np.float32)
        require(
            bool(np.isfinite(samples).all()), "samples must be finite, got NaN or inf", AudioError
        )
        rate = require_integer("sample_rate", self.sample_rate, above=0, error=AudioError)
        object.__setattr__(self, "samples", samples)
        object.__setattr__(self, "sample_rate", rate)

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate

    def cut(self, start: float, end: float) -> Waveform:
        """The part between two times in seconds, clipped to what there is; ``math.inf`` is its end.

        >>> Waveform(np.arange(10) / 10, 10).cut(0.2, 0.5).samples.tolist()
        [0.20000000298023224, 0.30000001192092896, 0.4000000059604645]
        """
        start = require_number("start", start, error=AudioError)
        if end != math.inf:
            end = require_number("end", end, error=AudioError)
        require(
            start <= end, f"cut needs start <= end (seconds), got {start} and {end}", AudioError
        )
        first, last = (
            round(min(max(0.0, time), self.duration) * self.sample_rate) for time in (start, end)
        )
        return Waveform(self.samples[first:last], self.sample_rate)

    def audio(self, **kwargs: Any) -> Any:
        """An `IPython.display.Audio` player; loudness is kept, so that clips can be compared."""
        from IPython.display import Audio

        return Audio(self.samples.clip(-1, 1), rate=self.sample_rate, normalize=False, **kwargs)

    def _repr_html_(self) -> str:
        return self.audio()._repr_html_()


def load_waveform(source: Source, *, sample_rate: int = SAMPLE_RATE) -> Waveform:
    """Read the first sound track of a file, mix it to mono and resample it.

    Parameters
    ----------
    source : str, Path or binary file
        WAV, FLAC, MP3, Ogg, M4A, MP4, WebM, AMR, AIFF, … A binary file is read from its beginning
        and stays open; what cannot seek, such as a pipe, is held in memory.
    sample_rate : int from 4,000 to 384,000
        Rate of the result in Hz.

    Returns
    -------
    Waveform
        Mono at `sample_rate`: the mean of the channels or, where they cancel each other in the
        mean because one is inverted, the loudest of them.

    Raises
    ------
    AudioError
        If the file cannot be read, is not a sound, is damaged in the middle, or holds no sample; if
        it is beyond the limits: 4 to 384 kHz, 64 channels, four hours, samples up to 2³¹
        times full scale; or if `sample_rate` is not such an integer.

    Notes
    -----
    Time 0 is the first sample of the track; samples that an encoder put before it are removed where
    the file states their number. See `cifviz.audio.decoding.sound_blocks`.

    Examples
    --------
    >>> from cifviz.resources import resource
    >>> load_waveform(resource("clips") / "digits_five.flac").duration
    1.8636875
    """
    sample_rate = require_integer("sample_rate", sample_rate, above=0, error=AudioError)
    require_integer(
        "sample_rate", sample_rate, at_least=LOWEST_RATE, at_most=HIGHEST_RATE, error=AudioError
    )
    return Waveform(read_mono(source, sample_rate), sample_rate)


@dataclass(frozen=True)
class LogMel:
    """Log-mel features with their clock: frame t is centred on its own piece of time.

    Frame t covers the samples ``[t·hop, (t+1)·hop)``; its analysis window reaches beyond it by the
    same amount on both sides. An incomplete frame at the end is filled up with zeros.

    Examples
    --------
    A quarter of a second in frames of 10 ms:

    >>> features = LogMel(n_mels=40)
    >>> features(Waveform(np.zeros(4000, dtype=np.float32))).shape
    torch.Size([25, 40])
    """

    sample_rate: int = SAMPLE_RATE
    """Hz; a waveform of another rate is refused."""
    n_mels: int = 40
    hop_length: int = 160
    """Samples between frames."""
    win_length: int = 400
    """Samples under the Hann window."""
    f_min: float = 60.0
    """Lowest frequency in Hz."""
    f_max: float = 7600.0
    """Highest frequency in Hz."""
    floor: float = 1e-10
    """Smallest power, so that silence has a logarithm."""

    def __post_init__(self) -> None:
        for name in ("sample_rate", "n_mels", "hop_length", "win_length"):
            require_integer(name, getattr(self, name), above=0)
        require_integer("win_length", self.win_length, at_most=LONGEST_WINDOW)
        require(
            self.hop_length <= self._fft_length,
            f"hop_length must be at most the {self._fft_length} samples of the FFT for "
            f"win_length={self.win_length}, got {self.hop_length}",
        )
        require_number("floor", self.floor, above=0)
        require_number("floor", self.floor, at_least=1e-30, at_most=1e30)  # in float32, too
        for name in ("f_min", "f_max"):
            require_number(name, getattr(self, name))
        require(
            0 <= self.f_min < self.f_max <= self.sample_rate / 2,
            "LogMel needs 0 <= f_min < f_max <= sample_rate / 2, "
            f"got f_min={self.f_min}, f_max={self.f_max}, sample_rate={self.sample_rate}",
        )

    @property
    def grid(self) -> FrameGrid:
        """The clock of the frames."""
        return FrameGrid(self.hop_length / self.sample_rate)

    @property
    def _fft_length(self) -> int:
        """The power of two that holds the window, in samples."""
        return 1 << (self.win_length - 1).bit_length()

    def __call__(self, waveform: Waveform) -> Tensor:
        """Natural logarithm of the mel power, float32 (frames, n_mels)."""
        require_type("waveform", waveform, Waveform)
        require(
            waveform.sample_rate == self.sample_rate,
            f"expected audio at {self.sample_rate} Hz, got {waveform.sample_rate} Hz",
            AudioError,
        )
        frames = math.ceil(len(waveform.samples) / self.hop_length)
        if not frames:
            return torch.zeros(0, self.n_mels)
        n_fft = self._fft_length
        before = (n_fft - self.hop_length) // 2
        after = (frames - 1) * self.hop_length + n_fft - before - len(waveform.samples)
        power = power_spectra(
            np.pad(waveform.samples, (before, after)),
            fft_length=n_fft,
            hop_length=self.hop_length,
            win_length=self.win_length,
        )
        bands = mel_filters(
            self.n_mels, self.f_min, self.f_max, sample_rate=self.sample_rate, fft_length=n_fft
        )
        mel = power @ bands.T
        return torch.from_numpy(np.log(np.maximum(mel, self.floor)).astype(np.float32))
