"""Exercises of lesson 00: counting tokens, reading times.

Notebook: notebooks/00_start_here.ipynb
"""

from cifviz.teaching.exercises import Numbers

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
)
