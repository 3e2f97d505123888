"""What others trained gives here what it gave there, faults of theirs aside."""

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from cifviz.core.firing import integrate_and_fire
from cifviz.core.interop import load_cif_pytorch, load_funasr
from cifviz.core.module import CIFConfig
from cifviz.core.tail import above, drop
from cifviz.core.validation import valid_mask
from cifviz.errors import CheckpointError, CIFError

GOLDEN = Path(__file__).parents[2] / "golden"
INDEX = {entry["file"]: entry for entry in json.loads((GOLDEN / "index.json").read_text("utf-8"))}
MIDDLEWARES = sorted(path.name for path in GOLDEN.glob("cif_pytorch_*_w*.npz"))
PREDICTORS = sorted(path.name for path in GOLDEN.glob("funasr_CifPredictor*.npz"))


def recorded(name):
    """A file of recorded outputs: its settings, its parameters and everything else in it."""
    with np.load(GOLDEN / name) as file:
        values = {key: torch.from_numpy(file[key]) for key in file.files}
    state = {key.removeprefix("state."): values.pop(key) for key in list(values) if "state." in key}
    return INDEX[name], state, values


def middleware(name):
    """The CIF of a recorded CIF-PyTorch module, the settings that its file has, and the rest."""
    settings, state, values = recorded(name)
    config = {
        "encoder_embed_dim": values["encoder_out"].shape[2],
        "produce_weight_type": settings["kind"],
        "cif_threshold": settings["threshold"],
        "tail_handling_firing_threshold": settings["tail"],
    }
    return load_cif_pytorch(state, config), settings, values


def reading_padding(cif, encoder_out, lengths):
    """Weights as the others compute them: their convolution sees what stands in the padding."""
    frames = encoder_out.shape[1]
    alpha = cif.weights(encoder_out, torch.full_like(lengths, frames))
    alpha = alpha * cif.config.smooth_factor - cif.config.noise_threshold
    return alpha.clamp(min=0).masked_fill(~valid_mask(lengths, frames), 0)


# --- CIF-PyTorch ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MIDDLEWARES)
@torch.no_grad()
def test_weights_of_cif_pytorch(name):
    cif, _, values = middleware(name)
    lengths = values["frame_lengths"]
    alpha = reading_padding(cif, values["encoder_out"], lengths)
    torch.testing.assert_close(alpha.sum(dim=1), values["quantity_out"], atol=1e-5, rtol=1e-5)
    # Without the padding it is the same but for frames that see into it.
    own = cif.weights(values["encoder_out"], lengths)
    radius = cif.config.conv_cif_width // 2 if cif.config.produce_weight_type == "conv" else 0
    unseen = valid_mask(lengths - radius, alpha.shape[1])
    torch.testing.assert_close(own[unseen], alpha[unseen], atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", MIDDLEWARES)
@torch.no_grad()
def test_embeddings_of_cif_pytorch(name):
    cif, settings, values = middleware(name)
    encoder_out, lengths = values["encoder_out"], values["frame_lengths"]
    firing = integrate_and_fire(
        reading_padding(cif, encoder_out, lengths),
        encoder_out,
        frame_lengths=lengths,
        target_lengths=values["target_lengths"] if settings["training"] else None,
        threshold=cif.config.threshold,
        slack=cif.config.slack,
        tail=drop if settings["training"] else above(settings["tail"]),
    )
    theirs = values["cif_out_mask_1_is_valid"].sum(dim=1)
    for row, one in enumerate(firing):
        # Theirs loses a tail where no padding follows and, at a threshold of 1, a last token.
        may_lose = lengths[row] == encoder_out.shape[1] or settings["threshold"] == 1
        lost = int(one.num_fires - theirs[row])
        assert lost == 0 or (lost == 1 and may_lose), (row, lost)
        # In training our last token ends where the weights end, theirs within the slack.
        count = int(theirs[row]) - (settings["training"] and lost == 0)
        torch.testing.assert_close(
            one.embeddings[0, :count], values["cif_out"][row, :count], atol=2e-5, rtol=1e-5
        )


@pytest.mark.parametrize("kind", ["linear", "dense"])
@torch.no_grad()
def test_a_loaded_cif_is_its_module(kind):
    cif, _, values = middleware(f"cif_pytorch_{kind}_w3_b0.99_eval.npz")
    firing = cif(values["encoder_out"], values["frame_lengths"])
    padded = values["frame_lengths"] < values["encoder_out"].shape[1]
    counts = values["cif_out_mask_1_is_valid"].sum(dim=1)
    assert padded.sum() >= 2
    assert firing.num_fires[padded].tolist() == counts[padded].tolist()
    for row in padded.nonzero().flatten().tolist():
        count = int(counts[row])
        torch.testing.assert_close(
            firing.embeddings[row, :count], values["cif_out"][row, :count], atol=2e-5, rtol=1e-5
        )


def test_sizes_left_out_are_read_off_the_tensors():
    _, state, _ = recorded("cif_pytorch_conv_w5_b0.99_eval.npz")
    config = load_cif_pytorch(state).config
    assert config == CIFConfig(
        encoder_embed_dim=8, conv_cif_width=5, conv_cif_output_channels_num=8
    )
    _, state, _ = recorded("cif_pytorch_dense_w3_b0.9_eval.npz")
    config = load_cif_pytorch(state, {"cif_threshold": 0.9, "conv_cif_layer_num": 3}).config
    assert (config.produce_weight_type, config.dense_cif_units_num) == ("dense", 8)
    assert config.cif_threshold == 0.9


def test_a_config_serves_as_well_as_a_dict():
    _, state, _ = recorded("cif_pytorch_linear_w3_b0.9_eval.npz")
    config = CIFConfig(encoder_embed_dim=8, produce_weight_type="linear", cif_threshold=0.9)
    assert load_cif_pytorch(state, config).config == config
    with pytest.raises(CIFError, match="unknown CIF setting 'threshold'"):
        load_cif_pytorch(state, {"threshold": 0.9})
    with pytest.raises(CIFError, match="config must be a Mapping, got 0.9"):
        load_cif_pytorch(state, 0.9)
    with pytest.raises(CIFError, match="has no weight predictor 'depthwise'"):
        load_cif_pytorch(state, {"produce_weight_type": "depthwise"})


class FairseqLayer(nn.Module):
    """A pre-norm transformer layer in fairseq's names, from the textbook formula."""

    def __init__(self, dim, ffn, heads):
        super().__init__()
        self.heads = heads
        self.self_attn = nn.ModuleDict({f"{n}_proj": nn.Linear(dim, dim) for n in "qkv"})
        self.self_attn["out_proj"] = nn.Linear(dim, dim)
        self.self_attn_layer_norm, self.final_layer_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.fc1, self.fc2 = nn.Linear(dim, ffn), nn.Linear(ffn, dim)

    def forward(self, x):
        normed = self.self_attn_layer_norm(x)
        q, k, v = (
            self.self_attn[f"{n}_proj"](normed).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for n in "qkv"
        )
        attended = (q @ k.transpose(2, 3) / q.shape[3] ** 0.5).softmax(dim=3) @ v
        x = x + self.self_attn["out_proj"](attended.transpose(1, 2).flatten(2))
        return x + self.fc2(self.fc1(self.final_layer_norm(x)).relu())


@torch.no_grad()
def test_projection_and_context_layers_come_along():
    torch.manual_seed(0)
    weights, projection = nn.Linear(6, 1), nn.Linear(6, 8, bias=False)
    layers = [FairseqLayer(8, 12, heads=2) for _ in range(2)]
    state = {"weight_proj.weight": weights.weight, "weight_proj.bias": weights.bias}
    state["cif_output_proj.weight"] = projection.weight
    for index, layer in enumerate(layers):
        for name, value in layer.state_dict().items():
            state[f"cif_ctxt_stacks.{index}.{name}"] = value
    cif = load_cif_pytorch(state, {"cif_ctxt_attention_heads": 2, "cif_threshold": 1.0})
    encoder_out = torch.randn(1, 12, 6)
    firing = cif(encoder_out)
    expected = projection(firing.contributions.float() @ encoder_out)
    for layer in layers:
        expected = layer(expected)
    assert firing.embeddings.shape == (1, int(firing.num_fires), 8)
    torch.testing.assert_close(firing.embeddings, expected, atol=1e-5, rtol=1e-5)


# --- FunASR --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PREDICTORS)
@torch.no_grad()
def test_weights_of_funasr(name):
    settings, state, values = recorded(name)
    cif = load_funasr(state, l_order=settings["l_order"], r_order=settings["r_order"])
    encoder_out, lengths = values["encoder_out"], values["frame_lengths"]
    frames = encoder_out.shape[1]
    theirs = values["alphas"][:, :frames].masked_fill(~valid_mask(lengths, frames), 0)
    if "target_lengths" in values:  # recorded after scaling
        theirs = theirs * (values["token_num"] / theirs.sum(dim=1)).unsqueeze(1)
    torch.testing.assert_close(
        reading_padding(cif, encoder_out, lengths), theirs, atol=2e-6, rtol=1e-5
    )
    own, unseen = cif.weights(encoder_out, lengths), valid_mask(lengths - 1, frames)
    torch.testing.assert_close(own[unseen], theirs[unseen], atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize("name", PREDICTORS)
@torch.no_grad()
def test_embeddings_of_funasr(name):
    """Equal but for the tail's: ours is a full token's, theirs is filled up with padding."""
    settings, state, values = recorded(name)
    tail = settings.get("tail_threshold", 0.45)
    cif = load_funasr(state, tail_threshold=tail)
    encoder_out, lengths = values["encoder_out"], values["frame_lengths"]
    firing = integrate_and_fire(
        reading_padding(cif, encoder_out, lengths),
        encoder_out,
        frame_lengths=lengths,
        target_lengths=values["target_lengths"].long() if "target_lengths" in values else None,
        tail=cif.config.tail,
    )
    if "target_lengths" not in values:
        assert firing.num_fires.tolist() == values["token_num"].long().tolist()
    embeddings = firing.embeddings.clone()
    for row in firing.tail_fired.nonzero().flatten().tolist():
        last, rest, length = int(firing.num_fires[row]) - 1, firing.residual[row], lengths[row]
        embeddings[row, last] *= rest
        if length < encoder_out.shape[1]:
            embeddings[row, last] += (1 - rest) * encoder_out[row, length]
    for row, count in enumerate(firing.num_fires.tolist()):
        theirs = values["acoustic_embeds"][row, :count]
        fired = int((theirs != 0).any(dim=1).sum())  # rounding may cost them the last
        assert fired in ((count - 1, count) if "target_lengths" in values else (count,))
        torch.testing.assert_close(embeddings[row, :fired], theirs[:fired], atol=2e-5, rtol=1e-5)


def predictor_state(kind, width=3, dim=4):
    torch.manual_seed(1)
    groups = dim if kind == "CifPredictor" else 1
    modules = {"cif_conv1d": nn.Conv1d(dim, dim, width, groups=groups)}
    modules["cif_output"] = nn.Linear(dim, 1)
    if kind == "CifPredictorV3":
        modules["upsample_cnn"] = nn.ConvTranspose1d(dim, dim, 3, 3)
        modules["blstm"] = nn.LSTM(dim, dim, bidirectional=True)
        modules["cif_output2"] = nn.Linear(2 * dim, 1)
    return nn.ModuleDict(modules).state_dict()


@pytest.mark.parametrize(("l_order", "r_order"), [(1, 1), (3, 0), (0, 2), (1, 2)])
@pytest.mark.parametrize("kind", ["CifPredictor", "CifPredictorV2", "CifPredictorV3"])
@torch.no_grad()
def test_every_setting_of_a_predictor_is_obeyed(kind, l_order, r_order):
    state = predictor_state(kind, l_order + r_order + 1)
    settings = {"l_order": l_order, "r_order": r_order}
    encoder_out = torch.randn(2, 9, 4)
    padded = nn.functional.pad(encoder_out.transpose(1, 2), (l_order, r_order))
    hidden = nn.functional.conv1d(
        padded,
        state["cif_conv1d.weight"],
        state["cif_conv1d.bias"],
        groups=4 if kind == "CifPredictor" else 1,
    ).transpose(1, 2)
    if kind == "CifPredictor":
        hidden = hidden + encoder_out
    logits = hidden.relu() @ state["cif_output.weight"][0] + state["cif_output.bias"]
    noise = float((logits.sigmoid() * 0.7).median())  # silences half of the frames
    expected = (logits.sigmoid() * 0.7 - noise).clamp(min=0)
    cif = load_funasr(state, **settings, smooth_factor=0.7, noise_threshold=noise)
    torch.testing.assert_close(cif(encoder_out).alpha, expected)


def test_defaults_are_those_of_the_class():
    for kind, tail in (
        ("CifPredictor", True),
        ("CifPredictorV2", False),
        ("CifPredictorV3", False),
    ):
        config = load_funasr(predictor_state(kind)).config
        assert config.apply_tail_handling is tail, kind
        assert (config.threshold, config.slack, config.noise_threshold) == (1, 0, 0)
        assert load_funasr(predictor_state(kind), predictor=kind).config == config
    config = load_funasr(predictor_state("CifPredictor")).config
    assert config.tail_handling_firing_threshold == pytest.approx(0.55)


def test_settings_of_a_config_that_others_need_are_checked():
    for settings, message in (
        ({"r_order": 3}, "r_order must be an integer >= 0 and < 3, got 3"),
        ({"smooth_factor": 0}, "smooth_factor must be a number > 0, got 0"),
        ({"cif_embedding_dim": 0}, "cif_embedding_dim must be an integer > 0, got 0"),
        (
            {"cif_embedding_dim": 6, "add_cif_ctxt_layers": True},
            r"cif_embedding_dim \(6\) must be a multiple of cif_ctxt_attention_heads \(4\)",
        ),
    ):
        with pytest.raises(CIFError, match=message):
            CIFConfig(**settings)
    assert CIFConfig(conv_cif_width=4, r_order=1).conv_cif_width == 4


def test_settings_that_do_not_fit_are_refused():
    state = predictor_state("CifPredictorV2")
    with pytest.raises(CIFError, match="threshold of CifPredictorV2 must be 1, .* got 0.9"):
        load_funasr(state, threshold=0.9)
    assert load_funasr(predictor_state("CifPredictor"), threshold=0.9).config.slack > 0
    with pytest.raises(CIFError, match="tail_threshold must be a number >= 0 and < 1, got 1.0"):
        load_funasr(state, tail_threshold=1.0)
    with pytest.raises(CIFError, match="predictor must be one of 'CifPredictor', .* got 'V2'"):
        load_funasr(state, predictor="V2")
    with pytest.raises(CIFError, match="unknown setting of a FunASR predictor 'tail'"):
        load_funasr(state, tail=0.45)
    with pytest.raises(
        CheckpointError, match=r"cif_conv1d.weight .* \(4, 4, 4\), got .*\(4, 4, 3\)"
    ):
        load_funasr(state, l_order=2, r_order=1)
    with pytest.raises(
        CheckpointError, match=r"cif_conv1d.weight .* \(4, 1, 3\), got .*\(4, 4, 3\)"
    ):
        load_funasr(state, predictor="CifPredictor")
    with pytest.raises(CheckpointError, match="l_order or r_order must be given: .* 4 frames wide"):
        load_funasr(predictor_state("CifPredictorV2", 4))
    v3 = predictor_state("CifPredictorV3")
    assert load_funasr(v3, upsample_times=3, smooth_factor2=0.25, tail_mask=False)
    with pytest.raises(CheckpointError, match=r"not expected: blstm.bias_hh_l0, "):
        load_funasr(v3, predictor="CifPredictorV2")


# --- where it comes from -------------------------------------------------------------------------


def same(one, other):
    ours, theirs = one.state_dict(), other.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_a_whole_model_may_be_given():
    state = predictor_state("CifPredictorV2")
    whole = {f"predictor.{name}": value for name, value in state.items()}
    whole["encoder.embed.weight"] = torch.ones(3)
    alone = load_funasr(state)
    assert same(load_funasr(whole), alone)
    assert same(load_funasr(whole, prefix="predictor."), alone)
    assert same(load_funasr({"epoch": 3, "model": {"state_dict": whole}}), alone)
    two = whole | {f"other.{name}": value for name, value in state.items()}
    with pytest.raises(CheckpointError, match="one of 'predictor.', 'other.'"):
        load_funasr(two)
    assert same(load_funasr(two, prefix="other."), alone)
    with pytest.raises(
        CheckpointError, match=r"has no cif\.cif_output\.weight, .*; it has encoder"
    ):
        load_funasr(whole, prefix="cif.")


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".pth", ".bin", ".ckpt"])
def test_a_file_may_be_given(tmp_path, suffix):
    state, path = predictor_state("CifPredictorV2"), tmp_path / f"model{suffix}"
    if suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save({"model": {f"predictor.{k}": v for k, v in state.items()}, "epoch": 3}, path)
    assert same(load_funasr(path), load_funasr(state))
    assert same(load_funasr(str(path)), load_funasr(state))


def test_what_is_read_is_a_copy_in_float32_and_in_evaluation_mode():
    state = predictor_state("CifPredictorV2")
    cif = load_funasr({name: value.double() for name, value in state.items()})
    assert same(cif, load_funasr(state))
    assert not cif.training
    state["cif_output.bias"].fill_(7)
    assert not same(cif, load_funasr(state))


# --- bad checkpoints -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"conv.bias": None}, r"parameters of the state dict: missing: conv.bias$"),
        ({"weight_proj.bias": None}, r"missing: weight_proj.bias$"),
        ({"weight_proj.weight": None}, r"has no weight_proj.weight; it has conv.bias, conv.weight"),
        ({"norm.weight": torch.ones(8)}, r"not expected: norm.weight$"),
        (
            {"conv.bias": None, "norm.weight": torch.ones(8)},
            r"missing: conv.bias; not expected: norm.weight$",
        ),
        ({"conv.bias": torch.ones(9)}, r"conv.bias .* tensor \(8,\), got torch.float32 \(9,\)"),
        ({"conv.weight": torch.ones(8, 8, 4)}, r"conv.weight .* odd number of frames wide"),
        ({"conv.weight": torch.ones(8, 8)}, r"conv.*"),
        ({"weight_proj.weight": torch.ones(2, 8)}, r"weight_proj.weight .* \(1, 8\), got"),
        ({"conv.bias": torch.ones(8).int()}, r"conv.bias .* floating point .* torch.int32 \(8,\)"),
        ({"conv.bias": [0.0] * 8}, r"conv.bias .* floating point tensor \(8,\), got list"),
        ({"weight_proj.weight": torch.ones(8)}, r"weight_proj.weight .* 2 axes, got .* \(8,\)$"),
        ({"weight_proj.weight": np.ones((1, 8))}, "weight_proj.weight .* 2 axes, got ndarray$"),
        ({"conv.bias": torch.ones(8, device="meta")}, "conv.bias .* with values, .* on meta"),
        ({"conv.bias": torch.ones(8).to_sparse()}, "conv.bias .* must be a dense tensor .*sparse"),
        (
            {"weight_proj.weight": torch.zeros(1, 1).expand(1, 3 * 10**8)},
            "weight_proj.weight .* each of its values, 1200000000 bytes, got .* of 4 bytes",
        ),
        ({"conv.bias": torch.full((8,), torch.nan)}, r"conv.bias .* must be finite, got NaN"),
    ],
)
def test_a_bad_state_dict_is_one_clear_error(change, message):
    _, state, _ = recorded("cif_pytorch_conv_w3_b0.99_eval.npz")
    state = {name: value for name, value in (state | change).items() if value is not None}
    with pytest.raises(CheckpointError, match=message):
        load_cif_pytorch(state, {"cif_threshold": 0.99})


def test_a_bad_predictor_is_one_clear_error():
    state = predictor_state("CifPredictorV2")
    del state["cif_conv1d.weight"]
    with pytest.raises(CheckpointError, match="the state dict has no cif_conv1d.weight; it has"):
        load_funasr(state)
    with pytest.raises(CheckpointError, match="cif_conv1d.weight .* of 3 axes, got str"):
        load_funasr(state | {"cif_conv1d.weight": "weights"})
    with pytest.raises(CheckpointError, match="has no cif_output.weight, .* it has nothing"):
        load_funasr({})
    with pytest.raises(CheckpointError, match="must be a mapping of names to tensors, got 3"):
        load_funasr(3)


@pytest.mark.parametrize("saved", [False, True])
def test_a_state_dict_within_itself_is_one_clear_error(tmp_path, saved):
    state = {}
    state["state_dict"] = state
    if saved:
        torch.save(state, tmp_path / "model.pt")
        state = tmp_path / "model.pt"
    with pytest.raises(CheckpointError, match="has no weight_proj.weight; it has state_dict"):
        load_cif_pytorch(state)
    nested = predictor_state("CifPredictorV2")
    for name in ("model", "state_dict", "model"):
        nested = {name: nested, "epoch": 3}
    assert load_funasr(nested).config.encoder_embed_dim == 4


def test_a_tensor_that_stands_for_more_than_it_holds_is_refused_before_it_is_built(tmp_path):
    state = {"weight_proj.weight": torch.zeros(1, 1).expand(1, 3 * 10**12)}
    torch.save(state | {"weight_proj.bias": torch.zeros(1)}, tmp_path / "model.pt")
    assert (tmp_path / "model.pt").stat().st_size < 5000
    with pytest.raises(CheckpointError, match="must hold each of its values, 12000000000000 bytes"):
        load_cif_pytorch(tmp_path / "model.pt")


def test_a_setting_with_a_typing_error_is_answered_with_the_right_one():
    message = "unknown setting .* 'tail_treshold', did you mean 'tail_threshold'.* Known: .*l_order"
    with pytest.raises(CIFError, match=message):
        load_funasr(predictor_state("CifPredictorV2"), tail_treshold=0.45)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"encoder_embed_dim": 10**13}, r"conv.weight .* must be .*10000000000000, 3\), got"),
        ({"conv_cif_output_channels_num": 10**13}, r"must be .*10000000000000.*, got"),
        ({"conv_cif_width": 10**40 + 1}, "its sizes are beyond those of any tensor"),
        (
            {"add_cif_ctxt_layers": True, "cif_ctxt_layers": 10**9},
            "has 4 parameters, which cannot be those of 1000000000 context layers",
        ),
    ],
)
def test_sizes_beyond_those_of_the_tensors_are_refused_before_they_are_built(settings, message):
    _, state, _ = recorded("cif_pytorch_conv_w3_b0.99_eval.npz")
    with pytest.raises(CheckpointError, match=message):
        load_cif_pytorch(state, settings)
    with pytest.raises(CheckpointError, match=r"cif_conv1d.weight .*100000000, .*, got"):
        load_funasr(predictor_state("CifPredictorV2"), idim=10**8)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_any_floating_point_type_is_loaded_as_float32(dtype):
    state = {name: value.to(dtype) for name, value in predictor_state("CifPredictorV2").items()}
    weights = load_funasr(state).state_dict()
    assert {value.dtype for value in weights.values()} == {torch.float32}
    assert torch.equal(weights["weights.conv.0.weight"], state["cif_conv1d.weight"].float())
    state["cif_conv1d.bias"] = torch.full_like(state["cif_conv1d.bias"], torch.finfo(dtype).max)
    if dtype == torch.float64:
        with pytest.raises(CheckpointError, match="cif_conv1d.bias .* infinity in float32"):
            load_funasr(state)


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def plain_pickle(value, path):
    path.write_bytes(pickle.dumps(value))


@pytest.mark.parametrize("write", [torch.save, plain_pickle], ids=["torch.save", "pickle"])
@pytest.mark.parametrize("read", [load_cif_pytorch, load_funasr])
def test_code_in_a_pickle_is_refused_and_not_run(tmp_path, write, read):
    sprung = tmp_path / "sprung"
    path = tmp_path / "model.pt"
    write({**predictor_state("CifPredictorV2"), "trap": Trap(sprung)}, path)
    with pytest.raises(CheckpointError, match="holds more than tensors, or is damaged; nothing"):
        read(path)
    assert not sprung.exists()
    torch.load(path, weights_only=False) if write is torch.save else pickle.loads(path.read_bytes())
    assert sprung.exists(), "the trap works"


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_a_damaged_file_is_one_clear_error(tmp_path, suffix):
    path = tmp_path / f"model{suffix}"
    for content in (b"", b"PK\x03\x04 and then nothing", b"\x80\x02 broken"):
        path.write_bytes(content)
        message = f"model{suffix} (is not a file of tensors, or is damaged$|holds more)"
        with pytest.raises(CheckpointError, match=message):
            load_funasr(path)


def test_a_file_that_cannot_be_is_one_clear_error(tmp_path):
    with pytest.raises(CheckpointError, match="there is no file .*model.pt"):
        load_funasr(tmp_path / "model.pt")
    (tmp_path / "folder.pt").mkdir()
    with pytest.raises(CheckpointError, match="folder.pt is not a file$"):
        load_funasr(tmp_path / "folder.pt")
    with pytest.raises(CheckpointError, match="^'aaaa.* cannot be a file: ") as caught:
        load_funasr("a" * 5000 + ".pt")
    assert len(str(caught.value)) < 200
    with pytest.raises(CheckpointError, match="prefix must be the beginning of names, got 3"):
        load_funasr(predictor_state("CifPredictorV2"), prefix=3)
    (tmp_path / "model.onnx").write_bytes(b"")
    with pytest.raises(CheckpointError, match="must end in .safetensors, .pt, .*, got '.onnx'"):
        load_funasr(tmp_path / "model.onnx")
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(CheckpointError, match=r"list.pt must be a mapping .* got \[1, 2\]"):
        load_funasr(tmp_path / "list.pt")
