"""What several dialects are made of: scaling, the loop over frames, rows of tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from cifviz.core.firing import MOST_TOKENS
from cifviz.core.validation import require_all, valid_mask
from cifviz.errors import CIFError


class Frames(NamedTuple):
    """What happened in each frame, all (batch, frames)."""

    fired: Tensor
    """True where a token fired; never more than one in a frame."""
    taken: Tensor
    """Weight given to the token being filled."""
    carried: Tensor
    """Weight given to the next one; zero without a fire."""
    reached: Tensor
    """Integrator before the fire."""
    left: Tensor
    """Integrator after the fire."""


def scaled(alpha: Tensor, wanted: Tensor) -> Tensor:
    """Scale each row to a sum: ``alpha · (wanted / Σ alpha)``, in this order of operations.

    ``alpha · wanted / Σ alpha`` rounds differently, which loses or gains a last token. A row of
    zeros stays one.

    >>> scaled(torch.tensor([[0.5, 1.0], [0.0, 0.0]]), torch.tensor([3, 3]))
    tensor([[1., 2.],
            [0., 0.]])
    """
    total = alpha.sum(dim=1)
    # below it a float32 factor would be infinite, and a half one would not see it
    total = total.clamp(min=max(1e-30, torch.finfo(total.dtype).tiny))
    return alpha * (wanted.float() / total).unsqueeze(1)


def one_fire_per_frame(
    alpha: Tensor,
    threshold: float,
    after_fire: Callable[[Tensor, Tensor], Tensor],
    *,
    filled: float = 1.0,
) -> Frames:
    """Algorithm 1 as most code runs it: fire at the threshold, charge 1, at most once in a frame.

    Parameters
    ----------
    alpha : Tensor (batch, frames)
        Weights.
    threshold : float
        Fires where the integrator reaches it.
    after_fire : callable
        ``after_fire(reached, carried)``, the integrator after a fire: on paper both ``reached − 1``
        and ``carried``, which round differently.
    filled : float
        The weight up to which the frame that fires fills its token.

    Examples
    --------
    A threshold below 1 borrows: the second weight gives more than it has.

    >>> frames = one_fire_per_frame(
    ...     torch.tensor([[0.5, 0.25]]), 0.75, lambda reached, carried: carried
    ... )
    >>> frames.taken, frames.carried
    (tensor([[0.5000, 0.5000]]), tensor([[ 0.0000, -0.2500]]))
    """
    level = alpha.new_zeros(len(alpha))
    steps = []
    for weight in alpha.unbind(dim=1):
        missing = filled - level
        reached = level + weight
        fired = reached >= threshold
        taken = torch.where(fired, missing, weight)
        carried = weight - taken
        level = torch.where(fired, after_fire(reached, carried), reached)
        steps.append((fired, taken, carried, reached, level))
    if not steps:
        return Frames(alpha.bool(), alpha, alpha, alpha, alpha)
    return Frames(*(torch.stack(column, dim=1) for column in zip(*steps, strict=True)))


def token_rows(fired: Tensor, taken: Tensor, carried: Tensor, rows: int) -> Tensor:
    """Weights of each frame sorted into tokens (batch, rows, frames).

    >>> fired = torch.tensor([[False, True, False]])
    >>> taken, carried = torch.tensor([[0.6, 0.4, 0.6]]), torch.tensor([[0.0, 0.2, 0.0]])
    >>> token_rows(fired, taken, carried, 2)
    tensor([[[0.6000, 0.4000, 0.0000],
             [0.0000, 0.2000, 0.6000]]])
    """
    after = fired.long().cumsum(dim=1)
    before = after - fired.long()
    # The last row takes the residual.
    weights = taken.new_zeros(len(taken), rows + 1, taken.shape[1])
    for token, weight in ((before, taken), (after, carried)):
        token = token.clamp(max=rows).unsqueeze(1)
        weights = weights.scatter_add(1, token, weight.unsqueeze(1))
    return weights[:, :rows]


def fired_rows(frames: Frames) -> tuple[Tensor, Tensor]:
    """Rows for the tokens that fired (batch, fires, frames), and how many did (batch,).

    >>> one = Frames(*(torch.tensor([[value]]) for value in (True, 1.0, 0.5, 1.5, 0.5)))
    >>> fired_rows(one)
    (tensor([[[1.]]]), tensor([1]))
    """
    num_fires = frames.fired.sum(dim=1)
    weights = token_rows(frames.fired, frames.taken, frames.carried, largest(num_fires))
    return full_rows(weights, num_fires), num_fires


def full_rows(weights: Tensor, num_fires: Tensor) -> Tensor:
    """The rows of tokens that fired; what the others hold is no token.

    >>> full_rows(torch.ones(1, 2, 1), torch.tensor([1])).flatten()
    tensor([1., 0.])
    """
    return weights * valid_mask(num_fires, weights.shape[1]).unsqueeze(2)


def rows_for(num_fires: Tensor, alpha: Tensor) -> int:
    """FunASR's number of rows for tokens, the largest ``round(Σ alpha)``, half to even.

    Raises
    ------
    CIFError
        If more fire than there are rows: there the source fails as well.
    """
    rows = largest(alpha.sum(dim=1).round())
    if largest(num_fires) > rows:
        row = int(num_fires.argmax())
        raise CIFError(
            f"the source fails on these weights: {int(num_fires[row])} tokens fire in row {row}, "
            f"and it has rows for {rows}, the largest rounded sum of alpha; take a higher threshold"
        )
    return rows


def require_few_tokens(alpha: Tensor, mass: float = 1.0) -> None:
    """Raise if weights come to more than a million tokens of this mass in an utterance.

    >>> require_few_tokens(torch.tensor([[0.5, 1e30]]))
    Traceback (most recent call last):
    ...
    cifviz.errors.CIFError: alpha must come to at most 1000000 tokens in an utterance, got ...
    """
    tokens = alpha.detach().sum(dim=1, dtype=torch.float64) / mass
    rule = f"alpha must come to at most {MOST_TOKENS} tokens in an utterance"
    require_all(
        tokens < MOST_TOKENS + 1,
        rule,
        lambda row: f"{rule}, got {float(tokens[row]):g} tokens of mass {mass:g} in row {row}",
    )


def largest(counts: Tensor) -> int:
    """The largest count; 0 for an empty batch."""
    return int(counts.max()) if len(counts) else 0
