"""Exercises of lesson 00: counting tokens, reading times.

Notebook: notebooks/00_start_here.ipynb
"""

import math

from cifviz.course.exercises import Numbers, Program


def count_tokens(weight_sum: float, threshold: float) -> int:
    """What a right answer to 00.4 gives."""
    full = math.floor(weight_sum / threshold)
    return full + (weight_sum - full * threshold > threshold / 2)


def _forgets_the_rest(weight_sum: float, threshold: float) -> int:
    return math.floor(weight_sum / threshold)


def _counts_any_rest(weight_sum: float, threshold: float) -> int:
    return math.ceil(weight_sum / threshold)


def _halves_one(weight_sum: float, threshold: float) -> int:
    full = math.floor(weight_sum / threshold)
    return full + (weight_sum - full * threshold > 0.5)


def _counts_half_a_token(weight_sum: float, threshold: float) -> int:
    full = math.floor(weight_sum / threshold)
    return full + (weight_sum - full * threshold >= threshold / 2)


def _counts_small_rests(weight_sum: float, threshold: float) -> int:
    full = math.floor(weight_sum / threshold)
    return full + (weight_sum - full * threshold < threshold / 2)


def _forgets_the_threshold(weight_sum: float, threshold: float) -> int:
    return count_tokens(weight_sum, 1.0)


def _adds_the_rest(weight_sum: float, threshold: float) -> float:
    return weight_sum / threshold


EXERCISES = (
    Numbers(
        "00.1",
        praise="Frame positions are fractional: 12.5 is the middle of frame 12.",
        answer=0.5,
        mistakes=(
            (12.5, "That is in frames. Each frame is 0.04 s long."),
            (500, "That is in milliseconds; the question is about seconds."),
            (0.48, "That is where frame 12 begins; the fire is half a frame later."),
            (0.52, "That is where frame 12 ends; the fire is half a frame earlier."),
        ),
        otherwise="Time = frame position × 0.04 s.",
        tolerance=0.004,
    ),
    Numbers(
        "00.2",
        praise="Six times the integrator fills up; the last 0.2 is left over.",
        answer=6,
        mistakes=(
            (
                7,
                "The last 0.2 is less than half a token, so it does not fire.",
            ),
            (6.2, "A token fires whole or not at all: how often does 1 fit into 6.2?"),
            (5, "No token is used up at the start: the first fires when the sum reaches 1."),
        ),
        otherwise="A token fires each time another 1 has been collected. Count from 1 up to 6.2.",
    ),
    Numbers(
        "00.3",
        praise="Half the threshold, twice the tokens: the number of fires is the sum over β.",
        answer=12,
        mistakes=(
            (
                6,
                "The sum stays 6.2, but each token now takes 0.5 of it, no longer 1.",
            ),
            (3, "A lower threshold is reached more often, not less: divide by 0.5."),
            (13, "Nearly: at the end 0.2 is left, less than half of 0.5, and that does not fire."),
            (12.4, "A token fires whole or not at all: 12.4 is no number of tokens."),
        ),
        otherwise="How often does 0.5 fit into 6.2?",
    ),
    Program(
        "00.4",
        praise="Full tokens, and one more if the residual is worth it: that is a tail rule.",
        solution=count_tokens,
        cases=(
            (6.2, 1.0),
            (6.75, 1.0),
            (6.25, 0.5),
            (6.375, 0.5),
            (6.5, 1.0),
            (2.75, 2.0),
            (0.25, 1.0),
            (0.0, 1.0),
        ),
        mistakes=(
            (
                _forgets_the_rest,
                "This is still count_full: 6.75 gives 6, but its residual of 0.75 is more than "
                "half.",
            ),
            (
                _counts_any_rest,
                "Every residual counts here, however small. Compare it with half a token first.",
            ),
            (
                _halves_one,
                "With a threshold of 0.5, half a token is 0.25. Compare the residual with half of "
                "the"
                "threshold, not with 0.5.",
            ),
            (
                _counts_half_a_token,
                "Nearly: a residual of exactly half a token is not more than half. Use >, not >=.",
            ),
            (
                _counts_small_rests,
                "The wrong way round: here small residuals count, and large ones do not.",
            ),
            (
                _forgets_the_threshold,
                "This gives the same for every threshold. A token takes the threshold, not 1.",
            ),
            (
                _adds_the_rest,
                "A token fires whole or not at all: the number of tokens is a whole number.",
            ),
        ),
    ),
)
