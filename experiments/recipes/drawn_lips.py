"""The recipe "drawn-lips": sentences of GRID's grammar, read from the lips of a drawn mouth."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from cifviz.audio.waveform import LogMel
from cifviz.core.module import CIFConfig
from cifviz.corpora.word_lists import GRID
from cifviz.systems.decoders import DecoderConfig
from cifviz.systems.encoder import EncoderConfig
from cifviz.systems.fastlr import FastLRConfig
from cifviz.systems.lip_attention import LipAttentionConfig
from cifviz.training.augmentation import Augmentation
from cifviz.training.fit import FitConfig, Schedule
from experiments.drawn_sentences import DrawnSentences, drawn_utterances
from experiments.recipes.recipe import Recipe

VOCABULARY = tuple(word for group in GRID for word in group)
FEATURES = LogMel(n_mels=40)
SEEDS = {"dev": 191, "test": 192}
UTTERANCES = {"dev": 100, "test": 200}
WARM_UP = Schedule(start=0.25)
"""Of losses behind the encoder, which has to see something first."""


def sentence(rng: np.random.Generator) -> list[str]:
    """Some consecutive words of a sentence of GRID, two at least: their number must be seen."""
    words = [str(rng.choice(group)) for group in GRID]
    count = int(rng.integers(2, len(words) + 1))
    first = int(rng.integers(len(words) - count + 1))
    return words[first : first + count]


def _maker(every: int) -> Any:
    return partial(
        DrawnSentences,
        sentence=sentence,
        vocabulary=VOCABULARY,
        bands=FEATURES.n_mels,
        every=every,
    )


def _utterances(split: str, every: int) -> Any:
    return lambda: drawn_utterances(sentence, UTTERANCES[split], SEEDS[split], every=every)


def attention_config(config: FastLRConfig) -> LipAttentionConfig:
    """The auxiliary decoder alone, on the same pictures and the same encoder."""
    known = ("vocabulary", "features", "encoder", "height", "width", "picture_frames")
    given = {name: getattr(config, name) for name in known}
    return LipAttentionConfig(**given, decoder=config.auxiliary)


RECIPE = Recipe(
    name="drawn-lips",
    system="fastlr",
    config=FastLRConfig(
        vocabulary=VOCABULARY,
        features=FEATURES,
        encoder=EncoderConfig(n_mels=64, channels=64, down_sampling=1, dilations=(1, 1, 1, 1)),
        cif=CIFConfig(
            encoder_embed_dim=64,
            conv_cif_output_channels_num=64,
            conv_cif_activation=True,
            noise_threshold=0.005,
        ),
        decoder=DecoderConfig("nar", dim=64, layers=2),
        auxiliary=DecoderConfig(dim=64, layers=2),
    ),
    real=list,
    synthetic=list,
    dev=_utterances("dev", 4),
    synthetic_dev=list,
    test=_utterances("test", 4),
    fit=FitConfig(
        steps=2500,
        batch_size=16,
        learning_rate=4e-3,
        warmup=100,
        averaging=0.99,
        loss_weights={"cross_entropy": WARM_UP, "quantity": WARM_UP},
    ),
    augmentation=Augmentation(empty=0.0),
    example_maker=_maker(4),
    synthetic_share=0.0,
    grammar="GRID",
    licence="MIT, as the code that draws",
    sources="a drawn mouth; pronunciations by eSpeak NG",
    note="The lips are drawn, synthetic throughout: it has seen no person.",
)

TRAININGS: Mapping[str, Mapping[str, Any]] = {
    "alone": {"fit.loss_weights": {"ctc": 0.0, "auxiliary": 0.0}},
    "with-ctc": {"fit.loss_weights": {"auxiliary": 0.0}},
    "no-warm-up": {"fit.loss_weights": {}},
    "ar": {"system": "lip-attention", "config": attention_config, "fit.loss_weights": {}},
}
"""What helps the encoder, one thing more in each: none, CTC, the auxiliary decoder too; the recipe
adds the warm-up. And an autoregressive reader."""
FASTER: Mapping[str, Any] = {
    "config.picture_frames": 2,
    "config.encoder.dilations": (1, 1, 2, 2),
    "dev": lambda _: _utterances("dev", 2),
    "test": lambda _: _utterances("test", 2),
    "example_maker": lambda _: _maker(2),
}
"""50 pictures in a second."""

VARIANTS: Mapping[str, Mapping[str, Any]] = {
    **TRAININGS,
    "50fps": FASTER,
    **{f"50fps-{name}": {**settings, **FASTER} for name, settings in TRAININGS.items()},
}
