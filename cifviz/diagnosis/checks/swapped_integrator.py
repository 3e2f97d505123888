"""The integrator, or the running sum, in place of the weights (FunASR issue #3723).

An integrator rises as long as a token collects its mass, and falls in single frames, when the token
fires; weights rise and fall around each token. So of the integrator nearly no two falls follow one
another, and there is about one fall a token, though Σα says several. A running sum never falls.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cifviz.diagnosis.findings import Check, Finding
from cifviz.diagnosis.observed import ObservedUtterance
from cifviz.diagnosis.picture_data import details, names, of_all, weight_picture, worst_first

TITLE = "the integrator in place of the weights"
FEWEST_FALLS = 2
MOST_DOUBLE_FALLS = 0.1
"""Share of the falls that follow another fall."""
LEAST_MASS_PER_FALL = 1.6
"""Tokens in the weights for each fall: the integrator is at half a token on average, and a token
has several frames."""
LEAST_DROP = 0.4
"""Median fall, in tokens: an integrator falls by a token less the next weight."""
SMALL = 1e-3
"""Tokens: a smaller fall is none."""


def falls(utterance: ObservedUtterance) -> tuple[int, float, float, float]:
    """Number of falls, share of those that follow another, mass for each, and the median fall."""
    steps = np.diff(utterance.alpha / utterance.threshold)
    fall = steps < -SMALL
    number = int(fall.sum())
    if not number:
        return 0, 0.0, 0.0, 0.0
    double = int((fall[1:] & fall[:-1]).sum()) / number
    return number, double, utterance.predicted_mass / number, float(-np.median(steps[fall]))


def kind(utterance: ObservedUtterance) -> str:
    """What the weights are: "running sum" or "integrator"; empty if they are weights."""
    values = utterance.alpha / utterance.threshold
    number, double, mass, drop = falls(utterance)
    if len(values) > 4 and not number and values[-1] > 2 and values[0] < values[-1] / 2:
        return "running sum"
    is_integrator = (
        number >= FEWEST_FALLS
        and double <= MOST_DOUBLE_FALLS
        and mass >= LEAST_MASS_PER_FALL
        and drop >= LEAST_DROP
    )
    return "integrator" if is_integrator else ""


def run(utterances: Sequence[ObservedUtterance]) -> Finding | None:
    """A fault where most utterances that can tell are such; else nothing."""
    found = [one for one in utterances if kind(one)]
    telling = [one for one in utterances if falls(one)[0] >= FEWEST_FALLS or kind(one)]
    if not found or 2 * len(found) <= len(telling):
        return None
    found = worst_first(found, [one.predicted_mass for one in found])
    first = found[0]
    number, _, mass, _ = falls(first)
    if kind(first) == "running sum":
        seen = f"the values never fall, from {first.alpha[0]:.3g} to {first.alpha[-1]:.3g}"
    else:
        seen = f"the values rise for many frames and fall in {number} single ones, a sawtooth"
    words = (
        f"What was given as weights is the {kind(first)} in "
        f"{of_all(len(found), len(utterances))}: in {first.name} {seen}, and Σα/β would be "
        f"{first.predicted_mass:.1f} tokens."
    )
    return Finding(
        check=CHECK.name,
        severity="fault",
        title=TITLE,
        found=words,
        advice=(
            "Pass alphas, the output of the sigmoid, where weights are asked for, and peaks (the "
            "integrator, also called fires) where peaks are. FunASR's vanilla Paraformer passed "
            "them in the wrong order to its timestamps (issue #3723): right count, wrong times."
        ),
        utterances=names(found),
        numbers=details(falls=number, tokens_per_fall=float(mass)),
        picture=weight_picture(
            first, f"The values given as weights of {first.name}: {seen}.", label="given as α"
        ),
    )


CHECK = Check(
    name="swapped_integrator",
    title=TITLE,
    needs="weights of five frames or more",
    applies=lambda utterance: len(utterance.alpha) > 4,
    run=run,
)
