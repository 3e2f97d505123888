"""`MassAxis`: where frames and tokens end when the weights are laid end to end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional as F

from cifviz.core.validation import valid_mask

ROUNDING = 1e-3
"""Float32 sums of others are this far from ours at most, in tokens."""
NOISE = 1e-5
"""Contributions below it are rounding, in tokens."""


@dataclass(frozen=True, eq=False)
class MassAxis:
    """Ends of frames and tokens on the mass axis, all in float64.

    Frame t ends at ``running[t]``, token i begins at ``ends[i]`` and ends at ``ends[i + 1]``.
    `running`, `ends` and `fill` carry the gradient of the weights; `reach` is only compared with.
    """

    running: Tensor
    """S_{t+1}, the sum of the weights up to and including frame t (batch, frames)."""
    frame_lengths: Tensor
    """Real frames of each utterance (batch,)."""
    ends: Tensor
    """0, then the mass at which each token ends (batch, 1 + fires)."""
    reach: Tensor
    """Mass at which it fires, less than its end by the slack; inf for a token that ends with the
    weights, and behind the last one (batch, 1 + fires)."""
    fill: Tensor
    """Factor on each token: 0 behind the last one, β / residual for a tail (batch, fires)."""

    @property
    def contributions(self) -> Tensor:
        """W (batch, fires, frames)."""
        mass = F.pad(self.running, (1, 0)).unsqueeze(1)
        # What the tokens before each end hold after each frame, and before the first one.
        given = torch.where(mass >= self.reach.unsqueeze(2), self.ends.unsqueeze(2), mass)
        return given.diff(dim=1).diff(dim=2) * self.fill.unsqueeze(2)

    @property
    def fired(self) -> Tensor:
        """Full tokens that ended by the end of each frame, n_t (batch, frames)."""
        return torch.searchsorted(self.reach.detach(), self.running.detach(), right=True) - 1

    def utterance(self, index: int, frames: int, fires: int) -> Self:
        """The same for one utterance alone, cut to its frames and fires."""
        row = self._each(lambda part: part[index].unsqueeze(0))
        return replace(
            row,
            running=row.running[:, :frames],
            ends=row.ends[:, : 1 + fires],
            reach=row.reach[:, : 1 + fires],
            fill=row.fill[:, :fires],
        )

    def cpu(self) -> Self:
        """The same on the CPU, detached from whatever computed it."""
        return self._each(lambda part: part.detach().cpu())

    def _each(self, change: Callable[[Tensor], Tensor]) -> Self:
        parts = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: change(part) for name, part in parts.items()})


@dataclass(frozen=True, eq=False)
class GivenAxis(MassAxis):
    """Like `MassAxis`, but its contributions are given: they do not follow from the ends."""

    given: Tensor
    """W (batch, fires, frames)."""

    @property
    def contributions(self) -> Tensor:
        """W (batch, fires, frames)."""
        return self.given

    def utterance(self, index: int, frames: int, fires: int) -> Self:
        """The same for one utterance alone, cut to its frames and fires."""
        row = super().utterance(index, frames, fires)
        return replace(row, given=row.given[:, :fires, :frames])


def token_ends(weights: Tensor, alpha: Tensor, num_fires: Tensor) -> Tensor:
    """Ends of the tokens in fractional frames, read off what the frames give.

    Parameters
    ----------
    weights : Tensor (batch, fires, frames)
        What each frame gave to each token, W.
    alpha : Tensor (batch, frames)
        Weights as used.
    num_fires : Tensor (batch,), integers
        Tokens of each utterance.

    Returns
    -------
    Tensor (batch, fires), float64
        ``f + share``, with f the last frame that gives to the token and share the part of its
        weight that this and earlier tokens take: where each took β, ``f + ((i+1)β − S_f) / α_f``.
        If that lies outside frame f, where a fire was put off or borrows, the end of frame f. No
        token ends before an earlier one; a token that got nothing ends with it.

    Examples
    --------
    >>> alpha, weights = torch.tensor([[0.6, 0.8]]), torch.tensor([[[0.6, 0.4]]])
    >>> token_ends(weights, alpha, torch.tensor([1]))
    tensor([[1.5000]], dtype=torch.float64)
    """
    is_token = valid_mask(num_fires, weights.shape[1])
    weights = weights.detach().double() * is_token.unsqueeze(2)
    if not weights.numel():
        return weights.new_zeros(weights.shape[:2])
    last = last_frames(weights)
    frame = last.clamp(min=0)
    weight = alpha.detach().double().gather(1, frame)
    taken = weights.cumsum(dim=1).gather(2, frame.unsqueeze(2)).squeeze(2)
    put_off = taken < -ROUNDING * weights.abs().sum(dim=2)
    share = torch.where((weight > 0) & (last >= 0) & ~put_off, taken / weight, 1.0).clamp(0, 1)
    return (last + share).cummax(dim=1).values * is_token


def last_frames(weights: Tensor) -> Tensor:
    """The last frame that gives to each token, −1 where none does (batch, fires)."""
    given = weights.abs() > NOISE * weights.abs().sum(dim=2, keepdim=True)
    return given.flip(2).cumsum(dim=2).flip(2).gt(0).sum(dim=2) - 1
