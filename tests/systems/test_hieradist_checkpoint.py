"""Names and shapes of a CIF-HieraDist, with random weights, and its decoder written out."""

import math

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from cifviz.core.interop import load_cif_pytorch
from cifviz.errors import CheckpointError, CIFError
from cifviz.systems.hieradist_checkpoint import END, load_hieradist

DIM, CHANNELS, VOCABULARY, FFN, TEACHER, LAYERS = 8, 6, 11, 20, 5, 2
CONFIG = {
    "encoder_embed_dim": CHANNELS,
    "cif_embedding_dim": CHANNELS,
    "cif_threshold": 0.99,
    "tail_handling_firing_threshold": 0.4,
    "conv_cif_width": 3,
    "conv_cif_dropout": 0.2,
    "apply_scaling": 0.2,
    "decoder_attention_heads": 2,
    "encoder_layers": 15,
}


def shapes(*, distilled=True):
    found = {
        "encoder.subsample.conv.0.weight": (4, 1, 3, 3),
        "encoder.conformer_layers.0.ffn1.w_1.weight": (16, CHANNELS),
        "encoder.cif.conv.weight": (CHANNELS, CHANNELS, 3),
        "encoder.cif.conv.bias": (CHANNELS,),
        "encoder.cif.weight_proj.weight": (1, CHANNELS),
        "encoder.cif.weight_proj.bias": (1,),
        "encoder.ctc_proj.weight": (VOCABULARY, CHANNELS),
        "encoder.ctc_proj.bias": (VOCABULARY,),
        "decoder.version": (1,),
        "decoder.embed_tokens.weight": (VOCABULARY, DIM),
        "decoder.embed_positions._float_tensor": (1,),
        "decoder.project_in_dim.weight": (DIM, DIM + CHANNELS),
        "decoder.project_out_dim.weight": (DIM, DIM + CHANNELS),
        "decoder.output_projection.weight": (VOCABULARY, DIM),
        "decoder.layer_norm.weight": (DIM,),
        "decoder.layer_norm.bias": (DIM,),
    }
    for layer in range(LAYERS):
        own = f"decoder.layers.{layer}"
        linear = {f"self_attn.{part}_proj": (DIM, DIM) for part in ("q", "k", "v", "out")}
        linear |= {"fc1": (FFN, DIM), "fc2": (DIM, FFN)}
        for name, size in linear.items():
            found |= {f"{own}.{name}.weight": size, f"{own}.{name}.bias": size[:1]}
        for name in ("self_attn_layer_norm", "final_layer_norm"):
            found |= {f"{own}.{name}.{kind}": (DIM,) for kind in ("weight", "bias")}
    if distilled:
        for name, size in (
            ("tokenwise_cif_dis_proj", CHANNELS),
            ("semantic_cif_dis_proj", CHANNELS),
            ("tokenwise_dec_state_proj", DIM),
        ):
            found |= {f"{name}.weight": (TEACHER, size), f"{name}.bias": (TEACHER,)}
    return found


def random_state(prefix="", **settings):
    generator = torch.manual_seed(0)
    return {
        prefix + name: torch.randn(size, generator=generator) / 2
        for name, size in shapes(**settings).items()
    }


def decoded_step_by_step(state, fired, previous):
    """Its decoder in plain operations, one head after the other (tokens, vocabulary)."""
    steps, half, heads = len(fired), DIM // 2, CONFIG["decoder_attention_heads"]
    before = torch.cat([torch.zeros(1, CHANNELS), fired[:-1]])
    embedded = math.sqrt(DIM) * state["decoder.embed_tokens.weight"][previous]
    hidden = torch.cat([embedded, before], dim=1) @ state["decoder.project_in_dim.weight"].T
    for place in range(steps):
        for j in range(half):
            angle = (place + 2) * 10_000 ** (-j / (half - 1))
            hidden[place, j] += math.sin(angle)
            hidden[place, half + j] += math.cos(angle)

    def linear(x, name):
        return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]

    def norm(x, name):
        return F.layer_norm(x, (DIM,), state[f"{name}.weight"], state[f"{name}.bias"])

    for layer in range(LAYERS):
        own = f"decoder.layers.{layer}"
        x = norm(hidden, f"{own}.self_attn_layer_norm")
        query, key, value = (linear(x, f"{own}.self_attn.{part}_proj") for part in "qkv")
        parts = []
        for one, two, three in zip(
            *(w.chunk(heads, dim=1) for w in (query, key, value)), strict=True
        ):
            scores = one @ two.T / math.sqrt(DIM // heads)
            scores = scores.masked_fill(torch.ones(steps, steps).triu(1).bool(), -math.inf)
            parts.append(scores.softmax(dim=1) @ three)
        hidden = hidden + linear(torch.cat(parts, dim=1), f"{own}.self_attn.out_proj")
        x = norm(hidden, f"{own}.final_layer_norm")
        hidden = hidden + linear(linear(x, f"{own}.fc1").relu(), f"{own}.fc2")
    hidden = norm(hidden, "decoder.layer_norm")
    states = torch.cat([hidden, fired], dim=1) @ state["decoder.project_out_dim.weight"].T
    return states, states @ state["decoder.output_projection.weight"].T


def test_the_decoder_gives_what_its_operations_give():
    state, fired = random_state(), torch.randn(5, CHANNELS)
    parts = load_hieradist(state, CONFIG)
    targets = torch.tensor([[4, 7, 5, 10, END]])
    previous = torch.tensor([END, 4, 7, 5, 10])
    expected_states, expected = decoded_step_by_step(state, fired, previous)
    told = fired[None], torch.tensor([5]), targets
    torch.testing.assert_close(parts.decoder(*told)[0], expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(parts.decoder.told(*told)[0], expected_states, rtol=1e-4, atol=1e-4)
    assert not parts.training


def test_cif_ctc_and_projections_have_its_weights():
    state = random_state()
    parts = load_hieradist(state, CONFIG)
    sound = torch.randn(2, 9, CHANNELS), torch.tensor([9, 5])
    alone = load_cif_pytorch(
        {name.removeprefix("encoder.cif."): one for name, one in state.items() if ".cif." in name},
        {"cif_threshold": 0.99, "tail_handling_firing_threshold": 0.4},
    )
    assert torch.equal(parts.cif(*sound).embeddings, alone(*sound).embeddings)
    assert parts.cif.config.apply_scaling and parts.cif.config.tail_handling_firing_threshold == 0.4
    assert torch.equal(parts.ctc.weight, state["encoder.ctc_proj.weight"])
    projections = parts.projections
    assert torch.equal(projections["acoustic"].weight, state["tokenwise_cif_dis_proj.weight"])
    assert torch.equal(projections["linguistic"].bias, state["tokenwise_dec_state_proj.bias"])


def test_without_a_teacher_there_are_no_projections():
    assert not load_hieradist(random_state(distilled=False), CONFIG).projections


@pytest.mark.parametrize("prefix", ["", "model."])
def test_a_file_of_a_whole_model_in_half_precision(tmp_path, prefix):
    state = {name: value.half() for name, value in random_state(prefix).items()}
    save_file(state, tmp_path / "model.safetensors")
    parts = load_hieradist(tmp_path / "model.safetensors", CONFIG)
    assert parts.decoder.output.weight.dtype == torch.float32
    expected = state[f"{prefix}decoder.output_projection.weight"].float()
    assert torch.equal(parts.decoder.output.weight, expected)


def drop(name):
    return lambda state: state.pop(name)


def put(name, value):
    return lambda state: state.update({name: value})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop("decoder.output_projection.weight"), "has no decoder.output_projection.weight"),
        (drop("decoder.project_in_dim.weight"), "has no decoder.project_in_dim.weight"),
        (drop("decoder.layers.1.fc2.bias"), "missing: decoder.layers.1.fc2.bias"),
        (drop("encoder.ctc_proj.bias"), "missing: encoder.ctc_proj.bias"),
        (drop("decoder.layers.0.fc1.weight"), "no layer of a decoder"),
        (drop("encoder.cif.weight_proj.weight"), "has no encoder.cif.weight_proj.weight"),
        (put("decoder.layers.0.encoder_attn.k_proj.bias", torch.zeros(8)), "not expected: decoder"),
        (put("decoder.embed_tokens.weight", torch.zeros(9, 8)), r"must be \(11, 8\), got \(9, 8\)"),
        (put("decoder.embed_tokens.weight", 3), r"embed_tokens.weight of .* must be \(11, 8\)"),
        (put("decoder.project_in_dim.weight", torch.zeros(8, 15)), r"\(8, 14\), got \(8, 15\)"),
        (put("decoder.output_projection.weight", torch.zeros(2, 8)), "four special tokens, got 2"),
        (put("tokenwise_cif_dis_proj.weight", torch.zeros(5)), "of 2 axes"),
        (put("decoder.layer_norm.weight", torch.full((8,), torch.nan)), "must be finite"),
    ],
)
def test_what_does_not_fit_is_named(change, message):
    state = random_state()
    change(state)
    with pytest.raises(CheckpointError, match=message):
        load_hieradist(state, CONFIG)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"decoder_attention_heads": 0}, "decoder_attention_heads must be an integer > 0"),
        ({"decoder_attention_heads": 3}, "decoder.heads must divide decoder.dim, got 3 and 8"),
        ({"cif_threshold": 2}, "cif_threshold must be in"),
        (3, "config must be a Mapping"),
    ],
)
def test_a_configuration_that_cannot_be(config, message):
    config = {**CONFIG, **config} if isinstance(config, dict) else config
    with pytest.raises(CIFError, match=message):
        load_hieradist(random_state(), config)
