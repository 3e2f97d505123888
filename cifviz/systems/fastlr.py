"""Like CIF-NAR, but of lips: 3-D convolutions see the mouth; an AR decoder helps in training."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from cifviz.core.firing import Firing
from cifviz.errors import require, require_choice, require_integer, require_type
from cifviz.systems.attention_decoder import AttentionDecoder
from cifviz.systems.base import Batch, Collate
from cifviz.systems.cif import CIFRecognizer, CIFRecognizerConfig
from cifviz.systems.decoders import LABEL_SMOOTHING, PARALLEL, DecoderConfig
from cifviz.systems.encoder_system import Encoded, Sound
from cifviz.systems.lip_encoder import LipEncoder, brightness, in_step, pad_videos
from cifviz.systems.sequence_scorers import Utterance, labelled
from cifviz.timing import FrameGrid

VIDEO = "video"
"""Name of the further input: the pictures of an utterance, see `pad_videos`."""


@dataclass(frozen=True)
class FastLRConfig(CIFRecognizerConfig):
    """Everything that makes a `FastLRRecognizer`, but for its weights.

    `features` is the clock: a picture is as long as `picture_frames` of its frames. Of `encoder`
    the ``n_mels`` is the size of a picture's vector.
    """

    height: int = 16
    width: int = 24
    """Of a picture, in pixels."""
    picture_frames: int = 4
    """Feature frames of a picture; of 10 ms each, 4 are 25 pictures in a second."""
    auxiliary: DecoderConfig = field(default_factory=DecoderConfig)
    """The autoregressive decoder that attends to the frames. Its kind is not looked at."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("height", "width", "picture_frames"):
            require_integer(name, getattr(self, name), above=0)
        require_choice("kind of the decoder of fastlr", self.decoder.kind, PARALLEL)

    @property
    def input_dim(self) -> int:
        """Values that the encoder is given for a picture: as many as it takes."""
        return self.encoder.n_mels

    @property
    def grid(self) -> FrameGrid:
        """Clock of the encoder's frames."""
        return self.features.grid.downsampled(self.picture_frames * self.encoder.down_sampling)

    @property
    def num_layers(self) -> int:
        """Layers with weights of their own, at least so many."""
        return super().num_layers + self.auxiliary.layers


class FastLRRecognizer(CIFRecognizer):
    """Lip reading: pictures in place of sound; all tokens at once, as many as the weights say.

    The video of an utterance is a further input, "video". The sound is its clock, and is shown;
    nothing of it reaches the network.

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
    extras: Mapping[str, Collate] = {VIDEO: pad_videos}
    loss_weights: Mapping[str, float] = {**CIFRecognizer.loss_weights, "auxiliary": 0.5}
    further_losses = tuple(one for one in CIFRecognizer.further_losses if one != "even")

    def __init__(self, config: FastLRConfig):
        super().__init__(config)
        channels, vocabulary = config.encoder.channels, len(config.vocabulary)
        self.auxiliary = AttentionDecoder(config.auxiliary, channels, vocabulary)

    def make_encoder(self) -> nn.Module:
        """A front-end for pictures in front of the encoder."""
        return LipEncoder(self.config.encoder, self.config.height, self.config.width)

    def start_at(self, tokens_per_frame: float) -> None:
        """Let the weights of an untrained model add up to about as many tokens as there are.

        Parameters
        ----------
        tokens_per_frame : float
            Tokens in as many feature frames as the encoder makes one of.
        """
        super().start_at(tokens_per_frame * self.config.picture_frames)

    def encode(self, batch: Batch) -> Encoded:
        """The encoder's frames of the videos of a batch.

        Raises
        ------
        CIFError
            If there is no video, or its pictures are of another size.
        """
        require(VIDEO in batch.extras, 'a lip reader needs the further input "video", the pictures')
        video, size = batch.extras[VIDEO], (self.config.height, self.config.width)
        require(
            tuple(video.shape[2:]) == size,
            f"expected pictures of {size} pixels (height, width), got {tuple(video.shape[2:])}",
        )
        lengths = -(-batch.lengths // self.config.picture_frames)
        missing = int(lengths.max()) - video.shape[1] if len(lengths) else 0
        video = nn.functional.pad(video, (0, 0, 0, 0, 0, max(0, missing)))
        return Encoded(batch, *self.encoder(video, lengths))

    def encoded(self, sounds: Sequence[Sound], **request: Sequence[Any]) -> Encoded:
        """The batch of some sounds with their videos, see `EncoderSystem.encoded`."""
        if len(request.get(VIDEO, ())) == len(sounds):
            every = self.config.picture_frames
            videos = [
                in_step(brightness(video), -(-len(sound.log_mel) // every))
                for video, sound in zip(request[VIDEO], sounds, strict=True)
            ]
            request = {**request, VIDEO: videos}
        return super().encoded(sounds, **request)

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
