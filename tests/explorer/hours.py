"""An hour of speech, of a few seconds that were heard: no model hears one in the time of a test."""

from dataclasses import replace

import numpy as np
import torch

import cifviz
from cifviz.alignment.timed_tokens import Alignment
from cifviz.core.firing import integrate_and_fire


def an_hour(heard):
    """A transcription, again and again."""
    times = int(np.ceil(3600 / heard.duration))
    alpha = heard.firing.scaled_alpha.repeat(1, times)
    firing = integrate_and_fire(alpha, torch.zeros(*alpha.shape, 1), slack=0.01)
    tokens = (heard.tokens * times)[: int(firing.num_fires)]
    return replace(
        heard,
        tokens=tokens,
        scores=(1.0,) * len(tokens),
        alignment=Alignment.from_firing(firing, tokens, heard.grid, edges=heard.config.edges),
        firing=firing,
        duration=heard.duration * times,
        log_mel=heard.log_mel.repeat(times, 1),
        waveform=cifviz.Waveform(np.tile(heard.waveform.samples, times)),
    )
