"""Like `cif`, but between a pretrained encoder and a pretrained language model (w2v-cif-bert)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from cifviz.audio.moonshine import DIM
from cifviz.core.firing import Firing, integrate_and_fire
from cifviz.core.module import CIF, CIFConfig
from cifviz.core.peak_flattening import HIGHEST, flatten_peaks
from cifviz.core.scaling import scaled_to_length
from cifviz.core.tail import rounded
from cifviz.core.validation import valid_mask
from cifviz.core.weights import WeightPredictor
from cifviz.errors import (
    require,
    require_choice,
    require_integer,
    require_number,
    require_type,
    shown,
)
from cifviz.systems.base import Metric
from cifviz.systems.decoders import (
    LABEL_SMOOTHING,
    ParallelDecoder,
    most_likely,
    token_cross_entropy,
)
from cifviz.systems.encoder import EncoderConfig
from cifviz.systems.encoder_system import Encoded
from cifviz.systems.language_side import LanguageConfig, LanguageSide
from cifviz.systems.moonshine_pieces import MoonshinePieces
from cifviz.systems.state_input import StateInputConfig, StateInputRecognizer
from cifviz.systems.text_models import TextModel
from cifviz.systems.word_pieces import word_errors

WEIGHTS = ("channel", "predictor")


@dataclass(frozen=True)
class FusionConfig:
    """How acoustic and linguistic side meet, in the keys of w2v-cif-bert, which mean the same."""

    lambda_am: float = 0.8
    """Of the acoustic logits."""
    lambda_lm: float = 0.2
    """Of those of the language model."""
    infer_threash: float = 0.8
    """In inference the language model is given the embedding of a token that is more probable, and
    what was fired of others. The name is that of the source."""
    gold_rate_range: tuple[float, float] = (0.9, 0.2)
    """Share of places where it is given the true token in training: at first, and at last."""
    gold_rate_steps: tuple[int, int] = (1000, 8000)
    """Steps before the share begins to fall, and steps in which it falls."""
    freeze_lm_finetune_updates: int = 1000
    """Steps in which no gradient passes through its layers."""
    freeze_finetune_updates: int = 500
    """Steps in which the layers of the pretrained encoder that are part of the model stay as they
    are."""

    def __post_init__(self) -> None:
        for name in ("lambda_am", "lambda_lm", "infer_threash"):
            require_number(f"fusion.{name}", getattr(self, name), at_least=0)
        for name in ("gold_rate_range", "gold_rate_steps"):
            value = getattr(self, name)
            pair = tuple(value) if isinstance(value, list | tuple) else ()
            require(len(pair) == 2, f"fusion.{name} must be two numbers, got {shown(value)}")
            object.__setattr__(self, name, pair)
        for rate in self.gold_rate_range:
            require_number("each of fusion.gold_rate_range", rate, at_least=0, at_most=1)
        require_integer("first of fusion.gold_rate_steps", self.gold_rate_steps[0], at_least=0)
        require_integer("second of fusion.gold_rate_steps", self.gold_rate_steps[1], above=0)
        for name in ("freeze_lm_finetune_updates", "freeze_finetune_updates"):
            require_integer(f"fusion.{name}", getattr(self, name), at_least=0)

    def gold_rate(self, step: int) -> float:
        """Share of places where the true token is given in a step.

        >>> [round(FusionConfig().gold_rate(step), 2) for step in (0, 1000, 5000, 9000, 20000)]
        [0.9, 0.9, 0.55, 0.2, 0.2]
        """
        first, last = self.gold_rate_range
        start, length = self.gold_rate_steps
        passed = max(0, step - start) / length
        return max(0.0, 1 - passed) * (first - last) + last


@dataclass(frozen=True)
class W2VCIFBertConfig(StateInputConfig):
    """Everything that makes a `W2VCIFBertRecognizer`, but for its weights.

    Of its `decoder` nothing is looked at. Of its `cif` the threshold is, and what a predictor of
    weights needs; the tail rule is always `rounded`.
    """

    encoder: EncoderConfig = field(
        default_factory=lambda: EncoderConfig(
            n_mels=DIM, channels=192, down_sampling=1, dilations=(1, 2, 4)
        )
    )
    cif: CIFConfig = field(
        default_factory=lambda: CIFConfig(
            encoder_embed_dim=192, conv_cif_output_channels_num=192, cif_threshold=HIGHEST
        )
    )
    input: str = "states"
    weights: str = "channel"
    """Where weights come from: "channel", the last one of a frame, or a "predictor"."""
    flatten: bool = True
    """Whether peaks above 0.999 are flattened, see `flatten_peaks`."""
    language: LanguageConfig = field(default_factory=LanguageConfig)
    fusion: FusionConfig = field(default_factory=FusionConfig)

    def __post_init__(self) -> None:
        require_choice("weights", self.weights, WEIGHTS)
        require(
            isinstance(self.flatten, bool),
            f"flatten must be True or False, got {shown(self.flatten)}",
        )
        super().__post_init__()
        require(
            self.cif.embedding_dim == self.cif.encoder_embed_dim
            and not self.cif.add_cif_ctxt_layers,
            "w2v-cif-bert has neither context layers nor an embedding size of its own "
            "(cif_embedding_dim)",
        )
        require(
            self.weights == "predictor" or self.encoder.channels > 1,
            "weights of a channel need an encoder of 2 channels or more, got 1",
        )

    @property
    def num_layers(self) -> int:
        """Layers with weights of their own, at least so many."""
        # Neither a predictor nor a decoder has so many as their configurations say.
        return self.encoder.num_layers + self.states.tuned_layers + self.language.num_layers


class ChannelWeights(WeightPredictor):
    """The last channel of a frame is its weight, through a sigmoid: nothing is learned for it.

    >>> ChannelWeights(2)(torch.tensor([[[5.0, 0.0], [5.0, 0.0]]]), torch.tensor([1]))
    tensor([[0.5000, 0.0000]])
    """

    def __init__(self, dim: int):
        super().__init__(dim, 1)
        del self.weight_proj

    def forward(self, encoder_out: Tensor, frame_lengths: Tensor) -> Tensor:
        """Weights (batch, frames), 0 at padded frames."""
        real = valid_mask(frame_lengths, encoder_out.shape[1])
        return torch.sigmoid(encoder_out[:, :, -1]).masked_fill(~real, 0)


class RescaledCIF(CIF):
    """Like `CIF`, but the weights are scaled to a count in inference, too, and flattened.

    The count in inference is round(Σα), half to even. Scaled weights are flattened, see
    `flatten_peaks`, and as many tokens fire. `Firing.alpha` has the weights as predicted.

    Parameters
    ----------
    config : CIFConfig
        Its tail handling, pauses and context layers are not looked at.
    channel : bool
        Whether weights are the last channel of a frame, see `ChannelWeights`. `embeddings` have
        that channel, too.
    flatten : bool

    Examples
    --------
    Weights of ½ on five frames are 2.5 tokens, so 2, each of 2½ frames:

    >>> cif = RescaledCIF(CIFConfig(encoder_embed_dim=2), channel=True, flatten=True).eval()
    >>> firing = cif(torch.zeros(1, 5, 2))
    >>> firing.num_fires, firing.fire_positions
    (tensor([2]), tensor([[2.5000, 5.0000]], dtype=torch.float64))
    """

    def __init__(self, config: CIFConfig, *, channel: bool, flatten: bool):
        super().__init__(config)
        self.flatten = flatten
        if channel:
            self.weights = ChannelWeights(config.encoder_embed_dim)

    def forward(
        self,
        encoder_out: Tensor,
        frame_lengths: Tensor | None = None,
        *,
        target_lengths: Tensor | None = None,
        max_fires: int | None = None,
    ) -> Firing:
        """Predict weights, scale and flatten them, integrate and fire; as `CIF.forward`."""
        if frame_lengths is None:
            batch, frames, _ = encoder_out.shape
            frame_lengths = torch.full((batch,), frames, device=encoder_out.device)
        alpha = self._predicted(encoder_out, frame_lengths)
        counts = target_lengths
        if counts is None:
            total = alpha.double().sum(dim=1)
            counts = rounded.tokens(total, total.floor(), 1.0).long()
        used = scaled_to_length(alpha, counts, 1.0)
        if self.flatten:
            used = flatten_peaks(used, frame_lengths)
        firing = integrate_and_fire(
            used,
            encoder_out,
            frame_lengths=frame_lengths,
            target_lengths=counts,
            threshold=self.config.threshold,
            slack=self.config.slack,
            max_fires=max_fires,
        )
        return replace(firing, alpha=alpha)


class AcousticOutput(ParallelDecoder):
    """Each fire in the space of the language model's embeddings, and a linear output on it.

    Parameters
    ----------
    input_dim : int
        Channels of a fired embedding.
    dim : int
        Of the embeddings.
    vocabulary : int
    channel : bool
        Whether the last channel, which is the weight, is left out.
    """

    def __init__(self, input_dim: int, dim: int, vocabulary: int, *, channel: bool):
        super().__init__()
        self.channel = channel
        self.project = nn.Linear(input_dim - channel, dim)
        self.output = nn.Linear(dim, vocabulary)

    def hidden(self, embeddings: Tensor, num_fires: Tensor) -> Tensor:
        """What stands for the embedding of each token (batch, fires, dim)."""
        hidden: Tensor = self.project(embeddings[:, :, :-1] if self.channel else embeddings)
        return hidden


class W2VCIFBertRecognizer(StateInputRecognizer):
    """Like `CIFRecognizer`, but it speaks the language of a language model.

    Frames come from a pretrained encoder: states of Moonshine, or of another one. It is frozen, but
    for the last layers of Moonshine where ``states.tuned_layers`` says so.
    A CIF without parameters of its own fires at the rate of word pieces. What is fired is projected
    to where the embeddings of a pretrained language model are, so that this model can read it like
    words, and both sides decide together:
    ``λ_am · acoustic logits + λ_lm · logits of the language model``.

    In training the language model is given the true token in a share of the places, which falls,
    and what was fired in the others; these alone are taught. At first no gradient passes through
    its layers, later the gradient of both sides reaches the CIF. In inference it is given the
    embedding of each token of which the acoustic side is sure, and what was fired of the others,
    and it reads them once.

    Parameters
    ----------
    config : W2VCIFBertConfig
        What to build.

    Attributes
    ----------
    language : LanguageSide or None
    language_output : nn.Linear or None
        On its states.
    updates : Tensor ()
        Steps of training so far, by which the schedule goes.

    Notes
    -----
    Paper: Yi, Zhou & Xu (2021, arXiv 2101.06699), code: github.com/aispeech-lab/w2v-cif-bert. There
    the encoder is wav2vec 2.0 and the language model is BERT with its head for masked words, which
    all three outputs begin with. Here it is any model that `transformers` reads. These are
    reconstructions: outputs begin as the table of embeddings, and the one on the language model's
    states learns from the first step, since MiniLM has no such head; a causal model gives its
    expectation of each token from those before it; of the encoder the last layers alone can be
    tuned; weights of losses are those of `CIFRecognizer`, per token.

    Examples
    --------
    With all parameters zero every frame weighs ½, and all tokens are alike:

    >>> config = W2VCIFBertConfig(vocabulary=("to", "##day"))
    >>> model = W2VCIFBertRecognizer(config).eval()
    >>> for parameter in model.parameters():
    ...     _ = nn.init.zeros_(parameter)
    >>> firing = model.cif(torch.zeros(1, 4, 192))
    >>> firing.num_fires, model.decoder.decode(firing.embeddings, firing.num_fires)[1]
    (tensor([2]), tensor([[0.5000, 0.5000]], grad_fn=<MaxBackward0>))
    """

    Config = W2VCIFBertConfig
    metrics: ClassVar[Mapping[str, Metric]] = {
        **StateInputRecognizer.metrics,
        "words": word_errors,
    }
    config: W2VCIFBertConfig
    decoder: AcousticOutput
    updates: Tensor

    def __init__(self, config: W2VCIFBertConfig):
        super().__init__(config)
        channel = config.weights == "channel"
        self.cif = RescaledCIF(config.cif, channel=channel, flatten=config.flatten)
        self.language: LanguageSide | None = None
        self.language_output: nn.Linear | None = None
        if config.language.kind != "none":
            size = len(config.vocabulary)
            self.language = LanguageSide(config.language, size)
            self.language_output = nn.Linear(config.language.dim, size)
        self.register_buffer("updates", torch.zeros(()))

    def make_decoder(self) -> AcousticOutput:
        """The acoustic output."""
        config = self.config
        return AcousticOutput(
            config.cif.embedding_dim,
            config.language.dim,
            len(config.vocabulary),
            channel=config.weights == "channel",
        )

    def fill(self, model: TextModel | MoonshinePieces) -> None:
        """Take the language model's weights, and begin the outputs with its embeddings.

        Without a language side the acoustic output alone begins with them, and those of
        `MoonshinePieces` will do.

        Raises
        ------
        CIFError
            If it is another model than the configuration says, or lacks a token.
        """
        vocabulary = self.config.vocabulary
        if self.language is not None:
            require_type("model", model, TextModel)
            assert isinstance(model, TextModel)
            self.language.fill(model, vocabulary)
        self.begin_outputs(model.embeddings(model.ids(vocabulary)))

    @torch.no_grad()
    def begin_outputs(self, table: Tensor) -> None:
        """Let the outputs begin as a table of embeddings (vocabulary, dim), its scale made 1.

        Raises
        ------
        CIFError
            If the table is of another size.
        """
        expected = self.decoder.output.weight.shape
        require(
            table.shape == expected,
            f"the table must be (vocabulary, language.dim) = {tuple(expected)}, "
            f"got {tuple(table.shape)}",
        )
        table = table / table.norm(dim=1).mean().clamp(min=1e-6)
        for output in (self.decoder.output, self.language_output):
            if output is not None:
                output.weight.copy_(table)
                output.bias.zero_()

    @torch.no_grad()
    def start_at(self, tokens_per_frame: float) -> None:
        """Let the weights of an untrained model add up to about as many tokens as there are."""
        if self.config.weights == "predictor":
            super().start_at(tokens_per_frame)
            return
        share = require_number("tokens_per_frame", tokens_per_frame, above=0, below=1)
        # A normalised frame has a mean of 0 and a variance of 1 in each channel, about.
        norm: Any = self.encoder.norm
        norm.weight[-1], norm.bias[-1] = 0.5, math.log(share / (1 - share))

    @property
    def tunes_layers(self) -> bool:
        """Whether the last layers of the encoder are trained in this step."""
        return int(self.updates) >= self.config.fusion.freeze_finetune_updates

    def token_losses(
        self,
        firing: Firing,
        adapted: Tensor,
        encoded: Encoded,
        *,
        label_smoothing: float = LABEL_SMOOTHING,
    ) -> Tensor:
        """As of a `CIFRecognizer`; in training, of the places that the model is not given.

        They are weighted so that their sum over all tokens is their mean times the number of these.
        In training a step is counted.
        """
        batch = encoded.batch
        fires = adapted.shape[1]
        counts = firing.num_fires.clamp(max=fires)
        hidden = self.decoder.hidden(adapted, counts)
        acoustic = self.decoder.output(hidden)
        common = min(fires, batch.targets.shape[1])
        step = int(self.updates)
        if self.training:
            self.updates += 1
        if self.language is None or not self.training:
            logits = self._fused(acoustic, hidden, counts)
            return token_cross_entropy(
                logits, counts, batch.targets, label_smoothing=label_smoothing
            )
        rate = self.config.fusion.gold_rate(step)
        told = batch.targets.new_zeros(hidden.shape[:2])
        told[:, :common] = batch.targets[:, :common].clamp(min=0)
        given = torch.rand(told.shape, device=told.device) <= rate
        given[:, common:] = False
        frozen = step < self.config.fusion.freeze_lm_finetune_updates
        logits = self._mixed(acoustic, hidden, told, given, counts, frozen=frozen)
        losses = token_cross_entropy(logits, counts, batch.targets, label_smoothing=label_smoothing)
        is_token = valid_mask(counts.minimum(batch.target_lengths), common)
        taught = is_token & ~given[:, :common]
        share = is_token.sum() / taught.sum().clamp(min=1)
        return losses * taught * share

    def decode(self, firing: Firing, encoded: Encoded) -> tuple[Tensor, Tensor]:
        """Most likely tokens of a firing and their probabilities, each (batch, fires)."""
        return most_likely(self.logits(firing, encoded))

    def logits(self, firing: Firing, encoded: Encoded) -> Tensor:
        """Logits of both sides together in inference (batch, fires, vocabulary)."""
        hidden = self.read_as(firing, encoded)
        return self._fused(self.decoder.output(hidden), hidden, firing.num_fires)

    def read_as(self, firing: Firing, encoded: Encoded) -> Tensor:
        """What fired, in the space of the embeddings: the language model reads it as such.

        Returns
        -------
        Tensor (batch, fires, language.dim)
        """
        adapted = self.adapt(firing.embeddings, firing, encoded)
        return self.decoder.hidden(adapted, firing.num_fires)

    def _fused(self, acoustic: Tensor, hidden: Tensor, counts: Tensor) -> Tensor:
        """Logits of both sides in inference (batch, fires, vocabulary)."""
        if self.language is None:
            return acoustic
        best = acoustic.softmax(dim=2).max(dim=2)
        sure = best.values > self.config.fusion.infer_threash
        return self._mixed(acoustic, hidden, best.indices, sure, counts)

    def _mixed(
        self,
        acoustic: Tensor,
        hidden: Tensor,
        tokens: Tensor,
        given: Tensor,
        counts: Tensor,
        *,
        frozen: bool = False,
    ) -> Tensor:
        """Logits of both sides, the language model given tokens where `given` is True."""
        language, output, fusion = self.language, self.language_output, self.config.fusion
        assert language is not None and output is not None
        vectors = torch.where(given.unsqueeze(2), language.embed(tokens).to(hidden.dtype), hidden)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not frozen):
            states = language(vectors, counts)
        return fusion.lambda_am * acoustic + fusion.lambda_lm * output(states.to(hidden.dtype))
