"""The recipes "spiking-digits" and "spiking-phones": markov strings, by neurons and by a GRU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cifviz.core.neurons import USUAL
from cifviz.systems.spiking import GRU, SpikingConfig
from experiments.recipes import markov_digits, markov_units
from experiments.recipes.recipe import Recipe


def spiking_recipe(recipe: Recipe, name: str) -> Recipe:
    """A recipe with a spiking encoder of its size and the rule of a CIF."""
    config: Any = recipe.config
    return replace(
        recipe,
        name=name,
        system="spiking",
        config=SpikingConfig(**vars(config)),
        fit=replace(recipe.fit, steps=1200),
    )


DIGITS = spiking_recipe(markov_digits.RECIPE, "spiking-digits")
PHONES = spiking_recipe(markov_units.PHONES, "spiking-phones")

FAINT = {"fit.loss_weights": {"quantity": 0.05}}
"""For ``dynamic``, whose count changes abruptly with the weights: the gradient of its quantity loss
never calms, and with weight 1 it is nearly all that is left of a step where the norm is bounded."""

OTHERS: Mapping[str, Mapping[str, Any]] = {
    "leaky": {"config.neuron": USUAL["leaky"]},
    "adaptive": {"config.neuron": USUAL["adaptive"]},
    "dynamic": {"config.neuron": USUAL["dynamic"], **FAINT},
}
"""Fire rules that are no CIF."""
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    **OTHERS,
    "gru": {"config.network": GRU},
    **{f"gru-{name}": {"config.network": GRU, **changed} for name, changed in OTHERS.items()},
}
"""The other fire rules, and each on a GRU."""
