"""Frames that hold the ends of two tokens or more: most code fires once in a frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cifviz.diagnosis.findings import Check, Finding
from cifviz.diagnosis.observed import ROUNDING, ObservedUtterance
from cifviz.diagnosis.picture_data import (
    Span,
    details,
    names,
    of_all,
    plural,
    weight_picture,
    worst_first,
)

TITLE = "several fires in a frame"


def ends_in_frames(utterance: ObservedUtterance) -> np.ndarray:
    """Tokens that end in each frame, by the weights as used (frames,)."""
    full = np.floor(utterance.running + utterance.slack / utterance.threshold + ROUNDING / 10)
    return np.diff(full, prepend=0.0).astype(np.int64)


def is_lost(utterance: ObservedUtterance) -> bool:
    """Whether fewer tokens came out than the weights hold."""
    fires = utterance.fires
    return fires is not None and len(fires) - int(utterance.tail_fired) < utterance.full


def run(utterances: Sequence[ObservedUtterance]) -> Finding | None:
    """A fault where tokens came out fewer than the weights hold; else a warning."""
    crowded = [one for one in utterances if bool((ends_in_frames(one) > 1).any())]
    if not crowded:
        return None
    ordered = worst_first(crowded, [float((ends_in_frames(one) > 1).sum()) for one in crowded])
    first = ordered[0]
    ends = ends_in_frames(first)
    number = sum(int((ends_in_frames(one) > 1).sum()) for one in crowded)
    lost = sum(is_lost(one) for one in crowded)
    found = (
        f"{plural(number, 'frame')} in {of_all(len(crowded), len(utterances))} "
        f"{'holds' if number == 1 else 'hold'} the ends of several tokens: in {first.name} up to "
        f"{int(ends.max())} in one, where the weight is {float(first.used[ends.argmax()]):.2f}."
    )
    if lost:
        found += f" Fewer tokens came out than the weights hold in {of_all(lost, len(crowded))}."
    spans: list[Span] = [
        (float(frame), frame + 1.0, plural(int(ends[frame]), "token"))
        for frame in np.flatnonzero(ends > 1)[:200]
    ]
    return Finding(
        check=CHECK.name,
        severity="fault" if lost else "warning",
        title=TITLE,
        found=found,
        advice=(
            "Make frames shorter (less subsampling, or an upsampled predictor), use larger units, "
            "or keep weights at the threshold or below (a sigmoid; see whether scaling to N lifts "
            "them). Otherwise use code that fires several times in a frame, as "
            "cifviz.integrate_and_fire does: loops that fire once put the other tokens off, and "
            "lose the last."
        ),
        utterances=names(ordered),
        numbers=details(
            frames=number, most_tokens_in_a_frame=int(ends.max()), utterances_losing=lost
        ),
        picture=weight_picture(
            first,
            f"Weights of {first.name}; frames that hold the ends of several tokens are marked. "
            f"{found}",
            spans=spans,
            scaled=True,
        ),
    )


CHECK = Check(
    name="several_fires",
    title=TITLE,
    needs="weights",
    applies=lambda utterance: len(utterance.used) > 0,
    run=run,
)
