"""Like `attention_decoder`, but of segments that come one after the other instead of all frames.

A segment is what was read and made one vector: what a CIF fired, or a fixed number of frames.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cifviz.core.validation import valid_mask
from cifviz.errors import require_choice
from cifviz.systems.attention_decoder import MultiHeadAttention, positions
from cifviz.systems.decoders import DecoderConfig

LOOK_BACK, FUSION = "look-back", "fusion"
USES = (LOOK_BACK, FUSION)
"""What a token is made of: all segments that it may see, by attention (CIF-IL), or the one of its
own place alone (CIF-F)."""


class SegmentDecoder(nn.Module):
    """Tokens, each from the tokens before it and from the segments that were there in time.

    Parameters
    ----------
    config : DecoderConfig
        Its layers, heads, dim and dropout; its kind is not looked at.
    channels : int
        Size of a segment.
    vocabulary : int
        Number of tokens, V. The mark of begin and end has the id V.
    uses : str
        Of `USES`.

    Notes
    -----
    Paper: Chang & Lee (2022, arXiv 2204.09595), whose two decoders, CIF-F and CIF-IL, these are by
    their code (github.com/George0828Zhang/simulst). There they are the layers of a Transformer
    with the norms in front; in CIF-F a fusion stands where the cross-attention was.
    """

    def __init__(self, config: DecoderConfig, channels: int, vocabulary: int, *, uses: str):
        super().__init__()
        require_choice("uses", uses, USES)
        self.mark = vocabulary
        self.scale = math.sqrt(config.dim)
        self.embed = nn.Embedding(vocabulary + 1, config.dim)
        nn.init.normal_(self.embed.weight, std=1 / self.scale)
        self.project = nn.Linear(channels, config.dim)
        self.layers = nn.ModuleList(_Layer(config, uses) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.dim)
        self.output = nn.Linear(config.dim, vocabulary + 1)

    def forward(
        self, previous: Tensor, segments: Tensor, counts: Tensor, *, wait: int = 1
    ) -> tuple[Tensor, Tensor]:
        """What follows each token.

        Parameters
        ----------
        previous : Tensor (batch, steps)
            The token before each step, at first the mark.
        segments : Tensor (batch, segments, channels)
        counts : Tensor (batch,)
            Segments of each utterance; what stands behind them is ignored.
        wait : int > 0
            k: step i, counted from 1, sees the segments up to ``i + k − 1``, as far as there are
            any.

        Returns
        -------
        logits : Tensor (batch, steps, vocabulary + 1)
            The last one is that of the end.
        shares : Tensor (batch, steps, segments)
            How much each segment counts for a step, in the last layer and in the mean over its
            heads; rows sum to 1, or to 0 where there is no segment.
        """
        # 1. What each step may see.
        steps, size = previous.shape[1], segments.shape[1]
        if not size:  # attention can take none
            segments = segments.new_zeros(len(segments), 1, segments.shape[2])
        place = torch.arange(1, steps + 1, device=previous.device).unsqueeze(0)
        own = torch.minimum(place, counts.unsqueeze(1))
        seen = torch.minimum(place + wait - 1, counts.unsqueeze(1))

        # 2. Through the layers.
        real = valid_mask(counts, segments.shape[1]).unsqueeze(2)
        inputs = self.project(segments.masked_fill(~real, 0))
        inputs = inputs + positions(0, inputs)
        hidden = self.embed(previous) * self.scale
        hidden = hidden + positions(0, hidden)
        shares = inputs.new_zeros(len(inputs), steps, size)
        for layer in self.layers:
            hidden, shares = layer(hidden, inputs, own, seen)
        shares = (shares * real.squeeze(2).unsqueeze(1))[:, :, :size]
        return self.output(self.norm(hidden)), shares


class _Layer(nn.Module):
    """Self-attention, what a token takes from the segments, two linear layers; norms in front."""

    def __init__(self, config: DecoderConfig, uses: str):
        super().__init__()
        dim = config.dim
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(3))
        self.back = MultiHeadAttention(dim, config.heads)
        self.across = {LOOK_BACK: _LookBack, FUSION: _Fusion}[uses](config)
        self.dropout = nn.Dropout(config.dropout)
        self.linear = nn.Sequential(
            nn.Linear(dim, 4 * dim), nn.ReLU(), self.dropout, nn.Linear(4 * dim, dim)
        )

    def forward(
        self, hidden: Tensor, segments: Tensor, own: Tensor, seen: Tensor
    ) -> tuple[Tensor, Tensor]:
        normal, steps = self.norms[0](hidden), hidden.shape[1]
        later = torch.ones(steps, steps, dtype=torch.bool, device=hidden.device).triu(1)
        found, _ = self.back(normal, self.back.remember(normal), later)
        hidden = hidden + self.dropout(found)
        found, shares = self.across(self.norms[1](hidden), segments, own, seen)
        hidden = hidden + self.dropout(found)
        return hidden + self.dropout(self.linear(self.norms[2](hidden))), shares


class _LookBack(nn.Module):
    """Attention to all segments that a step may see."""

    def __init__(self, config: DecoderConfig):
        super().__init__()
        self.attention = MultiHeadAttention(config.dim, config.heads)

    def forward(
        self, hidden: Tensor, segments: Tensor, own: Tensor, seen: Tensor
    ) -> tuple[Tensor, Tensor]:
        # The first stays visible, or a step without segments were NaN.
        visible = torch.arange(segments.shape[1], device=seen.device) < seen.clamp(min=1)[..., None]
        known = self.attention.remember(segments)
        found: tuple[Tensor, Tensor] = self.attention(hidden, known, ~visible.unsqueeze(1))
        return found


class _Fusion(nn.Module):
    """The segment of a step's own place, the last one if there are not so many, and the tokens."""

    def __init__(self, config: DecoderConfig):
        super().__init__()
        self.query = nn.Linear(config.dim, config.dim)
        self.key = nn.Linear(config.dim, config.dim)
        self.output = nn.Linear(config.dim, config.dim)

    def forward(
        self, hidden: Tensor, segments: Tensor, own: Tensor, seen: Tensor
    ) -> tuple[Tensor, Tensor]:
        place = (own - 1).clamp(min=0)
        shares = F.one_hot(place, segments.shape[1]).to(segments.dtype)
        taken = segments.take_along_dim(place.unsqueeze(2), dim=1)
        return self.output(F.gelu(self.query(hidden) + self.key(taken))), shares
