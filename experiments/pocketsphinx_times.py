"""Word and phone times by pocketsphinx: the teacher of speech that has none, and a judge.

pocketsphinx (BSD-style licence, with its acoustic model of US English, cmudict and a trigram model)
is no dependency of cifviz: ``pip install pocketsphinx==5.1.1``. Its times are multiples of 10 ms.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.waveform import SAMPLE_RATE, Waveform
from cifviz.corpora.phone_inventory import PHONES
from cifviz.corpora.pronunciation import SpokenWord
from cifviz.errors import DataError

FRAME = 0.01
"""Seconds."""
WINDOW_LEAD = 0.008
"""Seconds from the start of a window, which pocketsphinx stamps, to the middle of the stretch that
is its frame's own: a window of 25.6 ms, less a frame of 10 ms, halved."""
PADS = (0.15, 0.1, 0.2, 0.0)
"""Seconds of near silence at both ends, tried in turn: now and then the pass over phones ends in no
final state. Without any the first onset of a tightly cut recording comes out early."""
FLOOR = 1e-4
"""Root mean square of the noise that is added: digital silence has no logarithm."""

ARPABET = dict(
    zip(
        PHONES,
        (
            "P B T D K G CH JH F V TH DH S Z SH ZH HH M N NG L R W Y T "
            "IY IH EH AE AA AO UH UW AH AH ER ER EY AY OY AW OW"
        ).split(),
        strict=True,
    )
)
"""The nearest phone of pocketsphinx's acoustic model to each of `PHONES`."""


@functools.cache
def decoder() -> Any:
    """The decoder, loaded once.

    Raises
    ------
    DataError
        If pocketsphinx is not installed.
    """
    try:
        from pocketsphinx import Decoder
    except ModuleNotFoundError as error:
        raise DataError("word times need pocketsphinx: pip install pocketsphinx==5.1.1") from error
    # The mean of the whole utterance is subtracted, not a running one.
    return Decoder(samprate=SAMPLE_RATE, loglevel="FATAL", lm=None, cmn="batch")


def word_times(waveform: Waveform, words: Sequence[SpokenWord]) -> Alignment | None:
    """The words of an utterance with their times, each in the pronunciation that fits best.

    Pronunciations are those of cmudict; a word that is not in it has its own phones.

    Returns
    -------
    Alignment or None
        None where the words do not fit the sound.
    """
    found = decoder()
    names = []
    for word in words:
        name = word.text.lower()
        if found.lookup_word(name) is None:
            name = _added(word)
        names.append(name)
    sound = _samples(waveform, 0.0)
    spans = _decoded(sound, names)
    if spans is None:
        return None
    return _alignment([word.text for word in words], np.array(spans), waveform.duration)


def phone_times(
    waveform: Waveform, words: Sequence[SpokenWord]
) -> tuple[Alignment, Alignment] | None:
    """Words and phones of an utterance with their times, pronounced as the words say.

    Returns
    -------
    tuple of Alignment or None
        Words and phones; None where they do not fit the sound.
    """
    names = [_added(word) for word in words]
    phones = [phone for word in words for phone in word.phones]
    for pad in PADS:
        found = _phones(_samples(waveform, pad), names)
        if found is None or len(found) != len(phones):
            continue
        spans = np.array(found) - pad
        ends = np.cumsum([len(word.phones) for word in words])
        starts = ends - [len(word.phones) for word in words]
        outer = np.stack([spans[starts, 0], spans[ends - 1, 1]], axis=1)
        return (
            _alignment([word.text for word in words], outer, waveform.duration),
            _alignment(phones, spans, waveform.duration),
        )
    return None


def _added(word: SpokenWord) -> str:
    """The name under which the decoder knows a word in just this pronunciation."""
    phones = " ".join(ARPABET[phone] for phone in word.phones)
    name = phones.replace(" ", "_")
    if decoder().lookup_word(name) is None:
        decoder().add_word(name, phones, True)
    return name


def _samples(waveform: Waveform, pad: float) -> bytes:
    quiet = np.zeros(round(pad * SAMPLE_RATE), np.float32)
    sound = np.concatenate([quiet, waveform.samples, quiet])
    sound = sound + FLOOR * np.random.default_rng(0).standard_normal(len(sound))
    return (sound.clip(-1, 1) * 32767).astype("<i2").tobytes()


def _pass(sound: bytes) -> bool:
    """Let the decoder hear a sound; whether it came to an end."""
    found = decoder()
    found.start_utt()
    found.process_raw(sound, full_utt=True)
    try:
        found.end_utt()
    except RuntimeError:
        return False
    return True


def _decoded(sound: bytes, names: Sequence[str]) -> list[tuple[float, float]] | None:
    """Start and end of each word, seconds."""
    found = decoder()
    found.set_align_text(" ".join(names))
    if not _pass(sound) or found.hyp() is None:
        return None
    spans = [
        (one.start_frame * FRAME, (one.end_frame + 1) * FRAME)
        for one in found.seg()
        if not _is_filler(one.word)
    ]
    return spans if len(spans) == len(names) else None


def _phones(sound: bytes, names: Sequence[str]) -> list[tuple[float, float]] | None:
    """Start and end of each phone of the words, seconds."""
    if _decoded(sound, names) is None:
        return None
    found = decoder()
    found.set_alignment()
    if not _pass(sound):
        return None
    return [
        (phone.start * FRAME, (phone.start + phone.duration) * FRAME)
        for word in found.get_alignment()
        if not _is_filler(word.name)
        for phone in word
    ]


def _is_filler(name: str) -> bool:
    """Whether a segment is silence or noise, and no word."""
    return name[0] in "<[" or name.startswith("++")


def _alignment(names: Sequence[str], spans: np.ndarray, duration: float) -> Alignment:
    edges = (spans + WINDOW_LEAD).clip(0, duration)
    return Alignment(
        tuple(
            TimedToken(name, float(start), float(end))
            for name, (start, end) in zip(names, edges, strict=True)
        )
    )
