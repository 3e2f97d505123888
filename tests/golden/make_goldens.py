"""Run the public implementations again, and compare or write what they record in this folder.

    .venv-peers/bin/python tests/golden/make_goldens.py            compare (make test-peers makes
                                                                   this environment)
    … make_goldens.py --write FILE …                               write these files anew
    … --cif-pytorch FOLDER --kairumo FOLDER …                      checkouts of the code bases that
                                                                   are no packages, or their files

The inputs are data, too: they are read from the files. Only a file that is not there gets random
ones, from its seed in `DRAWN`. Outputs are those of the versions in `VERSIONS`, on the CPU, in
float32; another version is refused. A file whose source is not at hand is named, and counts as not
compared. The exit code is 1 if a file differs.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import importlib.metadata
import importlib.util
import io
import json
import subprocess
import sys
import tempfile
import types
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from torch import Tensor, nn

HERE = Path(__file__).parent
VERSIONS = {"funasr": "1.4.16", "torch-cif": "0.2.0"}
"""Packages."""
CHECKOUTS = {
    "cif_pytorch": ("github.com/MingLunHan/CIF-PyTorch at 9ce5118", "modules/cif_middleware.py"),
    "w2v_cif_bert": ("github.com/aispeech-lab/w2v-cif-bert at 6739989", "wav2vec/wav2vec2_cif.py"),
    "ultravox_cformer": (
        "github.com/fixie-ai/ultravox at 6dcb51b",
        "ultravox/model/ultravox_adapter.py",
    ),
    "spacemit": ("SpacemiT's ONNX operators Cif and CifWoHidden (C++)", "demo_custom_ort_op.cc"),
    "sophgo_seaco": ("Sophgo's SOPHON-DEMO, its sample of SeACo-Paraformer", "seaco_paraformer.py"),
    "kairumo": (
        "github.com/hauchiehlin-ops/Kairumo at 2718db4",
        "crates/padnote-asr-paraformer/src/cif.rs",
    ),
}
"""Code bases that are no packages: where they are, and the file that is run."""
DRAWN = {
    "funasr_PifPredictor_eval.npz": 0,
    "funasr_PifPredictor_train.npz": 1,
    "w2v_cif_bert_eval.npz": 2,
    "w2v_cif_bert_train.npz": 3,
    "ultravox_cformer_eval.npz": 4,
    "ultravox_cformer_train.npz": 5,
    "spacemit_cif_b1.0.npz": 6,
    "spacemit_cif_b0.9.npz": 7,
    "spacemit_cif_wo_hidden_b0.9999.npz": 8,
    "spacemit_cif_wo_hidden_b0.9.npz": 9,
    "sophgo_seaco_b1.0.npz": 10,
    "sophgo_seaco_b0.9.npz": 11,
    "sophgo_seaco_b1.2.npz": 12,
    "kairumo.npz": 13,
}
"""Seeds of the inputs of files that this script made."""
TOLERANCE = 1e-5
LAST_BIT = "_b1.0_train.npz"
"""In CIF-PyTorch's training at a threshold of 1, the last bit of a float32 sum decides whether the
last token fires, and it is another one on another processor. Such a file may differ."""

Arrays = Mapping[str, Tensor]


class Missing(Exception):
    """A source is not at hand; the message says how to get it."""


# Sources: each runs on the inputs among the arrays of a file, and gives what it puts out.


def torch_cif(entry: Mapping, arrays: Arrays, _: Path | None) -> dict[str, Tensor]:
    """torch_cif's function on one-hot inputs."""
    require_version("torch-cif")
    from torch_cif import cif_function

    alpha = arrays["alpha"]
    result = cif_function(
        identity(alpha),
        alpha,
        beta=entry["threshold"],
        tail_thres=entry["tail"],
        padding_mask=behind(arrays["frame_lengths"], alpha),
        target_lengths=arrays.get("target_lengths"),
        unbound_alpha=True,
    )
    names = {"contributions": "cif_out", "num_fires": "cif_lengths", "delays": "delays"}
    return {ours: result[theirs][0] for ours, theirs in names.items()}


def funasr_function(entry: Mapping, arrays: Arrays, _: Path | None) -> dict[str, Tensor]:
    """FunASR's `cif` or `cif_v1` on one-hot inputs."""
    require_version("funasr")
    from funasr.models.paraformer import cif_predictor

    function = getattr(cif_predictor, entry["dialect"].split()[-1])
    alpha = arrays["alpha"]
    contributions, fires = function(identity(alpha), alpha, entry["threshold"])
    return {"contributions": contributions, "fires_accumulator": fires}


def funasr_predictor(entry: Mapping, arrays: Arrays, _: Path | None) -> dict[str, Tensor]:
    """One of FunASR's predictors with its parameters."""
    require_version("funasr")
    from funasr.models.e_paraformer.pif_predictor import PifPredictor
    from funasr.models.paraformer.cif_predictor import CifPredictor, CifPredictorV2

    kinds = {kind.__name__: kind for kind in (CifPredictor, CifPredictorV2, PifPredictor)}
    hidden, targets = arrays["encoder_out"], arrays.get("target_lengths")
    tail = {"tail_threshold": entry["tail_threshold"]} if "tail_threshold" in entry else {}
    predictor = kinds[entry["dialect"].split()[-1]](hidden.shape[2], 1, 1, **tail)
    load_state(predictor, arrays)
    predictor.train(targets is not None)
    options = {}
    if targets is not None:  # PifPredictor reads a length only from labels
        most = int(targets.max())
        is_label = torch.arange(most) < targets.unsqueeze(1)
        options = {"target_label": torch.where(is_label, 1, -1)}
    mask = ~behind(arrays["frame_lengths"], hidden[:, :, 0]).unsqueeze(1)
    if predictor.training:
        predictor.dropout.p = 0.0
    embeddings, token_num, alphas, peaks = predictor(hidden, mask=mask, **options)
    outputs = {"acoustic_embeds": embeddings, "token_num": token_num, "alphas": alphas}
    return outputs if peaks is None else {**outputs, "cif_peak": peaks}


def cif_pytorch(entry: Mapping, arrays: Arrays, checkout: Path | None) -> dict[str, Tensor]:
    """CIF-PyTorch's middleware with its parameters, or with given weights on one-hot inputs."""
    given = arrays.get("alpha")
    hidden = arrays["encoder_out"] if given is None else identity(given)
    config = types.SimpleNamespace(
        cif_threshold=entry["threshold"],
        cif_embedding_dim=hidden.shape[2],
        encoder_embed_dim=hidden.shape[2],
        produce_weight_type=entry.get("kind", "linear"),
        conv_cif_width=entry.get("width", 3),
        conv_cif_dropout=0.0,
        apply_scaling=True,
        apply_tail_handling=True,
        tail_handling_firing_threshold=entry.get("tail", 0.5),
    )
    # It moves everything to a GPU.
    with (
        mock.patch.object(Tensor, "cuda", lambda self: self),
        mock.patch.object(nn.Module, "cuda", lambda self: self),
    ):
        module = read_file("cif_pytorch", checkout).CifMiddleware(config)
        load_state(module, arrays)
        module.train(bool(entry.get("training")))
        padding = behind(arrays["frame_lengths"], hidden[:, :, 0])
        if given is not None:
            module.weight_proj = Given(given.logit().unsqueeze(2))
        inputs = {"encoder_raw_out": hidden, "encoder_padding_mask": padding}
        result = module(inputs, arrays.get("target_lengths"))
    valid = result["cif_out_padding_mask"]
    if given is not None:
        return {"contributions": result["cif_out"], "valid": valid}
    return {
        "cif_out": result["cif_out"],
        "cif_out_mask_1_is_valid": valid,
        "quantity_out": result["quantity_out"],
    }


def w2v_cif_bert(entry: Mapping, arrays: Arrays, checkout: Path | None) -> dict[str, Tensor]:
    """w2v-cif-bert's `resize` and `cif` on one-hot inputs, as its model calls them."""
    module = read_file("w2v_cif_bert", checkout)
    alpha = arrays["alpha"]
    wanted = arrays.get("target_lengths", alpha.sum(-1).round().int())
    with contextlib.redirect_stdout(io.StringIO()):  # it prints each peak that it flattens
        scaled, _ = module.resize(alpha, wanted)
    return {"scaled_alpha": scaled, "contributions": module.cif(identity(alpha), scaled)}


def ultravox_cformer(entry: Mapping, arrays: Arrays, checkout: Path | None) -> dict[str, Tensor]:
    """Ultravox's CFormerAdapter without layers, on one-hot inputs beside given weights."""
    beside = {name: mock.MagicMock() for name in ("transformers", "_golden.ultravox_config")}
    for name in ("models", "models.whisper", "models.wav2vec2"):
        beside[f"transformers.{name}"] = mock.MagicMock()
    for name in ("whisper", "wav2vec2"):
        beside[f"transformers.models.{name}.configuration_{name}"] = mock.MagicMock()
    beside["_golden"] = types.ModuleType("_golden")
    with mock.patch.dict(sys.modules, beside):
        kind = read_file("ultravox_cformer", checkout, package="_golden").CFormerAdapter
    adapter = kind.__new__(kind)
    nn.Module.__init__(adapter)
    adapter.pre_cif_layers = adapter.post_cif_layers = ()
    adapter.cif_proj, adapter.post_ln, adapter.text_proj = (nn.Identity() for _ in range(3))
    alpha, targets = arrays["alpha"], arrays.get("target_lengths")
    adapter.train(targets is not None)
    with mock.patch.object(torch, "sigmoid", lambda weights: weights):  # they are weights already
        hidden = torch.cat([identity(alpha), alpha.unsqueeze(2)], dim=2)
        contributions, _ = adapter(hidden, targets)
    return {"contributions": contributions}


def sophgo_seaco(entry: Mapping, arrays: Arrays, checkout: Path | None) -> dict[str, Tensor]:
    """Sophgo's `cif` on one-hot inputs."""
    chip = {name: mock.MagicMock() for name in ("sophon", "sophon.sail")}
    with mock.patch.dict(sys.modules, chip):
        module = read_file("sophgo_seaco", checkout)
    alpha = arrays["alpha"].numpy()
    found = module.cif(identity(arrays["alpha"]).numpy(), alpha, threshold=entry["threshold"])
    names = ("contributions", "fires_accumulator")
    return {name: torch.from_numpy(array) for name, array in zip(names, found, strict=True)}


def spacemit(entry: Mapping, arrays: Arrays, checkout: Path | None) -> dict[str, Tensor]:
    """One of SpacemiT's operators, its arithmetic compiled without ONNX Runtime."""
    text = found_file("spacemit", checkout).read_text()
    start, end = text.index("struct CifComputeContext"), text.index("struct CifWoHidden_Kernel")
    operator = entry["operator"]
    program = f"""
        #include <cstdint>
        #include <cstring>
        #include <vector>
        {text[start:end]}
        extern "C" void run(const float* hidden, const float* alpha, float* rows, float* fires,
                            int64_t* counts, float threshold, int64_t batch, int64_t frames) {{
          CifComputeContext context;
          context.hidden = hidden; context.alpha = alpha; context.frame_fires = rows;
          context.fires = fires; context.max_label_num = counts; context.threshold = threshold;
          context.len_time = frames; context.hidden_size = frames;
          for (int64_t row = 0; row < batch; ++row) {operator}_ComputeBatch(&context, row);
        }}"""
    alpha = arrays["alpha"].contiguous()
    hidden = identity(alpha).contiguous()
    rows, fires = torch.zeros_like(hidden), torch.zeros_like(alpha)
    counts = torch.zeros(len(alpha), dtype=torch.long)
    with compiled(["c++", "-shared", "-fPIC"], "cif.cc", program) as library:
        pointers = [ctypes.c_void_p(one.data_ptr()) for one in (hidden, alpha, rows, fires, counts)]
        library.run(
            *pointers,
            ctypes.c_float(entry["threshold"]),
            *(ctypes.c_int64(size) for size in alpha.shape),
        )
    if operator == "CifWoHidden":
        return {"fires_accumulator": fires}
    most = int(counts.max())
    return {"contributions": rows[:, :most], "num_fires": counts, "fires_accumulator": fires}


def kairumo(entry: Mapping, arrays: Arrays, checkout: Path | None) -> dict[str, Tensor]:
    """Kairumo's `cif` on one-hot inputs, one utterance after the other."""
    file = found_file("kairumo", checkout).resolve()
    program = f"""
        #[path = {json.dumps(str(file))}]
        #[allow(dead_code)]
        mod cif;
        #[no_mangle]
        pub unsafe extern "C" fn run(alpha: *const f32, frames: usize, rows: *mut f32) -> usize {{
            let alpha = std::slice::from_raw_parts(alpha, frames);
            let hidden: Vec<Vec<f32>> = (0..frames)
                .map(|t| (0..frames).map(|s| if s == t {{ 1.0 }} else {{ 0.0 }}).collect())
                .collect();
            let found = cif::cif(&hidden, alpha).embeddings;
            for (number, row) in found.iter().enumerate() {{
                for (frame, weight) in row.iter().enumerate() {{
                    *rows.add(number * frames + frame) = *weight;
                }}
            }}
            found.len()
        }}"""
    alpha = arrays["alpha"]
    weights, counts = torch.zeros(len(alpha), alpha.shape[1], alpha.shape[1]), []
    with compiled(["rustc", "--crate-type", "cdylib"], "run.rs", program) as library:
        for number, length in enumerate(arrays["frame_lengths"].tolist()):
            one, rows = alpha[number, :length].contiguous(), torch.zeros(length, length)
            pointers = [ctypes.c_void_p(tensor.data_ptr()) for tensor in (one, rows)]
            counts.append(library.run(pointers[0], ctypes.c_size_t(length), pointers[1]))
            weights[number, :length, :length] = rows
    return {"contributions": weights[:, : max(counts)], "num_fires": torch.tensor(counts)}


SOURCES: dict[str, Callable[[Mapping, Arrays, Path | None], dict[str, Tensor]]] = {
    "torch_cif_": torch_cif,
    "funasr_cif": funasr_function,
    "funasr_CifPredictor": funasr_predictor,
    "funasr_PifPredictor": funasr_predictor,
    "cif_pytorch_": cif_pytorch,
    "w2v_cif_bert_": w2v_cif_bert,
    "ultravox_cformer_": ultravox_cformer,
    "spacemit_": spacemit,
    "sophgo_seaco_": sophgo_seaco,
    "kairumo": kairumo,
}
"""What makes a file, by the beginning of its name."""


# What they need


class Given(nn.Module):
    """A projection that gives what it was told."""

    def __init__(self, logits: Tensor):
        super().__init__()
        self.logits = logits

    def forward(self, _: Tensor) -> Tensor:
        return self.logits


def identity(alpha: Tensor) -> Tensor:
    """One channel for each frame, so that what comes out is what each frame gives."""
    return torch.eye(alpha.shape[1]).expand(len(alpha), -1, -1)


def behind(lengths: Tensor, batch: Tensor) -> Tensor:
    """True at padded frames (batch, frames)."""
    return torch.arange(batch.shape[1]) >= lengths.unsqueeze(1)


def load_state(module: nn.Module, arrays: Arrays) -> None:
    state = {
        name.removeprefix("state."): value
        for name, value in arrays.items()
        if name.startswith("state.")
    }
    if state:
        module.load_state_dict(state)


def require_version(package: str) -> None:
    try:
        found = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        raise Missing(f"{package} {VERSIONS[package]} is not installed") from None
    if found != VERSIONS[package]:
        raise Missing(f"expected {package} {VERSIONS[package]}, got {found}")


def found_file(name: str, checkout: Path | None) -> Path:
    """The file of a code base that is no package, in its checkout or by itself."""
    source, file = CHECKOUTS[name]
    if checkout is None:
        option = name.replace("_", "-")
        raise Missing(f"no package has it: check out {source} and give --{option} FOLDER")
    path = checkout if checkout.is_file() else checkout / file
    if not path.is_file():
        raise Missing(f"expected {file} of {source} in {checkout}")
    return path


def read_file(name: str, checkout: Path | None, package: str = "") -> types.ModuleType:
    """That file as a module, of a package if its imports are relative."""
    full = f"{package}.{name}" if package else name
    spec = importlib.util.spec_from_file_location(full, found_file(name, checkout))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def compiled(command: list[str], file: str, program: str) -> Iterator[ctypes.CDLL]:
    """A program as a library."""
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder) / file, Path(folder) / "library.so"
        source.write_text(program)
        try:
            subprocess.run([*command, source, "-o", library], check=True)
        except FileNotFoundError:
            raise Missing(f"it wants the compiler {command[0]}") from None
        yield ctypes.CDLL(str(library))


def drawn(name: str) -> dict[str, Tensor]:
    """Random inputs of a file that is not there yet, four utterances, the first without padding."""
    torch.manual_seed(DRAWN[name])
    lengths = torch.tensor([40, 33, 21, 8])
    targets = {"target_lengths": torch.tensor([14, 9, 6, 2])} if "_train" in name else {}
    if name.startswith("w2v_cif_bert"):
        alpha = (1.2 * torch.rand(4, 40) ** 2).clamp(max=1) * ~behind(lengths, torch.empty(4, 40))
        return {"alpha": alpha, "frame_lengths": lengths, **targets}
    if name.startswith("ultravox"):  # knows no lengths; heavy weights where one row asks for many
        targets = {"target_lengths": torch.tensor([30, 9, 6, 2])} if targets else {}
        return {"alpha": torch.rand(4, 40) ** 2, **targets}
    if name.startswith("kairumo"):
        return {"alpha": 3 * torch.rand(4, 40) ** 4, "frame_lengths": lengths}
    if name.startswith(("spacemit", "sophgo")):
        return {"alpha": torch.rand(4, 40)}
    weight = {"weight": (8, 1, 3), "bias": (8,)}
    state = {f"state.cif_conv1d.{key}": torch.randn(shape) for key, shape in weight.items()}
    state["state.cif_output.weight"] = torch.randn(1, 8)
    state["state.cif_output.bias"] = torch.full((1,), -1.0)
    state["state.sigma"] = torch.tensor([0.5, 0.5, 0.5, 0.5])
    state["state.bias"] = torch.zeros(4)
    return {"encoder_out": torch.randn(4, 40, 8), "frame_lengths": lengths, **targets, **state}


# The command


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in CHECKOUTS:
        parser.add_argument(f"--{name.replace('_', '-')}", type=Path, metavar="FOLDER")
    parser.add_argument("--write", nargs="+", default=[], metavar="FILE")
    asked = parser.parse_args(arguments)
    index = {entry["file"]: entry for entry in json.loads((HERE / "index.json").read_text())}
    differs = False
    for name in asked.write or index:
        if name not in index:
            parser.error(f"{name} is not in index.json: describe it there first")
        start = next(one for one in SOURCES if name.startswith(one))
        checkout = getattr(asked, start.rstrip("_"), None)
        try:
            inputs = read(name) if (HERE / name).is_file() else drawn(name)
            with torch.no_grad():
                outputs = SOURCES[start](index[name], inputs, checkout)
        except Missing as reason:
            print(f"{name}: not compared, {reason}")
            differs |= bool(asked.write)
            continue
        if asked.write:
            kept = {key: value.numpy() for key, value in {**inputs, **outputs}.items()}
            np.savez_compressed(HERE / name, **kept)
            print(f"{name}: written")
        else:
            far = {key: distance(value, inputs[key]) for key, value in outputs.items()}
            worst = max(far, key=lambda key: far[key])
            may_differ = name.startswith("cif_pytorch") and name.endswith(LAST_BIT)
            why = " (the last bit of a sum decides here)" if may_differ else ""
            print(f"{name}: {worst} differs by {far[worst]:.1e} at most{why}")
            differs |= not (far[worst] <= TOLERANCE or may_differ)
    return int(differs)


def read(name: str) -> dict[str, Tensor]:
    with np.load(HERE / name) as arrays:
        return {key: torch.from_numpy(arrays[key]) for key in arrays}


def distance(one: Tensor, other: Tensor) -> float:
    """The largest difference; infinite if the shapes differ."""
    if one.shape != other.shape:
        return float("inf")
    return float((one.double() - other.double()).abs().max()) if one.numel() else 0.0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
