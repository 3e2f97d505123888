"""What the recipes are compared with: a name, and the settings in which a variant differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from experiments.recipes.recipe import Recipe

PLAIN = {"config.cif.pause_frames": 0, "fit.alignment": "none"}
"""The CIF of the paper with a CTC beside it: without anything that the recipes add."""

VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "plain": PLAIN,
    # One addition to the plain CIF.
    "pauses": {"config.cif.pause_frames": 5, "fit.alignment": "none", "weights_of": "plain"},
    "segments": {**PLAIN, "fit.alignment": "segments", "fit.alignment_from": 0.25},
    "spikes": {**PLAIN, "fit.alignment": "spikes", "fit.alignment_from": 0.25},
    "borders": {**PLAIN, "fit.alignment": "borders", "fit.alignment_from": 0.25},
    # The recipe without pause rounding.
    "even": {"config.cif.pause_frames": 0, "weights_of": ""},
    # How the plain CIF makes its weights, and what teaches their sum.
    "linear": {**PLAIN, "config.cif.produce_weight_type": "linear"},
    "dense": {
        **PLAIN,
        "config.cif.produce_weight_type": "dense",
        "config.cif.dense_cif_units_num": 144,
    },
    "affine": {**PLAIN, "config.cif.conv_cif_activation": False},
    "wide": {**PLAIN, "config.cif.conv_cif_width": 5},
    "unscaled": {**PLAIN, "config.cif.apply_scaling": False},
    "no-quantity": {**PLAIN, "fit.quantity_weight": 0.0},
    "20ms": {**PLAIN, "config.encoder.down_sampling": 2},
    "80ms": {**PLAIN, "config.encoder.down_sampling": 8},
    # Other systems on the same encoder.
    "upsampled": {**PLAIN, "system": "upsampled"},
    "blank-weighted": {**PLAIN, "system": "blank-weighted"},
    "ctc": {**PLAIN, "system": "ctc"},
    "ctc-priors": {**PLAIN, "system": "ctc-priors"},
    "attention": {**PLAIN, "system": "attention"},
}
"""By name: settings of a `Recipe`, by their path, and the values that they get instead."""

STEPS_FACTOR = {"attention": 2}
"""How many times longer than the recipe a variant trains: attention finds the tokens late."""


def make_variant(recipe: Recipe, name: str) -> Recipe:
    """The recipe with the settings of one of `VARIANTS`."""
    for path, value in VARIANTS[name].items():
        recipe = changed(recipe, path.split("."), value)
    steps = STEPS_FACTOR.get(name, 1) * recipe.fit.steps
    return replace(recipe, variant=name, fit=replace(recipe.fit, steps=steps))


def changed(settings: Any, path: list[str], value: Any) -> Any:
    """The same dataclass or mapping with another value at a path of names.

    >>> changed({"a": {"b": 1, "c": 2}}, ["a", "b"], 3)
    {'a': {'b': 3, 'c': 2}}
    """
    name, *inner = path
    is_mapping = isinstance(settings, Mapping)
    if inner:
        held = settings[name] if is_mapping else getattr(settings, name)
        value = changed(held, inner, value)
    return {**settings, name: value} if is_mapping else replace(settings, **{name: value})
