"""Every key of CIF-PyTorch's README is taken, with its default, and does something."""

import json
import math
import re

import pytest
import torch

from cifviz.core.module import CIF, CIFConfig
from cifviz.core.pause_rounding import round_at_pauses
from cifviz.core.tail import appended, dynamic, rounded
from cifviz.errors import CIFError

README = {
    "encoder_embed_dim": 256,
    "produce_weight_type": "conv",
    "cif_threshold": 0.99,
    "conv_cif_layer_num": 1,
    "conv_cif_width": 3,
    "conv_cif_output_channels_num": 256,
    "conv_cif_dropout": 0.1,
    "dense_cif_units_num": 256,
    "apply_scaling": True,
    "apply_tail_handling": True,
    "tail_handling_firing_threshold": 0.5,
    "add_cif_ctxt_layers": False,
}
SMALL = {"encoder_embed_dim": 8, "conv_cif_output_channels_num": 8, "dense_cif_units_num": 8}


def small(**settings) -> CIF:
    torch.manual_seed(0)
    return CIF(CIFConfig.from_dict({**SMALL, **settings})).eval()


def steady(weight: float, **settings) -> CIF:
    """A CIF that gives every frame the same weight."""
    cif = small(produce_weight_type="linear", **settings)
    torch.nn.init.zeros_(cif.weights.weight_proj.weight)
    cif.start_at(weight)
    return cif


def reach(cif: CIF) -> list[int]:
    """Frames whose weight changes when frame 10 does."""
    encoder_out = torch.randn(1, 21, 8)
    changed = encoder_out.clone()
    changed[0, 10] += 1
    lengths = torch.tensor([21])
    difference = cif.weights(encoder_out, lengths) - cif.weights(changed, lengths)
    return difference[0].abs().gt(1e-6).nonzero().flatten().tolist()


def test_readme_configuration_is_the_default():
    assert CIFConfig.from_dict(README) == CIFConfig()
    assert CIFConfig().to_dict().items() >= README.items()
    cif = CIF(CIFConfig.from_dict({**README, "conv_cif_width": 5, "add_cif_ctxt_layers": True}))
    assert cif.eval()(torch.randn(1, 10, 256)).embeddings.shape[2] == 256


def test_configuration_survives_json():
    config = CIFConfig(encoder_embed_dim=64, cif_threshold=0.9, add_cif_ctxt_layers=True)
    assert CIFConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_encoder_embed_dim_is_the_size_of_a_frame():
    cif = small(encoder_embed_dim=12)
    assert cif(torch.randn(1, 9, 12)).embeddings.shape[2] == 12
    with pytest.raises(CIFError, match=r"dim = encoder_embed_dim = 12, got \(1, 9, 8\)"):
        cif(torch.randn(1, 9, 8))
    with pytest.raises(
        CIFError, match=r"tensor \(batch, frames, dim\), got torch.float32 \(9, 12\)"
    ):
        cif(torch.randn(9, 12))


def test_produce_weight_type_chooses_what_a_frame_is_judged_by():
    assert reach(small(produce_weight_type="linear")) == [10]
    assert reach(small(produce_weight_type="dense")) == [10]
    assert reach(small(produce_weight_type="conv")) == [9, 10, 11]
    assert reach(small(produce_weight_type="depthwise")) == [9, 10, 11]
    sizes = {
        kind: sum(p.numel() for p in small(produce_weight_type=kind).parameters())
        for kind in ("linear", "dense", "conv", "depthwise")
    }
    # one layer of 8 + 1 behind: nothing, 8·8 + 8, 8·8·3 + 8, 8·3 + 8
    assert sizes == {"linear": 9, "dense": 81, "conv": 209, "depthwise": 41}


def test_cif_threshold_is_a_threshold_of_one_with_a_slack():
    config = CIFConfig(cif_threshold=0.99)
    assert config.threshold == 1.0
    assert config.slack == pytest.approx(0.01)
    assert CIFConfig(cif_threshold=1.0).slack == 0
    frames = torch.zeros(1, 3, 8)  # S = 0.93
    early = steady(0.31, cif_threshold=0.9, apply_tail_handling=False)(frames)
    assert early.num_fires.tolist() == [1]
    assert early.contributions.sum().item() == pytest.approx(1)
    late = steady(0.31, cif_threshold=0.99, apply_tail_handling=False)(frames)
    assert late.num_fires.tolist() == [0]


def test_conv_cif_layer_num_and_width_set_how_far_a_frame_looks():
    assert reach(small(conv_cif_width=5)) == list(range(8, 13))
    assert reach(small(conv_cif_width=1)) == [10]
    assert reach(small(conv_cif_layer_num=2)) == list(range(8, 13))
    assert reach(small(conv_cif_layer_num=3)) == list(range(7, 14))


def test_conv_cif_output_channels_num_is_the_size_behind_the_convolution():
    cif = small(conv_cif_output_channels_num=5)
    assert cif.weights.weight_proj.in_features == 5
    assert cif.weights.conv[0].out_channels == 5


@pytest.mark.parametrize("kind", ["conv", "depthwise"])
def test_conv_cif_dropout_makes_training_weights_random(kind):
    frames, lengths = torch.randn(1, 30, 8), torch.tensor([30])
    for dropout, is_random in ((0.5, True), (0.0, False)):
        cif = small(produce_weight_type=kind, conv_cif_dropout=dropout)
        one, two = (cif.train().weights(frames, lengths) for _ in range(2))
        assert torch.equal(one, two) is not is_random
        one, two = (cif.eval().weights(frames, lengths) for _ in range(2))
        assert torch.equal(one, two)


def test_dense_cif_units_num_is_the_size_of_the_hidden_layer():
    cif = small(produce_weight_type="dense", dense_cif_units_num=13)
    assert cif.weights.dense_proj.out_features == 13


def test_apply_scaling_makes_the_count_the_one_asked_for():
    frames, targets = torch.zeros(1, 20, 8), torch.tensor([7])
    with_scaling = steady(0.2)(frames, target_lengths=targets)
    assert with_scaling.num_fires.tolist() == [7]
    assert with_scaling.weight_sum.item() == pytest.approx(4)
    assert with_scaling.scaled_alpha.sum().item() == pytest.approx(7)
    without = steady(0.2, apply_scaling=False)(frames, target_lengths=targets)
    assert without.num_fires.tolist() == [4]
    assert torch.equal(without.scaled_alpha, without.alpha)


def test_apply_scaling_does_not_depend_on_the_dropout():
    """In one published recogniser it did: a dropout of 0 switched it off."""
    frames = torch.zeros(1, 20, 8)
    cif = steady(0.2, conv_cif_dropout=0.0)
    assert cif(frames, target_lengths=torch.tensor([7])).num_fires.tolist() == [7]


def test_apply_tail_handling_fires_the_rest_of_an_utterance():
    frames = torch.zeros(1, 7, 8)  # S = 2.8
    assert steady(0.4)(frames).num_fires.tolist() == [3]
    assert steady(0.4, apply_tail_handling=False)(frames).num_fires.tolist() == [2]


def test_apply_tail_handling_is_for_inference():
    frames = torch.zeros(1, 7, 8)
    cif = steady(0.4, apply_scaling=False)
    assert cif(frames, target_lengths=torch.tensor([3])).tail_fired.tolist() == [False]


def test_tail_handling_firing_threshold_is_what_the_rest_must_exceed():
    frames = torch.zeros(1, 7, 8)  # a rest of 0.8
    assert steady(0.4, tail_handling_firing_threshold=0.7)(frames).num_fires.tolist() == [3]
    assert steady(0.4, tail_handling_firing_threshold=0.9)(frames).num_fires.tolist() == [2]


@pytest.mark.parametrize(
    ("rule", "tokens", "mass"), [(rounded, 2, 1.0), (dynamic, 3, 0.8), (appended(0.7), 3, None)]
)
def test_tail_rule_takes_the_place_of_the_threshold(rule, tokens, mass):
    frames = torch.zeros(1, 6, 8)  # S = 2.4
    cif = steady(0.4, tail_rule=rule, tail_handling_firing_threshold=0.0)
    firing = cif(frames)
    assert firing.num_fires.tolist() == [tokens]
    sums = firing.contributions.sum(dim=2)[0].tolist()
    expected = [1.0, 1.0, 0.4] if mass is None else [mass] * tokens
    assert sums == pytest.approx(expected, abs=1e-6)
    assert cif(frames, target_lengths=torch.tensor([5])).num_fires.tolist() == [5]
    assert steady(0.4, tail_rule=rule, apply_tail_handling=False)(frames).num_fires.tolist() == [2]


@pytest.mark.parametrize("rule", [rounded, dynamic])
def test_tokens_that_are_whole_between_pauses_are_not_rounded_again(rule):
    """The last digits of their sum would be one token more by the ceiling."""
    torch.manual_seed(0)
    cif = CIF(CIFConfig(8, "linear", pause_frames=2, pause_weight=0.5, tail_rule=rule)).eval()
    lengths = torch.randint(0, 40, (50,))
    firing = cif(torch.randn(50, 40, 8), lengths)
    whole = round_at_pauses(firing.alpha, lengths, pause_frames=2, pause_weight=0.5, tail=rule)
    assert firing.num_fires.tolist() == whole.sum(dim=1).round().tolist()


def test_tail_rule_is_kept_and_checked():
    config = CIFConfig(tail_rule=appended(0.45))
    assert config.to_dict()["tail_rule"] == {"rule": "appended", "value": 0.45}
    assert CIFConfig.from_dict(config.to_dict()) == config
    with pytest.raises(CIFError, match="tail_rule must be a TailRule, got 'rounded'"):
        CIFConfig.from_dict({"tail_rule": "rounded"})
    with pytest.raises(CIFError, match="tail rule must be one of 'drop', .* got 'ceil'"):
        CIFConfig.from_dict({"tail_rule": {"rule": "ceil"}})


def test_add_cif_ctxt_layers_lets_tokens_see_each_other():
    torch.manual_seed(0)
    frames = torch.randn(1, 40, 8)
    changed = frames.clone()
    changed[0, :2] = torch.randn(2, 8)  # the first token
    for add, others_change in ((False, False), (True, True)):
        cif = steady(0.5, add_cif_ctxt_layers=add, cif_ctxt_attention_heads=2)
        with torch.no_grad():
            difference = cif(frames).embeddings - cif(changed).embeddings
        assert difference[0, 0].abs().max() > 1e-3
        assert bool((difference[0, 1:].abs() > 1e-6).any()) is others_change


def test_settings_of_the_context_layers():
    layers = small(
        add_cif_ctxt_layers=True,
        cif_ctxt_layers=3,
        cif_ctxt_attention_heads=2,
        cif_ctxt_ffn_embed_dim=20,
        cif_ctxt_dropout=0.25,
    ).context.layers.layers
    assert len(layers) == 3
    assert layers[0].self_attn.num_heads == 2
    assert layers[0].linear1.out_features == 20
    assert layers[0].dropout.p == 0.25


@pytest.mark.parametrize("grad", [False, True])
def test_context_layers_of_utterances_without_tokens_give_no_nan(grad):
    cif = steady(0.4, add_cif_ctxt_layers=True, cif_ctxt_attention_heads=2)
    with torch.set_grad_enabled(grad):
        firing = cif(torch.randn(3, 7, 8), torch.tensor([7, 1, 0]))
        assert firing.num_fires.tolist() == [3, 0, 0]
        assert firing.embeddings.isfinite().all()
        assert (firing.embeddings[1:] == 0).all()
        assert cif(torch.randn(2, 7, 8), torch.tensor([1, 0])).embeddings.shape == (2, 0, 8)
    if grad:
        firing.embeddings.sum().backward()
        assert all(p.grad.isfinite().all() for p in cif.context.parameters())


def test_conv_cif_activation_is_a_relu_behind_the_convolution():
    frames, lengths = torch.randn(1, 30, 8), torch.tensor([30])
    plain, bent = small(), small(conv_cif_activation=True)
    bent.load_state_dict(plain.state_dict())
    assert not torch.allclose(plain.weights(frames, lengths), bent.weights(frames, lengths))


@pytest.mark.parametrize("kind", ["conv", "dense", "linear", "depthwise"])
@pytest.mark.parametrize("shape", [(2, 0, 8), (0, 5, 8)], ids=["no frames", "no utterances"])
def test_nothing_to_hear_gives_an_empty_result(kind, shape):
    cif = small(produce_weight_type=kind, add_cif_ctxt_layers=True, cif_ctxt_attention_heads=2)
    assert cif(torch.zeros(shape)).embeddings.shape == (shape[0], 0, 8)


def test_start_at_makes_the_first_counts_about_right():
    torch.manual_seed(0)
    cif = small()
    cif.start_at(0.1)
    assert cif(torch.randn(8, 100, 8)).weight_sum.mean().item() == pytest.approx(10, rel=0.3)


@pytest.mark.parametrize("targets", [None, torch.tensor([3, 1])])
def test_every_parameter_is_trained(targets):
    cif = small(add_cif_ctxt_layers=True, cif_ctxt_attention_heads=2).train()
    (cif(torch.randn(2, 20, 8), target_lengths=targets).embeddings ** 2).sum().backward()
    for name, parameter in cif.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"cif_treshold": 0.9}, "unknown CIF setting 'cif_treshold', did you mean 'cif_threshold'"),
        ({"zzz": 1}, "unknown CIF setting 'zzz'.*Known: encoder_embed_dim, produce_weight_type"),
        ({"produce_weight_type": "cnov"}, "'conv', 'dense', 'linear', 'depthwise', got 'cnov'"),
        ({"encoder_embed_dim": 0}, "encoder_embed_dim must be an integer > 0, got 0"),
        ({"encoder_embed_dim": 8.0}, "encoder_embed_dim must be an integer > 0, got 8.0"),
        ({"conv_cif_layer_num": 0}, "conv_cif_layer_num must be an integer > 0, got 0"),
        ({"conv_cif_output_channels_num": -1}, "conv_cif_output_channels_num must be .* got -1"),
        ({"dense_cif_units_num": 0}, "dense_cif_units_num must be an integer > 0, got 0"),
        ({"conv_cif_width": 4}, "conv_cif_width must be an odd integer > 0, got 4"),
        ({"conv_cif_width": -3}, "conv_cif_width must be an integer > 0, got -3"),
        ({"conv_cif_width": 3.0}, "conv_cif_width must be an integer > 0, got 3.0"),
        ({"cif_threshold": 0.0}, r"cif_threshold must be in \(0, 1\].*got 0.0"),
        ({"cif_threshold": 1.01}, r"cif_threshold must be in \(0, 1\].*got 1.01"),
        ({"cif_threshold": math.nan}, r"cif_threshold must be in \(0, 1\].*got nan"),
        ({"tail_handling_firing_threshold": -0.1}, "tail_handling_firing_threshold .* got -0.1"),
        ({"tail_handling_firing_threshold": math.inf}, "tail_handling_firing_threshold .* got inf"),
        ({"conv_cif_dropout": 1.0}, "conv_cif_dropout must be a number >= 0 and < 1, got 1.0"),
        ({"conv_cif_dropout": -0.1}, "conv_cif_dropout must be a number >= 0 and < 1, got -0.1"),
        ({"cif_ctxt_dropout": math.nan}, "cif_ctxt_dropout must be a number >= 0 .*, got nan"),
        ({"cif_ctxt_layers": 0}, "cif_ctxt_layers must be an integer > 0, got 0"),
        (
            {"encoder_embed_dim": 10, "add_cif_ctxt_layers": True},
            r"encoder_embed_dim \(10\) must be a multiple of cif_ctxt_attention_heads \(4\)",
        ),
    ],
)
def test_a_bad_setting_is_named_with_its_value(values, message):
    with pytest.raises(CIFError, match=message):
        CIFConfig.from_dict(values)


@pytest.mark.parametrize("name", ["apply_scaling", "apply_tail_handling", "add_cif_ctxt_layers"])
def test_a_switch_is_true_or_false_and_not_the_word(name):
    """The string "False" is true: passed on from a command line, it would switch the thing on."""
    with pytest.raises(CIFError, match=f"{name} must be .*got 'False'"):
        CIFConfig.from_dict({name: "False"})


@pytest.mark.parametrize("value", ["0.5", None, True, [0.5]])
@pytest.mark.parametrize(
    "name",
    [
        *("encoder_embed_dim", "conv_cif_layer_num", "conv_cif_width", "cif_ctxt_layers"),
        *("cif_threshold", "tail_handling_firing_threshold", "noise_threshold"),
        *("conv_cif_dropout", "cif_ctxt_dropout"),
    ],
)
def test_a_setting_of_another_type_is_named_with_its_value(name, value):
    with pytest.raises(CIFError, match=f"^{name} must be .* got {re.escape(repr(value))}$"):
        CIFConfig(**{name: value})


@pytest.mark.parametrize("values", [None, [1], "encoder_embed_dim"])
def test_a_configuration_is_a_mapping(values):
    with pytest.raises(CIFError, match="CIF configuration must be a Mapping, got "):
        CIFConfig.from_dict(values)


def test_a_key_that_is_no_word_is_unknown():
    with pytest.raises(CIFError, match="unknown CIF setting 1. Known: encoder_embed_dim"):
        CIFConfig.from_dict({1: 2})


def test_a_module_is_made_from_a_configuration():
    with pytest.raises(CIFError, match="config must be a CIFConfig, got {}"):
        CIF({})


@pytest.mark.parametrize(
    ("encoder_out", "message"),
    [
        ([[[1.0]]], r"a floating point tensor \(batch, frames, dim\), got list"),
        (torch.ones(1, 5, 8).long(), r"a floating point tensor .* got torch.int64 \(1, 5, 8\)"),
        (torch.ones(1, 5, 8).double(), "torch.float32 like the module, got torch.float64"),
    ],
    ids=["list", "integers", "float64"],
)
@pytest.mark.parametrize("kind", ["conv", "dense", "linear", "depthwise"])
def test_encoder_output_must_be_of_the_modules_dtype(kind, encoder_out, message):
    with pytest.raises(CIFError, match=f"encoder_out must be {message}"):
        small(produce_weight_type=kind)(encoder_out)


def test_a_double_module_takes_doubles():
    assert small().double()(torch.randn(1, 20, 8).double()).embeddings.dtype == torch.float64


def test_autocast_may_mix_dtypes():
    with torch.autocast("cpu", torch.bfloat16):
        assert small()(torch.randn(1, 20, 8).bfloat16()).embeddings.isfinite().all()


def test_frames_of_half_precision_are_all_counted():
    """1001 in bfloat16 is 1000."""
    frames = torch.zeros(1, 1001, 8, dtype=torch.bfloat16)
    assert steady(0.5).bfloat16()(frames).frame_lengths.tolist() == [1001]
