"""Like CIF-NAR, but of lips: 3-D convolutions see the mouth; an AR decoder helps in training."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from cifviz.core.firing import Firing
from cifviz.errors import require_choice, require_type
from cifviz.systems.attention_decoder import AttentionDecoder
from cifviz.systems.cif import CIFRecognizer, CIFRecognizerConfig
from cifviz.systems.decoders import LABEL_SMOOTHING, PARALLEL, DecoderConfig
from cifviz.systems.encoder_system import Encoded
from cifviz.systems.lip_reading import LipConfig, LipReader
from cifviz.systems.sequence_scorers import Utterance, labelled


@dataclass(frozen=True)
class FastLRConfig(LipConfig, CIFRecognizerConfig):
    """Everything that makes a `FastLRRecognizer`, but for its weights."""

    auxiliary: DecoderConfig = field(default_factory=DecoderConfig)
    """The autoregressive decoder that attends to the frames. Its kind is not looked at."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("kind of the decoder of fastlr", self.decoder.kind, PARALLEL)

    @property
    def num_layers(self) -> int:
        """Layers with weights of their own, at least so many."""
        return super().num_layers + self.auxiliary.layers


class FastLRRecognizer(LipReader, CIFRecognizer):
    """Lip reading: pictures in place of sound; all tokens at once, as many as the weights say.

    Parameters
    ----------
    config : FastLRConfig
        What to build.

    Notes
    -----
    Paper: Liu et al. (2020, arXiv 2008.02516), of which the abstract was read. Its parts are known:
    integrate-and-fire on video frames, a decoder of all tokens at once, an auxiliary CTC decoder
    and an auxiliary autoregressive one on the encoder, noisy parallel decoding. Sizes, weights of
    losses and the warm-up are a reconstruction, and the encoder is this library's.

    The usual loss is ``cross_entropy + 0.5 · ctc + quantity + 0.5 · auxiliary``, each per token. In
    the warm-up training asks for ``ctc`` and ``auxiliary`` alone, by a `Schedule` of the others.
    Noisy parallel decoding is `cifviz.systems.count_hypotheses.count_hypotheses` with an
    `AuxiliaryScorer`.

    Examples
    --------
    >>> from cifviz.audio.waveform import Waveform
    >>> from cifviz.core.module import CIFConfig
    >>> from cifviz.systems.encoder import EncoderConfig
    >>> config = FastLRConfig(
    ...     vocabulary=("no",),
    ...     encoder=EncoderConfig(n_mels=8, channels=8, down_sampling=1, dilations=()),
    ...     cif=CIFConfig(encoder_embed_dim=8),
    ... )
    >>> model = FastLRRecognizer(config).eval()
    >>> made = model.transcribe(Waveform([0.0] * 16_000), video=torch.zeros(25, 16, 24))
    >>> made.firing.alpha.shape, made.grid.shift
    (torch.Size([1, 25]), 0.04)
    """

    Config = FastLRConfig
    config: FastLRConfig
    loss_weights: Mapping[str, float] = {**CIFRecognizer.loss_weights, "auxiliary": 0.5}
    further_losses = tuple(one for one in CIFRecognizer.further_losses if one != "even")

    def __init__(self, config: FastLRConfig):
        super().__init__(config)
        channels, vocabulary = config.encoder.channels, len(config.vocabulary)
        self.auxiliary = AttentionDecoder(config.auxiliary, channels, vocabulary)

    def own_losses(
        self,
        firing: Firing,
        adapted: Tensor,
        encoded: Encoded,
        *,
        wanted: Collection[str],
    ) -> dict[str, Tensor]:
        """The loss of the autoregressive decoder, per token."""
        loss = self.auxiliary.loss(*encoded.with_targets, label_smoothing=LABEL_SMOOTHING)
        return {"auxiliary": loss}


@dataclass(frozen=True, eq=False)
class AuxiliaryScorer:
    """Like `AttentionScorer`, but the auxiliary decoder of a lip reader judges.

    Parameters
    ----------
    model : FastLRRecognizer
        In evaluation mode.
    video : Tensor or array (frames, height, width)
        The pictures of the utterance that is judged.

    Notes
    -----
    The last term of a candidate is the mark behind its tokens.
    """

    model: FastLRRecognizer
    video: Any

    def __post_init__(self) -> None:
        require_type("model", self.model, FastLRRecognizer)
        self.model.require_evaluation_mode()

    @torch.inference_mode()
    def __call__(self, utterance: Utterance, candidates: Sequence[Sequence[str]]) -> list[Tensor]:
        """Logarithms of the probabilities of tokens and end of each; see `SequenceScorer`."""
        encoded = labelled(self.model, utterance, candidates, video=self.video)
        losses = self.model.auxiliary.token_losses(*encoded.with_targets, label_smoothing=0.0)
        return [-row[: len(one) + 1].cpu() for row, one in zip(losses, candidates, strict=True)]
