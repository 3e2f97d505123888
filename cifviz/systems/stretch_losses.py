"""Losses that teach a pointwise decoder what sounds where, from known times.

The usual cross-entropy judges what the fires collect. While a fire lies beside its token, that
teaches the decoder another token's sound. Where the tokens' times are known, each can be judged
from its own stretch, whatever the weights add up to.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from cifviz.core.firing import Firing
from cifviz.systems.base import Batch

SMALL = 1e-3
"""Mass of a frame beside its weight, so that a stretch without any weight has a mean, too."""


def stretch_cross_entropy(
    firing: Firing,
    frames: Tensor,
    batch: Batch,
    logits: Callable[[Tensor, Tensor], Tensor],
    *,
    label_smoothing: float,
) -> Tensor:
    """Cross-entropy of each token, judged from the weighted mean of the frames in its known span.

    Parameters
    ----------
    firing : Firing
        Its unscaled weights α weigh the frames; they learn nothing from it.
    frames : Tensor (batch, frames, dim)
        What the CIF integrated.
    batch : Batch
        Its targets and spans, in frames of the encoder. An utterance of which a span is unknown is
        left out.
    logits : callable
        The decoder: of embeddings (batch, tokens, dim) and their numbers (batch,).
    label_smoothing : float
        Share of a target that is given to all tokens alike.

    Returns
    -------
    Tensor ()
        ``Σ_b Σ_i −log p(y_i | Σ_t m_it h_t / Σ_t m_it) / max(1, Σ_b N_b)`` with
        ``m_it = (α_t + 0.001) · overlap(t, i)``, overlap being how much of frame t lies in span i.
    """
    overlap, is_token = overlaps(batch, frames.shape[1])
    mass = overlap * (firing.alpha.detach().unsqueeze(1) + SMALL)
    mass = mass / mass.sum(dim=2, keepdim=True).clamp(min=1e-9)
    judged = logits(mass.to(frames.dtype) @ frames, batch.target_lengths)
    losses = F.cross_entropy(
        judged.flatten(0, 1),
        batch.targets.masked_fill(~is_token, -1).flatten(),
        ignore_index=-1,
        label_smoothing=label_smoothing,
        reduction="sum",
    )
    return losses / batch.target_lengths.sum().clamp(min=1)


def frame_cross_entropy(
    frames: Tensor, batch: Batch, logits: Callable[[Tensor, Tensor], Tensor], lengths: Tensor
) -> Tensor:
    """Like `stretch_cross_entropy`, but each frame alone is judged, by the share that a token has.

    Parameters
    ----------
    frames, batch, logits
        As there.
    lengths : Tensor (batch,)
        Frames of each utterance.

    Returns
    -------
    Tensor ()
        ``Σ_b Σ_i Σ_t −log p(y_i | h_t) · overlap(t, i) / length(i) / max(1, Σ_b N_b)``.
    """
    overlap, _ = overlaps(batch, frames.shape[1])
    share = overlap / overlap.sum(dim=2, keepdim=True).clamp(min=1e-9)
    surprise = -logits(frames, lengths).log_softmax(dim=2)
    of_token = surprise.gather(
        2, batch.targets.clamp(min=0).unsqueeze(1).expand(-1, frames.shape[1], -1)
    )
    losses = (of_token.transpose(1, 2) * share.to(surprise.dtype)).sum()
    return losses / batch.target_lengths.sum().clamp(min=1)


def overlaps(batch: Batch, frames: int) -> tuple[Tensor, Tensor]:
    """How much of each frame lies in each token's span, and which tokens are judged.

    Returns
    -------
    overlap : Tensor (batch, tokens, frames)
        In [0, 1]; 0 for tokens that are not judged.
    is_token : Tensor (batch, tokens), bool
        Tokens of utterances of which all spans are known.

    Examples
    --------
    >>> batch = Batch.collate([torch.zeros(3, 1)], [[4]], [torch.tensor([[0.5, 2.0]])])
    >>> overlaps(batch, 3)[0].tolist()
    [[[0.5, 1.0, 0.0]]]
    """
    frame = torch.arange(frames, device=batch.spans.device)
    begin, end = (batch.spans[:, :, side].unsqueeze(2) for side in (0, 1))
    overlap = (torch.minimum(end, frame + 1) - torch.maximum(begin, frame)).clamp(min=0)
    is_token = batch.targets >= 0
    unknown = ((batch.spans < 0).any(dim=2) & is_token).any(dim=1, keepdim=True)
    is_token = is_token & ~unknown
    return overlap * is_token.unsqueeze(2), is_token
