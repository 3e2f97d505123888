"""Like `coldec`, but fires look at the tokens of all phrases, each with its neighbours."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from cifviz.core.validation import valid_mask
from cifviz.errors import require, require_integer, shown
from cifviz.systems.coldec import ColDecConfig, ColDecRecognizer
from cifviz.systems.context_network import (
    ContextConfig,
    ContextNetwork,
    ContextOutput,
    PhraseAttention,
    PhraseMemory,
)


@dataclass(frozen=True)
class TokenContextConfig(ContextConfig):
    """Like `ContextConfig`, but with windows where that has layers of self-attention.

    ``num_ctxt_encoder_layers`` counts for nothing here. Query layers and a position encoding are
    refused, as windows know the order of what is in them, and so is purification.
    """

    ctxt_window: int = 4
    """Neighbours on either side with which a fire, and a token of a phrase, is summed (our key)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer("ctxt_window", self.ctxt_window, at_least=0)
        for name in (
            "num_ctxt_query_layers",
            "ctxt_encoder_position_encoding_type",
            "topk_renormalize",
        ):
            value = getattr(self, name)
            require(not value, f"{name} is not for this network, got {shown(value)}")


@dataclass(frozen=True)
class ColDecTokensConfig(ColDecConfig):
    """Everything that makes a `ColDecTokensRecognizer`, but for its weights."""

    context: TokenContextConfig = field(default_factory=TokenContextConfig)


class Window(nn.Module):
    """Each place with its neighbours: a linear map for each distance, their sum, and a norm.

    Parameters
    ----------
    dim_in, dim : int
        Size of what comes in, and of what is made.
    width : int >= 0
        Neighbours on either side. Beyond the ends there is nothing to add.
    """

    def __init__(self, dim_in: int, dim: int, width: int):
        super().__init__()
        self.sum = nn.Conv1d(dim_in, dim, 2 * width + 1, padding=width)
        self.norm = nn.LayerNorm(dim)

    def forward(self, hidden: Tensor, counts: Tensor) -> Tensor:
        """Sums of neighbours (batch, places, dim).

        Parameters
        ----------
        hidden : Tensor (batch, places, dim_in)
        counts : Tensor (batch,)
            How many places there are; what stands behind them is ignored.
        """
        if not hidden.numel():  # a convolution can take none
            return hidden.new_zeros(*hidden.shape[:2], len(self.norm.weight))
        valid = valid_mask(counts, hidden.shape[1]).unsqueeze(2)
        made: Tensor = self.norm(self.sum((hidden * valid).transpose(1, 2)).transpose(1, 2))
        return made


class TokenEncoder(nn.Module):
    """A vector for each token of a phrase: its `Window`; that of a phrase is their mean."""

    def __init__(self, config: TokenContextConfig, vocabulary: int):
        super().__init__()
        dim = config.ctxt_encoder_hidden_size
        self.embed = nn.Embedding(vocabulary, dim)
        self.window = Window(dim, dim, config.ctxt_window)

    def forward(self, ids: Tensor) -> PhraseMemory:
        """Encode phrases.

        Parameters
        ----------
        ids : Tensor (lists, phrases, tokens)
            Padded with −1.
        """
        flat = ids.flatten(0, 1)
        counts = (flat >= 0).sum(dim=1)
        states = self.window(self.embed(flat.clamp(min=0)), counts)
        sums = (states * (flat >= 0).unsqueeze(2)).sum(dim=1)
        shape = ids.shape[:2]
        vectors = (sums / counts.clamp(min=1).unsqueeze(1)).unflatten(0, shape)
        return PhraseMemory(vectors, states.unflatten(0, shape), ids)


class TokenContextNetwork(ContextNetwork):
    """Like `ContextNetwork`, but with attention to the tokens of all phrases.

    A fire in the middle of a phrase is to find it, whichever of its tokens it is. One vector for a
    phrase can say which tokens it has; where the fire stands among them it cannot. So a fire with
    its neighbours is compared with each token and its neighbours, and how much the fire looks at a
    phrase is the sum over the tokens of it.

    Parameters
    ----------
    config : TokenContextConfig
        What to build.
    query_dim : int
        Size of a fired embedding.
    vocabulary : int
        Number of tokens.
    """

    def __init__(self, config: TokenContextConfig, query_dim: int, vocabulary: int):
        super().__init__(config, query_dim, vocabulary)
        self.asked_dim = config.ctxt_encoder_hidden_size
        self.phrases = TokenEncoder(config, vocabulary)
        self.queries = Window(query_dim, self.asked_dim, config.ctxt_window)
        self.attention = PhraseAttention(config, self.asked_dim)

    def forward(self, fired: Tensor, num_fires: Tensor, memory: PhraseMemory) -> ContextOutput:
        """What is made of each fire; see `ContextNetwork.forward`."""
        read, weights = self.attention(self.asked(fired, num_fires), memory.tokens)
        no_bias, by_token = weights[:, :, :1], weights[:, :, 1:]
        by_phrase = by_token.reshape(*weights.shape[:2], *memory.ids.shape[1:]).sum(dim=3)
        logits = self.output(self.decoded(fired, read, num_fires))
        return ContextOutput(logits, torch.cat([no_bias, by_phrase], dim=2), weights)


class ColDecTokensRecognizer(ColDecRecognizer):
    """Like `ColDecRecognizer`, but with a `TokenContextNetwork`.

    Parameters
    ----------
    config : ColDecTokensConfig
        What to build.

    Notes
    -----
    Of no paper. FineCoS (Han et al. 2022, arXiv 2201.12806) lets fires look at tokens as well, of
    some phrases that are selected by their vectors; here no vector of a phrase is looked at.
    """

    Config = ColDecTokensConfig
    config: ColDecTokensConfig

    def make_context(self) -> TokenContextNetwork:
        """The context network."""
        config = self.config
        return TokenContextNetwork(config.context, config.cif.embedding_dim, len(config.vocabulary))
