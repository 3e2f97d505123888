"""Other languages than English, which is experimental: their phones are taken for English ones."""

from __future__ import annotations

from dataclasses import replace

from cifviz.errors import printable
from cifviz.systems.doubtful_words import PRESENCE, UNEXPLAINED, UNEXPLAINED_MASS
from cifviz.systems.transcription import INTERVALS, Transcription

JUDGEMENTS = (PRESENCE, UNEXPLAINED, UNEXPLAINED_MASS, INTERVALS)
"""Extras that were learned from English, and say nothing of another language."""


def unjudged(found: Transcription, language: str) -> Transcription:
    """An aligned transcript of another language, without what English alone taught.

    Parameters
    ----------
    found : Transcription
        Of English phones.
    language : str
        The voice of eSpeak NG that read the transcript.

    Returns
    -------
    Transcription
        Without `JUDGEMENTS`; its `misfit` says how little is known.
    """
    extras = {name: value for name, value in found.extras.items() if name not in JUDGEMENTS}
    return replace(
        found,
        extras=extras,
        misfit=f"language {printable(language)} is experimental: its phones are taken for the "
        "nearest English ones, nothing tells whether words are there, and the only recording "
        "measured is one Czech sentence, 20 word edges, off by 23 ms on average",
    )
