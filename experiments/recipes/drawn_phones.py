"""The recipe "drawn-phones": like "drawn-lips", but strings of phones without words or pauses.

No lexicon tells phones apart that look alike, and each phone is a token: how many pictures a token
has depends on the clock alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from cifviz.corpora.drawn_mouth import VOWELS, spoken_phones
from experiments.drawn_sentences import DrawnSentences, drawn_utterances
from experiments.recipes import drawn_lips

VOCABULARY = tuple("p b m f v θ ð t d n s ʃ tʃ ɹ k ɡ uː ʊ iː ɪ ɛ æ ɑː ɔː".split())
"""Phones without those that move, and without "w", which looks like "uː" before it."""
CONSONANTS = [one for one in VOCABULARY if one not in VOWELS]
SHORTEST, LONGEST = 3, 10
"""Phones of a string."""
SEEDS = {"dev": 193, "test": 194}
UTTERANCES = {"dev": 100, "test": 200}
USUAL = 4
"""Feature frames of 10 ms in a picture: 25 pictures in a second."""
CLOCKS = {"50fps": 2, "17fps": 6, "12fps": 8}
"""Of the variants."""


def string(rng: np.random.Generator) -> list[str]:
    """Consonants and vowels in turn: neighbours never look alike."""
    kinds = CONSONANTS, [one for one in VOCABULARY if one in VOWELS]
    count, first = int(rng.integers(SHORTEST, LONGEST + 1)), int(rng.integers(2))
    return [str(rng.choice(kinds[(first + place) % 2])) for place in range(count)]


SPOKEN = partial(spoken_phones, phones=lambda phone: (phone,), pause_share=0.0)
"""Each phone is a word of its own."""


def _at(every: int) -> dict[str, Any]:
    """Settings of a recipe with a picture each `every` feature frames."""
    return {
        "dev": lambda: _utterances("dev", every),
        "test": lambda: _utterances("test", every),
        "example_maker": partial(
            DrawnSentences,
            sentence=string,
            vocabulary=VOCABULARY,
            bands=drawn_lips.FEATURES.n_mels,
            every=every,
            spoken=SPOKEN,
        ),
    }


def _utterances(split: str, every: int) -> Any:
    return drawn_utterances(string, UTTERANCES[split], SEEDS[split], every=every, spoken=SPOKEN)


RECIPE = replace(
    drawn_lips.RECIPE,
    name="drawn-phones",
    config=replace(drawn_lips.RECIPE.config, vocabulary=VOCABULARY),
    grammar="",
    sources="a drawn mouth",
    **_at(USUAL),
)

VARIANTS: Mapping[str, Mapping[str, Any]] = {
    name: {
        "config.picture_frames": every,
        **{path: (lambda _, value=value: value) for path, value in _at(every).items()},
    }
    for name, every in CLOCKS.items()
}
"""More or fewer pictures in a second."""
