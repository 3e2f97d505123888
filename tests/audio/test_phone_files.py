"""What phones and browsers record: M4A, MP4, WebM, AMR …, with the time of each sound kept."""

import io

import av
import numpy as np
import pytest
import soundfile

from cifviz.audio.waveform import load_waveform
from cifviz.errors import AudioError

CLICK = 0.7
"""Seconds."""


def click(rate, seconds=2.0):
    """Faint noise, and a click of 1 ms."""
    samples = 0.003 * np.random.default_rng(0).standard_normal(round(seconds * rate))
    at = round(CLICK * rate)
    samples[at : at + rate // 1000] = 0.9
    return samples.astype(np.float32)


def write(path, container, codec, samples, rate, *, shift=lambda seconds: seconds, video=False):
    """Encode mono samples; `shift` moves the time of each frame."""
    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate)
        stream.layout = "mono"
        if video:
            pictures = out.add_stream("mpeg4", rate=10)
            pictures.width, pictures.height, pictures.pix_fmt = 64, 64, "yuv420p"
            for index in range(10):
                picture = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 9 * index, np.uint8))
                out.mux(pictures.encode(picture))
            out.mux(pictures.encode(None))
        size = stream.codec_context.frame_size or 1024
        converter = av.AudioResampler(format=stream.codec_context.format, layout="mono", rate=rate)
        for first in range(0, len(samples), size):
            frame = av.AudioFrame.from_ndarray(
                samples[None, first : first + size], format="fltp", layout="mono"
            )
            frame.sample_rate = rate
            for ready in converter.resample(frame):
                ready.pts = round(shift(first / rate) * rate)
                out.mux(stream.encode(ready))
        out.mux(stream.encode(None))


def audible_at(waveform):
    loud = np.abs(waveform.samples) > 0.5 * np.abs(waveform.samples).max()
    return loud.argmax() / waveform.sample_rate


KINDS = {
    "m4a": ("ipod", "aac"),
    "mp4": ("mp4", "aac"),
    "mov": ("mov", "aac"),
    "alac.m4a": ("ipod", "alac"),
    "opus.mp4": ("mp4", "libopus"),
    "webm": ("webm", "libopus"),
    "mka": ("matroska", "aac"),
    "opus": ("ogg", "libopus"),
    "mp3": ("mp3", "libmp3lame"),
    "caf": ("caf", "alac"),
    "avi": ("avi", "pcm_s16le"),
}


@pytest.mark.parametrize("rate", [16_000, 48_000])
@pytest.mark.parametrize("kind", KINDS)
def test_a_click_stays_at_its_time(tmp_path, kind, rate):
    path = tmp_path / f"click.{kind}"
    write(path, *KINDS[kind], click(rate), rate)
    waveform = load_waveform(path)
    assert waveform.sample_rate == 16_000
    assert waveform.duration == pytest.approx(2.0, abs=0.07)
    assert audible_at(waveform) == pytest.approx(CLICK, abs=0.01)


@pytest.mark.parametrize(("kind", "container"), [("amr", "amr"), ("3gp", "3gp")])
def test_narrow_band_amr_is_read(tmp_path, kind, container):
    path = tmp_path / f"click.{kind}"
    write(path, container, "libopencore_amrnb", click(8000), 8000)
    waveform = load_waveform(path)
    assert audible_at(waveform) == pytest.approx(CLICK, abs=0.01)


def test_bare_aac_is_late_by_what_its_encoder_put_before(tmp_path):
    """The stream does not tell how much that is."""
    path = tmp_path / "click.aac"
    write(path, "adts", "aac", click(48_000), 48_000)
    assert audible_at(load_waveform(path)) == pytest.approx(CLICK + 1024 / 48_000, abs=0.005)


def test_the_sound_of_a_video_is_read(tmp_path):
    path = tmp_path / "video.mp4"
    write(path, "mp4", "aac", click(48_000), 48_000, video=True)
    assert audible_at(load_waveform(path)) == pytest.approx(CLICK, abs=0.01)


def test_a_video_without_sound_is_said_to_hold_none(tmp_path):
    path = tmp_path / "silent.mp4"
    with av.open(str(path), "w") as out:
        pictures = out.add_stream("mpeg4", rate=10)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 64, "yuv420p"
        out.mux(pictures.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        out.mux(pictures.encode(None))
    with pytest.raises(AudioError, match=r"expected a sound file, .*silent.mp4 holds no sound"):
        load_waveform(path)


def test_a_gap_in_the_times_is_silence(tmp_path):
    """The recorder stood still for half a second before the click."""
    path = tmp_path / "paused.webm"
    write(
        path,
        "webm",
        "libopus",
        click(48_000),
        48_000,
        shift=lambda seconds: seconds + 0.5 * (seconds > 0.4),
    )
    waveform = load_waveform(path)
    assert audible_at(waveform) == pytest.approx(CLICK + 0.5, abs=0.03)
    assert waveform.duration == pytest.approx(2.5, abs=0.05)
    assert not waveform.cut(0.5, 0.8).samples.any()


@pytest.mark.parametrize("jump", [3600, 3 * 3600])
def test_a_time_that_lies_makes_no_hours_of_silence(tmp_path, jump):
    path = tmp_path / "lying.webm"
    shift = lambda seconds: seconds + jump * (seconds > 0.4)  # noqa: E731
    write(path, "webm", "libopus", click(48_000), 48_000, shift=shift)
    with pytest.raises(AudioError, match=rf"lying.webm jump ahead by {jump} s"):
        load_waveform(path)


def test_pauses_that_a_recorder_leaves_out_are_silence(tmp_path):
    """Of each half a second the first 21 ms are in the file."""
    path = tmp_path / "sparse.mka"
    shift = lambda seconds: 24 * seconds  # noqa: E731
    write(path, "matroska", "aac", click(48_000, seconds=6), 48_000, shift=shift)
    waveform = load_waveform(path)
    assert waveform.duration == pytest.approx(24 * 6, abs=1)
    assert audible_at(waveform) == pytest.approx(24 * CLICK, abs=1)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
@pytest.mark.parametrize("kind", ["m4a", "webm", "mp3", "opus", "caf"])
def test_a_recording_that_broke_off_is_read_or_refused_in_a_sentence(tmp_path, kind, share):
    path = tmp_path / f"whole.{kind}"
    write(path, *KINDS[kind], click(16_000), 16_000)
    broken = tmp_path / f"broken.{kind}"
    broken.write_bytes(path.read_bytes()[: round(share * path.stat().st_size)])
    try:
        waveform = load_waveform(broken)
    except AudioError as error:
        assert "broken" in str(error) and str(error).startswith("expected ")
    else:
        assert 0 < waveform.duration < 2.1
        if waveform.duration > CLICK + 0.1:
            assert audible_at(waveform) == pytest.approx(CLICK, abs=0.01)


PLAYLISTS = {
    "m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{0}\n#EXT-X-ENDLIST\n",
    "ffconcat": "ffconcat version 1.0\nfile '{0}'\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n",
    "pls": "[playlist]\nFile1={0}\nNumberOfEntries=1\n",
    "mpd": (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period>'
        '<AdaptationSet mimeType="audio/mp4"><Representation id="0" bandwidth="1">'
        "<BaseURL>{0}</BaseURL></Representation></AdaptationSet></Period></MPD>"
    ),
    "imf": "{0}",
}


@pytest.mark.parametrize("scheme", ["", "file://", "file:", "concat:"])
@pytest.mark.parametrize("kind", PLAYLISTS)
def test_a_file_never_makes_another_one_be_read(tmp_path, kind, scheme):
    sound = tmp_path / "another.wav"
    soundfile.write(sound, click(16_000), 16_000)
    for name in (f"list.{kind}", "list.wav"):
        path = tmp_path / name
        path.write_text(PLAYLISTS[kind].format(f"{scheme}{sound}"))
        with pytest.raises(AudioError, match="in no format that can be decoded"):
            load_waveform(path)


def test_a_movie_that_refers_to_another_file_does_not_open_it(tmp_path):
    """A data reference ("alis" with a path) in place of the movie's own "url "."""
    path = tmp_path / "movie.mov"
    write(path, "mov", "pcm_s16le", click(16_000), 16_000)
    movie = path.read_bytes()
    assert movie.count(b"url ") + movie.count(b"alis") >= 1
    # Flag 1 says that the data are in this very file.
    elsewhere = movie.replace(b"url \0\0\0\1", b"url \0\0\0\0").replace(
        b"alis\0\0\0\1", b"alis\0\0\0\0"
    )
    assert elsewhere != movie
    path.write_bytes(elsewhere)
    try:
        waveform = load_waveform(path)
    except AudioError as error:
        assert str(error).startswith("expected ")
    else:
        assert audible_at(waveform) == pytest.approx(CLICK, abs=0.01)


def test_bytes_of_a_phone_file_are_read_without_a_name(tmp_path):
    path = tmp_path / "click.m4a"
    write(path, "ipod", "aac", click(16_000), 16_000)
    assert audible_at(load_waveform(io.BytesIO(path.read_bytes()))) == pytest.approx(
        CLICK, abs=0.01
    )
