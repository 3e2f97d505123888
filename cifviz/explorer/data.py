"""What the explorer shows of a transcription, as JSON can hold it."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from cifviz.alignment.timed_tokens import Alignment
from cifviz.audio.waveform import Waveform
from cifviz.errors import require, require_type
from cifviz.explorer.settings import model_settings, pauses
from cifviz.systems.transcription import Transcription
from cifviz.timing import FrameGrid

LONG = 120.0
"""Seconds of sound above which it is not sent as a whole."""
PEAK_RATE = 400
"""Pairs of least and largest amplitude in a second, at most."""
MOST_PEAKS = 8192
"""Pairs in a picture, so that an hour takes no more room than a minute."""
MOST_COLUMNS = 2048
"""Columns of the spectrogram in a picture."""

COLOURS = ("#E69F00", "#009E73", "#D55E00", "#CC79A7", "#F0E442", "#0072B2", "#56B4E9")
HATCHES = ("", "////", "....", "\\\\\\\\", "xxxx")
"""The look of tokens, as in `cifviz.plot.palette` (a test compares)."""

Other = Transcription | Alignment
"""What an utterance can be compared with."""


def view_data(
    transcription: Transcription,
    *,
    reference: Alignment | None = None,
    compare: Other | Mapping[str, Other] | None = None,
) -> dict[str, Any]:
    """Everything that is shown and recomputed, without the sound.

    Parameters
    ----------
    transcription : Transcription
        What a recogniser heard, with or without the sound. The controls stand at first where its
        configuration says.
    reference : Alignment, optional
        When each token was really said; untimed tokens are left out.
    compare : Alignment, Transcription or mapping of str to one of them, optional
        Other alignments to see below, by name.

    Returns
    -------
    dict
        Numbers, texts and base64; what `decoded` in ``js/data.js`` reads.
    """
    settings = model_settings(transcription)
    firing, grid, edges = (
        transcription.require_firing(),
        transcription.grid,
        transcription.config.edges,
    )
    alpha = firing.alpha[0].float().cpu().numpy().astype("<f4")
    rule = pauses(transcription)
    return {
        "tokens": list(transcription.tokens),
        "alpha": _base64(alpha.tobytes()),
        "grid": {"start": grid.start, "shift": grid.shift},
        "duration": transcription.duration,
        "settings": settings,
        "pauses": {"pauseFrames": rule["pause_frames"], "pauseWeight": rule["pause_weight"]},
        "edges": {
            "onsetQuantile": edges.onset_quantile,
            "offsetQuantile": edges.offset_quantile,
            "onsetShift": edges.onset_shift,
            "offsetShift": edges.offset_shift,
            "cut": edges.cut,
        },
        "reference": None if reference is None else spans_of(reference),
        "compare": [
            {"name": name, "tokens": spans_of(one)} for name, one in named(compare).items()
        ],
        "whole": stretch(transcription),
        "sound": sound_kind(transcription.waveform),
        "palette": {"colours": list(COLOURS), "hatches": list(HATCHES)},
        "model": {"summary": transcription.summary, "warning": transcription.warning},
    }


def named(compare: Other | Mapping[str, Other] | None) -> dict[str, Alignment]:
    """Alignments by name, however they were given.

    >>> named(Alignment())
    {'other': Alignment(tokens=())}
    """
    if compare is None:
        return {}
    given = compare if isinstance(compare, Mapping) else {"other": compare}
    found = {}
    for name, one in given.items():
        alignment = one.alignment if isinstance(one, Transcription) else one
        require(
            isinstance(alignment, Alignment),
            f"compare: expected an Alignment or a Transcription as {name!r}, "
            f"got {type(one).__name__}",
        )
        found[str(name)] = alignment
    return found


def spans_of(alignment: Alignment) -> dict[str, list[Any]]:
    """The timed tokens of an alignment, times to the microsecond.

    >>> from cifviz import TimedToken
    >>> spans_of(Alignment((TimedToken("one", 0.1, 0.30000000000000004),)))
    {'labels': ['one'], 'starts': [0.1], 'ends': [0.3]}
    """
    require_type("alignment", alignment, Alignment)
    timed = alignment.timed
    return {
        "labels": [token.token for token in timed],
        "starts": [round(token.start or 0.0, 6) for token in timed],
        "ends": [round(token.end or 0.0, 6) for token in timed],
    }


def stretch(
    transcription: Transcription, start: float = 0.0, end: float = math.inf
) -> dict[str, Any]:
    """The sound and the spectrogram from one moment to another, in a few thousand columns.

    Parameters
    ----------
    transcription : Transcription
    start, end : float
        Seconds; the longer the stretch, the coarser the picture.

    Returns
    -------
    dict
        ``start`` and ``end`` in seconds, ``peaks`` (None without sound), ``log_mel``, and
        ``isFinest``: whether a shorter stretch would show no more.
    """
    end = min(end, transcription.duration)
    start = min(max(start, 0.0), end)
    waveform = transcription.waveform
    peaks = None if waveform is None else peaks_of(waveform, start, end)
    log_mel = log_mel_of(transcription.log_mel, transcription.config.features.grid, start, end)
    return {
        "start": start,
        "end": end,
        "peaks": peaks,
        "log_mel": log_mel,
        "isFinest": log_mel["pooled"] == 1 and (peaks is None or peaks["rate"] > PEAK_RATE / 2),
    }


def peaks_of(waveform: Waveform, start: float = 0.0, end: float = math.inf) -> dict[str, Any]:
    """Least and largest amplitude of short pieces, in 127ths of the loudest of the whole sound."""
    rate, samples = waveform.sample_rate, waveform.samples
    loudest = max(samples.max(initial=0.0), -samples.min(initial=0.0), 1e-9)
    first = int(start * rate)
    seen = samples[first : math.ceil(min(end, waveform.duration) * rate)]
    step = max(1, round(rate / PEAK_RATE), math.ceil(len(seen) / MOST_PEAKS))
    pieces = np.pad(seen, (0, -len(seen) % step)).reshape(-1, step)
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
    """What the recogniser saw, in 255 steps over the 60 dB below its loudest point.

    Where there are too many frames, several neighbours become one: their loudest.
    """
    top = log_mel.max() if log_mel.numel() else torch.tensor(0.0)
    first = max(math.floor((start - clock.start) / clock.shift), 0)
    last = math.ceil(min((end - clock.start) / clock.shift, len(log_mel)))
    seen = log_mel[first : max(last, first)]
    pooled = max(1, math.ceil(len(seen) / MOST_COLUMNS))
    short = torch.nn.functional.pad(seen, (0, 0, 0, -len(seen) % pooled), value=-math.inf)
    seen = short.unflatten(0, (-1, pooled)).amax(dim=1) if len(seen) else seen
    steps = ((seen - top) / (6 * math.log(10)) + 1).clamp(0, 1) * 255  # 60 dB are 10⁶ in power
    return {
        "frames": len(seen),
        "bands": log_mel.shape[1],
        "pooled": pooled,
        "start": clock.start + first * clock.shift,
        "shift": clock.shift * pooled,
        "values": _base64(steps.round().to(torch.uint8).numpy().tobytes()),
    }


def sound_kind(waveform: Waveform | None) -> str | None:
    """How a view gets the sound: as a "whole", in "parts" when it wants to play one, or not."""
    if waveform is None or not waveform.duration:
        return None
    return "whole" if waveform.duration <= LONG else "parts"


def sound_of(waveform: Waveform) -> bytes:
    """The sound as a FLAC file, which every browser plays and nothing is lost in."""
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, waveform.samples, waveform.sample_rate, format="FLAC")
    return buffer.getvalue()


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
