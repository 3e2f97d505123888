"""Exercises of lesson 06: how well weights tell the edges of words.

Notebook: notebooks/06_how_good_is_it.ipynb
"""

from __future__ import annotations

from cifviz.course.exercises import Numbers, Program


def time_of(mass: float, alpha: list[float]) -> float:
    """Where so much weight has been heard, in frames, as the lesson has it."""
    hypothesis = 0.0
    for frame, weight in enumerate(alpha):
        if weight > 0 and hypothesis + weight >= mass - 1e-9:
            return frame + (mass - hypothesis) / weight
        hypothesis += weight
    return float(len(alpha))


def read_inside(alpha: list[float], first: int, last: int, share: float) -> float:
    """What a right answer to 06.3 gives."""
    token = alpha[first:last]
    return first + time_of(share * sum(token), token)


def _takes_the_share_for_a_mass(alpha: list[float], first: int, last: int, share: float) -> float:
    return first + time_of(share, alpha[first:last])


def _forgets_the_frames_before(alpha: list[float], first: int, last: int, share: float) -> float:
    return read_inside(alpha, first, last, share) - first


def _counts_from_the_beginning(alpha: list[float], first: int, last: int, share: float) -> float:
    return time_of(share * sum(alpha[first:last]), alpha)


def _takes_whole_frames(alpha: list[float], first: int, last: int, share: float) -> float:
    return float(int(read_inside(alpha, first, last, share)))


def _shares_the_time(alpha: list[float], first: int, last: int, share: float) -> float:
    return first + share * (last - first)


def _includes_the_last(alpha: list[float], first: int, last: int, share: float) -> float:
    return read_inside(alpha, first, min(last + 1, len(alpha)), share)


def _counts_from_the_end(alpha: list[float], first: int, last: int, share: float) -> float:
    return read_inside(alpha, first, last, 1 - share)


EXERCISES = (
    Numbers(
        "06.1",
        praise="0.04 tokens more, and the fire is 0.8 frames early: 0.04 divided by the 0.05 that "
        "the frame weighs in which it fires now.",
        answer=-0.8,
        mistakes=(
            (0.8, "The right distance. But more weight fills the token earlier: a minus sign."),
            (
                -0.04,
                "That is the weight that was added. How long does frame 3 take to make up for so "
                "much? It weighs 0.05.",
            ),
            (
                -0.1,
                "0.04 / 0.4 would be right if the token fired in frame 1. It fires in the gap, "
                "where a frame weighs 0.05.",
            ),
            (3.2, "That is where it fires now. By how much did it move, from 4?"),
            (-1, "Nearly: after frame 2 the sum is 0.99, so a little of frame 3 is needed."),
            (
                -0.08,
                "0.04 / 0.5 would be right if the token fired in “two”. In which frame does the "
                "sum reach 1 now?",
            ),
        ),
        otherwise="Add up 0.5, 0.44, 0.05 and 0.05: in which frame does the sum reach 1, and which "
        "share of that frame is needed?",
    ),
    Numbers(
        "06.2",
        praise="The mean hides everything here, and the constant is minus the median: four of five "
        "edges lie near −25, and one far away has no more say than any other.",
        answer=(0, 40, 20),
        tolerance=0.5,
        mistakes=(
            (
                (0, 40, 0),
                "A shift by minus the mean makes squared errors least. For absolute errors it is "
                "the median that counts.",
            ),
            (
                (0, 40, -20),
                "−20 is the median of the errors: edges are early. To mend that, add the opposite.",
            ),
            (
                (0, 0, 20),
                "The absolute errors are 40, 30, 20, 10 and 100, without their signs: what is "
                "their mean?",
            ),
            ((0, 200, 20), "200 is the sum of the absolute errors. Divide it by five."),
            (
                (40, 40, 20),
                "The first number keeps the signs: −40 − 30 − 20 − 10 + 100, divided by five.",
            ),
            (
                (0, 40, 25),
                "25 suits the four early ones alone. The middle one of all five, in order of size, "
                "is −20.",
            ),
        ),
        otherwise="Mean: add up and divide by five. Absolute: the same without signs. The "
        "constant: minus the middle one of the five.",
    ),
    Program(
        "06.3",
        praise="Each token has its own clock now: what others weigh does not move its edges.",
        solution=read_inside,
        cases=(
            ([0.5, 0.5, 0.25, 0.0, 0.5, 0.25], 0, 3, 0.8),
            ([0.5, 0.5, 0.25, 0.0, 0.5, 0.25], 3, 6, 0.5),
            ([0.5, 0.5, 0.25, 0.0, 0.5, 0.25], 0, 3, 0.1),
            ([0.2, 0.3, 0.4, 0.1, 0.6, 0.4], 1, 4, 0.25),
            ([1.0, 1.0], 1, 2, 0.5),
        ),
        mistakes=(
            (
                _takes_the_share_for_a_mass,
                "The first token here weighs 1.25, so 0.8 of it is a mass of 1. Multiply the share "
                "by what lies between the cuts.",
            ),
            (
                _forgets_the_frames_before,
                "Right inside the token, but positions count from the beginning of the utterance: "
                "add the frames before it.",
            ),
            (
                _counts_from_the_beginning,
                "This looks for the token's mass at the beginning of the utterance. Read the "
                "weights from `first` on.",
            ),
            (
                _takes_whole_frames,
                "These are whole frames. A weight arrives evenly while its frame lasts: which "
                "share of the frame is needed?",
            ),
            (
                _shares_the_time,
                "This shares out the time between the cuts. Share out the weight: a heavy frame "
                "has more of it.",
            ),
            (
                _includes_the_last,
                "The frame `last` belongs to the next token already: alpha[first:last].",
            ),
            (
                _counts_from_the_end,
                "The share counts from the beginning of the token, this one from its end.",
            ),
        ),
    ),
    Numbers(
        "06.4",
        praise="12.5 in all, and the eighth token is there after 6.4 words: 1.6 words early. The "
        "tenth would be 2 early, and so on.",
        answer=(12, 6.4),
        mistakes=(
            ((10, 6.4), "Ten were said, but how much do ten times 1.25 weigh?"),
            ((10, 8), "These are the words said. But each word fills a token and a quarter."),
            ((12, 8), "The eighth token needs a weight of 8, and eight words weigh 10."),
            ((12.5, 6.4), "A token fires whole or not at all: the last half stays behind."),
            ((13, 6.4), "The thirteenth token would need a weight of 13, and there are 12.5."),
            ((12, 10), "8 · 1.25 is what eight words weigh. How many words weigh 8?"),
            (
                (12, 6),
                "After 6 words there are 7.5: the eighth token fires inside the seventh word.",
            ),
            (
                (12, 7),
                "After 7 words there are 8.75: the eighth token has fired before, inside the "
                "seventh word. Where in it?",
            ),
        ),
        otherwise="The weight after n words is 1.25 n. What is it after ten, and when is it 8?",
    ),
)
