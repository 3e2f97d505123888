"""What the recipes train on: real and synthesised utterances, and their features."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import torch

from cifviz.audio import waveform
from cifviz.audio.moonshine import CHECKSUMS, Moonshine, load_moonshine
from cifviz.audio.waveform import Waveform
from cifviz.corpora import datasets, synthesis
from cifviz.corpora.cepstra import (
    an4_pronunciations,
    an4_utterances,
    log_mel_of_cepstra,
    smoothed,
)
from cifviz.corpora.clips import list_clips, load_clip
from cifviz.corpora.corpus_registry import DATA_VARIABLE
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.corpora.synthesis import VOICES, spoken_text, synthesize
from cifviz.corpora.word_lists import DIGITS, GRID
from cifviz.systems.configuration import SystemConfig
from cifviz.systems.moonshine_layers import load_lower_layers
from cifviz.systems.phone_cif import PhoneCIFConfig
from cifviz.systems.state_input import StateInputConfig
from cifviz.timing import FrameGrid
from cifviz.training.augmentation import Recording
from experiments import english_speech, pocketsphinx_times

COEFFICIENTS = 10
"""Cepstra of 40 bands up to 4 kHz that are as smooth as AN4's 13 of 40 bands up to 6.8 kHz."""


def labelled_takes() -> list[LabelledUtterance]:
    """Training takes of the data set "digits", a word each."""
    return [
        LabelledUtterance(*datasets.take_waveform(take), take.speaker)
        for take in datasets.digit_takes()
        if take.split == "train"
    ]


def labelled_strings(split: str) -> list[LabelledUtterance]:
    """Connected strings of "digits"."""
    return [
        LabelledUtterance(*datasets.digit_string_waveform(string), string.speaker)
        for string in datasets.digit_strings(split)
    ]


def labelled_sentences(split: str) -> list[LabelledUtterance]:
    """Sentences of "grid"."""
    return [
        LabelledUtterance(sentence.waveform(), sentence.words, "s1")
        for sentence in datasets.grid_sentences(split)
    ]


def labelled_clips(domain: str) -> list[LabelledUtterance]:
    """The bundled clips of a domain, such as "digits", and the one in which nobody speaks."""
    clips = [load_clip(name) for name in list_clips()]
    return [
        LabelledUtterance(clip.waveform, clip.words, clip.voice)
        for clip in clips
        if clip.domain == domain or not clip.tokens
    ]


def synthetic(
    tokens: Callable[[random.Random], list[str]], count: int, *, seed: int = 0
) -> list[LabelledUtterance]:
    """Utterances in all voices, at several rates and pitches; others with another seed."""
    rng = random.Random(seed)
    made = []
    for index in range(count):
        voice = VOICES[index % len(VOICES)]
        words = tokens(rng)
        utterance = synthesize(
            spoken_text(words),
            tokens=words,
            voice=voice,
            rate=rng.randint(110, 260),
            pitch=rng.randint(25, 75),
        )
        made.append(LabelledUtterance(utterance.waveform, utterance.words, voice))
    return made


def digit_string(rng: random.Random) -> list[str]:
    """One to eight random digits."""
    return rng.choices(DIGITS, k=rng.randint(1, 8))


def grid_sentence(rng: random.Random) -> list[str]:
    """A random sentence of the grammar of GRID."""
    return [rng.choice(group) for group in GRID]


def recordings(
    name: str,
    utterances: Callable[[], list[LabelledUtterance]],
    config: SystemConfig,
    cache: Path,
) -> list[Recording]:
    """Features and frames of training utterances, computed once and cached.

    Parameters
    ----------
    name : str
        Of the set that `utterances` makes; another set needs another name.
    utterances : callable
        Makes the utterances; called only where the cache does not hold them.
    config : SystemConfig
        Says which features, and numbers the tokens.
    cache : Path
        A folder.
    """
    from joblib import Memory

    made = Memory(cache, verbose=0).cache(_recordings, ignore=["utterances"])
    frames: Frames = config.features
    if isinstance(config, PhoneCIFConfig):
        frames = EncoderStates()
    elif isinstance(config, StateInputConfig) and config.input == "states":
        frames = EncoderStates(tuned_layers=config.states.tuned_layers)
    return made(f"{name} {_fingerprint()}", frames, config.vocabulary, utterances)


def an4_words(vocabulary: Sequence[str]) -> dict[str, int]:
    """Ids of a vocabulary's words and, behind them, of all others that occur in AN4."""
    others = sorted(an4_pronunciations().keys() - set(vocabulary))
    return {word: index for index, word in enumerate([*vocabulary, *others])}


def an4_phones(config: SystemConfig) -> list[tuple[int, ...]]:
    """The phones of each of `an4_words`, numbered."""
    pronunciations = an4_pronunciations()
    names = sorted({phone for phones in pronunciations.values() for phone in phones})
    return [
        tuple(names.index(phone) for phone in pronunciations[word])
        for word in an4_words(config.vocabulary)
    ]


def an4_recordings(config: SystemConfig) -> list[Recording]:
    """The utterances of AN4, 74 speakers, as smooth log-mel; tokens are ids of `an4_words`."""
    ids = an4_words(config.vocabulary)
    return [
        Recording(
            log_mel_of_cepstra(one.cepstra, config.features),
            tuple(ids[word] for word in one.words),
            None,
            one.speaker,
        )
        for one in an4_utterances()
    ]


def smoothed_recordings(group: list[Recording]) -> list[Recording]:
    """The same recordings, as smooth as those of which only cepstra are known."""
    return [replace(one, features=smoothed(one.features, COEFFICIENTS)) for one in group]


def _fingerprint() -> str:
    """Hash of the code and the data that training utterances are made from."""
    modules = (waveform, datasets, synthesis, english_speech, pocketsphinx_times)
    files = [__file__, *(str(module.__file__) for module in modules)]
    code = hashlib.sha256(b"".join(Path(file).read_bytes() for file in files)).hexdigest()
    return f"{code} {os.environ.get(DATA_VARIABLE, '')}"


class Frames(Protocol):
    """What a system looks at: frames of a sound, and their clock."""

    @property
    def grid(self) -> FrameGrid:
        """Clock of the frames."""

    def __call__(self, waveform: Waveform) -> torch.Tensor:
        """The frames of a sound (frames, values)."""


@dataclass(frozen=True)
class EncoderStates:
    """States of the pretrained encoder, in half precision: they are many."""

    checksum: str = CHECKSUMS["encoder_model.ort"]
    """Of the encoder: states of another one are kept apart."""
    tuned_layers: int = 0
    """Of its last layers, how many are left out: a model trains them itself."""

    @property
    def grid(self) -> FrameGrid:
        """Clock of the states."""
        return Moonshine.grid

    def __call__(self, waveform: Waveform) -> torch.Tensor:
        """States of a sound (frames, 288)."""
        if self.tuned_layers:
            return load_lower_layers(self.tuned_layers).states(waveform).half()
        return load_moonshine().states(waveform).half()


def _recordings(
    key: str,
    features: Frames,
    vocabulary: tuple[str, ...],
    utterances: Callable[[], list[LabelledUtterance]],
) -> list[Recording]:
    ids = {token: index for index, token in enumerate(vocabulary)}
    made = []
    for one in utterances():
        log_mel = features(one.waveform).numpy()
        tokens = tuple(ids[word.token] for word in one.words)
        spans = _spans(one, features, len(log_mel))
        made.append(Recording(log_mel, tokens, spans, one.speaker, one.extras))
    return made


def _spans(
    one: LabelledUtterance, features: Frames, frames: int
) -> tuple[tuple[float, float], ...] | None:
    """Where each word begins and ends, in fractional frames; None where one is untimed."""
    if one.words.timed != one.words.tokens:
        return None
    return tuple(
        (max(0.0, features.grid.frame(start)), max(0.0, min(frames, features.grid.frame(end))))
        for start, end in one.words.spans
    )
