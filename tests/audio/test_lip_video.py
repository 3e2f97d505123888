"""A person's own clip: its clock, what is cut out, bad files, and the whole way to a panel."""

import struct
import sys
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from cifviz.audio.lip_video import (
    LIPS_SHARE,
    _shown_times,
    _tilts,
    face_landmarks,
    load_lip_video,
)
from cifviz.corpora.drawn_mouth import Face, TimedPhone, movement, pictures
from cifviz.errors import CIFError, DataError
from cifviz.plot import panel
from cifviz.systems.fastlr import FastLRRecognizer
from cifviz.systems.transcription import Transcription
from experiments.recipes import drawn_lips

SCALE = 6
"""Pixels of the file for one of a drawn mouth, 16 × 24."""
PLACE = (20, 40)
"""Of the mouth's upper left corner in the file's pictures, 160 × 240."""


def drawn(seconds, every):
    """A drawn mouth that says "ma" again and again: small pictures, one each `every` × 10 ms."""
    phones = [
        TimedPhone(phone, start + shift, start + shift + 0.25)
        for start in np.arange(0.2, seconds - 0.6, 0.5)
        for phone, shift in (("m", 0.0), ("ɑː", 0.25))
    ]
    states = movement(phones, seconds, smoothing=0.03)
    return pictures(states[every // 2 :: every], Face())


def write_video(path, small, rate, *, sound=True, skip=(), turned=0):
    """A clip of grey pictures, a mouth in the midst, turned clockwise; without those of `skip`."""
    with av.open(str(path), "w") as file:
        track = file.add_stream("mpeg4", rate=rate)
        track.width, track.height, track.pix_fmt, track.bit_rate = 240, 160, "yuv420p", 4_000_000
        sound = file.add_stream("aac", rate=16_000, layout="mono") if sound else None
        for number, one in enumerate(small):
            if number in skip:
                continue
            picture = np.full((160, 240), 190, np.uint8)
            large = np.kron(one, np.ones((SCALE, SCALE), np.uint8))
            top, left = PLACE
            picture[top : top + large.shape[0], left : left + large.shape[1]] = large
            if turned:
                middle = (left + large.shape[1] / 2, top + large.shape[0] / 2)
                turn = {"resample": Image.Resampling.BICUBIC, "center": middle, "fillcolor": 190}
                picture = np.asarray(Image.fromarray(picture).rotate(-turned, **turn))
            frame = av.VideoFrame.from_ndarray(np.stack([picture] * 3, axis=2), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, rate)
            file.mux(track.encode(frame))
        file.mux(track.encode())
        if sound:
            seconds = len(small) / rate
            tone = 0.1 * np.sin(np.arange(round(16_000 * seconds)) / 20).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(tone[None], format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16_000, 0
            file.mux(sound.encode(frame))
            file.mux(sound.encode())
    return path


def at_the_mouth(picture):
    """The corners of a drawn mouth's place, so that what is cut out is the drawn picture."""
    top, left = PLACE
    middle, half = left + 12 * SCALE, 12 * SCALE * LIPS_SHARE
    return corners(middle - half, top, middle + half, top + 16 * SCALE)


def corners(left, top, right, bottom):
    """Points of a mouth that is level."""
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], float)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Three seconds at 25 pictures a second, and the pictures that were drawn."""
    small = drawn(3.0, 4)
    return write_video(tmp_path_factory.mktemp("clip") / "me.mp4", small, 25), small


def test_what_is_cut_out_is_what_was_drawn(clip):
    path, small = clip
    found = load_lip_video(path, find_lips=at_the_mouth)
    assert found.pictures.shape[1:] == (16, 24) and found.pictures.dtype == np.uint8
    assert abs(len(found.pictures) - 75) <= 2  # the encoder of sound adds up to a few hundredths
    assert abs(found.duration - 3.0) < 0.1 and found.unseen == 0
    differences = np.abs(found.pictures[:70].astype(float) - small[:70])
    assert differences.mean() < 6  # of 255; of pictures 3 frames apart it is more
    assert np.abs(found.pictures[3:70].astype(float) - small[:67]).mean() > 2 * differences.mean()
    top, left = PLACE
    assert found.boxes[0] == pytest.approx([left, top, left + 24 * SCALE, top + 16 * SCALE])


def test_another_clock_shows_the_frame_in_the_middle_of_each_picture(tmp_path):
    """30 frames a second, ten of them missing: 25 pictures a second, some of them twice."""
    path = write_video(tmp_path / "me.mp4", drawn(1.0, 4), 30, sound=False, skip=range(5, 15))
    times, end = _shown_times(path.read_bytes(), "me.mp4", 25.0)
    assert end == pytest.approx(25 / 30, abs=0.01)
    expected = []
    kept = [n / 30 for n in range(25) if not 5 <= n < 15]
    for tick in (np.arange(len(times)) + 0.5) / 25:
        expected.append(max(n for n, time in enumerate(kept) if time <= tick + 1e-6))
    assert times == expected
    found = load_lip_video(path, find_lips=at_the_mouth)
    assert len(found.pictures) == len(times)
    assert not found.waveform.samples.any()
    assert found.duration == pytest.approx(end, abs=0.01)


def test_where_no_lips_are_found_the_nearest_place_stands(clip):
    """Every third picture without a mouth; and a mouth at the border is cut out inside."""
    calls = iter(range(1000))

    def sometimes(picture):
        return None if next(calls) % 3 == 1 else at_the_mouth(picture)

    path, _ = clip
    always = load_lip_video(path, find_lips=at_the_mouth)
    found = load_lip_video(path, find_lips=sometimes)
    assert found.unseen == sum(n % 3 == 1 for n in range(75))
    np.testing.assert_array_equal(found.pictures, always.pictures)
    corner = load_lip_video(path, find_lips=lambda _: corners(0, 0, 50, 2))
    left, top, right, bottom = corner.boxes[0]
    assert (left, top) == (0, 0) and right - left == pytest.approx(50 / LIPS_SHARE)
    assert bottom == pytest.approx(50 / LIPS_SHARE * 16 / 24)
    whole = load_lip_video(path, find_lips=lambda _: corners(0, 0, 239, 150))
    assert whole.boxes[0] == pytest.approx([0, 0, 240, 160])


def test_a_tilted_head_gives_level_lips(tmp_path, clip):
    """The pictures of the file turned by 20 degrees around the mouth, and the points with them."""
    _, small = clip
    top, left = PLACE
    middle = np.array([left + 12 * SCALE, top + 8 * SCALE], float)
    angle = np.radians(20)
    turn = np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
    path = write_video(tmp_path / "me.mp4", small, 25, turned=20)
    points = (at_the_mouth(None) - middle) @ turn.T + middle
    found = load_lip_video(path, find_lips=lambda _: points)
    np.testing.assert_allclose(found.tilts, 20.0)
    assert np.ptp(found.boxes[0][::2]) == pytest.approx(24 * SCALE)
    inside = np.s_[:70, 2:-2, 2:-2]  # the corners of a turned box are blurred
    differences = np.abs(found.pictures[inside].astype(float) - small[inside])
    level = load_lip_video(path, find_lips=at_the_mouth)
    untouched = np.abs(level.pictures[inside].astype(float) - small[inside])
    assert differences.mean() < 8 < untouched.mean()


@pytest.mark.parametrize("angle", [-20, 30, 80])
def test_a_round_mouth_does_not_hide_the_tilt(angle):
    """The main axis of all pictures together: every second mouth is as high as it is wide."""
    around = np.arange(0, 2 * np.pi, np.pi / 8)
    turn = np.radians(angle)
    axes = []
    for height in [0.4, 1.0] * 10:
        x, y = np.cos(around), height * np.sin(around)
        x, y = x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)
        axes.append(np.cov(x, y, bias=True))
    np.testing.assert_allclose(_tilts(np.array(axes)), angle)


def test_a_clip_from_a_phone_on_its_side_is_upright(clip, tmp_path):
    """A file says how its pictures are to be turned: here by 90 degrees, clockwise."""
    path, _ = clip
    content = bytearray(path.read_bytes())
    matrix = content.index(b"tkhd") + 44  # of the track's header, the pictures' is the first
    content[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
    sideways = tmp_path / "sideways.mp4"
    sideways.write_bytes(content)
    shapes, first = [], []

    def seen(picture):
        shapes.append(picture.shape)
        first.append(picture)
        return corners(50, 50, 90, 70)

    found = load_lip_video(sideways, find_lips=seen)
    assert set(shapes) == {(240, 160, 3)} and found.pictures.shape[1:] == (16, 24)
    upright = []
    load_lip_video(path, find_lips=lambda one: upright.append(one) or corners(50, 50, 90, 70))
    np.testing.assert_array_equal(np.rot90(first[0], 1), upright[0])


def test_a_clip_runs_to_a_transcription_and_a_panel(clip, tmp_path):
    path, _ = clip
    found = load_lip_video(path, find_lips=at_the_mouth)
    model = FastLRRecognizer(drawn_lips.RECIPE.config)
    model.start_at(0.02)
    made = model.eval().transcribe(found.waveform, video=found.pictures)
    assert isinstance(made, Transcription)
    assert made.firing.alpha.shape[1] == len(found.pictures)
    assert made.grid.shift == pytest.approx(1 / found.picture_rate)
    place = tmp_path / "me.png"
    panel(made).fig.savefig(place)
    assert place.stat().st_size > 10_000


def test_what_is_no_video_of_a_face_is_refused(clip, tmp_path):
    path, _ = clip
    with pytest.raises(DataError, match="found no lips in any of 75 pictures of me.mp4"):
        load_lip_video(path, find_lips=lambda _: None)
    with pytest.raises(CIFError, match="find_lips must give points"):
        load_lip_video(path, find_lips=lambda _: np.zeros(4))
    with pytest.raises(CIFError, match="picture_rate"):
        load_lip_video(path, picture_rate=0, find_lips=at_the_mouth)
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    with pytest.raises(DataError, match=r"cannot read text\.mp4"):
        load_lip_video(text, find_lips=at_the_mouth)
    sound = tmp_path / "sound.wav"
    write_sound(sound)
    with pytest.raises(DataError, match=r"sound\.wav holds no pictures"):
        load_lip_video(sound, find_lips=at_the_mouth)
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(CIFError, match=r"cut\.mp4"):
        load_lip_video(cut, find_lips=at_the_mouth)


def write_sound(path):
    import soundfile

    soundfile.write(path, np.zeros(1600, np.float32), 16_000)


def test_without_the_extra_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    monkeypatch.setitem(sys.modules, "mediapipe.python", None)
    with pytest.raises(CIFError, match=r'pip install "cifviz\[video\]", in an environment without'):
        face_landmarks()


def test_the_landmark_model_finds_the_lips_of_a_photograph():
    """Grace Hopper's portrait, which Matplotlib ships; lips marked by hand."""
    pytest.importorskip("mediapipe")
    from matplotlib import cbook

    with cbook.get_sample_data("grace_hopper.jpg") as file:
        picture = np.asarray(Image.open(file).convert("RGB"))
    points = face_landmarks()(picture)
    assert len(points) == 40
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    assert (left, right, (top + bottom) / 2) == pytest.approx((231, 304, 280), abs=8)
