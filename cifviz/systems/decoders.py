"""The decoders of `cif`: their only input is the fired embeddings.

None looks at the encoder again (no cross-attention), so everything that a token knows of the
audio passed through its fire. "ar" and "nar" are the two of the CIF paper. With "nar" or
"projection", and with or without `CIFConfig.add_cif_ctxt_layers`, the system "cif" is CIF-NAR:
there is no other system of that name.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cifviz.core.validation import valid_mask
from cifviz.errors import require, require_choice, require_integer, require_number, shown

LABEL_SMOOTHING = 0.1
"""Share of a target that cross-entropy gives to all tokens alike."""
PARALLEL = ("nar", "projection")
"""Kinds of a `ParallelDecoder`."""


@dataclass(frozen=True)
class DecoderConfig:
    """Kind and size of a decoder."""

    kind: str = "nar"
    """Of `DECODERS`: "nar", all tokens at once; "ar", one after the other; "projection", each
    alone."""
    dim: int = 160
    """Size of what passes through the attention; a projection has none."""
    layers: int = 1
    """Layers of attention; a projection is one linear layer, and no other number is taken."""
    heads: int = 4
    """Heads of the attention; a projection has none."""
    dropout: float = 0.1

    def __post_init__(self) -> None:
        require_choice("decoder kind", self.kind, DECODERS)
        for name in ("dim", "layers", "heads"):
            require_integer(f"decoder.{name}", getattr(self, name), above=0)
        require_number("decoder.dropout", self.dropout, at_least=0, below=1)
        require(
            self.dim % self.heads == 0,
            f"decoder.heads must divide decoder.dim, got {shown(self.heads)} and {shown(self.dim)}",
        )
        require(
            self.kind != "projection" or self.layers == 1,
            'decoder.layers of a "projection" must be 1, its linear layer; layers of attention '
            f'are those of "nar" and "ar"; got {shown(self.layers)}',
        )


class Decoder(nn.Module):
    """What a CIF system asks of its decoder."""

    output: nn.Linear
    """The layer that gives the logits."""

    def forward(self, embeddings: Tensor, num_fires: Tensor, targets: Tensor) -> Tensor:
        """Logits (batch, fires, vocabulary) in training, given the true tokens (batch, fires)."""
        raise NotImplementedError

    def told(self, embeddings: Tensor, num_fires: Tensor, targets: Tensor) -> Tensor:
        """What the output layer is given in training, given the true tokens (batch, fires).

        Returns
        -------
        Tensor (batch, fires, features)
        """
        raise NotImplementedError

    def decode(self, embeddings: Tensor, num_fires: Tensor) -> tuple[Tensor, Tensor]:
        """Most likely tokens and their probabilities, each (batch, fires)."""
        raise NotImplementedError


class ParallelDecoder(Decoder):
    """A decoder that gives all tokens at once: something for each fire, then a linear layer."""

    def hidden(self, embeddings: Tensor, num_fires: Tensor) -> Tensor:
        """What is made of each fire (batch, fires, features that `output` takes)."""
        raise NotImplementedError

    def forward(self, embeddings: Tensor, num_fires: Tensor, targets: Tensor) -> Tensor:
        """Logits (batch, fires, vocabulary) in training; `targets` are not looked at."""
        return self.output(self.hidden(embeddings, num_fires))

    def told(self, embeddings: Tensor, num_fires: Tensor, targets: Tensor) -> Tensor:
        """What `hidden` makes of each fire; `targets` are not looked at."""
        return self.hidden(embeddings, num_fires)

    def decode(self, embeddings: Tensor, num_fires: Tensor) -> tuple[Tensor, Tensor]:
        """Most likely tokens and their probabilities, each (batch, fires)."""
        return most_likely(self.output(self.hidden(embeddings, num_fires)))


class NARDecoder(ParallelDecoder):
    """All tokens at once: self-attention over the embeddings, then a linear layer for each."""

    def __init__(self, config: DecoderConfig, input_dim: int, vocabulary: int):
        super().__init__()
        self.project = nn.Linear(input_dim, config.dim)
        self.attention = self_attention(config)
        self.output = nn.Linear(config.dim, vocabulary)

    def hidden(self, embeddings: Tensor, num_fires: Tensor) -> Tensor:
        """What is made of each fire, and of all others of its utterance (batch, fires, dim)."""
        hidden: Tensor = self.project(embeddings)
        if not hidden.shape[1]:  # attention can take none
            return hidden
        return self.attention(hidden, src_key_padding_mask=_unseen(num_fires, hidden))


class ProjectionDecoder(ParallelDecoder):
    """Like `NARDecoder`, but no token sees another: a layer norm and a linear layer for each.

    Notes
    -----
    What tokens know of each other can come from context layers in front of it, see
    `CIFConfig.add_cif_ctxt_layers`. Source: the "projection" decoder in the code of CIF-HieraDist
    (github.com/MingLunHan/CIF-HieraDist), where the norm is a choice.
    """

    def __init__(self, config: DecoderConfig, input_dim: int, vocabulary: int):
        super().__init__()
        self.norm = nn.LayerNorm(input_dim)
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(input_dim, vocabulary)

    def hidden(self, embeddings: Tensor, num_fires: Tensor) -> Tensor:
        """Each embedding with a mean of 0 and a variance of 1 (batch, fires, input_dim)."""
        return self.dropout(self.norm(embeddings))


class ARDecoder(Decoder):
    """Like `NARDecoder`, but each token also sees the tokens before it.

    Step i reads ``[c_{i−1} ; E(y_{i−1})]`` through causal self-attention to s_i; the logits are
    linear in ``[s_i ; c_i]``.
    """

    def __init__(self, config: DecoderConfig, input_dim: int, vocabulary: int):
        super().__init__()
        self.start = vocabulary
        self.scale = math.sqrt(config.dim)
        self.embed = nn.Embedding(vocabulary + 1, config.dim)
        nn.init.normal_(self.embed.weight, std=1 / self.scale)
        self.project = nn.Linear(input_dim + config.dim, config.dim)
        self.attention = self_attention(config)
        self.output = nn.Linear(config.dim + input_dim, vocabulary)

    def forward(self, embeddings: Tensor, num_fires: Tensor, targets: Tensor) -> Tensor:
        """Logits (batch, fires, vocabulary), given the true tokens `targets` (batch, fires)."""
        return self.output(self.told(embeddings, num_fires, targets))

    def told(self, embeddings: Tensor, num_fires: Tensor, targets: Tensor) -> Tensor:
        """What the output layer is given, given the true tokens (batch, fires, features)."""
        start = torch.full_like(targets[:, :1], self.start)
        return self.states(embeddings, num_fires, torch.cat([start, targets[:, :-1]], dim=1))

    def decode(self, embeddings: Tensor, num_fires: Tensor) -> tuple[Tensor, Tensor]:
        """Greedy tokens and their probabilities, each (batch, fires)."""
        batch, fires, _ = embeddings.shape
        tokens = torch.full((batch, fires + 1), self.start, device=embeddings.device)
        scores = embeddings.new_zeros(batch, fires)
        for step in range(fires):
            so_far = num_fires.clamp(max=step + 1)
            states = self.states(embeddings[:, : step + 1], so_far, tokens[:, : step + 1])
            best = self.output(states)[:, -1].softmax(dim=1).max(dim=1)
            tokens[:, step + 1], scores[:, step] = best.indices, best.values
        return tokens[:, 1:], scores

    def positioned(self, hidden: Tensor) -> Tensor:
        """Inputs of the attention with their positions; here they have none."""
        return hidden

    def states(self, embeddings: Tensor, num_fires: Tensor, previous: Tensor) -> Tensor:
        """``[s_i ; c_i]`` of each fire, given the tokens before it (batch, fires)."""
        if not embeddings.shape[1]:
            features = self.project.out_features + embeddings.shape[2]
            return embeddings.new_zeros(len(embeddings), 0, features)  # attention can take none
        before = torch.cat([torch.zeros_like(embeddings[:, :1]), embeddings[:, :-1]], dim=1)
        hidden = self.project(torch.cat([before, self.embed(previous) * self.scale], dim=2))
        hidden = self.positioned(hidden)
        steps = hidden.shape[1]
        later = torch.ones(steps, steps, dtype=torch.bool, device=hidden.device).triu(1)
        hidden = self.attention(hidden, mask=later, src_key_padding_mask=_unseen(num_fires, hidden))
        return torch.cat([hidden, embeddings], dim=2)


DECODERS: dict[str, Callable[[DecoderConfig, int, int], Decoder]] = {
    "nar": NARDecoder,
    "ar": ARDecoder,
    "projection": ProjectionDecoder,
}
"""By kind: made of the configuration, the dimension of the embeddings and the vocabulary's size."""


def make_decoder(config: DecoderConfig, input_dim: int, vocabulary: int) -> Decoder:
    """The decoder that the configuration names."""
    return DECODERS[config.kind](config, input_dim, vocabulary)


def token_cross_entropy(
    logits: Tensor, num_fires: Tensor, targets: Tensor, *, label_smoothing: float
) -> Tensor:
    """Cross-entropy of each token, where as many come out as fire.

    Parameters
    ----------
    logits : Tensor (batch, fires, vocabulary)
    num_fires : Tensor (batch,)
        Fires of each utterance; what stands behind them is ignored.
    targets : Tensor (batch, tokens)
        Token ids, padded with −1.
    label_smoothing : float
        Share of a target that is given to all tokens alike.

    Returns
    -------
    Tensor (batch, min(fires, tokens))
        0 where an utterance has no fire or no target.

    Examples
    --------
    Three fires, of which the first two have a target, at four tokens alike: −log ¼.

    >>> targets = torch.tensor([[1, 3]])
    >>> token_cross_entropy(torch.zeros(1, 3, 4), torch.tensor([3]), targets, label_smoothing=0)
    tensor([[1.3863, 1.3863]])
    """
    common = min(logits.shape[1], targets.shape[1])
    compared = valid_mask(num_fires, common)
    losses = F.cross_entropy(
        logits[:, :common].flatten(0, 1),
        targets[:, :common].masked_fill(~compared, -1).flatten(),
        ignore_index=-1,
        label_smoothing=label_smoothing,
        reduction="none",
    )
    return losses.view(len(targets), common)


def most_likely(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Most likely tokens and their probabilities (batch, fires), of logits with one axis more.

    >>> most_likely(torch.tensor([[[0.0, 0.0, math.log(2)]]]))
    (tensor([[2]]), tensor([[0.5000]]))
    """
    best = logits.softmax(dim=2).max(dim=2)
    return best.indices, best.values


def self_attention(config: DecoderConfig, ffn_dim: int | None = None) -> nn.TransformerEncoder:
    """The layers of attention of a configuration, with `ffn_dim` units between: 4 · dim."""
    layer = nn.TransformerEncoderLayer(
        config.dim,
        config.heads,
        4 * config.dim if ffn_dim is None else ffn_dim,
        config.dropout,
        batch_first=True,
        norm_first=True,
    )
    return nn.TransformerEncoder(
        layer, config.layers, norm=nn.LayerNorm(config.dim), enable_nested_tensor=False
    )


def _unseen(num_fires: Tensor, hidden: Tensor) -> Tensor:
    """Positions hidden from attention; the first stays visible, or rows without tokens were NaN."""
    return ~valid_mask(num_fires.clamp(min=1), hidden.shape[1])
