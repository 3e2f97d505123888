"""The pretrained encoder: its clock, its text, and the message where it is missing."""

import importlib.util
import shutil
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import pytest
import torch

from cifviz.audio import moonshine
from cifviz.audio.moonshine import (
    DIM,
    FOLDER,
    LONGEST,
    PACKAGE,
    VERSION,
    Moonshine,
    has_moonshine,
    load_moonshine,
    num_frames,
)
from cifviz.audio.waveform import Waveform, load_waveform
from cifviz.corpora.clips import load_clip
from cifviz.errors import AudioError, CheckpointError, CIFError

needs_english = pytest.mark.skipif(
    not has_moonshine(),
    reason="the English encoder is not installed (pip install cifviz[english])",
)


@pytest.fixture
def model():
    return load_moonshine()


@pytest.fixture
def files():
    """The folder of the package's files."""
    return Path(str(distribution(PACKAGE).locate_file(FOLDER)))


@pytest.fixture
def not_cached():
    load_moonshine.cache_clear()
    yield
    load_moonshine.cache_clear()


def noise(samples, level=0.01):
    return Waveform(
        np.random.default_rng(0).normal(size=samples).astype(np.float32) * np.float32(level)
    )


def natural(seconds, start=3.0):
    """Some natural speech of the package."""
    path = distribution(PACKAGE).locate_file("moonshine_voice/assets/two_cities.wav")
    return load_waveform(str(path)).cut(start, start + seconds)


# --- the extra is missing, or not as it should be ------------------------------------------------


class FakeDistribution:
    def __init__(self, version, folder="nowhere"):
        self.version, self.folder = version, folder

    def locate_file(self, path):
        return Path(self.folder, path)


def not_installed(name):
    raise PackageNotFoundError(name)


def installed_as(monkeypatch, version, folder="nowhere"):
    monkeypatch.setattr(moonshine, "distribution", lambda name: FakeDistribution(version, folder))


def test_without_the_package_one_sentence_says_how_to_get_it(monkeypatch, not_cached):
    monkeypatch.setattr(moonshine, "distribution", not_installed)
    assert not has_moonshine()
    with pytest.raises(CIFError, match=r"moonshine-voice is not.*pip install cifviz\[english\]"):
        load_moonshine()


def test_another_version_is_named(monkeypatch, not_cached):
    installed_as(monkeypatch, "0.1.5")
    assert not has_moonshine()
    with pytest.raises(CheckpointError, match=r"moonshine-voice 0\.0\.49 and .*0\.1\.5 here: pip"):
        load_moonshine()


def test_a_missing_onnxruntime_is_named(monkeypatch, not_cached):
    installed_as(monkeypatch, VERSION)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(CheckpointError, match=r"onnxruntime is not .*pip install cifviz\[english"):
        load_moonshine()


def test_without_onnxruntime_it_is_not_there(monkeypatch):
    installed_as(monkeypatch, VERSION)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert not has_moonshine()


@needs_english
def test_missing_files_are_named(monkeypatch, tmp_path, not_cached):
    installed_as(monkeypatch, VERSION, tmp_path)
    with pytest.raises(CheckpointError, match=r"no file .*encoder_model\.ort: pip install --force"):
        load_moonshine()


@needs_english
@pytest.mark.parametrize("name", ["decoder_model_merged.ort", "tokenizer.bin"])
def test_a_missing_part_of_the_decoder_is_named_when_it_is_wanted(files, tmp_path, name):
    shutil.copytree(files, tmp_path, dirs_exist_ok=True)
    (tmp_path / name).unlink()
    model = Moonshine(tmp_path)
    states = model.states(noise(16000))
    with pytest.raises(CheckpointError, match=rf"no file .*{name}: pip install --force"):
        model.decode(states)


@needs_english
@pytest.mark.parametrize("damage", ["cut", "changed", "empty"])
def test_a_damaged_file_is_named(files, tmp_path, damage):
    content = bytearray((files / "encoder_model.ort").read_bytes())
    content[len(content) // 2] ^= 1
    kept = {"cut": content[:1000], "changed": content, "empty": b""}[damage]
    (tmp_path / "encoder_model.ort").write_bytes(kept)
    with pytest.raises(CheckpointError, match=r"encoder_model\.ort is not .* or is damaged: pip"):
        Moonshine(tmp_path)


@needs_english
def test_an_onnxruntime_that_cannot_run_it_is_named(monkeypatch, files):
    import onnxruntime

    def refuse(*_, **__):
        raise RuntimeError("unknown operator")

    monkeypatch.setattr(onnxruntime, "InferenceSession", refuse)
    with pytest.raises(CheckpointError, match=r"onnxruntime [\d.]+ cannot run encoder_model"):
        Moonshine(files)


# --- states --------------------------------------------------------------------------------------


@needs_english
@pytest.mark.parametrize("samples", [0, 1, 894, 895, 1278, 1279, 16000])
def test_frames_are_as_many_as_documented(model, samples):
    states = model.states(noise(samples))
    assert states.shape == (num_frames(samples), DIM)
    assert states.dtype == torch.float32 and states.isfinite().all()


@needs_english
@pytest.mark.slow
def test_half_a_minute_goes_at_once(model):
    samples = round(LONGEST * 16000)
    assert model.states(noise(samples)).shape == (num_frames(samples), DIM)


@needs_english
def test_sound_that_is_too_long_or_of_another_rate_is_refused(model):
    with pytest.raises(AudioError, match=r"at most 30 s of sound, got 31\.0 s: cut it"):
        model.states(Waveform(np.zeros(round((LONGEST + 1) * 16000), np.float32)))
    with pytest.raises(AudioError, match="expected audio at 16000 Hz, got 8000 Hz"):
        model.states(Waveform(np.zeros(8000, np.float32), 8000))
    with pytest.raises(CIFError, match="waveform must be a Waveform"):
        model.states(np.zeros(8000, np.float32))


@needs_english
def test_the_same_sound_gives_the_same_states_whatever_came_before(model):
    sound = natural(1.0)
    first = model.states(sound)
    model.text(noise(9000))
    torch.testing.assert_close(model.states(sound), first)
    torch.testing.assert_close(Moonshine(model._folder).states(sound), first)


@needs_english
def test_a_change_of_the_sound_shows_at_its_time_on_the_clock(model):
    """Noise of 12 ms in speech changes the states around its middle most."""
    speech = natural(3.0).samples
    before = model.states(Waveform(speech))
    rng, misses = np.random.default_rng(0), []
    for middle in range(6_000, 42_000, 1_009):  # samples; not a multiple of a frame's
        changed = speech.copy()
        changed[middle - 96 : middle + 96] += rng.normal(size=192).astype(np.float32) * 0.3
        change = (model.states(Waveform(changed)) - before).square().sum(dim=1)
        peak = (change - change.max() / 2).clamp(min=0)
        frame = float((torch.arange(len(peak)) + 0.5) @ peak / peak.sum())
        misses.append(model.grid.seconds(frame) - middle / 16000)
    # Medians of other stretches of the same places scatter by 1 ms; a third of a frame is 8 ms.
    assert abs(np.median(misses)) < 0.008


# --- text ----------------------------------------------------------------------------------------


@needs_english
def test_a_clip_that_ships_is_read_right(model):
    clip = load_clip("natural_lake")
    assert model.text(clip.waveform) == clip.text


@needs_english
def test_natural_speech_is_read_right(model):
    assert "it was the worst of times" in model.text(natural(6.0, start=0.0)).lower()


@needs_english
def test_sound_without_a_frame_has_no_text(model):
    assert model.text(noise(0)) == model.text(noise(894)) == ""


@needs_english
def test_what_is_decoded_has_a_limit(model):
    """Noise may be read as something that repeats itself without end."""
    for samples in (895, 16000, 80000):
        text = model.text(noise(samples, level=0.3))
        assert len(text.split()) <= 7 * samples / 16000 + 1
        text.encode("utf-8")


@needs_english
def test_the_decoder_takes_states_alone(model):
    sound = natural(2.0, start=0.0)
    assert model.decode(model.states(sound)) == model.text(sound)
    with pytest.raises(CIFError, match=r"states must be \(frames, 288\), got \(4, 40\)"):
        model.decode(torch.zeros(4, 40))
    with pytest.raises(CIFError, match="states must be a Tensor"):
        model.decode([[0.0] * DIM])
