"""A made-up language: each word has one translation, and some neighbours change places.

What is right is known for any sentence, and so is how long the best interpreter would wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.corpora.word_lists import DIGITS, GRID
from cifviz.errors import require, require_choice
from cifviz.systems.feature_normalisation import running_normalise
from cifviz.training.augmentation import CutAndJoin, Example
from experiments.structured_digits import GrammarStrings


def invented_words(count: int) -> tuple[str, ...]:
    """So many different words of a made-up language, a consonant and a vowel each.

    >>> invented_words(7)
    ('ba', 'de', 'fi', 'go', 'ku', 'la', 'me')
    """
    consonants, vowels = "bdfgklmnprstvz", "aeiou"
    most = len(consonants) * len(vowels)
    require(count <= most, f"expected at most {most} words, got {count}")
    return tuple(consonants[n % len(consonants)] + vowels[n % len(vowels)] for n in range(count))


@dataclass(frozen=True)
class Language:
    """What each word becomes, and which two neighbours change places.

    Examples
    --------
    Odd digits stand behind an even one that follows them:

    >>> [DIGITS_LANGUAGE.words[n] for n in DIGITS_LANGUAGE.order([1, 2, 3, 5, 4, 6])]
    ['fi', 'de', 'go', 'ku', 'la', 'me']
    """

    source: tuple[str, ...]
    """The words that are spoken."""
    first: frozenset[int]
    """Words, by their places in `source`, that change places with one of `second` behind them."""
    second: frozenset[int]

    @property
    def words(self) -> tuple[str, ...]:
        """The translation of each word of `source`: the vocabulary."""
        return invented_words(len(self.source))

    @property
    def in_order(self) -> Language:
        """The same words, none of which change places."""
        return replace(self, first=frozenset(), second=frozenset())

    def order(self, ids: Sequence[int]) -> list[int]:
        """The words of a sentence in the order of this language, from the left to the right."""
        ordered: list[int] = []
        place = 0
        while place < len(ids):
            swapped = self.swaps(ids, place)
            ordered += ids[place : place + 2][::-1] if swapped else [ids[place]]
            place += 2 if swapped else 1
        return ordered

    def swaps(self, ids: Sequence[int], place: int) -> bool:
        """Whether the word at a place stands behind the next one in this language."""
        return place + 1 < len(ids) and ids[place] in self.first and ids[place + 1] in self.second

    def ids(self, words: Alignment) -> list[int]:
        """A spoken sentence as places in `source`."""
        for word in words:
            require_choice("word", word.token, self.source)
        return [self.source.index(word.token) for word in words]

    def renamed(self, utterances: Sequence[LabelledUtterance]) -> list[LabelledUtterance]:
        """The same utterances with the translation of each word in its place, at its time."""
        return [self._with(one, self.ids(one.words), timed=True) for one in utterances]

    def translated(self, utterances: Sequence[LabelledUtterance]) -> list[LabelledUtterance]:
        """The same utterances with their translation, whose words are untimed."""
        return [self._with(one, self.order(self.ids(one.words))) for one in utterances]

    def least_delays(self, words: Alignment, duration: float) -> list[float]:
        """When the best interpreter writes, who knows a word at its end and no word before.

        Parameters
        ----------
        words : Alignment
            The spoken words with their times.
        duration : float
            Of the sound, seconds.

        Returns
        -------
        list of float
            Of each word of the translation. A word of `first` waits for the end of the next one,
            or of the sound: only then it is known whether they change places.
        """
        ids, ends = self.ids(words), [end for _, end in words.spans]
        delays: list[float] = []
        place = 0
        while place < len(ids):
            known = [*ends, duration][place + (ids[place] in self.first)]
            swapped = self.swaps(ids, place)
            delays += [known] * (2 if swapped else 1)
            place += 2 if swapped else 1
        return np.maximum.accumulate(delays).tolist() if delays else []

    def _with(
        self, one: LabelledUtterance, ids: Sequence[int], *, timed: bool = False
    ) -> LabelledUtterance:
        words = self.words
        tokens = [
            replace(spoken, token=words[index]) if timed else TimedToken(words[index])
            for spoken, index in zip(one.words, ids, strict=True)
        ]
        return replace(one, words=Alignment(tuple(tokens)))


def _classes(*groups: int) -> frozenset[int]:
    """Places of the words of some groups of GRID in all of its words."""
    lengths = [len(group) for group in GRID]
    return frozenset(
        sum(lengths[:group]) + word for group in groups for word in range(lengths[group])
    )


DIGITS_LANGUAGE = Language(DIGITS, frozenset({1, 3, 5, 7, 9}), frozenset({0, 2, 4, 6, 8}))
"""Odd digits are behind even ones that follow them."""
GRID_LANGUAGE = Language(
    tuple(word for group in GRID for word in group), _classes(0, 3), _classes(1, 4)
)
"""The colour is before the verb, and the digit before the letter."""


def any_digit(rng: np.random.Generator, before: Sequence[int], lacking: int) -> int:
    """Any digit: a `NextDigit` without a grammar."""
    return int(rng.integers(len(DIGITS)))


class TranslatedStrings(GrammarStrings):
    """Like `GrammarStrings`, but with the tokens of a translation, for systems that stream."""

    def __init__(self, *parts: object, language: Language = DIGITS_LANGUAGE):
        super().__init__(*parts, next_digit=any_digit)  # type: ignore[arg-type]
        self.language = language

    def normalised(self, features: Tensor) -> Tensor:
        """Log-mel relative to the loudest frame so far."""
        return running_normalise(features)

    def __call__(self, rng: np.random.Generator) -> Example:
        """One utterance."""
        return _ordered(super().__call__(rng), self.language)


class TranslatedSentences(CutAndJoin):
    """Like `CutAndJoin`, but with the tokens of a translation, for systems that stream."""

    def __init__(self, *parts: object, language: Language = GRID_LANGUAGE):
        super().__init__(*parts)  # type: ignore[arg-type]
        self.language = language

    def normalised(self, features: Tensor) -> Tensor:
        """Log-mel relative to the loudest frame so far."""
        return running_normalise(features)

    def __call__(self, rng: np.random.Generator) -> Example:
        """One utterance."""
        return _ordered(super().__call__(rng), self.language)


def _ordered(example: Example, language: Language) -> Example:
    """The same with its tokens in the order of the language, of unknown spans."""
    tokens = language.order(example.tokens)
    return example._replace(tokens=tokens, spans=example.spans.new_full((len(tokens), 2), -1.0))
