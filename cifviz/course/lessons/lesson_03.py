"""Exercises of lesson 03: what weights weigh before training, and what pulls at them in it.

Notebook: notebooks/03_training_film.ipynb
"""

from __future__ import annotations

import math

from cifviz.course.exercises import Numbers, Program


def descend(alpha: list[float], tokens: int, rate: float) -> list[float]:
    """What a right answer to 03.4 gives."""
    return [max(0.0, weight - rate * _sign(alpha, tokens)) for weight in alpha]


def _sign(alpha: list[float], tokens: int) -> int:
    return (sum(alpha) > tokens) - (sum(alpha) < tokens)


def _climbs(alpha: list[float], tokens: int, rate: float) -> list[float]:
    return [max(0.0, weight + rate * _sign(alpha, tokens)) for weight in alpha]


def _goes_below_zero(alpha: list[float], tokens: int, rate: float) -> list[float]:
    return [weight - rate * _sign(alpha, tokens) for weight in alpha]


def _scales(alpha: list[float], tokens: int, rate: float) -> list[float]:
    return [weight * tokens / sum(alpha) for weight in alpha]


def _squares(alpha: list[float], tokens: int, rate: float) -> list[float]:
    return [max(0.0, weight - rate * (sum(alpha) - tokens)) for weight in alpha]


def _squares_fully(alpha: list[float], tokens: int, rate: float) -> list[float]:
    return [max(0.0, weight - 2 * rate * (sum(alpha) - tokens)) for weight in alpha]


def _shares_out(alpha: list[float], tokens: int, rate: float) -> list[float]:
    return [max(0.0, weight - rate * _sign(alpha, tokens) / len(alpha)) for weight in alpha]


def _in_proportion(alpha: list[float], tokens: int, rate: float) -> list[float]:
    return [max(0.0, weight - rate * _sign(alpha, tokens) * weight) for weight in alpha]


def _never_rests(alpha: list[float], tokens: int, rate: float) -> list[float]:
    sign = 1 if sum(alpha) >= tokens else -1
    return [max(0.0, weight - rate * sign) for weight in alpha]


def _only_lowers(alpha: list[float], tokens: int, rate: float) -> list[float]:
    return [max(0.0, weight - rate * (sum(alpha) > tokens)) for weight in alpha]


EXERCISES = (
    Numbers(
        "03.1",
        praise="100 frames of 1/2 make 50, ten times as many as the five words.",
        answer=10,
        mistakes=(
            (50, "That is the sum of the weights. How many times the number of words is it?"),
            (20, "That is frames per word. Each frame weighs about 1/2, not 1."),
            (0.1, "That is words per weight, upside down: the question is weight per word."),
            (1, "So it should be after training. Nothing has been learnt yet: each frame is 1/2."),
            (100, "That is the number of frames. They weigh about 1/2 each, for five words."),
        ),
        otherwise="How many frames are there in 4 s, what do they weigh together, over five words?",
    ),
    Numbers(
        "03.2",
        praise="sigmoid(−2.94) = 0.05: twenty frames like that make one word.",
        answer=math.log(0.05 / 0.95),
        mistakes=(
            (
                0.05,
                "That is the weight that should come out. Which number does the sigmoid turn into "
                "it?",
            ),
            (
                math.log(0.95 / 0.05),
                "The sign is wrong: a bias above 0 gives weights above 1/2, here 0.95.",
            ),
            (
                math.log(0.05),
                "Near, but this is the inverse of exp. The inverse of the sigmoid is "
                "ln(p / (1 − p)).",
            ),
            (
                math.log10(0.05 / 0.95),
                "Right but for the base of the logarithm: the sigmoid has e in it, not 10.",
            ),
            (
                1 / (1 + math.exp(-0.05)),
                "That is sigmoid(0.05). It has to be undone: which x has sigmoid(x) = 0.05?",
            ),
        ),
        otherwise="Solve 0.05 = 1 / (1 + exp(−b)) for b.",
    ),
    Numbers(
        "03.3",
        praise="Each of the 110 weights grew by 0.01. It overshot: the loss is 0.5 now, not 0.6.",
        answer=5.5,
        mistakes=(
            (4.41, "One weight grew by 0.01. But the slope is the same for every frame."),
            (3.3, "Downhill: the sum is too small, so the loss falls where the weights grow."),
            (
                5.0,
                "It does not know where to stop: the step is the rate times the slope, whatever is "
                "missing.",
            ),
            (
                4.4 + 110 * 0.01 * 0.6,
                "Here the step is in proportion to what is missing, as for a squared error. The "
                "slope of an absolute value is 1 however near the goal.",
            ),
            (
                4.4 + 110 * 0.01 * 0.6 * 2,
                "That would be a squared error, whose slope is twice what is missing. The slope of "
                "an absolute value is 1.",
            ),
            (
                4.4 + 110 * 0.01 / 5,
                "Here the loss is divided by the five words. This one is not: |S − N|.",
            ),
        ),
        otherwise="110 weights, and each grows by the rate times a slope of 1.",
    ),
    Program(
        "03.4",
        praise="All frames move alike, speech and silence: this loss can count, and nothing else.",
        solution=descend,
        cases=(
            ([0.5, 0.75, 0.5], 1, 0.25),
            ([0.5, 0.25, 0.0], 2, 0.125),
            ([0.125, 1.5, 0.125], 1, 0.25),
            ([0.5, 0.25, 0.25], 1, 0.25),
            ([], 0, 0.25),
        ),
        mistakes=(
            (
                _climbs,
                "This climbs: where the sum is too large the weights have to shrink. Downhill is "
                "minus the rate times the slope.",
            ),
            (
                _goes_below_zero,
                "A weight is never below 0, as it comes out of a sigmoid: stop at 0.",
            ),
            (
                _scales,
                "That is scaling, which makes the sum right at once and moves heavy frames most. A "
                "step of gradient descent moves every frame by the same.",
            ),
            (
                _squares,
                "Here the step is in proportion to the surplus, as for a squared error. The slope "
                "of an absolute value is +1 or −1.",
            ),
            (
                _squares_fully,
                "That is the slope of (S − N)². The slope of an absolute value is +1 or −1.",
            ),
            (
                _shares_out,
                "The rate is shared out among the frames here. Each frame has a slope of 1 of its "
                "own, however many there are.",
            ),
            (
                _in_proportion,
                "Heavy frames move more here. The slope of S is 1 for every frame, heavy or not.",
            ),
            (
                _never_rests,
                "Where the sum is right there is nothing to pay: then nothing moves.",
            ),
            (
                _only_lowers,
                "This only lowers weights. Where the sum is too small they have to grow.",
            ),
        ),
    ),
)
