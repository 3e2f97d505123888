"""Transcribed English that nothing is trained on, on which edges of words are learned."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cifviz.alignment.timed_tokens import Alignment
from cifviz.audio.moonshine import load_moonshine
from cifviz.audio.waveform import Waveform, load_waveform
from cifviz.corpora import datasets
from cifviz.corpora.corpus_registry import corpus_folder
from cifviz.corpora.pronunciation import SpokenWord, pronounce
from cifviz.systems.encoded_sound import EncodedSound
from cifviz.systems.phone_cif import PhoneCIFConfig
from cifviz.systems.transcription import Transcription
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


@functools.cache
def english_samples() -> tuple[TranscribedUtterance, ...]:
    """The English recordings of "samples", whose words are untimed."""
    folder = corpus_folder("samples")
    columns = {"id": str, "path": str, "lang": str, "text": str}
    return tuple(
        TranscribedUtterance(
            row["id"], load_waveform(folder / row["path"]), pronounce(row["text"]), Alignment()
        )
        for row in datasets.read_table(folder / "manifest.csv", columns)
        if row["lang"] == "en"
    )


def aligned_words(model: Any) -> list[tuple[Transcription, Alignment]]:
    """What a model gives for the transcripts of `kept_out_words`, and when the words are spoken.

    Of all prompts and sentences together, so that edges learned on them serve both.
    """
    everything = [one for group in kept_out_words().values() for one in group]
    return [(aligned(model, one), one.times) for one in everything]


def aligned(model: Any, one: TranscribedUtterance, **request: Any) -> Transcription:
    """What a model gives for the transcript of an utterance; further arguments as `align` takes."""
    sound = encoded_sound(one)
    found: Transcription = model.align_states(
        sound.states, sound.log_mel, one.words, duration=sound.duration, **request
    )
    return found


@functools.cache
def encoded_sound(one: TranscribedUtterance) -> EncodedSound:
    """The states of an utterance, computed once."""
    states = load_moonshine().states(one.waveform)
    log_mel = PhoneCIFConfig().features(one.waveform)
    return EncodedSound(log_mel, one.waveform.duration, states=states)
