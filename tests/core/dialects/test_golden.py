"""Dialects against recorded outputs of their sources: float32 to 1e-5, counts exactly."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from cifviz.core.dialects import DIALECTS
from cifviz.core.soft_alignment import SIGMA

GOLDEN = Path(__file__).parents[2] / "golden"
INDEX = {entry["file"]: entry for entry in json.loads((GOLDEN / "index.json").read_text())}
FUNASR = {
    "cif": "funasr_cif",
    "cif_v1": "funasr_cif_v1",
    "CifPredictor": "paraformer_v1",
    "CifPredictorV2": "paraformer_v2",
    "PifPredictor": "soft",
}
"""What FunASR calls its functions and classes; other sources are recorded by the dialect's name."""
UNPUBLISHED = {"paraformer_dynamic"}
"""Dialects whose source runs nowhere: `test_contract` holds them to a loop of their own."""


def read(name):
    with np.load(GOLDEN / name) as arrays:
        return {key: torch.from_numpy(arrays[key]) for key in arrays}


def files(start):
    return [name for name in INDEX if name.startswith(start)]


def dialect_of(name):
    source, *others = INDEX[name]["dialect"].split()
    return FUNASR[others[-1]] if source == "funasr" else source


def has_contributions(name):
    """Whether weights are given, and what each frame gives to each token is recorded."""
    with np.load(GOLDEN / name) as arrays:
        return {"alpha", "contributions"} <= set(arrays.files)


CONTRIBUTIONS = [name for name in INDEX if has_contributions(name)]


def reproduced(name):
    """What was recorded, and what the dialect gives for the same weights and settings."""
    recorded, entry = read(name), INDEX[name]
    result = DIALECTS[dialect_of(name)].contributions(
        recorded["alpha"],
        recorded.get("frame_lengths"),
        threshold=entry["threshold"],
        tail_threshold=entry.get("tail"),
        target_lengths=recorded.get("target_lengths"),
    )
    return recorded, result


def close(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-5)


# Weights are computed in float64 and rounded: what a float32 convolution gives in its last bit
# depends on the processor, and at β = 1 that bit decides whether the last token fires.


def parameters(recorded, name):
    return recorded[f"state.{name}.weight"].double(), recorded[f"state.{name}.bias"].double()


def linear(recorded, name, hidden):
    return F.linear(hidden, *parameters(recorded, name))


def convolved(recorded, name, hidden, **options):
    weight, bias = parameters(recorded, name)
    padding = weight.shape[2] // 2
    context = hidden.transpose(1, 2)
    return F.conv1d(context, weight, bias, padding=padding, **options).transpose(1, 2)


def cif_pytorch_weights(recorded, kind):
    hidden = recorded["encoder_out"].double()
    if kind == "conv":
        hidden = convolved(recorded, "conv", hidden)
    elif kind == "dense":
        hidden = linear(recorded, "dense_proj", hidden).relu()
    return linear(recorded, "weight_proj", hidden).sigmoid().squeeze(2).float()


def funasr_weights(recorded, predictor):
    hidden = recorded["encoder_out"].double()
    if predictor in ("CifPredictor", "PifPredictor"):
        hidden = (convolved(recorded, "cif_conv1d", hidden, groups=hidden.shape[2]) + hidden).relu()
    else:
        hidden = convolved(recorded, "cif_conv1d", hidden).relu()
    return linear(recorded, "cif_output", hidden).sigmoid().squeeze(2).float()


def test_every_file_is_listed_and_listed_files_are_there():
    assert {path.name for path in GOLDEN.glob("*.npz")} == set(INDEX)
    modules = [name for name in files("cif_pytorch_") if "_w" in name]
    tested = [
        *CONTRIBUTIONS,
        *modules,
        *files("funasr_CifPredictor"),
        *files("funasr_PifPredictor"),
        *files("spacemit_cif_wo_hidden"),
    ]
    assert sorted(tested) == sorted(INDEX)


def test_every_dialect_is_recorded_whose_source_runs():
    assert {dialect_of(name) for name in INDEX} == set(DIALECTS) - UNPUBLISHED


@pytest.mark.parametrize("name", CONTRIBUTIONS)
def test_every_recorded_contribution_is_reproduced(name):
    recorded, result = reproduced(name)
    close(result.weights, recorded["contributions"])
    if "num_fires" in recorded:
        assert result.num_fires.tolist() == recorded["num_fires"].tolist()


@pytest.mark.parametrize("name", files("cif_pytorch_contributions"))
def test_cif_pytorch_counts_the_recorded_tokens(name):
    recorded, result = reproduced(name)
    assert result.num_fires.tolist() == recorded["valid"].sum(dim=1).tolist()


@pytest.mark.parametrize("name", [name for name in files("cif_pytorch_") if "_w" in name])
def test_cif_pytorch_module_is_reproduced_from_its_parameters(name):
    recorded, entry = read(name), INDEX[name]
    alpha = cif_pytorch_weights(recorded, entry["kind"])
    result = DIALECTS["cif_pytorch"].contributions(
        alpha,
        recorded["frame_lengths"],
        threshold=entry["threshold"],
        tail_threshold=entry["tail"],
        target_lengths=recorded["target_lengths"] if entry["training"] else None,
    )
    valid = recorded["cif_out_mask_1_is_valid"]
    assert result.num_fires.tolist() == valid.sum(dim=1).tolist()
    close(result.weights @ recorded["encoder_out"], recorded["cif_out"])
    close((alpha * ~recorded["encoder_padding_mask"]).sum(dim=1), recorded["quantity_out"])


@pytest.mark.parametrize("name", files("torch_cif_"))
def test_torch_cif_gives_the_recorded_delays(name):
    recorded, result = reproduced(name)
    close(result.delays, recorded["delays"])


@pytest.mark.parametrize(
    "name", ["funasr_cif.npz", "funasr_cif_v1.npz", *files("spacemit_"), *files("sophgo_seaco_")]
)
def test_functions_give_the_recorded_integrator(name):
    recorded, result = reproduced(name)
    peaks = recorded["fires_accumulator"]
    assert result.num_fires.tolist() == (peaks >= INDEX[name]["threshold"]).sum(dim=1).tolist()
    close(result.accumulated, peaks)


@pytest.mark.parametrize("name", files("funasr_CifPredictor"))
def test_funasr_predictors_are_reproduced_from_their_parameters(name):
    recorded = read(name)
    predictor = INDEX[name]["dialect"].split()[-1]
    targets = recorded.get("target_lengths")
    alpha = funasr_weights(recorded, predictor)
    result = DIALECTS[dialect_of(name)].contributions(
        alpha,
        recorded["frame_lengths"],
        target_lengths=None if targets is None else targets.long(),
    )
    close(result.alpha, recorded["alphas"])
    close(result.accumulated, recorded["cif_peak"])
    hidden = recorded["encoder_out"]
    appended = result.alpha.shape[1] - hidden.shape[1]
    close(result.weights @ F.pad(hidden, (0, 0, 0, appended)), recorded["acoustic_embeds"])
    if targets is None:
        assert result.num_fires.tolist() == recorded["token_num"].tolist()
    else:
        assert result.num_fires.tolist() == (recorded["cif_peak"] >= 1).sum(dim=1).tolist()
        real = torch.arange(alpha.shape[1]) < recorded["frame_lengths"].unsqueeze(1)
        close((alpha * real).sum(dim=1), recorded["token_num"])


@pytest.mark.parametrize("name", files("funasr_PifPredictor"))
def test_soft_is_reproduced_from_its_parameters(name):
    recorded = read(name)
    assert set(recorded["state.sigma"].tolist()) == {SIGMA} and not recorded["state.bias"].any()
    targets = recorded.get("target_lengths")
    alpha = funasr_weights(recorded, "PifPredictor")
    result = DIALECTS["soft"].contributions(
        alpha, recorded["frame_lengths"], target_lengths=targets
    )
    close(result.alpha, recorded["alphas"])
    close(result.weights @ recorded["encoder_out"], recorded["acoustic_embeds"])
    expected = recorded["token_num"].round().long() if targets is None else targets
    assert result.num_fires.tolist() == expected.tolist()


@pytest.mark.parametrize("name", files("w2v_cif_bert"))
def test_w2v_cif_bert_gives_the_recorded_weights_and_counts(name):
    recorded, result = reproduced(name)
    close(result.alpha, recorded["scaled_alpha"])
    given = (recorded["contributions"] != 0).any(dim=2).sum(dim=1)
    assert result.num_fires.tolist() == given.tolist()


def test_ultravox_loses_weight_to_a_neighbour_in_a_recorded_output():
    """Row 0 fires twice in frames where others fire not at all: those give nothing there."""
    recorded, result = reproduced("ultravox_cformer_train.npz")
    given = recorded["contributions"].sum(dim=1)
    gone = (given == 0) & (result.alpha > 0.01)
    assert not gone[0].any() and gone[1:].any()
    alone = DIALECTS["ultravox_cformer"].contributions(
        recorded["alpha"][1:], target_lengths=recorded["target_lengths"][1:]
    )
    assert ((alone.weights.sum(dim=1) > 0.01) & gone[1:]).any()


def test_kairumo_owed_tokens_in_a_recorded_output():
    recorded, _ = reproduced("kairumo.npz")
    assert recorded["alpha"].max() > 2 and recorded["contributions"].min() < -1


def test_peaks_were_flattened_in_a_recorded_output():
    """Scaled alone, a weight of the first utterance would be above the threshold."""
    recorded = read("w2v_cif_bert_train.npz")
    alpha, target = recorded["alpha"][0], recorded["target_lengths"][0]
    assert (alpha * target / alpha.sum()).max() > 1.2 > 1 > recorded["scaled_alpha"][0].max()
