"""Exercises of lesson 11: rates of two models, two opinions, repaired places, flattened peaks.

Notebook: notebooks/11_encoder_and_language_model.ipynb
"""

from __future__ import annotations

from cifviz.course.exercises import Numbers, Program


def flattened(weights: list[float]) -> list[float]:
    """The right answer to 11.4."""
    mean = sum(weights) / len(weights)
    while max(weights) > 0.999:
        weights = [0.5 * weight + 0.5 * mean for weight in weights]
    return weights


def _once(weights: list[float]) -> list[float]:
    mean = sum(weights) / len(weights)
    return [0.5 * weight + 0.5 * mean for weight in weights]


def _cut(weights: list[float]) -> list[float]:
    return [min(weight, 0.999) for weight in weights]


def _peaks_alone(weights: list[float]) -> list[float]:
    mean = sum(weights) / len(weights)
    while max(weights) > 0.999:
        weights = [(weight + mean) / 2 if weight > 0.999 else weight for weight in weights]
    return weights


def _mean_itself(weights: list[float]) -> list[float]:
    mean = sum(weights) / len(weights)
    return [mean] * len(weights) if max(weights) > 0.999 else weights


EXERCISES = (
    Numbers(
        "11.1",
        praise="Fifteen states for a piece, and 225 times as many pairs: the square of it.",
        answer=(15, 225),
        mistakes=(
            ((15, 15), "Attention compares each place with each: the pairs grow with the square."),
            ((150, 22500), "These are all states and all of their pairs. How many for each piece?"),
            ((36, 1296), "A state every 24 ms: in 3.6 s there are 3.6 / 0.024 of them."),
        ),
        otherwise="Count the states first: seconds divided by the seconds of one.",
    ),
    Numbers(
        "11.2",
        praise="“there” has the largest sum, and 0.09 would be enough: the acoustic side hardly "
        "prefers “their”.",
        answer=(2.4, 2.52, 0.8, 0.1 / 1.1),
        mistakes=(
            (
                (2.4, 2.52, 0.8, 0.1),
                "The acoustic side has what is left, 1 − λ, and not all: (1 − λ) · 0.1 = λ · 1.",
            ),
            (
                (0.6, 1.38, -2.8, 0.1 / 1.1),
                "0.8 is the weight of the acoustic side, 0.2 that of the language model.",
            ),
            (
                (2.4, 2.52, 2.4, 0.1 / 1.1),
                "“hair” has a language logit of −4: it takes away.",
            ),
        ),
        otherwise="0.8 times the first row plus 0.2 times the second. Then set the sums of the "
        "first two words equal, with λ unknown.",
    ),
    Numbers(
        "11.3",
        praise="77 of 200: 36 changes for a gain of 3. Only one change in three was a good one.",
        answer=(77, 1 / 3),
        mistakes=(
            (
                (68, 1 / 3),
                "Spoiled places were right before and are wrong now: they add to the wrong ones.",
            ),
            (
                (62, 1 / 3),
                "Swapped places were wrong before and still are: they change no number of errors.",
            ),
            ((77, 12 / 21), "Swapped places are changes, too: 12 + 9 + 15 of them."),
            ((77, 12 / 200), "The share of the changes, not of all places."),
            ((83, 1 / 3), "A repaired place is one wrong place less."),
        ),
        otherwise="Wrong before, less the repaired ones, and the spoiled ones on top. Then the "
        "repaired ones as a share of all changed places.",
    ),
    Program(
        "11.4",
        praise="The mean is the same after each turn, so the sum is kept.",
        solution=flattened,
        cases=(
            ([1.4, 0.1, 0.2, 0.3],),
            ([0.3, 0.6, 0.2],),
            ([0.18, 1.69, 0.18, 0.18, 0.18, 1.59],),
            ([6.0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1],),
        ),
        mistakes=(
            (_once, "Weights without a peak are left alone, and one turn may not be enough."),
            (_cut, "What is cut off is lost: the sum, and with it the number of tokens, shrinks."),
            (
                _peaks_alone,
                "All weights move towards the mean, not the peaks alone: else the sum shrinks.",
            ),
            (_mean_itself, "Half of the way to the mean in each turn, not all of it."),
        ),
    ),
)
