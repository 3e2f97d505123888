"""Weight predictors: from encoder output to one weight in (0, 1) for each frame.

Each reads real frames only: padded frames are set to zero before a convolution sees them, so what
stands behind an utterance cannot change its last weight.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from cifviz.core.validation import convolve, valid_mask
from cifviz.errors import require, require_number


class WeightPredictor(nn.Module):
    """Hidden layers chosen by the subclass, then a linear layer and a sigmoid.

    Parameters
    ----------
    dim : int
        Size of a frame of encoder output.
    units : int
        Size of a frame after the hidden layers.
    """

    def __init__(self, dim: int, units: int):
        super().__init__()
        self.dim = dim
        self.weight_proj = nn.Linear(units, 1)
        nn.init.xavier_uniform_(self.weight_proj.weight)
        nn.init.zeros_(self.weight_proj.bias)

    def hidden(self, encoder_out: Tensor) -> Tensor:
        """Hidden layers: (batch, frames, dim) to (batch, frames, units); none here."""
        return encoder_out

    def forward(self, encoder_out: Tensor, frame_lengths: Tensor) -> Tensor:
        """Weights alpha (batch, frames): ``sigmoid(w · hidden(h_t) + b)``, 0 at padded frames.

        Parameters
        ----------
        encoder_out : Tensor (batch, frames, dim)
            Encoder output.
        frame_lengths : Tensor (batch,), integers
            Real frames of each utterance.
        """
        real = valid_mask(frame_lengths, encoder_out.shape[1])
        logits = self.weight_proj(self.hidden(encoder_out.masked_fill(~real.unsqueeze(2), 0)))
        return torch.sigmoid(logits.squeeze(2)).masked_fill(~real, 0)

    @torch.no_grad()
    def start_at(self, mean_weight: float) -> None:
        """Set the bias so that an untrained predictor gives about `mean_weight` to each frame.

        The training data's tokens per frame is a good start: the first counts are then near.
        """
        mean_weight = require_number("mean_weight", mean_weight, above=0, below=1)
        self.weight_proj.bias.fill_(math.log(mean_weight / (1 - mean_weight)))


class LinearWeights(WeightPredictor):
    """One linear layer: each frame is judged alone."""

    def __init__(self, dim: int):
        super().__init__(dim, dim)


class DenseWeights(WeightPredictor):
    """Like `LinearWeights`, but a hidden layer with ReLU comes first."""

    def __init__(self, dim: int, units: int):
        super().__init__(dim, units)
        self.dense_proj = nn.Linear(dim, units)
        nn.init.xavier_uniform_(self.dense_proj.weight)
        nn.init.zeros_(self.dense_proj.bias)

    def hidden(self, encoder_out: Tensor) -> Tensor:
        """ReLU of a linear layer."""
        return torch.relu(self.dense_proj(encoder_out))


class ConvWeights(WeightPredictor):
    """Like `LinearWeights`, but convolutions over neighbouring frames come first.

    As in CIF-PyTorch there is no activation behind the convolution, so that one layer and the
    projection together are a single affine filter of `width` frames. ``activation=True`` puts a
    ReLU behind each layer (as in FunASR's V2). Of the `width` frames, `right` come after the
    current one; default: as many as before it.
    """

    def __init__(
        self,
        dim: int,
        channels: int,
        width: int,
        *,
        layers: int = 1,
        dropout: float = 0.0,
        activation: bool = False,
        right: int | None = None,
    ):
        super().__init__(dim, channels)
        self.conv = nn.ModuleList(
            _same_length(dim if layer == 0 else channels, channels, width, right)
            for layer in range(layers)
        )
        self.dropout = nn.Dropout(dropout)
        self.activation = nn.ReLU() if activation else nn.Identity()

    def forward(self, encoder_out: Tensor, frame_lengths: Tensor) -> Tensor:
        """Like `WeightPredictor.forward`; padded frames stay zero between the layers too."""
        real = valid_mask(frame_lengths, encoder_out.shape[1])
        hidden = encoder_out.transpose(1, 2)
        for conv in self.conv:
            hidden = self.activation(convolve(conv, hidden.masked_fill(~real.unsqueeze(1), 0)))
        logits = self.weight_proj(self.dropout(hidden.transpose(1, 2)))
        return torch.sigmoid(logits.squeeze(2)).masked_fill(~real, 0)


class DepthwiseWeights(WeightPredictor):
    """Like `ConvWeights`, but a filter for each channel, a residual path and ReLU (FunASR's V1)."""

    def __init__(self, dim: int, width: int, *, dropout: float = 0.0, right: int | None = None):
        super().__init__(dim, dim)
        self.conv = _same_length(dim, dim, width, right, groups=dim)
        self.dropout = nn.Dropout(dropout)

    def hidden(self, encoder_out: Tensor) -> Tensor:
        """ReLU of the frame plus its filtered neighbourhood."""
        filtered = convolve(self.conv, encoder_out.transpose(1, 2)).transpose(1, 2)
        return torch.relu(self.dropout(encoder_out + filtered))


class _LopsidedConv(nn.Conv1d):
    """Like `nn.Conv1d` that keeps the number of frames, but seeing `right` of them ahead."""

    def __init__(self, channels: int, units: int, width: int, right: int, groups: int):
        super().__init__(channels, units, width, groups=groups)
        self.zeros = (width - 1 - right, right)

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(nn.functional.pad(input, self.zeros))


def _same_length(
    channels: int, units: int, width: int, right: int | None, groups: int = 1
) -> nn.Conv1d:
    """A convolution that keeps the number of frames: odd, or with `right` frames ahead."""
    if right is None:
        require(width % 2 == 1, f"conv width must be odd to keep the number of frames, got {width}")
        return nn.Conv1d(channels, units, width, padding=width // 2, groups=groups)
    return _LopsidedConv(channels, units, width, right, groups)
