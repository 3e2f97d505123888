"""The recipe "code-digits": like "markov-digits", but of random digits, some of which are codes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from experiments.phone_book import PLANTED, RandomStrings, utterances
from experiments.recipes import markov_digits
from experiments.recipes.variants import changed

RECIPE = replace(
    markov_digits.RECIPE,
    name="code-digits",
    # No language, so that there is nothing to learn of the other tokens.
    config=changed(markov_digits.RECIPE.config, ["decoder", "layers"], 1),
    dev=lambda: utterances("dev"),
    test=lambda: utterances("test"),
    example_maker=RandomStrings,
    phrase_example_maker=partial(RandomStrings, planted=PLANTED),
    sources="Free Spoken Digit Dataset (Jackson et al., CC BY-SA 4.0), four speakers, "
    "in random order",
)
