"""What ONNX Runtime computes with an exported graph, beside PyTorch."""

from __future__ import annotations

import builtins
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import cifviz
from cifviz.core import onnx_export
from cifviz.core.firing import Firing, integrate_and_fire
from cifviz.core.module import CIF, CIFConfig
from cifviz.core.onnx_export import OUTPUTS, Integrator, export_onnx
from cifviz.core.soft_alignment import SoftCIF
from cifviz.core.tail import above, appended, drop, dynamic, rounded
from cifviz.errors import CIFError, DataError
from tests.repeats import others_long

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
onnxruntime = pytest.importorskip("onnxruntime", exc_type=ImportError)

pytestmark = pytest.mark.slow

DIM = 4
RULES = {
    "drop": {},
    "slack, above": {"slack": 0.1, "tail": above(0.2)},
    "threshold, appended": {"threshold": 0.7, "tail": appended(0.45)},
    "rounded": {"tail": rounded},
    "dynamic": {"tail": dynamic},
}


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """A runtime of the rules of that name, for inputs of that dtype; each is made once."""
    made = {}

    def give(name: str, dtype: torch.dtype):
        if (name, dtype) not in made:
            path = tmp_path_factory.mktemp("onnx") / "integrator.onnx"
            export_onnx(Integrator(**RULES[name]), path, dtype=dtype)
            made[name, dtype] = runtime(path)
        return made[name, dtype]

    return give


def runtime(path: Path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run(session, *inputs: Tensor) -> dict[str, Tensor]:
    names = [each.name for each in session.get_inputs()]
    given = {name: each.numpy() for name, each in zip(names, inputs, strict=True)}
    outputs = zip(OUTPUTS, session.run(None, given), strict=True)
    return {name: torch.from_numpy(np.array(each)) for name, each in outputs}


def drawn(cases: int, frames: int, seed: int, dtype: torch.dtype) -> tuple[Tensor, ...]:
    """Weights with silence, ties and peaks among them, frames, and lengths from 0 on."""
    generator = torch.Generator().manual_seed(seed)
    alpha = 1.5 * torch.rand(cases, frames, generator=generator)
    kind = torch.randint(0, 4, (cases, 1), generator=generator)
    alpha = torch.where(kind == 1, (4 * alpha).round() / 4, alpha)  # ends of frames and tokens meet
    alpha = torch.where(kind == 2, 0.1 * (10 * alpha).round(), alpha)  # nearly, in decimal parts
    alpha = torch.where(kind == 3, alpha.pow(4), alpha)
    alpha[torch.rand(cases, frames, generator=generator) < 0.1] = 0
    encoder_out = torch.randn(cases, frames, DIM, generator=generator)
    lengths = torch.randint(0, frames + 1, (cases,), generator=generator)
    return alpha.to(dtype), encoder_out.to(dtype), lengths


def expected(alpha: Tensor, encoder_out: Tensor, lengths: Tensor, name: str) -> Firing:
    return integrate_and_fire(alpha, encoder_out.float(), frame_lengths=lengths, **RULES[name])


def assert_same(found: dict[str, Tensor], firing: Firing) -> None:
    assert torch.equal(found["num_fires"], firing.num_fires)
    for name in OUTPUTS:
        wanted = getattr(firing, name).detach()
        assert found[name].shape == wanted.shape, name
        torch.testing.assert_close(
            found[name].double(), wanted.double(), rtol=1e-6, atol=1e-6, msg=name
        )


@pytest.mark.parametrize("dtype", others_long(torch.float32, torch.float16), ids=str)
@pytest.mark.parametrize("name", others_long(*RULES))
def test_ten_thousand_cases_are_those_of_torch(session, name, dtype):
    for seed in range(10):
        inputs = drawn(1000, 3 + 2 * seed, seed, dtype)
        firing = expected(*inputs, name)
        assert int(firing.num_fires.sum()) > 500
        assert_same(run(session(name, dtype), *inputs), firing)


@pytest.mark.parametrize("shape", [(1, 1), (7, 2), (1, 2000), (0, 5), (3, 0), (0, 0)])
def test_other_sizes_of_batch_and_frames(session, shape):
    inputs = drawn(*shape, 0, torch.float32)
    for name in ("drop", "slack, above"):
        assert_same(run(session(name, torch.float32), *inputs), expected(*inputs, name))


def test_a_frame_of_another_size(session):
    alpha, encoder_out, lengths = drawn(3, 9, 0, torch.float32)
    wide = torch.cat([encoder_out, -encoder_out], dim=2)
    found = run(session("drop", torch.float32), alpha, wide, lengths)
    assert_same(found, expected(alpha, wide, lengths, "drop"))


def test_silence_fires_nothing(session):
    silence = torch.zeros(2, 6), torch.ones(2, 6, DIM), torch.tensor([6, 3])
    found = run(session("slack, above", torch.float32), *silence)
    assert found["embeddings"].shape == (2, 0, DIM)


def test_what_stands_in_padded_frames_reaches_nothing(session):
    alpha, encoder_out, lengths = drawn(50, 12, 1, torch.float32)
    behind = torch.arange(12) >= lengths.unsqueeze(1)
    spoiled = alpha.masked_fill(behind, math.nan), encoder_out.masked_fill(behind[..., None], 1e30)
    clean = expected(alpha, encoder_out, lengths, "slack, above")
    assert_same(run(session("slack, above", torch.float32), *spoiled, lengths), clean)


SIZES = {"encoder_embed_dim": DIM, "conv_cif_output_channels_num": 6}
MODULES = {
    "conv": lambda: CIF(CIFConfig(**SIZES)),
    "dense": lambda: CIF(CIFConfig(**SIZES, produce_weight_type="dense", cif_threshold=1.0)),
    "depthwise": lambda: CIF(CIFConfig(**SIZES, produce_weight_type="depthwise")),
    "rounds at pauses": lambda: CIF(CIFConfig(**SIZES, pause_frames=2, tail_rule=rounded)),
    "output and context": lambda: CIF(
        CIFConfig(
            **SIZES,
            cif_embedding_dim=6,
            add_cif_ctxt_layers=True,
            cif_ctxt_attention_heads=2,
            cif_ctxt_ffn_embed_dim=8,
        )
    ),
    "soft": lambda: SoftCIF(CIFConfig(**SIZES)),
}


@pytest.mark.parametrize("name", others_long(*MODULES))
def test_modules_with_their_predictors(name, tmp_path):
    torch.manual_seed(0)
    cif = MODULES[name]()  # in training mode: its dropout must not be in the graph
    session = runtime(export_onnx(cif, tmp_path / "cif.onnx"))
    assert cif.training
    cif.eval()
    for shape in ((4, 30), (1, 7)):
        _, encoder_out, lengths = drawn(*shape, 2, torch.float32)
        found, firing = run(session, encoder_out, lengths), cif(encoder_out, lengths)
        assert torch.equal(found["num_fires"], firing.num_fires)
        # An embedding is no farther off than the weights, which are sums in another order.
        for output in OUTPUTS:
            torch.testing.assert_close(
                found[output].double(),
                getattr(firing, output).detach().double(),
                rtol=1e-5,
                atol=1e-5 if output != "fire_positions" else 1e-4,
            )


class Own(nn.Module):
    """A model of somebody else's: weights by its own means, then `integrate_and_fire`."""

    def forward(self, encoder_out: Tensor, frame_lengths: Tensor) -> Firing:
        alpha = encoder_out[..., 0].abs()
        return integrate_and_fire(alpha, encoder_out, frame_lengths=frame_lengths, threshold=0.9)


def test_any_module_that_returns_a_firing(tmp_path):
    path = export_onnx(Own(), tmp_path / "own.onnx", dim=DIM, dtype=torch.float16)
    _, encoder_out, lengths = drawn(5, 20, 3, torch.float16)
    assert_same(run(runtime(path), encoder_out, lengths), Own()(encoder_out.float(), lengths))
    assert metadata(path)["cifviz.threshold"] == "0.9"
    assert metadata(path)["cifviz.tail"] == "unknown"


def metadata(path: Path) -> dict[str, str]:
    return {each.key: each.value for each in onnx.load(path).metadata_props}


def test_the_file_says_by_which_rules_and_names_no_folder(tmp_path):
    module = Integrator(threshold=0.75, slack=0.05, tail=above(0.25))
    path = export_onnx(module, tmp_path / "cif.onnx")
    assert metadata(path) == {
        "cifviz.threshold": "0.75",
        "cifviz.slack": "0.05",
        "cifviz.tail": json.dumps({"rule": "above", "value": 0.25}),
        "cifviz.version": cifviz.__version__,
        "torch.version": str(torch.__version__),
    }
    content = path.read_bytes()
    for folder in (Path(cifviz.__file__).parent, Path(torch.__file__).parent):
        assert str(folder).encode() not in content
    assert b"firing.py" not in content


def test_no_node_is_a_loop(tmp_path):
    path = export_onnx(CIF(CIFConfig(**SIZES)), tmp_path / "cif.onnx")
    graph = onnx.load(path)
    kinds = {node.op_type for part in (graph.graph, *graph.functions) for node in part.node}
    assert not kinds & {"Loop", "Scan", "If", "SequenceMap"}
    assert [each.name for each in graph.graph.input] == ["encoder_out", "frame_lengths"]
    assert [each.name for each in graph.graph.output] == list(OUTPUTS)


def test_a_file_that_stands_there_is_kept(tmp_path):
    path = tmp_path / "cif.onnx"
    path.write_text("mine")
    with pytest.raises(DataError, match="overwrite"):
        export_onnx(Integrator(), path)
    assert path.read_text() == "mine"
    export_onnx(Integrator(), path, overwrite=True)
    assert [each.name for each in tmp_path.iterdir()] == ["cif.onnx"]


class Broken(nn.Module):
    def forward(self, encoder_out: Tensor, frame_lengths: Tensor) -> Tensor:
        return encoder_out


class Curious(nn.Module):
    def forward(self, encoder_out: Tensor, frame_lengths: Tensor) -> Firing:
        if encoder_out.sum() > 0:
            raise ValueError("too loud")
        return integrate_and_fire(encoder_out[..., 0].abs(), encoder_out)


def test_a_place_where_no_file_can_be_is_refused_before_the_work(monkeypatch, tmp_path):
    monkeypatch.setattr(onnx_export, "_traced", None)
    with pytest.raises(DataError, match="no such folder to write in: .*nowhere"):
        export_onnx(Integrator(), tmp_path / "nowhere" / "cif.onnx")
    with pytest.raises(DataError, match="expected the path of a file to write, got 3"):
        export_onnx(Integrator(), 3)


@pytest.mark.parametrize(
    ("module", "settings", "message"),
    [
        (None, {}, "module must be"),
        (Integrator(), {"dtype": torch.float64}, "dtype must be"),
        (Own(), {}, "dim must be given: the size of a frame that the module takes"),
        (Own(), {"dim": 0}, "dim must be an integer > 0"),
        (Broken(), {"dim": 3}, "what the module returns must be"),
        (Curious(), {"dim": 3}, "this Curious cannot be exported to ONNX: "),
    ],
)
def test_what_cannot_be_exported_is_refused_and_leaves_nothing(module, settings, message, tmp_path):
    with pytest.raises(CIFError, match=message):
        export_onnx(module, tmp_path / "cif.onnx", **settings)
    assert not list(tmp_path.iterdir())


def test_without_the_packages_one_sentence_says_how_to_get_them(monkeypatch, tmp_path):
    imported = builtins.__import__

    def refuse(name: str, *rest):
        if name.partition(".")[0] == "onnxscript":
            raise ImportError("No module named 'onnxscript'")
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(CIFError, match=r"No module named 'onnxscript'\): pip install cifviz\[onnx"):
        export_onnx(Integrator(), tmp_path / "cif.onnx")


def test_rules_out_of_range_are_refused():
    for settings, message in (
        ({"threshold": 0.0}, "threshold must be"),
        ({"slack": 1.0}, "slack"),
        ({"tail": "drop"}, "tail must be"),
    ):
        with pytest.raises(CIFError, match=message):
            Integrator(**settings)
    assert Integrator().tail is drop
