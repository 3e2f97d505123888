"""CIF-PyTorch's `CifMiddleware`, and fairseq models built on it.

One forward makes the weights and integrates. So it runs again, on the identity, while its parts are
held to what they gave before: those up to the weights repeat it, those behind the integration (a
projection, context layers) hand on what they get. Then the module is as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from cifviz.core.dialects._parts import scaled
from cifviz.core.firing import Firing
from cifviz.core.interop.identity import (
    arguments,
    count_tokens,
    disagreement,
    reading,
    unchanged,
)
from cifviz.core.interop.recorded_firing import recorded_firing
from cifviz.errors import CIFError, require

CLASSES = ("CifMiddleware", "CtcConstrainedCifMiddleware")
EXPECTED = (
    "a CifMiddleware, which takes a dictionary with encoder_raw_out and encoder_padding_mask and "
    "gives one with cif_out, or another name for the class"
)
Log = list[tuple[nn.Module, Any, Any]]
"""The parts that were called, in order, what each was given, and what it gave."""


def watch(module: nn.Module, firings: list[Firing], stack: ExitStack) -> None:
    """Add a firing for each call of `module`, until the stack unwinds."""
    log: Log = []

    def begin(module: nn.Module, args: Any) -> None:
        log.clear()

    def note(part: nn.Module, args: Any, output: Any) -> None:
        log.append((part, args, output))

    def see(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        with reading(f"the output of {type(module).__name__}", EXPECTED):
            firings.append(_read(module, args, kwargs, output, log.copy()).cpu())
        log.clear()

    begin, note, see = map(torch.compiler.disable, (begin, note, see))
    stack.callback(module.register_forward_pre_hook(begin).remove)
    for part in list(module.modules())[1:]:
        stack.callback(part.register_forward_hook(note).remove)
    stack.callback(module.register_forward_hook(see, with_kwargs=True).remove)


@torch.no_grad()
def _read(module: nn.Module, args: Any, kwargs: Any, output: Any, log: Log) -> Firing:
    """A call of a middleware as a firing."""
    given = arguments(module, args, kwargs)
    inputs = _inputs(given)
    encoder_out = inputs["encoder_raw_out"]
    batch, frames, _ = encoder_out.shape
    calls = [index for index, (part, *_) in enumerate(log) if part is _weights(module)]
    require(
        len(calls) == 1,
        f"weight_proj of {type(module).__name__} must be called once, got {len(calls)} calls "
        "(capture does not see into what was compiled before)",
    )
    before, behind = log[: calls[0] + 1], log[calls[0] + 1 :]

    def run(encoder_out: Tensor) -> Tensor:
        other = {**inputs, "encoder_raw_out": encoder_out}
        again = [other if value is inputs else value for value in args]
        named = {name: other if value is inputs else value for name, value in kwargs.items()}
        with unchanged(module):
            _hold(before, behind)
            embeddings: Tensor = module.forward(*again, **named)["cif_out"]
        return embeddings

    contributions = _slices(run, encoder_out)
    integrated = [output["cif_out"]]
    for first in behind[0][1][:1] if behind else ():  # given what came of the integration
        if isinstance(first, Tensor) and first.ndim == 3:
            integrated += [first, first.transpose(0, 1)]
    contributions, (far, what) = min(
        (
            (given, disagreement(given, encoder_out, came))
            for given in (contributions, _without_silent_tokens(contributions, encoder_out))
            for came in integrated
        ),
        key=lambda tried: tried[1].far,
    )
    _agree(far <= 1, module, what)

    real = ~inputs["encoder_padding_mask"].bool()
    alpha = torch.sigmoid(before[-1][2]).reshape(batch, frames) * real
    total = alpha.sum(dim=1)
    if "quantity_out" in output:
        same = torch.allclose(total, output["quantity_out"].to(total.dtype), rtol=1e-3, atol=1e-3)
        _agree(same, module, "gave a quantity_out that is not the sum of the weights")
    scaled_alpha, targets = alpha, given.get("target_lengths")
    if module.training and getattr(module, "apply_scaling", False) and targets is not None:
        scaled_alpha = scaled(alpha, targets)
    return recorded_firing(
        contributions,
        alpha=alpha,
        scaled_alpha=scaled_alpha,
        frame_lengths=real.sum(dim=1),
        threshold=1.0,
        slack=1 - float(getattr(module, "cif_threshold", 1.0)),
        embeddings=output["cif_out"].clone(),
        num_fires=count_tokens(contributions),
    )


def _weights(module: nn.Module) -> nn.Module:
    part = getattr(module, "weight_proj", None)
    if not isinstance(part, nn.Module):
        raise CIFError(f"{type(module).__name__} must make its weights by a weight_proj, has none")
    return part


def _inputs(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The dictionary in which the encoder output came."""
    for value in arguments.values():
        if isinstance(value, Mapping) and {"encoder_raw_out", "encoder_padding_mask"} <= set(value):
            return value
    raise CIFError(
        "a CifMiddleware must be given a dictionary with encoder_raw_out and encoder_padding_mask, "
        f"got {', '.join(arguments) or 'nothing'}"
    )


def _slices(run: Any, encoder_out: Tensor) -> Tensor:
    """The contributions, as many frames at a time as there are channels but one.

    The last channel is 1 in every frame: the source takes a token that is 0 in every channel for no
    token at all.
    """
    _, frames, dim = encoder_out.shape
    require(dim > 1, "a CifMiddleware must have 2 channels or more to be captured, got 1")
    parts = []
    for start in range(0, frames, dim - 1):
        size = min(dim - 1, frames - start)
        probe = torch.zeros_like(encoder_out)
        probe[:, :, -1] = 1
        probe[:, start : start + size, :size] = torch.eye(size).to(probe)
        parts.append(run(probe)[:, :, :size])
    return torch.cat(parts, dim=2)


def _without_silent_tokens(contributions: Tensor, encoder_out: Tensor) -> Tensor:
    """The contributions of the tokens that the source keeps: of frames of zeros it makes none."""
    kept = (contributions.abs() @ encoder_out.abs().to(contributions)).any(dim=2)
    order = (~kept).long().argsort(dim=1, stable=True).unsqueeze(2)
    contributions = (contributions * kept.unsqueeze(2)).take_along_dim(order, dim=1)
    return contributions[:, : int(kept.sum(dim=1).max()) if len(kept) else 0]


def _hold(before: Log, behind: Log) -> None:
    """Parts of the module do not compute: they repeat what they gave, or hand on what they get."""
    gave: dict[nn.Module, list[Any]] = {}
    for part, _, output in before + behind:
        gave.setdefault(part, []).append(output)
    repeating = {part: iter(gave[part]) for part, *_ in before}

    def hold(part: nn.Module) -> None:
        def forward(*args: Any, **kwargs: Any) -> Any:
            if part in repeating:
                return next(repeating[part], args[0])
            last = gave[part][-1]
            return (args[0], *last[1:]) if isinstance(last, tuple) else args[0]

        part.forward = forward

    for part in gave:
        hold(part)


def _agree(right: bool, module: nn.Module, what: str) -> None:
    require(
        right,
        f"the output of {type(module).__name__} must be what its weights make of its input, "
        f"but it {what}",
    )
