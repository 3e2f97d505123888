"""A phone book: utterances of random digits, each with a code of five digits that a list may name.

There is no grammar: nothing but its sound and a list of phrases says what a digit is. Half of the
codes occur in the utterances by which context networks learn, the other half in no training
utterance at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial

import numpy as np

from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.corpora.word_lists import DIGITS
from cifviz.errors import require_choice
from cifviz.training.augmentation import Augmentation, Recording
from experiments.biasing_task import BiasingTask, Call, Phrase, holds
from experiments.structured_digits import GrammarStrings, spoken_strings

Digits = tuple[int, ...]

CODE_LENGTH = 5
CODES = 40
"""Codes that are seen in training, and as many that are not."""
AROUND = (2, 5)
"""How few and how many other digits stand around the code of an utterance."""
OTHERS = 10_000
"""Further codes, to stand in lists beside an utterance's own."""
SIZES = (10, 100, 1000)
"""How many of these do so where recognition is measured."""
OF_EACH_CODE = {"dev": 1, "test": 3}
"""Utterances with each code."""
PLANTED = 0.3
"""Share of the utterances a context network learns by, of five digits or more, with a seen code."""
NOISE_LEVEL = -8.0
"""Of the pink noise, in dB relative to the speech inside the words: there a recogniser of random
digits makes some 13 errors in 100."""
SEEDS = {"codes": 160, "dev": 161, "test": 162, "others": 163}
"""Of the generators that draw codes, and strings, takes, pauses and noise, and further codes."""


@cache
def codes() -> dict[str, tuple[Digits, ...]]:
    """Random codes under "seen" and "unseen", all of them different."""
    rng = np.random.default_rng(SEEDS["codes"])
    drawn: dict[Digits, None] = {}
    while len(drawn) < 2 * CODES:
        drawn[tuple(rng.integers(len(DIGITS), size=CODE_LENGTH).tolist())] = None
    return {"seen": tuple(drawn)[:CODES], "unseen": tuple(drawn)[CODES:]}


def random_string(rng: np.random.Generator, length: int, planted: float = 0.0) -> list[int]:
    """Random digits without any unseen code.

    Parameters
    ----------
    rng : numpy Generator
    length : int
        How many.
    planted : float
        How probable it is that a seen code stands in it, if it is long enough.
    """
    seen, unseen = codes()["seen"], codes()["unseen"]
    while True:
        digits = rng.integers(len(DIGITS), size=length).tolist()
        if length >= CODE_LENGTH and rng.random() < planted:
            first = int(rng.integers(length - CODE_LENGTH + 1))
            digits[first : first + CODE_LENGTH] = seen[int(rng.integers(len(seen)))]
        if not any(holds(digits, code) for code in unseen):
            return digits


class RandomStrings(GrammarStrings):
    """Like `GrammarStrings`, but of a string that is drawn as a whole, by `random_string`.

    Parameters
    ----------
    groups, shares, augmentation
        As there.
    planted : float
        How probable it is that an utterance of five digits or more holds a seen code.
    """

    def __init__(
        self,
        groups: Mapping[str, Sequence[Recording]],
        shares: Mapping[str, float],
        augmentation: Augmentation,
        *,
        planted: float = 0.0,
    ):
        super().__init__(groups, shares, augmentation, next_digit=self._next)
        self.planted = planted
        self.string: list[int] = []

    def _next(self, rng: np.random.Generator, before: Sequence[int], lacking: int) -> int:
        if not before:
            self.string = random_string(rng, lacking, self.planted)
        return self.string[len(before)]


@cache
def calls(split: str, of_each_code: int | None = None) -> list[Call]:
    """Utterances with a code among `AROUND` other digits.

    Parameters
    ----------
    split : {"dev", "test"}
    of_each_code : int, optional
        How many utterances each code has. Default: that of `OF_EACH_CODE`.

    Returns
    -------
    list of Call
        The same in every call; half of them with a seen code. The speakers take turns. In pink
        noise of `NOISE_LEVEL`. No utterance holds another code.

    Raises
    ------
    CIFError
        If there is no such split.
    DataError
        If the data set is missing or damaged.
    """
    require_choice("split", split, tuple(OF_EACH_CODE))
    rng = np.random.default_rng(SEEDS[split])
    # Turned on by one each time, so that another speaker says a code.
    wanted = [
        code
        for turn in range(of_each_code or OF_EACH_CODE[split])
        for group in codes().values()
        for code in (*group[turn:], *group[:turn])
    ]
    strings = [_string_with(code, rng) for code in wanted]
    made = spoken_strings(split, strings, rng, noise_level=NOISE_LEVEL)
    return [
        Call(one, _words(code), code in codes()["seen"])
        for one, code in zip(made, wanted, strict=True)
    ]


def _string_with(code: Digits, rng: np.random.Generator) -> list[int]:
    """A code with other digits before and behind it, which hold no other code."""
    others = [one for group in codes().values() for one in group if one != code]
    while True:
        around = rng.integers(len(DIGITS), size=rng.integers(AROUND[0], AROUND[1] + 1)).tolist()
        before = int(rng.integers(len(around) + 1))
        digits = [*around[:before], *code, *around[before:]]
        if not any(holds(digits, one) for one in others):
            return digits


def utterances(split: str) -> list[LabelledUtterance]:
    """The sounds and references of `calls`."""
    return [one.utterance for one in calls(split)]


@cache
def other_codes() -> tuple[Phrase, ...]:
    """Random codes, all of them different, that no test utterance holds."""
    rng = np.random.default_rng(SEEDS["others"])
    spoken = {
        tuple(one.tokens[place : place + CODE_LENGTH])
        for one in calls("test")
        for place in range(len(one.tokens))
    }
    drawn: dict[Phrase, None] = {}
    while len(drawn) < OTHERS:
        code = _words(rng.integers(len(DIGITS), size=CODE_LENGTH).tolist())
        if code not in spoken:
            drawn[code] = None
    return tuple(drawn)


@cache
def other_codes_of_dev(of_each_code: int) -> tuple[Phrase, ...]:
    """Those of `other_codes` that no development utterance holds."""
    tokens = [one.tokens for one in calls("dev", of_each_code)]
    return tuple(code for code in other_codes() if not any(holds(one, code) for one in tokens))


def _words(digits: Sequence[int]) -> Phrase:
    return tuple(DIGITS[digit] for digit in digits)


TASK = BiasingTask("code-digits", lambda: calls("test"), other_codes, SIZES)
DEV_TASK, LONG_DEV_TASK = (
    BiasingTask(
        "code-digits", partial(calls, "dev", count), partial(other_codes_of_dev, count), SIZES
    )
    for count in (OF_EACH_CODE["dev"], OF_EACH_CODE["test"])
)
"""The development utterances, and as many of their kind as there are test utterances: settings may
be chosen on them."""
