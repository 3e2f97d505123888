"""Numbers of the pictures of findings: short enough for a page, whatever the utterance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from cifviz.diagnosis.findings import Picture
from cifviz.diagnosis.observed import ObservedUtterance

MOST_FRAMES = 400
"""Frames that a picture of weights shows, around what was found."""
MOST_UTTERANCES = 24
"""Utterances in a picture of counts."""
MOST_POINTS = 500
WEIGHT = "weight α"

Span = tuple[float, float, str]
"""A stretch of frames, and what it is called."""


def weight_picture(
    utterance: ObservedUtterance,
    alt: str,
    *,
    spans: Sequence[Span] = (),
    lines: dict[str, np.ndarray] | None = None,
    around: float | None = None,
    scaled: bool = False,
    label: str = WEIGHT,
) -> Picture:
    """Weights over frames, with the fires and what else is to be seen.

    Parameters
    ----------
    utterance : ObservedUtterance
        Whose.
    alt : str
        The picture in words.
    spans : sequence of Span
        Stretches to mark, in frames.
    lines : dict of str to array (frames,), optional
        Further lines over the same frames, by what they are called.
    around : float, optional
        Frame that is in the middle if not all fit; default: the middle of the first span, or the
        first frame.
    scaled : bool
        Whether to show the weights as used instead of those predicted.
    label : str
        What the values are called; fires belong to weights alone.
    """
    # 1. The frames around what was found.
    weights = utterance.used if scaled else utterance.alpha
    if around is None:
        around = (spans[0][0] + spans[0][1]) / 2 if spans else 0.0
    first = max(0, min(int(around) - MOST_FRAMES // 2, len(weights) - MOST_FRAMES))
    last = min(len(weights), first + MOST_FRAMES)
    # 2. The fires and marks in them.
    has_fires = utterance.is_valid and label == WEIGHT
    fires = utterance.fire_frames if has_fires else np.zeros(0)
    inside = fires[(fires >= first) & (fires <= last)]
    shown = [
        [max(float(start), first), min(float(end), last), name]
        for start, end, name in spans
        if start <= last and end >= first
    ]
    return Picture(
        kind="weights",
        alt=alt,
        data={
            "utterance": utterance.name,
            "unit": utterance.unit,
            "label": label,
            "times": numbers(utterance.seconds(np.arange(first, last + 1, dtype=np.float64))),
            "alpha": numbers(weights[first:last]),
            "threshold": utterance.threshold,
            "fires": numbers(utterance.seconds(inside))[:MOST_POINTS],
            "spans": [
                [*numbers(utterance.seconds(np.array([start, end]))), name]
                for start, end, name in shown[:MOST_POINTS]
            ],
            "lines": {name: numbers(values[first:last]) for name, values in (lines or {}).items()},
        },
    )


def count_picture(
    utterances: Sequence[ObservedUtterance],
    alt: str,
    *,
    further: dict[str, list[float]] | None = None,
) -> Picture:
    """Σα/β, fires and tokens of some utterances, side by side; the first are shown."""
    shown = utterances[:MOST_UTTERANCES]
    series: dict[str, list[float | int | None]] = {
        "Σα/β": [round(one.predicted_mass, 4) if one.is_valid else None for one in shown],
        "fires": [one.num_fires if one.is_valid else None for one in shown],
        "tokens": [one.expected for one in shown],
    }
    for name, values in (further or {}).items():
        series[name] = [None if value is None else round(float(value), 4) for value in values]
    series = {name: values[: len(shown)] for name, values in series.items()}
    return Picture(
        kind="counts",
        alt=alt,
        data={
            "utterances": [one.name for one in shown],
            "series": {
                name: values
                for name, values in series.items()
                if any(value is not None for value in values)
            },
        },
    )


def numbers(values: np.ndarray) -> list[float | None]:
    """Numbers as JSON holds them, to six digits; None for what is no finite number."""
    return [
        float(f"{value:.6g}") if np.isfinite(value) else None
        for value in np.asarray(values, dtype=np.float64)
    ]


def worst_first(
    utterances: Sequence[ObservedUtterance], badness: Sequence[float]
) -> list[ObservedUtterance]:
    """Utterances in the order of a number, the largest first; equal ones as they came."""
    order = sorted(range(len(utterances)), key=lambda index: -badness[index])
    return [utterances[index] for index in order]


def names(utterances: Sequence[ObservedUtterance]) -> tuple[str, ...]:
    """Their names."""
    return tuple(one.name for one in utterances)


def plural(number: int, what: str) -> str:
    """A number with its noun.

    >>> plural(1, "token"), plural(2, "token")
    ('1 token', '2 tokens')
    """
    return f"{number} {what}{'' if number == 1 else 's'}"


def of_all(some: int, all: int) -> str:
    """How many utterances of how many.

    >>> of_all(1, 1), of_all(2, 5), of_all(5, 5)
    ('the utterance', '2 of 5 utterances', 'all 5 utterances')
    """
    if some == all:
        return "the utterance" if all == 1 else f"all {all} utterances"
    return f"{some} of {all} utterances"


def details(**values: Any) -> dict[str, Any]:
    """Measured values by their names, rounded to what is shown; what JSON has not is a word.

    >>> details(largest_difference=1 / 3, weight=math.inf)
    {'largest difference': 0.3333, 'weight': 'inf'}
    """

    def shown(value: Any) -> Any:
        if not isinstance(value, float):
            return value
        rounded = float(f"{value:.4g}")
        return rounded if math.isfinite(rounded) else str(rounded)

    return {name.replace("_", " "): shown(value) for name, value in values.items()}
