"""Like `cif`, but a second network listens for the phrases of a list, and decides with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NamedTuple, Self

import torch
from torch import Tensor

from cifviz.core.firing import Firing
from cifviz.core.validation import valid_mask
from cifviz.errors import require_number
from cifviz.systems.cif import CIFRecognizer, CIFRecognizerConfig
from cifviz.systems.collaborative_decoding import combined, decode_combined
from cifviz.systems.context_network import ContextConfig, ContextNetwork, ContextOutput
from cifviz.systems.decoders import token_cross_entropy
from cifviz.systems.encoder_system import Encoded, Sound
from cifviz.systems.phrase_lists import (
    collate_phrases,
    drawn_phrases,
    phrase_ids,
    places_in_phrases,
)
from cifviz.systems.transcription import Transcription

PHRASES, WEIGHT = "phrases", "phrase_weight"
"""Further inputs: the list of an utterance, and its λ."""
CONTEXT, SPAN_ALIGNMENT = "context", "span_alignment"
"""The losses."""
BIAS = "phrase_bias"
"""The further result: a `PhraseBias`; without a phrase there is none."""


@dataclass(frozen=True)
class ColDecConfig(CIFRecognizerConfig):
    """Everything that makes a `ColDecRecognizer`, but for its weights."""

    context: ContextConfig = field(default_factory=ContextConfig)

    @property
    def num_layers(self) -> int:
        """Layers with weights of their own, at least so many."""
        return super().num_layers + self.context.num_layers


@dataclass(frozen=True, eq=False)
class PhraseBias:
    """How a list of phrases took part in a transcription: its further result "phrase_bias"."""

    phrases: tuple[str, ...]
    """The list, each phrase once."""
    attention: Tensor
    """How much each token's fire looks at "no bias", which is first, and at each phrase (tokens, 1
    + phrases), float64; rows sum to 1."""
    no_bias: tuple[float, ...]
    """Probability, by the context network, that a token is of no phrase."""
    unbiased: tuple[str, ...]
    """The tokens without a list."""
    selected: tuple[int, ...] = ()
    """Places in the list of the phrases whose tokens were looked at, of a network that selects."""
    token_attention: Tensor | None = None
    """How much each token's fire looks at "no bias", which is first, and at each token of the
    selected phrases, one phrase after the other (tokens, 1 + tokens of these); rows sum to 1."""


class DecodedWithContext(NamedTuple):
    """What `ColDecRecognizer.decode_with_context` makes of a firing."""

    ids: Tensor
    """Most likely tokens (batch, fires)."""
    scores: Tensor
    """Their probabilities (batch, fires)."""
    unbiased: Tensor
    """Most likely tokens without a list (batch, fires)."""
    output: ContextOutput | None
    """Of the context network; None where no utterance has a phrase."""


class ColDecRecognizer(CIFRecognizer):
    """Like `CIFRecognizer`, but with collaborative decoding: a network listens for phrases.

    ``transcribe(waveform, phrases=["four nine two", …])`` takes a list of phrases, tokens of the
    vocabulary separated by spaces, and ``phrase_weight=λ``, by default the configuration's. An
    empty phrase is passed over, one that comes twice counts once, and the order does not matter.
    Without a phrase, or with a λ of 0, tokens, scores and times are those of the recogniser; with
    one, `Transcription.extras` has a `PhraseBias` under "phrase_bias".

    The recogniser is frozen: training teaches the context network alone, by the losses "context"
    and, where its weight in the configuration is not 0, "span_alignment". `start_at` does nothing.

    Parameters
    ----------
    config : ColDecConfig
        What to build.

    Attributes
    ----------
    context : ContextNetwork
        All other parameters have the names that they have in a `CIFRecognizer`.

    Notes
    -----
    Paper: Han et al. (2021, arXiv 2012.09466), whose code is not published; configurations with a
    description of each key are (github.com/MingLunHan/CIF-ColDec). Each part says what of it is a
    reconstruction. One more is the target in training: the token where it lies in a phrase of the
    list, else "no bias". Decoding is greedy; the published results are those of a beam search.

    Examples
    --------
    Of three frames with half a token each comes one token. The recogniser says "no", four times as
    likely as "yes"; the context network says "yes", sixteen times as likely as "no" or "no bias".
    At λ = ½ their geometric mean counts, √4 to √16, and the probability of "yes" is 4/6:

    >>> import math
    >>> from cifviz.audio.waveform import Waveform
    >>> from cifviz.core.module import CIFConfig
    >>> from cifviz.systems.encoder import EncoderConfig
    >>> config = ColDecConfig(
    ...     vocabulary=("no", "yes"),
    ...     encoder=EncoderConfig(channels=8, dilations=()),
    ...     cif=CIFConfig(encoder_embed_dim=8),
    ... )
    >>> model = ColDecRecognizer(config).eval()
    >>> for parameter in model.parameters():
    ...     _ = torch.nn.init.zeros_(parameter)
    >>> with torch.no_grad():
    ...     _ = model.decoder.output.bias.copy_(torch.tensor([4.0, 1]).log())
    ...     _ = model.context.output.bias.copy_(torch.tensor([1.0, 16, 1]).log())
    >>> sound = Waveform([0.0] * 1600)
    >>> model.transcribe(sound).tokens
    ('no',)
    >>> found = model.transcribe(sound, phrases=["yes"], phrase_weight=0.5)
    >>> found.tokens, [round(score, 4) for score in found.scores]
    (('yes',), [0.6667])
    >>> bias = found.extras["phrase_bias"]
    >>> bias.unbiased, bias.attention, [round(one, 4) for one in bias.no_bias]
    (('no',), tensor([[0.5000, 0.5000]], dtype=torch.float64), [0.0556])
    """

    Config: ClassVar[type[ColDecConfig]] = ColDecConfig
    config: ColDecConfig
    loss_weights: Mapping[str, float] = {CONTEXT: 1.0}
    further_losses = (SPAN_ALIGNMENT,)

    def __init__(self, config: ColDecConfig):
        super().__init__(config)
        for parameter in self.parameters():
            parameter.requires_grad_(False)
        self.context = self.make_context()
        if weight := config.context.span_alignment_loss_lambda:
            self.loss_weights = {**self.loss_weights, SPAN_ALIGNMENT: weight}
        self.extras = {PHRASES: self._collate, WEIGHT: _weights}

    def make_context(self) -> ContextNetwork:
        """The context network; a system with another one overrides this."""
        config = self.config
        return ContextNetwork(config.context, config.cif.embedding_dim, len(config.vocabulary))

    def start_at(self, tokens_per_frame: float) -> None:
        """Nothing: the weights of the recogniser stay as they are."""

    def train(self, mode: bool = True) -> Self:
        """Training mode for the context network; the recogniser stays as it decodes."""
        super().train(mode)
        for name, module in self.named_children():
            if name != "context":
                module.eval()
        return self

    def losses(
        self,
        encoded: Encoded,
        *,
        wanted: Collection[str] = (),
        label_smoothing: float | None = None,
    ) -> dict[str, Tensor]:
        """Like `forward`, but of a batch that is encoded already."""
        encoder_out, frame_lengths, targets, counts = encoded.with_targets
        firing = self.cif(encoder_out, frame_lengths, target_lengths=counts)
        fired = firing.embeddings, firing.num_fires
        return self.context_losses(*fired, targets, wanted=wanted, label_smoothing=label_smoothing)

    def context_losses(
        self,
        embeddings: Tensor,
        num_fires: Tensor,
        targets: Tensor,
        *,
        wanted: Collection[str] = (),
        label_smoothing: float | None = None,
    ) -> dict[str, Tensor]:
        """Losses of the context network, for lists drawn from the batch.

        Parameters
        ----------
        embeddings : Tensor (batch, fires, dim)
            Fired for as many tokens as there are.
        num_fires : Tensor (batch,)
        targets : Tensor (batch, tokens)
            Padded with −1.
        wanted : collection of str
            Whether "span_alignment" is among the losses, whatever its weight.
        label_smoothing : float, optional
            Share of a target that is given to all tokens alike; by default the configuration's.

        Returns
        -------
        dict of str to Tensor
            "context": cross-entropy per token. "span_alignment": `span_alignment_loss` of the
            attention to phrases, or to the tokens of all phrases where the network looks at these.
        """
        # 1. Lists of phrases; each stands beside the whole batch.
        settings = self.config.context
        counts, copies = (targets >= 0).sum(dim=1), settings.num_c_batch
        rules: Any = {"lengths": settings.phrase_lengths, "keep": settings.train_p_keep}
        lists = [drawn_phrases(targets, counts, **rules) for _ in range(copies)]
        encoded = self.context.encode(collate_phrases(lists).to(targets.device))
        which = torch.arange(copies, device=targets.device).repeat_interleave(len(targets))
        memory = encoded.select(which)
        fired = embeddings.repeat(copies, 1, 1), num_fires.repeat(copies)
        output = self.context_output(*fired, memory)

        # 2. Targets: tokens that lie in a phrase, "no bias" for others.
        right = torch.cat([places_in_phrases(targets, one) for one in encoded.ids])
        every = targets.repeat(copies, 1)
        expected = every.where(
            right.any(dim=3).any(dim=2) | (every < 0), len(self.config.vocabulary)
        )

        # 3. Losses.
        smoothing = settings.label_smoothing if label_smoothing is None else label_smoothing
        entropy = token_cross_entropy(output.logits, fired[1], expected, label_smoothing=smoothing)
        losses = {CONTEXT: entropy.sum() / (expected >= 0).sum().clamp(min=1)}
        if SPAN_ALIGNMENT in {*self.loss_weights, *wanted}:
            of_tokens = output.token_attention if output.selected is None else None
            losses[SPAN_ALIGNMENT] = (
                span_alignment_loss(output.attention, fired[1], every, right.any(dim=3))
                if of_tokens is None
                else span_alignment_loss(of_tokens, fired[1], every, right.flatten(2))
            )
        return losses

    def context_output(self, embeddings: Tensor, num_fires: Tensor, memory: Any) -> ContextOutput:
        """What the context network makes of fires; the hook of one that looks at more."""
        output: ContextOutput = self.context(embeddings, num_fires, memory)
        return output

    def decode(self, firing: Firing, encoded: Encoded) -> tuple[Tensor, Tensor]:
        """Most likely tokens of a firing and their probabilities, each (batch, fires)."""
        decoded = self.decode_with_context(firing, encoded)
        return decoded.ids, decoded.scores

    def decode_with_context(self, firing: Firing, encoded: Encoded) -> DecodedWithContext:
        """Like `decode`, with what came of the recogniser alone and of the context network."""
        # 1. The recogniser alone, which stands where there is no phrase.
        extras, settings = encoded.batch.extras, self.config.context
        alone = super().decode(firing, encoded)
        phrases = extras.get(PHRASES)
        if phrases is None or not phrases.shape[1]:
            return DecodedWithContext(*alone, alone[0], None)

        # 2. The context network; a list that several utterances have is encoded once.
        lists, which = torch.unique(phrases, dim=0, return_inverse=True)
        memory = self.context.encode(lists).select(which)
        output = self.context_output(firing.embeddings, firing.num_fires, memory)
        by_context = (output.logits / settings.joint_ctxt_temperature).log_softmax(dim=2)

        # 3. Both.
        usual = by_context.new_full((len(phrases),), settings.coldec_lambda)
        weight = extras.get(WEIGHT, usual)

        def combine(log_probs: Tensor, now: slice) -> Tensor:
            mass = settings.no_bias_mass
            return combined(log_probs, by_context[:, now], weight, no_bias_mass=mass)

        adapted = self.adapt(firing.embeddings, firing, encoded)
        ids, scores = decode_combined(self.decoder, adapted, firing.num_fires, combine)
        is_biased = (memory.valid.any(dim=1) & (weight > 0)).unsqueeze(1)
        return DecodedWithContext(
            ids.where(is_biased, alone[0]), scores.where(is_biased, alone[1]), alone[0], output
        )

    def decoded(
        self, sounds: Sequence[Sound], encoded: Encoded, fired: Firing
    ) -> list[Transcription]:
        """Like `transcriptions`, but of a firing that is given; with a `PhraseBias` each."""
        found = self.decode_with_context(fired, encoded)
        made = self.transcribed(sounds, fired, found.ids, found.scores)
        if found.output is None:
            return made
        output, lists = found.output, encoded.batch.extras[PHRASES]
        temperature = self.config.context.joint_ctxt_temperature
        no_bias = (output.logits / temperature).softmax(dim=2)[:, :, -1]
        biases = [
            self._bias(len(one.tokens), *values)
            for one, *values in zip(
                made, lists, found.unbiased, no_bias, output.attention, strict=True
            )
        ]
        if output.selected is not None and output.token_attention is not None:
            chosen = zip(biases, lists, output.selected, output.token_attention, strict=True)
            biases = [_with_tokens(*each) for each in chosen]
        return [
            replace(one, extras={BIAS: bias}) if bias.phrases else one
            for one, bias in zip(made, biases, strict=True)
        ]

    def _bias(
        self, count: int, ids: Tensor, alone: Tensor, no_bias: Tensor, attention: Tensor
    ) -> PhraseBias:
        """How the list of an utterance of so many tokens took part."""
        vocabulary = self.config.vocabulary
        texts = [" ".join(vocabulary[one] for one in row if one >= 0) for row in ids.tolist()]
        phrases = tuple(text for text in texts if text)  # those of the batch are padded
        return PhraseBias(
            phrases=phrases,
            attention=attention[:count, : 1 + len(phrases)].double().cpu(),
            no_bias=tuple(no_bias[:count].tolist()),
            unbiased=tuple(vocabulary[one] for one in alone[:count].tolist()),
        )

    def _collate(self, lists: list[Any]) -> Tensor:
        """The lists of a batch as token ids (batch, phrases, tokens)."""
        return collate_phrases([phrase_ids(one, self.config.vocabulary) for one in lists])


def span_alignment_loss(
    attention: Tensor, num_fires: Tensor, targets: Tensor, right: Tensor
) -> Tensor:
    """How little fires look at what they are of, or at "no bias" if they are of nothing.

    Parameters
    ----------
    attention : Tensor (batch, fires, 1 + options)
        How much each fire looks at "no bias", which is first, and at each option: a phrase, or a
        token of one.
    num_fires : Tensor (batch,)
        Fires of each utterance; what stands behind them is ignored.
    targets : Tensor (batch, tokens)
        Token ids, padded with −1.
    right : Tensor (batch, tokens, options), bool
        Which options each token is of: see `places_in_phrases`.

    Returns
    -------
    Tensor ()
        Mean over the tokens of −log of the attention that lies on the right options together, or
        on "no bias"; a token that did not fire has no part in the sum.

    Notes
    -----
    A reconstruction: of the loss behind ``span_alignment_loss_lambda`` in the configurations of
    CIF-ColDec (github.com/MingLunHan/CIF-ColDec) no more than the name of the key is known.

    Examples
    --------
    The first of two tokens is of the second phrase, at which its fire looks by ½; the other is of
    none, and its fire looks at "no bias" by ¼. The mean of ln 2 and ln 4:

    >>> attention = torch.tensor([[[0.25, 0.25, 0.5], [0.25, 0.75, 0.0]]])
    >>> right = torch.tensor([[[False, True], [False, False]]])
    >>> span_alignment_loss(attention, torch.tensor([2]), torch.tensor([[7, 3]]), right)
    tensor(1.0397)
    """
    common = min(attention.shape[1], targets.shape[1])
    right = torch.cat([~right.any(dim=2, keepdim=True), right], dim=2)[:, :common]
    attention = attention.to(torch.promote_types(attention.dtype, torch.float32))  # not of autocast
    mass = (attention[:, :common] * right).sum(dim=2)
    cost = -mass.clamp(min=torch.finfo(mass.dtype).tiny).log()
    fired = valid_mask(num_fires, common) & (targets[:, :common] >= 0)
    return cost.masked_fill(~fired, 0).sum() / (targets >= 0).sum().clamp(min=1)


def _weights(values: list[Any]) -> Tensor:
    """The λ of each utterance (batch,)."""
    return torch.tensor([require_number(WEIGHT, one, at_least=0, at_most=1) for one in values])


def _with_tokens(bias: PhraseBias, ids: Tensor, selected: Tensor, attention: Tensor) -> PhraseBias:
    """With the attention of an utterance to the tokens (phrases, tokens) of selected phrases."""
    there = ids[selected] >= 0
    columns = torch.nn.functional.pad(there.flatten(), (1, 0), value=True)
    return replace(
        bias,
        selected=tuple(selected[there.any(dim=1)].tolist()),
        token_attention=attention[: len(bias.no_bias), columns].double().cpu(),
    )
