"""Exercises of lesson 12: a contrastive loss by hand and as a program, ranks of retrieval.

Notebook: notebooks/12_distillation.ipynb
"""

from __future__ import annotations

import math

from cifviz.course.exercises import Numbers, Program

_COSINES = [[0.9, 0.1], [0.2, 0.7]]
_THREE = [[0.8, 0.6, 0.0], [0.1, 0.5, 0.4], [-0.2, 0.3, 0.6]]


def contrast(cosines: list[list[float]], temperature: float) -> float:
    """The right answer to 12.2."""
    total = 0.0
    for own, row in enumerate(cosines):
        scores = [math.exp(cosine / temperature) for cosine in row]
        total -= math.log(scores[own] / sum(scores))
    return total / len(cosines)


def _sum(cosines: list[list[float]], temperature: float) -> float:
    return contrast(cosines, temperature) * len(cosines)


def _times(cosines: list[list[float]], temperature: float) -> float:
    return contrast(cosines, 1 / temperature)


def _without_own(cosines: list[list[float]], temperature: float) -> float:
    total = 0.0
    for own, row in enumerate(cosines):
        scores = [math.exp(cosine / temperature) for cosine in row]
        others = sum(scores[:own] + scores[own + 1 :])
        total -= math.log(scores[own] / others) if others else 0.0
    return total / len(cosines)


def _columns(cosines: list[list[float]], temperature: float) -> float:
    return contrast([list(column) for column in zip(*cosines, strict=True)], temperature)


EXERCISES = (
    Numbers(
        "12.1",
        praise="A small temperature makes a lead of 0.2 a clear answer; equal cosines are a guess "
        "among three.",
        answer=(
            math.log(1 + math.exp(-0.2) + math.exp(-0.8)),
            math.log(1 + math.exp(-2) + math.exp(-8)),
            math.log(3),
        ),
        mistakes=(
            (
                (
                    math.log(1 + math.exp(-0.2) + math.exp(-0.8)),
                    math.log(1 + math.exp(-0.02) + math.exp(-0.08)),
                    math.log(3),
                ),
                "Divide by the temperature, do not multiply: 0.8 / 0.1 is 8.",
            ),
            (
                (
                    math.log(math.exp(-0.2) + math.exp(-0.8)),
                    math.log(math.exp(-2) + math.exp(-8)),
                    math.log(2),
                ),
                "The own state stands in the sum below the line, too.",
            ),
            (
                (
                    -math.log(1 + math.exp(-0.2) + math.exp(-0.8)),
                    -math.log(1 + math.exp(-2) + math.exp(-8)),
                    -math.log(3),
                ),
                "The loss is minus the logarithm: a share below 1 costs something.",
            ),
        ),
        otherwise="e to the own cosine / τ, divided by the sum of all three such terms; then minus "
        "the natural logarithm.",
    ),
    Program(
        "12.2",
        praise="That is cross-entropy, with the own place as the right class.",
        solution=contrast,
        cases=((_COSINES, 1.0), (_COSINES, 0.1), (_THREE, 0.5), ([[0.3]], 0.1)),
        mistakes=(
            (_sum, "The mean over the students is asked for, not the sum."),
            (_times, "Divide the cosines by the temperature."),
            (_without_own, "The own state belongs to the sum below the line, too."),
            (_columns, "Row i belongs to student i; here columns are taken."),
        ),
    ),
    Numbers(
        "12.3",
        praise="A blind guess among three has an MRR of 0.61: say it beside every MRR of small "
        "batches.",
        answer=(0.4, 0.57, 11 / 18),
        mistakes=(
            ((0.4, 1 / 3.6, 0.5), "The mean of 1 / rank, not 1 / the mean of the ranks."),
            ((0.4, 0.57, 1 / 3), "1 / 3 is top-1 of a guess. Its MRR is the mean of 1, 1/2, 1/3."),
            ((2, 0.57, 11 / 18), "Top-1 as a share: two of five."),
        ),
        otherwise="Top-1 counts the ranks that are 1. MRR is the mean of one divided by each rank.",
    ),
)
