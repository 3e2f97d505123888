"""Like the decoders of the CIF paper, but label-synchronous: each token searches all frames anew.

The number of tokens is not known beforehand: decoding goes on until the mark of the end comes out.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cifviz.core.validation import valid_mask
from cifviz.systems.ctc_head import Decoded
from cifviz.systems.decoders import DecoderConfig

FRAMES_PER_TOKEN, SPARE_TOKENS = 4, 10
"""Decoding stops at one token for so many frames, and so many more."""


class AttentionDecoder(nn.Module):
    """Transformer decoder with attention to the encoder's frames.

    Step i reads token i−1 (at first the mark), attends to all tokens before it by causal
    self-attention, then to the frames by cross-attention, and gives token i, or the mark at the
    end. Sines and cosines of their positions are added to tokens and frames.

    Parameters
    ----------
    config : DecoderConfig
        Its layers, heads, dim and dropout; its kind is not looked at.
    channels : int
        Size of a frame of encoder output.
    vocabulary : int
        Number of tokens, V. The mark of begin and end has the id V.

    Notes
    -----
    Papers: Vaswani et al. (2017), with the norms in front of the layers; Dong, Xu & Xu (2018).
    """

    def __init__(self, config: DecoderConfig, channels: int, vocabulary: int):
        super().__init__()
        self.mark = vocabulary
        self.scale = math.sqrt(config.dim)
        self.embed = nn.Embedding(vocabulary + 1, config.dim)
        nn.init.normal_(self.embed.weight, std=1 / self.scale)
        self.project = nn.Linear(channels, config.dim)
        self.layers: Any = nn.ModuleList(_Layer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.dim)
        self.output = nn.Linear(config.dim, vocabulary + 1)

    def loss(
        self,
        encoder_out: Tensor,
        frame_lengths: Tensor,
        targets: Tensor,
        target_lengths: Tensor,
        *,
        label_smoothing: float,
    ) -> Tensor:
        """Cross-entropy of the true tokens and the mark behind them, per token."""
        losses = self.token_losses(
            encoder_out, frame_lengths, targets, target_lengths, label_smoothing=label_smoothing
        )
        return losses.sum() / target_lengths.sum().clamp(min=1)

    def token_losses(
        self,
        encoder_out: Tensor,
        frame_lengths: Tensor,
        targets: Tensor,
        target_lengths: Tensor,
        *,
        label_smoothing: float,
    ) -> Tensor:
        """Cross-entropy of each true token and of the mark behind them (batch, tokens + 1)."""
        marked = F.pad(targets.clamp(min=0), (0, 1))
        marked = marked.scatter(1, target_lengths.unsqueeze(1), self.mark)
        before = F.pad(marked[:, :-1], (1, 0), value=self.mark)
        logits, _, _ = self._say(before, self._listen(encoder_out, frame_lengths))
        losses = F.cross_entropy(
            logits.flatten(0, 1),
            marked.masked_fill(~valid_mask(target_lengths + 1, marked.shape[1]), -1).flatten(),
            ignore_index=-1,
            label_smoothing=label_smoothing,
            reduction="none",
        )
        return losses.view_as(marked)

    def decode(self, encoder_out: Tensor, frame_lengths: Tensor) -> list[Decoded]:
        """Greedy tokens, and where the last layer looked for each, the mean over its heads.

        An utterance ends at the mark, or after ``frames // 4 + 10`` tokens; without a frame it has
        none.
        """
        limits = (frame_lengths // FRAMES_PER_TOKEN + SPARE_TOKENS) * (frame_lengths > 0)
        memory = self._listen(encoder_out, frame_lengths)
        last = torch.full((len(encoder_out), 1), self.mark, device=encoder_out.device)
        batch, frames, _ = encoder_out.shape
        steps = [
            (last[:, :0], encoder_out.new_zeros(batch, 0), encoder_out.new_zeros(batch, 0, frames))
        ]
        counts = torch.zeros_like(limits)
        going_on = counts < limits
        while going_on.any():
            logits, looked, memory = self._say(last, memory)
            scores, last = logits.softmax(dim=2).max(dim=2)
            steps.append((last, scores, looked))
            going_on = going_on & (last[:, 0] != self.mark)
            counts = counts + going_on
            going_on = going_on & (counts < limits)
        ids, scores, rows = (torch.cat(parts, dim=1) for parts in zip(*steps, strict=True))
        decoded = []
        for row, (count, length) in enumerate(
            zip(counts.tolist(), frame_lengths.tolist(), strict=True)
        ):
            shares = rows[row, :count, :length].double()
            shares = shares / shares.sum(dim=1, keepdim=True)
            decoded.append((ids[row, :count].tolist(), scores[row, :count].tolist(), shares))
        return decoded

    def _listen(self, encoder_out: Tensor, frame_lengths: Tensor) -> _Memory:
        """What is known before the first token."""
        frames = self.project(encoder_out)
        frames = frames + positions(0, frames)
        # The first frame stays visible, or utterances without frames were NaN.
        real = valid_mask(frame_lengths.clamp(min=1), frames.shape[1])
        return _Memory(
            [layer.back.remember(frames[:, :0]) for layer in self.layers],
            [layer.across.remember(frames) for layer in self.layers],
            ~real[:, None, None, :],
        )

    def _say(self, tokens: Tensor, memory: _Memory) -> tuple[Tensor, Tensor, _Memory]:
        """Logits of what follows each of these tokens, where it was looked for, the new memory."""
        hidden = self.embed(tokens) * self.scale
        hidden = hidden + positions(memory.tokens[0].shape[3], hidden)
        kept = []
        for layer, before, frames in zip(self.layers, memory.tokens, memory.frames, strict=True):
            hidden, known, looked = layer(hidden, before, frames, memory.padded)
            kept.append(known)
        return self.output(self.norm(hidden)), looked, memory._replace(tokens=kept)


class _Memory(NamedTuple):
    """Keys and values, one tensor (2, batch, heads, positions, dim / heads) for each layer."""

    tokens: list[Tensor]
    """Of the tokens read so far."""
    frames: list[Tensor]
    """Of the encoder's frames."""
    padded: Tensor
    """Frames that are none (batch, 1, 1, frames)."""


class _Layer(nn.Module):
    """Self-attention, cross-attention, two linear layers; norm in front of each, added to it."""

    def __init__(self, config: DecoderConfig):
        super().__init__()
        dim = config.dim
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(3))
        self.back, self.across = (
            MultiHeadAttention(dim, config.heads),
            MultiHeadAttention(dim, config.heads),
        )
        self.dropout = nn.Dropout(config.dropout)
        self.linear = nn.Sequential(
            nn.Linear(dim, 4 * dim), nn.ReLU(), self.dropout, nn.Linear(4 * dim, dim)
        )

    def forward(
        self, hidden: Tensor, before: Tensor, frames: Tensor, padded: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Hidden (batch, steps, dim), all tokens' memory, weights (batch, steps, frames)."""
        normal = self.norms[0](hidden)
        known = torch.cat([before, self.back.remember(normal)], dim=3)
        steps, seen = hidden.shape[1], known.shape[3]
        later = torch.ones(steps, seen, dtype=torch.bool, device=hidden.device)
        found, _ = self.back(normal, known, later.triu(seen - steps + 1))
        hidden = hidden + self.dropout(found)
        found, looked = self.across(self.norms[1](hidden), frames, padded)
        hidden = hidden + self.dropout(found)
        return hidden + self.dropout(self.linear(self.norms[2](hidden))), known, looked


class MultiHeadAttention(nn.Module):
    """Multi-head attention that can remember keys and values, and shows its weights."""

    def __init__(self, dim: int, heads: int):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(dim, dim)
        self.key_value = nn.Linear(dim, 2 * dim)
        self.output = nn.Linear(dim, dim)

    def remember(self, inputs: Tensor) -> Tensor:
        """Keys and values (2, batch, heads, positions, dim / heads)."""
        split = self.key_value(inputs).unflatten(2, (2, self.heads, -1))
        return split.permute(2, 0, 3, 1, 4)

    def forward(self, inputs: Tensor, known: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """What is found (batch, steps, dim), and the weights' mean over the heads."""
        keys, values = known
        queries = self.query(inputs).unflatten(2, (self.heads, -1)).transpose(1, 2)
        fit = queries @ keys.transpose(2, 3) / math.sqrt(keys.shape[3])
        weights = fit.masked_fill(hidden, -math.inf).softmax(dim=3)
        found = (weights @ values).transpose(1, 2).flatten(2)
        return self.output(found), weights.mean(dim=1)


def positions(first: int, hidden: Tensor) -> Tensor:
    """Sines, then cosines, of the positions of `hidden` (batch, positions, dim).

    Parameters
    ----------
    first : int
        Position that the first row stands at.
    hidden : Tensor (batch, positions, dim)
        What they shall be added to.

    Returns
    -------
    Tensor (positions, dim)
        ``sin(p / 10000^(2k/dim))`` for k = 0, 1, … below dim/2, then the cosines.

    Examples
    --------
    At 0 all sines are 0 and all cosines 1; the slowest of two waves hardly moves until 1:

    >>> positions(0, torch.zeros(1, 2, 4))
    tensor([[0.0000, 0.0000, 1.0000, 1.0000],
            [0.8415, 0.0100, 0.5403, 0.9999]])
    """
    _, count, dim = hidden.shape
    place = torch.arange(first, first + count, device=hidden.device).unsqueeze(1)
    wave = torch.arange(0, dim, 2, device=hidden.device)
    angle = place * torch.exp(-math.log(10_000) * wave / dim)
    return torch.cat([angle.sin(), angle.cos()], dim=1)[:, :dim].to(hidden.dtype)
