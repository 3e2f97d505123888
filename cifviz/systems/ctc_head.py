"""CTC as a head on an encoder, plain or with label priors: loss, greedy tokens and their frames."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cifviz.core.ctc_alignment import ctc_viterbi
from cifviz.core.validation import valid_mask

PRIOR_DECAY = 0.99
"""Share of the estimated priors that a training step keeps."""
PRIOR_FLOOR = math.exp(-12)
"""Labels that are hardly ever expected count as expected this often."""

Decoded = tuple[list[int], list[float], Tensor]
"""Of one utterance: token ids, their probabilities, and how each is spread over the frames
(tokens, frames), float64, rows of sum 1."""


class CTCHead(nn.Module):
    """A linear layer over the tokens and a blank, trained with CTC.

    Parameters
    ----------
    channels : int
        Size of a frame of encoder output.
    vocabulary : int
        Number of tokens, V. The blank's id is V.
    prior_weight : float >= 0
        How much of the logarithm of the label priors is subtracted; 0 is plain CTC.

    Attributes
    ----------
    priors : Tensor (vocabulary + 1,)
        How often each label is expected: the mean posterior over real frames, as a moving average
        over training steps. Uniform before the first step, where it changes no path's share. What
        is subtracted in a step was estimated before it. A buffer: it is saved with the weights.

    Notes
    -----
    Plain CTC learns to emit each token in a single frame and blanks elsewhere. With priors the
    paths are weighed by ``Π_t p(label_t | frame t) / prior(label_t)^weight``: blanks, which are
    common, count less, and paths on which the tokens last longer count more.

    Papers: Graves et al. (2006); Zeyer, Schlüter & Ney (2021, arXiv 2105.14849) on why CTC is
    peaky; Huang et al., "Less Peaky and More Accurate CTC Forced Alignment by Label Priors"
    (ICASSP 2024, arXiv 2406.02560). In their code (github.com/huangruizhe/audio, examples/asr) the
    priors are the mean posteriors of the epoch before, none in the first, their logarithms at least
    −12; their tutorial trains with a weight of 0.6 and decodes greedily by plain posteriors;
    `align` in librispeech_conformer_ctc/loss.py takes the priors off before it searches the best
    path, as training does. The same here, except that training utterances never repeat: a moving
    average stands in for the epoch.
    """

    priors: Tensor

    def __init__(self, channels: int, vocabulary: int, prior_weight: float = 0.0):
        super().__init__()
        self.blank = vocabulary
        self.prior_weight = prior_weight
        self.project = nn.Linear(channels, vocabulary + 1)
        self.register_buffer("priors", torch.full((vocabulary + 1,), 1 / (vocabulary + 1)))

    def forward(self, encoder_out: Tensor) -> Tensor:
        """Logarithms of the posteriors (batch, frames, vocabulary + 1)."""
        # Under autocast, the sums of paths need more digits than the linear layer gives.
        dtype = self.project.weight.dtype
        log_probs: Tensor = self.project(encoder_out).log_softmax(dim=2, dtype=dtype)
        return log_probs

    def scores(self, log_probs: Tensor) -> Tensor:
        """What a path adds up: ``log_probs − weight · log max(priors, e^−12)``."""
        return log_probs - self.prior_weight * self.priors.clamp(min=PRIOR_FLOOR).log()

    def loss(
        self, encoder_out: Tensor, frame_lengths: Tensor, targets: Tensor, target_lengths: Tensor
    ) -> Tensor:
        """Loss per token; in training mode the priors learn from the batch afterwards."""
        log_probs = self(encoder_out)
        loss = self.loss_of(log_probs, frame_lengths, targets, target_lengths)
        if self.training:
            self._learn_priors(log_probs.detach(), frame_lengths)
        return loss

    def loss_of(
        self, log_probs: Tensor, frame_lengths: Tensor, targets: Tensor, target_lengths: Tensor
    ) -> Tensor:
        """Loss per token of log posteriors, from which no priors are learned."""
        losses = path_loss(self.scores(log_probs), frame_lengths, targets, target_lengths)
        return losses.sum() / target_lengths.sum().clamp(min=1)

    def decode(self, encoder_out: Tensor, frame_lengths: Tensor) -> list[Decoded]:
        """Greedy tokens and the frames of each on the best path through them.

        Tokens are read off the most likely label of each frame, by plain posteriors; the path is
        `ctc_viterbi`'s on `scores`. A token is spread evenly over its frames there; its probability
        is the mean posterior in them.
        """
        log_probs = self(encoder_out)
        best = log_probs.argmax(dim=2)
        best = best.masked_fill(~valid_mask(frame_lengths, best.shape[1]), self.blank)
        tokens = collapse(best, self.blank)
        targets = nn.utils.rnn.pad_sequence(tokens, batch_first=True)
        counts = torch.tensor([len(one) for one in tokens], device=best.device)
        spans = ctc_viterbi(
            self.scores(log_probs), frame_lengths, targets, counts, blank=self.blank
        )
        decoded = []
        for row, (ids, frames) in enumerate(zip(tokens, frame_lengths.tolist(), strict=True)):
            first, end = spans[row, : len(ids)].unsqueeze(2).unbind(dim=1)
            frame = torch.arange(frames, device=best.device)
            rows = ((first <= frame) & (frame < end)).double()
            rows = rows / rows.sum(dim=1, keepdim=True)
            posteriors = log_probs[row, :frames, ids].exp().double()
            scores = (rows * posteriors.T).sum(dim=1).clamp(max=1)
            decoded.append((ids.tolist(), scores.tolist(), rows))
        return decoded

    @torch.no_grad()
    def _learn_priors(self, log_probs: Tensor, frame_lengths: Tensor) -> None:
        real = valid_mask(frame_lengths, log_probs.shape[1])
        if real.any():
            self.priors.lerp_(log_probs[real].exp().mean(dim=0), 1 - PRIOR_DECAY)


def collapse(labels: Tensor, blank: int) -> list[Tensor]:
    """Tokens of each row of frame-wise labels: repeats count once, then blanks are dropped.

    Parameters
    ----------
    labels : Tensor (batch, frames), integers >= 0
        One label for each frame.
    blank : int
        The blank's id.

    Returns
    -------
    list of Tensor (tokens,)
        One for each row.

    Examples
    --------
    A blank (9) between two equal tokens keeps both:

    >>> collapse(torch.tensor([[9, 4, 4, 9, 4, 7, 7]]), blank=9)
    [tensor([4, 4, 7])]
    """
    before = F.pad(labels, (1, 0), value=-1)[:, :-1]
    kept = (labels != before) & (labels != blank)
    return [row[keep] for row, keep in zip(labels, kept, strict=True)]


def path_loss(
    scores: Tensor, frame_lengths: Tensor, targets: Tensor, target_lengths: Tensor
) -> Tensor:
    """CTC's loss on scores that need not be logarithms of probabilities.

    Parameters
    ----------
    scores : Tensor (batch, frames, vocabulary + 1)
        Added up along a path; the last label is the blank.
    frame_lengths : Tensor (batch,), integers
        Real frames of each utterance.
    targets : Tensor (batch, tokens), integers
        Token ids; what stands behind an utterance's length is ignored.
    target_lengths : Tensor (batch,), integers
        Tokens of each utterance.

    Returns
    -------
    Tensor (batch,)
        ``−log Σ_paths exp(Σ_t score_t)`` over the paths of the targets; 0 where the utterance
        has too few frames for any.

    Examples
    --------
    3 frames, a token and the blank, all scores 0: of the 8 paths 6 hold the token once, so −log 6.

    >>> lengths, targets = torch.tensor([3]), torch.tensor([[0]])
    >>> path_loss(torch.zeros(1, 3, 2), lengths, targets, torch.tensor([1]))
    tensor([-1.7918])

    Notes
    -----
    The gradient of PyTorch's ``ctc_loss`` is only right for logarithms of probabilities (PyTorch's
    issues 52241 and 122243). So each frame is normalised, and what that took off the paths is
    given back.
    """
    if not scores.shape[1]:
        return scores.sum(dim=(1, 2))
    repeats = (targets[:, 1:] == targets[:, :-1]) & valid_mask(target_lengths, targets.shape[1])[
        :, 1:
    ]
    fits = frame_lengths >= target_lengths + repeats.sum(dim=1)
    normal = F.ctc_loss(
        scores.log_softmax(dim=2).transpose(0, 1),
        targets.clamp(min=0),
        frame_lengths,
        target_lengths,
        blank=scores.shape[2] - 1,
        reduction="none",
        zero_infinity=True,
    )
    taken = scores.logsumexp(dim=2) * valid_mask(frame_lengths, scores.shape[1])
    return normal - taken.sum(dim=1) * fits
