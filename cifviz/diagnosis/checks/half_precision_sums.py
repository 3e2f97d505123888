"""Running sums in half precision: small weights vanish beside a large sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from cifviz.diagnosis.findings import Check, Finding
from cifviz.diagnosis.half_precision import SUM, counts_in
from cifviz.diagnosis.observed import ROUNDING, ObservedUtterance
from cifviz.diagnosis.picture_data import count_picture, details, names, of_all

TITLE = "running sums in half precision"
TYPES: dict[str, Any] = {"float16": np.float16, "bfloat16": torch.bfloat16}
FEWEST_FRAMES = 8
"""Weights above 0 of which to tell that they are all half precision numbers."""


def kept_in(utterance: ObservedUtterance) -> str:
    """The type of half precision that all weights are numbers of, even if they came in another."""
    if utterance.dtype in TYPES:
        return utterance.dtype
    values = torch.as_tensor(utterance.used[utterance.used > 0])
    if len(values) < FEWEST_FRAMES or bool((values == values.round()).all()):
        return ""
    for name in TYPES:
        if bool((values.to(getattr(torch, name)).double() == values).all()):
            return name
    return ""


ROUND_OFF = 0.1
"""Tokens by which a sum in half precision may be off: a whole number of them may lose its last."""


@dataclass(frozen=True)
class Halved:
    """What half precision makes of the weights of an utterance."""

    utterance: ObservedUtterance
    how: str
    """Type and way of summing up; empty where there is nothing to find."""
    count: int = 0
    """Tokens that fire so."""
    sure: bool = False
    """Whether the recorded fires are as many."""


def exact(utterance: ObservedUtterance) -> int:
    """Full tokens in float64, and the tail's if it fired."""
    return utterance.full + int(utterance.tail_fired)


def halved(utterance: ObservedUtterance) -> Halved:
    """Which half precision gives the recorded number of fires, where float64 gives another.

    Where no fires were recorded, the type that the weights are numbers of is the one to look at.
    """
    tail = int(utterance.tail_fired)
    if utterance.fires is None:
        name = kept_in(utterance)
        count = counts_in(TYPES[name], utterance)[SUM] if name else utterance.full
        is_wrong = not -ROUND_OFF < utterance.mass - count < 1 + ROUND_OFF
        return Halved(utterance, f"{name}, {SUM}" if is_wrong else "", count)
    if utterance.num_fires == exact(utterance) or _is_rounding(utterance):
        return Halved(utterance, "")
    for name, dtype in TYPES.items():
        for way, count in counts_in(dtype, utterance).items():
            if count + tail == utterance.num_fires:
                return Halved(utterance, f"{name}, {way}", count + tail, sure=True)
    return Halved(utterance, "")


def _is_rounding(utterance: ObservedUtterance) -> bool:
    """Whether a token more or less is a matter of rounding, in any type."""
    near = abs(utterance.mass - round(utterance.mass)) <= ROUNDING
    return near and abs(utterance.num_fires - exact(utterance)) <= 1


def run(utterances: Sequence[ObservedUtterance]) -> Finding | None:
    """A fault where recorded fires are those of half precision; a warning where they may be."""
    found = [one for one in map(halved, utterances) if one.how]
    found = [one for one in found if one.sure] or found
    if not found:
        return None
    found.sort(key=lambda one: -abs(one.count - exact(one.utterance)))
    first, name, right = found[0], found[0].utterance.name, exact(found[0].utterance)
    if first.sure:
        words = (
            f"In {name} {first.count} tokens fired, as many as in {first.how}, where float64 makes "
            f"{right} of the same weights."
        )
    else:
        words = (
            f"The weights of {name} are numbers of {first.how.split(',')[0]}, whose running sum "
            f"makes {first.count} tokens of them, where float64 makes {right}."
        )
    words += f" So it is in {of_all(len(found), len(utterances))}."
    ordered = [one.utterance for one in found]
    return Finding(
        check=CHECK.name,
        severity="fault" if first.sure else "warning",
        title=TITLE,
        found=words,
        advice=(
            "Take the weights out of autocast and add them up in float32 at least, better in "
            "float64: alpha.double().cumsum(1). Beside a sum of 32, float16 loses weights below "
            "0.016 and bfloat16 those below 0.125."
        ),
        utterances=names(ordered),
        numbers=details(
            fires_in_half_precision=first.count, fires_in_float64=right, precision=first.how
        ),
        picture=count_picture(
            ordered,
            f"Σα/β and fires of each utterance, beside the fires in half precision. {words}",
            further={"in float64": [float(exact(one)) for one in ordered]}
            | ({} if first.sure else {"in half precision": [float(one.count) for one in found]}),
        ),
    )


CHECK = Check(
    name="half_precision_sums",
    title=TITLE,
    needs="recorded fires, or weights in half precision",
    applies=lambda utterance: utterance.fires is not None or bool(kept_in(utterance)),
    run=run,
)
