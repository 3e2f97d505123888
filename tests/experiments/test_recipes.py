"""Recipes and their variants: what is compared differs in what its name says, and in no more."""

from dataclasses import asdict, replace

import pytest

from cifviz.errors import CIFError
from cifviz.published import read_results
from cifviz.resources import resource
from experiments.recipes import RECIPES, VARIANTS, find_recipe
from experiments.runs import differing, settings_of


def differences(one, other, path=""):
    """Paths of the settings in which two recipes differ."""
    if isinstance(one, dict) and one.keys() == other.keys():
        return [
            found for key in one for found in differences(one[key], other[key], f"{path}.{key}")
        ]
    return [] if one == other else [path.removeprefix(".")]


def settings(recipe):
    return {
        "config": asdict(recipe.config),
        "fit": asdict(recipe.fit),
        "augmentation": asdict(recipe.augmentation),
        "system": recipe.system,
    }


@pytest.mark.parametrize(
    ("variant", "changed"),
    [
        ("linear", {"config.cif.produce_weight_type"}),
        ("dense", {"config.cif.produce_weight_type", "config.cif.dense_cif_units_num"}),
        ("affine", {"config.cif.conv_cif_activation"}),
        ("wide", {"config.cif.conv_cif_width"}),
        ("unscaled", {"config.cif.apply_scaling"}),
        ("no-quantity", {"fit.loss_weights"}),
        ("20ms", {"config.encoder.down_sampling"}),
        ("80ms", {"config.encoder.down_sampling"}),
        ("pauses", {"config.cif.pause_frames"}),
        ("segments", {"fit.loss_weights"}),
        ("ctc", {"system", "config"}),
        ("attention", {"system", "config", "fit.steps"}),
        ("", {"fit.loss_weights", "config.cif.pause_frames"}),
    ],
)
def test_it_changes_one_thing_about_the_plain_cif(variant, changed):
    plain, other = find_recipe("digits", "plain"), find_recipe("digits", variant)
    assert set(differences(settings(plain), settings(other))) == changed


def test_even_lacks_pause_rounding_alone():
    recipe, even = find_recipe("digits"), find_recipe("digits", "even")
    assert differences(settings(recipe), settings(even)) == ["config.cif.pause_frames"]


@pytest.mark.parametrize("name", RECIPES)
def test_every_variant_of_every_recipe_can_be_made(name):
    for variant in VARIANTS:
        assert find_recipe(name, variant).variant == variant


def test_an_unknown_one_is_answered_with_the_known():
    with pytest.raises(CIFError, match=r"recipe.*digits"):
        find_recipe("letters")
    with pytest.raises(CIFError, match=r"variant.*plain"):
        find_recipe("digits", "fancy")


def test_the_recipes_are_those_that_made_the_published_results():
    for result in read_results(resource("results")):
        recipe = find_recipe(result["recipe"], result["variant"])
        seeded = replace(recipe, fit=replace(recipe.fit, seed=result["seed"]))
        other = differing(result, settings_of(seeded, result["leave_out"]))
        assert not other, (result["command"], other)
