"""Words whose place is doubtful: why, and which are the worst."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import require, require_number, require_type

LONGEST_WORD = 3.0
"""Seconds; a word that lasts longer is flagged."""
LEAST_PRESENCE = 0.5
"""A word that is there with less probability is flagged."""
UNTIMED, LONG, SHORT = "no place in the sound", "longer than 3 s", "shorter than a frame"
SILENT, ABSENT = "in silence", "probably not spoken"

Pauses = Sequence[tuple[float, float]]
"""Start and end of each pause in seconds, in order."""


def in_pause(token: TimedToken, pauses: Pauses) -> bool:
    """Whether a token lies wholly in one of some pauses; an untimed one does not.

    >>> in_pause(TimedToken("a", 0.5, 0.75), [(0.0, 0.25), (0.25, 1.0)])
    True
    """
    if token.start is None or token.end is None:
        return False
    return any(start <= token.start and token.end <= end for start, end in pauses)


def without_silent(parts: Alignment, counts: Sequence[int], pauses: Pauses) -> Alignment:
    """Take the times from words that lie wholly in a pause: what is silent was not spoken.

    Parameters
    ----------
    parts : Alignment
        The phones of all words, or the words themselves.
    counts : sequence of int >= 0 (words,)
        How many parts each word has.
    pauses : sequence of (float, float)
        Start and end in seconds, in order.

    Returns
    -------
    Alignment
        The same parts; those of a word of which every timed part lies in the same pause are
        untimed.

    Raises
    ------
    CIFError
        If there are not as many parts as the counts add up to.

    Examples
    --------
    >>> parts = Alignment((TimedToken("a", 0.0, 0.2), TimedToken("b", 0.5, 0.7)))
    >>> [one.is_timed for one in without_silent(parts, [1, 1], [(0.4, 1.0)])]
    [True, False]
    """
    require_type("parts", parts, Alignment)
    require(
        sum(counts) == len(parts),
        f"expected {sum(counts)} parts, as many as the counts add up to, got {len(parts)}",
    )
    kept: list[TimedToken] = []
    for count in counts:
        own = parts.tokens[len(kept) : len(kept) + count]
        timed = [one for one in own if one.is_timed]
        whole = replace(timed[0], end=timed[-1].end) if timed else TimedToken("")
        silent = in_pause(whole, pauses)
        kept += [replace(one, start=None, end=None) if silent else one for one in own]
    return Alignment(tuple(kept))


def doubts(
    words: Alignment,
    *,
    frame: float,
    pauses: Pauses = (),
    presence: Sequence[float] | None = None,
) -> tuple[tuple[str, ...], ...]:
    """Why the place of a word is doubtful.

    Parameters
    ----------
    words : Alignment
    frame : float > 0
        Seconds of a frame.
    pauses : sequence of (float, float), optional
        Start and end of pauses in the sound, seconds, in order.
    presence : sequence of float (words,), optional
        Probability of each word that it is there.

    Returns
    -------
    tuple of tuple of str (words,)
        Reasons; none for a word that nothing speaks against.

    Raises
    ------
    CIFError
        If there is not one presence for each word.

    Examples
    --------
    >>> words = Alignment((TimedToken("so", 0.0, 3.5), TimedToken("it"), TimedToken("is", 4, 5)))
    >>> doubts(words, frame=0.024)
    (('longer than 3 s',), ('no place in the sound',), ())
    """
    require_type("words", words, Alignment)
    frame = require_number("frame", frame, above=0)
    sure: Sequence[float] = [1.0] * len(words) if presence is None else presence
    require(
        len(sure) == len(words),
        f"expected a presence for each of {len(words)} words, got {len(sure)}",
    )
    found = []
    for word, there in zip(words, sure, strict=True):
        length = word.duration if word.is_timed else frame
        reasons = {
            UNTIMED: not word.is_timed,
            LONG: length > LONGEST_WORD,
            SHORT: length < frame,
            SILENT: in_pause(word, pauses),
            ABSENT: there < LEAST_PRESENCE,
        }
        found.append(tuple(reason for reason, holds in reasons.items() if holds))
    return tuple(found)


def worst_first(
    reasons: Sequence[tuple[str, ...]],
    *,
    presence: Sequence[float] | None = None,
    widths: Sequence[float] | None = None,
) -> list[int]:
    """The doubtful words, the worst first.

    Parameters
    ----------
    reasons : sequence of tuple of str (words,)
        What `doubts` gave.
    presence : sequence of float (words,), optional
        Probability of each word that it is there.
    widths : sequence of float (words,), optional
        Seconds of the wider of its edges' intervals.

    Returns
    -------
    list of int
        Words with a reason: those without a place first, then by their presence, the width of
        their interval, and their order.

    Examples
    --------
    >>> worst_first([(), (ABSENT,), (UNTIMED,), (ABSENT,)], presence=[1.0, 0.4, 0.3, 0.1])
    [2, 3, 1]
    """
    count = len(reasons)
    sure = [1.0] * count if presence is None else list(presence)
    wide = [0.0] * count if widths is None else [math.inf if w != w else w for w in widths]
    return sorted(
        (word for word in range(count) if reasons[word]),
        key=lambda word: (UNTIMED not in reasons[word], sure[word], -wide[word], word),
    )
