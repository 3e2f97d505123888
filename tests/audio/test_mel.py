"""Features as librosa has them, without librosa."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cifviz.audio.mel import mel_filters, mel_frequencies
from cifviz.audio.resampling import resample
from cifviz.audio.waveform import LogMel, Waveform
from cifviz.corpora.clips import load_clip

ROOT = Path(__file__).resolve().parents[2]

WITH_LIBROSA = """
import json, sys
import librosa, numpy as np
given = np.load(sys.argv[1])
found = {}
for name, setting in json.loads(sys.argv[2]).items():
    hop, n_fft = setting["hop_length"], setting["n_fft"]
    samples, reflected = given["samples"], (n_fft - hop) // 2
    frames = -(-len(samples) // hop)
    padded = np.pad(samples, (reflected, (frames - 1) * hop + n_fft - reflected - len(samples)))
    mel = librosa.feature.melspectrogram(y=padded, sr=16000, center=False, **setting)
    found[name] = np.log(np.maximum(mel, 1e-10)).T
    found[name + " bands"] = librosa.filters.mel(
        sr=16000, n_fft=n_fft, **{key: setting[key] for key in ("n_mels", "fmin", "fmax")}
    )
    found[name + " edges"] = librosa.mel_frequencies(
        setting["n_mels"], fmin=setting["fmin"], fmax=setting["fmax"]
    )
for rate in (8000, 11025, 44100):
    found[str(rate)] = librosa.resample(samples, orig_sr=16000, target_sr=rate)
np.savez(sys.argv[3], **found)
"""

SETTINGS = {
    "the models'": LogMel(),
    "wide": LogMel(n_mels=80, hop_length=200, win_length=1000, f_min=0.0, f_max=8000.0),
    "below 1 kHz": LogMel(n_mels=12, hop_length=256, win_length=256, f_min=100.0, f_max=900.0),
}


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """What librosa makes of a clip, by what was asked of it.

    It runs in a process of its own: coverage and warnings of what it imports are not ours.
    """
    folder = tmp_path_factory.mktemp("librosa")
    np.savez(folder / "given.npz", samples=load_clip("digits_three").waveform.samples)
    settings = {
        name: {
            "n_fft": 1 << (one.win_length - 1).bit_length(),
            "hop_length": one.hop_length,
            "win_length": one.win_length,
            "n_mels": one.n_mels,
            "fmin": one.f_min,
            "fmax": one.f_max,
        }
        for name, one in SETTINGS.items()
    }
    arguments = [folder / "given.npz", json.dumps(settings), folder / "found.npz"]
    subprocess.run([sys.executable, "-c", WITH_LIBROSA, *map(str, arguments)], check=True)
    with np.load(folder / "found.npz") as found:
        return dict(found)


@pytest.mark.parametrize("name", SETTINGS)
def test_log_mel_power_is_that_of_librosa(theirs, name):
    found = SETTINGS[name](load_clip("digits_three").waveform).numpy()
    np.testing.assert_allclose(found, theirs[name], rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", SETTINGS)
def test_bands_are_those_of_librosa(theirs, name):
    one = SETTINGS[name]
    length = 1 << (one.win_length - 1).bit_length()
    bands = mel_filters(one.n_mels, one.f_min, one.f_max, sample_rate=16000, fft_length=length)
    np.testing.assert_allclose(bands, theirs[name + " bands"], atol=1e-7)
    edges = mel_frequencies(one.n_mels, one.f_min, one.f_max)
    np.testing.assert_allclose(edges, theirs[name + " edges"], rtol=1e-9)


@pytest.mark.parametrize("rate", [8000, 11025, 44100])
def test_sound_is_resampled_as_by_librosa(theirs, rate):
    found = resample([load_clip("digits_three").waveform.samples], 16000, rate)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, theirs[str(rate)], atol=1e-6)


def test_long_sound_is_taken_in_blocks_that_do_not_show():
    noise = np.random.default_rng(0).normal(size=160 * 5000).astype(np.float32) / 10
    whole = LogMel()(Waveform(noise)).numpy()
    later = LogMel()(Waveform(noise[160 * 4000 :])).numpy()
    np.testing.assert_allclose(whole[4010:], later[10:], atol=1e-4)
