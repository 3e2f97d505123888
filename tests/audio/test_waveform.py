import math
import shutil

import numpy as np
import pytest
import soundfile
import torch

from cifviz.audio.waveform import LogMel, Waveform, load_waveform
from cifviz.errors import AudioError, CIFError


def tone(seconds=0.5, rate=16000, hertz=440.0):
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def test_a_text_file_is_not_audio(tmp_path):
    path = tmp_path / "speech.wav"
    path.write_text("this is not a sound")
    with pytest.raises(AudioError, match="expected a sound file .* cannot read .*speech.wav"):
        load_waveform(path)


def test_an_empty_file_is_not_audio(tmp_path):
    path = tmp_path / "empty.wav"
    path.touch()
    with pytest.raises(AudioError, match="expected a sound file, .*empty.wav is empty"):
        load_waveform(path)


def test_audio_without_a_sample_is_refused(tmp_path):
    path = tmp_path / "none.wav"
    soundfile.write(path, np.zeros(0), 16000)
    with pytest.raises(AudioError, match="at least one sample, found none in .*none.wav"):
        load_waveform(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(AudioError, match="no such audio file: .*nothing.flac"):
        load_waveform(tmp_path / "nothing.flac")
    with pytest.raises(AudioError, match=f"cannot read .*{tmp_path.name}: "):
        load_waveform(tmp_path)


@pytest.mark.parametrize("path", [None, 1, b"sound.wav", ["a"]])
def test_a_path_is_a_str_or_a_path(path):
    with pytest.raises(AudioError, match="a path .str or Path. or a binary file, got "):
        load_waveform(path)


@pytest.mark.parametrize("path", ["a" * 5000, "a\0b.wav"], ids=["long", "NUL"])
def test_a_name_that_no_file_can_have_is_refused(path):
    with pytest.raises(AudioError, match="no such audio file: a|cannot read a") as caught:
        load_waveform(path)
    assert str(caught.value).isprintable()


def test_a_file_without_a_header_is_refused(tmp_path):
    (tmp_path / "sound.raw").write_bytes(bytes(100))
    with pytest.raises(AudioError, match="cannot read .*sound.raw: "):
        load_waveform(tmp_path / "sound.raw")


@pytest.mark.parametrize("name", ["grüße 你好.wav", "bad\udcff.flac"], ids=ascii)
def test_a_file_may_have_any_name(tmp_path, name):
    soundfile.write(tmp_path / "plain.wav", tone(), 16000)
    path = tmp_path / name
    try:
        shutil.copy(tmp_path / "plain.wav", path)
    except OSError:
        pytest.skip("this file system holds no such name")
    expected = load_waveform(tmp_path / "plain.wav").samples
    assert np.array_equal(load_waveform(path).samples, expected)
    assert np.array_equal(load_waveform(str(path)).samples, expected)
    path.write_text("this is not a sound")
    with pytest.raises(AudioError, match="expected a sound file .* cannot read") as caught:
        load_waveform(path)
    assert str(caught.value).isprintable()
    caught.value.args[0].encode()


def test_a_file_with_nan_is_named(tmp_path):
    path = tmp_path / "broken.wav"
    soundfile.write(path, np.array([0.0, np.nan]), 16000, subtype="FLOAT")
    with pytest.raises(AudioError, match="expected finite samples, .* in .*broken.wav"):
        load_waveform(path)


@pytest.mark.parametrize("rate", [1, 3999, 384_001, 10**12])
def test_a_rate_to_resample_to_is_one_that_is_recorded_at(tmp_path, rate):
    path = tmp_path / "sound.wav"
    soundfile.write(path, tone(), 8000)
    expected = f"sample_rate must be an integer >= 4000 and <= 384000, got {rate}"
    with pytest.raises(AudioError, match=expected):
        load_waveform(path, sample_rate=rate)


NO_RATES = [0, -1, "16000", 16000.5, None, math.nan, math.inf, True]


@pytest.mark.parametrize("rate", NO_RATES)
def test_a_rate_must_be_a_positive_integer(tmp_path, rate):
    path = tmp_path / "sound.wav"
    soundfile.write(path, tone(), 8000)
    expected = f"sample_rate must be an integer > 0, got {rate!r}"
    with pytest.raises(AudioError, match=expected):
        load_waveform(path, sample_rate=rate)
    with pytest.raises(AudioError, match=expected):
        Waveform(tone(), rate)
    with pytest.raises(CIFError, match=expected):
        LogMel(sample_rate=rate)


def test_a_stereo_mp3_at_44_khz_becomes_mono_at_16(tmp_path):
    path = tmp_path / "song.mp3"
    sound = tone(1.0, 44100)
    soundfile.write(path, np.stack([sound, sound], axis=1), 44100, format="MP3")
    waveform = load_waveform(path)
    assert waveform.sample_rate == 16000
    assert waveform.samples.ndim == 1
    assert waveform.duration == pytest.approx(1.0, abs=0.1)
    spectrum = np.abs(np.fft.rfft(waveform.samples[4000:12000]))
    assert spectrum.argmax() * 2 == pytest.approx(440, abs=2)


def test_channels_are_averaged(tmp_path):
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.stack([np.full(100, 0.5), np.full(100, -0.25)], axis=1), 16000)
    np.testing.assert_allclose(load_waveform(path).samples, 0.125, atol=1e-4)


def test_an_8_bit_wav_is_read(tmp_path):
    path = tmp_path / "old.wav"
    soundfile.write(path, tone(), 16000, subtype="PCM_U8")
    np.testing.assert_allclose(load_waveform(path).samples, tone(), atol=1 / 64)


@pytest.mark.parametrize(
    "rate", [8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 192000]
)
def test_resampling_keeps_the_time_of_an_impulse(tmp_path, rate):
    samples = np.zeros(rate)
    samples[round(0.3 * rate)] = 0.9
    soundfile.write(tmp_path / "click.wav", samples, rate)
    waveform = load_waveform(tmp_path / "click.wav")
    assert waveform.duration == pytest.approx(1.0, abs=1e-3)
    assert np.abs(waveform.samples).argmax() / 16000 == pytest.approx(0.3, abs=1e-4)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros((2, 100)), r"samples must be floating .* \(time,\), .* got float64 \(2, 100\)"),
        (np.array(["a"]), "samples must be floating point"),
        (np.array([0, 1]), "must be floating point, .* full scale being ±1, got int64"),
        ([[1.0], [1.0, 2.0]], r"samples must be an array \(time,\): .*inhomogeneous"),
        (torch.ones(3, requires_grad=True), r"samples must be an array \(time,\): .*grad"),
        (None, "samples must be floating point"),
        ([1e300], "must be finite"),
        (np.array([0.0, np.nan]), "must be finite"),
        (np.array([np.inf]), "must be finite"),
    ],
)
def test_samples_that_are_no_sound_are_refused(samples, message):
    with pytest.raises(AudioError, match=message):
        Waveform(samples)


def test_cutting_clips_to_what_there_is():
    waveform = Waveform(tone(1.0))
    assert waveform.cut(-1.0, 0.25).duration == 0.25
    assert waveform.cut(0.9, 5.0).duration == pytest.approx(0.1)
    assert waveform.cut(2.0, 3.0).duration == 0
    with pytest.raises(AudioError, match="cut needs start <= end .*, got 0.5 and 0.1"):
        waveform.cut(0.5, 0.1)


def test_an_infinite_end_is_the_end():
    waveform = Waveform(tone(1.0))
    assert waveform.cut(0.25, math.inf).duration == 0.75
    assert waveform.cut(0.25, 1e308).duration == 0.75


@pytest.mark.parametrize("times", [("a", 1), (0, "b"), (0, None), (0, math.nan), (-math.inf, 1)])
def test_times_to_cut_at_are_numbers(times):
    with pytest.raises(AudioError, match="(start|end) must be a number, got "):
        Waveform(tone()).cut(*times)


def test_a_player_keeps_the_loudness():
    loud, quiet = (len(Waveform(level * tone())._repr_html_()) for level in (1.0, 1e-3))
    assert loud > 1000
    player = Waveform(1e-3 * tone()).audio()
    assert player.data != Waveform(tone()).audio().data
    assert quiet > 1000


def test_audio_beyond_full_scale_still_plays():
    assert "<audio" in Waveform(3 * tone())._repr_html_()


@pytest.mark.parametrize("sample", [0, 79, 1000, 2400, 4087, 7999])
def test_an_impulse_lands_in_the_frame_that_covers_it(sample):
    features = LogMel()
    samples = np.zeros(8000, np.float32)
    samples[sample] = 1.0
    power = features(Waveform(samples)).double().exp().sum(dim=1)
    centres = torch.arange(len(power)) + 0.5
    centroid = float((power * centres).sum() / power.sum())
    inside = 3 * features.hop_length < sample < len(samples) - 3 * features.hop_length
    if inside:
        assert features.grid.seconds(centroid) == pytest.approx(sample / 16000, abs=0.005)
    assert abs(int(power.argmax()) - sample // features.hop_length) <= 1


@pytest.mark.parametrize("hop", [160, 200, 320])
@pytest.mark.parametrize("count", [1, 159, 160, 161, 1599, 1600, 16000])
def test_there_is_a_frame_for_every_begun_hop(hop, count):
    features = LogMel(hop_length=hop, win_length=400)
    frames = features(Waveform(np.full(count, 0.1)))
    assert frames.shape == (-(-count // hop), 40)
    assert torch.isfinite(frames).all()


def test_no_sample_gives_no_frame():
    assert LogMel(n_mels=56)(Waveform(np.zeros(0))).shape == (0, 56)


def test_another_rate_is_refused():
    with pytest.raises(AudioError, match="expected audio at 16000 Hz, got 8000 Hz"):
        LogMel()(Waveform(np.zeros(100), 8000))


def test_frequencies_above_half_the_rate_are_refused():
    with pytest.raises(CIFError, match="f_max=9000"):
        LogMel(f_max=9000)


def test_features_of_a_prefix_do_not_depend_on_what_follows():
    features, sound = LogMel(), tone(1.0)
    whole, part = features(Waveform(sound)), features(Waveform(sound[:8000]))
    torch.testing.assert_close(whole[:48], part[:48])


@pytest.mark.parametrize("name", ["n_mels", "hop_length", "win_length"])
@pytest.mark.parametrize("value", [0, -1, 2.5, "40", None, True, math.inf])
def test_sizes_of_features_are_integers(name, value):
    with pytest.raises(CIFError, match=f"^{name} must be an integer > 0, got {value!r}$"):
        LogMel(**{name: value})


def test_a_hop_longer_than_the_fft_would_leave_samples_unheard():
    with pytest.raises(CIFError, match="at most the 512 samples .* win_length=400, got 513"):
        LogMel(hop_length=513)
    assert LogMel(hop_length=512)(Waveform(tone())).shape == (16, 40)


@pytest.mark.parametrize("floor", [0.0, -1e-10, math.nan, math.inf, "1", None])
def test_the_floor_has_a_logarithm(floor):
    with pytest.raises(CIFError, match=f"floor must be a number > 0, got {floor!r}"):
        LogMel(floor=floor)


@pytest.mark.parametrize("name", ["f_min", "f_max"])
@pytest.mark.parametrize("value", ["60", None, math.nan, math.inf])
def test_frequencies_are_numbers(name, value):
    with pytest.raises(CIFError, match=f"{name} must be a number, got {value!r}"):
        LogMel(**{name: value})


def test_features_are_of_a_waveform():
    with pytest.raises(CIFError, match="waveform must be a Waveform, got "):
        LogMel()(tone())
