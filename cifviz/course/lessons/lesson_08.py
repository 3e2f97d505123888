"""Exercises of lesson 08: passes of decoders, tokens chosen apart, thresholds, what is given away.

Notebook: notebooks/08_nar_decoding.ipynb
"""

from __future__ import annotations

import math

from cifviz.course.exercises import Numbers, Program


def give_away(right: list[bool], ratio: float, order: list[int]) -> list[bool]:
    """The right answer to 08.4: which tokens the second pass is given."""
    number = math.ceil(ratio * right.count(False))
    chosen = order[:number]
    return [token in chosen for token in range(len(right))]


def _rounds_down(right: list[bool], ratio: float, order: list[int]) -> list[bool]:
    chosen = order[: math.floor(ratio * right.count(False))]
    return [token in chosen for token in range(len(right))]


def _counts_the_right_ones(right: list[bool], ratio: float, order: list[int]) -> list[bool]:
    chosen = order[: math.ceil(ratio * right.count(True))]
    return [token in chosen for token in range(len(right))]


def _counts_all(right: list[bool], ratio: float, order: list[int]) -> list[bool]:
    chosen = order[: math.ceil(ratio * len(right))]
    return [token in chosen for token in range(len(right))]


def _gives_the_wrong_ones_alone(right: list[bool], ratio: float, order: list[int]) -> list[bool]:
    wrong = [token for token in order if not right[token]]
    chosen = wrong[: math.ceil(ratio * right.count(False))]
    return [token in chosen for token in range(len(right))]


def _takes_the_first_places(right: list[bool], ratio: float, order: list[int]) -> list[bool]:
    number = math.ceil(ratio * right.count(False))
    return [token < number for token in range(len(right))]


def _says_what_is_taught(right: list[bool], ratio: float, order: list[int]) -> list[bool]:
    return [not given for given in give_away(right, ratio, order)]


EXERCISES = (
    Numbers(
        "08.1",
        praise="A pass for each token, one more to find the end, and a single one for all.",
        answer=(12, 13, 1),
        mistakes=(
            (
                (12, 12, 1),
                "The decoder with attention is not told how many tokens there are: it goes on "
                "until it gives the mark of the end. That takes a pass, too.",
            ),
            (
                (13, 13, 1),
                "The decoder of a CIF is told how many tokens there are: one for each fire. It "
                "needs no pass to find the end.",
            ),
            (
                (12, 13, 12),
                "All tokens at once is a single pass, however many there are.",
            ),
            (
                (12, 13, 0),
                "The tokens do not come from nowhere: at least one pass through the decoder.",
            ),
            (
                (11, 12, 1),
                "The first token takes a pass, too, though there is none before it.",
            ),
        ),
        otherwise="One pass for each token; is there one more for the end? And for all at once?",
    ),
    Numbers(
        "08.2",
        praise="Three ways to choose, three strings. All at once “five one” comes out; one after "
        "the other “five nine”, for after “five” the word “nine” is more probable; and neither is "
        "the most probable string, “nine one”.",
        answer=(0.25, 0.35, 0.4),
        mistakes=(
            (
                (0.39, 0.35, 0.4),
                "0.6 · 0.65 would be the probability if the two words did not depend on each "
                "other. Look the string up in the list.",
            ),
            (
                (0.35, 0.35, 0.4),
                "All at once: the second word is chosen without knowledge of the first. Which "
                "second word is the more probable in the whole list?",
            ),
            (
                (0.4, 0.4, 0.4),
                "Both decoders begin with the more probable first word, and that is not “nine”.",
            ),
            (
                (0.25, 0.4, 0.4),
                "One after the other begins with the more probable first word, “five”, and does "
                "not come back to it.",
            ),
            (
                (0.25, 0.25, 0.4),
                "One after the other knows that the first word is “five” when it chooses the "
                "second: only the strings that begin with “five” are left.",
            ),
            (
                (0.25, 0.35, 0.35),
                "The last number is that of the best string in the list, whoever would find it.",
            ),
        ),
        otherwise="First add up, for each place, the probabilities of the strings that have a word "
        "there. All at once takes the larger one in each place.",
    ),
    Numbers(
        "08.3",
        praise="By ceiling there are seven tokens that take 0.9 each, by rounding six that take "
        "1.05 each.",
        answer=(7, 0.9, 6, 1.05),
        mistakes=(
            (
                (6, 1.05, 6, 1.05),
                "The ceiling of 6.3 is the next whole number above it.",
            ),
            (
                (7, 0.9, 7, 0.9),
                "6.3 is nearer to 6 than to 7.",
            ),
            (
                (7, 1 / 0.9, 6, 1 / 1.05),
                "The thresholds are upside down: each token takes its share of the 6.3.",
            ),
            (
                (6, 1, 6, 1),
                "That is the fixed threshold, which leaves 0.3 over. Here β is chosen so that "
                "nothing is left.",
            ),
            (
                (7, 1, 6, 1),
                "The counts are right. Now β: what does each token take, if they share 6.3 evenly?",
            ),
        ),
        otherwise="β = S / count, with the count ⌈S⌉ or the nearest whole number.",
        tolerance=0.001,
    ),
    Program(
        "08.4",
        praise="The worse the first pass, the more is given away; and which tokens, is chance "
        "alone.",
        solution=give_away,
        cases=(
            ([False, True, False, False], 0.5, [2, 1, 3, 0]),
            ([False, False, True, True], 1.0, [3, 0, 2, 1]),
            ([True, True, True], 0.75, [1, 0, 2]),
            ([False, False, False, False, True], 0.75, [4, 3, 0, 1, 2]),
            ([False, True, True, True], 0.25, [2, 1, 3, 0]),
            ([False], 0.0, [0]),
        ),
        mistakes=(
            (
                _rounds_down,
                "Round up: ⌈λ · d⌉. (FunASR's code rounds down, as you did; the paper rounds up.)",
            ),
            (
                _counts_the_right_ones,
                "d counts the tokens that are wrong in the first pass.",
            ),
            (
                _counts_all,
                "λ is a share of the tokens that are wrong, not of all.",
            ),
            (
                _gives_the_wrong_ones_alone,
                "The number is right. But which tokens are given away does not depend on whether "
                "they are wrong: take the first ones of `order`.",
            ),
            (
                _takes_the_first_places,
                "The number is right. Which tokens: the first ones of `order`, not of the string.",
            ),
            (
                _says_what_is_taught,
                "The other way round: True for a token that is given away.",
            ),
        ),
    ),
    Numbers(
        "08.5",
        praise="The first token lacks 0.2 and the second has 0.2 too much. Judged by segments both "
        "are wrong; by the sum up to each spike only the first is.",
        answer=(0.2, 0.02),
        mistakes=(
            (
                (0.2, 0.04),
                "0.04 is the sum of both squares. Divide it by the number of tokens, as the first "
                "loss does.",
            ),
            (
                (0.4, 0.04),
                "These are sums. Both losses are per token: divide by two.",
            ),
            (
                (0.2, 0.1),
                "The second loss takes squares: (0.8 − 1)² = 0.04.",
            ),
            (
                (0.2, 0.04 / 2 + 0.72),
                "Up to the second spike there is the weight of both tokens: compare it with 2.",
            ),
            (
                (0.0, 0.02),
                "Without their signs the differences do not cancel: 0.2 and 0.2.",
            ),
            (
                (0.2, 0.2),
                "By segments that is right. For the second loss sum from the beginning: 0.8 and "
                "2.0. What is expected there, and what is the square of the difference?",
            ),
        ),
        otherwise="Frames 0 and 1 weigh 0.8, frames 2 to 4 weigh 1.2. Up to the spikes there are "
        "0.8 and 2.0.",
        tolerance=0.0005,
    ),
)
