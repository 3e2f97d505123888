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


def check_lengths(name: str, lengths: Tensor, batch: Tensor, maximum: int | None = None) -> Tensor:
    """Return `lengths` on the batch's device, or raise unless it is one count for each row.

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
        raise CIFError(f"{name} must be a tensor (batch,), got {type(lengths).__name__}")
    if lengths.shape != batch.shape[:1]:
        raise CIFError(f"{name} must be (batch,) = ({batch.shape[0]},), got {tuple(lengths.shape)}")
    if lengths.is_floating_point() or lengths.is_complex() or lengths.dtype == torch.bool:
        raise CIFError(f"{name} must hold integers, got {lengths.dtype}")
    low, high = (0, maximum) if maximum is not None else (0, None)
    wrong = (lengths < low) if high is None else (lengths < low) | (lengths > high)
    if wrong.any():
        row = int(wrong.nonzero()[0])
        expected = ">= 0" if high is None else f"between 0 and {high}"
        raise CIFError(f"{name} must be {expected}, got {int(lengths[row])} in row {row}")
    return lengths.to(batch.device)
