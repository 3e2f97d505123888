"""Exercises of lesson 09: a list beside a transcript, attention, two decoders, purification, F1.

Notebook: notebooks/09_contextual_biasing.ipynb
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from cifviz.course.exercises import Numbers, Program


def combine(asr: list[float], context: list[float], weight: float) -> list[float]:
    """The right answer to 09.4: scores of all words at one fire; "no bias" is last in `context`."""
    *tokens, no_bias = context
    biased = asr if no_bias >= max(tokens) else tokens
    return _interpolated(asr, biased, weight)


def _interpolated(asr: Sequence[float], biased: Sequence[float], weight: float) -> list[float]:
    return [
        (1 - weight) * math.log(one) + weight * math.log(other)
        for one, other in zip(asr, biased, strict=True)
    ]


def _never_leaves_it_alone(asr: list[float], context: list[float], weight: float) -> list[float]:
    return _interpolated(asr, context[:-1], weight)


def _the_other_way_round(asr: list[float], context: list[float], weight: float) -> list[float]:
    return combine(asr, context, 1 - weight)


def _without_logarithms(asr: list[float], context: list[float], weight: float) -> list[float]:
    return [math.exp(one) for one in combine(asr, context, weight)]


def _mixes_probabilities(asr: list[float], context: list[float], weight: float) -> list[float]:
    *tokens, no_bias = context
    biased = asr if no_bias >= max(tokens) else tokens
    return [
        math.log((1 - weight) * one + weight * other)
        for one, other in zip(asr, biased, strict=True)
    ]


def _shares_no_bias(asr: list[float], context: list[float], weight: float) -> list[float]:
    *tokens, no_bias = context
    biased = [one + no_bias * other for one, other in zip(tokens, asr, strict=True)]
    return _interpolated(asr, biased, weight)


def _says_no_bias_above_a_half(
    asr: list[float], context: list[float], weight: float
) -> list[float]:
    *tokens, no_bias = context
    return _interpolated(asr, asr if no_bias > 0.5 else tokens, weight)


NO_BIAS = -1


def targets(reference: list[int], phrase: list[int]) -> list[int]:
    """The right answer to 09.5: what a context network should say of each word."""
    made = [NO_BIAS] * len(reference)
    for first in _places(reference, phrase):
        made[first : first + len(phrase)] = phrase
    return made


def _places(reference: list[int], phrase: list[int]) -> list[int]:
    """Where a phrase begins."""
    firsts = range(len(reference) - len(phrase) + 1)
    return [first for first in firsts if reference[first : first + len(phrase)] == phrase]


def _words_anywhere(reference: list[int], phrase: list[int]) -> list[int]:
    return [word if word in phrase else NO_BIAS for word in reference]


def _first_words_alone(reference: list[int], phrase: list[int]) -> list[int]:
    made = [NO_BIAS] * len(reference)
    for first in _places(reference, phrase):
        made[first] = phrase[0]
    return made


def _first_place_alone(reference: list[int], phrase: list[int]) -> list[int]:
    made = [NO_BIAS] * len(reference)
    for first in _places(reference, phrase)[:1]:
        made[first : first + len(phrase)] = phrase
    return made


def _last_place_missing(reference: list[int], phrase: list[int]) -> list[int]:
    return [*targets(reference[:-1], phrase), NO_BIAS]


def _the_reference(reference: list[int], phrase: list[int]) -> list[int]:
    return list(reference)


EXERCISES = (
    Numbers(
        "09.1",
        praise="Two names are equally near. The transcript does not say which of “five” and “one” "
        "was the unclear word; the sound may, but the transcript has left it behind.",
        answer=(1, 2, 1),
        mistakes=(
            (
                (1, 2, 2),
                "Compare the third one again, place by place: only one word differs.",
            ),
            (
                (2, 1, 2),
                "These are the words that agree. Count those that differ.",
            ),
            (
                (1, 0, 1),
                "“five nine four” has the same words, but in another order: compare place by "
                "place.",
            ),
            (
                (1 / 3, 2 / 3, 1 / 3),
                "These are rates. Give the numbers of words that differ.",
            ),
        ),
        otherwise="Compare place by place: the first word with the first, the second with the "
        "second, the third with the third.",
    ),
    Numbers(
        "09.2",
        praise="The larger a score, the larger the share; and “no bias” is a share like the "
        "others.",
        answer=(0.125, 1.75),
        mistakes=(
            (
                (0, 2.0),
                "“no bias” takes part: its score is 0, and exp(0) is 1, not 0.",
            ),
            (
                (0.125, 2.0),
                "The shares are right. What is read is a mean over all four, and “no bias” is the "
                "number 0 in it: it counts in the sum of the shares.",
            ),
            (
                (1, 14),
                "Divide by the sum, 1 + 1 + 2 + 4: the shares have to sum to 1.",
            ),
            (
                (0, math.log(2) * 2 + math.log(4) * 4),
                "The scores are no shares. First exp, then divide by the sum.",
            ),
            (
                (0.25, 1.75),
                "What is read is right. The share of “no bias” is exp(0) over the sum of all four, "
                "1 + 1 + 2 + 4.",
            ),
        ),
        otherwise="Take exp of each score: 1, 1, 2, 4. Divide by their sum. Then sum share times "
        "number.",
    ),
    Numbers(
        "09.3",
        praise="Below 0.6 the recogniser is sure enough to stand against the list. The surer it "
        "is, the more λ it takes.",
        answer=0.6,
        mistakes=(
            (
                0.4,
                "That is the share of the recogniser, 1 − λ, at which it is overruled.",
            ),
            (
                1 / 3,
                "Compare logarithms, not probabilities: the score is (1 − λ) log P + λ log Q.",
            ),
            (
                0.5,
                "At λ = 0.5 the ratios are multiplied: 8 against 4. The recogniser still wins.",
            ),
            (
                2 / 3,
                "log 8 is 3 log 2 and log 4 is 2 log 2. Solve (1 − λ) · 3 = λ · 2.",
            ),
        ),
        otherwise="Where both have the same score, (1 − λ) · log(0.8 / 0.1) = λ · log(0.4 / 0.1). "
        "Use 8 = 2³ and 4 = 2².",
    ),
    Program(
        "09.4",
        praise="These few lines decide each word: the recogniser's, unless the context network "
        "hears a phrase and λ is large enough.",
        solution=combine,
        cases=(
            ([0.6, 0.3, 0.1], [0.07, 0.56, 0.07, 0.3], 0.5),
            ([0.5, 0.4, 0.1], [0.1, 0.25, 0.05, 0.6], 0.5),
            ([0.5, 0.4, 0.1], [0.1, 0.25, 0.25, 0.4], 0.25),
            ([0.7, 0.2, 0.1], [0.1, 0.7, 0.1, 0.1], 0.8),
            ([0.7, 0.3], [0.6, 0.2, 0.2], 1.0),
        ),
        mistakes=(
            (
                _never_leaves_it_alone,
                "Where “no bias” is the most likely of all, take the recogniser in place of the "
                "context network.",
            ),
            (
                _the_other_way_round,
                "λ is the share of the context network: λ = 0 is the recogniser alone.",
            ),
            (
                _without_logarithms,
                "The scores are logarithms: leave out the last exp.",
            ),
            (
                _mixes_probabilities,
                "Logarithms are interpolated, not probabilities: (1 − λ) log P + λ log Q.",
            ),
            (
                _shares_no_bias,
                "That is “shared”, the other treatment. Here the recogniser decides alone where "
                "“no bias” is the most likely.",
            ),
            (
                _says_no_bias_above_a_half,
                "“no bias” need not be above one half: compare it with the largest of the words.",
            ),
        ),
    ),
    Program(
        "09.5",
        praise="A word counts only as a part of a whole phrase, and a phrase counts wherever it "
        "stands.",
        solution=targets,
        cases=(
            ([5, 0, 3, 8], [0, 3]),
            ([5, 0, 3, 8, 0, 3, 1], [0, 3]),
            ([3, 0, 8, 3], [0, 3]),
            ([8, 0, 3], [0, 3]),
            ([7, 7, 7, 2], [7, 7]),
            ([4, 9, 2], [4, 9, 2, 1]),
        ),
        mistakes=(
            (
                _words_anywhere,
                "A word of a phrase that stands alone is no phrase: all words of it have to stand "
                "in a row.",
            ),
            (
                _first_words_alone,
                "Each word of a phrase is a target, not only the first.",
            ),
            (
                _first_place_alone,
                "A phrase may stand in several places: go on after the first.",
            ),
            (
                _last_place_missing,
                "Look at the last place, too: a phrase may end with the reference.",
            ),
            (
                _the_reference,
                "Words outside of all phrases have the target −1, “no bias”.",
            ),
        ),
    ),
    Numbers(
        "09.6",
        praise="The order is lost, and even how often the whole is repeated: among equal words "
        "attention is shared, and the mean is the same.",
        answer=3,
        mistakes=(
            (
                2,
                "Look at the one that says all four digits twice. Each digit is as large a share "
                "of it as before.",
            ),
            (
                4,
                "“4 9 2 2” has no 1, and “4 9 2” neither: other digits, another mean.",
            ),
            (
                0,
                "Nothing tells the encoder which digit is first. It sees which digits there are.",
            ),
            (
                1,
                "Two of them are “4 9 2 1” in another order, which is not seen. And is there one "
                "in which all digits have the same shares?",
            ),
        ),
        otherwise="Without positions only one thing counts: which digits there are, and what share "
        "of the phrase each of them is.",
    ),
    Numbers(
        "09.7",
        praise="What was spread over many phrases that nobody said now lies on two, and on “no "
        "bias”.",
        answer=(0.2, 0.5, 0.3),
        mistakes=(
            (
                (0, 0.625, 0.375),
                "“no bias” stays, whatever k is: it is not one of the phrases that compete.",
            ),
            (
                (0.16, 0.4, 0.24),
                "These sum to 0.8. Divide them by it.",
            ),
            (
                (0.25, 0.625, 0.375),
                "You divided by the sum of both phrases. “no bias” belongs to the sum.",
            ),
            (
                (0.36, 0.4, 0.24),
                "What is taken away does not go to “no bias” alone: all that is kept is divided by "
                "its sum.",
            ),
        ),
        otherwise="Keep “no bias” and the two largest of the phrases, and divide the three by "
        "their sum.",
        tolerance=0.003,
    ),
    Numbers(
        "09.8",
        praise="Precision is a share of what came out, recall a share of the reference. F1 is "
        "small if one of them is.",
        answer=(0.6, 0.75, 2 / 3),
        mistakes=(
            (
                (0.75, 0.6, 2 / 3),
                "The other way round: precision is over what was recognised, recall over what was "
                "said.",
            ),
            (
                (0.6, 0.75, 0.675),
                "F1 is the harmonic mean, 2 · P · R / (P + R).",
            ),
            (
                (0.6, 0.75, 0.45),
                "That is the product. F1 is twice the product over the sum.",
            ),
            (
                (0.6, 0.8, 0.6857142857142857),
                "Recall: 6 of the 8 that were said.",
            ),
        ),
        otherwise="Precision 6 of 10, recall 6 of 8, F1 = 2 · P · R / (P + R).",
    ),
)
