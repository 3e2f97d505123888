"""Tokens made of silence or of noise: weights where nobody speaks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cifviz.diagnosis.findings import Check, Finding
from cifviz.diagnosis.observed import ObservedUtterance
from cifviz.diagnosis.picture_data import (
    Span,
    details,
    names,
    of_all,
    plural,
    weight_picture,
    worst_first,
)
from cifviz.diagnosis.speechless import without_speech

TITLE = "fires in silence or noise"
MOST_OF_IT = 0.8
"""Share of a token's weight in a stretch without speech, from which the token is made of it."""
FAULT, WARNING = 0.2, 0.1
"""Share of all tokens that are made of silence or noise."""

Stretches = list[tuple[float, float]]


def silent_tokens(utterance: ObservedUtterance, stretches: Stretches) -> list[int]:
    """Which tokens are made of stretches without speech."""
    if utterance.grid is None or not len(utterance.running):
        return []
    running = np.concatenate([[0.0], utterance.running])
    times = utterance.seconds(np.arange(len(running), dtype=np.float64))
    silent = np.zeros(utterance.num_fires)
    full = utterance.num_fires - int(utterance.tail_fired)
    sizes = np.ones(utterance.num_fires)
    sizes[full:] = max(utterance.residual, 1e-9)
    for start, end in stretches:
        first, last = np.interp([start, end], times, running)
        tokens = np.arange(utterance.num_fires)
        silent += np.clip(np.minimum(last, tokens + 1) - np.maximum(first, tokens), 0, None)
    return np.flatnonzero(silent / sizes > MOST_OF_IT).tolist()


def run(utterances: Sequence[ObservedUtterance]) -> Finding | None:
    """By the share of all tokens that are made of silence or noise."""
    # 1. Which tokens of which utterances.
    quiet = {one.name: without_speech(one.waveform) for one in utterances if one.waveform}
    silent = {one.name: silent_tokens(one, quiet.get(one.name, [])) for one in utterances}
    number = sum(map(len, silent.values()))
    fires = sum(one.num_fires for one in utterances)
    share = number / max(fires, 1)
    if share <= WARNING:
        return None
    # 2. In words.
    concerned = [one for one in utterances if silent[one.name]]
    ordered = worst_first(concerned, [float(len(silent[one.name])) for one in concerned])
    first = ordered[0]
    seconds = sum(end - start for one in quiet.values() for start, end in one)
    found = (
        f"{plural(number, 'token')} of {fires} {'is' if number == 1 else 'are'} made of silence or "
        f"noise, in {of_all(len(concerned), len(utterances))}: {number / max(seconds, 1e-9):.1f} a "
        f"second of it. In {first.name} there {'is' if len(silent[first.name]) == 1 else 'are'} "
        f"{len(silent[first.name])} of {plural(first.num_fires, 'token')}."
    )
    return Finding(
        check=CHECK.name,
        severity="fault" if share > FAULT else "warning",
        title=TITLE,
        found=found,
        advice=(
            "Train with silence and noise that has no token (leading, trailing, between words), or "
            "cut it away by a voice activity detector first. FunASR multiplies weights below a "
            "noise threshold away. Look at the normalisation of features: statistics of one "
            "utterance lift silence to the level of speech."
        ),
        utterances=names(ordered),
        numbers=details(
            share_of_tokens=share, tokens=number, seconds_without_speech=float(seconds)
        ),
        picture=weight_picture(
            first,
            f"Weights of {first.name} with its fires; stretches without speech are marked. {found}",
            spans=_in_frames(first, quiet[first.name]),
            scaled=True,
        ),
    )


def _in_frames(utterance: ObservedUtterance, stretches: Stretches) -> list[Span]:
    """Stretches in frames."""
    grid = utterance.grid
    if grid is None:
        return []
    return [(grid.frame(start), grid.frame(end), "no speech") for start, end in stretches]


CHECK = Check(
    name="fires_in_silence",
    title=TITLE,
    needs="the sound and a frame shift",
    applies=lambda utterance: utterance.waveform is not None and utterance.grid is not None,
    run=run,
)
