"""Made-up utterances of systems that have lanes of their own, as pages of the explorer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from cifviz.audio.waveform import Waveform
from cifviz.core.neurons import NeuronRule
from cifviz.explorer import to_html
from cifviz.systems.spiking import SpikingConfig
from cifviz.systems.transcription import Transcription
from cifviz.timing import FrameGrid
from tests.systems.tiny import noise, tiny_config, tiny_recognizer

SHIFT = 0.04
WORDS = "the boat sails over the old green sea and comes home before the rain".split()
NEURONS = 24
KINDS = ("pictures", "neuron", "written")


def mouths(frames: int, *, height: int = 32, width: int = 48) -> np.ndarray:
    """A dark mouth on a light face that opens and closes, bytes (frames, height, width)."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    open_by = 0.1 + 0.5 * np.abs(np.sin(np.arange(frames) * 0.45))
    inside = (x / 0.7) ** 2 + (y[None] / open_by[:, None, None]) ** 2 < 1
    lips = (x / 0.8) ** 2 + (y[None] / (open_by[:, None, None] + 0.18)) ** 2 < 1
    return np.where(inside, 30, np.where(lips, 150, 215)).astype(np.uint8)


def made(kind: str, seconds: float) -> Transcription:
    """An utterance with the lanes of a kind of `KINDS`, two to three tokens in a second."""
    rng = np.random.default_rng(2)
    frames, tokens = round(seconds / SHIFT), round(2.5 * seconds)
    phase = (np.arange(frames) * tokens / frames) % 1
    alpha = torch.tensor(np.sin(np.pi * phase) ** 2 * tokens / (0.5 * frames))[None].float()
    rule = NeuronRule("leaky", leak=0.03) if kind == "neuron" else NeuronRule()
    firing = rule.integrate(alpha, torch.zeros(1, frames, 1))
    labels = tuple(WORDS[n % len(WORDS)] for n in range(int(firing.num_fires)))
    one = tiny_recognizer().transcribe(noise(0.5))
    grid = FrameGrid(SHIFT)
    parts = {
        "tokens": labels,
        "scores": (1.0,) * len(labels),
        "firing": firing,
        "grid": grid,
        "duration": seconds,
        "log_mel": torch.tensor(rng.normal(size=(round(100 * seconds), 40))).float(),
        "waveform": Waveform(rng.uniform(-1, 1, round(8000 * seconds)).astype("f4"), 8000),
        "alignment": one.alignment.from_firing(firing, labels, grid, duration=seconds),
    }
    if kind == "pictures":
        parts["extras"] = {"video": mouths(frames)}
    elif kind == "neuron":
        rate = 0.25 * alpha[0].numpy()[:, None] * np.linspace(0.2, 2, NEURONS)
        parts["extras"] = {"raster": (rng.random((frames, NEURONS)) < rate).astype(np.uint8)}
        parts["config"] = SpikingConfig(**vars(tiny_config()), neuron=rule)
    else:
        read = np.minimum(np.cumsum(rng.gamma(4, 0.1, len(labels))) + 0.5, seconds)
        parts["extras"] = {"delays": torch.tensor(read)}
    return replace(one, **parts)


def write(kind: str, seconds: float, folder: Path) -> Path:
    """The page of an utterance."""
    return to_html(made(kind, seconds), folder / f"{kind}-{seconds:g}.html", title=kind)
