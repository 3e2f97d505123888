"""Sentences of GRID whose letter and digit are taken for a name, in noise.

A list may name the pair, such as "f two". Some pairs occur in no utterance by which a context
network learns.
"""

from __future__ import annotations

import itertools
from functools import cache, partial

import numpy as np

from cifviz.corpora.word_lists import GRID
from cifviz.training.augmentation import CutAndJoin, Example
from experiments.biasing_task import BiasingTask, Call, Phrase, holds
from experiments.structured_digits import in_noise
from experiments.training_data import labelled_sentences

LETTER, DIGIT = 3, 4
"""Where they stand in a sentence."""
UNSEEN = 50
"""Pairs that are held out."""
NOISE_LEVEL = -15.0
"""Of the pink noise: dB relative to the speech inside the words of the same sentence."""
SIZES = (10, 100, 249)
"""Other pairs in a list; the last are all there are."""
TIMES = 2
"""How often each sentence is there, each time in other noise."""
SEEDS = {"pairs": 170, "noise": 171}
"""Of the generators that order the pairs and draw noise."""
VOCABULARY = tuple(word for group in GRID for word in group)


@cache
def pairs() -> tuple[Phrase, ...]:
    """All pairs of a letter and a digit, in random order."""
    made = list(itertools.product(GRID[LETTER], GRID[DIGIT]))
    return tuple(made[i] for i in np.random.default_rng(SEEDS["pairs"]).permutation(len(made)))


@cache
def unseen_pairs() -> frozenset[Phrase]:
    """Those that are held out: the last ones."""
    return frozenset(pairs()[-UNSEEN:])


class WithoutUnseenPairs(CutAndJoin):
    """Like `CutAndJoin`, but drawn again where an utterance of GRID holds an unseen pair."""

    def __call__(self, rng: np.random.Generator) -> Example:
        """One utterance."""
        while True:
            made = super().__call__(rng)
            tokens = [VOCABULARY[index] for index in made.tokens]
            if not any(holds(tokens, pair) for pair in unseen_pairs()):
                return made


@cache
def calls() -> list[Call]:
    """The development sentences in noise, each with its pair; the same in every call."""
    rng = np.random.default_rng(SEEDS["noise"])
    made = []
    for one in labelled_sentences("dev") * TIMES:
        noisy = in_noise(one, NOISE_LEVEL, rng)
        words = [word.token for word in one.words]
        pair = words[LETTER], words[DIGIT]
        made.append(Call(noisy, pair, pair not in unseen_pairs()))
    return made


def half(parity: int) -> list[Call]:
    """Those of `calls` whose sentence has an even or an odd place, in either noise.

    Parameters
    ----------
    parity : {0, 1}
    """
    sentences = len(calls()) // TIMES
    return [one for place, one in enumerate(calls()) if place % sentences % 2 == parity]


TASK = BiasingTask("small-grid", calls, pairs, SIZES)
HALVES = tuple(BiasingTask("small-grid", partial(half, parity), pairs, SIZES) for parity in (0, 1))
"""Either half, to choose settings on one and judge by the other."""
