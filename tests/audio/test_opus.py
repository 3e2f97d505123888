"""Opus: small, and its times do not shift."""

import io

import numpy as np
import pytest

from cifviz import CIFError, Waveform, load_clip, load_waveform
from cifviz.audio.opus import RATES, opus_of


def speech(rate):
    """The same speech at any rate; it does not end in silence."""
    import soxr

    clip = load_clip("digits_five").waveform
    return Waveform(soxr.resample(clip.samples, clip.sample_rate, rate)[: round(1.5 * rate)], rate)


def delay(decoded, given):
    """Samples by which one sound comes after the other: where they correlate most."""
    size = 2 * max(len(decoded), len(given))
    product = np.fft.rfft(decoded, size) * np.conj(np.fft.rfft(given, size))
    place = int(np.argmax(np.fft.irfft(product)))
    return place - size if place > size // 2 else place


@pytest.mark.parametrize("rate", [*RATES, 11025, 22050, 44100])
def test_it_comes_back_as_long_as_it_was_and_at_the_same_time(rate):
    given = speech(rate)
    encoded = opus_of(given)
    assert len(encoded) < 0.4 * 2 * len(given.samples) * 16000 / rate
    decoded = load_waveform(io.BytesIO(encoded), sample_rate=rate)
    # A decoder that does not know the end fills up the last packet of 20 ms.
    assert 0 <= len(decoded.samples) - len(given.samples) <= 0.02 * rate + 1
    assert abs(delay(decoded.samples, given.samples)) <= max(1, rate / 16000)
    both = np.corrcoef(decoded.samples[: len(given.samples)], given.samples)
    assert both[0, 1] > 0.9


def test_more_bits_are_more_bytes():
    given = speech(16000)
    sizes = [len(opus_of(given, bit_rate=bits)) for bits in (8_000, 32_000, 128_000)]
    assert sizes == sorted(sizes) and sizes[2] > 2 * sizes[0]


def test_a_sound_beyond_full_scale_is_clipped():
    given = Waveform(3 * np.sin(np.arange(16000) / 10), 16000)
    decoded = load_waveform(io.BytesIO(opus_of(given))).samples
    assert np.abs(decoded).max() < 1.5


@pytest.mark.parametrize("length", [0, 1, 100])
def test_very_short_sounds_are_files_too(length):
    assert opus_of(Waveform(np.zeros(length), 16000)).startswith(b"OggS")


@pytest.mark.parametrize("bits", [0, 5_999, 256_001, 32_000.5])
def test_a_bit_rate_that_opus_does_not_have_is_refused(bits):
    with pytest.raises(CIFError, match="bit_rate"):
        opus_of(Waveform(np.zeros(10), 16000), bit_rate=bits)


def test_another_type_is_refused():
    with pytest.raises(CIFError, match="waveform"):
        opus_of(np.zeros(10))
