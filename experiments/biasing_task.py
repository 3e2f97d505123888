"""What systems that take a list of phrases are measured on: `Call` and `BiasingTask`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cifviz.corpora.labelled_utterance import LabelledUtterance

Phrase = tuple[str, ...]


def holds(tokens: Sequence[object], phrase: Sequence[object]) -> bool:
    """Whether a phrase stands among some tokens, in a row.

    >>> holds([1, 2, 3], [2, 3]), holds([1, 2, 3], [1, 3])
    (True, False)
    """
    length = len(phrase)
    places = range(len(tokens) - length + 1)
    return any([*tokens[place : place + length]] == [*phrase] for place in places)


@dataclass(frozen=True, eq=False)
class Call:
    """An utterance with a phrase that a list may name."""

    utterance: LabelledUtterance
    phrase: Phrase
    """Tokens that stand in a row in the reference."""
    seen: bool
    """Whether any training utterance of the context networks may hold the phrase."""

    @property
    def tokens(self) -> list[str]:
        """The reference."""
        return [word.token for word in self.utterance.words]


@dataclass(frozen=True, eq=False)
class BiasingTask:
    """Utterances, each with a list of its own phrase and others, the same for all systems."""

    recipe: str
    """Whose variants are measured."""
    calls: Callable[[], list[Call]]
    """The utterances, the same in every call."""
    others: Callable[[], Sequence[Phrase]]
    """Phrases to stand in a list beside an utterance's own; no utterance holds one of them, unless
    it is its own."""
    sizes: tuple[int, ...]
    """How many of these a list has: each of them is measured."""

    def distractors(self, phrase: Phrase, size: int) -> list[Phrase]:
        """So many phrases other than one, the same ones for every utterance but for that."""
        return [one for one in self.others()[: size + 1] if one != phrase][:size]
