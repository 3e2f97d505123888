"""`checked`: an aligned transcript, held against the sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

import torch

from cifviz.alignment.joined_tokens import joined
from cifviz.alignment.word_flags import without_silent, word_flags
from cifviz.audio.pauses import pauses
from cifviz.corpora.pronunciation import SpokenWord
from cifviz.systems.doubtful_words import DOUBTS, LEAST_PRESENCE, PRESENCE
from cifviz.systems.transcription import INTERVALS

Aligned = TypeVar("Aligned", bound=Any)
"""A `Transcription` or a `LongTranscription` of phones."""


def checked(found: Aligned, words: Sequence[SpokenWord]) -> Aligned:
    """Flag words whose times may be wrong, and take them from those that lie in silence.

    Parameters
    ----------
    found : Transcription or LongTranscription
        Of the phones of the words, with its waveform.
    words : sequence of SpokenWord
        What was aligned.

    Returns
    -------
    the same type
        In its extras, under `DOUBTS`, the flags of each word: longer than 3 s, shorter than a
        frame, in silence (see `cifviz.audio.pauses.pauses`). The last have no times, and neither
        have their phones and their intervals; the firing is as it was. But a word that is probably
        in the sound by its `PRESENCE` keeps its times: it is as quiet as the pauses.
    """
    there = [one >= LEAST_PRESENCE for one in found.extras.get(PRESENCE, ())]
    silences = pauses(found.waveform)
    names, counts = [word.text for word in words], [len(word.phones) for word in words]
    flags = word_flags(
        joined(found.alignment, names, counts), frame=found.grid.shift, pauses=silences
    )
    phones = without_silent(found.alignment, counts, silences, spoken=there)
    spoken = joined(phones, names, counts)
    extras = {**found.extras, DOUBTS: flags}
    if INTERVALS in extras:
        is_timed = torch.tensor([word.is_timed for word in spoken], dtype=torch.bool)
        extras[INTERVALS] = extras[INTERVALS].where(is_timed[:, None, None], torch.nan)
    made: Aligned = replace(found, alignment=phones, words=spoken, extras=extras)
    return made
