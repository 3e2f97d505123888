"""The recipe "english": phones of open English, on the frozen encoder of Moonshine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from cifviz.audio.moonshine import DIM
from cifviz.core.module import CIFConfig
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.systems.encoder import EncoderConfig
from cifviz.systems.phone_cif import PhoneCIFConfig
from cifviz.training.augmentation import Augmentation, Example, Recording
from cifviz.training.fit import FitConfig
from experiments.english_speech import (
    labelled,
    made_up,
    phoned_digits,
    phoned_grid,
    phoned_prompts,
    read_by_espeak,
    read_by_hibari,
    versions,
)
from experiments.english_words import aligned_words
from experiments.interval_learning import learned_intervals
from experiments.recipes.recipe import Recipe

STATE_NOISE = 0.15
"""Noise on a value of the states, in its own standard deviations."""
DROPPED = 0.1
"""Share of the values that are missing in an utterance."""


def whole_utterances(
    groups: Mapping[str, Sequence[Recording]],
    shares: Mapping[str, float],
    augmentation: Augmentation,
    *,
    state_noise: float = STATE_NOISE,
    dropped: float = DROPPED,
) -> Callable[[np.random.Generator], Example]:
    """Like `CutAndJoin`, but utterances stay as they are: their sound was varied before.

    Noise on the states, and values that are missing in a whole utterance, stand for what another
    speaker, another channel or another processor would change in them.
    """
    names = list(groups)
    chances = np.array([shares[name] for name in names])
    chances = chances / chances.sum()

    def make(rng: np.random.Generator) -> Example:
        group = groups[names[int(rng.choice(len(names), p=chances))]]
        one = group[int(rng.integers(len(group)))]
        features = one.features.astype(np.float32)
        noise = rng.standard_normal(features.shape, np.float32) * features.std(axis=0)
        kept = np.float32(rng.random(features.shape[1]) >= dropped)
        features = (features + state_noise * noise) * kept / (1 - dropped)
        spans = torch.tensor(one.spans, dtype=torch.float64).reshape(-1, 2)
        return Example(torch.from_numpy(features), list(one.tokens), spans, one.extras)

    return make


def recorded() -> list[LabelledUtterance]:
    """Prompts in three versions each, sentences of GRID and strings of digits in one."""
    return [
        *versions(phoned_prompts("train"), 3, seed=0),
        *versions(phoned_grid("train", 250), 1, seed=1),
        *versions(phoned_digits("train", 200), 1, seed=2),
    ]


def synthesised() -> list[LabelledUtterance]:
    """Made-up sentences, read by hibari and by the voices of eSpeak NG."""
    return [
        *versions(read_by_hibari(made_up(900, 0), 0), 1, seed=3),
        *versions(read_by_espeak(made_up(600, 1), 1), 1, seed=4),
    ]


def kept_out() -> list[LabelledUtterance]:
    """Prompts and sentences of GRID that nothing is trained on."""
    return labelled([*phoned_prompts("dev"), *phoned_grid("dev", 50)])


RECIPE = Recipe(
    name="english",
    system="phone-cif",
    config=PhoneCIFConfig(
        encoder=EncoderConfig(n_mels=DIM, channels=144, down_sampling=1, dilations=(1, 2, 4)),
        cif=CIFConfig(
            encoder_embed_dim=144,
            conv_cif_output_channels_num=144,
            conv_cif_activation=True,
            pause_frames=3,
            pause_weight=0.03,
        ),
    ),
    real=recorded,
    synthetic=synthesised,
    dev=kept_out,
    synthetic_dev=list,
    test=None,
    fit=FitConfig(
        steps=1600,
        batch_size=16,
        loss_weights={"even": 1.0, "stretches": 1.0, "frames": 0.5},
    ),
    example_maker=whole_utterances,
    synthetic_share=0.4,
    edge_pairs=aligned_words,
    intervals=learned_intervals,
    corpora=("prompts", "grid", "digits", "samples"),
    licence="CC BY-SA 4.0, as the recordings",
    sources="English telephone prompts of the Debian package asterisk-core-sounds-en (Allison "
    "Smith, CC BY-SA 3.0); GRID corpus, talker 1 (Cooke, Barker, Cunningham & Shao 2006, CC BY "
    "4.0 as its users state); Free Spoken Digit Dataset (Jackson et al., CC BY-SA 4.0), four "
    "speakers; sentences made up by the trigram model of pocketsphinx, read by hibari "
    "(Apache-2.0) and by eSpeak NG. Word and phone times by pocketsphinx (BSD-style) but for those "
    "of eSpeak NG, which are its own. On states of Moonshine tiny-en (MIT), which is frozen",
    note="The English recordings of `samples`, 13 of other speakers, took part in learning the "
    "intervals, with pocketsphinx's times; weights, edges and all constants of recognition were "
    "learned without them. Errors on them, and on boundaries set by hand, are in "
    "docs/alignment.md. Some are of LibriVox and may be among what Moonshine was trained on, "
    "which its makers do not list",
)

VARIANTS: Mapping[str, Mapping[str, Any]] = {
    # Nothing says where the weights lie, or what sounds where.
    "plain": {"fit.loss_weights": {}},
    # The decoder learns from fires alone.
    "even": {"fit.loss_weights": {"even": 1.0}},
    # No real speech.
    "made-up": {"synthetic_share": 1.0},
}
"""Of this recipe alone: others are of systems that look at log-mel."""
