"""What is compared: each takes weights (batch, frames) and frames (batch, frames, dim).

All integrate the weights they are given up to a threshold of 1 and drop what is left, so that the
same embeddings come out of each. The peers are the packages themselves, as pip installs them.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

import torch
from torch import Tensor

from cifviz.core.dialects import DIALECTS
from cifviz.core.firing import integrate_and_fire

Contestant = Callable[[Tensor, Tensor], Tensor]

LOOPS = ("FunASR cif", "CIF-PyTorch")
"""Those that go from frame to frame in Python."""
LONGEST_LOOP = 2000
"""Frames beyond which they are not run: forward and backward would take minutes."""


def cifviz(alpha: Tensor, encoder_out: Tensor) -> Tensor:
    """This library."""
    return integrate_and_fire(alpha, encoder_out).embeddings


def cif_pytorch(alpha: Tensor, encoder_out: Tensor) -> Tensor:
    """CIF-PyTorch's loop, by our dialect of it: its own code runs on CUDA alone."""
    lengths = torch.full((len(alpha),), alpha.shape[1])
    found = DIALECTS["cif_pytorch"].contributions(alpha, lengths, threshold=1.0, tail_threshold=1.0)
    return found.weights @ encoder_out


def peers() -> dict[str, Contestant]:
    """The other packages' functions, by name."""
    from funasr.models.paraformer import cif_predictor
    from torch_cif import cif_function

    def torch_cif(alpha: Tensor, encoder_out: Tensor) -> Tensor:
        # No rest is above the threshold: so no tail, which it would take more time for.
        embeddings: Tensor = cif_function(encoder_out, alpha, tail_thres=2.0)["cif_out"][0]
        return embeddings

    def funasr_cif(alpha: Tensor, encoder_out: Tensor) -> Tensor:
        embeddings: Tensor = cif_predictor.cif(encoder_out, alpha, 1.0)[0]
        return embeddings

    def funasr_cif_v1(alpha: Tensor, encoder_out: Tensor) -> Tensor:
        embeddings: Tensor = cif_predictor.cif_v1(encoder_out, alpha, 1.0)[0]
        return embeddings

    return {"torch_cif": torch_cif, "FunASR cif_v1": funasr_cif_v1, "FunASR cif": funasr_cif}


def contestants() -> dict[str, Contestant]:
    """Everybody, this library first."""
    return {"cifviz": cifviz, **peers(), "CIF-PyTorch": cif_pytorch}


def versions() -> dict[str, str]:
    """Versions of what took part."""
    return {name: version(name) for name in ("cifviz", "torch", "torch-cif", "funasr")}


def runs(name: str, frames: int) -> bool:
    """Whether this one is run on so many frames."""
    return name not in LOOPS or frames <= LONGEST_LOOP
