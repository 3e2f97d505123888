"""Lengths in, masks inside: True is a real frame."""

from __future__ import annotations

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
    wrong = ~(alpha.isfinite() & (alpha >= 0))
    if wrong.any():
        row, frame = wrong.nonzero()[0].tolist()
        raise CIFError(
            "alpha must be finite and >= 0 in every real frame, "
            f"got {alpha[row, frame].detach().item()} in row {row}, frame {frame}"
        )
    wrong = ~alpha.detach().double().sum(dim=1).isfinite()
    if wrong.any():
        raise CIFError(f"alpha must have a finite sum, got inf in row {int(wrong.nonzero()[0])}")
    return alpha


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
    wrong = (lengths < 0) if maximum is None else (lengths < 0) | (lengths > maximum)
    if wrong.any():
        row = int(wrong.nonzero()[0])
        expected = ">= 0" if maximum is None else f"between 0 and {maximum}"
        raise CIFError(f"{name} must be {expected}, got {int(lengths[row])} in row {row}")
    return lengths
