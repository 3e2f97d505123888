"""The made-up language: what is right, when it can be known, and what training is given."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.waveform import Waveform
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.corpora.word_lists import DIGITS
from cifviz.errors import CIFError
from cifviz.metrics import average_lagging
from cifviz.systems.base import Batch
from cifviz.systems.registry import SYSTEMS
from cifviz.training.augmentation import Augmentation, Recording
from experiments.local_reordering import (
    DIGITS_LANGUAGE,
    GRID_LANGUAGE,
    TranslatedSentences,
    TranslatedStrings,
    invented_words,
)
from experiments.recipes import find_recipe, variants_of
from tests.systems.tiny import noise


def spoken(*digits, gap=0.5):
    words = [
        TimedToken(DIGITS[digit], gap * place, gap * (place + 1))
        for place, digit in enumerate(digits)
    ]
    sound = Waveform(np.zeros(int(16_000 * gap * (len(digits) + 1))))
    return LabelledUtterance(sound, Alignment(tuple(words)), "ann")


@pytest.mark.parametrize(
    ("digits", "expected"),
    [
        ([], []),
        ([1], [1]),
        ([1, 2], [2, 1]),
        ([2, 1], [2, 1]),
        ([1, 1, 2, 2], [1, 2, 1, 2]),
        ([1, 2, 3, 4, 5], [2, 1, 4, 3, 5]),
        ([7, 0, 0, 9], [0, 7, 0, 9]),
    ],
)
def test_odd_digits_stand_behind_even_ones_that_follow(digits, expected):
    assert DIGITS_LANGUAGE.order(digits) == expected


def test_the_order_keeps_all_words():
    rng = np.random.default_rng(0)
    for _ in range(50):
        ids = rng.integers(10, size=rng.integers(12)).tolist()
        assert sorted(DIGITS_LANGUAGE.order(ids)) == sorted(ids)


def test_a_sentence_of_grid():
    sentence = "bin blue at f two now".split()
    ids = [GRID_LANGUAGE.source.index(word) for word in sentence]
    ordered = [GRID_LANGUAGE.source[index] for index in GRID_LANGUAGE.order(ids)]
    assert ordered == "blue bin at two f now".split()


def test_words_are_invented_and_all_different():
    for count in (10, 51, 70):
        assert len(set(invented_words(count))) == count
    with pytest.raises(CIFError, match="expected at most 70 words, got 71"):
        invented_words(71)


def test_a_translation_has_no_times_and_a_renaming_keeps_them():
    one = spoken(1, 2, 4)
    (translated,), (renamed,) = DIGITS_LANGUAGE.translated([one]), DIGITS_LANGUAGE.renamed([one])
    words = DIGITS_LANGUAGE.words
    assert [word.token for word in translated.words] == [words[n] for n in (2, 1, 4)]
    assert translated.words.timed == ()
    assert [word.token for word in renamed.words] == [words[n] for n in (1, 2, 4)]
    assert renamed.words.spans == one.words.spans
    with pytest.raises(CIFError, match="word must be one of 'zero'"):
        DIGITS_LANGUAGE.translated([LabelledUtterance(one.waveform, renamed.words)])


def test_the_best_interpreter_waits_for_the_next_word_where_it_must():
    words = spoken(1, 2, 4, 3, 5).words
    # 2 and 1 at the end of 2; 4 at its own; 3 when 5 is known; 5 at the end of the sound.
    delays = DIGITS_LANGUAGE.least_delays(words, 3.0)
    assert delays == [1.0, 1.0, 1.5, 2.5, 3.0]
    assert average_lagging(delays, 3.0, 5) == pytest.approx((1 + 0.4 + 0.3 + 0.7 + 0.6) / 5)
    assert DIGITS_LANGUAGE.least_delays(Alignment(()), 1.0) == []


def takes():
    features = np.random.default_rng(0).normal(size=(30, 8)).astype(np.float32)
    return [Recording(features, (digit,), ((2.0, 28.0),), "ann") for digit in range(10)]


@pytest.mark.parametrize("maker", [TranslatedStrings, TranslatedSentences])
def test_training_utterances_are_translated(maker):
    made = maker({"real": takes()}, {"real": 1.0}, Augmentation(max_tokens=6, empty=0.1))
    made.language = DIGITS_LANGUAGE
    plain = super(maker, made)
    for seed in range(30):
        rng, same = np.random.default_rng(seed), np.random.default_rng(seed)
        example, before = made(rng), plain.__call__(same)
        assert example.tokens == DIGITS_LANGUAGE.order(before.tokens)
        assert torch.equal(example.features, before.features)
        assert (example.spans == -1).all() and len(example.spans) == len(example.tokens)


def test_training_utterances_are_normalised_as_they_come():
    made = TranslatedStrings({"real": takes()}, {"real": 1.0}, Augmentation(masks=0, empty=0.0))
    features = torch.from_numpy(takes()[0].features)
    assert torch.equal(made.normalised(features)[:9], made.normalised(features[:9]))


def test_others_begin_with_the_encoder_of_a_recogniser_in_the_order_of_the_sound():
    for name in ("reordered-digits", "reordered-grid"):
        recogniser = find_recipe(name, "in-order")
        assert recogniser.encoder_of is None
        # The same but for what waiting needs: another fire, and a tail that rather fires.
        config = find_recipe(name).config
        assert recogniser.config == replace(
            config, wait=1, cif=replace(config.cif, tail_handling_firing_threshold=0.5)
        )
        for variant in ["", *variants_of(name)]:
            assert find_recipe(name, variant).encoder_of == (
                None if variant == "in-order" else "in-order"
            )
    maker = find_recipe("reordered-digits", "in-order").example_maker(
        {"real": takes()}, {"real": 1.0}, Augmentation(max_tokens=12, empty=0.0)
    )
    assert maker.language.order([1, 2, 3, 4]) == [1, 2, 3, 4]
    assert maker.language.words == DIGITS_LANGUAGE.words


@pytest.mark.parametrize("name", ["reordered-digits", "reordered-grid"])
def test_every_variant_takes_a_step_and_translates(name):
    torch.manual_seed(0)
    for variant in ["", *variants_of(name)]:
        recipe = find_recipe(name, variant)
        model = SYSTEMS[recipe.system](recipe.config)
        bands = recipe.config.features.n_mels
        batch = Batch.collate([torch.randn(80, bands), torch.randn(40, bands)], [[1, 2], [3]])
        wanted = [one for one in recipe.fit.loss_weights if one in model.further_losses]
        losses = model(batch, wanted=wanted)
        assert set(recipe.fit.loss_weights) <= losses.keys()
        sum(losses.values()).backward()
        assert "delays" in model.eval().transcribe(noise(0.5)).extras
