"""Exercises of lesson 02: scaling by hand, what it hides, and what it does to slopes.

Notebook: notebooks/02_scaling.ipynb
"""

from __future__ import annotations

from cifviz.course.exercises import Numbers, Program

WEIGHTS = (0.2, 0.6, 0.1, 0.3, 0.4)
"""What 02.1 scales to four tokens."""


def scale(alpha: list[float], tokens: int) -> list[float]:
    """Scaling alone: a usual wrong answer to 02.5."""
    return [weight * tokens / sum(alpha) for weight in alpha]


def _halfway(weights: list[float]) -> list[float]:
    """Every weight moved halfway to their mean."""
    mean = sum(weights) / len(weights)
    return [(weight + mean) / 2 for weight in weights]


def scale_flat(alpha: list[float], tokens: int) -> list[float]:
    """The right answer to 02.5; the mean must be below 1, or the loop never ends."""
    scaled = scale(alpha, tokens)
    while max(scaled) > 1:
        scaled = _halfway(scaled)
    return scaled


def _flattens_once(alpha: list[float], tokens: int) -> list[float]:
    scaled = scale(alpha, tokens)
    return _halfway(scaled) if max(scaled) > 1 else scaled


def _flattens_always(alpha: list[float], tokens: int) -> list[float]:
    scaled = _halfway(scale(alpha, tokens))
    while max(scaled) > 1:
        scaled = _halfway(scaled)
    return scaled


def _clips(alpha: list[float], tokens: int) -> list[float]:
    return [min(weight, 1.0) for weight in scale(alpha, tokens)]


def _takes_the_mean(alpha: list[float], tokens: int) -> list[float]:
    scaled = scale(alpha, tokens)
    return [sum(scaled) / len(scaled)] * len(scaled) if max(scaled) > 1 else scaled


def _flattens_the_peaks_alone(alpha: list[float], tokens: int) -> list[float]:
    scaled = scale(alpha, tokens)
    while max(scaled) > 1:
        mean = sum(scaled) / len(scaled)
        scaled = [(weight + mean) / 2 if weight > 1 else weight for weight in scaled]
    return scaled


def _halves(alpha: list[float], tokens: int) -> list[float]:
    scaled = scale(alpha, tokens)
    while max(scaled) > 1:
        scaled = [weight / 2 for weight in scaled]
    return scaled


EXERCISES = (
    Numbers(
        "02.1",
        praise="1.6 in all and 4 tokens: every weight times 2.5, in proportion to what it was.",
        answer=tuple(2.5 * weight for weight in WEIGHTS),
        mistakes=(
            (
                tuple(weight / 1.6 for weight in WEIGHTS),
                "These sum to 1, one token. They should sum to the number of words in the "
                "transcript.",
            ),
            (
                tuple(4 * weight for weight in WEIGHTS),
                "Every weight times N is too much: they summed to 1.6 before, not to 1. Divide by "
                "that sum.",
            ),
            (
                tuple(0.4 * weight for weight in WEIGHTS),
                "The factor is upside down: sum over tokens. These sum to even less than before.",
            ),
            (
                tuple(weight + 0.48 for weight in WEIGHTS),
                "They sum to 4, but each grew by the same amount. Scaling multiplies: a weight "
                "that was twice another one stays so.",
            ),
        ),
        otherwise="The factor is N over the sum of the weights; every weight is multiplied by it.",
    ),
    Numbers(
        "02.2",
        praise="Training gets the number that it asked for. In use every word comes out twice.",
        answer=(5, 10),
        mistakes=(
            (
                (5, 5),
                "In use the number of words is not known: there is nothing to scale to.",
            ),
            (
                (10, 10),
                "In training the weights are scaled first: whatever they summed to, they then sum "
                "to the number of words.",
            ),
            (
                (10, 5),
                "The other way round: first in training, where the number of words is known, "
                "then in use.",
            ),
            (
                (5, 2),
                "The weights are used as they are, not divided by anything: how often does 1 fit "
                "into their sum?",
            ),
        ),
        otherwise="In training: the number of words. In use: how often 1 fits into the sum.",
    ),
    Numbers(
        "02.3",
        praise="Weighted by α the three slopes cancel: -0.3 + 1.2 - 0.9 = 0.",
        answer=-2.25,
        mistakes=(
            (
                -0.5,
                "These slopes sum to zero as they are. Each has to be multiplied by its weight "
                "first.",
            ),
            (2.25, "The right size, and the wrong sign: the three products must cancel."),
            (-0.9, "That is weight times slope of frame 2. Divide by its weight."),
            (
                0,
                "Frames 0 and 1 do not cancel: -1.5 · 0.2 + 2 · 0.6 remains for frame 2 to cancel.",
            ),
        ),
        otherwise="Solve 0.2 · (-1.5) + 0.6 · 2 + 0.4 · x = 0 for x.",
    ),
    Numbers(
        "02.4",
        praise="The same change of a smaller weight is a larger part of it: slopes grow as N / S.",
        answer=100,
        mistakes=(
            (
                1,
                "The loss stays the same, but not its slope: a step of 0.01 was little beside the "
                "old weights, and is as much as some of the new ones.",
            ),
            (
                0.01,
                "The other way round: the smaller the weights, the larger the factor N / S that "
                "every change is multiplied by.",
            ),
            (
                10000,
                "Once is enough: the slope has the factor N / S a single time.",
            ),
            (
                10,
                "A hundred times smaller, not ten: how does N / S change if S does so?",
            ),
        ),
        otherwise="Scaling multiplies by N / S. What becomes of it if S is a hundred times less?",
        tolerance=0.0006,
    ),
    Program(
        "02.5",
        praise="No weight above 1, the sum is kept, and a frame fires once at most.",
        solution=scale_flat,
        cases=(
            ([0.08, 0.9, 0.1, 0.05, 0.05, 0.05], 3),
            ([0.25, 0.5, 0.25], 1),
            ([0.1, 0.9, 0.1, 0.1, 0.1, 0.8], 4),
            ([0.05, 0.9, 0.05], 2),
        ),
        mistakes=(
            (
                scale,
                "A weight is still above 1. Scaling put it there: flatten after scaling.",
            ),
            (
                _flattens_once,
                "One step may not be enough: go on while a weight is above 1, not only if one is.",
            ),
            (
                _flattens_always,
                "This flattens even where no weight is above 1. Ask before the first step.",
            ),
            (
                _clips,
                "What is cut off at 1 is lost, so the sum is no longer the number of tokens.",
            ),
            (
                _takes_the_mean,
                "All weights have become their mean. Each step goes only halfway to it, and is "
                "repeated as often as needed.",
            ),
            (
                _flattens_the_peaks_alone,
                "Only the weights above 1 move, so the sum shrinks. All weights move towards the "
                "mean; then the sum stays.",
            ),
            (
                _halves,
                "Every weight is halved, and the sum with them. Half of itself and half of the "
                "mean of all.",
            ),
        ),
    ),
)
