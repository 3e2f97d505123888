"""Sound as Opus, which is small and lossy."""

from __future__ import annotations

import io

import numpy as np

from cifviz.audio.waveform import Waveform
from cifviz.errors import require_integer, require_type

RATES = (8_000, 12_000, 16_000, 24_000, 48_000)
"""Hz: the sample rates that Opus takes."""
BIT_RATE = 32_000
"""Bits a second: of speech at 16 kHz hardly anyone hears a difference."""


def opus_of(waveform: Waveform, *, bit_rate: int = BIT_RATE) -> bytes:
    """A sound as Opus in an Ogg file.

    Times do not shift: the file states how many samples its encoder put before the first, and every
    decoder removes them.

    Parameters
    ----------
    waveform : Waveform
        At any rate; one that Opus does not take is resampled to the next higher one that it does.
        Amplitudes beyond full scale are clipped.
    bit_rate : int, 6,000 to 256,000
        Bits a second.

    Returns
    -------
    bytes
        Of an empty sound, the file of one silent sample.

    Raises
    ------
    CIFError
        If `waveform` is none, or `bit_rate` is out of its range.

    Examples
    --------
    A second of silence, of which WAV takes 32 kB:

    >>> len(opus_of(Waveform(np.zeros(16000)))) < 2000
    True
    """
    require_type("waveform", waveform, Waveform)
    require_integer("bit_rate", bit_rate, at_least=6_000, at_most=256_000)
    import av
    import soxr

    # 1. The samples, at a rate that Opus takes.
    samples, rate = waveform.samples.clip(-1, 1), waveform.sample_rate
    if rate not in RATES:
        higher = next((one for one in RATES if one > rate), RATES[-1])
        samples, rate = soxr.resample(samples, rate, higher), higher
    samples = samples if len(samples) else np.zeros(1)
    # 2. The file.
    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=rate, layout="mono")
        stream.bit_rate = bit_rate
        stream.format = "flt"
        frame = av.AudioFrame.from_ndarray(samples.astype(np.float32)[None], "flt", "mono")
        frame.sample_rate, frame.pts = rate, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()
