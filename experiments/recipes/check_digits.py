"""The recipe "check-digits": like "markov-digits", but the last digit is a check digit (Luhn)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from experiments.recipes import markov_digits
from experiments.structured_digits import GrammarStrings, checked_digit, grammar_utterances

RECIPE = replace(
    markov_digits.RECIPE,
    name="check-digits",
    dev=lambda: grammar_utterances("dev", checked_digit),
    test=lambda: grammar_utterances("test", checked_digit),
    example_maker=partial(GrammarStrings, next_digit=checked_digit),
    sources="Free Spoken Digit Dataset (Jackson et al., CC BY-SA 4.0), four speakers, "
    "the last digit of each string being a check digit",
)
