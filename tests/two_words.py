"""Utterances of two words whose first one weighs too much: its fire lies inside the word."""

from cifviz.alignment.timed_tokens import Alignment, TimedToken

SHIFT = 0.04
GAPS = ((2, 3), (4, 5), (3, 7))
"""Silent frames before each of the two words of three utterances."""
WEIGHTS = (1.125, 0.875)
"""Too much for the first word, too little for the second: its fire lies inside the first."""
FRAMES = 4
"""Length of a word."""


def alpha(gaps, weights=WEIGHTS, silence=0.0):
    """Words of `FRAMES` equal weights, with silence before each and behind the last."""
    parts = []
    for gap, weight in zip(gaps, weights, strict=True):
        parts += [silence] * gap + [weight / FRAMES] * FRAMES
    return [*parts, silence, silence]


def words(gaps, names="ab"):
    """The reference: each word over exactly its frames."""
    tokens, frame = [], 0
    for gap, name in zip(gaps, names, strict=True):
        begin = frame + gap
        frame = begin + FRAMES
        tokens.append(TimedToken(name, SHIFT * begin, SHIFT * frame))
    return Alignment(tuple(tokens))
