from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cifviz.alignment.timed_tokens import Alignment
from cifviz.audio.waveform import Waveform
from cifviz.core.firing import Firing, integrate_and_fire
from cifviz.systems.cif import CIFRecognizerConfig
from cifviz.systems.transcription import Transcription
from cifviz.timing import FrameGrid

EXAMPLE = (0.2, 0.9, 0.6, 0.6)
"""Fires at 1 + 0.8 / 0.9 and 3 + 0.3 / 0.6 frames, and leaves 0.3."""
CONFIG = CIFRecognizerConfig(vocabulary=("word",))


class Make:
    """Small firings and transcriptions with known numbers."""

    @staticmethod
    def firing(alpha: Sequence[float] = EXAMPLE, **kwargs: Any) -> Firing:
        weights = torch.tensor([list(alpha)], dtype=torch.float64).reshape(1, -1)
        frames = weights.shape[1]
        return integrate_and_fire(
            weights, torch.eye(frames, dtype=torch.float64).reshape(1, frames, frames), **kwargs
        )

    @classmethod
    def transcription(
        cls,
        alpha: Sequence[float] = EXAMPLE,
        tokens: Sequence[str] | None = None,
        *,
        seconds: float | None = None,
        **kwargs: Any,
    ) -> Transcription:
        firing, grid = cls.firing(alpha, **kwargs), FrameGrid(0.04)
        fires = int(firing.num_fires)
        names = tuple(tokens) if tokens is not None else tuple("abcdefgh"[:fires])
        length = len(alpha) * grid.shift if seconds is None else seconds
        waveform = Waveform(0.1 * np.sin(np.arange(round(16_000 * length))))
        return Transcription(
            tokens=names,
            scores=(1.0,) * fires,
            alignment=Alignment.from_firing(firing, names, grid),
            firing=firing,
            grid=grid,
            duration=waveform.duration,
            log_mel=CONFIG.features(waveform),
            config=CONFIG,
            waveform=waveform,
        )


@pytest.fixture
def make() -> type[Make]:
    return Make


@pytest.fixture
def ax() -> Axes:
    return Figure(figsize=(10, 2), dpi=100).subplots()


@pytest.fixture
def frames() -> FrameGrid:
    """A clock on which a second is a frame."""
    return FrameGrid(1.0)
