"""Weights that are missing, damaged or not what they claim to be are refused in one clear way."""

import json
import os
import pickle
from dataclasses import fields, replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from cifviz.audio.moonshine import DIM
from cifviz.errors import CheckpointError, CIFError, DataError
from cifviz.systems import checkpoints, phone_cif
from cifviz.systems.attention import AttentionRecognizer
from cifviz.systems.checkpoints import (
    CARD,
    CONFIG,
    WEIGHTS,
    list_models,
    load_model,
    load_weights,
    save_model,
)
from cifviz.systems.cif import CIFRecognizer
from cifviz.systems.ctc import CTCRecognizer
from cifviz.systems.domain import ClassStatistics, DomainConfig
from cifviz.systems.lip_reading import LipReader
from cifviz.systems.registry import SYSTEMS
from tests.systems.pretrained import FakeMoonshine
from tests.systems.tiny import noise, tiny_config, tiny_recognizer


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


NOT_SAFETENSORS = "model.safetensors is not a safetensors file, or is damaged$"


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_truncated_weights_are_damaged(folder, keep):
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(content[:keep])
    with pytest.raises(CheckpointError, match=NOT_SAFETENSORS):
        load_model(folder)


@pytest.mark.parametrize(
    "header",
    [
        (2**60).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        (8).to_bytes(8, "little") + b'{"a": 1}',
        (62).to_bytes(8, "little")
        + b'{"a":{"dtype":"F32","shape":[1000000000],"data_offsets":[0,4]}}'[:62],
    ],
)
def test_a_header_that_is_wrong_about_the_file_is_damaged(folder, header):
    (folder / WEIGHTS).write_bytes(header + b"0000")
    with pytest.raises(CheckpointError, match=NOT_SAFETENSORS):
        load_model(folder)


def test_weights_of_any_floating_point_type_are_loaded_as_float32(folder):
    exact = load_file(folder / WEIGHTS)
    for dtype in (torch.float64, torch.float16, torch.bfloat16):
        save_file({name: value.to(dtype) for name, value in exact.items()}, folder / WEIGHTS)
        for name, value in load_model(folder).state_dict().items():
            assert value.dtype == torch.float32
            assert torch.equal(value, exact[name].to(dtype).float()), name


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (torch.full((6,), torch.nan), "must be finite, got NaN or infinity"),
        (torch.tensor([0.0, 0, 0, 0, 0, -torch.inf]), "must be finite, got NaN or infinity"),
        (torch.full((6,), torch.nan).half(), "must be finite, got NaN or infinity"),
        (torch.full((6,), 1e300, dtype=torch.float64), "must be finite, .* infinity in float32"),
        (torch.zeros(6, dtype=torch.int8), "must be a floating point tensor, got torch.int8"),
        (torch.zeros(6, dtype=torch.int64), "must be a floating point tensor, got torch.int64"),
        (torch.zeros(6, dtype=torch.bool), "must be a floating point tensor, got torch.bool"),
    ],
)
def test_weights_that_are_no_finite_numbers_are_refused(folder, value, message):
    change_weights(folder, lambda weights: weights.update({"ctc.bias": value}))
    with pytest.raises(CheckpointError, match=f"ctc.bias of .*model.safetensors {message}"):
        load_model(folder)
    with pytest.raises(CheckpointError, match=f"ctc.bias of .*model.safetensors {message}"):
        load_weights(tiny_recognizer(), folder)


def test_of_very_many_names_the_first_are_listed(folder):
    change_weights(folder, lambda w: w.update({f"{i:03}" * 99: torch.zeros(1) for i in range(99)}))
    with pytest.raises(CheckpointError, match=r"unknown \['000000.* and 91 more$") as caught:
        load_model(folder)
    assert len(str(caught.value)) < 2000


def test_no_weights_at_all_are_named(folder):
    (folder / WEIGHTS).unlink()
    with pytest.raises(CheckpointError, match="there is no file .*model.safetensors"):
        load_weights(tiny_recognizer(), folder)


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
    with pytest.raises(CheckpointError, match=NOT_SAFETENSORS):
        load_model(folder)
    assert not payload.path.exists()
    pickle.loads(pickle.dumps(payload))
    assert payload.path.exists()  # it would have been


NO_CONFIG = "config.json is not a configuration of a model: "
NO_SYSTEM = 'it does not name its system: add "system": "cif" to it, or another of .*\'ctc\''


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected JSON in UTF-8, .*: line 1, column 1 is not JSON"),
        (b"{", "expected JSON in UTF-8, .*: line 1, column 2 is not JSON"),
        (b"\xff\xfe\x00garbage", "expected JSON in UTF-8, .*: byte 0 is not UTF-8"),
        (b'{"a":' * 100_000, "expected JSON in UTF-8, .*: it is nested too deep"),
        (b'{"vocabulary": NaN}', "expected JSON in UTF-8, .*: NaN is not a number of JSON"),
        (b'{"cif": 1, "cif": 2}', "expected JSON in UTF-8, .*: the key 'cif' occurs twice"),
        (b" " * (16 * 2**20 + 1), "the JSON file .* is larger than 16777216 bytes"),
        (b"[]", r"model configuration must be a Mapping, got \[\]"),
        (b"null", "model configuration must be a Mapping, got None"),
        (b"3", "model configuration must be a Mapping, got 3"),
        (b'"kind"', "model configuration must be a Mapping, got 'kind'"),
        (b"{}", NO_SYSTEM),
        (b'{"vocabulary": ["a"]}', NO_SYSTEM),
        (b'{"system": "rnn"}', "system must be one of 'cif', 'ctc', .* got 'rnn'"),
        (b'{"system": ["cif"]}', r"system must be one of 'cif', 'ctc', .* got \['cif'\]"),
        (b'{"system": "cif"}', ".*lacks vocabulary, features, encoder, cif, decoder, edges"),
        (b'{"system": "cif", "vocabulary": ["a"]}', ".*lacks features, encoder, cif"),
        (
            b'{"system": "cif", "colour": 1}',
            "model setting must be one of 'vocabulary', .* 'colour'",
        ),
    ],
    ids=lambda one: "" if isinstance(one, bytes) else None,
)
def test_a_configuration_that_is_none_is_named(folder, content, message):
    (folder / CONFIG).write_bytes(content)
    with pytest.raises(CheckpointError, match=NO_CONFIG + message):
        load_model(folder)


def test_a_configuration_may_begin_with_a_byte_order_mark(folder):
    (folder / CONFIG).write_bytes(b"\xef\xbb\xbf" + (folder / CONFIG).read_bytes())
    assert load_model(folder).config.vocabulary[0] == "zero"


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG])
@pytest.mark.parametrize("kind", ["folder", "pipe", "loop"])
def test_what_is_no_file_is_no_model(folder, name, kind):
    (folder / name).unlink()
    if kind == "folder":
        (folder / name).mkdir()
    elif kind == "loop":
        (folder / name).symlink_to(name)
    elif hasattr(os, "mkfifo"):
        os.mkfifo(folder / name)
    with pytest.raises(CheckpointError, match="no model .* or a folder with config.json and"):
        load_model(folder)


@pytest.mark.parametrize("name", ["a" * 300, "a/" * 3000, "a\0b", ""])
def test_a_name_of_no_folder_is_no_model(name):
    with pytest.raises(CheckpointError, match="no model .* or a folder with config.json and"):
        load_model(name)


HUGE = 10**13
"""Weights of such a size have more bytes than a machine."""


@pytest.mark.parametrize(
    ("part", "settings", "message"),
    [
        ("decoder", {"dim": 2 * 10**7}, "decoder.* must be .*20000000.*, got "),
        ("decoder", {"dim": 2 * 10**40}, NO_CONFIG + "its sizes are beyond those of any tensor"),
        ("encoder", {"kernel": HUGE + 1}, "encoder.* must be .*10000000000001.*, got "),
        ("decoder", {"layers": 10**9}, "holds 38 weights, which cannot be those of the 10000000"),
        ("encoder", {"dilations": [1] * 10_000}, "holds 38 weights, which cannot be those of the"),
        ("encoder", {"down_sampling": 2**1000}, "holds 38 weights, which cannot be those of the"),
        ("cif", {"conv_cif_layer_num": 10**9}, "holds 38 weights, which cannot be those of the 1"),
        (
            "cif",
            {"add_cif_ctxt_layers": True, "cif_ctxt_layers": 10**9},
            "holds 38 weights, which cannot be those of the 100000000",
        ),
        (
            "cif",
            {"add_cif_ctxt_layers": True, "cif_ctxt_ffn_embed_dim": HUGE},
            r"missing \['cif.context.layers.layers.0.linear1.bias'",
        ),
    ],
)
def test_sizes_beyond_those_of_the_weights_are_refused_before_they_are_built(
    folder, part, settings, message
):
    change_config(folder, lambda config: config[part].update(settings))
    with pytest.raises(CheckpointError, match=message):
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
        ("edges", "cut", ["fires"]),
        ("features", "win_length", 10**9),
        ("encoder", "dilations", 3),
        ("encoder", "dilations", [1, 10**9]),
        ("encoder", "channels", "16"),
        ("encoder", "n_mels", None),
        ("encoder", "kernel", 3.0),
        ("cif", "apply_scaling", "yes"),
        ("cif", "encoder_embed_dim", True),
        ("cif", "pause_frames", 10**9),
        ("decoder", "heads", -2),
        ("decoder", "layers", [1]),
    ],
)
def test_a_configuration_of_nothing_that_can_be_built_is_named(folder, part, name, value):
    change_config(folder, lambda config: config[part].update({name: value}))
    with pytest.raises(CheckpointError, match=NO_CONFIG) as caught:
        load_model(folder)
    for words in ("__init__", "NoneType", "unsupported operand", "not iterable", "Error"):
        assert words not in str(caught.value)


@pytest.mark.parametrize("part", ["features", "encoder", "cif", "decoder", "edges", "vocabulary"])
@pytest.mark.parametrize("value", [None, 3, "text", [3], {"a": 1}])
def test_a_part_of_another_type_is_named(folder, part, value):
    change_config(folder, lambda config: config.update({part: value}))
    with pytest.raises(CheckpointError, match=f"{NO_CONFIG}.*(must be|unknown CIF setting)"):
        load_model(folder)


@pytest.mark.parametrize("token", ["", "\ud800", "\x1b[2J", "a\nb", "one", 7, None, ["a"]])
def test_a_vocabulary_of_other_things_than_words_is_refused(folder, token):
    change_config(folder, lambda config: config["vocabulary"].__setitem__(0, token))
    with pytest.raises(CheckpointError, match=NO_CONFIG + "(a token of the|vocabulary must be)"):
        load_model(folder)


def test_weights_of_another_configuration_are_refused(folder):
    change_config(folder, lambda config: config["encoder"].update(dilations=[1]))
    with pytest.raises(CheckpointError, match=r"unknown \['encoder.blocks.1.conv.bias'"):
        load_model(folder)


def test_models_that_come_along_can_be_loaded():
    for name in list_models():
        assert load_model(name).config.vocabulary


# --- every system --------------------------------------------------------------------------------


def tiny(name, seed=13):
    """A small model of a system, and of CTC with label priors."""
    torch.manual_seed(seed)
    kind = SYSTEMS[name.removesuffix("-priors")]
    parts = vars(tiny_config()) | ({"prior_weight": 0.3} if name == "ctc-priors" else {})
    if name == "phone-cif":
        parts["decoder"] = replace(parts["decoder"], kind="projection")
        parts["encoder"] = replace(parts["encoder"], n_mels=DIM)
    if name == "w2v-cif-bert":
        parts["input"] = "log-mel"
    if name == "simultaneous":
        parts["cif"] = replace(parts["cif"], r_order=0)
    if name in ("fastlr", "lip-attention"):
        parts["encoder"] = replace(parts["encoder"], n_mels=8, down_sampling=1)
    known = {one.name for one in fields(kind.Config)}
    config = kind.Config(**{part: value for part, value in parts.items() if part in known})
    model = kind(config).eval()
    if name == "lip-attention":  # without training it begins with the end
        torch.nn.init.constant_(model.decoder.output.bias[-1:], -9.0)
    return model


every_system = pytest.mark.parametrize("name", [*SYSTEMS, "ctc-priors"])


@every_system
def test_a_model_of_any_system_that_is_saved_is_what_is_loaded(tmp_path, name, monkeypatch):
    monkeypatch.setattr(phone_cif, "load_moonshine", FakeMoonshine)
    model = tiny(name)
    if name == "ctc-priors":
        torch.nn.init.uniform_(model.ctc.priors)  # as if it had learned them
    save_model(model, tmp_path / "mine", "# Card\n")
    assert json.loads((tmp_path / "mine" / CONFIG).read_text("utf-8"))["system"] == (
        name.removesuffix("-priors")
    )
    loaded = load_model(str(tmp_path / "mine"))
    assert type(loaded) is type(model) and loaded.config == model.config
    assert loaded.name == "mine" and not loaded.training
    for key, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value), key
    further = {"video": torch.rand(25, 16, 24)} if isinstance(model, LipReader) else {}
    one, two = (each.transcribe(noise(1.0), **further) for each in (loaded, model))
    assert one.tokens == two.tokens != ()
    assert one.scores == two.scores
    assert torch.equal(one.rows, two.rows)
    assert (one.model, two.model) == ("mine", "")


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("mask-ctc", {"iterations": 0}, "iterations must be an integer > 0, got 0"),
        (
            "mask-ctc",
            {"mask_threshold": "sure"},
            "mask_threshold must be a number >= 0, got 'sure'",
        ),
        (
            "intermediate-ctc",
            {"intermediate_blocks": [1]},
            "each of intermediate_blocks must be an",
        ),
        ("self-conditioned-ctc", {"intermediate_blocks": 0}, "blocks must be a Sequence, got 0"),
        ("context-aware", {"contextual": {"heads": 3}}, "decoder.heads must divide decoder.dim"),
        ("context-aware", {"contextual": {"layers": 10**9}}, "cannot be those of the 100000000"),
        ("context-aware", {"decoder": {"kind": "ar"}}, "kind of the first decoder must be one of"),
        ("coldec", {"context": {"ctxt_num_heads": 3}}, "ctxt_num_heads must divide ctxt_encoder_"),
        ("coldec", {"context": {"num_ctxt_decoder_layers": 10**9}}, "cannot be those of the 1000"),
        (
            "coldec",
            {"context": {"coldec_lamda": 0.5}},
            "context setting must be one of .*'",
        ),
        (
            "finecos",
            {"context": {"screened_phrase_num": 0}},
            "screened_phrase_num must be an integer > 0, got 0",
        ),
        ("seaco", {"context": {"nfilter": -1}}, "nfilter must be an integer >= 0, got -1"),
        ("seaco", {"decoder": {"kind": "ar"}}, "kind of the decoder of seaco must be one of 'nar'"),
        ("paraformer", {"cif": {"tail_rule": {"rule": "most"}}}, "tail rule must be one of 'drop'"),
        ("paraformer", {"cif": {"tail_rule": {"value": 1}}}, "tail rule must be one of 'drop'"),
        (
            "paraformer",
            {"cif": {"tail_rule": "rounded"}},
            "tail_rule must be a TailRule, got 'round",
        ),
        (
            "paraformer",
            {"alignment": "soft", "soft_heads": 10**30},
            "soft_heads must divide an emb",
        ),
        (
            "paraformer",
            {"alignment": "soft", "cif": {"add_cif_ctxt_layers": True}},
            "is not a configuration of a model: a soft CIF has neither cif_embedding_dim nor",
        ),
    ],
)
def test_settings_of_one_system_that_cannot_be_are_named(tmp_path, name, changes, message):
    save_model(tiny(name), tmp_path / "m", "")

    def change(config):
        for part, value in changes.items():
            config[part] = {**config[part], **value} if isinstance(value, dict) else value

    change_config(tmp_path / "m", change)
    with pytest.raises(CheckpointError, match=message):
        load_model(tmp_path / "m")


def test_models_that_come_along_are_found_whatever_their_system(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "resource", lambda name: tmp_path)
    assert list_models() == []
    save_model(tiny_recognizer(), tmp_path / "digits", "# Card\n")
    save_model(tiny("attention"), tmp_path / "digits-attention", "# Card\n")
    assert list_models() == ["digits", "digits-attention"]
    assert type(load_model("digits")) is CIFRecognizer
    assert type(load_model("digits-attention")) is AttentionRecognizer
    with pytest.raises(CheckpointError, match=r"with cifviz \(digits, digits-attention\) or a fol"):
        load_model("digits-ctc")


def test_a_configuration_that_names_no_system_says_what_to_add(folder):
    change_config(folder, lambda config: config.pop("system"))
    with pytest.raises(CheckpointError, match=NO_CONFIG + NO_SYSTEM):
        load_model(folder)
    change_config(folder, lambda config: config.update(system="cif"))
    assert type(load_model(folder)) is CIFRecognizer


def test_a_configuration_of_another_system_is_refused(folder):
    change_config(folder, lambda config: config.update(system="ctc"))
    with pytest.raises(CheckpointError, match=NO_CONFIG + "model setting must be .* got 'cif'"):
        load_model(folder)


def test_weights_of_another_system_are_refused(folder):
    change_config(folder, lambda config: config.update(system="upsampled"))
    with pytest.raises(CheckpointError, match=r"missing \['fine.weights.conv.0.bias"):
        load_model(folder)


def test_a_class_that_is_not_registered_is_not_saved(tmp_path):
    class Mine(CTCRecognizer):
        pass

    with pytest.raises(CIFError, match=r"Mine is no registered system: expected one of \['cif'"):
        save_model(Mine(tiny("ctc").config), tmp_path / "mine", "")
    assert not (tmp_path / "mine").exists()


def test_half_precision_is_kept_and_loaded_as_single(folder):
    model = tiny_recognizer(seed=3)
    save_model(tiny_recognizer(seed=3).half(), folder, "", overwrite=True)
    assert load_file(folder / WEIGHTS)["ctc.bias"].dtype == torch.float16
    for name, value in load_model(folder).state_dict().items():
        assert torch.equal(value, model.state_dict()[name].half().float()), name


@pytest.mark.parametrize(
    ("part", "name", "value", "message"),
    [
        ("cif", "smooth_factor", 3e4, "smooth_factor must be a number <= 16, got 30000.0"),
        ("cif", "smooth_factor", 10**30, "smooth_factor must be a number <= 16"),
        ("cif", "tail_handling_firing_threshold", 10**30, "threshold must be a number >= 0 and <="),
        ("cif", "cif_threshold", 1e-30, "cif_threshold must be a number >= 1e-06, got 1e-30"),
        ("features", "floor", 1e308, r"floor must be a number >= 1e-30 and <= 1e\+30, got 1e\+308"),
        ("features", "floor", 1e-300, "floor must be a number >= 1e-30"),
    ],
)
def test_settings_that_nothing_can_be_computed_with_are_refused(folder, part, name, value, message):
    change_config(folder, lambda config: config[part].update({name: value}))
    with pytest.raises(CheckpointError, match=message):
        load_model(folder)


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("cif", "pause_weight"),
        ("edges", "onset_shift"),
        ("edges", "offset_shift"),
    ],
)
def test_integers_beyond_64_bits_are_numbers_like_others(folder, part, name):
    change_config(
        folder,
        lambda config: config[part].update(
            {name: 10**30, "cut": "fires"} if part == "edges" else {name: 10**30, "pause_frames": 2}
        ),
    )
    assert load_model(folder).transcribe(noise(0.3)).duration == 0.3


@pytest.mark.parametrize("decoder", ["nar", "ar"])
def test_a_decoder_takes_embeddings_of_any_size(tmp_path, decoder):
    settings = {"cif_embedding_dim": 8, "smooth_factor": 2.0}
    model = tiny_recognizer(decoder=decoder, **settings)
    model.statistics = ClassStatistics(torch.zeros(3, 8), torch.eye(8))
    model.config = replace(model.config, domain=DomainConfig(1.0))
    save_model(model, tmp_path / "m", "")
    hypothesis = load_model(tmp_path / "m").transcribe(noise(0.5))
    assert hypothesis.tokens and hypothesis.firing.embeddings.shape[2] == 8
    assert hypothesis.domain_distance is not None


TOO_LARGE = "the model computes NaN or infinity for this sound: its weights or settings are too"


@pytest.mark.parametrize("part", ["encoder", "decoder"])
@pytest.mark.parametrize("kind", ["nar", "ar", "ctc", "attention"])
def test_finite_weights_too_large_to_compute_with_are_one_error(kind, part):
    is_cif = kind in ("nar", "ar")
    model = tiny_recognizer(decoder=kind) if is_cif else tiny(kind, seed=0)
    heavy = model.ctc if kind == "ctc" and part == "decoder" else getattr(model, part)
    with torch.no_grad():
        for weight in heavy.parameters():
            weight.fill_(3e38)
    with pytest.raises(CIFError, match=TOO_LARGE):
        model.transcribe(noise(0.5))
