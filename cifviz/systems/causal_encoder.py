"""Like `encoder`, but no frame sees what comes after it: sound can be encoded while it comes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cifviz.core.validation import convolve, valid_mask
from cifviz.systems.encoder import EncoderConfig


class CausalEncoder(nn.Module):
    """Like `Encoder`, but convolutions see the frames before them and none behind them.

    Encoder frame u covers the feature frames ``[u·d, (u+1)·d)``, d being the down-sampling, and
    depends on those and on the ones before them: it is known as soon as its last feature frame is.

    Parameters
    ----------
    config : EncoderConfig
        As for `Encoder`; of a kernel all taps but one lie before the frame.

    See Also
    --------
    CausalEncoder.step : the same, one encoder frame after the other.

    Examples
    --------
    >>> encoder = CausalEncoder(EncoderConfig(channels=8, dilations=(1,))).eval()
    >>> features = torch.zeros(1, 50, 40)
    >>> encoder_out, lengths = encoder(features, torch.tensor([50]))
    >>> encoder_out.shape, lengths
    (torch.Size([1, 13, 8]), tensor([13]))
    >>> features[:, 20:] = 1
    >>> torch.equal(encoder(features, torch.tensor([50]))[0][:, :5], encoder_out[:, :5])
    True
    """

    def __init__(self, config: EncoderConfig):
        super().__init__()
        self.config = config
        halvings = config.down_sampling.bit_length() - 1
        self._sizes = sizes = [config.n_mels] + [config.channels] * halvings
        # Width 4, stride 2: an output sees the two inputs it stands for and two before them.
        self.halve = nn.ModuleList(
            nn.Conv1d(before, after, 4, stride=2) for before, after in pairwise(sizes)
        )
        self.project = None if halvings else nn.Conv1d(config.n_mels, config.channels, 1)
        self.blocks = nn.ModuleList(_Block(config, dilation) for dilation in config.dilations)
        self.norm = nn.LayerNorm(config.channels)

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Encode a batch; shapes are those of `Encoder.forward`."""
        hidden = features.transpose(1, 2)
        for halve in self.halve:
            hidden = hidden.masked_fill(~valid_mask(lengths, hidden.shape[2]).unsqueeze(1), 0)
            hidden = F.pad(hidden, (BEFORE if hidden.shape[2] else 0, hidden.shape[2] % 2))
            hidden = F.gelu(convolve(halve, hidden))
            lengths = (lengths + 1) // 2
        hidden = convolve(self.project, hidden) if self.project else hidden
        padded = ~valid_mask(lengths, hidden.shape[2]).unsqueeze(1)
        for block in self.blocks:
            hidden = block(hidden, padded)
        return self.norm(hidden.transpose(1, 2)).masked_fill(padded.transpose(1, 2), 0), lengths

    def start(self) -> CausalState:
        """The state before the first frame of an utterance."""
        weight = self.norm.weight
        inputs = [weight.new_zeros(1, size, BEFORE) for size in self._sizes[:-1]]
        channels = self.config.channels
        reach = [dilation * (self.config.kernel - 1) for dilation in self.config.dilations]
        return CausalState(inputs, [weight.new_zeros(1, channels, frames) for frames in reach])

    @torch.inference_mode()
    def step(self, features: Tensor, state: CausalState) -> tuple[Tensor, CausalState]:
        """The next encoder frame of one utterance.

        The same operations in the same shapes for every frame: how the sound came in makes no
        difference, not even in the last bit.

        Parameters
        ----------
        features : Tensor (feature_frames, n_mels)
            The next `down_sampling` feature frames; fewer, at least one, at the end of the
            utterance.
        state : CausalState
            Of the frames before.

        Returns
        -------
        frame : Tensor (channels,)
        state : CausalState
        """
        real = len(features)
        missing = self.config.down_sampling - real
        hidden = F.pad(features.T, (0, missing)).unsqueeze(0)
        inputs, contexts = [], []
        for halve, before in zip(self.halve, state.inputs, strict=True):
            hidden = torch.cat([before, hidden], dim=2)
            inputs.append(hidden[:, :, -BEFORE:])
            hidden, real = F.gelu(halve(hidden)), (real + 1) // 2
            hidden = hidden.masked_fill(
                torch.arange(hidden.shape[2], device=hidden.device) >= real, 0
            )
        hidden = self.project(hidden) if self.project else hidden
        for block, before in zip(self.blocks, state.contexts, strict=True):
            hidden, context = block.step(hidden, before)  # type: ignore[operator]
            contexts.append(context)
        return self.norm(hidden[0, :, 0]), replace(state, inputs=inputs, contexts=contexts)


BEFORE = 2
"""Inputs of a halving before those that an output stands for."""


@dataclass(frozen=True, eq=False)
class CausalState:
    """What a `CausalEncoder` remembers of an utterance: as much as its convolutions look back."""

    inputs: list[Tensor]
    """Of each halving its last inputs (1, channels, 2)."""
    contexts: list[Tensor]
    """Of each block its last inputs, normalised (1, channels, taps before)."""

    @property
    def size(self) -> int:
        """Numbers kept, however long the utterance is."""
        return sum(one.numel() for one in [*self.inputs, *self.contexts])


class _Block(nn.Module):
    """Like the block of `Encoder`, but its convolution looks back."""

    def __init__(self, config: EncoderConfig, dilation: int):
        super().__init__()
        self.before = dilation * (config.kernel - 1)
        self.norm = nn.LayerNorm(config.channels)
        self.conv = nn.Conv1d(config.channels, config.channels, config.kernel, dilation=dilation)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, hidden: Tensor, padded: Tensor) -> Tensor:
        if not hidden.shape[2]:
            return hidden
        inner = self.norm(hidden.transpose(1, 2)).transpose(1, 2).masked_fill(padded, 0)
        inner = self.conv(F.pad(inner, (self.before, 0)))
        return hidden + self.dropout(F.gelu(inner))

    def step(self, hidden: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """The output for the next frame (1, channels, 1), and what the next one looks back to."""
        seen = torch.cat([before, self.norm(hidden.transpose(1, 2)).transpose(1, 2)], dim=2)
        return hidden + F.gelu(self.conv(seen)), seen[:, :, 1:]
