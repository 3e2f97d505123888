"""The recipes that made the checkpoints, a file each; `experiments.runs` runs them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cifviz.errors import require_choice
from experiments.recipes import (
    check_digits,
    code_digits,
    digits,
    drawn_lips,
    drawn_phones,
    english,
    grid,
    hieradist,
    markov_digits,
    markov_units,
    reordered,
    small_grid,
    spiking,
    w2v_cif_bert,
)
from experiments.recipes.recipe import Recipe
from experiments.recipes.variants import VARIANTS, make_variant

RECIPES = {
    "digits": digits.RECIPE,
    "grid": grid.RECIPE,
    "markov-digits": markov_digits.RECIPE,
    "markov-merged": markov_units.MERGED,
    "markov-phones": markov_units.PHONES,
    "check-digits": check_digits.RECIPE,
    "small-grid": small_grid.RECIPE,
    "code-digits": code_digits.RECIPE,
    "english": english.RECIPE,
    "hieradist": hieradist.RECIPE,
    "w2v-cif-bert": w2v_cif_bert.RECIPE,
    "reordered-digits": reordered.DIGITS,
    "reordered-grid": reordered.SENTENCES,
    "spiking-digits": spiking.DIGITS,
    "spiking-phones": spiking.PHONES,
    "drawn-lips": drawn_lips.RECIPE,
    "drawn-phones": drawn_phones.RECIPE,
}
"""By name."""
OWN_VARIANTS = {
    "english": english.VARIANTS,
    "hieradist": hieradist.VARIANTS,
    "w2v-cif-bert": w2v_cif_bert.VARIANTS,
    "reordered-digits": reordered.VARIANTS,
    "reordered-grid": reordered.SENTENCE_VARIANTS,
    "spiking-digits": spiking.VARIANTS,
    "spiking-phones": spiking.VARIANTS,
    "drawn-lips": drawn_lips.VARIANTS,
    "drawn-phones": drawn_phones.VARIANTS,
}
"""Of recipes with variants of their own."""


def variants_of(name: str) -> Mapping[str, Mapping[str, Any]]:
    """The variants of a recipe: those of all that learn words, or its own."""
    return OWN_VARIANTS.get(name, VARIANTS)


def find_recipe(name: str, variant: str = "") -> Recipe:
    """The recipe of that name, or a variant of it; for an unknown one the error names the known."""
    require_choice("recipe", name, list(RECIPES))
    if not variant:
        return RECIPES[name]
    variants = variants_of(name)
    require_choice("variant", variant, list(variants))
    return make_variant(RECIPES[name], variant, variants[variant])


__all__ = ["RECIPES", "VARIANTS", "Recipe", "find_recipe", "variants_of"]
