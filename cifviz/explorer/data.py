"""What the explorer shows of a transcription, as JSON can hold it."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from cifviz.errors import require_type
from cifviz.models.recognizer import Transcription
from cifviz.speech.alignment import Alignment
from cifviz.speech.audio import Waveform

PEAK_RATE = 200
"""Pairs of least and largest amplitude in a second."""

COLOURS = ("#E69F00", "#009E73", "#D55E00", "#CC79A7", "#F0E442", "#0072B2", "#56B4E9")
HATCHES = ("", "////", "....", "\\\\\\\\", "xxxx")
"""The look of tokens, as in `cifviz.plot.palette` (a test compares)."""


def view_data(
    transcription: Transcription,
    *,
    reference: Alignment | None = None,
    second: tuple[str, Alignment] | None = None,
) -> dict[str, Any]:
    """Everything that is shown and recomputed, without the sound.

    Parameters
    ----------
    transcription : Transcription
        What a recogniser heard, with or without the sound. The controls stand at first where its
        configuration says.
    reference : Alignment, optional
        When each token was really said; untimed tokens are left out.
    second : (str, Alignment), optional
        Another alignment and its name.

    Returns
    -------
    dict
        Numbers, texts and base64; what `decoded` in ``js/data.js`` reads.
    """
    require_type("transcription", transcription, Transcription)
    firing, grid = transcription.firing, transcription.grid
    config, edges = transcription.config.cif, transcription.config.edges
    alpha = firing.alpha[0].float().cpu().numpy().astype("<f4")
    return {
        "tokens": list(transcription.tokens),
        "alpha": _base64(alpha.tobytes()),
        "grid": {"start": grid.start, "shift": grid.shift},
        "duration": transcription.duration,
        "settings": {
            "threshold": config.threshold,
            "slack": round(config.slack, 6),
            "tailRule": "above" if config.apply_tail_handling else "none",
            "tailThreshold": config.tail_handling_firing_threshold,
            "scaling": "phrases" if config.pause_frames else "as given",
            "count": len(transcription.tokens),
            "gain": 1,
            "smoothing": 0,
        },
        "pauses": {"pauseFrames": config.pause_frames or 5, "pauseWeight": config.pause_weight},
        "edges": {
            "onsetQuantile": edges.onset_quantile,
            "offsetQuantile": edges.offset_quantile,
            "onsetShift": edges.onset_shift,
            "offsetShift": edges.offset_shift,
            "cut": edges.cut,
        },
        "reference": None if reference is None else spans_of(reference),
        "second": second and {"name": second[0], "tokens": spans_of(second[1])},
        "peaks": transcription.waveform and peaks_of(transcription.waveform),
        "log_mel": log_mel_of(transcription),
        "palette": {"colours": list(COLOURS), "hatches": list(HATCHES)},
    }


def spans_of(alignment: Alignment) -> list[dict[str, Any]]:
    """The timed tokens of an alignment."""
    require_type("alignment", alignment, Alignment)
    return [
        {"label": token.token, "start": token.start, "end": token.end} for token in alignment.timed
    ]


def peaks_of(waveform: Waveform) -> Mapping[str, Any]:
    """Least and largest amplitude of short stretches, in 127ths of the loudest."""
    step = max(1, round(waveform.sample_rate / PEAK_RATE))
    samples = waveform.samples
    padded = np.pad(samples, (0, -len(samples) % step)).reshape(-1, step)
    loudest = max(float(np.abs(samples).max(initial=0.0)), 1e-9)
    low, high = (
        np.rint(127 * extreme / loudest).astype(np.int8) if len(padded) else np.zeros(0, np.int8)
        for extreme in (
            (padded.min(axis=1), padded.max(axis=1)) if len(padded) else (padded, padded)
        )
    )
    return {
        "rate": waveform.sample_rate / step,
        "low": _base64(low.tobytes()),
        "high": _base64(high.tobytes()),
    }


def log_mel_of(transcription: Transcription) -> Mapping[str, Any]:
    """What the recogniser saw, in 255 steps over the 60 dB below its loudest point."""
    mel, clock = transcription.log_mel, transcription.config.features.grid
    top = mel.max() if mel.numel() else torch.tensor(0.0)
    steps = ((mel - top) / (6 * math.log(10)) + 1).clamp(0, 1) * 255  # 60 dB are 10⁶ in power
    return {
        "frames": mel.shape[0],
        "bands": mel.shape[1],
        "start": clock.start,
        "shift": clock.shift,
        "values": _base64(steps.round().to(torch.uint8).numpy().tobytes()),
    }


def sound_of(waveform: Waveform) -> bytes:
    """The sound as a FLAC file, which every browser plays and nothing is lost in."""
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, waveform.samples, waveform.sample_rate, format="FLAC")
    return buffer.getvalue()


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
