"""`recorded_firing`: a `Firing` made of the contributions that another code base used.

Its contributions are those recorded, not those that follow from weights, threshold and slack: they
may fire once in a frame at most, or carry a frame that the source appended.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor
from torch.nn import functional as F

from cifviz.core.firing import Firing
from cifviz.core.mass_axis import ROUNDING, GivenAxis, last_frames, token_ends
from cifviz.core.validation import valid_mask

if TYPE_CHECKING:
    from cifviz.core.interop.firing_rule import FiringRule


@dataclass(frozen=True, eq=False)
class RecordedAxis(GivenAxis):
    """Like `GivenAxis`, but tokens end where the contributions, as they were recorded, say."""

    positions: Tensor
    """Ends of the tokens in fractional frames (batch, fires)."""

    def utterance(self, index: int, frames: int, fires: int) -> Self:
        """The same for one utterance alone, cut to its frames and fires."""
        row = super().utterance(index, frames, fires)
        return replace(row, positions=row.positions[:, :fires])


@dataclass(frozen=True, eq=False)
class RecordedFiring(Firing):
    """Like `Firing`, but tokens end where the recorded contributions say."""

    axis: RecordedAxis
    rule: FiringRule | None = None
    """By what rule the source fired, as far as its code tells; see `firing_rule.rule_of`."""
    source: str = ""
    """Where in the model the weights were found, if that was chosen."""
    has_lengths: bool = True
    """False where nothing tells frames of an utterance from the padding of its batch."""

    @property
    def fire_positions(self) -> Tensor:
        """Ends of the tokens in fractional frames, float64 (batch, fires); see `token_ends`."""
        return self.axis.positions


def recorded_firing(
    contributions: Tensor,
    *,
    alpha: Tensor,
    scaled_alpha: Tensor,
    frame_lengths: Tensor,
    threshold: float,
    slack: float,
    embeddings: Tensor,
    num_fires: Tensor,
    rule: FiringRule | None = None,
) -> RecordedFiring:
    """Build a firing from recorded contributions.

    Parameters
    ----------
    contributions : Tensor (batch, fires, frames)
        What each frame gave to each token, W.
    alpha, scaled_alpha : Tensor (batch, frames)
        Weights as predicted, and as used: scaled, with any weight that the source appended.
    frame_lengths : Tensor (batch,), integers
        Frames of each utterance, an appended one included.
    threshold : float > 0
        Mass that the source charges for a token.
    slack : float
        How far below that it fires; below 0 if it waits for more.
    embeddings : Tensor (batch, fires, dim)
        What the source made of it.
    num_fires : Tensor (batch,), integers
        Tokens of each utterance.
    rule : FiringRule, optional
        By what rule the source fired.

    Returns
    -------
    RecordedFiring
        Its tokens end where `token_ends` says. A last token that the weights do not fill is a
        tail's. An utterance is as long as `frame_lengths` says, or up to the last frame that gave
        to a token of it, if a source took from its padding.

    Examples
    --------
    CIF-PyTorch fires once in a frame: of a weight of 2.2 one token comes out at once, the second
    one in the next frame, and gets less than nothing there.

    >>> alpha = torch.tensor([[2.2, 0.3]])
    >>> firing = recorded_firing(
    ...     torch.tensor([[[1.0, 0.0], [1.2, -0.2]]]),
    ...     alpha=alpha,
    ...     scaled_alpha=alpha,
    ...     frame_lengths=torch.tensor([2]),
    ...     threshold=1.0,
    ...     slack=0.0,
    ...     embeddings=torch.zeros(1, 2, 4),
    ...     num_fires=torch.tensor([2]),
    ... )
    >>> firing.fire_positions
    tensor([[0.4545, 2.0000]], dtype=torch.float64)
    >>> firing.contributions
    tensor([[[ 1.0000,  0.0000],
             [ 1.2000, -0.2000]]], dtype=torch.float64)
    """
    # 1. The mass axis.
    recorded = contributions.double()
    fires = recorded.shape[1]
    running = scaled_alpha.cumsum(dim=1, dtype=torch.float64)
    sums = F.pad(running, (1, 0))
    total = sums[:, -1:]

    # 2. The frame in which each token fired, and the mass before and after it.
    fired_in = last_frames(recorded)
    is_token = valid_mask(num_fires, fires) & (fired_in >= 0)
    before = sums.gather(1, fired_in.clamp(min=0))
    after = sums.gather(1, fired_in + 1)
    frame_lengths = frame_lengths.maximum(F.pad((fired_in + 1) * is_token, (1, 0)).amax(dim=1))

    # 3. Which tokens are full, and where they end.
    steps = torch.arange(1, fires + 1, device=recorded.device)
    ends = (steps.double() * threshold).expand(len(recorded), -1)
    is_last = steps == num_fires.unsqueeze(1)
    is_tail = is_token & is_last & (ends > total + slack + ROUNDING * threshold)
    is_full = is_token & ~is_tail
    num_full = is_full.sum(dim=1)
    residual = total.squeeze(1) - num_full.double() * threshold
    ends = torch.where(ends < before - ROUNDING * threshold, after, ends)  # full before it fired
    ends = F.pad(torch.where(is_full, ends, total), (1, 0))
    # Between the ends of the frame before and of this one: reached in this one, by any rounding.
    reach = torch.where(is_full, (before + after) / 2, math.inf)
    # 4. How much of it a token is made of.
    fill = torch.where(is_tail, threshold / residual.unsqueeze(1), is_token.double())
    reach = F.pad(reach, (1, 0))
    positions = token_ends(recorded, scaled_alpha, num_fires)
    return RecordedFiring(
        alpha=alpha,
        scaled_alpha=scaled_alpha,
        threshold=threshold,
        slack=slack,
        embeddings=embeddings,
        num_fires=num_fires,
        tail_fired=is_tail.any(dim=1),
        residual=residual,
        axis=RecordedAxis(running, frame_lengths, ends, reach, fill, recorded, positions),
        rule=rule,
    )
