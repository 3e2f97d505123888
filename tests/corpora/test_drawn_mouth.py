"""A drawn mouth: what each phone looks like, how they run into each other, and those of clips."""

import itertools

import numpy as np
import pytest

from cifviz.corpora.clips import list_clips, load_clip
from cifviz.corpora.drawn_mouth import (
    HEIGHT,
    SHUT,
    STEP,
    VISEMES,
    VOWELS,
    WIDTH,
    Face,
    Mouth,
    TimedPhone,
    clip_phones,
    clip_video,
    movement,
    phones_of,
    pictures,
    spoken_phones,
    video_of,
)
from cifviz.corpora.phone_inventory import PHONES
from cifviz.corpora.word_lists import GRID
from cifviz.errors import CIFError


def spelled(word):
    return {"mama": ("m", "ɑː", "m", "ɑː"), "papa": ("p", "ɑː", "p", "ɑː")}[word]


def test_every_phone_has_a_viseme_and_some_share_one():
    assert set(VISEMES) == set(PHONES)
    assert len(VOWELS) == 17
    assert VISEMES["p"] == VISEMES["b"] == VISEMES["m"] != VISEMES["f"]


def test_words_that_look_alike_are_drawn_alike():
    videos = []
    for word in ("mama", "papa"):
        rng = np.random.default_rng(1)
        phones, _, duration = spoken_phones([word], rng, phones=spelled)
        videos.append(video_of(phones, duration, rng))
    np.testing.assert_array_equal(*videos)


def test_a_long_phone_reaches_its_shape_and_a_short_one_does_not():
    """Co-articulation: between two open vowels the lips do not close in 40 ms."""
    shapes = []
    for length in (0.4, 0.04):
        phones = [
            TimedPhone("ɑː", 0.0, 0.5),
            TimedPhone("m", 0.5, 0.5 + length),
            TimedPhone("ɑː", 0.5 + length, 1.5),
        ]
        states = movement(phones, 1.5, smoothing=0.03)
        shapes.append(states[:, 0].min(initial=1.0, where=np.arange(150) > 20))
    assert shapes[0] < 0.05 and 0.3 < shapes[1] < 0.8


def test_a_diphthong_moves_and_silence_is_shut():
    states = movement([TimedPhone("aɪ", 0.5, 1.0)], 2.0, smoothing=0.02)
    assert states[60, 0] > 0.9 and states[90, 0] < 0.4
    assert states[60, 1] < states[90, 1]
    np.testing.assert_allclose(states[150], SHUT, atol=1e-6)
    assert movement([], 0.0, smoothing=0.02).shape == (0, 4)
    with pytest.raises(CIFError, match="phone must be one of"):
        movement([TimedPhone("!", 0, 1)], 1.0, smoothing=0.02)


def test_an_open_mouth_is_dark_inside_and_teeth_are_bright():
    face = Face()
    shut, opened, teeth = pictures(
        np.array([SHUT, Mouth(1, 0.5, 0, 0), Mouth(0.5, 0.5, 1, 0)]), face
    )
    assert shut.shape == (HEIGHT, WIDTH) and shut.dtype == np.uint8
    assert opened[HEIGHT // 2, WIDTH // 2] < 60 < 90 < shut[HEIGHT // 2, WIDTH // 2]
    assert teeth[HEIGHT // 2 - 2, WIDTH // 2] > 150
    assert shut[0, 0] == round(255 * face.skin)
    spread, pursed = pictures(np.array([Mouth(0.3, 1, 0, 0), Mouth(0.3, 0, 0, 0)]), face)
    row = HEIGHT // 2
    assert (spread[row] < 150).sum() > (pursed[row] < 150).sum() + 5


def test_faces_differ_and_heads_move():
    rng = np.random.default_rng(0)
    assert len({Face.drawn(rng) for _ in range(5)}) == 5
    moved = pictures(np.tile(np.array(SHUT), (60, 1)), Face(), rng).astype(float)
    assert np.abs(moved[0] - moved[-1]).mean() > 1


def test_words_and_phones_have_the_same_times():
    rng = np.random.default_rng(0)
    phones, words, duration = spoken_phones(["mama", "papa"], rng, phones=spelled)
    assert [word.token for word in words] == ["mama", "papa"]
    assert words.spans[0] == (phones[0].start, phones[3].end)
    assert words.spans[1] == (phones[4].start, phones[7].end)
    assert all(0.03 < one.end - one.start < 0.35 for one in phones)
    assert 0 < duration - words.spans[1][1] < 0.5


def test_every_word_of_grid_can_be_drawn():
    for word in (word for group in GRID for word in group):
        assert phones_of(word) and set(phones_of(word)) <= set(VISEMES), word


ENGLISH = [name for name in list_clips() if load_clip(name).language == "en"]


@pytest.mark.parametrize("name", ENGLISH)
def test_the_phones_of_a_clip_keep_its_order_and_its_words(name):
    clip = load_clip(name)
    phones = clip_phones(clip)
    for one, after in itertools.pairwise(phones):
        assert one.start <= one.end <= after.start + 1e-9
    for start, end in clip.words.spans:
        inside = [one for one in phones if start - 1e-6 <= one.start and one.end <= end + 1e-6]
        assert inside
    assert {one.phone for one in phones} <= set(VISEMES)


def test_the_mouth_of_a_clip_moves_while_there_is_speech():
    clip = load_clip("grid_place")
    states = movement(clip_phones(clip), clip.waveform.duration, smoothing=0.02)
    start, end = (round(time / STEP) for time in (clip.words.spans[0][0], clip.words.spans[-1][1]))
    opening = states[:, 0]
    assert opening[: start - 6].max() < 0.01 and opening[end + 6 :].max() < 0.01
    assert opening[start:end].max() > 0.5


def test_a_clip_is_drawn_at_any_clock_and_silence_too():
    clip = load_clip("digits_two")
    states = round(clip.waveform.duration / STEP)
    for every in (2, 4, 8):
        video = clip_video(clip, np.random.default_rng(0), every=every)
        assert video.shape == (-(-states // every), HEIGHT, WIDTH)
    shut = clip_video(load_clip("silence"), np.random.default_rng(0))
    assert len(shut) and clip_phones(load_clip("silence")) == []
