"""Like `cif`, but times come from a second CIF with three times the frames and small weights."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from cifviz.alignment.timed_tokens import Alignment
from cifviz.core.firing import Firing
from cifviz.core.losses import quantity_loss
from cifviz.core.module import CIF, CIFConfig
from cifviz.core.validation import convolve
from cifviz.errors import require_number
from cifviz.systems.cif import CIFRecognizer, CIFRecognizerConfig
from cifviz.systems.decoders import LABEL_SMOOTHING
from cifviz.systems.encoder_system import Encoded, Sound
from cifviz.systems.transcription import Transcription
from cifviz.timing import FrameGrid

UPSAMPLING = 3
"""Frames of the second CIF in one of the encoder."""
SMOOTH, NOISE = 0.25, 0.01
"""The second CIF's weights are ``max(0, 0.25 · sigmoid − 0.01)``: at most 0.24."""


class UpsampledRecognizer(CIFRecognizer):
    """Like `CIFRecognizer`, but times come from a second CIF: more frames, smaller weights.

    Encoder frames are upsampled by a transposed convolution, and another weight predictor (a
    convolution of width 3, ReLU, a linear layer, a sigmoid) looks at them. It gives a frame at most
    0.24, so that a token takes 4.2 of them at least (56 ms where encoder frames last 40), before
    scaling: weights have to spread over the token.

    Parameters
    ----------
    config : CIFRecognizerConfig
        What to build. Of its `cif`, the second one takes the dropout; edges are read off the second
        one.

    Attributes
    ----------
    fine : CIF
        The second one. The first finds the tokens and their scores, and says how many times the
        second has to fire.
    grid : FrameGrid
        Clock of the second one's frames, a third of the encoder's each.

    Notes
    -----
    One more loss, "fine_quantity", is the quantity loss of the second CIF; its usual weight is 0.5,
    and its gradient reaches the encoder. Transcriptions carry the firing of the second CIF, its
    weights scaled to the number of tokens.

    The second head of FunASR's CifPredictorV3 (github.com/modelscope/FunASR), with the constants of
    its template for BiCifParaformer, its weight in the loss and, as there, no stop of the gradient.
    There a BLSTM stands where the convolution is here, the end of the sentence counts as a token,
    and times are read in another way. Paper: Shi et al. (2023, arXiv 2301.12343).

    Examples
    --------
    A second of sound is 25 frames of 40 ms to the encoder and 75 to the second CIF:

    >>> from cifviz.audio.waveform import Waveform
    >>> from cifviz.systems.encoder import EncoderConfig
    >>> config = CIFRecognizerConfig(
    ...     vocabulary=("no",),
    ...     encoder=EncoderConfig(channels=8, dilations=()),
    ...     cif=CIFConfig(encoder_embed_dim=8),
    ... )
    >>> model = UpsampledRecognizer(config).eval()
    >>> model.transcribe(Waveform([0.0] * 16_000)).firing.alpha.shape
    torch.Size([1, 75])
    """

    loss_weights: Mapping[str, float] = {**CIFRecognizer.loss_weights, "fine_quantity": 0.5}

    def __init__(self, config: CIFRecognizerConfig):
        super().__init__(config)
        channels = config.encoder.channels
        # As wide as its stride: no frame reaches into another's three, padding into nobody's.
        self.upsample = nn.ConvTranspose1d(channels, channels, UPSAMPLING, stride=UPSAMPLING)
        self.fine = CIF(
            CIFConfig(
                encoder_embed_dim=channels,
                cif_threshold=1.0,
                conv_cif_width=3,
                conv_cif_output_channels_num=channels,
                conv_cif_dropout=config.cif.conv_cif_dropout,
                conv_cif_activation=True,
                smooth_factor=SMOOTH,
                noise_threshold=NOISE,
            )
        )

    @property
    def grid(self) -> FrameGrid:
        """Clock of the frames of a transcription's firing."""
        coarse = self.config.grid
        return FrameGrid(coarse.shift / UPSAMPLING, coarse.start)

    def start_at(self, tokens_per_frame: float) -> None:
        """Set the biases of both CIFs so that the first counts are near; per encoder frame.

        At most 0.72 tokens: more do not fire in three upsampled frames.
        """
        most = UPSAMPLING * (SMOOTH - NOISE)
        require_number("tokens_per_frame", tokens_per_frame, above=0, below=most)
        super().start_at(tokens_per_frame)
        self.fine.start_at((tokens_per_frame / UPSAMPLING + NOISE) / SMOOTH)

    def losses(
        self,
        encoded: Encoded,
        *,
        wanted: Collection[str] = (),
        label_smoothing: float = LABEL_SMOOTHING,
    ) -> dict[str, Tensor]:
        """As of `CIFRecognizer.losses`, and "fine_quantity"."""
        losses = super().losses(encoded, wanted=wanted, label_smoothing=label_smoothing)
        _, counts = self.fired_targets(encoded.batch)
        firing = self._fire_fine(encoded, counts)
        return {**losses, "fine_quantity": quantity_loss(firing, counts)}

    def decoded(
        self, sounds: Sequence[Sound], encoded: Encoded, fired: Firing
    ) -> list[Transcription]:
        """Those of a `CIFRecognizer`, with the times of the second CIF."""
        coarse = super().decoded(sounds, encoded, fired)
        counts = torch.tensor([len(one.tokens) for one in coarse])
        fine = self._fire_fine(encoded, counts)
        return [self._retimed(one, it.cpu()) for one, it in zip(coarse, fine, strict=True)]

    def _fire_fine(self, encoded: Encoded, counts: Tensor) -> Firing:
        """The second CIF, made to fire so many times."""
        upsampled = convolve(self.upsample, encoded.encoder_out.transpose(1, 2)).transpose(1, 2)
        lengths = UPSAMPLING * encoded.frame_lengths
        firing: Firing = self.fine(upsampled, lengths, target_lengths=counts)
        return firing

    def _retimed(self, coarse: Transcription, firing: Firing) -> Transcription:
        """The same tokens with the times of the second CIF."""
        alignment = Alignment.from_firing(
            firing,
            coarse.tokens,
            self.grid,
            edges=self.config.edges,
            scores=coarse.scores,
            duration=coarse.duration,
        )
        return replace(coarse, alignment=alignment, firing=firing, grid=self.grid)
