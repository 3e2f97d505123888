"""Utterances with known words, and their transcriptions, all made by hand."""

import numpy as np
import torch

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.waveform import Waveform
from cifviz.core.firing import integrate_and_fire
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.systems.cif import CIFRecognizerConfig
from cifviz.systems.transcription import Transcription
from cifviz.timing import FrameGrid

RATE = 1000
HUM = 0.5
"""Amplitude inside every synthetic word; around it lies digital silence."""
GRID = FrameGrid(0.1)
CONFIG = CIFRecognizerConfig(vocabulary=("word",))


def hummed(*texts, speaker="ann", word_length=100, gap=50, lead=30, hum=HUM):
    """Words of so many samples at 1 kHz, with silence around them."""
    sound, words = [np.zeros(lead)], []
    for text in texts:
        start = sum(map(len, sound))
        words.append(TimedToken(text, start / RATE, (start + word_length) / RATE))
        sound += [np.full(word_length, hum), np.zeros(gap)]
    return LabelledUtterance(
        Waveform(np.concatenate(sound), RATE), Alignment(tuple(words)), speaker
    )


def aligned(*words) -> Alignment:
    """Of (token, start, end)."""
    return Alignment(tuple(TimedToken(*word) for word in words))


def spoken(*words, seconds=2.0) -> LabelledUtterance:
    """Silence in which (token, start, end) were said."""
    return LabelledUtterance(Waveform(np.zeros(round(seconds * RATE)), RATE), aligned(*words))


def fired(tokens, *weights, seconds=3.0, **options) -> Transcription:
    """What a CIF with these weights in frames of 0.1 s heard: a token for each fire."""
    alpha = torch.tensor([weights], dtype=torch.float64)
    identity = torch.eye(len(weights), dtype=torch.float64)[None]
    firing = integrate_and_fire(alpha, identity, **options)
    alignment = Alignment.from_firing(firing, tokens, GRID)
    waveform = Waveform(np.zeros(round(seconds * RATE)), RATE)
    return Transcription(
        tokens=tuple(tokens),
        scores=(1.0,) * len(tokens),
        alignment=alignment,
        firing=firing,
        grid=GRID,
        duration=seconds,
        log_mel=torch.zeros(round(100 * seconds), 40),
        config=CONFIG,
        waveform=waveform,
    )
