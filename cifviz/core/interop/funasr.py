"""FunASR's predictors, and WeNet's `Cif`, which is one of them.

A predictor makes the weights and hands them, with the tail's weight, to a function that integrates;
both come out of it. That function runs once more, on the identity.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from cifviz.core.dialects import DIALECTS
from cifviz.core.dialects._parts import scaled
from cifviz.core.firing import Firing
from cifviz.core.interop.identity import (
    arguments,
    count_tokens,
    disagreement,
    identity_like,
    reading,
)
from cifviz.core.interop.recorded_firing import recorded_firing
from cifviz.core.validation import valid_mask
from cifviz.errors import CIFError, require

CLASSES = (
    "CifPredictor",
    "CifPredictorV2",
    "CifPredictorV3",
    "CifPredictorV2Export",
    "CifPredictorV3Export",
    "Cif",
)
EXPECTED = (
    "a FunASR predictor, which takes hidden (batch, frames, dim) first and gives "
    "(embeddings, token_num, alphas, …), or another name for the class"
)
OBEY = {"cif": True, "cif_export": True, "cif_v1": False, "cif_v1_export": False}
"""Functions that integrate, and whether they obey the threshold; the others fire at 1."""


def watch(module: nn.Module, firings: list[Firing], stack: ExitStack) -> None:
    """Add a firing for each call of `module`, until the stack unwinds."""

    def see(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        with reading(f"the output of {type(module).__name__}", EXPECTED):
            firings.append(_read(module, args, kwargs, output).cpu())

    stack.callback(module.register_forward_hook(see, with_kwargs=True).remove)


@torch.no_grad()
def _read(module: nn.Module, args: Any, kwargs: Any, output: Any) -> Firing:
    """A call of a predictor as a firing."""
    given = arguments(module, args, kwargs)
    encoder_out = next(iter(given.values()))
    right = isinstance(output, Sequence) and len(output) >= 3
    require(
        right and all(isinstance(value, Tensor) for value in output[:3]),
        f"{type(module).__name__} cannot be captured: expected {EXPECTED}; "
        f"got {type(output).__name__}",
    )
    embeddings, token_num, alphas = output[:3]
    batch, frames, _ = encoder_out.shape
    appended = encoder_out.new_zeros(batch, alphas.shape[1] - frames, encoder_out.shape[2])
    encoder_out = torch.cat([encoder_out, appended], dim=1)

    lengths = torch.full((batch,), frames, device=alphas.device)
    mask = given.get("mask")
    if isinstance(mask, Tensor) and mask.numel() == batch * frames:
        lengths = mask.reshape(batch, frames).bool().sum(dim=1)
    alpha = alphas.masked_fill(~valid_mask(lengths, alphas.shape[1]), 0)
    if any(given.get(name) is not None for name in ("target_label", "target_label_length")):
        alpha = scaled(alpha, token_num)  # was scaled; token_num is the sum that was predicted
    contributions, slack = _contributions(module, alphas, encoder_out, embeddings)
    return recorded_firing(
        contributions,
        alpha=alpha,
        scaled_alpha=alphas.clone(),
        frame_lengths=lengths.maximum(count_tokens(alphas.unsqueeze(2))),
        threshold=1.0,
        slack=slack,
        embeddings=embeddings.clone(),
        num_fires=count_tokens(contributions),
    )


def _contributions(
    module: nn.Module, alphas: Tensor, encoder_out: Tensor, embeddings: Tensor
) -> tuple[Tensor, float]:
    """What the predictor's own function makes of the identity, and the slack it fires with."""
    threshold = float(getattr(module, "threshold", 1.0))
    tried = {}
    for name, integrate in _integrators(module, threshold):
        given = integrate(identity_like(encoder_out), alphas.clone())
        given = given[:, : embeddings.shape[1]]  # a predictor may cut what the function gives
        tried[name] = given, disagreement(given, encoder_out, embeddings)
    best = min(tried, key=lambda name: tried[name][1].far)
    contributions, (far, _) = tried[best]
    if far <= 1:
        return contributions, 1 - threshold if OBEY[best] else 0.0
    listed = ", ".join(f"by {name} it {what}" for name, (_, (_, what)) in tried.items())
    raise CIFError(
        f"the output of {type(module).__name__} must be what its weights make of its input, "
        f"but {listed}"
    )


def _integrators(
    module: nn.Module, threshold: float
) -> Iterator[tuple[str, Callable[[Tensor, Tensor], Tensor]]]:
    """The functions by which this module may integrate: its own; else the dialects."""
    own: dict[str, Callable[..., Any]] = {}
    for base in type(module).__mro__:
        if "forward" in vars(base) and base is not nn.Module:
            names = inspect.getclosurevars(inspect.unwrap(vars(base)["forward"]))
            known = {**names.globals, **names.nonlocals}
            own |= {name: known[name] for name in OBEY if callable(known.get(name))}
    for name, function in own.items():
        yield name, functools.partial(_own, function, threshold)
    if not own:
        yield "cif_v1", lambda _, alphas: DIALECTS["funasr_cif_v1"].contributions(alphas).weights
        yield (
            "cif",
            lambda _, alphas: (
                DIALECTS["funasr_cif"].contributions(alphas, threshold=threshold).weights
            ),
        )


def _own(
    function: Callable[..., Any], threshold: float, identity: Tensor, alphas: Tensor
) -> Tensor:
    contributions: Tensor = function(identity, alphas, threshold)[0]
    return contributions
