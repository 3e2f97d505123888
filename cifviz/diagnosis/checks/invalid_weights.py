"""Weights that are negative, infinite or no numbers: nothing can be integrated of them."""

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

TITLE = "negative or non-finite weights"


def wrong_frames(utterance: ObservedUtterance) -> np.ndarray:
    """Which frames have no valid weight, bool (frames,)."""
    return ~(np.isfinite(utterance.alpha) & (utterance.alpha >= 0))


def run(utterances: Sequence[ObservedUtterance]) -> Finding | None:
    """A fault wherever one weight is invalid, or all together are beyond any number of tokens."""
    wrong = [one for one in utterances if not one.is_valid]
    if not wrong:
        return None
    wrong = worst_first(wrong, [float(wrong_frames(one).sum()) for one in wrong])
    first, frames = wrong[0], wrong_frames(wrong[0])
    negative = sum(int((one.alpha < 0).sum()) for one in wrong)
    broken = sum(int((~np.isfinite(one.alpha)).sum()) for one in wrong)
    listed = [f"{negative} below 0"] * bool(negative) + [f"{broken} NaN or infinite"] * bool(broken)
    if not listed:
        listed = ["their sum is more than a million tokens"]
    where = of_all(len(wrong), len(utterances))
    found = f"Weights are invalid in {where}: {' and '.join(listed)}."
    spans: list[Span] = [
        (float(frame), frame + 1.0, "invalid") for frame in np.flatnonzero(frames)[:200]
    ]
    first_frame = f"frame {int(np.flatnonzero(frames)[0])}" if frames.any() else "their sum"
    return Finding(
        check=CHECK.name,
        severity="fault",
        title=TITLE,
        found=found,
        advice=(
            "Let a sigmoid make the weights, or a ReLU with a limit, and mask padded frames behind "
            "it, by zeros rather than −inf. NaN mostly comes from a loss that diverged (clip the "
            "gradients) or from scaling by N/Σα where Σα is 0."
        ),
        utterances=names(wrong),
        numbers=details(negative_weights=negative, non_finite_weights=broken),
        picture=weight_picture(
            first,
            f"Weights of {first.name}. {plural(int(frames.sum()), 'frame')} with an invalid weight "
            f"marked, the first at {first_frame}. {found}",
            spans=spans,
        ),
    )


CHECK = Check(
    name="invalid_weights",
    title=TITLE,
    needs="weights",
    applies=lambda utterance: True,
    run=run,
    any_weights=True,
)
