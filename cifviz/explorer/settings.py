"""What the explorer's controls make of a transcription: the twin of ``js/alignment.js``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from cifviz.alignment.timed_tokens import Alignment
from cifviz.core.firing import Firing, integrate_and_fire
from cifviz.core.pause_rounding import round_at_pauses
from cifviz.core.tail import TailRule, rounded
from cifviz.errors import (
    require,
    require_choice,
    require_integer,
    require_number,
    require_type,
    shown,
)
from cifviz.systems.long_transcription import require_one_window
from cifviz.systems.transcription import Transcription

RANGES: dict[str, Any] = json.loads(
    Path(__file__).with_name("js").joinpath("settings.json").read_text("utf-8")
)
"""What each setting may be: numbers from and to, whole numbers, words."""


def model_settings(transcription: Transcription) -> dict[str, Any]:
    """First positions of the controls: the configuration of the model.

    Parameters
    ----------
    transcription : Transcription
        Its configuration gives the settings.

    Returns
    -------
    dict
        ``threshold`` β, ``slack`` δ, ``tail`` (see `cifviz.core.tail`: ``{"rule": "above", "value":
        0.5}``), ``scaling`` ("as given", "phrases" or "count") and ``count``, ``gain``,
        ``smoothing`` (neighbours on each side) and ``weights`` (of single frames, by their index as
        a text: JSON knows no other keys). The weights of an aligned transcript are scaled already,
        phone by phone, and stay as given.
    """
    require_one_window(transcription)
    require_type("transcription", transcription, Transcription)
    transcription.require_firing()
    config = transcription.config.cif
    return {
        "threshold": config.threshold,
        "slack": round(config.slack, 6),
        "tail": config.tail.to_dict(),
        "scaling": "phrases" if config.pause_frames and transcription.words is None else "as given",
        "count": len(transcription.tokens),
        "gain": 1,
        "smoothing": 0,
        "weights": {},
    }


def pauses(transcription: Transcription) -> dict[str, Any]:
    """What counts as a pause: its least number of frames, and the weight that they stay below."""
    config = transcription.config.cif
    return {"pause_frames": config.pause_frames or 5, "pause_weight": config.pause_weight}


def checked(settings: Mapping[str, Any], frames: int) -> dict[str, Any]:
    """The given settings as a dict; raises `CIFError` for an unknown name or a value out of range.

    Parameters
    ----------
    settings : mapping
        See `model_settings`.
    frames : int
        Of the utterance.

    Examples
    --------
    >>> checked({"threshold": 0.5}, frames=3)
    {'threshold': 0.5}
    >>> checked({"tail": {"rule": "sometimes"}}, frames=3)
    Traceback (most recent call last):
    ...
    cifviz.errors.CIFError: tail rule must be one of 'drop', 'above', ..., got 'sometimes'
    """
    require_type("settings", settings, Mapping)
    known = [*RANGES["numbers"], *RANGES["words"], "tail", "weights"]
    for name, value in settings.items():
        require_choice("a setting", name, known)
        if name in RANGES["words"]:
            require_choice(name, value, RANGES["words"][name])
        elif name == "tail":
            TailRule.from_dict(value)
        elif name == "weights":
            _check_weights(value, frames)
        else:
            least, most = RANGES["numbers"][name]
            check = require_integer if name in RANGES["whole"] else require_number
            check(name, value, at_least=least, at_most=most)
    return dict(settings)


def _check_weights(weights: object, frames: int) -> None:
    require_type("weights", weights, Mapping)
    assert isinstance(weights, Mapping)
    least, most = RANGES["weight"]
    known = {str(index) for index in range(frames)} if weights else ()
    for frame, weight in weights.items():
        is_frame = isinstance(frame, str) and frame in known
        require(is_frame, f"weights: expected frames '0' to '{frames - 1}', got {shown(frame)}")
        require_number(f"the weight of frame {frame}", weight, at_least=least, at_most=most)


def realign(
    transcription: Transcription, settings: Mapping[str, Any] | None = None
) -> tuple[Firing, Alignment]:
    """Fires and token times of an utterance at other settings.

    Parameters
    ----------
    transcription : Transcription
    settings : mapping, optional
        Those to change; the others are the model's, see `model_settings`.

    Returns
    -------
    firing : Firing
        Its embeddings have no channels, since no decoder reads them. Its contributions are those of
        plain CIF, also where those of the model are others, such as soft sums.
    alignment : Alignment
        The tokens of the transcription if as many come out, otherwise numbers: only the model
        could decode them.

    Raises
    ------
    CIFError
        If a setting is unknown or out of its range.

    Examples
    --------
    The weights of this clip sum to 5.00; half the threshold gives twice as many tokens.

    >>> import cifviz
    >>> clip = cifviz.load_clip("digits_five")
    >>> transcription = cifviz.load_model("digits").transcribe(clip.waveform)
    >>> realign(transcription)[1].text
    'two seven one eight two'
    >>> realign(transcription, {"threshold": 0.5, "scaling": "as given"})[1].text
    '1 2 3 4 5 6 7 8 9 10'
    """
    # 1. The settings.
    used = model_settings(transcription)
    used |= checked(
        {} if settings is None else settings, transcription.require_firing().alpha.shape[1]
    )
    threshold = used["threshold"]
    tail = TailRule.from_dict(used["tail"])
    # 2. The weights: those set by hand, gain, smoothing, scaling.
    alpha = transcription.require_firing().alpha.float().clone()
    for frame, weight in used["weights"].items():
        alpha[0, int(frame)] = weight
    alpha = smoothed((alpha * used["gain"]).clamp(min=0), used["smoothing"])
    lengths = torch.tensor([alpha.shape[1]])
    given = alpha
    if used["scaling"] == "phrases":
        rule = pauses(transcription)
        alpha = round_at_pauses(alpha, lengths, threshold=threshold, tail=tail, **rule)
        tail = rounded if tail.scales else tail  # whole but for the last digits of the sum
    # 3. The fires.
    count = used["count"] if used["scaling"] == "count" else None
    firing = integrate_and_fire(
        alpha,
        alpha.new_zeros(*alpha.shape, 0),
        threshold=threshold,
        slack=min(used["slack"], 0.99 * threshold),
        tail=tail,
        target_lengths=None if count is None else torch.tensor([count]),
    )
    # 4. The times.
    fires = int(firing.num_fires)
    is_named = fires == len(transcription.tokens)
    alignment = Alignment.from_firing(
        firing,
        transcription.tokens if is_named else [str(index + 1) for index in range(fires)],
        transcription.grid,
        edges=transcription.config.edges,
        scores=transcription.scores if is_named else None,
        duration=transcription.duration,
    )
    return replace(firing, alpha=given), alignment


def smoothed(alpha: Tensor, reach: int) -> Tensor:
    """The mean of each weight and its neighbours to both sides; near an end, of those that exist.

    Parameters
    ----------
    alpha : Tensor (batch, frames)
    reach : int >= 0
        Neighbours on each side.

    Returns
    -------
    Tensor (batch, frames)

    Examples
    --------
    >>> smoothed(torch.tensor([[0.0, 0.5, 1.0, 0.0]]), 1)
    tensor([[0.2500, 0.5000, 0.5000, 0.5000]])
    """
    if not reach or not alpha.shape[1]:
        return alpha
    wide = F.avg_pool1d(
        alpha.double(), 2 * reach + 1, stride=1, padding=reach, count_include_pad=False
    )
    return wide.to(alpha.dtype)
