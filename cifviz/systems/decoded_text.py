"""What a pretrained decoder heard as a transcript: nobody wrote it, and it may be made up."""

from __future__ import annotations

import re
from dataclasses import replace

from cifviz.corpora.pronunciation import SpokenWord, pronounce
from cifviz.errors import DataError
from cifviz.systems.doubtful_words import LEAST_PRESENCE, PRESENCE
from cifviz.systems.transcription import Transcription


def decoded_words(text: str) -> tuple[SpokenWord, ...]:
    """The words of a text that was heard, each with its phones.

    Parameters
    ----------
    text : str
        What a decoder gave.

    Returns
    -------
    tuple of SpokenWord
        As `pronounce` gives them, without those that it refuses.
    """
    try:
        return pronounce(text)
    except DataError:
        words: list[SpokenWord] = []
        for stretch in re.finditer(r"\S+", text):
            words += _readable(stretch[0], stretch.start())
        return tuple(words)


def _readable(text: str, offset: int) -> list[SpokenWord]:
    """The words of a stretch that lies at an offset in its text; none where they are refused."""
    try:
        words = pronounce(text)
    except DataError:
        return []
    return [replace(one, start=one.start + offset, end=one.end + offset) for one in words]


def is_made_up(found: Transcription) -> bool:
    """Whether no word of an aligned text is probably in the sound; False without words.

    Parameters
    ----------
    found : Transcription
        With `words`, and their `PRESENCE` in its extras.
    """
    words = found.words or ()
    presence = found.extras.get(PRESENCE, (1.0,) * len(words))
    there = [
        word.is_timed and one >= LEAST_PRESENCE for word, one in zip(words, presence, strict=True)
    ]
    return len(there) > 0 and not any(there)


def about_decoded(warning: str) -> str:
    """A warning about a transcript, where none was given.

    >>> about_decoded("the transcript does not fit this sound")
    'the text that was heard does not fit this sound'
    """
    return warning.replace("the transcript", "the text that was heard")
