"""`doubtful_words`: words of a transcript that may not be in the sound, or lie elsewhere in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cifviz.alignment.timed_tokens import TimedToken
from cifviz.errors import require
from cifviz.systems.long_transcription import LongTranscription
from cifviz.systems.transcription import Transcription

PRESENCE = "presence"
"""The key of `Transcription.extras` for the probability that each word is in the sound."""
DOUBTS = "doubts"
"""The key of `Transcription.extras` for the reasons to doubt each word, in a few words each."""
UNEXPLAINED = "unexplained"
"""The key of `Transcription.extras` for stretches in which something is spoken that is not in the
transcript: start and end of each in seconds."""
UNEXPLAINED_MASS = "unexplained_mass"
"""The key of `Transcription.extras` for what is spoken in these stretches, in phones."""
LEAST_PRESENCE = 0.5
"""Words whose presence is less probable are doubtful."""


@dataclass(frozen=True)
class DoubtfulWord:
    """A word, and why its place is doubtful."""

    index: int
    """Among the words."""
    word: TimedToken
    reasons: tuple[str, ...]
    """At least one."""


def presence_of(transcription: Transcription | LongTranscription) -> tuple[float, ...] | None:
    """Probability that each word is in the sound; None of a system that does not know.

    Raises
    ------
    CIFError
        If there are not as many as words.
    """
    given = transcription.extras.get(PRESENCE)
    if given is None or transcription.words is None:
        return None
    presence = tuple(float(one) for one in given)
    words = len(transcription.words)
    require(len(presence) == words, f"expected {words} presences, got {len(presence)}")
    return presence


def doubtful_words(transcription: Transcription | LongTranscription) -> list[DoubtfulWord]:
    """The words whose place is doubtful, worst first; none of a system without `words`.

    Parameters
    ----------
    transcription : Transcription or LongTranscription
        Its `extras` may have `PRESENCE` and `DOUBTS`.

    Returns
    -------
    list of DoubtfulWord
        Words without times, then those whose presence is below `LEAST_PRESENCE`, the least first,
        then those with other reasons, in their order.
    """
    words = transcription.words
    if words is None:
        return []
    presence = presence_of(transcription)
    others: Sequence[Sequence[str]] = transcription.extras.get(DOUBTS) or [()] * len(words)
    found = []
    for index, (word, further) in enumerate(zip(words, others, strict=True)):
        probability = 1.0 if presence is None else presence[index]
        reasons = tuple(further)
        if probability < LEAST_PRESENCE:
            reasons = (f"presence {probability:.2f}", *reasons)
        if not word.is_timed:
            reasons = ("untimed", *reasons)
        if reasons:
            rank = (word.is_timed, min(probability, LEAST_PRESENCE), index)
            found.append((rank, DoubtfulWord(index, word, reasons)))
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]
