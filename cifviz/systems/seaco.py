"""Like `coldec`, but phrases are listened for twice: in what was fired, and in what was decoded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from cifviz.core.validation import valid_mask
from cifviz.errors import require, require_choice, require_integer, shown
from cifviz.systems.attention_decoder import positions
from cifviz.systems.coldec import ColDecConfig, ColDecRecognizer
from cifviz.systems.context_network import AT_ONCE, ContextConfig, ContextOutput, PhraseMemory
from cifviz.systems.decoders import PARALLEL, ParallelDecoder


@dataclass(frozen=True)
class SeACoContext(ContextConfig):
    """A `SeACoNetwork` and how it is trained and used: like a `ContextConfig`, with a filter.

    What FunASR calls ``inner_dim``, ``attention_heads``, ``linear_units``, ``num_blocks`` and
    ``seaco_lsm_weight`` has the names of `ContextConfig` here; λ, in decoding its ``seaco_weight``,
    is ``coldec_lambda``. ``num_ctxt_encoder_layers`` are those of the LSTM, which knows the order
    of its tokens: a position encoding is refused, and purification, in whose place the filter is.
    """

    nfilter: int = 50
    """In decoding: of more phrases than these, those of the highest attention are kept; 0: all."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer("nfilter", self.nfilter, at_least=0)
        kind = self.ctxt_encoder_position_encoding_type
        require(
            not kind,
            "an LSTM knows the order of its tokens: ctxt_encoder_position_encoding_type must be "
            f'"", got {shown(kind)}',
        )
        require(
            not self.topk_renormalize,
            "topk_renormalize is not for this network: its filter is nfilter",
        )


@dataclass(frozen=True)
class SeACoConfig(ColDecConfig):
    """Everything that makes a `SeACoRecognizer`, but for its weights.

    The `decoder` is of a kind that gives all tokens at once.
    """

    context: SeACoContext = field(default_factory=SeACoContext)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("kind of the decoder of seaco", self.decoder.kind, PARALLEL)


class PhraseLSTM(nn.Module):
    """A vector for each phrase: the state of an LSTM after its last token.

    "No bias" is the phrase of one token that is not in the vocabulary.
    """

    def __init__(self, config: SeACoContext, vocabulary: int):
        super().__init__()
        dim, layers = config.ctxt_encoder_hidden_size, config.num_ctxt_encoder_layers
        # With one layer there is nothing between layers to drop, and torch warns.
        dropout = config.ctxt_layer_prepostprocess_dropout * (layers > 1)
        self.none = vocabulary
        self.embed = nn.Embedding(vocabulary + 1, dim)
        self.lstm = nn.LSTM(dim, dim, layers, batch_first=True, dropout=dropout)

    def forward(self, ids: Tensor) -> PhraseMemory:
        """Encode phrases.

        Parameters
        ----------
        ids : Tensor (lists, phrases, tokens)
            Padded with −1.
        """
        flat = ids.flatten(0, 1)
        states = self.embed(flat.clamp(min=0))
        if flat.numel():
            # What an LSTM makes of a token does not depend on the padding behind it.
            states = torch.cat([self.lstm(some)[0] for some in states.split(AT_ONCE)])
        last = (flat >= 0).sum(dim=1).sub(1).clamp(min=0)
        vectors = states[torch.arange(len(flat), device=flat.device), last]
        return PhraseMemory(
            vectors.unflatten(0, ids.shape[:2]), states.unflatten(0, ids.shape[:2]), ids
        )

    def no_bias(self) -> Tensor:
        """The vector of "no bias" (dim,)."""
        vector: Tensor = self.lstm(self.embed.weight[self.none :].unsqueeze(0))[0][0, 0]
        return vector


class BiasDecoderLayer(nn.Module):
    """Self-attention, attention to the phrases, two linear layers; norm in front of each."""

    def __init__(self, config: SeACoContext):
        super().__init__()
        dim, heads = config.ctxt_encoder_hidden_size, config.ctxt_num_heads
        inner = config.ctxt_encoder_filter_size
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(3))
        self.among = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.across = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.dropout = nn.Dropout(config.ctxt_layer_prepostprocess_dropout)
        self.linear = nn.Sequential(
            nn.Linear(dim, inner), nn.ReLU(), self.dropout, nn.Linear(inner, dim)
        )

    def forward(
        self, hidden: Tensor, options: Tensor, no_fire: Tensor, unseen: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Hidden (batch, fires, dim), and the weights of the options, averaged over the heads."""
        normal = self.norms[0](hidden)
        found, _ = self.among(normal, normal, normal, key_padding_mask=no_fire, need_weights=False)
        hidden = hidden + self.dropout(found)
        normal = self.norms[1](hidden)
        found, weights = self.across(normal, options, options, key_padding_mask=unseen)
        hidden = hidden + self.dropout(found)
        return hidden + self.dropout(self.linear(self.norms[2](hidden))), weights


class BiasDecoder(nn.Module):
    """Transformer decoder layers over the fires, whose memory are phrases; it shows its attention.

    Sines and cosines of their places are added to the fires.
    """

    def __init__(self, config: SeACoContext):
        super().__init__()
        layers = config.num_ctxt_decoder_layers
        self.layers = nn.ModuleList(BiasDecoderLayer(config) for _ in range(layers))
        self.norm = nn.LayerNorm(config.ctxt_encoder_hidden_size)

    def forward(
        self, hidden: Tensor, num_fires: Tensor, options: Tensor, seen: Tensor
    ) -> tuple[Tensor, Tensor]:
        """What is made of each fire, and how much it looks at what.

        Parameters
        ----------
        hidden : Tensor (batch, fires, dim)
            At least one fire.
        num_fires : Tensor (batch,)
        options : Tensor (batch, options, dim)
        seen : Tensor (batch, options), bool
            Which of them may be looked at; at least one.

        Returns
        -------
        made : Tensor (batch, fires, dim)
        weights : Tensor (batch, fires, options)
            Of the last layer, averaged over the heads.
        """
        # The first fire stays visible, or utterances without any were NaN.
        no_fire = ~valid_mask(num_fires.clamp(min=1), hidden.shape[1])
        hidden = hidden + positions(0, hidden)
        weights = hidden.new_zeros(0)
        for layer in self.layers:
            hidden, weights = layer(hidden, options, no_fire, ~seen)
        return self.norm(hidden), weights


class SeACoNetwork(nn.Module):
    """Phrase encoder, and a bias decoder that runs once for each of two views of the fires.

    Parameters
    ----------
    config : SeACoContext
        What to build.
    fired_dim, decoded_dim : int
        Size of a fired embedding, and of what the recogniser's decoder makes of it.
    vocabulary : int
        Number of tokens.
    """

    def __init__(self, config: SeACoContext, fired_dim: int, decoded_dim: int, vocabulary: int):
        super().__init__()
        dim = config.ctxt_encoder_hidden_size
        self.num_kept = config.nfilter
        self.phrases = PhraseLSTM(config, vocabulary)
        self.project_fired = nn.Linear(fired_dim, dim)
        self.project_decoded = nn.Linear(decoded_dim, dim)
        self.decoder = BiasDecoder(config)
        self.output = nn.Linear(dim, vocabulary + 1)

    def encode(self, ids: Tensor) -> PhraseMemory:
        """Encode the phrases of some lists (lists, phrases, tokens), padded with −1."""
        memory: PhraseMemory = self.phrases(ids)
        return memory

    def forward(
        self, fired: Tensor, decoded: Tensor, num_fires: Tensor, memory: PhraseMemory
    ) -> ContextOutput:
        """Logits and attention of each fire.

        Parameters
        ----------
        fired : Tensor (batch, fires, fired_dim)
        decoded : Tensor (batch, fires, decoded_dim)
            What the recogniser's decoder made of each fire, before its logits.
        num_fires : Tensor (batch,)
            Fires of each utterance; what stands behind them is ignored.
        memory : PhraseMemory
            A list for each utterance.

        Returns
        -------
        ContextOutput
            Its attention is that of the fired embeddings, in the last layer.
        """
        batch, fires, _ = fired.shape
        by_decoded = self.project_decoded(decoded)
        if not fires:  # attention can take none
            attention = fired.new_zeros(batch, 0, 1 + memory.vectors.shape[1])
            return ContextOutput(self.output(by_decoded), attention)
        no_bias = self.phrases.no_bias().expand(batch, 1, -1)
        options = torch.cat([no_bias, memory.vectors], dim=1)
        seen = nn.functional.pad(memory.valid, (1, 0), value=True)
        if not self.training and 0 < self.num_kept < memory.vectors.shape[1]:
            _, weights = self.decoder(by_decoded, num_fires, options, seen)
            seen = filtered(weights, num_fires, seen, keep=self.num_kept)
        of_fired, attention = self.decoder(self.project_fired(fired), num_fires, options, seen)
        of_decoded, _ = self.decoder(by_decoded, num_fires, options, seen)
        return ContextOutput(self.output(of_fired + of_decoded), attention)


def filtered(weights: Tensor, num_fires: Tensor, seen: Tensor, *, keep: int) -> Tensor:
    """Which options are left of a list: "no bias" and the phrases of the highest attention.

    Parameters
    ----------
    weights : Tensor (batch, fires, 1 + phrases)
        How much each fire looks at "no bias", which is first, and at each phrase.
    num_fires : Tensor (batch,)
        Fires of each utterance; what stands behind them is ignored.
    seen : Tensor (batch, 1 + phrases), bool
        Which of them there are.
    keep : int > 0
        How many phrases are left of each list; not more than there are.

    Returns
    -------
    Tensor (batch, 1 + phrases), bool
        Those of the highest sums over the fires.

    Examples
    --------
    Three phrases and two fires, whose weights add up to 0.5, 0.3 and 0.6; what is no fire would
    turn to the second:

    >>> weights = torch.tensor([[[0.3, 0.5, 0.1, 0.1], [0.3, 0.0, 0.2, 0.5], [0, 0, 1.0, 0]]])
    >>> seen = torch.ones(1, 4, dtype=torch.bool)
    >>> filtered(weights, torch.tensor([2]), seen, keep=2)
    tensor([[ True,  True, False,  True]])
    """
    fired = valid_mask(num_fires, weights.shape[1]).unsqueeze(2)
    sums = (weights.float() * fired).sum(dim=1)
    best = sums.masked_fill(~seen, -1)[:, 1:].topk(keep, dim=1).indices + 1
    kept = torch.zeros_like(seen).scatter(1, best, True)
    kept[:, 0] = True
    return kept & seen


class SeACoRecognizer(ColDecRecognizer):
    """Like `ColDecRecognizer`, but its network also looks at what the recogniser decoded.

    A bias decoder attends from the fires to the phrases. It runs twice with the same weights: once
    the fires are the fired embeddings, once what the recogniser's decoder made of them, before its
    logits. The two results are added, and a linear layer gives the token, or "no bias".

    Of a list of more than ``nfilter`` phrases, in decoding, a first pass keeps those that all fires
    of the utterance together look at the most, from what was decoded; the others are not seen. The
    attention of a phrase that is not seen is 0.

    Parameters
    ----------
    config : SeACoConfig
        What to build; its decoder gives all tokens at once. What another decoder makes of a fire
        depends on the tokens before, which are themselves to be decided with the list.

    Attributes
    ----------
    context : SeACoNetwork
        All other parameters have the names that they have in a `CIFRecognizer`.

    Notes
    -----
    Paper: Shi et al. (2023, arXiv 2308.03266); code: SeACo-Paraformer in FunASR. As there: the
    phrase encoder, the two runs and their sum, training of the bias part alone, the filter by the
    last layer's attention, and "alone" as the treatment of "no bias". Different here:

    - Self-attention with the places of the fires stands where the decoder of FunASR, a SAN-M, has a
      convolution over time; the order inside a layer is that of the Transformer.
    - The embedding of a phrase's tokens is the bias part's own; there it is the recogniser's.
    - A linear layer in front of each run, as the two views differ in size.
    - "No bias" is never filtered out and takes none of the ``nfilter`` places; there it competes
      for one of them, and is added once more behind.
    - Lists for training are drawn as for `ColDecRecognizer`, and the loss is smoothed as there.

    Examples
    --------
    All weights are 0: half a token a frame, and of two tokens each is as likely. The bias part has
    ¼, ½ and ¼ for "no", "yes" and "no bias". With λ = ½, "yes" is √2 times as likely as "no". It
    looks at the phrase as much as at "no bias":

    >>> import math
    >>> from cifviz.audio.waveform import Waveform
    >>> from cifviz.core.module import CIFConfig
    >>> from cifviz.systems.encoder import EncoderConfig
    >>> config = SeACoConfig(
    ...     vocabulary=("no", "yes"),
    ...     encoder=EncoderConfig(channels=8, dilations=()),
    ...     cif=CIFConfig(encoder_embed_dim=8),
    ... )
    >>> model = SeACoRecognizer(config).eval()
    >>> for parameter in model.parameters():
    ...     _ = torch.nn.init.zeros_(parameter)
    >>> with torch.no_grad():
    ...     _ = model.context.output.bias.copy_(torch.tensor([0.0, math.log(2), 0.0]))
    >>> found = model.transcribe(Waveform([0.0] * 1600), phrases=["yes no"], phrase_weight=0.5)
    >>> found.tokens, [round(score, 4) for score in found.scores]
    (('yes',), [0.5858])
    >>> found.extras["phrase_bias"].attention
    tensor([[0.5000, 0.5000]], dtype=torch.float64)
    """

    Config = SeACoConfig
    config: SeACoConfig
    decoder: ParallelDecoder

    def make_context(self) -> Any:
        """A `SeACoNetwork`."""
        config = self.config
        dims = config.cif.embedding_dim, self.decoder.output.in_features
        return SeACoNetwork(config.context, *dims, len(config.vocabulary))

    def context_output(self, embeddings: Tensor, num_fires: Tensor, memory: Any) -> ContextOutput:
        """What the bias decoder makes of fires, and of what the decoder makes of them."""
        decoded = self.decoder.hidden(embeddings, num_fires)
        output: ContextOutput = self.context(embeddings, decoded, num_fires, memory)
        return output
