"""The data of a transcription that the explorer shows, ready for JSON."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from cifviz.alignment.timed_tokens import Alignment
from cifviz.audio.mel import mel_frequencies
from cifviz.audio.waveform import LogMel, Waveform
from cifviz.core.firing import Firing
from cifviz.core.interop.firing_rule import FiringRule
from cifviz.core.interop.recorded_firing import RecordedAxis, RecordedFiring
from cifviz.core.mass_axis import NOISE, GivenAxis
from cifviz.core.neurons import NeuronFiring
from cifviz.explorer.compared import Other, lanes, spans_of
from cifviz.explorer.extra_lanes import system_lanes
from cifviz.explorer.settings import (
    at_home,
    fixed_in_views,
    is_given,
    model_settings,
    pauses,
    rule_of,
)
from cifviz.systems.transcription import Transcription, audible_features
from cifviz.timing import FrameGrid

LONG = 120.0
"""Seconds of the longest sound that is sent, and written into a page, as a whole."""
PIECE = 60
"""Seconds of the pieces of a longer one."""
PEAK_RATE = 400
"""Pairs of least and largest amplitude per second, at most."""
MAX_PEAKS = 8192
"""Pairs in a picture: an hour takes no more space than a minute."""
MAX_COLUMNS = 2048
"""Columns of the spectrogram in a picture."""

COLOURS = ("#E69F00", "#009E73", "#D55E00", "#CC79A7", "#F0E442", "#0072B2", "#56B4E9")
HATCHES = ("", "////", "....", "\\\\\\\\", "xxxx")
"""The look of tokens, as in `cifviz.plot.palette` (a test compares), without its matplotlib."""


def view_data(
    transcription: Transcription,
    *,
    reference: Alignment | None = None,
    compare: Other | Mapping[str, Other] | None = None,
    name: str = "",
) -> dict[str, Any]:
    """Everything that the explorer shows and computes with, except the sound.

    Parameters
    ----------
    transcription : Transcription
        With or without sound. Its configuration gives the first positions of the controls.
    reference : Alignment, optional
        True times of the tokens; untimed tokens are left out. Default: the transcription's own.
    compare : Alignment, Transcription or mapping of str to one of them, optional
        Up to four others to show below, by name; before them are the words of a transcription whose
        tokens are phones.
    name : str
        Of the recording, for the names of files that are saved.

    Returns
    -------
    dict
        Numbers, strings and base64: `WrittenData` in ``js/types.d.ts``.
    """
    settings = model_settings(transcription)
    firing, grid, edges = transcription.require_firing(), transcription.grid, transcription.edges
    pause = pauses(transcription)
    fixed, why = fixed_in_views(transcription)
    rule = rule_of(transcription)
    reference = transcription.reference if reference is None else reference
    *_, tier = transcription.tiers
    return {
        "name": name,
        "tier": tier,
        "tokens": list(transcription.labels),
        "alpha": _floats(firing.alpha[0], "<f4"),
        "grid": {"start": grid.start, "shift": grid.shift},
        "duration": transcription.duration,
        "settings": settings,
        "fixed": list(fixed),
        "dialect": None if rule is None or not rule.dialect else _dialect_of(rule),
        "home": home_of(transcription) if is_given(transcription) else None,
        "pauses": {"pauseFrames": pause["pause_frames"], "pauseWeight": pause["pause_weight"]},
        "edges": None
        if edges is None
        else {
            "onsetQuantile": edges.onset_quantile,
            "offsetQuantile": edges.offset_quantile,
            "onsetShift": edges.onset_shift,
            "offsetShift": edges.offset_shift,
            "cut": edges.cut,
        },
        "reference": None if reference is None else spans_of(reference),
        "compare": lanes(transcription, compare),
        "lanes": system_lanes(transcription),
        "whole": stretch(transcription),
        "hertz": band_frequencies(transcription),
        "sound": sound_facts(transcription),
        "palette": {"colours": list(COLOURS), "hatches": list(HATCHES)},
        "model": {
            "summary": transcription.summary,
            "warning": _warning(transcription),
            "rule": why,
        },
    }


def _dialect_of(rule: FiringRule) -> dict[str, Any]:
    """`Dialect` in ``js/types.d.ts``."""
    return {
        "name": rule.dialect,
        "realFrames": rule.real_frames,
        "padding": rule.padding,
        "cuts": rule.cuts,
    }


def home_of(transcription: Transcription) -> dict[str, Any]:
    """What a given CIF did: its fires and, of some, what each frame gave to each token.

    Parameters
    ----------
    transcription : Transcription
        See `is_given`.

    Returns
    -------
    dict
        `WrittenHome` in ``js/types.d.ts``; numbers are base64.
    """
    firing, alignment = at_home(transcription)
    spans = [(token.start or 0.0, token.end or 0.0) for token in alignment]
    return {
        "alpha": _floats(firing.scaled_alpha[0], "<f4"),
        "ends": _floats(firing.axis.ends[0], "<f8"),
        "positions": _floats(firing.fire_positions[0], "<f8"),
        "threshold": firing.threshold,
        "tailFired": bool(firing.tail_fired[0]),
        "residual": float(firing.residual[0]),
        "starts": [start for start, _ in spans],
        "stops": [end for _, end in spans],
        "shares": shares_of(firing) if isinstance(firing, RecordedFiring | NeuronFiring) else None,
    }


def shares_of(firing: Firing) -> dict[str, str]:
    """What each frame gave to each token, frame by frame, without the zeros.

    Returns
    -------
    dict
        ``first`` (frames + 1,): where the entries of each frame begin; ``owners`` and ``weights``
        (entries,): token and weight. Base64 of int32 and float32.
    """
    weights = firing.contributions[0].T
    frame, token = (weights.abs() > NOISE).nonzero(as_tuple=True)
    first = torch.zeros(len(weights) + 1, dtype=torch.int64)
    first[1:] = torch.bincount(frame, minlength=len(weights)).cumsum(dim=0)
    return {
        "first": _floats(first, "<i4"),
        "owners": _floats(token, "<i4"),
        "weights": _floats(weights[frame, token], "<f4"),
    }


def _warning(transcription: Transcription) -> str:
    """That of the transcription, and one where its contributions are no shares of the weights."""
    firing = transcription.require_firing()
    axis = firing.axis
    is_soft = isinstance(axis, GivenAxis) and not isinstance(axis, RecordedAxis)
    is_soft = is_soft and not isinstance(firing, NeuronFiring)
    shares = "the shares of frames shown here are those of plain CIF, not of this model"
    return "; ".join(filter(None, (transcription.warning, shares if is_soft else "")))


def stretch(
    transcription: Transcription, start: float = 0.0, end: float = math.inf
) -> dict[str, Any]:
    """Sound and spectrogram of a part of a transcription, in a few thousand columns.

    Parameters
    ----------
    transcription : Transcription
    start, end : float
        Seconds; the longer the part, the coarser the picture.

    Returns
    -------
    dict
        ``start`` and ``end`` in seconds, ``peaks`` (None without sound), ``log_mel`` (None
        where there is neither sound nor features), and
        ``isFinest``: whether a shorter part would show no more.
    """
    end = min(end, transcription.duration)
    start = min(max(start, 0.0), end)
    waveform = transcription.waveform
    peaks = None if waveform is None else peaks_of(waveform, start, end)
    spectrogram = transcription.spectrogram
    log_mel = None if spectrogram is None else log_mel_of(*spectrogram, start, end)
    return {
        "start": start,
        "end": end,
        "peaks": peaks,
        "log_mel": log_mel,
        "isFinest": (log_mel is None or log_mel["pooled"] == 1)
        and (peaks is None or peaks["rate"] > PEAK_RATE / 2),
    }


def band_frequencies(transcription: Transcription) -> list[int] | None:
    """Middle frequencies of the bands of the spectrogram, Hz; None without one.

    >>> import cifviz
    >>> clip = cifviz.load_clip("digits_two")
    >>> transcription = cifviz.load_model("digits").transcribe(clip.waveform)
    >>> band_frequencies(transcription)[:3]
    [116, 171, 227]
    """
    features = spectrogram_features(transcription)
    if features is None:
        return None
    log_mel, is_given = transcription.log_mel, transcription.config is not None
    bands = features.n_mels if log_mel is None or not is_given else log_mel.shape[1]
    found = mel_frequencies(bands + 2, features.f_min, features.f_max)
    return [round(frequency) for frequency in found[1:-1].tolist()]


def spectrogram_features(transcription: Transcription) -> LogMel | None:
    """Of what features `Transcription.spectrogram` is."""
    if transcription.log_mel is not None and transcription.config is not None:
        return transcription.config.features
    waveform = transcription.waveform
    return None if waveform is None else audible_features(waveform.sample_rate)


def peaks_of(waveform: Waveform, start: float = 0.0, end: float = math.inf) -> dict[str, Any]:
    """Least and largest amplitude of short pieces, in 127ths of the loudest sample of the sound."""
    rate, samples = waveform.sample_rate, waveform.samples
    loudest = loudest_of(waveform)
    first = int(start * rate)
    part = samples[first : math.ceil(min(end, waveform.duration) * rate)]
    step = max(1, round(rate / PEAK_RATE), math.ceil(len(part) / MAX_PEAKS))
    pieces = np.pad(part, (0, -len(part) % step)).reshape(-1, step)
    low, high = (
        np.rint(127 * extreme(pieces, axis=1, initial=0.0) / loudest).astype(np.int8)
        for extreme in (np.min, np.max)
    )
    return {
        "rate": rate / step,
        "low": _base64(low.tobytes()),
        "high": _base64(high.tobytes()),
    }


def log_mel_of(
    log_mel: torch.Tensor, clock: FrameGrid, start: float = 0.0, end: float = math.inf
) -> dict[str, Any]:
    """A part of the log-mel features, in 255 steps over the 60 dB below their maximum.

    Where there are more than `MAX_COLUMNS` frames, each column is the maximum of several frames.
    """
    top = log_mel.max() if log_mel.numel() else torch.tensor(0.0)
    first = max(math.floor((start - clock.start) / clock.shift), 0)
    last = math.ceil(min((end - clock.start) / clock.shift, len(log_mel)))
    part = log_mel[first : max(last, first)]
    pooled = max(1, math.ceil(len(part) / MAX_COLUMNS))
    padded = torch.nn.functional.pad(part, (0, 0, 0, -len(part) % pooled), value=-math.inf)
    columns = padded.unflatten(0, (-1, pooled)).amax(dim=1) if len(part) else part
    steps = ((columns - top) / (6 * math.log(10)) + 1).clamp(0, 1) * 255  # 60 dB are 10⁶ in power
    return {
        "frames": len(columns),
        "bands": log_mel.shape[1],
        "pooled": pooled,
        "start": clock.start + first * clock.shift,
        "shift": clock.shift * pooled,
        "values": _base64(steps.round().to(torch.uint8).numpy().tobytes()),
    }


def sound_facts(transcription: Transcription) -> dict[str, Any] | None:
    """What a view needs to play the sound, and to draw it from its samples; None without sound.

    Returns
    -------
    dict
        `WrittenSound` in ``js/types.d.ts``.
    """
    waveform = transcription.waveform
    if waveform is None or not waveform.duration:
        return None
    rate, length = waveform.sample_rate, len(waveform.samples)
    return {
        "rate": rate,
        "length": length,
        "piece": length if waveform.duration <= LONG else PIECE * rate,
        "loudest": loudest_of(waveform),
        "note": "",
        "features": _features_of(transcription, waveform),
    }


def _features_of(transcription: Transcription, waveform: Waveform) -> dict[str, Any] | None:
    """What makes the spectrogram of the samples; None where they are not what it was made of."""
    features = spectrogram_features(transcription)
    spectrogram = transcription.spectrogram
    if features is None or spectrogram is None or features.sample_rate != waveform.sample_rate:
        return None
    log_mel, _ = spectrogram
    if not len(log_mel):
        return None
    return {
        "hop": features.hop_length,
        "window": features.win_length,
        "bands": log_mel.shape[1],
        "lowest": features.f_min,
        "highest": features.f_max,
        "floor": features.floor,
        "top": float(log_mel.max()),
    }


def loudest_of(waveform: Waveform) -> float:
    """The magnitude of the loudest sample; above 0 for silence, too."""
    samples = waveform.samples
    return max(float(samples.max(initial=0.0)), -float(samples.min(initial=0.0)), 1e-9)


def _floats(values: torch.Tensor, kind: str) -> str:
    """Numbers as base64."""
    return _base64(values.double().cpu().numpy().astype(kind).tobytes())


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
