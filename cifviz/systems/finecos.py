"""Like `coldec`, but fires also look at single tokens, those of the few phrases that matter."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from cifviz.core.validation import valid_mask
from cifviz.errors import require_integer, require_type
from cifviz.systems.coldec import ColDecConfig, ColDecRecognizer
from cifviz.systems.coldec_settings import TOKENS_TOO
from cifviz.systems.context_network import (
    POSITION_ENCODINGS,
    ContextConfig,
    ContextNetwork,
    ContextOutput,
    PhraseAttention,
    PhraseMemory,
)


@dataclass(frozen=True)
class FineCoSContextConfig(ContextConfig):
    """Like `ContextConfig`, but with positions, purification and the keys of token attention."""

    coldec_values: ClassVar[Mapping[str, Collection[Any]]] = TOKENS_TOO
    ctxt_encoder_position_encoding_type: str = POSITION_ENCODINGS[1]
    topk_renormalize: bool = True
    screened_phrase_num: int = 5
    """How many phrases are selected for an utterance."""
    add_phrase_embeddings: bool = True
    """Whether a token is looked at with its phrase's vector added."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer("screened_phrase_num", self.screened_phrase_num, above=0)
        require_type("add_phrase_embeddings", self.add_phrase_embeddings, bool)


@dataclass(frozen=True)
class FineCoSConfig(ColDecConfig):
    """Everything that makes a `FineCoSRecognizer`, but for its weights."""

    context: FineCoSContextConfig = field(default_factory=FineCoSContextConfig)


class FineCoSNetwork(ContextNetwork):
    """Like `ContextNetwork`, but with token attention within the phrases that are selected.

    The phrases of the largest attention over all fires of an utterance are selected. Each fire
    attends to their tokens, and to a "no bias" of its own among these; what it reads stands beside
    what the causal decoder gives, before the output layer. Training selects too.

    Parameters
    ----------
    config : FineCoSContextConfig
        What to build.
    query_dim : int
        Size of a fired embedding.
    vocabulary : int
        Number of tokens.

    Notes
    -----
    Paper: Han et al. (2022, arXiv 2201.12806). A reconstruction from the keys of its configuration
    (github.com/MingLunHan/CIF-ColDec): selection ``global``, the query ``cif_outputs``, one
    ``simple_MHA``, ``add_phrase_embeddings``, ``force_add_no_bias_option`` (here it is always
    there), fusion ``concat`` at ``decoder_outputs``. That attention is summed over the fires, after
    purification, is a choice of this implementation.
    """

    def __init__(self, config: FineCoSContextConfig, query_dim: int, vocabulary: int):
        super().__init__(config, query_dim, vocabulary)
        self.most = config.screened_phrase_num
        self.adds_phrases = config.add_phrase_embeddings
        self.token_attention = PhraseAttention(
            replace(config, topk_renormalize=False), self.asked_dim
        )
        self.output = nn.Linear(2 * config.ctxt_encoder_hidden_size, vocabulary + 1)

    def forward(self, fired: Tensor, num_fires: Tensor, memory: PhraseMemory) -> ContextOutput:
        """What is made of each fire; see `ContextNetwork.forward`."""
        asked = self.asked(fired, num_fires)
        read, weights = self.attention(asked, memory)
        decoded = self.decoded(fired, read, num_fires)
        chosen = selected_phrases(weights[:, :, 1:], num_fires, memory.ids, most=self.most)
        read, token_weights = self.token_attention(asked, self.tokens(memory, chosen))
        logits = self.output(torch.cat([decoded, read], dim=2))
        return ContextOutput(logits, weights, token_weights, chosen)

    def tokens(self, memory: PhraseMemory, chosen: Tensor) -> PhraseMemory:
        """The tokens of some phrases (batch, selected), each like a phrase of its own."""
        rows = torch.arange(len(chosen), device=chosen.device).unsqueeze(1)
        vectors, states = memory.vectors[rows, chosen], memory.states[rows, chosen]
        if self.adds_phrases:
            states = states + vectors.unsqueeze(2)
        return PhraseMemory(vectors, states, memory.ids[rows, chosen]).tokens


class FineCoSRecognizer(ColDecRecognizer):
    """Like `ColDecRecognizer`, but with fine-grained contextual knowledge selection.

    Phrases have an order of tokens, attention is purified in decoding, and a `FineCoSNetwork` looks
    at the tokens of the selected phrases.

    Parameters
    ----------
    config : FineCoSConfig
        What to build.

    Notes
    -----
    Paper: Han et al. (2022, arXiv 2201.12806), whose code is not published; see `FineCoSNetwork`.
    """

    Config = FineCoSConfig
    config: FineCoSConfig

    def make_context(self) -> FineCoSNetwork:
        """The context network."""
        config = self.config
        return FineCoSNetwork(config.context, config.cif.embedding_dim, len(config.vocabulary))


def selected_phrases(attention: Tensor, num_fires: Tensor, ids: Tensor, *, most: int) -> Tensor:
    """The phrases that an utterance looks at most.

    Parameters
    ----------
    attention : Tensor (batch, fires, phrases)
        How much each fire looks at each phrase.
    num_fires : Tensor (batch,)
        Fires of each utterance; what stands behind them is ignored.
    ids : Tensor (batch, phrases, tokens)
        Tokens of the phrases, padded with −1; a phrase of −1 alone is none.
    most : int > 0
        How many to select.

    Returns
    -------
    Tensor (batch, min(most, phrases)), int64
        Their places in the list, by the sum of their attention over the fires, the largest first;
        places of no phrase are last. Sums that differ by less than about a thousandth are taken in
        the order of their phrases' tokens, so that neither the order of a list nor the rest of a
        batch decides.

    Examples
    --------
    Over its two fires the utterance looks at the phrases by 0.6, 0.4 and 1.0; the third fire is
    padding:

    >>> attention = torch.tensor([[[0.5, 0.3, 0.2], [0.1, 0.1, 0.8], [0.9, 0.1, 0.0]]])
    >>> ids = torch.tensor([[[4, 2], [1, -1], [3, 3]]])
    >>> selected_phrases(attention, torch.tensor([2]), ids, most=2)
    tensor([[2, 0]])
    """
    fired = valid_mask(num_fires, attention.shape[1]).unsqueeze(2)
    total = attention.detach().float().masked_fill(~fired, 0).sum(dim=1)
    total = total.clamp(min=torch.finfo(total.dtype).tiny).log().round(decimals=3)
    total = total.masked_fill(~ids[:, :, :1].ge(0).any(dim=2), -torch.inf)
    places = torch.arange(total.shape[1], device=total.device).expand_as(total)
    # Stable sorts, by the most important key last.
    for key in (*ids.flip(2).unbind(dim=2), -total):
        places = places.gather(1, key.gather(1, places).argsort(dim=1, stable=True))
    return places[:, :most]
