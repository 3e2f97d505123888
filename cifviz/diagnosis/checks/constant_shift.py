"""Fires that are all too late, or too early, by the same time."""

from __future__ import annotations

from collections.abc import Sequence

from cifviz.diagnosis.checks import drift
from cifviz.diagnosis.findings import Check, Finding
from cifviz.diagnosis.observed import ObservedUtterance
from cifviz.diagnosis.picture_data import details, names, plural, worst_first
from cifviz.diagnosis.timing_errors import Errors, can_be_timed, error_picture, errors_of

TITLE = "all fires are shifted"
FAULT, WARNING = 0.4, 0.2
"""Seconds of the median error. An alignment that is loose fires a tenth of a second late."""
FEWEST = 2
"""Tokens, at least."""


def is_shifted(errors: Errors) -> bool:
    """Whether the errors have a median beyond their spread, and do not come of a drift."""
    drifts = (
        abs(errors.slope) * errors.span > drift.WARNING
        and errors.explained >= drift.LEAST_EXPLAINED
    )
    shifted = abs(errors.median) > WARNING and abs(errors.median) > 2 * errors.spread
    return len(errors.late) >= FEWEST and shifted and not drifts


def tokens_off(utterances: Sequence[ObservedUtterance], by: int) -> float:
    """Median error, without sign, if each fire is held against its neighbour's reference."""
    late = []
    for one in utterances:
        ends = [token.end or 0.0 for token in one.reference or ()]
        fires = one.seconds(one.fire_frames).tolist()
        pairs = (
            zip(fires[by:], ends, strict=False) if by > 0 else zip(fires, ends[-by:], strict=False)
        )
        late += [abs(fire - end) for fire, end in pairs]
    return sorted(late)[len(late) // 2] if late else float("inf")


def run(utterances: Sequence[ObservedUtterance]) -> Finding | None:
    """By the median error of all tokens."""
    errors = errors_of(utterances)
    if not is_shifted(errors):
        return None
    ordered = worst_first(utterances, [abs(errors_of([one]).median) for one in utterances])
    way = "late" if errors.median > 0 else "early"
    found = (
        f"Fires are {abs(errors.median):.2f} s too {way} in the median, and all alike: half of "
        f"them within {errors.spread:.2f} s of that."
    )
    by = 1 if errors.median < 0 else -1
    if tokens_off(utterances, by) < abs(errors.median) / 3:
        found += " Each lies where its neighbour should: names and fires are off by one token."
    return Finding(
        check=CHECK.name,
        severity="fault" if abs(errors.median) > FAULT else "warning",
        title=TITLE,
        found=found,
        advice=(
            "See when frame 0 begins (padding before the sound, the middle of a window, frames "
            "stacked or left out at the start), and whether a begin-of-sentence token takes the "
            "first fire. A fire is the end of a token, not its start. A constant shift that is "
            "learned on a few references corrects the rest (Edges.offset_shift)."
        ),
        utterances=names(ordered),
        numbers=details(
            median_error_in_s=errors.median, spread_in_s=errors.spread, tokens=len(errors.late)
        ),
        picture=error_picture(
            errors,
            f"How much later than its reference each of {plural(len(errors.late), 'token')} fires, "
            f"with a line at their median. {found}",
            line=(0.0, errors.median),
        ),
    )


CHECK = Check(
    name="constant_shift",
    title=TITLE,
    needs="a frame shift and a reference of as many tokens as fires",
    applies=lambda utterance: can_be_timed(utterance),
    run=run,
)
