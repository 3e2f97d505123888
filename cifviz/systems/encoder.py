"""The encoder: log-mel frames in, fewer and richer frames out.

Convolutions only: on a CPU they train faster than recurrent layers of the same width, and
what a frame knows stays near that frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from cifviz.core.validation import convolve, valid_mask
from cifviz.errors import require, require_integer, require_number, require_type, shown

FARTHEST = 4096
"""Largest dilation, in encoder frames: minutes of sound."""

BlockOutput = Callable[[Tensor], Tensor | None]
"""Of what the encoder would give if it ended at a block (batch, frames, channels): what is added to
the input of the next one, of the same shape, or None."""


@dataclass(frozen=True)
class EncoderConfig:
    """Size and shape of an `Encoder`."""

    n_mels: int = 40
    channels: int = 256
    down_sampling: int = 4
    """Feature frames in one encoder frame: a power of two. 4 gives 40 ms, 8 gives 80 ms."""
    kernel: int = 5
    """Width of each residual convolution, in encoder frames; odd."""
    dilations: tuple[int, ...] = (1, 2, 4, 1, 2, 4)
    """Spacing of the taps of each residual convolution; one layer for each."""
    dropout: float = 0.1

    def __post_init__(self) -> None:
        require_type("dilations", self.dilations, Iterable)
        object.__setattr__(self, "dilations", tuple(self.dilations))
        for dilation in self.dilations:
            require_integer("each of dilations", dilation, above=0, at_most=FARTHEST)
        for name in ("n_mels", "channels", "kernel"):
            require_integer(f"encoder.{name}", getattr(self, name), above=0)
        require_number("encoder.dropout", self.dropout, at_least=0, below=1)
        factor = self.down_sampling
        require(
            isinstance(factor, int) and factor >= 1 and factor & (factor - 1) == 0,
            f"down_sampling must be a power of two, got {shown(factor)}",
        )
        require(self.kernel % 2 == 1, f"kernel must be odd, got {self.kernel}")

    @property
    def num_layers(self) -> int:
        """Convolutions that halve the frame rate or look around."""
        return self.down_sampling.bit_length() - 1 + len(self.dilations)


class Encoder(nn.Module):
    """Halve the frame rate until it is low enough, then look around with residual convolutions.

    Encoder frame u covers exactly the feature frames ``[u·d, (u+1)·d)``, d being the down-sampling,
    and is centred on them. Padding is zero in front of every convolution, so that it looks the same
    to an utterance alone and to one in a batch.

    Examples
    --------
    >>> import torch
    >>> encoder = Encoder(EncoderConfig(channels=8, dilations=(1,)))
    >>> encoder_out, lengths = encoder(torch.zeros(1, 50, 40), torch.tensor([50]))
    >>> encoder_out.shape, lengths
    (torch.Size([1, 13, 8]), tensor([13]))
    """

    def __init__(self, config: EncoderConfig):
        super().__init__()
        self.config = config
        halvings = config.down_sampling.bit_length() - 1
        sizes = [config.n_mels] + [config.channels] * halvings
        # Width 4, stride 2, padding 1: each output is centred between the two inputs it stands for.
        self.halve = nn.ModuleList(
            nn.Conv1d(before, after, 4, stride=2, padding=1) for before, after in pairwise(sizes)
        )
        self.project = None if halvings else nn.Conv1d(config.n_mels, config.channels, 1)
        self.blocks = nn.ModuleList(_Block(config, dilation) for dilation in config.dilations)
        self.norm = nn.LayerNorm(config.channels)

    def forward(
        self,
        features: Tensor,
        lengths: Tensor,
        *,
        after: Mapping[int, BlockOutput] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Encode a batch.

        Parameters
        ----------
        features : Tensor (batch, feature_frames, n_mels)
            What stands behind an utterance's length is ignored.
        lengths : Tensor (batch,), integers
            Feature frames of each utterance.
        after : mapping of int to BlockOutput, optional
            By the number of a block of `blocks`, from 0: what is called with its output.

        Returns
        -------
        encoder_out : Tensor (batch, frames, channels)
            ``frames = ceil(feature_frames / down_sampling)``.
        frame_lengths : Tensor (batch,)
            ``ceil(lengths / down_sampling)``.
        """
        hidden = features.transpose(1, 2)
        for halve in self.halve:
            hidden = hidden.masked_fill(~valid_mask(lengths, hidden.shape[2]).unsqueeze(1), 0)
            hidden = F.gelu(convolve(halve, F.pad(hidden, (0, hidden.shape[2] % 2))))
            lengths = (lengths + 1) // 2
        hidden = convolve(self.project, hidden) if self.project else hidden
        padded = ~valid_mask(lengths, hidden.shape[2]).unsqueeze(1)
        for number, block in enumerate(self.blocks):
            hidden = block(hidden, padded)
            if after and number in after:
                added = after[number](self._output(hidden, padded))
                hidden = hidden if added is None else hidden + added.transpose(1, 2)
        return self._output(hidden, padded), lengths

    def _output(self, hidden: Tensor, padded: Tensor) -> Tensor:
        """What leaves the encoder after a block: normalised (batch, frames, channels)."""
        return self.norm(hidden.transpose(1, 2)).masked_fill(padded.transpose(1, 2), 0)


class _Block(nn.Module):
    """Norm, dilated convolution, GELU, dropout, added to what came in."""

    def __init__(self, config: EncoderConfig, dilation: int):
        super().__init__()
        self.norm = nn.LayerNorm(config.channels)
        self.conv = nn.Conv1d(
            config.channels,
            config.channels,
            config.kernel,
            padding=dilation * (config.kernel // 2),
            dilation=dilation,
        )
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, hidden: Tensor, padded: Tensor) -> Tensor:
        inner = self.norm(hidden.transpose(1, 2)).transpose(1, 2).masked_fill(padded, 0)
        return hidden + self.dropout(F.gelu(convolve(self.conv, inner)))
