"""Recipes and their variants: what is compared differs in what its name says, and in no more."""

from dataclasses import asdict, replace

import pytest

from cifviz.errors import CIFError
from cifviz.published import read_results
from cifviz.resources import resource
from experiments.recipes import RECIPES, find_recipe, variants_of
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
        ("mask-ctc", {"system", "config", "fit.steps"}),
        ("context-aware", {"system", "config"}),
        ("paraformer", {"system", "config", "fit.steps"}),
        ("nar-longer", {"fit.steps"}),
        ("ar", {"config.decoder.kind"}),
        ("projection", {"config.decoder.kind", "config.decoder.dim"}),
        ("nar-context", {"config.cif.add_cif_ctxt_layers", "config.cif.cif_ctxt_ffn_embed_dim"}),
        ("spike-segments-0.3", {"fit.loss_weights"}),
        ("spikes-1", {"fit.loss_weights"}),
        ("", {"fit.loss_weights", "config.cif.pause_frames"}),
    ],
)
def test_it_changes_one_thing_about_the_plain_cif(variant, changed):
    plain, other = find_recipe("digits", "plain"), find_recipe("digits", variant)
    assert set(differences(settings(plain), settings(other))) == changed


def test_even_lacks_pause_rounding_alone():
    recipe, even = find_recipe("digits"), find_recipe("digits", "even")
    assert differences(settings(recipe), settings(even)) == ["config.cif.pause_frames"]


@pytest.mark.parametrize(
    ("variant", "changed"),
    [
        ("paraformer-0", "config.sampling_ratio"),
        ("paraformer-1", "config.sampling_ratio"),
        ("paraformer-rounded", "config.cif.tail_rule"),
        ("paraformer-dynamic", "config.cif.tail_rule"),
    ],
)
def test_it_changes_one_thing_about_the_paraformer(variant, changed):
    paraformer, other = (find_recipe("markov-digits", name) for name in ("paraformer", variant))
    assert differences(settings(paraformer), settings(other)) == [changed]
    assert other.weights_of == ("paraformer" if changed == "config.cif.tail_rule" else None)


@pytest.mark.parametrize("name", ["markov-digits", "small-grid"])
@pytest.mark.parametrize("variant", ["ctc", "intermediate-ctc", "mask-ctc", "paraformer", "ar"])
def test_what_is_compared_has_one_encoder(name, variant):
    recipe, other = find_recipe(name), find_recipe(name, variant)
    assert recipe.config.encoder == other.config.encoder
    assert recipe.config.features == other.config.features
    assert replace(other.fit, steps=recipe.fit.steps) == recipe.fit


def test_units_change_the_tokens_alone():
    words = find_recipe("markov-digits")
    for name, spelling in (("markov-merged", 2.6), ("markov-phones", 3.2)):
        other = find_recipe(name)
        changed = differences(settings(words), settings(other))
        assert changed == ["config.vocabulary", "augmentation.max_tokens"]
        most = words.augmentation.max_tokens * spelling
        assert other.augmentation.max_tokens == round(most)


@pytest.mark.parametrize("name", RECIPES)
def test_every_variant_of_every_recipe_can_be_made(name):
    for variant in variants_of(name):
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
