"""Weights in float64, with a gradient that the dtype they came in can hold."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from cifviz.core.forward_mode import in_forward_mode


def in_float64(weights: Tensor) -> Tensor:
    """The weights in float64; their gradient comes back finite.

    Parameters
    ----------
    weights : Tensor of any floating point type
        The weights.

    Returns
    -------
    Tensor, float64
        The same numbers. A gradient is made in float64 up to here, and is rounded only once. One
        beyond the numbers of the weights' dtype, as that of near-silence scaled up to a number of
        tokens in float16, comes back as the largest of them (with its sign). One that arrives
        infinite stays so: a loss scaler must see it. Inside of forward mode it is rounded by
        PyTorch, and may be infinite.

    Examples
    --------
    >>> weights = torch.tensor([1e-7, 0.5], dtype=torch.float16, requires_grad=True)
    >>> in_float64(weights).backward(torch.tensor([1e7, 2.0], dtype=torch.float64))
    >>> weights.grad
    tensor([6.5504e+04, 2.0000e+00], dtype=torch.float16)
    """
    if weights.dtype == torch.float64:
        return weights
    if not (weights.requires_grad and torch.is_grad_enabled()) or in_forward_mode():
        return weights.double()
    exact: Tensor = _Exact.apply(weights)
    return exact


class _Exact(Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(weights: Tensor) -> Tensor:
        return weights.double()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.dtype = inputs[0].dtype

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return gradient_of(grad, ctx.dtype)


def gradient_of(grad: Tensor, dtype: torch.dtype) -> Tensor:
    """A gradient in the dtype of its weights, as `in_float64` rounds it.

    >>> gradient_of(torch.tensor([1e7, 2.0, torch.inf]), torch.float16)
    tensor([6.5504e+04, 2.0000e+00,        inf], dtype=torch.float16)
    """
    if dtype == torch.float64:
        return grad
    largest = torch.finfo(dtype).max
    rounded = grad.clamp(-largest, largest)
    return torch.where(grad.isinf(), grad, rounded).to(dtype)
