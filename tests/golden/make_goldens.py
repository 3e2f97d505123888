"""Run the public implementations again, and compare or write what they record in this folder.

    .venv-peers/bin/python tests/golden/make_goldens.py            compare (make test-peers makes
                                                                   this environment)
    … make_goldens.py --write FILE …                               write these files anew
    … --cif-pytorch FOLDER --w2v-cif-bert FOLDER                   checkouts, for the two code bases
                                                                   that are no packages

The inputs are data, too: they are read from the files. Only a file that is not there gets random
ones, from its seed in `DRAWN`. Outputs are those of the versions in `VERSIONS`, on the CPU, in
float32; another version is refused. A file whose source is not at hand is named, and counts as not
compared. The exit code is 1 if a file differs.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import importlib.util
import io
import json
import sys
import types
from collections.abc import Callable, Mapping
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
}
"""Code bases that are no packages: where they are, and the file that is run."""
DRAWN = {
    "funasr_PifPredictor_eval.npz": 0,
    "funasr_PifPredictor_train.npz": 1,
    "w2v_cif_bert_eval.npz": 2,
    "w2v_cif_bert_train.npz": 3,
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


SOURCES: dict[str, Callable[[Mapping, Arrays, Path | None], dict[str, Tensor]]] = {
    "torch_cif_": torch_cif,
    "funasr_cif": funasr_function,
    "funasr_CifPredictor": funasr_predictor,
    "funasr_PifPredictor": funasr_predictor,
    "cif_pytorch_": cif_pytorch,
    "w2v_cif_bert_": w2v_cif_bert,
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


def read_file(name: str, checkout: Path | None) -> types.ModuleType:
    """The file of a code base that is no package."""
    source, file = CHECKOUTS[name]
    if checkout is None:
        option = name.replace("_", "-")
        raise Missing(f"no package has it: check out {source} and give --{option} FOLDER")
    if not (checkout / file).is_file():
        raise Missing(f"expected {file} of {source} in {checkout}")
    spec = importlib.util.spec_from_file_location(name, checkout / file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def drawn(name: str) -> dict[str, Tensor]:
    """Random inputs of a file that is not there yet, four utterances, the first without padding."""
    torch.manual_seed(DRAWN[name])
    lengths = torch.tensor([40, 33, 21, 8])
    targets = {"target_lengths": torch.tensor([14, 9, 6, 2])} if "_train" in name else {}
    if name.startswith("w2v_cif_bert"):
        alpha = (1.2 * torch.rand(4, 40) ** 2).clamp(max=1) * ~behind(lengths, torch.empty(4, 40))
        return {"alpha": alpha, "frame_lengths": lengths, **targets}
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
    parser.add_argument("--cif-pytorch", type=Path, metavar="FOLDER")
    parser.add_argument("--w2v-cif-bert", type=Path, metavar="FOLDER")
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
