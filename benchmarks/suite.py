"""What `make bench` measures, as plain values for JSON."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmarks.contestants import LOOPS, Contestant, cifviz, runs
from benchmarks.measure import medians, peak_memory
from cifviz.core.module import CIF, CIFConfig
from cifviz.core.streaming import CIFState

SHAPES = (
    (1, 50, 256),
    (16, 100, 256),
    (16, 250, 256),
    (16, 1000, 512),
    (1, 20_000, 512),
)
"""Utterances, frames, size of a frame."""
GROWTH = (1_000, 10_000, 100_000, 1_000_000)
"""Frames of one utterance, each of 16 numbers."""
STREAMS = ((1, 1), (1, 16), (1, 160), (16, 1), (16, 16))
"""Streams fed together and frames in a chunk, each of 256 numbers."""


def inputs(batch: int, frames: int, dim: int) -> tuple[Tensor, Tensor]:
    """Weights between 0 and 0.5, so that a token takes four frames, and random frames."""
    generator = torch.Generator().manual_seed(0)
    alpha = torch.rand(batch, frames, generator=generator) * 0.5
    encoder_out = torch.randn(batch, frames, dim, generator=generator)
    return alpha.requires_grad_(), encoder_out.requires_grad_()


def run(
    contestants: dict[str, Contestant],
    *,
    seconds: float,
    shapes: Sequence[tuple[int, int, int]] = SHAPES,
    growth: Sequence[int] = GROWTH,
) -> dict[str, Any]:
    """Measure everything, each call for so many seconds."""
    return {
        "cpu": platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "shapes": [compare(contestants, shape, seconds) for shape in shapes],
        "growth": [grow(frames, seconds) for frames in growth],
        "streaming": [stream(batch, chunk, seconds) for batch, chunk in STREAMS],
        "graphs": graphs(),
    }


def compare(
    contestants: dict[str, Contestant], shape: tuple[int, int, int], seconds: float
) -> dict[str, Any]:
    """Time and memory of everybody on one shape, once they are known to agree."""
    alpha, encoder_out = inputs(*shape)
    running = {name: one for name, one in contestants.items() if runs(name, shape[1])}
    expected = cifviz(alpha, encoder_out).detach()
    outputs = {name: one(alpha, encoder_out).detach() for name, one in running.items()}
    for name, made in outputs.items():
        check_agreement(name, made, expected)

    warm = torch.empty_like(encoder_out)
    calls = {name: partial(forward, one, alpha, encoder_out) for name, one in running.items()}
    copies: dict[str, Callable[[], Any]] = {
        "copy": partial(warm.copy_, encoder_out.detach()),
        "clone": encoder_out.detach().clone,
    }
    forwards = medians({**copies, **calls}, seconds)
    asked = {name: torch.ones_like(made) for name, made in outputs.items()}
    calls = {
        name: partial(both, one, alpha, encoder_out, asked[name]) for name, one in running.items()
    }
    boths = medians(calls, seconds)
    measured = {
        name: {"forward_ms": forwards[name] * 1e3, "both_ms": boths[name] * 1e3}
        | ({} if name in LOOPS else peaks(one, alpha, encoder_out, asked[name]))
        for name, one in running.items()
    }
    return {
        "shape": list(shape),
        "fires": expected.shape[1],
        "copy_ms": forwards["copy"] * 1e3,  # into memory that is there
        "clone_ms": forwards["clone"] * 1e3,  # into memory that the system gives, as a gradient is
        "input_bytes": encoder_out.nbytes,
        "output_bytes": expected.nbytes,
        "alpha_bytes": alpha.detach().nbytes,
        "contestants": measured,
    }


def forward(one: Contestant, alpha: Tensor, encoder_out: Tensor) -> None:
    """Embeddings alone."""
    with torch.no_grad():
        one(alpha, encoder_out)


def both(one: Contestant, alpha: Tensor, encoder_out: Tensor, asked: Tensor) -> None:
    """Embeddings, and the gradients of weights and frames, given that of the embeddings."""
    torch.autograd.grad(one(alpha, encoder_out), (alpha, encoder_out), asked)


def peaks(one: Contestant, alpha: Tensor, encoder_out: Tensor, asked: Tensor) -> dict[str, int]:
    """Most bytes held at once beyond the inputs, and where there are gradients beyond these.

    (Not of loops: what records it would hold on to a gradient of all frames for each frame.)
    """
    forward_peak, embeddings = peak_memory(partial(one, alpha, encoder_out))
    backward = partial(torch.autograd.grad, embeddings, (alpha, encoder_out), asked)
    backward_peak, grads = peak_memory(backward)
    given = sum(grad.nbytes for grad in grads)
    both_peak, _ = peak_memory(partial(both, one, alpha, encoder_out, asked))
    return {
        "forward_peak_bytes": forward_peak,
        "backward_peak_bytes": backward_peak - given,
        "both_peak_bytes": both_peak - given,
    }


def check_agreement(name: str, embeddings: Tensor, expected: Tensor) -> None:
    """Refuse to time something else: all but a few tokens must be the same.

    A running sum in float32 fires some tokens a frame early or late, and may lose the last one.
    """
    fires = min(embeddings.shape[1], expected.shape[1])
    assert abs(embeddings.shape[1] - expected.shape[1]) <= 1, f"{name} fires another number"
    off = (embeddings[:, :fires] - expected[:, :fires]).abs().amax(dim=2) > 0.05
    assert off.float().mean() < 0.02, f"{name} computes something else"


def grow(frames: int, seconds: float) -> dict[str, Any]:
    """Forward and backward of one utterance of so many frames."""
    alpha, encoder_out = inputs(1, frames, 16)
    asked = torch.ones_like(cifviz(alpha, encoder_out))
    took = medians({"both": partial(both, cifviz, alpha, encoder_out, asked)}, seconds)["both"]
    return {"frames": frames, "both_ms": took * 1e3, "us_per_frame": took / frames * 1e6}


def graphs(lengths: Sequence[int] = range(11, 61, 5)) -> dict[str, int]:
    """Graphs that `torch.compile` makes over so many lengths, in batches of three and four."""
    from torch._dynamo.testing import CompileCounterWithBackend

    cif = CIF(CIFConfig(encoder_embed_dim=8, conv_cif_output_channels_num=8)).eval()
    calls = {"integrate_and_fire": cifviz, "CIF": lambda _, frames: cif(frames).embeddings}
    made = {}
    for name, call in calls.items():
        torch._dynamo.reset()
        counter = CompileCounterWithBackend("eager")
        compiled = torch.compile(call, backend=counter)
        for step, frames in enumerate(lengths):
            compiled(*inputs(3 + step % 2, frames, 8))
        made[name] = counter.frame_count
    torch._dynamo.reset()
    return made


def stream(batch: int, chunk: int, seconds: float) -> dict[str, Any]:
    """Frames in a second, of all streams together, fed in chunks."""
    alpha, encoder_out = (tensor.detach() for tensor in inputs(batch, chunk, 256))
    state = CIFState.start(batch=batch, dim=256)

    def feed() -> None:
        nonlocal state
        _, state = state.feed(alpha, encoder_out)

    took = medians({"feed": feed}, seconds)["feed"]
    return {"streams": batch, "chunk": chunk, "frames_per_second": batch * chunk / took}
