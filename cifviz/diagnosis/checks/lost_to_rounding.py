"""A last token that is full in exact arithmetic, and a hair short of it in float32.

Where training scales the weights to N tokens, or a model has learned the count well, Σα is N. A
running sum in float32 then ends at 0.9999999 of a threshold, and the last fire is lost (FunASR
issues #1819, #1837; CIF-PyTorch issue #3).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cifviz.diagnosis.findings import Check, Finding
from cifviz.diagnosis.half_precision import counts_in
from cifviz.diagnosis.observed import ROUNDING, ObservedUtterance
from cifviz.diagnosis.picture_data import (
    count_picture,
    details,
    names,
    of_all,
    plural,
    worst_first,
)

TITLE = "the last token is lost to rounding"


def whole_tokens(utterance: ObservedUtterance) -> int:
    """The number of tokens that Σα is, up to rounding; 0 if it is no whole number."""
    nearest = round(utterance.mass)
    return nearest if abs(utterance.mass - nearest) <= ROUNDING else 0


def fires_at_hand(utterance: ObservedUtterance) -> int:
    """Fires as recorded; where there are none, the fewest of a loop and a sum in float32."""
    if utterance.fires is not None:
        return len(utterance.fires)
    return min(counts_in(np.float32, utterance).values())


def run(utterances: Sequence[ObservedUtterance]) -> Finding | None:
    """A fault where recorded fires show it, else a warning: a tail rule may yet fire it."""
    whole = [one for one in utterances if whole_tokens(one)]
    losing = [one for one in whole if fires_at_hand(one) == whole_tokens(one) - 1]
    losing = [one for one in losing if one.expected is None or one.expected > fires_at_hand(one)]
    if not losing:
        return None
    ordered = worst_first(losing, [-abs(one.mass - whole_tokens(one)) for one in losing])
    first = ordered[0]
    known = any(one.fires is not None for one in losing)
    short = whole_tokens(first) - first.mass
    found = (
        f"The last token is lost to rounding in {of_all(len(losing), len(utterances))}: in "
        f"{first.name} Σα/β is {whole_tokens(first)} but for {abs(short):.1e}, and "
        f"{plural(fires_at_hand(first), 'token')} fire{'s' * (fires_at_hand(first) == 1)}"
        f"{'' if known else ' in float32'}."
    )
    return Finding(
        check=CHECK.name,
        severity="fault" if known else "warning",
        title=TITLE,
        found=found,
        advice=(
            "Keep the running sum in float64 (cifviz.integrate_and_fire does), or fire a little "
            "below the threshold (slack), or let the tail rule round. In training, end the last "
            "token where the weights end."
        ),
        utterances=names(ordered),
        numbers=details(utterances=len(losing), short_of_a_token=float(abs(short))),
        picture=count_picture(
            ordered,
            f"Σα/β, which is a whole number, and the fires, one fewer, of each utterance. {found}",
            further=None
            if known
            else {"fires in float32": [float(fires_at_hand(one)) for one in ordered]},
        ),
    )


CHECK = Check(
    name="lost_to_rounding",
    title=TITLE,
    needs="weights",
    applies=lambda utterance: len(utterance.used) > 0,
    run=run,
)
