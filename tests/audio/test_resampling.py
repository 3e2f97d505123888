import math
import weakref

import librosa
import numpy as np
import pytest

from cifviz.audio.resampling import resample

RATES = [8000, 11025, 22050, 44100, 48000, 96000, 192000]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("count", [1, 100, 20_001])
def test_what_librosa_gives_whatever_the_blocks(rate, count):
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, count).astype(np.float32)
    expected = librosa.resample(sound, orig_sr=rate, target_sr=16000)
    for size in (7, 4096, count):
        blocks = (sound[first : first + size] for first in range(0, count, size))
        found = resample(blocks, rate, 16000)
        assert len(found) == math.ceil(count * 16000 / rate)
        np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("rate", [16000, *RATES])
def test_nothing_stays_nothing(rate):
    assert resample([], rate, 16000).shape == (0,)
    assert resample([np.zeros(0, np.float32)], rate, 16000).dtype == np.float32


def test_blocks_are_not_kept():
    """Memory is bounded by the result."""
    kept = []

    def blocks():
        for _ in range(10):
            block = np.zeros(48_000, np.float32)
            kept.append(weakref.ref(block))
            yield block

    assert len(resample(blocks(), 48_000, 16_000)) == 10 * 16_000
    assert [one() for one in kept] == [None] * 10
