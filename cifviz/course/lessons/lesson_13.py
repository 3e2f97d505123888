"""Exercises of lesson 13: visemes, pictures of a token, confusions.

Notebook: notebooks/13_lipreading.ipynb
"""

from __future__ import annotations

from cifviz.course.exercises import Numbers, Program


def by_viseme(counts: list[list[int]], visemes: list[int]) -> list[list[int]]:
    """The right answer to 13.3: confusions of visemes, of those of phones."""
    size = max(visemes) + 1
    summed = [[0] * size for _ in range(size)]
    for r, row in enumerate(counts):
        for h, count in enumerate(row):
            summed[visemes[r]][visemes[h]] += count
    return summed


def _turned(counts: list[list[int]], visemes: list[int]) -> list[list[int]]:
    found = by_viseme(counts, visemes)
    return [list(column) for column in zip(*found, strict=True)]


def _overwrites(counts: list[list[int]], visemes: list[int]) -> list[list[int]]:
    size = max(visemes) + 1
    summed = [[0] * size for _ in range(size)]
    for r, row in enumerate(counts):
        for h, count in enumerate(row):
            summed[visemes[r]][visemes[h]] = count
    return summed


def _sums_rows_alone(counts: list[list[int]], visemes: list[int]) -> list[list[int]]:
    size = max(visemes) + 1
    summed = [[0] * len(counts) for _ in range(size)]
    for r, row in enumerate(counts):
        for h, count in enumerate(row):
            summed[visemes[r]][h] += count
    return summed


EXERCISES = (
    Numbers(
        "13.1",
        praise="Of each viseme one phone's worth is right, however many share it: 11 of 24.",
        answer=100 * 11 / 24,
        mistakes=(
            (100, "It sees visemes. Between p, b and m it can only guess."),
            (
                100 / 24,
                "That would be a guess among all phones. It does see the viseme.",
            ),
            (
                100 / 11,
                "That is the chance to guess a viseme. It sees the viseme and guesses the phone.",
            ),
            (
                50,
                "Not all visemes have two phones. Sum over the visemes: each brings one phone.",
            ),
        ),
        otherwise="Of three that look alike, a third is right: one of three. Of how many visemes?",
        tolerance=0.1,
    ),
    Numbers(
        "13.2",
        praise="At 25 pictures a phone has two of them: little to average over.",
        answer=(25 / 12, 50 / 12, 12),
        mistakes=(
            (
                (12 / 25, 12 / 50, 12),
                "That is phones per picture. T/N is the other way round.",
            ),
            (
                (25 / 12, 50 / 12, 24),
                "With weights of 1 a fire in each picture is possible: one picture a phone.",
            ),
            (
                (25 / 12, 50 / 12, 1),
                "One picture for each phone: how many is that in a second?",
            ),
            (
                (25 * 12, 50 * 12, 12),
                "Divide the pictures of a second by its phones.",
            ),
        ),
        otherwise="Pictures of a second by phones of a second. With weights up to 1, N fires need "
        "N pictures.",
        tolerance=0.01,
    ),
    Program(
        "13.3",
        praise="What lies in a block beside the diagonal is now on it.",
        solution=by_viseme,
        cases=(
            ([[5, 3, 1], [2, 4, 0], [1, 0, 7]], [0, 0, 1]),
            ([[1, 2], [3, 4]], [0, 1]),
            ([[1, 2], [3, 4]], [0, 0]),
            ([[1, 2, 3], [4, 5, 6], [7, 8, 9]], [1, 0, 1]),
        ),
        mistakes=(
            (
                _turned,
                "Rows are of the reference, columns of what was recognised.",
            ),
            (
                _overwrites,
                "Several pairs of phones fall in one cell: add them up.",
            ),
            (
                _sums_rows_alone,
                "Columns are visemes, too.",
            ),
        ),
    ),
)
