"""Exercises of lesson 07: what a threshold means, by hand, by program, and carried over.

Notebook: notebooks/07_thresholds_and_dialects.ipynb
"""

from __future__ import annotations

import math
from itertools import accumulate

from cifviz.course.exercises import Numbers, Program


def fired_so_far(alpha: list[float], fires_at: float) -> list[int]:
    """What a right answer to 07.4 gives: a slack of ``1 − fires_at``, and 1 a token."""
    return [math.floor(mass + 1 - fires_at) for mass in accumulate(alpha)]


def _by_charge(alpha: list[float], fires_at: float) -> list[int]:
    return [math.floor(mass / fires_at) for mass in accumulate(alpha)]


def _without_slack(alpha: list[float], fires_at: float) -> list[int]:
    return [math.floor(mass) for mass in accumulate(alpha)]


def _slack_is_the_threshold(alpha: list[float], fires_at: float) -> list[int]:
    return [math.floor(mass + fires_at) for mass in accumulate(alpha)]


def _late(alpha: list[float], fires_at: float) -> list[int]:
    return [math.floor(mass - (1 - fires_at)) for mass in accumulate(alpha)]


def _only_above(alpha: list[float], fires_at: float) -> list[int]:
    return [math.ceil(mass - fires_at) for mass in accumulate(alpha)]


def _frame_by_frame(alpha: list[float], fires_at: float) -> list[int]:
    return [math.floor(weight + 1 - fires_at) for weight in alpha]


def _where_it_fires(alpha: list[float], fires_at: float) -> list[int]:
    counts = fired_so_far(alpha, fires_at)
    return [after - before for before, after in zip([0, *counts], counts, strict=False)]


def _unrounded(alpha: list[float], fires_at: float) -> list[float]:
    return [mass + 1 - fires_at for mass in accumulate(alpha)]


def carried_over(cif_threshold: float, tail_threshold: float) -> tuple[float, float]:
    """The right answer to 07.5: a token of 1, and the rule that lets more residuals fire."""
    return 1.0, min(cif_threshold, tail_threshold)


EXERCISES = (
    Numbers(
        "07.1",
        praise="Token 0 borrowed 0.05, and the second token begins in debt.",
        answer=(0.0, -0.05, 0.7, 0.35),
        mistakes=(
            (
                (0.0, 0.05, 0.7, 0.15),
                "That is what comes out if a token takes 0.9. Here it fires at 0.9, and takes 1.",
            ),
            (
                (0.0, 0.0, 0.65, 0.35),
                "That is what comes out if it waits for 1. With 0.95 it fires in frame 1 already.",
            ),
            (
                (0.0, 0.0, 0.7, 0.3),
                "The debt is forgotten: token 0 took 0.5 from frame 1, which had 0.45. Whatever a "
                "frame gives to its tokens must sum to its weight.",
            ),
            (
                (0.0, 0.05, 0.7, 0.25),
                "Right amount, wrong sign: frame 1 had 0.05 too little, not 0.05 to spare.",
            ),
            (
                (0.0, -0.05, 0.7, 0.4),
                "These sum to 1.05. A token takes 1: frame 3 gives only what is missing.",
            ),
            (
                (0.0, -0.05, 0.7, 0.25),
                "These sum to 0.9. That is where it fires; what it is charged is 1.",
            ),
            (
                (0.5, 0.5, 0.0, 0.0),
                "That is token 0, the first. Tokens count from 0: token 1 is the second.",
            ),
        ),
        otherwise="Token 0 takes 1 in frames 0 and 1, which hold 0.95. Which token pays for it? "
        "Four numbers that sum to 1.",
        tolerance=0.002,
    ),
    Numbers(
        "07.2",
        praise="One number, twice the tokens: ⌊15.8 + 0.5⌋ in one code base, ⌊15.8 / 0.5⌋ in the "
        "other.",
        answer=(16, 31),
        mistakes=(
            (
                (15, 31),
                "CIF-PyTorch fires as soon as half a token is there, so the last 0.8 fires too.",
            ),
            (
                (31, 31),
                "That charges 0.5 in both. CIF-PyTorch fires at 0.5, but a token takes 1.",
            ),
            (
                (16, 16),
                "That charges 1 in both. In torch_cif a token takes β, here 0.5.",
            ),
            ((31, 16), "The other way round: CIF-PyTorch comes first, and it charges 1."),
            ((16, 32), "The last 0.3 of 15.8 is less than 0.5: without a tail it does not fire."),
            ((15, 15), "That is ⌊15.8⌋, what comes out at β = 1. The question is about 0.5."),
        ),
        otherwise="CIF-PyTorch: ⌊S + 1 − β⌋. torch_cif: ⌊S / β⌋. A list of two numbers.",
        tolerance=0.001,
    ),
    Numbers(
        "07.3",
        praise="0.98 is all there is, and no arithmetic will bring the other 0.02 back.",
        answer=0.02,
        mistakes=(
            (0.01, "Then it fires at 0.99. Seven times 0.14 is 0.98."),
            (0.98, "That is where it would have to fire. The slack is how far below 1 that is."),
            (0.14, "That is one weight. What do seven of them sum to?"),
            (0.0, "Without slack it fires at 1, and seven times 0.14 falls short of it."),
            (-0.02, "Right amount. A slack counts downwards from 1: 0.02, not −0.02."),
        ),
        otherwise="Write down 1/7 with two decimals, add it up seven times, and see what is "
        "missing to 1.",
        tolerance=0.001,
    ),
    Program(
        "07.4",
        praise="A running sum, a slack, a whole part: no loop, and for weights up to 1 the same "
        "fires.",
        solution=fired_so_far,
        cases=(
            ([0.5, 0.4375, 0.75, 0.375], 0.875),
            ([0.5, 0.4375, 0.75, 0.375], 1.0),
            ([0.25, 0.625, 0.25, 0.25, 0.75], 0.5),
            ([0.75, 0.75, 0.75], 0.9375),
            ([0.5, 0.25, 0.75, 0.5], 0.75),
            ([0.0, 0.0], 0.75),
            ([], 0.75),
        ),
        mistakes=(
            (
                _by_charge,
                "This is still torch_cif: dividing charges a token `fires_at`. CIF-PyTorch charges "
                "1 and fires 1 − fires_at early.",
            ),
            (
                _without_slack,
                "This fires at 1, whatever `fires_at` is: where is the slack?",
            ),
            (
                _slack_is_the_threshold,
                "The slack is what is missing to 1: it is 1 − fires_at, not fires_at.",
            ),
            (
                _late,
                "This fires late. A token that fires below 1 fires before the sum is whole: add "
                "the slack to the sum, do not take it away.",
            ),
            (
                _only_above,
                "Nearly: with exactly `fires_at` a token fires already: 0.5 + 0.25 does, at 0.75.",
            ),
            (
                _frame_by_frame,
                "This asks each frame alone. What counts is the sum of all weights so far.",
            ),
            (
                _where_it_fires,
                "These are the fires of each frame. Asked for are those so far, all frames before "
                "included.",
            ),
            (_unrounded, "Only whole tokens fire: take the whole part of the sum."),
        ),
    ),
    Program(
        "07.5",
        praise="A token stays 1; what was a slack in one code base is a tail rule in the other.",
        solution=carried_over,
        cases=((0.99, 0.5), (0.9, 0.6), (0.5, 0.5), (0.5, 0.8), (0.75, 1.0)),
        mistakes=(
            (
                lambda cif_threshold, tail_threshold: (cif_threshold, tail_threshold),
                "This copies names. With β = 0.9 a token of torch_cif takes 0.9, and more tokens "
                "come out.",
            ),
            (
                lambda cif_threshold, tail_threshold: (1.0, tail_threshold),
                "β is right. But a residual above `cif_threshold` fires in CIF-PyTorch even where "
                "τ is"
                "higher: take 0.5 and 0.8, and a residual of 0.6.",
            ),
            (
                lambda cif_threshold, tail_threshold: (1.0, cif_threshold),
                "β is right. But in CIF-PyTorch a residual below `cif_threshold` still fires if it "
                "is"
                "above τ: take 0.99 and 0.5, and a residual of 0.6.",
            ),
            (
                lambda cif_threshold, tail_threshold: (1.0, max(cif_threshold, tail_threshold)),
                "β is right. A residual fires where one of the two rules lets it, not only where "
                "both"
                "do.",
            ),
            (
                lambda cif_threshold, tail_threshold: (1.0, cif_threshold * tail_threshold),
                "Where a token takes β, τ must shrink with it. Here β is 1, so there is nothing to "
                "multiply.",
            ),
            (
                lambda cif_threshold, tail_threshold: (min(cif_threshold, tail_threshold), 1.0),
                "The other way round: first β, then the threshold of the tail.",
            ),
        ),
    ),
)
