"""Fires that run away from the reference, the further the longer the sound."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cifviz.diagnosis.findings import Check, Finding
from cifviz.diagnosis.observed import ObservedUtterance
from cifviz.diagnosis.picture_data import details, names, worst_first
from cifviz.diagnosis.timing_errors import FEWEST, can_be_timed, error_picture, errors_of

TITLE = "fires drift away from the reference"
FAULT, WARNING = 0.4, 0.25
"""Seconds by which the line through the errors goes from the first token to the last."""
LEAST_EXPLAINED = 0.5
"""How much nearer to the line than to their median the errors must be, in [0, 1]."""


def run(utterances: Sequence[ObservedUtterance]) -> Finding | None:
    """By how far the line through the errors of all utterances goes."""
    errors = errors_of(utterances)
    far = abs(errors.slope) * errors.span
    if far <= WARNING or errors.explained < LEAST_EXPLAINED:
        return None
    ordered = worst_first(
        utterances, [float(np.abs(errors_of([one]).late).max()) for one in utterances]
    )
    way = "later" if errors.slope > 0 else "earlier"
    found = (
        f"Fires come ever {way}, by {abs(errors.slope) * 1000:.0f} ms a second, "
        f"{far:.2f} s from the first token to the last."
    )
    return Finding(
        check=CHECK.name,
        severity="fault" if far > FAULT else "warning",
        title=TITLE,
        found=found,
        advice=(
            "Look at the clock first: a frame shift that is wrong by a few per cent (another "
            "subsampling, a sample rate that was taken for another) drifts exactly so; here it "
            f"would be {100 * errors.slope:+.1f} %. Otherwise Σα per token is not 1: weights too "
            "small on average put each fire off a little more."
        ),
        utterances=names(ordered),
        numbers=details(
            drift_in_ms_per_s=1000 * errors.slope,
            drift_in_all_in_s=far,
            share_explained_by_the_line=errors.explained,
            tokens=len(errors.times),
        ),
        picture=error_picture(
            errors,
            f"How much later than its reference each of {len(errors.times)} tokens fires, over "
            f"time, with a line through them. {found}",
            line=(errors.slope, errors.start),
        ),
    )


CHECK = Check(
    name="drift",
    title=TITLE,
    needs=f"a frame shift and a reference of as many tokens as fires, {FEWEST} or more",
    applies=lambda utterance: can_be_timed(utterance),
    run=run,
)
