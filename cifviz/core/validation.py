"""Lengths in, masks inside: True is a real frame."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from cifviz.errors import CIFError


def valid_mask(lengths: Tensor, size: int) -> Tensor:
    """Mask (batch, size) that is True where the position is below the row's length.

    >>> valid_mask(torch.tensor([1, 3]), 3)
    tensor([[ True, False, False],
            [ True,  True,  True]])
    """
    return torch.arange(size, device=lengths.device) < lengths.unsqueeze(1)


def convolve(conv: nn.Module, hidden: Tensor) -> Tensor:
    """Convolve (batch, channels, frames), also where there is no frame at all.

    >>> convolve(nn.Conv1d(2, 5, 3, padding=1), torch.zeros(1, 2, 0)).shape
    torch.Size([1, 5, 0])
    """
    if not hidden.shape[2]:
        return hidden.new_zeros(len(hidden), len(conv.get_parameter("weight")), 0)
    convolved: Tensor = conv(hidden)
    return convolved


def described(value: object) -> str:
    """What a message says of a tensor, or of something that should have been one.

    >>> described(torch.ones(2, 3)), described([1.0])
    ('torch.float32 (2, 3)', 'list')
    """
    if isinstance(value, Tensor):
        return f"{value.dtype} {tuple(value.shape)}"
    return type(value).__name__


def require_tensor(name: str, value: object, *axes: str) -> Tensor:
    """Return `value`, or raise unless it is a floating point tensor with these axes.

    >>> require_tensor("alpha", torch.ones(3), "batch", "frames")
    Traceback (most recent call last):
    ...
    cifviz.errors.CIFError: alpha must be a floating point tensor (batch, frames), got ... (3,)
    """
    if not isinstance(value, Tensor) or value.ndim != len(axes) or not value.is_floating_point():
        expected = f"a floating point tensor ({', '.join(axes)}{',' * (len(axes) == 1)})"
        raise CIFError(f"{name} must be {expected}, got {described(value)}")
    return value


def require_weights(alpha: object) -> Tensor:
    """Return `alpha`, or raise unless it can be integrated.

    Parameters
    ----------
    alpha : Tensor (batch, frames), >= 0
        The weights to check, zero at padded frames.

    Raises
    ------
    CIFError
        If it is no such tensor, or a weight or the sum of a row is not a finite number >= 0.
    """
    alpha = require_tensor("alpha", alpha, "batch", "frames")
    values = alpha.detach()
    right = (values >= 0) & (values < math.inf)  # of NaN neither is true
    require_all(
        right,
        "alpha must be finite and >= 0 in every real frame",
        lambda _: f"alpha must be finite and >= 0 in every real frame, got {_first_wrong(values)}",
    )
    require_all(
        values.sum(dim=1, dtype=torch.float64).isfinite(),
        "alpha must have a finite sum",
        lambda row: f"alpha must have a finite sum, got inf in row {row}",
    )
    return alpha


def _first_wrong(alpha: Tensor) -> str:
    """The first value of `alpha` that is no weight, and where it stands."""
    row, frame = (~(alpha.isfinite() & (alpha >= 0))).nonzero()[0].tolist()
    return f"{alpha[row, frame].item()} in row {row}, frame {frame}"


def require_all(right: Tensor, rule: str, message: Callable[[int], str]) -> None:
    """Raise unless everything is right, with the message for the first wrong entry.

    Parameters
    ----------
    right : Tensor of bool
        What must be True everywhere.
    rule : str
        What was expected, for compiled and exported code. Such code serves all sizes and cannot
        look at values in passing: the rule holds no number of the data, and PyTorch raises a
        RuntimeError with it when it gets to the values.
    message : callable
        The whole message, from the index of the first wrong entry of the flattened `right`.

    Raises
    ------
    CIFError
        If something is wrong, or if there are no values to read: `torch.vmap` maps over them, or
        they are those of a tracer (`torch.func.linearize`) or of the meta device.

    Examples
    --------
    >>> require_all(torch.tensor([True, False]), "all must be 1", lambda row: f"0 in row {row}")
    Traceback (most recent call last):
    ...
    cifviz.errors.CIFError: 0 in row 1
    """
    if torch.compiler.is_compiling():
        torch._assert_async(right.all(), rule)
        return
    if not number_in(right.all(), rule):
        raise CIFError(message(int(right.flatten().int().argmin())))


def number_in(scalar: Tensor, rule: str) -> float:
    """The number in a tensor of one, or raise if there are no values to read, as `require_all`."""
    try:
        return scalar.item()
    except RuntimeError as error:
        if "vmap" in str(error):
            raise CIFError(
                f"{rule}, but torch.vmap hides the values: expected tensors with a batch axis, "
                "got them mapped over one; make the mapped axis part of the batch"
            ) from error
        if "tracing tensor" in str(error) or "meta tensor" in str(error):
            raise CIFError(
                f"{rule}, but there are no values: expected tensors that hold some, got those of "
                "the meta device or of a tracer such as torch.func.linearize; torch.compile and "
                "torch.export need no values"
            ) from error
        raise


def check_lengths(name: str, lengths: Tensor, batch: Tensor, maximum: int | None = None) -> Tensor:
    """Return `lengths` as int64 on the batch's device, or raise unless it is a count for each row.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    lengths : Tensor (batch,), integers
        The lengths to check.
    batch : Tensor (batch, …)
        What they count.
    maximum : int, optional
        Largest length allowed.

    Raises
    ------
    CIFError
        If the shape or dtype is wrong, or a length is below 0 or above `maximum`.
    """
    if not isinstance(lengths, Tensor):
        raise CIFError(f"{name} must be a tensor (batch,), got {described(lengths)}")
    if lengths.shape != batch.shape[:1]:
        raise CIFError(f"{name} must be (batch,) = ({batch.shape[0]},), got {tuple(lengths.shape)}")
    if lengths.is_floating_point() or lengths.is_complex() or lengths.dtype == torch.bool:
        raise CIFError(f"{name} must hold integers, got {lengths.dtype}")
    lengths = lengths.to(batch.device, torch.long)  # in uint8, 0 - 1 would be 255
    right = lengths >= 0
    if maximum is not None:
        right = right & (lengths <= maximum)
    require_all(
        right,
        f"{name} must be >= 0 and not above what there is",
        lambda row: _wrong_length(name, lengths, row, maximum),
    )
    return lengths


def _wrong_length(name: str, lengths: Tensor, row: int, maximum: int | None) -> str:
    expected = ">= 0" if maximum is None else f"between 0 and {maximum}"
    return f"{name} must be {expected}, got {int(lengths[row])} in row {row}"
