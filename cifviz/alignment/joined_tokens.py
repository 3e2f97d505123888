"""`joined`: words from their phones, or any tokens from the parts that they were aligned in."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import require, require_integer, require_type


def joined(parts: Alignment, names: Sequence[str], counts: Sequence[int]) -> Alignment:
    """Tokens that consist of some of the parts each, in order.

    Parameters
    ----------
    parts : Alignment
        Such as the phones of an utterance.
    names : sequence of str (tokens,)
        Such as its words.
    counts : sequence of int >= 0 (tokens,)
        How many parts each has.

    Returns
    -------
    Alignment
        A token lasts from the start of its first timed part to the end of its last; without any it
        is untimed. Its score is the mean of its parts' scores, if all are known.

    Raises
    ------
    CIFError
        If there are not as many names as counts, or not as many parts as the counts add up to.

    Examples
    --------
    >>> phones = Alignment((TimedToken("h", 0.1, 0.2), TimedToken("aɪ", 0.2, 0.4)))
    >>> joined(phones, ["hi"], [2]).tokens
    (TimedToken(token='hi', start=0.1, end=0.4, score=None),)
    """
    require_type("parts", parts, Alignment)
    numbers = [require_integer("each of counts", count, at_least=0) for count in counts]
    require(
        len(names) == len(numbers),
        f"expected a count for each of {len(names)} names, got {len(numbers)}",
    )
    require(
        sum(numbers) == len(parts),
        f"expected {sum(numbers)} parts, as many as the counts add up to, got {len(parts)}",
    )
    tokens, rest = [], iter(parts)
    for name, number in zip(names, numbers, strict=True):
        own = [next(rest) for _ in range(number)]
        timed = [part for part in own if part.is_timed]
        start, end = (timed[0].start, timed[-1].end) if timed else (None, None)
        known = [part.score for part in own if part.score is not None]
        # Rounding could lift the mean of ones above one.
        score = min(math.fsum(known) / number, 1.0) if number and len(known) == number else None
        tokens.append(TimedToken(name, start, end, score))
    return Alignment(tuple(tokens))
