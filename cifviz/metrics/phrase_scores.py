"""Phrases in hypotheses and references, and the token errors inside and outside of them.

Conventions
-----------
Utterances and sets are those of `cifviz.metrics.token_scores`. A phrase is a sequence of tokens,
and each utterance has a list of phrases; an empty list or one for all utterances is legal. A phrase
named twice counts as one, a phrase without tokens as none.

*Occurrences.* A phrase occurs wherever its tokens stand in a row. Each occurrence of each phrase
counts: of phrases that overlap or are a part of another both, of a repeated phrase each place.

*The same place.* A phrase of the hypothesis is right, and one of the reference is found, if jiwer's
alignment pairs its tokens with the same tokens in a row on the other side. So "two three" is not
found in "two four three", nor where another "two three" of the utterance was recognised.

Metrics
-------
* `detect_phrases`: precision, recall and F1 of phrases.
* `biased_errors`: token errors inside and outside of phrases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from cifviz.errors import CIFError, require_type, shown
from cifviz.metrics.statistics import ratio, require_equally_many
from cifviz.metrics.token_scores import (
    DELETE,
    EQUAL,
    INSERT,
    SUBSTITUTE,
    TokenErrors,
    aligned,
)

Phrases = Sequence[Sequence[str]]
"""Phrases of an utterance, each a sequence of tokens."""

_ByLength = Mapping[int, set[tuple[str, ...]]]


@dataclass(frozen=True)
class PhraseScores:
    """Occurrences of phrases in hypotheses, and of wanted phrases in references."""

    recognised: int
    """Listed phrases in the hypotheses."""
    right: int
    """How many of these the reference has at the same place."""
    wanted: int
    """Wanted phrases in the references."""
    found: int
    """How many of these the hypothesis has at the same place."""

    @property
    def precision(self) -> float:
        """``right / recognised``; nan where no phrase was recognised."""
        return ratio(self.right, self.recognised)

    @property
    def recall(self) -> float:
        """``found / wanted``; nan where none was wanted."""
        return ratio(self.found, self.wanted)

    @property
    def f_measure(self) -> float:
        """F1, their harmonic mean; 0 if one of them is, nan if else one is.

        >>> PhraseScores(recognised=4, right=2, wanted=2, found=2).f_measure
        0.6666666666666666
        >>> PhraseScores(recognised=0, right=0, wanted=2, found=0).f_measure
        0.0
        """
        precision, recall = self.precision, self.recall
        if 0.0 in (precision, recall):
            return 0.0
        return 2 * precision * recall / (precision + recall)


@dataclass(frozen=True)
class BiasedErrors:
    """Token errors of a set in two parts, which add up to its `token_errors`."""

    biased: TokenErrors
    """Inside of phrases."""
    unbiased: TokenErrors
    """Outside of them."""


def detect_phrases(
    references: Sequence[Sequence[str]],
    hypotheses: Sequence[Sequence[str]],
    lists: Sequence[Phrases],
    *,
    wanted: Sequence[Phrases] | None = None,
) -> PhraseScores:
    """Precision, recall and F1 of phrases over a set.

    Parameters
    ----------
    references, hypotheses : sequence of sequences of str
        The true tokens of each utterance and those that were recognised.
    lists : sequence of sequences of phrases
        For each utterance the phrases that count as recognised where they occur in its hypothesis:
        the list that the system had.
    wanted : sequence of sequences of phrases, optional
        For each utterance the phrases that are to be found where they occur in its reference, such
        as its own code; by default its list.

    Returns
    -------
    PhraseScores
        Pooled: each occurrence counts the same. With `wanted` left out, `right` equals `found`.

    Raises
    ------
    CIFError
        If there are not as many lists as utterances or one is no sequence of sequences of str;
        see also `validate` of `cifviz.metrics.token_scores`.

    Examples
    --------
    "two three" was said and recognised, "four" was recognised and not said:

    >>> scores = detect_phrases(
    ...     [["one", "two", "three"]], [["four", "two", "three"]], [[["two", "three"], ["four"]]]
    ... )
    >>> scores
    PhraseScores(recognised=2, right=1, wanted=1, found=1)
    >>> scores.precision, scores.recall
    (0.5, 1.0)
    """
    all_edits = aligned(references, hypotheses)
    listed = _checked("lists", lists, references)
    sought = listed if wanted is None else _checked("wanted", wanted, references)
    recognised = right = count = found = 0
    for reference, hypothesis, edits, here, there in zip(
        references, hypotheses, all_edits, listed, sought, strict=True
    ):
        # For each place the place on the other side; −1 where there is no equal token.
        in_reference = np.full(len(hypothesis), -1)
        in_hypothesis = np.full(len(reference), -1)
        for edit in edits:
            if edit.kind == EQUAL:
                in_reference[edit.hypothesis] = edit.reference
                in_hypothesis[edit.reference] = edit.hypothesis
        for place in _occurrences(hypothesis, here):
            recognised += 1
            right += _stays(in_reference[place])
        for place in _occurrences(reference, there):
            count += 1
            found += _stays(in_hypothesis[place])
    return PhraseScores(recognised=recognised, right=right, wanted=count, found=found)


def biased_errors(
    references: Sequence[Sequence[str]],
    hypotheses: Sequence[Sequence[str]],
    phrases: Sequence[Phrases],
) -> BiasedErrors:
    """Token errors inside and outside of the phrases of each utterance.

    Parameters
    ----------
    references, hypotheses : sequence of sequences of str
        The true tokens of each utterance and those that were recognised.
    phrases : sequence of sequences of phrases
        Of each utterance: its own, as they are said in it. Of a list with many others, those that
        occur by chance count too.

    Returns
    -------
    BiasedErrors
        A reference token is biased if it lies in an occurrence of a phrase, and so are its deletion
        and its substitution. An insertion is biased if it stands between two tokens of one
        occurrence; before, after and between occurrences it is not.

    Raises
    ------
    CIFError
        As `detect_phrases` does.

    Examples
    --------
    "two" is substituted inside of the phrase; "four" is inserted after it:

    >>> errors = biased_errors(
    ...     [["one", "two", "three"]], [["one", "six", "three", "four"]], [[["two", "three"]]]
    ... )
    >>> errors.biased
    TokenErrors(deletions=0, insertions=0, substitutions=1, tokens=2)
    >>> errors.unbiased
    TokenErrors(deletions=0, insertions=1, substitutions=0, tokens=1)
    """
    all_edits = aligned(references, hypotheses)
    own = _checked("phrases", phrases, references)
    counts = {kind: np.zeros(2, dtype=int) for kind in (DELETE, INSERT, SUBSTITUTE)}
    tokens = np.zeros(2, dtype=int)
    for reference, edits, some in zip(references, all_edits, own, strict=True):
        inside, gaps = _inside(reference, some)
        tokens += [np.sum(~inside), np.sum(inside)]
        for edit in edits:
            if edit.kind == INSERT:
                counts[INSERT][int(gaps[edit.reference.start])] += len(edit.hypothesis)
            elif edit.kind != EQUAL:
                for place in edit.reference:
                    counts[edit.kind][int(inside[place])] += 1
    unbiased, biased = (
        TokenErrors(
            deletions=int(counts[DELETE][part]),
            insertions=int(counts[INSERT][part]),
            substitutions=int(counts[SUBSTITUTE][part]),
            tokens=int(tokens[part]),
        )
        for part in (0, 1)
    )
    return BiasedErrors(biased=biased, unbiased=unbiased)


class _Places(NamedTuple):
    inside: np.ndarray
    """Whether each token lies in an occurrence (tokens,)."""
    gaps: np.ndarray
    """Whether what stands before each token, or after the last one, is in one (tokens + 1,)."""


def _inside(tokens: Sequence[str], phrases: _ByLength) -> _Places:
    made = _Places(np.zeros(len(tokens), dtype=bool), np.zeros(len(tokens) + 1, dtype=bool))
    for place in _occurrences(tokens, phrases):
        made.inside[place] = True
        made.gaps[place.start + 1 : place.stop] = True
    return made


def _occurrences(tokens: Sequence[str], phrases: _ByLength) -> list[slice]:
    """Where phrases occur, each occurrence of each phrase."""
    return [
        slice(start, start + length)
        for length, some in phrases.items()
        for start in range(len(tokens) - length + 1)
        if tuple(tokens[start : start + length]) in some
    ]


def _stays(places: np.ndarray) -> bool:
    """Whether there are equal tokens in a row on the other side."""
    return bool(places[0] >= 0 and (np.diff(places) == 1).all())


def _checked(
    name: str, lists: Sequence[Phrases], references: Sequence[Sequence[str]]
) -> list[_ByLength]:
    """The phrases of each utterance by their number of tokens."""
    require_type(name, lists, Sequence)
    require_equally_many(references, lists, name)
    made: list[_ByLength] = []
    for index, phrases in enumerate(lists):
        if not _is_sequence(type(phrases)):
            raise CIFError(f"{name} {index} must be a sequence of phrases, got {shown(phrases)}")
        # Lists may be long: types are checked once each.
        if not (
            all(map(_is_sequence, set(map(type, phrases))))
            and all(issubclass(one, str) for one in set(map(type, chain.from_iterable(phrases))))
        ):
            phrase = next(one for one in phrases if not _is_phrase(one))
            raise CIFError(
                f"a phrase of {name} {index} must be a sequence of tokens, got {shown(phrase)}"
            )
        by_length: dict[int, set[tuple[str, ...]]] = {}
        for one in set(map(tuple, phrases)) - {()}:
            by_length.setdefault(len(one), set()).add(one)
        made.append(by_length)
    return made


def _is_sequence(kind: type) -> bool:
    return issubclass(kind, Sequence) and not issubclass(kind, str)


def _is_phrase(value: Any) -> bool:
    return _is_sequence(type(value)) and all(isinstance(token, str) for token in value)
