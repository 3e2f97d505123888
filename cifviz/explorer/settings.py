"""What the explorer's controls make of a transcription: the twin of ``js/alignment.js``."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from cifviz.alignment.timed_tokens import Alignment
from cifviz.core.dialects import DIALECTS
from cifviz.core.firing import Firing, integrate_and_fire
from cifviz.core.interop.firing_rule import FiringRule
from cifviz.core.module import CIFConfig
from cifviz.core.neurons import SLACK, NeuronRule
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
from cifviz.systems.given_cif import fire_times
from cifviz.systems.long_transcription import require_one_window
from cifviz.systems.spiking import neuron_of
from cifviz.systems.transcription import Transcription

RANGES: dict[str, Any] = json.loads(
    Path(__file__).with_name("js").joinpath("settings.json").read_text("utf-8")
)
"""What each setting may be: numbers from and to, whole numbers, words."""

SAME = 2 / 3
"""Two spans are the same word from this share of what they cover together."""


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
        phone by phone, and stay as given. Of a CIF that is not cifviz's own, they are those of its
        rule.
    """
    require_one_window(transcription)
    require_type("transcription", transcription, Transcription)
    firing = transcription.require_firing()
    rule, scaling = rule_of(transcription), "as given"
    if rule is None:
        rule = FiringRule(firing.threshold)
    elif transcription.config is not None:
        has_phrases = transcription.config.cif.pause_frames and transcription.words is None
        scaling = "phrases" if has_phrases else scaling
    return {
        "threshold": rule.threshold,
        "slack": round(rule.slack, 6),
        "tail": rule.tail.to_dict(),
        "scaling": scaling,
        "count": len(transcription.tokens),
        "gain": 1,
        "smoothing": 0,
        "weights": {},
    }


def rule_of(transcription: Transcription) -> FiringRule | None:
    """By what rule its weights fire: that of its configuration, or the given one; of no neuron."""
    if neuron_of(transcription) is not None:
        return None
    if transcription.config is None:
        return transcription.given_rule
    config = transcription.config.cif
    neuron = getattr(transcription.config, "neuron", None)
    if isinstance(neuron, NeuronRule):  # its CIF does not look at `cif_threshold`
        return FiringRule(neuron.threshold, SLACK, config.tail)
    return FiringRule(config.threshold, config.slack, config.tail)


def is_given(transcription: Transcription) -> bool:
    """Whether its fires are shown as they are: those of a CIF of another code, or of a neuron."""
    return transcription.config is None or neuron_of(transcription) is not None


def fixed_settings(transcription: Transcription) -> tuple[str, ...]:
    """Settings that cannot be moved: the CIF that made these tokens has none such.

    "tail rule" is the rule alone, without its value.
    """
    rule = rule_of(transcription)
    if rule is None:
        return tuple(model_settings(transcription))
    return (*rule.fixed, "scaling", "count", "tail rule") if rule.dialect else ()


def fixed_in_views(transcription: Transcription) -> tuple[tuple[str, ...], str]:
    """Settings that no view can move, and one sentence why; empty where all can be moved.

    A view computes in JavaScript, which knows the dialects of ``settings.json``.
    """
    rule = rule_of(transcription)
    neuron = neuron_of(transcription)
    if neuron is not None:
        why = f"fired by a neuron with the rule {neuron.rule}, which no setting here can move"
        return fixed_settings(transcription), why
    if rule is None:
        why = "no rule that cifviz knows repeats these fires, so the settings cannot be moved"
        return fixed_settings(transcription), why
    if not rule.dialect:
        return (), ""
    source = DIALECTS[rule.dialect].source
    if rule.dialect not in RANGES["dialects"]:
        why = f"fired by the rule of {rule.dialect} ({source}), which Python alone recomputes: "
        return tuple(model_settings(transcription)), f"{why}cifviz.explorer.settings.realign"
    why = f"fired, and recomputed, by the rule of {rule.dialect} ({source})"
    return fixed_settings(transcription), f"{why}; what that rule does not have is switched off"


def require_free(
    settings: Mapping[str, Any], transcription: Transcription, fixed: Collection[str]
) -> None:
    """Raise `CIFError` if a setting is moved that is fixed."""
    if not fixed:
        return
    home = model_settings(transcription)
    for name, value in settings.items():
        is_same = value == home[name]
        if name == "tail" and "tail" not in fixed and "tail rule" in fixed:
            is_same = TailRule.from_dict(value).rule == home["tail"]["rule"]
        require(
            is_same or not (name in fixed or name == "tail"),
            f"{name} cannot be moved to {shown(value)}: the CIF that made these tokens has no such "
            "setting, or cifviz does not know its rule",
        )


def pauses(transcription: Transcription) -> dict[str, Any]:
    """What counts as a pause: its least number of frames, and the weight that they stay below."""
    config = CIFConfig() if transcription.config is None else transcription.config.cif
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
        plain CIF, also where those of the model are others, such as soft sums; of a CIF that is not
        cifviz's own, those of its rule.
    alignment : Alignment
        The tokens of the transcription if as many come out. Otherwise those keep their name that
        lie where they lay (see `named_by_overlap`), and the others are numbers: only the model
        could decode them.

    Raises
    ------
    CIFError
        If a setting is unknown or out of its range, or the CIF that made the tokens has no such
        setting.

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
    home, given = model_settings(transcription), {} if settings is None else settings
    used = home | checked(given, transcription.require_firing().alpha.shape[1])
    require_free(given, transcription, fixed_settings(transcription))
    if is_given(transcription) and used == home:
        return at_home(transcription)
    # 2. The weights: those set by hand, gain, smoothing.
    alpha = transcription.require_firing().alpha.float().clone()
    for frame, weight in used["weights"].items():
        alpha[0, int(frame)] = weight
    alpha = smoothed((alpha * used["gain"]).clamp(min=0), used["smoothing"])
    # 3. The fires.
    firing = _fired(transcription, alpha, used)
    # 4. The times.
    fires, labels = int(firing.num_fires), transcription.labels
    is_named = fires == len(labels)
    names = labels if is_named else tuple(str(index + 1) for index in range(fires))
    scores = transcription.scores or None if is_named else None
    alignment = _timed(transcription, firing, names, scores)
    # 5. The names of those that lie where they lay.
    if not is_named and used != home:
        unmoved = realign(transcription)[1]
        if len(unmoved) == len(labels):
            alignment = named_by_overlap(alignment, unmoved)
    return replace(firing, alpha=alpha), alignment


def _timed(
    transcription: Transcription,
    firing: Firing,
    names: Sequence[str],
    scores: Sequence[float] | None,
) -> Alignment:
    """The tokens of a firing, with the times that the edges of the transcription give them."""
    grid, duration, edges = transcription.grid, transcription.duration, transcription.edges
    if edges is None:
        return fire_times(firing, names, grid, duration, None)
    return Alignment.from_firing(firing, names, grid, edges=edges, scores=scores, duration=duration)


def named_by_overlap(alignment: Alignment, named: Alignment) -> Alignment:
    """Tokens with the names of those that lie in the same place.

    Parameters
    ----------
    alignment, named : Alignment
        Timed tokens, in order and without overlap.

    Returns
    -------
    Alignment
        The first, where a token that shares with one of the second more than two thirds of what
        both cover has its name. No two get the name of the same one.

    Examples
    --------
    The first two share 0.4 of 0.5 s, which is enough; the others half of what they cover.

    >>> from cifviz import TimedToken
    >>> named = Alignment((TimedToken("one", 0.0, 0.5), TimedToken("two", 0.5, 0.9)))
    >>> spans = [("1", 0.1, 0.5), ("2", 0.5, 0.7), ("3", 0.7, 0.9)]
    >>> named_by_overlap(Alignment(tuple(TimedToken(*span) for span in spans)), named).text
    'one 2 3'
    """
    known, first, found = named.timed, 0, []
    for token in alignment.tokens:
        start, end = token.start or 0.0, token.end or 0.0
        while first < len(known) and (known[first].end or 0.0) <= start:
            first += 1
        name = token.token
        for at in range(first, len(known)):
            begin, stop = known[at].start or 0.0, known[at].end or 0.0
            if begin >= end:
                break
            if min(end, stop) - max(start, begin) > SAME * (max(end, stop) - min(start, begin)):
                name = known[at].token
                break
        found.append(replace(token, token=name))
    return Alignment(tuple(found))


def at_home(transcription: Transcription) -> tuple[Firing, Alignment]:
    """A given firing and its times, as they are."""
    firing = transcription.require_firing()
    return firing, Alignment(transcription.alignment.tokens[: int(firing.num_fires)])


def _fired(transcription: Transcription, alpha: Tensor, used: Mapping[str, Any]) -> Firing:
    """What the rule of the transcription makes of weights, at these settings."""
    threshold, tail = used["threshold"], TailRule.from_dict(used["tail"])
    rule = rule_of(transcription)
    if rule is not None and rule.dialect:
        return replace(rule, threshold=threshold, tail=tail).fire(alpha)
    if used["scaling"] == "phrases":
        lengths, pause = torch.tensor([alpha.shape[1]]), pauses(transcription)
        alpha = round_at_pauses(alpha, lengths, threshold=threshold, tail=tail, **pause)
        tail = rounded if tail.scales else tail  # whole but for the last digits of the sum
    count = used["count"] if used["scaling"] == "count" else None
    return integrate_and_fire(
        alpha,
        alpha.new_zeros(*alpha.shape, 0),
        threshold=threshold,
        slack=min(used["slack"], 0.99 * threshold),
        tail=tail,
        target_lengths=None if count is None else torch.tensor([count]),
    )


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
