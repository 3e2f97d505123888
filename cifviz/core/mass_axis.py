"""`MassAxis`: where frames and tokens end when the weights are laid end to end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor
from torch.nn import functional as F


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

    def utterance(self, index: int, frames: int, fires: int) -> MassAxis:
        """The same for one utterance alone, cut to its frames and fires."""
        row = self._each(lambda part: part[index].unsqueeze(0))
        return replace(
            row,
            running=row.running[:, :frames],
            ends=row.ends[:, : 1 + fires],
            reach=row.reach[:, : 1 + fires],
            fill=row.fill[:, :fires],
        )

    def cpu(self) -> MassAxis:
        """The same on the CPU, detached from whatever computed it."""
        return self._each(lambda part: part.detach().cpu())

    def _each(self, change: Callable[[Tensor], Tensor]) -> MassAxis:
        parts = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: change(part) for name, part in parts.items()})
