"""The identity trick: feed a CIF the identity, and what comes out is what each frame gives.

And what else all kinds of CIF are watched with.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor, nn

from cifviz.core.recorded import NOISE


def identity_like(encoder_out: Tensor) -> Tensor:
    """One channel for each frame, 1 in that frame (batch, frames, frames).

    >>> identity_like(torch.randn(1, 2, 8))
    tensor([[[1., 0.],
             [0., 1.]]])
    """
    eye = torch.eye(encoder_out.shape[1], dtype=encoder_out.dtype, device=encoder_out.device)
    return eye.expand(len(encoder_out), -1, -1)


def disagreement(contributions: Tensor, encoder_out: Tensor, embeddings: Tensor) -> float:
    """How far contributions are from what a model did, in units of what rounding explains.

    Parameters
    ----------
    contributions : Tensor (batch, fires, frames)
        What each frame is said to give to each token.
    encoder_out : Tensor (batch, frames, dim)
        What the model integrated.
    embeddings : Tensor (batch, fires, dim)
        What came out.

    Returns
    -------
    float
        Largest ``|contributions @ encoder_out − embeddings|``, divided by
        ``√ε · (1 + max |encoder_out|)`` where ε is the precision of the embeddings or of float32,
        whichever is less; infinite if the shapes differ. Above 1 they disagree.
    """
    shape = (*contributions.shape[:2], encoder_out.shape[2])
    if embeddings.shape != shape:
        return float("inf")
    if not embeddings.numel():
        return 0.0
    epsilon = max(torch.finfo(embeddings.dtype).eps, torch.finfo(torch.float32).eps)
    allowed = epsilon**0.5 * (1 + float(encoder_out.abs().max()))
    explained = contributions.double() @ encoder_out.double()
    return float((explained - embeddings.double()).abs().max()) / allowed


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
    return dict(kwargs)
