"""Weights that are missing, damaged or not what they claim to be are refused in one clear way."""

import json
import os
import pickle

import pytest
import torch
from safetensors.torch import load_file, save_file

from cifviz.errors import CheckpointError, DataError
from cifviz.models import checkpoints
from cifviz.models.baselines import BaselineConfig, make_baseline
from cifviz.models.checkpoints import (
    CARD,
    CONFIG,
    WEIGHTS,
    list_baselines,
    list_models,
    load_baseline,
    load_model,
    save_model,
)
from tests.models.tiny import noise, tiny_config, tiny_recognizer


@pytest.fixture
def folder(tmp_path):
    save_model(tiny_recognizer(seed=3), tmp_path / "model", "# A card\n")
    return tmp_path / "model"


def change_weights(folder, change):
    weights = load_file(folder / WEIGHTS)
    change(weights)
    save_file(weights, folder / WEIGHTS)


def change_config(folder, change):
    config = json.loads((folder / CONFIG).read_text("utf-8"))
    change(config)
    (folder / CONFIG).write_text(json.dumps(config), "utf-8")


@pytest.mark.parametrize("decoder", ["nar", "ar"])
def test_what_is_saved_is_what_is_loaded(tmp_path, decoder):
    model = tiny_recognizer(seed=3, decoder=decoder)
    save_model(model, tmp_path / "new" / "model", "# Näme\n")
    loaded = load_model(tmp_path / "new" / "model")
    assert loaded.config == model.config
    assert not loaded.training
    for key, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value), key
    one, two = loaded.transcribe(noise(1.0)), model.transcribe(noise(1.0))
    assert one.tokens == two.tokens
    assert one.scores == two.scores


def test_a_folder_holds_weights_configuration_and_card(folder):
    assert sorted(path.name for path in folder.iterdir()) == sorted([WEIGHTS, CONFIG, CARD])
    assert (folder / CARD).read_text("utf-8") == "# A card\n"


def test_a_string_names_a_folder_too(folder):
    assert load_model(str(folder)).config.vocabulary[0] == "zero"


def test_saving_again_replaces_if_it_is_asked_for(folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(DataError, match="exists; --overwrite"):
        save_model(tiny_recognizer(seed=4), folder, "# Another\n")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    save_model(tiny_recognizer(seed=4), folder, "# Another\n", overwrite=True)
    expected = tiny_recognizer(seed=4).state_dict()
    for key, value in load_model(folder).state_dict().items():
        assert torch.equal(value, expected[key])


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(CheckpointError, match="no model 'digtis': expected one of") as caught:
        load_model("digtis")
    for name in list_models():
        assert name in str(caught.value)


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG])
def test_a_missing_file_is_no_model(folder, name):
    (folder / name).unlink()
    with pytest.raises(CheckpointError, match="no model .* or a folder with config.json and"):
        load_model(folder)


def test_missing_weights_are_named(folder):
    change_weights(folder, lambda weights: weights.pop("ctc.bias"))
    with pytest.raises(CheckpointError, match=r"missing \['ctc.bias'\], unknown nothing"):
        load_model(folder)


def test_unknown_weights_are_named(folder):
    change_weights(folder, lambda weights: weights.update(extra=torch.zeros(1)))
    with pytest.raises(CheckpointError, match=r"missing nothing, unknown \['extra'\]"):
        load_model(folder)


def test_weights_of_another_shape_are_named(folder):
    change_weights(folder, lambda weights: weights.update({"ctc.bias": torch.zeros(1)}))
    with pytest.raises(CheckpointError, match=r"ctc.bias must be \(6,\), got \(1,\)"):
        load_model(folder)


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_truncated_weights_are_damaged(folder, keep):
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(content[:keep])
    with pytest.raises(CheckpointError, match="model.safetensors is not a safetensors file"):
        load_model(folder)


class Payload:
    """Unpickled, it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("dump", [pickle.dumps, None], ids=["pickle", "torch.save"])
def test_a_pickle_in_disguise_is_not_executed(folder, tmp_path, dump):
    payload = Payload(tmp_path / "executed")
    if dump is None:
        torch.save(payload, folder / WEIGHTS)
    else:
        (folder / WEIGHTS).write_bytes(dump(payload))
    with pytest.raises(CheckpointError, match="model.safetensors is not a safetensors file"):
        load_model(folder)
    assert not payload.path.exists()
    pickle.loads(pickle.dumps(payload))
    assert payload.path.exists()  # it would have been


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "3", '"words"', "{}", '{"vocabulary": ["a"]}']
)
def test_a_configuration_that_is_none_is_named(folder, text):
    (folder / CONFIG).write_text(text, "utf-8")
    with pytest.raises(CheckpointError, match="config.json is not a configuration"):
        load_model(folder)


def test_a_configuration_that_is_not_text_is_named(folder):
    (folder / CONFIG).write_bytes(b"\xff\xfe\x00garbage")
    with pytest.raises(CheckpointError, match="config.json is not a configuration"):
        load_model(folder)


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("encoder", "channels", 32),  # the CIF expects 16
        ("encoder", "down_sampling", 3),
        ("encoder", "colour", "red"),
        ("encoder", "dropout", 1.5),
        ("encoder", "dropout", "much"),
        ("encoder", "kernel", -1),
        ("cif", "cif_threshold", 2.0),
        ("cif", "cif_treshold", 0.9),
        ("cif", "produce_weight_type", "magic"),
        ("decoder", "kind", "rnn"),
        ("decoder", "heads", 3),  # does not divide 16
        ("decoder", "dim", "wide"),
        ("features", "n_mels", 41),
        ("features", "f_min", 9000.0),
        ("edges", "onset_quantile", 1.5),
    ],
)
def test_a_configuration_of_nothing_that_can_be_built_is_named(folder, part, name, value):
    change_config(folder, lambda config: config[part].update({name: value}))
    with pytest.raises(CheckpointError, match="config.json is not a configuration"):
        load_model(folder)


def test_weights_of_another_configuration_are_refused(folder):
    change_config(folder, lambda config: config["encoder"].update(dilations=[1]))
    with pytest.raises(CheckpointError, match=r"unknown \['encoder.blocks.1.conv.bias'"):
        load_model(folder)


def test_models_that_come_along_can_be_loaded():
    for name in list_models():
        assert load_model(name).config.vocabulary


# --- baselines -----------------------------------------------------------------------------------


def tiny_baseline(kind="ctc", prior_weight=0.0):
    torch.manual_seed(13)
    parts = tiny_config()
    config = BaselineConfig(
        kind, parts.vocabulary, parts.features, parts.encoder, parts.decoder, prior_weight
    )
    return make_baseline(config).eval()


@pytest.fixture
def baseline_folder(tmp_path):
    save_model(tiny_baseline(), tmp_path / "baseline", "# A baseline\n")
    return tmp_path / "baseline"


@pytest.mark.parametrize(("kind", "weight"), [("ctc", 0.0), ("ctc", 0.3), ("attention", 0.0)])
def test_a_baseline_that_is_saved_is_what_is_loaded(tmp_path, kind, weight):
    model = tiny_baseline(kind, weight)
    torch.nn.init.uniform_(model.ctc.priors)  # as if it had learned them
    save_model(model, tmp_path, "# Card\n")
    loaded = load_baseline(str(tmp_path))
    assert type(loaded) is type(model) and loaded.config == model.config
    assert not loaded.training
    for key, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value), key
    assert "ctc.priors" in model.state_dict()
    one, two = loaded.transcribe(noise(1.0)), model.transcribe(noise(1.0))
    assert one.tokens == two.tokens != ()
    assert one.scores == two.scores
    assert torch.equal(one.rows, two.rows)


def test_each_loader_refuses_what_is_for_the_other(folder, baseline_folder):
    with pytest.raises(CheckpointError, match="of a recogniser: .* which load_baseline loads"):
        load_model(baseline_folder)
    with pytest.raises(CheckpointError, match="of a baseline: .* which load_model loads"):
        load_baseline(folder)


def test_baselines_that_come_along_have_names_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "resource", lambda name: tmp_path)
    assert list_baselines() == []
    save_model(tiny_recognizer(), tmp_path / "digits", "# Card\n")
    save_model(tiny_baseline(), tmp_path / "baselines" / "digits-ctc", "# Card\n")
    save_model(tiny_baseline("attention"), tmp_path / "baselines" / "digits-attention", "# Card\n")
    assert list_models() == ["digits"]
    assert list_baselines() == ["digits-attention", "digits-ctc"]
    assert load_baseline("digits-attention").config.kind == "attention"
    with pytest.raises(CheckpointError, match=r"with cifviz \(digits-attention, digits-ctc\) or a"):
        load_baseline("digits")
    with pytest.raises(CheckpointError, match=r"with cifviz \(digits\) or a folder"):
        load_model("digits-ctc")


@pytest.mark.parametrize("change", [{"colour": "red"}, {"kind": "rnn"}, {"prior_weight": "much"}])
def test_a_configuration_of_no_baseline_is_named(baseline_folder, change):
    change_config(baseline_folder, lambda config: config.update(change))
    with pytest.raises(CheckpointError, match="config.json is not a configuration of a baseline"):
        load_baseline(baseline_folder)


@pytest.mark.parametrize("text", ["", "[]", "null", '"kind"', '{"kind": "ctc"}'])
def test_a_baseline_configuration_that_is_none_is_named(baseline_folder, text):
    (baseline_folder / CONFIG).write_text(text, "utf-8")
    with pytest.raises(CheckpointError, match="config.json is not a configuration of a baseline"):
        load_baseline(baseline_folder)


def test_weights_of_another_baseline_are_refused(baseline_folder):
    change_config(baseline_folder, lambda config: config.update(kind="attention"))
    with pytest.raises(CheckpointError, match=r"missing \['decoder.embed.weight'"):
        load_baseline(baseline_folder)


def test_baselines_that_come_along_can_be_loaded():
    for name in list_baselines():
        assert load_baseline(name).config.vocabulary
