"""Forced alignment by CTC: the most likely path through the known tokens."""

from __future__ import annotations

import torch
from torch import Tensor

from cifviz.core.validation import check_lengths, require_tensor, valid_mask
from cifviz.errors import CIFError, require


def ctc_viterbi(
    log_probs: Tensor,
    frame_lengths: Tensor,
    targets: Tensor,
    target_lengths: Tensor,
    *,
    blank: int,
) -> Tensor:
    """Frames of each token on the most likely CTC path of exactly the targets.

    Parameters
    ----------
    log_probs : Tensor (batch, frames, vocabulary + 1)
        Logarithms of probabilities, or any scores to be added up, the blank's among them.
    frame_lengths : Tensor (batch,), integers
        Real frames of each utterance.
    targets : Tensor (batch, tokens), integers
        Token ids; what stands behind an utterance's length is ignored.
    target_lengths : Tensor (batch,), integers
        Tokens of each utterance.
    blank : int
        The blank's id.

    Returns
    -------
    Tensor (batch, tokens, 2), int64
        First frame of each token and the one after its last. Where an utterance has too few frames
        for its tokens (equal neighbours need a blank between them), and behind the last token: −1.

    Raises
    ------
    CIFError
        If shapes disagree or a token is the blank or not in the vocabulary.

    Examples
    --------
    Two frames for token 0, a blank (2), one frame for token 1:

    >>> probabilities = torch.eye(3)[[0, 0, 2, 1]].clamp(min=0.01)
    >>> spans = ctc_viterbi(
    ...     probabilities.log()[None], torch.tensor([4]), torch.tensor([[0, 1]]),
    ...     torch.tensor([2]), blank=2,
    ... )
    >>> spans.tolist()
    [[[0, 2], [3, 4]]]

    Notes
    -----
    Among equally likely paths it takes the one that stays where it is. Paper: Graves et al. (2006),
    section 3; the path instead of the sum over paths.
    """
    # 1. Check what came.
    log_probs = require_tensor("log_probs", log_probs, "batch", "frames", "vocabulary + 1").detach()
    batch, frames, size = log_probs.shape
    frame_lengths = check_lengths("frame_lengths", frame_lengths, log_probs, frames)
    require(
        targets.ndim == 2 and len(targets) == batch,
        f"targets must be (batch, tokens) = ({batch}, tokens), got {tuple(targets.shape)}",
    )
    target_lengths = check_lengths("target_lengths", target_lengths, log_probs, targets.shape[1])
    is_token = valid_mask(target_lengths, targets.shape[1])
    wrong = is_token & ((targets < 0) | (targets >= size) | (targets == blank))
    if wrong.any():
        row, place = wrong.nonzero()[0].tolist()
        raise CIFError(
            f"targets must be ids below {size} other than the blank's, {blank}, "
            f"got {int(targets[row, place])} in row {row}, token {place}"
        )
    if not frames:
        return targets.new_full((*targets.shape, 2), -1).long()

    # 2. States 0, 1, 2, …: blank, token 0, blank, token 1, …, blank.
    states = torch.full((batch, 2 * targets.shape[1] + 1), blank, device=targets.device)
    states[:, 1::2] = torch.where(is_token, targets, blank)
    scores = log_probs.gather(2, states.unsqueeze(1).expand(-1, frames, -1)).double()
    may_skip = torch.zeros_like(states, dtype=torch.bool)  # over a blank, to another token
    may_skip[:, 3::2] = states[:, 3::2] != states[:, 1:-2:2]
    # 3. The best path to each state, frame by frame.
    never = torch.full_like(scores[:, 0], -torch.inf)
    best = torch.where(torch.arange(states.shape[1], device=states.device) < 2, scores[:, 0], never)
    steps = []
    for frame in range(1, frames):
        one = torch.cat([never[:, :1], best[:, :-1]], dim=1)
        two = torch.cat([never[:, :2], best[:, :-2]], dim=1)
        two = torch.where(may_skip, two, -torch.inf)
        best_before, step = torch.stack([best, one, two]).max(dim=0)
        going_on = (frame < frame_lengths).unsqueeze(1)  # behind the end nothing moves
        best = torch.where(going_on, best_before + scores[:, frame], best)
        steps.append(step * going_on)
    return _spans(best, steps, target_lengths, frame_lengths, targets.shape[1])


def _spans(
    best: Tensor, steps: list[Tensor], target_lengths: Tensor, frame_lengths: Tensor, tokens: int
) -> Tensor:
    """Walk back from the better of the two last states, and note where each token was."""
    last = torch.stack([2 * target_lengths - 1, 2 * target_lengths], dim=1)
    ends = best.gather(1, last.clamp(min=0)).masked_fill(last < 0, -torch.inf)
    score, choice = ends.max(dim=1)
    state = last.gather(1, choice.unsqueeze(1)).squeeze(1)
    path = [state]
    for step in reversed(steps):
        state = state - step.gather(1, state.unsqueeze(1)).squeeze(1)
        path.append(state)
    way = torch.stack(path[::-1], dim=1)
    real = valid_mask(frame_lengths, way.shape[1])
    token = torch.arange(tokens, device=way.device)
    inside = (way.unsqueeze(1) == (2 * token + 1).view(1, -1, 1)) & real.unsqueeze(1)
    first = inside.long().argmax(dim=2)
    spans = torch.stack([first, first + inside.sum(dim=2)], dim=2)
    found = inside.any(dim=2) & (score > -torch.inf).unsqueeze(1)
    return spans.masked_fill(~found.unsqueeze(2), -1)
