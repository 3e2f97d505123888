"""Exercises of lesson 01: firing by hand and by program.

Notebook: notebooks/01_integrate_and_fire.ipynb
"""

from __future__ import annotations

from cifviz.core.reference import integrate_and_fire
from cifviz.course.exercises import Numbers, Program


def contributions(alpha: list[float], threshold: float) -> list[list[float]]:
    """What a right answer to 01.4 gives."""
    return integrate_and_fire(alpha, threshold)[0]


def _loop(
    alpha: list[float],
    threshold: float,
    *,
    charge: float | None = None,
    carry: bool = True,
    keep_rest: bool = False,
    spill: bool = False,
    again: bool = True,
) -> list[list[float]]:
    """The loop, with one of the usual mistakes built in."""
    charge = threshold if charge is None else charge
    tokens, filled, token = [], 0.0, [0.0] * len(alpha)
    for frame, weight in enumerate(alpha):
        left = weight
        while filled + left >= threshold - 1e-12:
            needed = charge - filled
            token[frame] += left if spill else needed
            left = left - needed if carry else 0.0
            tokens.append(token)
            filled, token = 0.0, [0.0] * len(alpha)
            if not again or left <= 0:
                break
        token[frame] += left
        filled += left
    return [*tokens, token] if keep_rest else tokens


def _fires_once(alpha: list[float], threshold: float) -> list[list[float]]:
    return _loop(alpha, threshold, again=False)


def _forgets_the_remainder(alpha: list[float], threshold: float) -> list[list[float]]:
    return _loop(alpha, threshold, carry=False)


def _charges_one(alpha: list[float], threshold: float) -> list[list[float]]:
    return _loop(alpha, threshold, charge=1.0)


def _keeps_the_rest(alpha: list[float], threshold: float) -> list[list[float]]:
    return _loop(alpha, threshold, keep_rest=True)


def _spills(alpha: list[float], threshold: float) -> list[list[float]]:
    return _loop(alpha, threshold, spill=True, again=False)


def _normalises(alpha: list[float], threshold: float) -> list[list[float]]:
    return [[weight / threshold for weight in row] for row in contributions(alpha, threshold)]


def _gives_frames_to_rows(alpha: list[float], threshold: float) -> list[list[float]]:
    return [list(column) for column in zip(*contributions(alpha, threshold), strict=True)]


def _weighted_sums(rows: list[list[float]], encoder_out: list[list[float]]) -> list[list[float]]:
    """W h: the sum of all frames for each row, each frame times its entry."""
    channels = range(len(encoder_out[0]))
    return [
        [
            sum(part * frame[c] for part, frame in zip(row, encoder_out, strict=True))
            for c in channels
        ]
        for row in rows
    ]


def embeddings(
    alpha: list[float], encoder_out: list[list[float]], threshold: float
) -> list[list[float]]:
    """What a right answer to 01.5 gives."""
    return _weighted_sums(contributions(alpha, threshold), encoder_out)


def _takes_whole_frames(
    alpha: list[float], encoder_out: list[list[float]], threshold: float
) -> list[list[float]]:
    rows = [[0.0] * len(alpha) for _ in range(int(sum(alpha) / threshold + 1e-9))]
    begin = 0.0
    for frame, weight in enumerate(alpha):
        token = int(begin / threshold + 1e-9)
        if token < len(rows):
            rows[token][frame] = weight
        begin += weight
    return _weighted_sums(rows, encoder_out)


def _embeds_the_residual(
    alpha: list[float], encoder_out: list[list[float]], threshold: float
) -> list[list[float]]:
    return _weighted_sums(_loop(alpha, threshold, keep_rest=True), encoder_out)


def _divides_by_frames(
    alpha: list[float], encoder_out: list[list[float]], threshold: float
) -> list[list[float]]:
    rows = embeddings(alpha, encoder_out, threshold)
    return [[value / len(alpha) for value in row] for row in rows]


def _gives_one_number(
    alpha: list[float], encoder_out: list[list[float]], threshold: float
) -> list[list[float]]:
    return [[sum(row)] for row in embeddings(alpha, encoder_out, threshold)]


EXERCISES = (
    Numbers(
        "01.1",
        praise="3.5 in all: three tokens of 1, and 0.5 is left at the end.",
        answer=3,
        mistakes=(
            (
                2,
                "It seems that the sum starts again at 0 after a fire. It starts at what the "
                "firing frame has left: 0.7 + 0.7 = 1.4 fires with 0.4 to spare.",
            ),
            (4, "The last 0.5 never reaches the threshold, so it does not fire."),
            (5, "That is the number of frames. A frame fires only if the sum reaches 1 in it."),
            (3.5, "That is the sum of the weights. A token fires whole or not at all."),
        ),
        otherwise="Add up the weights; each time the sum passes a whole number, count one.",
    ),
    Numbers(
        "01.2",
        praise="Frame 2 is shared: it gave 0.1 to token 0, and its last 0.2 opens token 1.",
        answer=(0.0, 0.0, 0.2, 0.7, 0.1),
        mistakes=(
            (
                (0.0, 0.0, 0.0, 0.7, 0.3),
                "The 0.2 that frame 2 had left after the fire is lost here. It belongs to token 1.",
            ),
            (
                (0.0, 0.0, 0.2, 0.7, 0.6),
                "These sum to 1.5, but a token takes 1: frame 4 gives only what is still missing.",
            ),
            (
                (0.4, 0.5, 0.1, 0.0, 0.0),
                "That is token 0, the first. Tokens count from 0: token 1 is the second.",
            ),
            (
                (0.0, 0.2, 0.7, 0.1, 0.0),
                "Right weights, one frame early: the list begins with frame 0, and that gives 0.",
            ),
            (
                (0.0, 0.0, 0.3, 0.7, 0.0),
                "Frame 2 has spent 0.1 of its 0.3 on token 0; only 0.2 is left for token 1.",
            ),
        ),
        otherwise="Five numbers that sum to 1: what remains of frame 2, all of 3, some of 4.",
    ),
    Numbers(
        "01.3",
        praise="2 + 0.1 / 0.3: the fire is a third of the way into frame 2.",
        answer=2 + 0.1 / 0.3,
        mistakes=(
            (2, "That is where frame 2 begins. How far into it is the fire?"),
            (3, "That is where frame 2 ends; but it has weight to spare, so the fire is earlier."),
            (0.1 / 0.3, "That is how far into its frame the fire is. Add the frames before it."),
            (
                2.1,
                "0.1 is the weight that is needed, not the share of the frame: divide by the "
                "weight of frame 2.",
            ),
            (2 + 0.2 / 0.3, "0.2 is what is left after the fire. What was needed before it?"),
        ),
        otherwise="(frames before) + (weight needed) / (weight of the firing frame).",
    ),
    Program(
        "01.4",
        praise="As many fires as fit into a frame, and every token holds exactly the threshold.",
        solution=contributions,
        cases=(
            ([0.2, 0.9, 0.6, 0.6], 1.0),
            ([0.25, 2.5, 0.5], 1.0),
            ([3.125], 1.0),
            ([0.25, 0.625, 0.25, 0.125], 0.5),
            ([0.0, 0.0], 1.0),
            ([], 1.0),
        ),
        mistakes=(
            (
                _fires_once,
                "This fires at most once in each frame, so a weight of 2.5 piles up. Ask again "
                "after each fire: while, not if.",
            ),
            (
                _forgets_the_remainder,
                "After a fire the remaining weight of the frame is lost. It opens the next token.",
            ),
            (
                _charges_one,
                "With a threshold of 0.5 each token here still takes 1. It takes the threshold.",
            ),
            (
                _keeps_the_rest,
                "The last row never reached the threshold: the residual is no token.",
            ),
            (
                _spills,
                "The firing frame gives all its weight to the token that it completes. It may give "
                "only what is missing; rows must sum to the threshold.",
            ),
            (
                _normalises,
                "The rows are divided by the threshold. In CIF, with β = 0.5 a row sums to 0.5.",
            ),
            (
                _gives_frames_to_rows,
                "Rows and columns are swapped: one list for each token, with a number per frame.",
            ),
        ),
    ),
    Program(
        "01.5",
        praise="Each embedding is the weighted sum of the frames that filled it: c = W h.",
        solution=embeddings,
        cases=(
            ([0.2, 0.9, 0.6, 0.6], [[1.0], [2.0], [3.0], [4.0]], 1.0),
            ([0.25, 2.5, 0.5], [[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]], 1.0),
            ([0.25, 0.5, 0.25], [[1.0, -1.0], [3.0, 0.5], [0.0, 2.0]], 0.5),
            ([0.25], [[1.0]], 1.0),
        ),
        mistakes=(
            (
                _takes_whole_frames,
                "Each frame is given whole to the token in which it begins. A frame on a border is "
                "cut: it gives the overlap to each of the two tokens.",
            ),
            (
                _embeds_the_residual,
                "There is one embedding too many: the residual is no token.",
            ),
            (
                _divides_by_frames,
                "This is divided by the number of frames. The weights of a token sum to the "
                "threshold already: add up, and do not divide.",
            ),
            (
                _gives_one_number,
                "The channels are added up. An embedding has as many numbers as a frame.",
            ),
        ),
    ),
)
