"""What the recipes are compared with: a name, and the settings in which a variant differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from cifviz.systems.attention import AttentionRecognizerConfig
from cifviz.systems.cif import CIFRecognizerConfig
from cifviz.systems.ctc import CTCRecognizerConfig
from cifviz.training.fit import Schedule
from experiments.recipes.recipe import Recipe

ATTENTION_LAYERS = 2
"""With one alone no token depends on where the token before it attended."""
PRIOR_WEIGHT = 0.1
"""How much of the label priors CTC subtracts where it does."""


def ctc_config(config: CIFRecognizerConfig, prior_weight: float = 0.0) -> CTCRecognizerConfig:
    """CTC on the same features and the same encoder."""
    return CTCRecognizerConfig(config.vocabulary, config.features, config.encoder, prior_weight)


def attention_config(config: CIFRecognizerConfig) -> AttentionRecognizerConfig:
    """Attention on the same features and the same encoder."""
    decoder = replace(config.decoder, layers=ATTENTION_LAYERS)
    return AttentionRecognizerConfig(config.vocabulary, config.features, config.encoder, decoder)


PLAIN = {"config.cif.pause_frames": 0, "fit.loss_weights": {}}
"""The CIF of the paper with a CTC beside it: without anything that the recipes add."""
LATE = Schedule(start=0.25)
"""Of losses that follow CTC, which has to find the tokens first."""

VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "plain": PLAIN,
    # One addition to the plain CIF.
    "pauses": {"config.cif.pause_frames": 5, "fit.loss_weights": {}, "weights_of": "plain"},
    "segments": {**PLAIN, "fit.loss_weights": {"segments": LATE}},
    "spikes": {**PLAIN, "fit.loss_weights": {"spikes": LATE}},
    "borders": {**PLAIN, "fit.loss_weights": {"borders": LATE}},
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
    "no-quantity": {**PLAIN, "fit.loss_weights": {"quantity": 0.0}},
    "20ms": {**PLAIN, "config.encoder.down_sampling": 2},
    "80ms": {**PLAIN, "config.encoder.down_sampling": 8},
    # Other systems on the same encoder.
    "upsampled": {**PLAIN, "system": "upsampled"},
    "blank-weighted": {**PLAIN, "system": "blank-weighted"},
    "ctc": {**PLAIN, "system": "ctc", "config": ctc_config},
    "ctc-priors": {
        **PLAIN,
        "system": "ctc",
        "config": partial(ctc_config, prior_weight=PRIOR_WEIGHT),
    },
    "attention": {**PLAIN, "system": "attention", "config": attention_config},
    # Other decoders of the plain CIF.
    "ar": {**PLAIN, "config.decoder.kind": "ar"},
}
"""By name: settings of a `Recipe`, by their path, and the values that they get instead; a function
makes the value out of the recipe's."""

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
    held = settings[name] if is_mapping else getattr(settings, name)
    if inner:
        value = changed(held, inner, value)
    elif callable(value):
        value = value(held)
    return {**settings, name: value} if is_mapping else replace(settings, **{name: value})
