"""An hour of speech, repeated from a few seconds: a model would be too slow for a test."""

from dataclasses import replace

import numpy as np
import torch

import cifviz
from cifviz.alignment.timed_tokens import Alignment
from cifviz.core.firing import integrate_and_fire


def an_hour(transcription):
    """A transcription, again and again."""
    times = int(np.ceil(3600 / transcription.duration))
    alpha = transcription.firing.scaled_alpha.repeat(1, times)
    firing = integrate_and_fire(alpha, torch.zeros(*alpha.shape, 1), slack=0.01)
    tokens = (transcription.tokens * times)[: int(firing.num_fires)]
    return replace(
        transcription,
        tokens=tokens,
        scores=(1.0,) * len(tokens),
        alignment=Alignment.from_firing(
            firing, tokens, transcription.grid, edges=transcription.config.edges
        ),
        firing=firing,
        duration=transcription.duration * times,
        log_mel=transcription.log_mel.repeat(times, 1),
        waveform=cifviz.Waveform(np.tile(transcription.waveform.samples, times)),
    )
