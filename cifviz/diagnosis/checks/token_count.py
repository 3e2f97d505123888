"""Σα against fires against tokens: all three should be the same number."""

from __future__ import annotations

from collections.abc import Sequence

from cifviz.diagnosis.findings import Check, Finding
from cifviz.diagnosis.observed import ObservedUtterance
from cifviz.diagnosis.picture_data import (
    count_picture,
    details,
    names,
    of_all,
    plural,
    worst_first,
)

TITLE = "Σα, fires and tokens disagree"
FAULT, WARNING = 0.2, 0.1
"""Differences in tokens, as a share of all tokens."""
UTTERANCES, FEWEST = 0.25, 4
"""Share of utterances whose count is wrong, for a warning, and of how many at least."""
LOST_MASS = 1.0
"""Tokens by which the fires may differ from the mass that was integrated: the residual."""


def fires_of(utterance: ObservedUtterance) -> int:
    """Tokens that fired; where that is unknown, as many as the weights are nearest to."""
    return round(utterance.mass) if utterance.fires is None else len(utterance.fires)


def difference(utterance: ObservedUtterance) -> float:
    """How many tokens too many or too few there are, by what is known."""
    if utterance.expected is not None:
        return abs(fires_of(utterance) - utterance.expected)
    return max(0.0, abs(utterance.mass - utterance.num_fires) - LOST_MASS)


def run(utterances: Sequence[ObservedUtterance]) -> Finding | None:
    """By the share of tokens that are missing or too many; a few are a note."""
    # 1. Which utterances, and how bad it is.
    wrong = [difference(one) for one in utterances]
    wrong = [value if value > 1e-3 else 0.0 for value in wrong]
    differing = [one for one, value in zip(utterances, wrong, strict=True) if value]
    if not differing:
        return None
    tokens = sum(one.num_fires if one.expected is None else one.expected for one in utterances)
    share = sum(wrong) / max(tokens, 1)
    many = len(utterances) >= FEWEST and len(differing) > UTTERANCES * len(utterances)
    severity = "fault" if share > FAULT else "warning" if share > WARNING or many else "note"
    ordered = worst_first(differing, [difference(one) for one in differing])
    first = ordered[0]
    mass = sum(one.predicted_mass for one in utterances)
    fires = sum(map(fires_of, utterances))
    # 2. In words.
    if first.expected is None:
        what = f"{plural(fires_of(first), 'fire')} of a mass of {first.mass:.2f} tokens"
    else:
        came = "" if first.fires is None else f"{plural(fires_of(first), 'fire')} of "
        what = f"{came}Σα/β = {first.predicted_mass:.2f} for {plural(first.expected, 'token')}"
    found = (
        f"The count is wrong in {of_all(len(differing), len(utterances))}: in "
        f"{first.name} {what}. Together the differences are {share:.1%} of the tokens."
    )
    return Finding(
        check=CHECK.name,
        severity=severity,
        title=TITLE,
        found=found,
        advice=_advice(mass, fires, tokens),
        utterances=names(ordered),
        numbers=details(
            share_of_tokens=share, sum_of_weights_in_tokens=mass, fires=fires, tokens=tokens
        ),
        picture=count_picture(ordered, f"Σα/β, fires and tokens of each utterance. {found}"),
    )


def _advice(mass: float, fires: int, tokens: int) -> str:
    """What to try depends on which two of the three agree."""
    if abs(mass - tokens) < 0.1 * max(tokens, 1):
        return (
            "Σα is right and the fires are not: look at the threshold, at a limit of one fire in a "
            "frame, and at the precision of the running sum."
        )
    return (
        "Σα itself is wrong: compare the units that were counted in training (characters, "
        "subwords, with or without end of sentence) with these, see that the quantity loss falls, "
        "and that no scaling by N/Σα is left out or left in."
    )


CHECK = Check(
    name="token_count",
    title=TITLE,
    needs="recorded fires, or the number of tokens",
    applies=lambda utterance: utterance.expected is not None or utterance.fires is not None,
    run=run,
)
