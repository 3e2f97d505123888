"""Recipes of simultaneous translation: spoken digits and GRID sentences into a made-up language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from cifviz.core.module import CIFConfig
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.systems.decoders import DecoderConfig
from cifviz.systems.simultaneous import SimultaneousConfig
from cifviz.systems.wait_k import WaitKConfig
from cifviz.training.fit import FitConfig, Schedule
from experiments.local_reordering import (
    DIGITS_LANGUAGE,
    GRID_LANGUAGE,
    Language,
    TranslatedSentences,
    TranslatedStrings,
    any_digit,
)
from experiments.recipes import markov_digits, small_grid
from experiments.recipes.recipe import Recipe
from experiments.structured_digits import grammar_utterances
from experiments.training_data import labelled_sentences, labelled_takes

IN_ORDER = "in-order"
"""The variant that learns the words in the order in which they are spoken, so that it recognises.
Its encoder is where the others begin, as in the paper: from pairs alone, next to nothing was
learned in 1000 steps (88 % token errors)."""
SEGMENT_FRAMES = 7
"""Encoder frames of a wait-k segment: 280 ms, as often taken."""
WORD_FRAMES = 15
"""The same for a clock that goes as fast as the digits: 600 ms; in the development set one comes
each 584 ms. By segments of 280 ms there are two tokens to write for each word that was spoken: the
end of the sentence is written after a few (docs/simultaneous_translation.md)."""
WAIT = 2
"""Fires that CIF-IL waits for: a token is written one fire later than its own. Fires do not learn
to wait by themselves. With 1, the rule of the paper, they come once a word, at its end, when the
next word is unknown; 42 % of the development tokens were wrong. With two more blocks on the encoder
it was 43 % with 1 and 18 % with 2 (one run each). The encoder of the paper sees up to a second
ahead; this one sees nothing."""
TAIL = 0.1
"""Residual that fires at the end. The last token is the end: one fire too many costs nothing, one
too few up to five tokens, until `overshoot` ends the writing. With 0.5 11 in 100 development
utterances had too few fires, and two in three insertions came from there (one run)."""


def simultaneous_config(recipe: Recipe, language: Language) -> SimultaneousConfig:
    """Features and sizes of a recogniser's recipe, for a simultaneous translator."""
    given: Any = recipe.config
    return SimultaneousConfig(
        vocabulary=language.words,
        features=given.features,
        encoder=given.encoder,
        cif=CIFConfig(
            encoder_embed_dim=given.encoder.channels,
            conv_cif_output_channels_num=given.encoder.channels,
            conv_cif_activation=True,
            noise_threshold=0.005,
            tail_handling_firing_threshold=TAIL,
            r_order=0,
        ),
        decoder=DecoderConfig(dim=64, layers=2),
        wait=WAIT,
    )


def wait_k_config(
    config: SimultaneousConfig, wait: int = 3, segment_frames: int = SEGMENT_FRAMES
) -> WaitKConfig:
    """Wait-k on the same features and the same encoder, with the same decoder."""
    return WaitKConfig(
        config.vocabulary,
        config.features,
        config.encoder,
        decoder=config.decoder,
        wait=wait,
        segment_frames=segment_frames,
    )


def spoken_digits(split: str) -> list[LabelledUtterance]:
    """Strings of digits of a split, in random order, in noise."""
    return grammar_utterances(split, any_digit)


DIGITS = replace(
    markov_digits.RECIPE,
    name="reordered-digits",
    system="simultaneous",
    encoder_of=IN_ORDER,
    config=simultaneous_config(markov_digits.RECIPE, DIGITS_LANGUAGE),
    real=lambda: DIGITS_LANGUAGE.renamed(labelled_takes()),
    dev=lambda: DIGITS_LANGUAGE.translated(spoken_digits("dev")),
    test=lambda: DIGITS_LANGUAGE.translated(spoken_digits("test")),
    fit=FitConfig(steps=2000, batch_size=16, warmup=100, averaging=0.99),
    example_maker=TranslatedStrings,
    sources="Free Spoken Digit Dataset (Jackson et al., CC BY-SA 4.0), four speakers, in random "
    "order; the language that they are translated to is made up",
)
SENTENCES = replace(
    small_grid.RECIPE,
    name="reordered-grid",
    system="simultaneous",
    encoder_of=IN_ORDER,
    config=simultaneous_config(small_grid.RECIPE, GRID_LANGUAGE),
    real=lambda: GRID_LANGUAGE.renamed(labelled_sentences("train")),
    dev=lambda: GRID_LANGUAGE.translated(labelled_sentences("dev")),
    fit=FitConfig(steps=3000, batch_size=16, warmup=100, averaging=0.99),
    example_maker=TranslatedSentences,
    phrase_example_maker=None,
    grammar="",
    sources=f"{small_grid.RECIPE.sources}; the language that it is translated to is made up",
)

LATENCY_WEIGHTS = (0.25, 0.5, 1.0, 2.0)
WAITS = (2, 4, 6)
WORD_WAITS = (1, 2, 3)
"""k of wait-k with segments of `WORD_FRAMES`."""
SECOND_HALF = Schedule(start=0.5)
"""Of the losses behind the encoder: CTC alone teaches it sooner than all losses together."""


def in_order(language: Language, maker: type, spoken: Callable[[str], Any], steps: int) -> Any:
    """Settings of the variant `IN_ORDER`: the same words, none of which change places or wait."""
    return {
        "encoder_of": None,
        "config.wait": 1,
        "config.cif.tail_handling_firing_threshold": 0.5,
        "example_maker": lambda _: partial(maker, language=language.in_order),
        "dev": lambda _: lambda: language.renamed(spoken("dev")),
        "fit.steps": steps,
        "fit.loss_weights": {"ctc": 1.0, "cross_entropy": SECOND_HALF, "quantity": SECOND_HALF},
    }


SHARED: Mapping[str, Mapping[str, Any]] = {
    # A token is written at its own fire, the rule of the paper.
    "own-fire": {"config.wait": 1},
    # CIF-F, which sees the fire of a token's own place alone: a later one tells it nothing. Also
    # with the quantity loss that the paper takes for it.
    "fusion": {"config.uses": "fusion", "config.wait": 1},
    "fusion-align": {
        "config.uses": "fusion",
        "config.wait": 1,
        "fit.loss_weights": {"spikes": Schedule(start=0.25), "quantity": Schedule(end=0.25)},
    },
    # How much lagging counts.
    **{
        f"latency-{weight:g}": {"fit.loss_weights": {"latency": Schedule(weight, start=0.25)}}
        for weight in LATENCY_WEIGHTS
    },
    # Another policy, and the same by a clock that goes as fast as the words.
    **{
        f"wait-{wait}": {"system": "wait-k", "config": partial(wait_k_config, wait=wait)}
        for wait in WAITS
    },
    **{
        f"wait-{wait}-600ms": {
            "system": "wait-k",
            "config": partial(wait_k_config, wait=wait, segment_frames=WORD_FRAMES),
        }
        for wait in WORD_WAITS
    },
}
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    **SHARED,
    IN_ORDER: {
        **in_order(DIGITS_LANGUAGE, TranslatedStrings, spoken_digits, 2000),
        "test": lambda _: lambda: DIGITS_LANGUAGE.renamed(spoken_digits("test")),
    },
}
"""Of "reordered-digits"."""
SENTENCE_VARIANTS: Mapping[str, Mapping[str, Any]] = {
    **SHARED,
    IN_ORDER: in_order(GRID_LANGUAGE, TranslatedSentences, labelled_sentences, 3000),
}
"""Of "reordered-grid"."""
