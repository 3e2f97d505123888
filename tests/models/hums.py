"""Synthetic utterances: words that hum, and silence around them."""

import numpy as np

from cifviz.models.evaluation import Spoken
from cifviz.speech.alignment import Alignment, TimedToken
from cifviz.speech.audio import Waveform

RATE = 1000
HUM = 0.5
"""Amplitude inside every synthetic word; around it lies digital silence."""


def said(*texts, speaker="ann", word_length=100, gap=50, lead=30, hum=HUM):
    """Words of so many samples at 1 kHz, with silence around them."""
    sound, words = [np.zeros(lead)], []
    for text in texts:
        start = sum(map(len, sound))
        words.append(TimedToken(text, start / RATE, (start + word_length) / RATE))
        sound += [np.full(word_length, hum), np.zeros(gap)]
    return Spoken(Waveform(np.concatenate(sound), RATE), Alignment(tuple(words)), speaker)
