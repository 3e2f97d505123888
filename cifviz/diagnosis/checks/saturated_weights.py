"""Weights stuck at the top of their range, or at zero."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cifviz.diagnosis.findings import Check, Finding
from cifviz.diagnosis.observed import ObservedUtterance
from cifviz.diagnosis.picture_data import (
    details,
    names,
    of_all,
    weight_picture,
    worst_first,
)

TITLE = "saturated weights"
NEARLY_ONE = 0.98
FAULT, WARNING = 0.2, 0.1
"""Share of all frames with a weight near 1 or above."""
LEAST_MASS = 0.5
"""Tokens: below it nothing fires by any rule."""


def stuck_at_one(utterance: ObservedUtterance) -> float:
    """Share of frames whose weight is near 1 or above."""
    return float((utterance.alpha >= NEARLY_ONE).mean()) if len(utterance.alpha) else 0.0


def speaks(utterance: ObservedUtterance) -> bool | None:
    """Whether there should be a token; None where that is unknown."""
    if utterance.expected is not None:
        return utterance.expected > 0
    if utterance.waveform is None:
        return None
    from cifviz.diagnosis.speechless import without_speech

    length = sum(end - start for start, end in without_speech(utterance.waveform))
    return length < 0.8 * utterance.waveform.duration


def run(utterances: Sequence[ObservedUtterance]) -> Finding | None:
    """Stuck at 1 by the share of all frames; at 0 if nothing fires where somebody speaks."""
    frames = sum(len(one.alpha) for one in utterances)
    stuck = sum(stuck_at_one(one) * len(one.alpha) for one in utterances) / max(frames, 1)
    empty = [one for one in utterances if one.mass < LEAST_MASS and len(one.alpha)]
    mute = [one for one in empty if speaks(one)]
    unsure = [one for one in empty if speaks(one) is None]
    if stuck > WARNING:
        return _stuck(utterances, stuck)
    if mute or (unsure and len(unsure) == len(utterances)):
        return _mute(utterances, mute or unsure, sure=bool(mute))
    return None


def _stuck(utterances: Sequence[ObservedUtterance], share: float) -> Finding:
    ordered = worst_first(utterances, [stuck_at_one(one) for one in utterances])
    ordered = [one for one in ordered if stuck_at_one(one) > WARNING]
    first = ordered[0]
    found = (
        f"{share:.0%} of all weights are {NEARLY_ONE:g} or above, in {first.name} "
        f"{stuck_at_one(first):.0%}: nearly each frame is a token of its own."
    )
    return Finding(
        check=CHECK.name,
        severity="fault" if share > FAULT else "warning",
        title=TITLE,
        found=found,
        advice=(
            "Look at the input first: sound at another level or rate, features normalised in "
            "another way, or noise, saturate a sigmoid. In training give the quantity loss more "
            "weight, and let the bias of the last layer begin at the logit of tokens per frame. A "
            "model that was never trained to count (a predictor without a checkpoint) does so too."
        ),
        utterances=names(ordered),
        numbers=details(share_of_frames_near_1=share, mean_weight=_mean(utterances)),
        picture=weight_picture(first, f"Weights of {first.name}, most of them near 1. {found}"),
    )


def _mute(
    utterances: Sequence[ObservedUtterance], found: Sequence[ObservedUtterance], *, sure: bool
) -> Finding:
    ordered = worst_first(found, [-one.mass for one in found])
    first = ordered[0]
    words = (
        f"The weights are nearly 0 in {of_all(len(found), len(utterances))}: in {first.name} they "
        f"sum to {first.mass:.2g} of a token, so that nothing fires"
        f"{' though there is speech' if sure else ''}."
    )
    return Finding(
        check=CHECK.name,
        severity="fault" if sure and 2 * len(found) > len(utterances) else "warning",
        title=TITLE,
        found=words,
        advice=(
            "Look at the input first: silence, an inverted channel, another rate. A ReLU before "
            "the last layer can die (a lower learning rate, a sigmoid, or a bias that begins at "
            "tokens per frame helps)."
        ),
        utterances=names(ordered),
        numbers=details(sum_in_tokens=first.mass, largest_weight=float(first.alpha.max())),
        picture=weight_picture(first, f"Weights of {first.name}, all near 0. {words}"),
    )


def _mean(utterances: Sequence[ObservedUtterance]) -> float:
    return float(np.concatenate([one.alpha for one in utterances]).mean())


CHECK = Check(
    name="saturated_weights",
    title=TITLE,
    needs="weights",
    applies=lambda utterance: True,
    run=run,
)
