"""Weight behind the last fire that is nearly a token, and fires nothing: the last token is lost."""

from __future__ import annotations

from collections.abc import Sequence

from cifviz.diagnosis.findings import Check, Finding
from cifviz.diagnosis.observed import ROUNDING, ObservedUtterance
from cifviz.diagnosis.picture_data import (
    details,
    names,
    of_all,
    weight_picture,
    worst_first,
)

TITLE = "the residual is a token that is lost"
LEAST_RESIDUAL = 0.5
"""Tokens: a residual above it is nearer to one token more."""
FAULT, WARNING = 0.5, 0.2
"""Share of utterances with such a residual. Of weights that were never trained to a count half of
them have one by chance, of those that were trained nearly all or nearly none."""


def loses(utterance: ObservedUtterance) -> bool:
    """Whether the residual is nearly a token, and fired nothing; rounding is another check's."""
    lost = LEAST_RESIDUAL < utterance.residual < 1 - ROUNDING and not utterance.tail_fired
    return lost and (utterance.expected is None or utterance.expected > utterance.num_fires)


def run(utterances: Sequence[ObservedUtterance]) -> Finding | None:
    """A fault where tokens are known to be missing, or most utterances lose one; else a warning.

    Where only the weights are known, a tail rule may yet fire the residual: then it is a note.
    """
    losing = [one for one in utterances if loses(one)]
    if not losing:
        return None
    ordered = worst_first(losing, [one.residual for one in losing])
    first = ordered[0]
    missing = sum(one.expected is not None for one in losing)
    recorded = any(one.fires is not None for one in losing)
    share = len(losing) / len(utterances)
    if not recorded:
        severity = "note"
    elif missing and share > WARNING:
        severity = "fault"
    else:
        severity = "fault" if share > FAULT else "warning" if share > WARNING else "note"
    known = ", and a token is missing there" if missing == len(losing) else ""
    what = "fires nothing" if recorded else "fires only by a tail rule, which is unknown here,"
    found = (
        f"A residual of more than half a token {what} in "
        f"{of_all(len(losing), len(utterances))}{known}: in {first.name} "
        f"{first.residual:.2f} of a token is left behind the last fire."
    )
    last = float(first.fire_frames[-1]) if len(first.fire_frames) else 0.0
    return Finding(
        check=CHECK.name,
        severity=severity,
        title=TITLE,
        found=found,
        advice=(
            "Fire the residual at the end of the utterance by a tail rule: above a half (CIF-"
            "PyTorch), with a weight appended (FunASR's tail_threshold), or round Σα. In a stream, "
            "flush when it ends: sherpa-onnx lost the last words of a stream that way."
        ),
        utterances=names(ordered),
        numbers=details(
            largest_residual_in_tokens=first.residual,
            share_of_utterances=share,
            tokens_missing=missing,
        ),
        picture=weight_picture(
            first,
            f"Weights of {first.name} with its fires. Behind the last one {first.residual:.2f} of "
            "a token is left, marked.",
            spans=[(last, float(len(first.alpha)), f"{first.residual:.2f} of a token")],
            around=float(len(first.alpha)),
            scaled=True,
        ),
    )


CHECK = Check(
    name="lost_tail",
    title=TITLE,
    needs="weights",
    applies=lambda utterance: True,
    run=run,
)
