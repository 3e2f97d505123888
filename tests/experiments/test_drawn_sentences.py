"""Utterances of a drawn mouth, and the recipes that learn from them."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from cifviz.corpora.drawn_mouth import VISEMES, VOWELS
from cifviz.systems.base import Batch
from cifviz.systems.fastlr import FastLRRecognizer
from cifviz.systems.registry import SYSTEMS
from cifviz.training.augmentation import Augmentation
from cifviz.training.fit import FitConfig
from experiments import runs
from experiments.drawn_sentences import DrawnSentences, drawn_utterances
from experiments.recipes import drawn_lips, drawn_phones, find_recipe, variants_of


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
