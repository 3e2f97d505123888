"""A drawn mouth: what each phone looks like, how they run into each other, and a whole recipe."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from cifviz.corpora.phone_inventory import PHONES
from cifviz.corpora.word_lists import GRID
from cifviz.errors import CIFError
from cifviz.systems.base import Batch
from cifviz.systems.fastlr import FastLRRecognizer
from cifviz.systems.registry import SYSTEMS
from cifviz.training.augmentation import Augmentation
from cifviz.training.fit import FitConfig
from experiments import runs
from experiments.drawn_mouth import (
    HEIGHT,
    SHUT,
    VISEMES,
    VOWELS,
    WIDTH,
    DrawnSentences,
    Face,
    Mouth,
    TimedPhone,
    drawn_utterances,
    movement,
    phones_of,
    pictures,
    spoken_phones,
    video_of,
)
from experiments.recipes import drawn_lips, drawn_phones, find_recipe, variants_of


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


def test_training_utterances_are_endless_and_repeat_by_their_seed():
    maker = DrawnSentences(
        {},
        {},
        Augmentation(),
        sentence=drawn_lips.sentence,
        vocabulary=drawn_lips.VOCABULARY,
        bands=40,
        every=2,
    )
    one, same, other = (maker(np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert one.tokens == same.tokens
    assert torch.equal(one.extras["video"], same.extras["video"])
    assert one.features.shape[0] != other.features.shape[0]
    assert len(one.extras["video"]) == -(-len(one.features) // 2)
    assert 2 <= len(one.tokens) <= 6


def test_development_utterances_are_the_same_in_every_call():
    first, again = (drawn_utterances(drawn_lips.sentence, 3, 5) for _ in range(2))
    for one, same in zip(first, again, strict=True):
        assert one.words == same.words
        assert torch.equal(one.extras["video"], same.extras["video"])
        assert len(one.extras["video"]) == -(-round(100 * one.waveform.duration) // 4)
    assert drawn_utterances(drawn_lips.sentence, 0, 5) == []


@pytest.mark.slow
def test_the_recipe_is_trained_and_measured(tmp_path):
    recipe = replace(
        find_recipe("drawn-lips"),
        fit=FitConfig(steps=3, batch_size=2),
        dev=lambda: drawn_utterances(drawn_lips.sentence, 3, 1),
        test=lambda: drawn_utterances(drawn_lips.sentence, 2, 2),
    )
    result = runs.run(recipe, folder=tmp_path / "drawn-lips-seed0", progress=False)
    assert result["test"]["utterances"] == 2 and "clips" not in result
    assert {"auxiliary", "ctc", "quantity"} <= result["history"][0].keys()


def test_strings_of_phones_have_no_pauses_and_no_neighbours_that_look_alike():
    seen = set()
    for seed in range(200):
        rng = np.random.default_rng(seed)
        phones, tokens, _ = drawn_phones.SPOKEN(drawn_phones.string(rng), rng)
        assert [one.phone for one in phones] == [one.token for one in tokens]
        assert drawn_phones.SHORTEST <= len(phones) <= drawn_phones.LONGEST
        for one, after in itertools.pairwise(phones):
            assert one.end == after.start
            assert VISEMES[one.phone] != VISEMES[after.phone]
            assert (one.phone in VOWELS) != (after.phone in VOWELS)
        seen |= {one.phone for one in phones}
    assert seen == set(drawn_phones.VOCABULARY)


@pytest.mark.parametrize(
    ("variant", "pictures_per_second"),
    [("", 25), ("50fps", 50), ("17fps", 100 / 6), ("12fps", 12.5)],
)
def test_the_clock_of_phones_is_what_the_name_says(variant, pictures_per_second):
    recipe = find_recipe("drawn-phones", variant)
    assert recipe.config.grid.shift == pytest.approx(1 / pictures_per_second)
    for one in recipe.dev()[:3]:
        count = len(one.extras["video"])
        assert abs(count - pictures_per_second * one.waveform.duration) <= 1


def test_each_training_of_lips_adds_one_thing():
    weights = [
        {**FastLRRecognizer.loss_weights, **find_recipe("drawn-lips", name).fit.loss_weights}
        for name in ("alone", "with-ctc", "no-warm-up", "")
    ]
    added = [
        {name for name in one if one[name] != other[name]}
        for one, other in itertools.pairwise(weights)
    ]
    assert added == [{"ctc"}, {"auxiliary"}, {"cross_entropy", "quantity"}]
    for name in ("alone", "with-ctc", "no-warm-up", "ar"):
        usual, faster = (find_recipe("drawn-lips", one) for one in (name, f"50fps-{name}"))
        assert (usual.fit, usual.system) == (faster.fit, faster.system)
        assert (usual.config.picture_frames, faster.config.picture_frames) == (4, 2)


@pytest.mark.parametrize("name", ["drawn-lips", "drawn-phones"])
def test_every_variant_takes_a_step(name):
    for variant in ["", *variants_of(name)]:
        recipe = find_recipe(name, variant)
        model = SYSTEMS[recipe.system](recipe.config)
        maker = recipe.example_maker({}, {}, recipe.augmentation)
        examples = [maker(np.random.default_rng(seed)) for seed in range(2)]
        losses = model(Batch.collate(*zip(*examples, strict=True), by=model.extras))
        sum(losses.values()).backward()
