"""Weights of an utterance that depend on its padding, or on its neighbours in the batch."""

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

TITLE = "padding or the batch changes the weights"
FAULT, WARNING = 1e-2, 1e-3
"""Largest difference of a weight, in tokens."""
PADDING_FAULT, PADDING_WARNING = 0.5, 0.05
"""Weight behind the last real frame, in tokens: half of one can fire a tail."""


def compared(utterance: ObservedUtterance) -> tuple[float, int]:
    """Largest difference between the weights in the batch and alone, in tokens, and its frame.

    Of the frames that only one of the two has, the weight is the difference.
    """
    if utterance.alone is None:
        return 0.0, 0
    frames = max(len(utterance.alpha), len(utterance.alone), 1)
    both = [np.pad(one, (0, frames - len(one))) for one in (utterance.alpha, utterance.alone)]
    far = np.abs(np.nan_to_num(both[0] - both[1], nan=np.inf)) / utterance.threshold
    return float(far.max()), int(far.argmax())


def behind(utterance: ObservedUtterance) -> float:
    """Weight behind the last real frame, in tokens; infinite if one is no number."""
    if utterance.padding is None:
        return 0.0
    total = float(np.abs(np.nan_to_num(utterance.padding, nan=np.inf, posinf=np.inf)).sum())
    return total / utterance.threshold


def run(utterances: Sequence[ObservedUtterance]) -> Finding | None:
    """By how much a weight changes, or how much of it stands in the padding."""
    # 1. Which utterances.
    badness = [max(compared(one)[0] / WARNING, behind(one) / PADDING_WARNING) for one in utterances]
    found = [one for one, value in zip(utterances, badness, strict=True) if value > 1]
    if not found:
        return None
    ordered = worst_first(found, [value for value in badness if value > 1])
    first = ordered[0]
    far, frame = compared(first)
    weight = behind(first)
    # 2. How bad it is, in words.
    is_fault = any(compared(one)[0] > FAULT or behind(one) > PADDING_FAULT for one in found)
    where = of_all(len(found), len(utterances))
    lines = {}
    if far / WARNING >= weight / PADDING_WARNING and first.alone is not None:
        count = float(np.nan_to_num(first.alone).sum()) / first.threshold
        words = (
            f"Weights in a batch and alone differ in {where}: in {first.name} by up to {far:.3g} "
            f"(frame {frame}), and Σα/β is {first.predicted_mass:.2f} in the batch and "
            f"{count:.2f} alone."
        )
        frames = len(first.alpha)
        alone = np.pad(first.alone[:frames], (0, max(0, frames - len(first.alone))))
        lines = {"alone": alone}
    else:
        words = (
            f"There is weight behind the last real frame in {where}: {weight:.2f} of a token in "
            f"{first.name}."
        )
        frame = len(first.alpha)
    return Finding(
        check=CHECK.name,
        severity="fault" if is_fault else "warning",
        title=TITLE,
        found=words,
        advice=(
            "Set the encoder output behind each utterance to zero before a convolution reads it, "
            "mask the weights behind it, give the lengths to attention and to recurrent layers, "
            "and use no statistics of the batch (BatchNorm in training mode, normalisation over "
            "padding)."
        ),
        utterances=names(ordered),
        numbers=details(largest_difference_in_tokens=far, weight_in_padding_in_tokens=weight),
        picture=weight_picture(
            first,
            f"Weights of {first.name} in the batch. {words}",
            lines=lines,
            around=float(frame),
        ),
    )


CHECK = Check(
    name="batch_dependence",
    title=TITLE,
    needs="the same utterances alone (alone), or padded weights with their lengths",
    applies=lambda utterance: utterance.alone is not None or utterance.padding is not None,
    run=run,
)
