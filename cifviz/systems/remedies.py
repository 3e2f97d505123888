"""Two remedies for the loose times of a CIF, each a `Recognizer` with one thing changed.

In both a recogniser does the hearing and is trained and asked like one. What is changed is where
weights may lie: a second head that has to spread them out, or weights that CTC's blanks take away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from cifviz.alignment.timed_tokens import Alignment
from cifviz.audio.waveform import Waveform
from cifviz.core.firing import Firing
from cifviz.core.losses import quantity_loss
from cifviz.core.module import CIF, CIFConfig
from cifviz.core.validation import convolve
from cifviz.errors import require_number
from cifviz.systems.cif import Batch, Recognizer, RecognizerConfig, Transcription, normalise
from cifviz.systems.encoder import Encoder
from cifviz.timing import FrameGrid

UPSAMPLING = 3
"""Frames of the second head in one of the encoder."""
SMOOTH, NOISE = 0.25, 0.01
"""The second head's weights are ``max(0, 0.25 · sigmoid − 0.01)``: at most 0.24."""
FINE_WEIGHT = 0.5
"""Weight of the second head's quantity loss."""


class _AroundRecognizer(nn.Module):
    """What training and evaluation ask of a `Recognizer`, answered by the one inside."""

    def __init__(self, config: RecognizerConfig):
        super().__init__()
        self.recognizer = Recognizer(config)

    @property
    def config(self) -> RecognizerConfig:
        """The recogniser's; learned edges are set here."""
        return self.recognizer.config

    @config.setter
    def config(self, config: RecognizerConfig) -> None:
        self.recognizer.config = config

    @property
    def encoder(self) -> Encoder:
        """The recogniser's."""
        return self.recognizer.encoder

    @property
    def grid(self) -> FrameGrid:
        """Clock of the frames of a transcription's firing."""
        return self.recognizer.grid

    def start_at(self, tokens_per_frame: float) -> None:
        """Set the weights' bias so that the first counts are near; per frame of the encoder."""
        self.recognizer.cif.start_at(tokens_per_frame)

    def forward(self, batch: Batch, **settings: Any) -> dict[str, Tensor]:
        """The loss to minimise, under "loss", and its parts, all per token; see `losses`."""
        encoder_out, frame_lengths = self.encoder(batch.features, batch.lengths)
        return self.losses(batch, encoder_out, frame_lengths, **settings)

    def losses(
        self, batch: Batch, encoder_out: Tensor, frame_lengths: Tensor, **settings: Any
    ) -> dict[str, Tensor]:
        """As of `Recognizer.losses`, with its settings."""
        return self.recognizer.losses(batch, encoder_out, frame_lengths, **settings)

    def transcribe(self, waveform: Waveform) -> Transcription:
        """Recognise one utterance; see `Recognizer.transcribe`."""
        return self.transcribe_batch([waveform])[0]

    def transcribe_batch(self, waveforms: Sequence[Waveform]) -> list[Transcription]:
        """Like `transcribe`, but several at once; the result of each is the same as alone."""
        return self.recognizer.transcribe_batch(waveforms)


class UpsampledRecognizer(_AroundRecognizer):
    """Like `Recognizer`, but times come from a second CIF: three times the frames, small weights.

    Encoder frames are upsampled by a transposed convolution, and another weight predictor (a
    convolution of width 3, ReLU, a linear layer, a sigmoid) looks at them. It gives a frame at most
    0.24, so that a token takes 4.2 of them at least (56 ms where encoder frames last 40), before
    scaling: weights have to spread over what is said.

    Parameters
    ----------
    config : RecognizerConfig
        What to build. Of its `cif`, the second one takes the dropout; edges are read off the second
        one.

    Attributes
    ----------
    recognizer : Recognizer
        Hears the tokens and their scores, and says how many times the second CIF has to fire.
    fine : CIF
        The second one.
    grid : FrameGrid
        Clock of the second one's frames, a third of the encoder's each.

    Notes
    -----
    The loss is the recogniser's plus ``0.5 · quantity`` of the second CIF, "fine_quantity", whose
    gradient reaches the encoder. Transcriptions carry the firing of the second CIF, its weights
    scaled to the number of tokens heard.

    The second head of FunASR's CifPredictorV3 (github.com/modelscope/FunASR), with the constants of
    its template for BiCifParaformer, its weight in the loss and, as there, no stop of the gradient.
    There a BLSTM stands where the convolution is here, the end of the sentence counts as a token,
    and times are read in another way. Paper: Shi et al. (2023, arXiv 2301.12343).

    Examples
    --------
    A second of sound is 25 frames of 40 ms to the encoder and 75 to the second CIF:

    >>> from cifviz.systems.encoder import EncoderConfig
    >>> config = RecognizerConfig(
    ...     vocabulary=("no",),
    ...     encoder=EncoderConfig(channels=8, dilations=()),
    ...     cif=CIFConfig(encoder_embed_dim=8),
    ... )
    >>> model = UpsampledRecognizer(config).eval()
    >>> model.transcribe(Waveform([0.0] * 16_000)).firing.alpha.shape
    torch.Size([1, 75])
    """

    def __init__(self, config: RecognizerConfig):
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
        coarse = self.recognizer.grid
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
        self, batch: Batch, encoder_out: Tensor, frame_lengths: Tensor, **settings: Any
    ) -> dict[str, Tensor]:
        """As of `Recognizer.losses`, with its settings, and "fine_quantity"."""
        losses = super().losses(batch, encoder_out, frame_lengths, **settings)
        firing = self._fire(encoder_out, frame_lengths, batch.target_lengths)
        fine_quantity = quantity_loss(firing, batch.target_lengths)
        return {
            **losses,
            "loss": losses["loss"] + FINE_WEIGHT * fine_quantity,
            "fine_quantity": fine_quantity,
        }

    @torch.inference_mode()
    def transcribe_batch(self, waveforms: Sequence[Waveform]) -> list[Transcription]:
        """Like `transcribe`, but several at once; the result of each is the same as alone."""
        heard = self.recognizer.transcribe_batch(waveforms)
        if not heard:
            return []
        device = self.upsample.weight.device
        features = [normalise(self.config.features(waveform)) for waveform in waveforms]
        batch = Batch.collate(features, [[] for _ in features])
        encoder_out, lengths = self.encoder(batch.features.to(device), batch.lengths.to(device))
        firing = self._fire(encoder_out, lengths, torch.tensor([len(one.tokens) for one in heard]))
        return [self._timed(one, fine.cpu()) for one, fine in zip(heard, firing, strict=True)]

    def _fire(self, encoder_out: Tensor, frame_lengths: Tensor, counts: Tensor) -> Firing:
        """The second CIF, made to fire so many times."""
        upsampled = convolve(self.upsample, encoder_out.transpose(1, 2)).transpose(1, 2)
        firing: Firing = self.fine(upsampled, UPSAMPLING * frame_lengths, target_lengths=counts)
        return firing

    def _timed(self, heard: Transcription, firing: Firing) -> Transcription:
        """What was heard, with the times of the second CIF."""
        alignment = Alignment.from_firing(
            firing,
            heard.tokens,
            self.grid,
            edges=self.config.edges,
            scores=heard.scores,
            duration=heard.duration,
        )
        return replace(heard, alignment=alignment, firing=firing, grid=self.grid)


class BlankWeightedRecognizer(_AroundRecognizer):
    """Like `Recognizer`, but a frame weighs the less, the surer its CTC head is of a blank there.

    ``α_t · (1 − P(blank | frame t))`` takes the place of α_t wherever weights are used: in every
    loss, in firing and in what edges are read off. What `CIFConfig.noise_threshold` takes off is
    taken off the product. No gradient flows into the probabilities: CTC alone teaches them.

    Parameters
    ----------
    config : RecognizerConfig
        What to build.

    Attributes
    ----------
    recognizer : Recognizer
        The same parameters as any, under the same names, but its weights are multiplied.

    Examples
    --------
    With all parameters zero, every weight is 1/2, and so is the probability of a blank:

    >>> from cifviz.systems.encoder import EncoderConfig
    >>> config = RecognizerConfig(
    ...     vocabulary=("no",),
    ...     encoder=EncoderConfig(channels=8, dilations=()),
    ...     cif=CIFConfig(encoder_embed_dim=8),
    ... )
    >>> model = BlankWeightedRecognizer(config).eval()
    >>> for parameter in model.parameters():
    ...     _ = torch.nn.init.zeros_(parameter)
    >>> model.transcribe(Waveform([0.0] * 1600)).firing.alpha
    tensor([[0.2500, 0.2500, 0.2500]])
    """

    def __init__(self, config: RecognizerConfig):
        super().__init__(config)
        self.recognizer.cif.weights.register_forward_hook(self._weigh)

    def _weigh(self, predictor: nn.Module, inputs: tuple[Tensor, Tensor], alpha: Tensor) -> Tensor:
        """What the weight predictor gives, multiplied."""
        encoder_out, _ = inputs
        with torch.no_grad():
            blank = self.recognizer.ctc(encoder_out).softmax(dim=2)[:, :, -1]
        return alpha * (1 - blank)
