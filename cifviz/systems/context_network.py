"""The network that listens for phrases: phrase encoder, attention to phrases, causal decoder."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from cifviz.core.validation import valid_mask
from cifviz.errors import (
    require,
    require_choice,
    require_integer,
    require_number,
    require_type,
    shown,
)
from cifviz.systems.attention_decoder import positions
from cifviz.systems.coldec_settings import PHRASES_ALONE, context_settings
from cifviz.systems.collaborative_decoding import ALONE, NO_BIAS_MASS

POSITION_ENCODINGS = ("", "org_transformer_pe")
"""CIF-ColDec's names: none; the sines and cosines of the Transformer."""
AT_ONCE = 4096
"""Phrases that are encoded at once."""


@dataclass(frozen=True)
class ContextConfig:
    """A context network and how it is trained and used, in the keys of CIF-ColDec.

    Source: its configurations and their descriptions (github.com/MingLunHan/CIF-ColDec), see
    `from_coldec`. The defaults of sizes and of dropout are ours, for small models.
    """

    coldec_values: ClassVar[Mapping[str, Collection[Any]]] = PHRASES_ALONE
    """Which values of further keys of CIF-ColDec `from_coldec` takes."""

    num_ctxt_encoder_layers: int = 2
    """Layers of self-attention over the tokens of a phrase."""
    ctxt_num_heads: int = 4
    ctxt_encoder_hidden_size: int = 64
    """Size of a phrase."""
    ctxt_encoder_filter_size: int = 256
    """Inner size of a layer."""
    ctxt_encoder_position_encoding_type: str = ""
    """Of the tokens in a phrase, of `POSITION_ENCODINGS`; with "" a phrase is a bag of tokens."""
    num_ctxt_query_layers: int = 0
    """Layers of self-attention over the fires before they look at phrases (our key). In the papers
    a fire comes from a Conformer and knows its utterance; behind an encoder that sees one word,
    what fires knows no more of a phrase than one token."""
    num_ctxt_decoder_layers: int = 2
    """Layers of causal self-attention over the fires."""
    ctxt_layer_prepostprocess_dropout: float = 0.0
    contextual_content: str = "1gram,2gram,3gram,4gram"
    """In training: how many tokens a phrase may have that is drawn from a reference."""
    train_p_keep: float = 0.7
    """In training: how probable it is that a drawn phrase gets into the list."""
    num_c_batch: int = 8
    """In training: how many lists are drawn for a batch; its loss is the mean of theirs."""
    label_smoothing: float = 0.2
    span_alignment_loss_lambda: float = 0.0
    """Weight of the loss on where fires look, "span_alignment", see `span_alignment_loss`. When it
    ends, ``sal_end_training_step_num`` there, is a `Schedule` of the training here."""
    coldec_lambda: float = 0.5
    """λ: how much the context network counts, in [0, 1]."""
    joint_ctxt_temperature: float = 1.0
    """What its logits are divided by in decoding."""
    topk_renormalize: bool = False
    """In decoding: each fire looks at the phrases of its highest attention alone, which is called
    purification. Training never does so."""
    renormalize_topk_num: int = 10
    """How many phrases those are."""
    no_bias_mass: str = ALONE
    """Of `NO_BIAS_MASS` (our key)."""

    def __post_init__(self) -> None:
        for name in (
            "num_ctxt_encoder_layers",
            "ctxt_num_heads",
            "ctxt_encoder_hidden_size",
            "ctxt_encoder_filter_size",
            "num_ctxt_decoder_layers",
            "num_c_batch",
            "renormalize_topk_num",
        ):
            require_integer(name, getattr(self, name), above=0)
        require_integer("num_ctxt_query_layers", self.num_ctxt_query_layers, at_least=0)
        require(
            self.ctxt_encoder_hidden_size % self.ctxt_num_heads == 0,
            "ctxt_num_heads must divide ctxt_encoder_hidden_size, got "
            f"{shown(self.ctxt_num_heads)} and {shown(self.ctxt_encoder_hidden_size)}",
        )
        kind = self.ctxt_encoder_position_encoding_type
        require_choice("ctxt_encoder_position_encoding_type", kind, POSITION_ENCODINGS)
        dropout = self.ctxt_layer_prepostprocess_dropout
        require_number("ctxt_layer_prepostprocess_dropout", dropout, at_least=0, below=1)
        require_number("train_p_keep", self.train_p_keep, at_least=0, at_most=1)
        require_number("label_smoothing", self.label_smoothing, at_least=0, below=1)
        require_number("span_alignment_loss_lambda", self.span_alignment_loss_lambda, at_least=0)
        require_number("coldec_lambda", self.coldec_lambda, at_least=0, at_most=1)
        require_number("joint_ctxt_temperature", self.joint_ctxt_temperature, above=0)
        require_type("topk_renormalize", self.topk_renormalize, bool)
        require_choice("no_bias_mass", self.no_bias_mass, NO_BIAS_MASS)
        _ = self.phrase_lengths

    @classmethod
    def from_coldec(cls, values: Mapping[str, Any], **changes: Any) -> Self:
        """From a configuration of CIF-ColDec.

        Parameters
        ----------
        values : mapping of str to Any
            Its section ``model``. What describes the recogniser or the training loop is passed
            over; a key that is not there has its default.
        **changes
            Settings that replace those.

        Raises
        ------
        CIFError
            If a key is unknown, or has a value that there is not here, such as ``use_asi: True``.

        Notes
        -----
        The published configurations S3 and S4 say ``topk_renormalize: False`` though both were
        decoded with purification: as a comment in them says, it is off in training and on in
        inference. Here training never purifies, so give ``topk_renormalize=True`` for these.

        Examples
        --------
        >>> values = {"ctxt_num_heads": 8, "num_encoder_layers": 17, "topk_renormalize": False}
        >>> config = ContextConfig.from_coldec(values, topk_renormalize=True)
        >>> config.ctxt_num_heads, config.topk_renormalize
        (8, True)
        """
        own = [one.name for one in fields(cls)]
        return cls(**{**context_settings(values, own, cls.coldec_values), **changes})

    @property
    def phrase_lengths(self) -> tuple[int, ...]:
        """The numbers of tokens that ``contextual_content`` names.

        >>> ContextConfig(contextual_content="2gram,5gram").phrase_lengths
        (2, 5)
        """
        lengths = []
        for part in str(self.contextual_content).split(","):
            number = part.strip().removesuffix("gram")
            require(
                number.isdecimal() and int(number) > 0 and part.strip().endswith("gram"),
                'contextual_content must be such as "1gram,2gram", '
                f"got {shown(self.contextual_content)}",
            )
            lengths.append(int(number))
        return tuple(lengths)

    @property
    def num_layers(self) -> int:
        """Layers with weights of their own, at least so many."""
        fires = self.num_ctxt_query_layers + self.num_ctxt_decoder_layers
        return self.num_ctxt_encoder_layers + fires


@dataclass(frozen=True, eq=False)
class PhraseMemory:
    """Encoded phrases: of each list of a batch, or of the one list of all utterances."""

    vectors: Tensor
    """One for each phrase (lists, phrases, dim)."""
    states: Tensor
    """One for each of its tokens (lists, phrases, tokens, dim)."""
    ids: Tensor
    """Its tokens (lists, phrases, tokens), padded with −1."""

    @property
    def valid(self) -> Tensor:
        """Which phrases there are (lists, phrases)."""
        return self.ids[:, :, :1].ge(0).any(dim=2)

    @property
    def tokens(self) -> PhraseMemory:
        """Each token of each phrase like a phrase of its own, one phrase after the other."""
        states, ids = self.states.flatten(1, 2), self.ids.flatten(1, 2).unsqueeze(2)
        return PhraseMemory(states, states.unsqueeze(2), ids)

    def select(self, lists: Tensor) -> PhraseMemory:
        """Some of the lists, as often as they are named: one for each utterance."""
        if len(self.ids) == 1:  # without a copy for each
            count = len(lists), -1, -1
            return PhraseMemory(
                self.vectors.expand(count), self.states.expand(*count, -1), self.ids.expand(count)
            )
        return PhraseMemory(self.vectors[lists], self.states[lists], self.ids[lists])


@dataclass(frozen=True, eq=False)
class ContextOutput:
    """What a context network makes of fires and phrases."""

    logits: Tensor
    """Of each token and, last, of "no bias" (batch, fires, vocabulary + 1)."""
    attention: Tensor
    """How much each fire looks at "no bias", which is first, and at each phrase (batch, fires, 1 +
    phrases); rows sum to 1."""
    token_attention: Tensor | None = None
    """How much each fire looks at "no bias", which is first, and at each token of each selected
    phrase (batch, fires, 1 + selected · tokens), of a network that looks at tokens."""
    selected: Tensor | None = None
    """Places in the list of the phrases whose tokens these are (batch, selected); None: all."""


class PhraseEncoder(nn.Module):
    """A vector for each phrase: the mean over its tokens, after self-attention among them.

    Notes
    -----
    Paper: Han et al. (2021, arXiv 2012.09466). How a phrase becomes one vector is not published:
    the mean is a reconstruction.
    """

    def __init__(self, config: ContextConfig, vocabulary: int):
        super().__init__()
        dim = config.ctxt_encoder_hidden_size
        self.has_positions = bool(config.ctxt_encoder_position_encoding_type)
        self.embed = nn.Embedding(vocabulary, dim)
        self.attention = self_attention(config, config.num_ctxt_encoder_layers)

    def forward(self, ids: Tensor) -> PhraseMemory:
        """Encode phrases.

        Parameters
        ----------
        ids : Tensor (lists, phrases, tokens)
            Padded with −1.
        """
        flat = ids.flatten(0, 1)
        valid = flat >= 0
        hidden = self.embed(flat.clamp(min=0))
        if flat.numel():  # attention can take none
            pieces = zip(hidden.split(AT_ONCE), valid.split(AT_ONCE), strict=True)
            hidden = torch.cat([self._encoded(*piece) for piece in pieces])
        counted = valid.unsqueeze(2)
        vectors = (hidden * counted).sum(dim=1) / counted.sum(dim=1).clamp(min=1)
        shape = ids.shape[:2]
        return PhraseMemory(vectors.unflatten(0, shape), hidden.unflatten(0, shape), ids)

    def _encoded(self, hidden: Tensor, valid: Tensor) -> Tensor:
        """Tokens after self-attention (phrases, tokens, dim)."""
        if self.has_positions:
            hidden = hidden + positions(0, hidden)
        # The first place stays visible, or phrases that are none were NaN.
        hidden_places = ~valid
        hidden_places[:, 0] = False
        made: Tensor = self.attention(hidden, src_key_padding_mask=hidden_places)
        return made


class PhraseAttention(nn.Module):
    """Attention from fires to phrases and to "no bias", which is always there.

    Purification: each fire keeps the phrases of its highest attention, averaged over the heads, and
    attends to these and to "no bias" alone, whose weights so sum to 1 again. Phrases that are the
    same to the network, such as those of the same tokens where it has no positions, are kept in no
    particular order.

    Notes
    -----
    Papers: Han et al. (2021, arXiv 2012.09466), purification: Han et al. (2022, arXiv 2201.12806).
    That "no bias" stays among what is kept is a reconstruction.

    Examples
    --------
    In one dimension, with all weights 1, "no bias" at 0 and phrases at ln 2 and ln 5, a fire at 1
    looks at them in the shares 1 : 2 : 5 and reads ``2/8 ln 2 + 5/8 ln 5``. If it keeps one phrase,
    the shares are 1 : 5.

    >>> import math
    >>> sizes = {"ctxt_encoder_hidden_size": 1, "ctxt_num_heads": 1, "renormalize_topk_num": 1}
    >>> phrases = torch.tensor([[[math.log(2)], [math.log(5)]]])
    >>> memory = PhraseMemory(phrases, phrases.unsqueeze(2), torch.zeros(1, 2, 1))
    >>> for purified in (False, True):
    ...     config = ContextConfig(**sizes, topk_renormalize=purified)
    ...     attention = PhraseAttention(config, 1).eval()
    ...     for name, weight in attention.named_parameters():
    ...         _ = weight.detach().fill_(0 if "bias" in name else 1)
    ...     attention(torch.ones(1, 1, 1), memory)
    (tensor([[[1.1792]]], ...), tensor([[[0.1250, 0.2500, 0.6250]]], ...))
    (tensor([[[1.3412]]], ...), tensor([[[0.1667, 0.0000, 0.8333]]], ...))
    """

    def __init__(self, config: ContextConfig, query_dim: int):
        super().__init__()
        dim = config.ctxt_encoder_hidden_size
        self.kept = config.renormalize_topk_num if config.topk_renormalize else None
        self.query = nn.Linear(query_dim, dim)
        self.no_bias = nn.Parameter(torch.randn(dim) / dim**0.5)
        self.attention = nn.MultiheadAttention(dim, config.ctxt_num_heads, batch_first=True)

    def forward(self, fired: Tensor, memory: PhraseMemory) -> tuple[Tensor, Tensor]:
        """What each fire reads, and how much it looks at what.

        Parameters
        ----------
        fired : Tensor (batch, fires, query_dim)
        memory : PhraseMemory
            A list for each utterance.

        Returns
        -------
        read : Tensor (batch, fires, dim)
        weights : Tensor (batch, fires, 1 + phrases)
            Averaged over the heads; the first is that of "no bias".
        """
        batch, fires, _ = fired.shape
        if not fires:  # attention can take none
            phrases = 1 + memory.vectors.shape[1]
            return fired.new_zeros(batch, 0, len(self.no_bias)), fired.new_zeros(batch, 0, phrases)
        options = torch.cat([self.no_bias.expand(batch, 1, -1), memory.vectors], dim=1)
        unseen = nn.functional.pad(~memory.valid, (1, 0), value=False)
        query = self.query(fired)
        read, weights = self.attention(query, options, options, key_padding_mask=unseen)
        if self.kept is not None and not self.training and self.kept < memory.vectors.shape[1]:
            best = weights[:, :, 1:].topk(self.kept, dim=2).indices + 1
            dropped = torch.ones_like(weights, dtype=torch.bool).scatter(2, best, False)
            dropped[:, :, 0] = False
            masked = dropped.repeat_interleave(self.attention.num_heads, dim=0)
            read, weights = self.attention(
                query, options, options, key_padding_mask=unseen, attn_mask=masked
            )
        return read, weights


class QueryLayers(nn.Module):
    """Self-attention over the fires of an utterance, which know their places."""

    def __init__(self, config: ContextConfig, fired_dim: int):
        super().__init__()
        self.project = nn.Linear(fired_dim, config.ctxt_encoder_hidden_size)
        self.attention = self_attention(config, config.num_ctxt_query_layers)

    def forward(self, fired: Tensor, num_fires: Tensor) -> Tensor:
        """What each fire knows of itself and of the others (batch, fires, dim)."""
        hidden: Tensor = self.project(fired)
        if not hidden.shape[1]:
            return hidden
        unseen = ~valid_mask(num_fires.clamp(min=1), hidden.shape[1])
        hidden = hidden + positions(0, hidden)
        made: Tensor = self.attention(hidden, src_key_padding_mask=unseen)
        return made


class ContextNetwork(nn.Module):
    """Phrase encoder, attention from the fires to the phrases, and a causal decoder.

    Of each fire it says which token of a phrase it is, or "no bias". It sees no token that was
    recognised, so that all fires are decoded at once.

    Parameters
    ----------
    config : ContextConfig
        What to build.
    query_dim : int
        Size of a fired embedding.
    vocabulary : int
        Number of tokens.
    """

    def __init__(self, config: ContextConfig, query_dim: int, vocabulary: int):
        super().__init__()
        dim = config.ctxt_encoder_hidden_size
        self.phrases: nn.Module = PhraseEncoder(config, vocabulary)
        has_layers = config.num_ctxt_query_layers > 0
        self.queries: nn.Module | None = QueryLayers(config, query_dim) if has_layers else None
        self.asked_dim = dim if has_layers else query_dim
        self.attention = PhraseAttention(config, self.asked_dim)
        self.join = nn.Linear(query_dim + dim, dim)
        self.decoder = self_attention(config, config.num_ctxt_decoder_layers)
        self.output = nn.Linear(dim, vocabulary + 1)

    def encode(self, ids: Tensor) -> PhraseMemory:
        """Encode the phrases of some lists (lists, phrases, tokens), padded with −1."""
        memory: PhraseMemory = self.phrases(ids)
        return memory

    def forward(self, fired: Tensor, num_fires: Tensor, memory: PhraseMemory) -> ContextOutput:
        """Logits of each fire.

        Parameters
        ----------
        fired : Tensor (batch, fires, query_dim)
        num_fires : Tensor (batch,)
            Fires of each utterance; what stands behind them is ignored.
        memory : PhraseMemory
            A list for each utterance.
        """
        read, weights = self.attention(self.asked(fired, num_fires), memory)
        return ContextOutput(self.output(self.decoded(fired, read, num_fires)), weights)

    def asked(self, fired: Tensor, num_fires: Tensor) -> Tensor:
        """What looks at the phrases (batch, fires, asked_dim): the fires, or layers over them."""
        return fired if self.queries is None else self.queries(fired, num_fires)

    def decoded(self, fired: Tensor, read: Tensor, num_fires: Tensor) -> Tensor:
        """Fires with what they read of the phrases, after causal self-attention."""
        hidden = self.join(torch.cat([fired, read], dim=2))
        if not hidden.shape[1]:
            return hidden
        unseen = ~valid_mask(num_fires.clamp(min=1), hidden.shape[1])
        unseen = torch.zeros_like(unseen, dtype=hidden.dtype).masked_fill(unseen, -torch.inf)
        made: Tensor = self.decoder(hidden, mask=causal_mask(hidden), src_key_padding_mask=unseen)
        return made


def self_attention(config: ContextConfig, layers: int) -> nn.TransformerEncoder:
    """Transformer layers of the sizes of a context network."""
    dim = config.ctxt_encoder_hidden_size
    # Not nn.functional.relu: with that, PyTorch's fast path in inference is taken, which takes
    # every number of a mask but 0 for "not to be seen".
    layer = nn.TransformerEncoderLayer(
        dim,
        config.ctxt_num_heads,
        config.ctxt_encoder_filter_size,
        config.ctxt_layer_prepostprocess_dropout,
        torch.relu,
        batch_first=True,
        norm_first=True,
    )
    return nn.TransformerEncoder(layer, layers, norm=nn.LayerNorm(dim), enable_nested_tensor=False)


def causal_mask(hidden: Tensor) -> Tensor:
    """What is added before the softmax of self-attention over fires (fires, fires).

    −∞ for later fires; for earlier ones ``−log(1 + distance)``, by which the fires know their order
    (``proximity_bias`` of the configurations; its formula is that of Tensor2Tensor).

    >>> causal_mask(torch.zeros(1, 3, 1)).exp()
    tensor([[1.0000, 0.0000, 0.0000],
            [0.5000, 1.0000, 0.0000],
            [0.3333, 0.5000, 1.0000]])
    """
    place = torch.arange(hidden.shape[1], device=hidden.device)
    distance = place.unsqueeze(1) - place
    mask = -torch.log1p(distance.abs().to(hidden.dtype))
    return mask.masked_fill(distance < 0, -torch.inf)
