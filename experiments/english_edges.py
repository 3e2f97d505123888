"""Edges of words in open English: learned on utterances that nothing is trained on."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cifviz.alignment.boundary_readout import (
    CIF_READOUTS,
    OFFSET_QUANTILES,
    ONSET_QUANTILES,
    best_of,
)
from cifviz.alignment.timed_tokens import Alignment, Edges
from cifviz.audio.waveform import Waveform
from cifviz.corpora import datasets
from cifviz.corpora.pronunciation import SpokenWord
from experiments.english_speech import english_prompts, judged, spelled


@dataclass(frozen=True, eq=False)
class TranscribedUtterance:
    """A sound with its transcript, and when its words are spoken."""

    id: str
    waveform: Waveform
    words: tuple[SpokenWord, ...]
    times: Alignment
    """By pocketsphinx with the pronunciations of cmudict, or by hand."""


@functools.cache
def kept_out_words() -> Mapping[str, Sequence[TranscribedUtterance]]:
    """Held-out prompts and sentences of GRID, where pocketsphinx aligns them: "prompts", "grid"."""
    rows = [(row.id, spelled(row.text), row.waveform()) for row in datasets.grid_sentences("dev")]
    return {"prompts": list(_judged(english_prompts("dev"))), "grid": list(_judged(rows[:50]))}


def _judged(rows: Any) -> Iterator[TranscribedUtterance]:
    for name, text, waveform in rows:
        found = judged(text, waveform)
        if found is not None:
            yield TranscribedUtterance(name, waveform, *found)


def learn_word_edges(model: Any) -> Edges:
    """Learn at which quantiles of its phones a word's edges are read, and let the model keep it.

    Parameters
    ----------
    model : PhoneCIFRecognizer
        Aligns the transcripts of `kept_out_words` on its usual path.

    Returns
    -------
    Edges
        Onset of the first phone and offset of the last, cut at fires, with the least mean absolute
        error; prompts and GRID count alike, by word.
    """
    onsets, offsets = [], []
    for one in [one for group in kept_out_words().values() for one in group]:
        (sound,) = model.sounds([one.waveform])
        found = model.align_states(
            sound.states, sound.log_mel, one.words, duration=one.waveform.duration
        )
        early, late = word_candidates(found, one.words)
        times = np.array(one.times.spans)
        onsets.append(early - times[:, :1])
        offsets.append(late - times[:, 1:])
    onset, onset_shift, _ = best_of(np.concatenate(onsets))
    offset, offset_shift, _ = best_of(np.concatenate(offsets))
    edges = Edges(
        ONSET_QUANTILES[onset], OFFSET_QUANTILES[offset], onset_shift, offset_shift, cut="fires"
    )
    model.config = replace(model.config, edges=edges)
    return edges


def word_candidates(found: Any, words: Sequence[SpokenWord]) -> tuple[np.ndarray, np.ndarray]:
    """Onsets (words, quantiles) of the first phones and offsets of the last, in seconds."""
    readout = CIF_READOUTS["quantiles"]
    ends = np.cumsum([len(word.phones) for word in words])
    starts = ends - [len(word.phones) for word in words]
    return (
        readout.onset.read(found).numpy()[starts],
        readout.offset.read(found).numpy()[ends - 1],
    )
