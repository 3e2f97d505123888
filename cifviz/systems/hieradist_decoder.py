"""Like the decoder "ar", but with positions, and one more projection in front of the output."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from cifviz.systems.decoders import ARDecoder, DecoderConfig, self_attention

FIRST_POSITION = 2
"""fairseq counts positions from behind the id of its padding."""


class ProjectedARDecoder(ARDecoder):
    """Like `ARDecoder`, but as CIF-HieraDist's code builds it.

    Step i reads ``P [c_{i−1} ; √d E(y_{i−1})] + p_i`` through causal self-attention to s_i, where
    p_i is sinusoidal; the decoder's state is ``x_i = Q [s_i ; c_i]``, and the logits are linear in
    it. P, Q and the output have no bias.

    Parameters
    ----------
    config : DecoderConfig
        Its dim, layers, heads and dropout.
    input_dim : int
        Size of an embedding.
    vocabulary : int
    ffn_dim : int, optional
        Units between the two linear layers of a layer of attention; default: 4 · dim.

    Notes
    -----
    Source: ``CifArTransformerDecoder`` of github.com/MingLunHan/CIF-HieraDist; its states are those
    that ``fetch_decoder_states_from = "pre_final_output_proj"`` distils.
    """

    def __init__(
        self, config: DecoderConfig, input_dim: int, vocabulary: int, *, ffn_dim: int | None = None
    ):
        super().__init__(config, input_dim, vocabulary)
        if ffn_dim is not None:
            self.attention = self_attention(config, ffn_dim)
        self.project = nn.Linear(input_dim + config.dim, config.dim, bias=False)
        self.project_out = nn.Linear(config.dim + input_dim, config.dim, bias=False)
        self.output = nn.Linear(config.dim, vocabulary, bias=False)
        self.dropout = nn.Dropout(config.dropout)

    def positioned(self, hidden: Tensor) -> Tensor:
        """Inputs of the attention with their positions (batch, fires, dim)."""
        return self.dropout(hidden + positions(hidden.shape[1], hidden.shape[2]).to(hidden))

    def states(self, embeddings: Tensor, num_fires: Tensor, previous: Tensor) -> Tensor:
        """What the output is given (batch, fires, dim)."""
        return self.project_out(super().states(embeddings, num_fires, previous))


def positions(steps: int, dim: int) -> Tensor:
    """Sinusoidal positions as fairseq makes them (steps, dim).

    Returns
    -------
    Tensor (steps, dim)
        Row i holds ``sin((i + 2) · f_j)`` and, behind all of these, ``cos((i + 2) · f_j)`` with
        ``f_j = 10000^{−j / (dim/2 − 1)}``, j = 0 … dim/2 − 1; an odd dim ends with 0.

    Examples
    --------
    >>> positions(1, 2)  # sin(2), cos(2)
    tensor([[ 0.9093, -0.4161]])
    """
    half = dim // 2
    rates = torch.exp(torch.arange(half) * (-math.log(10_000) / max(1, half - 1)))
    angles = (torch.arange(steps) + FIRST_POSITION).unsqueeze(1) * rates
    return nn.functional.pad(torch.cat([angles.sin(), angles.cos()], dim=1), (0, dim % 2))
