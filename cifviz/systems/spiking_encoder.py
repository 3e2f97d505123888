"""Like `encoder`, but of neurons that spike, or of a recurrent network to compare with.

Both see nothing ahead but for what the convolutions in front of them see, and both add what a layer
makes to what it was given.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cifviz.core.validation import convolve, valid_mask
from cifviz.systems.encoder import EncoderConfig

WINDOW = 1.0
"""Potentials within half of this of the threshold pass a gradient, 1 over this."""


def surrogate_spike(potential: Tensor, threshold: float = 1.0, window: float = WINDOW) -> Tensor:
    """Spikes, 0 or 1, with the gradient of a ramp around the threshold.

    Parameters
    ----------
    potential : Tensor
    threshold : float
        θ: at or above it a neuron spikes.
    window : float > 0
        w, the width of the ramp.

    Returns
    -------
    Tensor
        ``1 if v ≥ θ else 0``; its gradient is ``1/w`` where ``|v − θ| < w/2``, elsewhere 0.

    Examples
    --------
    >>> v = torch.tensor([0.0, 0.75, 1.25, 3.0], requires_grad=True)
    >>> spikes = surrogate_spike(v)
    >>> spikes.sum().backward()
    >>> spikes.tolist(), v.grad.tolist()
    ([0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, 0.0])
    """
    ramp = ((potential - threshold) / window + 0.5).clamp(0, 1)
    return (potential >= threshold).to(ramp.dtype) + (ramp - ramp.detach())


class LeakyLayer(nn.Module):
    """Leaky integrate-and-fire neurons, one for each channel; the leak of each is learned.

    Parameters
    ----------
    channels : int
    leak : float in (0, 1)
        Share of the potential that is lost in a step, at first.

    Notes
    -----
    ``v ← (1 − leak) · v · (1 − s) + I``, with s the spike of the step before: a spike resets to 0.
    No gradient passes the reset.
    """

    def __init__(self, channels: int, leak: float = 0.2):
        super().__init__()
        self.leak = nn.Parameter(torch.full((channels,), leak).logit())

    def forward(self, currents: Tensor) -> Tensor:
        """Spikes (batch, channels, steps) of input currents of that shape."""
        if not currents.shape[2]:
            return currents
        kept = 1 - self.leak.sigmoid()
        potential = spike = torch.zeros_like(currents[:, :, 0])
        spikes = []
        for current in currents.unbind(dim=2):
            potential = kept * potential * (1 - spike.detach()) + current
            spike = surrogate_spike(potential)
            spikes.append(spike)
        return torch.stack(spikes, dim=2)


class SpikingOutput(NamedTuple):
    """What a spiking encoder gives."""

    encoder_out: Tensor
    """(batch, frames, channels)"""
    frame_lengths: Tensor
    """(batch,)"""
    spikes: tuple[Tensor, ...]
    """Of each layer (batch, frames, channels), 0 or 1; 0 at padded frames."""


class SpikingEncoder(nn.Module):
    """Layers of neurons whose spikes add to the currents of the next; the last currents come out.

    The halvings in front make currents of log-mel frames, as sensors do. In each layer a neuron for
    each channel gets its normalised current, and its spikes, through synapses that look back only,
    add to the currents of all channels. A step of the simulation is an encoder frame.

    Parameters
    ----------
    config : EncoderConfig
        As for `Encoder`; a layer for each dilation.

    Notes
    -----
    A reconstruction of the idea, not of a network: the spiking Transformer of DyTr-SNN (Wang et al.
    2023, arXiv 2302.01194) could not be read in full. Spikes alone pass the synapses. A network in
    which the spikes themselves were added up from layer to layer did not learn digits at all.
    """

    def __init__(self, config: EncoderConfig):
        super().__init__()
        self.config = config
        self.front = _Front(config)
        self.norms = nn.ModuleList(nn.LayerNorm(config.channels) for _ in config.dilations)
        self.neurons = nn.ModuleList(LeakyLayer(config.channels) for _ in config.dilations)
        self.synapses = nn.ModuleList(
            nn.Conv1d(
                config.channels,
                config.channels,
                config.kernel,
                padding=dilation * (config.kernel - 1),
                dilation=dilation,
            )
            for dilation in config.dilations
        )
        self.norm = nn.LayerNorm(config.channels)

    def forward(self, features: Tensor, lengths: Tensor) -> SpikingOutput:
        """Encode a batch; shapes are those of `Encoder.forward`."""
        currents, lengths = self.front(features, lengths)
        padded = ~valid_mask(lengths, currents.shape[2]).unsqueeze(1)
        layers = []
        for norm, neurons, synapse in zip(self.norms, self.neurons, self.synapses, strict=True):
            spikes = neurons(_normalised(norm, currents)).masked_fill(padded, 0)
            currents = currents + convolve(synapse, spikes)[:, :, : currents.shape[2]]
            layers.append(spikes)
        out = _normalised(self.norm, currents).masked_fill(padded, 0)
        return SpikingOutput(
            out.transpose(1, 2), lengths, tuple(layer.transpose(1, 2) for layer in layers)
        )

    def operations(self, spikes: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Spikes and synaptic operations of each utterance, each (batch,).

        A spike is added up at every synapse that leaves its neuron: ``kernel · channels``.
        """
        counts = torch.stack([layer.detach().sum(dim=(1, 2)) for layer in spikes]).sum(dim=0)
        return counts, self.config.kernel * self.config.channels * counts


class GRUEncoder(nn.Module):
    """Like `SpikingEncoder`, but a gated recurrent unit in place of neurons and their synapses.

    Parameters
    ----------
    config : EncoderConfig
        As there; a layer for each dilation, whose values are not looked at.
    """

    def __init__(self, config: EncoderConfig):
        super().__init__()
        self.config = config
        self.front = _Front(config)
        self.norms = nn.ModuleList(nn.LayerNorm(config.channels) for _ in config.dilations)
        self.layers = nn.ModuleList(
            nn.GRU(config.channels, config.channels, batch_first=True) for _ in config.dilations
        )
        self.norm = nn.LayerNorm(config.channels)

    def forward(self, features: Tensor, lengths: Tensor) -> SpikingOutput:
        """Encode a batch; shapes are those of `Encoder.forward`. There are no spikes."""
        currents, lengths = self.front(features, lengths)
        hidden = currents.transpose(1, 2)
        for norm, layer in zip(self.norms, self.layers, strict=True):
            if hidden.numel():  # it takes no empty sequence
                hidden = hidden + layer(norm(hidden))[0]
        padded = ~valid_mask(lengths, hidden.shape[1]).unsqueeze(2)
        return SpikingOutput(self.norm(hidden).masked_fill(padded, 0), lengths, ())

    @property
    def operations_per_frame(self) -> int:
        """Multiplications and additions of the recurrent layers in an encoder frame."""
        channels = self.config.channels
        return len(self.layers) * 3 * 2 * channels * channels


class _Front(nn.Module):
    """Halve the frame rate by convolutions: currents (batch, channels, frames)."""

    def __init__(self, config: EncoderConfig):
        super().__init__()
        halvings = config.down_sampling.bit_length() - 1
        sizes = [config.n_mels] + [config.channels] * halvings
        self.halve = nn.ModuleList(
            nn.Conv1d(before, after, 4, stride=2, padding=1) for before, after in pairwise(sizes)
        )
        self.project = nn.Conv1d(sizes[-1], config.channels, 1)
        self.norm = nn.LayerNorm(config.channels)

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        hidden = features.transpose(1, 2)
        for halve in self.halve:
            hidden = hidden.masked_fill(~valid_mask(lengths, hidden.shape[2]).unsqueeze(1), 0)
            hidden = F.gelu(convolve(halve, F.pad(hidden, (0, hidden.shape[2] % 2))))
            lengths = (lengths + 1) // 2
        padded = ~valid_mask(lengths, hidden.shape[2]).unsqueeze(1)
        currents = _normalised(self.norm, convolve(self.project, hidden))
        return currents.masked_fill(padded, 0), lengths


def _normalised(norm: nn.Module, currents: Tensor) -> Tensor:
    """Each frame of (batch, channels, frames) by itself."""
    normalised: Tensor = norm(currents.transpose(1, 2)).transpose(1, 2)
    return normalised
