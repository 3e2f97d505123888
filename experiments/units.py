"""Units that words can be written in: parts merged by frequency, and phones.

A unit has no time of its own: only of whole words it is known when they begin and end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.errors import require, require_integer

BEGIN = "▁"
"""Stands before the first character of a word."""

Spelling = Mapping[str, tuple[str, ...]]
"""The units of each word."""

DIGIT_PHONES: Spelling = {
    "zero": ("z", "ih", "r", "ow"),
    "one": ("w", "ah", "n"),
    "two": ("t", "uw"),
    "three": ("th", "r", "iy"),
    "four": ("f", "ao", "r"),
    "five": ("f", "ay", "v"),
    "six": ("s", "ih", "k", "s"),
    "seven": ("s", "eh", "v", "ah", "n"),
    "eight": ("ey", "t"),
    "nine": ("n", "ay", "n"),
}
"""As in the dictionary of AN4."""


def merged_units(words: Sequence[str], merges: int) -> dict[str, tuple[str, ...]]:
    """Sub-word units by byte-pair encoding, of characters.

    Each merge joins the two neighbouring units that stand side by side most often in all words; of
    several equally frequent pairs the one that comes first in the alphabet.

    Parameters
    ----------
    words : sequence of str
        As often as they shall count; none empty.
    merges : int >= 0
        How many pairs are joined; fewer where no pair is left.

    Returns
    -------
    dict of str to tuple of str
        The units of each word. `BEGIN` is a part of the first one.

    Notes
    -----
    Paper: Sennrich, Haddow & Birch (2016).

    Examples
    --------
    "n" and "e" stand side by side twice, no other two do:

    >>> merged_units(["one", "nine"], 1)
    {'one': ('▁o', 'ne'), 'nine': ('▁n', 'i', 'ne')}
    """
    require(all(words), "expected words, got an empty one")
    counts = Counter(words)
    spelled = {word: (BEGIN + word[0], *word[1:]) for word in counts}
    for _ in range(require_integer("merges", merges, at_least=0)):
        pairs: Counter[tuple[str, str]] = Counter()
        for word, units in spelled.items():
            for pair in pairwise(units):
                pairs[pair] += counts[word]
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        spelled = {word: _joined(units, best) for word, units in spelled.items()}
    return spelled


def _joined(units: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    """Units in which a pair is one, wherever it stands."""
    made: list[str] = []
    for unit in units:
        if made and (made[-1], unit) == pair:
            made[-1] += unit
        else:
            made.append(unit)
    return tuple(made)


def units_of(spelling: Spelling) -> tuple[str, ...]:
    """All units of a spelling, in alphabetical order: a vocabulary.

    >>> units_of({"no": ("n", "o"), "on": ("o", "n")})
    ('n', 'o')
    """
    return tuple(sorted({unit for units in spelling.values() for unit in units}))


def numbered(spelling: Spelling) -> list[tuple[int, ...]]:
    """The units of each word as places in `units_of`, in the order of the words.

    >>> numbered({"no": ("n", "o"), "on": ("o", "n")})
    [(0, 1), (1, 0)]
    """
    vocabulary = units_of(spelling)
    return [tuple(vocabulary.index(unit) for unit in units) for units in spelling.values()]


def in_units(
    utterances: Sequence[LabelledUtterance], spelling: Spelling
) -> list[LabelledUtterance]:
    """The same utterances with units, whose times are not known, in place of words."""
    return [
        replace(
            one,
            words=Alignment(
                tuple(TimedToken(unit) for word in one.words for unit in spelling[word.token])
            ),
        )
        for one in utterances
    ]
