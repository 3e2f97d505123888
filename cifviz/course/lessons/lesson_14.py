"""Exercises of lesson 14: the least delay, average lagging, fires as a policy, guesses.

Notebook: notebooks/14_simultaneous_translation.ipynb
"""

from __future__ import annotations

from cifviz.course.exercises import Numbers, Program

_NEAR = 1e-9


def policy(weights: list[float], threshold: float, wait: int) -> list[int]:
    """The right answer to 14.3: frames read when each word is written."""
    total = 0.0
    written: list[int] = []
    for frame, weight in enumerate(weights):
        total += weight
        while total >= (len(written) + wait) * threshold - _NEAR:
            written.append(frame + 1)
    return written


def _writes_one_a_frame(weights: list[float], threshold: float, wait: int) -> list[int]:
    total = 0.0
    written: list[int] = []
    for frame, weight in enumerate(weights):
        total += weight
        if total >= (len(written) + wait) * threshold - _NEAR:
            written.append(frame + 1)
    return written


def _counts_frames_from_0(weights: list[float], threshold: float, wait: int) -> list[int]:
    return [frame - 1 for frame in policy(weights, threshold, wait)]


def _drops_the_residual(weights: list[float], threshold: float, wait: int) -> list[int]:
    total, fires = 0.0, 0
    written: list[int] = []
    for frame, weight in enumerate(weights):
        total += weight
        if total >= threshold - _NEAR:
            fires, total = fires + 1, 0.0
            if fires >= len(written) + wait:
                written.append(frame + 1)
    return written


def _takes_1_for_a_word(weights: list[float], threshold: float, wait: int) -> list[int]:
    return policy(weights, 1.0, wait)


def _waits_for_no_fire(weights: list[float], threshold: float, wait: int) -> list[int]:
    return policy(weights, threshold, 1)


def _waits_once_more(weights: list[float], threshold: float, wait: int) -> list[int]:
    return policy(weights, threshold, wait + 1)


def _writes_the_rest(weights: list[float], threshold: float, wait: int) -> list[int]:
    fires = len(policy(weights, threshold, 1))
    found = policy(weights, threshold, wait)
    return found + [len(weights)] * (fires - len(found))


EXERCISES = (
    Numbers(
        "14.1",
        praise="Even digits never wait; an odd one waits for the end of the next, or of the sound.",
        answer=(0.5, 1.5, 1.5, 2.2),
        mistakes=(
            (
                (0.5, 1.0, 1.5, 2.0),
                "At the end of “seven” she does not know yet whether the next digit is even.",
            ),
            (
                (0.5, 1.5, 1.5, 2.0),
                "Nobody knows that “nine” is the last digit before the sound ends.",
            ),
            (
                (1.0, 1.5, 2.0, 2.2),
                "“four” is even: its word can be written at once.",
            ),
            (
                (0.5, 1.5, 2.0, 2.2),
                "When “two” has ended both words are known, that of “two” and that of “seven”.",
            ),
        ),
        otherwise="When is each word known, and its place? The order is: four, two, seven, nine.",
        tolerance=0.001,
    ),
    Numbers(
        "14.2",
        praise="A system that keeps up lags by 1 s. For one that chatters AL is negative.",
        answer=(1.0, -4 / 3),
        mistakes=(
            (
                (2.0, 1.0 + 1 / 6),
                "Those are the mean delays. Subtract what the ideal system has read by each word.",
            ),
            (
                (1.0, 0.4),
                "The ideal system has three words, one a second; word 4 of the chatter is compared "
                "with 3 s all the same.",
            ),
            (
                (1.0, 0.4 / 3),
                "No word of the chatter is written at the end of the sound, so all six are in the "
                "mean, not only three.",
            ),
            (
                (0.0, -4 / 3),
                "The first word of the ideal system comes at 0 s, not at 1.",
            ),
            (
                (1.0, 4 / 3),
                "Mind the sign: dᵢ − (i − 1).",
            ),
        ),
        otherwise="The ideal system writes words 1, 2, 3 … at 0, 1, 2 … s. Subtract, then average.",
        tolerance=0.005,
    ),
    Program(
        "14.3",
        praise="This rule is the whole policy of a CIF.",
        solution=policy,
        cases=(
            ([0.5, 0.5, 0.5, 0.5], 1.0, 1),
            ([0.2, 0.9, 2.0, 0.3], 1.0, 1),
            ([0.5, 0.5, 0.5, 0.5], 0.5, 1),
            ([0.6, 0.6, 0.6, 0.6, 0.7], 1.0, 1),
            ([0.6, 0.6, 0.6, 0.6], 1.2, 1),
            ([0.5, 0.5, 0.5, 0.5, 0.5, 0.5], 1.0, 2),
            ([0.2, 0.9, 2.0, 0.3], 1.0, 3),
            ([], 1.0, 2),
        ),
        mistakes=(
            (
                _writes_one_a_frame,
                "A frame may complete two tokens: go on while there are enough fires.",
            ),
            (
                _counts_frames_from_0,
                "Frames *read* are counted from 1: after the first frame one was read.",
            ),
            (
                _drops_the_residual,
                "The residual of a fire belongs to the next token: compare the running sum with "
                "one threshold more for each word.",
            ),
            (
                _takes_1_for_a_word,
                "A word takes the threshold, which need not be 1.",
            ),
            (
                _waits_for_no_fire,
                "With `wait` 2 the first word is written at the second fire.",
            ),
            (
                _waits_once_more,
                "With `wait` 1 a word is written at its own fire: word number i, counted from 1, "
                "needs i + wait − 1 fires.",
            ),
            (
                _writes_the_rest,
                "When the frames are over nothing more is written here.",
            ),
        ),
    ),
    Numbers(
        "14.4",
        praise="A quarter, even if every digit is recognised.",
        answer=25.0,
        mistakes=(
            (
                50.0,
                "Half of the words that are *odd* go wrong. Even ones are certain.",
            ),
            (
                0.25,
                "In percent, please.",
            ),
            (
                75.0,
                "That is the share of the words that are right.",
            ),
            (
                12.5,
                "After an odd digit the next one is even in one of two cases, not in one of four.",
            ),
            (
                45.0,
                "After “seven”, “ni” is right in half of the cases. Any even word is right in one "
                "of ten: so “ni” is the better guess.",
            ),
        ),
        otherwise="How often is a digit odd? And how often does an even one follow?",
        tolerance=0.5,
    ),
)
