"""Probing a CIF with the identity: what comes out is what each frame gives to each token.

With it, what the captures of all code bases share.
"""

from __future__ import annotations

import copy
import inspect
from collections import OrderedDict
from collections.abc import Iterator, MutableMapping, MutableSequence, MutableSet
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from cifviz.core.mass_axis import NOISE
from cifviz.errors import CIFError, shown

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
"""Where a module keeps what is called with it."""


class Disagreement(NamedTuple):
    """How far contributions are from what a model did."""

    far: float
    """In units of what rounding explains: above 1 they disagree."""
    what: str
    """The same in words, for a message."""


def identity_like(encoder_out: Tensor) -> Tensor:
    """One channel for each frame, 1 in that frame (batch, frames, frames).

    >>> identity_like(torch.randn(1, 2, 8))
    tensor([[[1., 0.],
             [0., 1.]]])
    """
    eye = torch.eye(encoder_out.shape[1], dtype=encoder_out.dtype, device=encoder_out.device)
    return eye.expand(len(encoder_out), -1, -1)


def disagreement(contributions: Tensor, encoder_out: Tensor, embeddings: Tensor) -> Disagreement:
    """Hold contributions against what a model did.

    Parameters
    ----------
    contributions : Tensor (batch, fires, frames)
        What each frame gives to each token, as recorded.
    encoder_out : Tensor (batch, frames, dim)
        What the model integrated.
    embeddings : Tensor (batch, fires, dim)
        What came out.

    Returns
    -------
    Disagreement
        The largest ``|W @ encoder_out − embeddings| / (√ε · (1 + |W| @ |encoder_out|))`` where ε is
        the precision of the embeddings or of float32, whichever is less; infinite if the shapes
        differ or a number is none. Frames that give nothing do not count, whatever they hold.
    """
    tokens, expected = embeddings.shape[1], contributions.shape[1]
    if tokens != expected:
        return Disagreement(float("inf"), f"gave {tokens} tokens, expected {expected}")
    if embeddings.shape != (len(contributions), expected, encoder_out.shape[2]):
        shape = tuple(embeddings.shape)
        return Disagreement(float("inf"), f"gave embeddings {shape} of {tuple(encoder_out.shape)}")
    if not embeddings.numel():
        return Disagreement(0.0, "gave no token")
    epsilon = max(torch.finfo(embeddings.dtype).eps, torch.finfo(torch.float32).eps)
    weights, frames = contributions.double(), encoder_out.double()
    frames = frames.masked_fill(~weights.any(dim=1).unsqueeze(2), 0)
    allowed = epsilon**0.5 * (1 + weights.abs() @ frames.abs())
    far = float(((weights @ frames - embeddings.double()).abs() / allowed).max())
    if not far < float("inf"):
        return Disagreement(float("inf"), "gave embeddings with NaN or infinity")
    return Disagreement(far, f"gave embeddings {far:.3g} times too far from it")


def count_tokens(contributions: Tensor) -> Tensor:
    """Tokens that got anything, up to the last one that did (batch,)."""
    got = (contributions.abs() > NOISE).any(dim=2)
    return got.flip(1).cumsum(dim=1).gt(0).sum(dim=1)


def arguments(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call by their names; a subclass may hand them on without naming them."""
    for base in type(module).__mro__:
        signature = inspect.signature(base.__dict__.get("forward", lambda *args, **kwargs: None))
        kinds = {parameter.kind for parameter in signature.parameters.values()}
        if inspect.Parameter.VAR_POSITIONAL not in kinds:
            _, *given = signature.bind(module, *args, **kwargs).arguments.items()
            return dict(given)
    raise CIFError(
        f"forward of {type(module).__name__} or of a class that it inherits from must name its "
        "arguments to be captured, it takes *args"
    )


@contextmanager
def capture_errors(what: str, expected: str) -> Iterator[None]:
    """Turn any error inside the context into one `CIFError` that names what was expected.

    >>> with capture_errors("output of Cif", "a tuple"):
    ...     {}[0]
    Traceback (most recent call last):
    ...
    cifviz.errors.CIFError: output of Cif cannot be captured: expected a tuple; reading it gave ...
    """
    try:
        yield
    except CIFError:
        raise
    except Exception as error:  # code that is merely named like a CIF may do anything
        raise CIFError(
            f"{what} cannot be captured: expected {expected}; reading it gave {shown(error)}"
        ) from error


@contextmanager
def unchanged(module: nn.Module) -> Iterator[None]:
    """Whatever runs meanwhile leaves no trace: in attributes, buffers, hooks or random numbers.

    Lists, dicts, sets and tensors among the attributes are copies meanwhile, hooks are not called.
    """
    before = {part: vars(part).copy() for part in module.modules()}
    devices = {value.device for value in module.parameters() if value.is_cuda}
    with torch.random.fork_rng(devices):
        try:
            for part, state in before.items():
                vars(part).update({name: _copied(value) for name, value in state.items()})
                vars(part).update({name: OrderedDict() for name in HOOKS})
            yield
        finally:
            for part, state in before.items():
                vars(part).clear()
                vars(part).update(state)


def _copied(value: Any) -> Any:
    """What may be changed in place, as a copy; modules and parameters as they are."""
    if isinstance(value, Tensor) and not isinstance(value, nn.Parameter):
        return value.detach().clone()
    if type(value) is dict:
        return {name: _copied(part) for name, part in value.items()}
    if type(value) is list:
        return [_copied(part) for part in value]
    if isinstance(value, MutableMapping | MutableSequence | MutableSet):
        return copy.copy(value)
    return value
