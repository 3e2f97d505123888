"""The recipes "markov-merged" and "markov-phones": like "markov-digits", but in smaller units."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from cifviz.corpora.word_lists import DIGITS
from experiments.recipes import markov_digits
from experiments.recipes.recipe import Recipe
from experiments.structured_digits import GrammarStrings, grammar_utterances, markov_digit
from experiments.training_data import labelled_takes
from experiments.units import DIGIT_PHONES, Spelling, in_units, merged_units, numbered, units_of

MERGES = 12
"""Of characters: 19 units, 2.6 in a digit; some are no sound, such as the "o" of "four"."""


def recipe_in_units(name: str, spelling: Spelling) -> Recipe:
    """The recipe "markov-digits" with other tokens, and as many words in an utterance."""
    words = markov_digits.RECIPE
    units_per_word = sum(map(len, spelling.values())) / len(spelling)
    most = round(words.augmentation.max_tokens * units_per_word)
    return replace(
        words,
        name=name,
        config=replace(words.config, vocabulary=units_of(spelling)),
        real=lambda: in_units(labelled_takes(), spelling),
        dev=lambda: in_units(grammar_utterances("dev", markov_digit), spelling),
        test=lambda: in_units(grammar_utterances("test", markov_digit), spelling),
        augmentation=replace(words.augmentation, max_tokens=most),
        example_maker=partial(
            GrammarStrings, next_digit=markov_digit, spellings=numbered(spelling)
        ),
    )


MERGED = recipe_in_units("markov-merged", merged_units(DIGITS, MERGES))
PHONES = recipe_in_units("markov-phones", DIGIT_PHONES)
