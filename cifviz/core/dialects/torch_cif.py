"""Like CIF-PyTorch, but a token takes the threshold β, and a frame may fire several times.

- No loop: token and frame meet by ``⌊running sum / β⌋``. ``⌊S / β⌋`` tokens fire, their weights sum
  to β and are never negative.
- In training (`target_lengths`) the weights are scaled to ``βN + 1e-4``, and exactly N tokens come
  out. The surplus stands behind the last token: it is cut off with the batch's longest utterance,
  and left in row N of the others.
- In inference the residual fires from the tail threshold on (``>=``), times β / residual, with or
  without a padded frame behind it.
- `delays`, the expected frame of each token counted from 1, are taken before that rescaling.
- Weights of padded frames are zero.

Notes
-----
Source: torch-cif 0.2.0, torch_cif/cif.py, as with ``unbound_alpha=True``
"""

from __future__ import annotations

import torch
from torch import Tensor

from cifviz.core.dialects._contract import Contributions, Dialect
from cifviz.core.dialects._parts import full_rows, largest, require_few_tokens, scaled

SURPLUS = 1e-4
"""Added to the sum that training scales to, so that rounding loses no token."""


def integrate(
    alpha: Tensor,
    frame_lengths: Tensor,
    target_lengths: Tensor | None,
    *,
    threshold: float,
    tail_threshold: float,
) -> Contributions:
    """Scatter what each frame gives to the token it leaves, those it fills and the one it opens."""
    if target_lengths is not None:
        num_fires = target_lengths
        alpha = scaled(alpha, threshold * target_lengths.float() + SURPLUS)
    else:
        require_few_tokens(alpha, threshold)
        num_fires = (alpha.sum(dim=1) / threshold).floor().long()
    rows = largest(num_fires)
    pieces, weights = _pieces(alpha, threshold, rows)
    frame = torch.arange(1, alpha.shape[1] + 1, device=alpha.device).float()
    delays = (weights * frame / threshold).sum(dim=2)
    for token, weight in pieces:
        weights = weights.scatter_add(1, token.unsqueeze(1), weight.unsqueeze(1))
        delays = delays.scatter_add(1, token, weight * frame / threshold)
    if target_lengths is None:
        ending = sum((weight * (token == num_fires.unsqueeze(1)) for token, weight in pieces))
        residual = torch.as_tensor(ending).sum(dim=1)
        keep = residual >= tail_threshold
        factor = torch.where(keep & (residual > 0), threshold / residual, 1.0).detach()
        row = torch.arange(rows + 1, device=alpha.device) == num_fires.unsqueeze(1)
        weights = weights * torch.where(row, factor.unsqueeze(1), 1.0).unsqueeze(2)
        num_fires = num_fires + keep
        rows = largest(num_fires)
        weights = full_rows(weights, num_fires)
    return Contributions(
        weights=weights[:, :rows],
        num_fires=num_fires,
        alpha=alpha,
        charge=threshold,
        delays=delays[:, :rows],
    )


def _pieces(
    alpha: Tensor, threshold: float, rows: int
) -> tuple[list[tuple[Tensor, Tensor]], Tensor]:
    """Tokens that the frames open and those they leave, with how much, and whole ones between."""
    mass = alpha.cumsum(dim=1)
    right = (mass.detach() / threshold).floor().long().clamp(max=rows)
    left = torch.cat([torch.zeros_like(right[:, :1]), right], dim=1)[:, : right.shape[1]]
    fires = right - left
    between = (fires - 1).clamp(min=0)
    right_weight = torch.where(fires > 0, mass - right.float() * threshold, 0.0)
    left_weight = alpha - right_weight - between.float() * threshold
    row = torch.arange(rows + 1, device=alpha.device).unsqueeze(1)
    is_whole = (row > left.unsqueeze(1)) & (row < right.unsqueeze(1))
    return [(right, right_weight), (left, left_weight)], threshold * is_whole.to(alpha)


DIALECT = Dialect(
    name="torch_cif",
    source="torch-cif 0.2.0",
    integrate=integrate,
    threshold=1.0,
    tail_threshold=0.5,
    adjustable=("threshold", "tail_threshold"),
)
