"""What the times of words alone say against them: too long, too short, in silence."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import require, require_number, require_type

LONGEST_WORD = 3.0
"""Seconds; a word that lasts longer is flagged."""
LONG, SHORT, SILENT = "longer than 3 s", "shorter than a frame", "in silence"

Pauses = Sequence[tuple[float, float]]
"""Start and end of each pause in seconds, in order."""


def in_pause(token: TimedToken, pauses: Pauses) -> bool:
    """Whether a token lies wholly in one of some pauses; an untimed one does not.

    >>> in_pause(TimedToken("a", 0.5, 0.75), [(0.0, 0.25), (0.25, 1.0)])
    True
    """
    if token.start is None or token.end is None:
        return False
    after = bisect_right(pauses, token.start, key=lambda pause: pause[0])
    return after > 0 and token.end <= pauses[after - 1][1]


def word_flags(
    words: Alignment, *, frame: float, pauses: Pauses = ()
) -> tuple[tuple[str, ...], ...]:
    """What speaks against the times of each word.

    Parameters
    ----------
    words : Alignment
    frame : float > 0
        Seconds of a frame.
    pauses : sequence of (float, float), optional
        Start and end of pauses in the sound, seconds, in order and disjoint.

    Returns
    -------
    tuple of tuple of str (words,)
        Of `LONG`, `SHORT` and `SILENT`; nothing of an untimed word.

    Examples
    --------
    >>> words = Alignment((TimedToken("so", 0.0, 3.5), TimedToken("it"), TimedToken("is", 4, 5)))
    >>> word_flags(words, frame=0.024, pauses=[(3.75, 6.0)])
    (('longer than 3 s',), (), ('in silence',))
    """
    require_type("words", words, Alignment)
    frame = require_number("frame", frame, above=0)
    found = []
    for word in words:
        length = word.duration if word.is_timed else frame
        holds = {
            LONG: length > LONGEST_WORD,
            SHORT: length < frame,
            SILENT: in_pause(word, pauses),
        }
        found.append(tuple(reason for reason, speaks_against in holds.items() if speaks_against))
    return tuple(found)


def without_silent(
    parts: Alignment, counts: Sequence[int], pauses: Pauses, *, spoken: Sequence[bool] = ()
) -> Alignment:
    """Take the times from words that lie wholly in a pause: what is silent was not spoken.

    Parameters
    ----------
    parts : Alignment
        The phones of all words, or the words themselves.
    counts : sequence of int >= 0 (words,)
        How many parts each word has.
    pauses : sequence of (float, float)
        Start and end in seconds, in order and disjoint.
    spoken : sequence of bool (words,), optional
        Words that keep their times wherever they lie: something else says that they are there, and
        quiet speech is no louder than a pause.

    Returns
    -------
    Alignment
        The same parts; those of any other word that lies in a pause from its first timed part to
        its last are untimed.

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
    for count, is_spoken in zip(counts, spoken or [False] * len(counts), strict=True):
        own = parts.tokens[len(kept) : len(kept) + count]
        timed = [one for one in own if one.is_timed]
        whole = replace(timed[0], end=timed[-1].end) if timed else TimedToken("")
        silent = not is_spoken and in_pause(whole, pauses)
        kept += [replace(one, start=None, end=None) if silent else one for one in own]
    return Alignment(tuple(kept))
