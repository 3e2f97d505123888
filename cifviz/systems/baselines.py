"""Recognisers without a CIF, to compare ours with: on the same encoder, CTC or attention.

They train by the same loop and on the same examples, and share what they can: features, encoder,
normalisation of the losses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import torch
from torch import Tensor, nn

from cifviz.audio.waveform import LogMel, Waveform
from cifviz.core.module import CIFConfig
from cifviz.errors import require, require_choice, require_number, shown
from cifviz.systems.attention_decoder import AttentionDecoder
from cifviz.systems.cif import Batch, RecognizerConfig, normalise, require_finite
from cifviz.systems.configuration import checked_settings, from_settings
from cifviz.systems.ctc_head import CTCHead
from cifviz.systems.decoders import DecoderConfig
from cifviz.systems.encoder import Encoder, EncoderConfig
from cifviz.timing import FrameGrid


@dataclass(frozen=True)
class BaselineConfig:
    """Everything that makes a baseline, but for its weights."""

    kind: str
    """ "ctc" or "attention"."""
    vocabulary: tuple[str, ...]
    features: LogMel = field(default_factory=LogMel)
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    """Of "attention" alone; its kind is not looked at."""
    prior_weight: float = 0.0
    """Of "ctc" alone: how much of the label priors is taken off, see `CTCHead`; 0 is plain CTC."""

    def __post_init__(self) -> None:
        require_choice("baseline kind", self.kind, list(BASELINES))
        require_number("prior_weight", self.prior_weight, at_least=0)
        # What it asks of vocabulary, features and encoder is asked here too.
        asked = RecognizerConfig(
            self.vocabulary, self.features, self.encoder, CIFConfig(self.encoder.channels)
        )
        object.__setattr__(self, "vocabulary", asked.vocabulary)
        if self.kind == "attention":
            require(self.prior_weight == 0, "prior_weight belongs to a baseline of kind 'ctc'")

    @property
    def grid(self) -> FrameGrid:
        """Clock of the encoder's frames."""
        return self.features.grid.downsampled(self.encoder.down_sampling)

    @property
    def num_layers(self) -> int:
        """Layers with weights of their own, at least so many."""
        return self.encoder.num_layers + self.decoder.layers * (self.kind == "attention")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> BaselineConfig:
        """The inverse of `to_dict`; an unknown key is refused, and one that is not there."""
        parts = {"features": LogMel, "encoder": EncoderConfig, "decoder": DecoderConfig}
        required = ["kind", "vocabulary", *parts]
        known = [one.name for one in fields(cls)]
        values = checked_settings("baseline", values, known, required=required)
        made: dict[str, Any] = {
            name: from_settings(kind, name, values[name]) for name, kind in parts.items()
        }
        return cls(**{**values, **made})


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """What a baseline heard: tokens with scores, and how each is spread over the frames."""

    tokens: tuple[str, ...]
    scores: tuple[float, ...]
    """Probability of each token, in [0, 1]."""
    rows: Tensor
    """Share of each frame in each token (tokens, frames), float64, on the CPU; >= 0, rows of sum 1.
    CTC: evenly over the frames of the token on the best path, so that the quantiles 0 and 1 are its
    edges. Attention: where the last layer looked, the mean over its heads."""
    grid: FrameGrid
    """Clock of the frames."""
    waveform: Waveform

    @property
    def duration(self) -> float:
        """Length of the sound, seconds."""
        return self.waveform.duration


class CTCRecognizer(nn.Module):
    """Encoder → CTC, plain or with label priors; see `CTCHead` for both.

    Parameters
    ----------
    config : BaselineConfig
        What to build, of kind "ctc".

    Notes
    -----
    Paper: Graves et al. (2006).

    Examples
    --------
    >>> encoder = EncoderConfig(channels=8, dilations=())
    >>> model = CTCRecognizer(BaselineConfig("ctc", ("no", "yes"), encoder=encoder)).eval()
    >>> model.transcribe(Waveform([0.0] * 1600)).rows.shape[1], "frames of 40 ms"
    (3, 'frames of 40 ms')
    """

    def __init__(self, config: BaselineConfig):
        super().__init__()
        require(config.kind == "ctc", f"a CTCRecognizer is of kind 'ctc', got {config.kind!r}")
        self.config = config
        self.encoder = Encoder(config.encoder)
        self.ctc = CTCHead(config.encoder.channels, len(config.vocabulary), config.prior_weight)

    @property
    def grid(self) -> FrameGrid:
        """Clock of the encoder's frames."""
        return self.config.grid

    def forward(self, batch: Batch, **settings: Any) -> dict[str, Tensor]:
        """The loss to minimise, under "loss", and its parts, all per token; see `losses`."""
        encoder_out, frame_lengths = self.encoder(batch.features, batch.lengths)
        return self.losses(batch, encoder_out, frame_lengths, **settings)

    def losses(
        self,
        batch: Batch,
        encoder_out: Tensor,
        frame_lengths: Tensor,
        *,
        quantity_weight: float = 1.0,
        alignment: str = "none",
        alignment_weight: float = 1.0,
    ) -> dict[str, Tensor]:
        """Like `forward`, but of a batch that the encoder has seen already.

        With priors it can be below 0. What `Recognizer` takes about its weights is accepted, but
        there are none to be counted or judged: an `alignment` but "none" raises `CIFError`.
        """
        _require_no_alignment(alignment)
        ctc = self.ctc.loss(encoder_out, frame_lengths, batch.targets, batch.target_lengths)
        return {"loss": ctc, "ctc": ctc}

    def transcribe(self, waveform: Waveform) -> Hypothesis:
        """Recognise one utterance.

        Parameters
        ----------
        waveform : Waveform
            At the model's sample rate.

        Returns
        -------
        Hypothesis
            On the CPU.

        Raises
        ------
        CIFError
            If the model is in training mode.
        AudioError
            If the sample rate is not the model's.
        """
        return self.transcribe_batch([waveform])[0]

    def transcribe_batch(self, waveforms: Sequence[Waveform]) -> list[Hypothesis]:
        """Like `transcribe`, but several at once; the result of each is the same as alone."""
        return _hypotheses(self, self.ctc, waveforms)


class AttentionRecognizer(nn.Module):
    """Like `CTCRecognizer`, but an `AttentionDecoder` says the tokens; CTC helps in training.

    Parameters
    ----------
    config : BaselineConfig
        What to build, of kind "attention".

    Notes
    -----
    The loss is ``cross-entropy + 0.5 · CTC``, each per token. Paper of the two losses: Kim, Hori &
    Watanabe (2017).
    """

    def __init__(self, config: BaselineConfig):
        super().__init__()
        require(
            config.kind == "attention",
            f"an AttentionRecognizer is of kind 'attention', got {config.kind!r}",
        )
        self.config = config
        channels, vocabulary = config.encoder.channels, len(config.vocabulary)
        self.encoder = Encoder(config.encoder)
        self.decoder = AttentionDecoder(config.decoder, channels, vocabulary)
        self.ctc = CTCHead(channels, vocabulary)

    @property
    def grid(self) -> FrameGrid:
        """Clock of the encoder's frames."""
        return self.config.grid

    def forward(self, batch: Batch, **settings: Any) -> dict[str, Tensor]:
        """The loss to minimise, under "loss", and its parts, all per token; see `losses`."""
        encoder_out, frame_lengths = self.encoder(batch.features, batch.lengths)
        return self.losses(batch, encoder_out, frame_lengths, **settings)

    def losses(
        self,
        batch: Batch,
        encoder_out: Tensor,
        frame_lengths: Tensor,
        *,
        ctc_weight: float = 0.5,
        quantity_weight: float = 1.0,
        alignment: str = "none",
        alignment_weight: float = 1.0,
        label_smoothing: float = 0.1,
    ) -> dict[str, Tensor]:
        """Like `forward`, but of a batch that the encoder has seen already.

        For what concerns weights see `CTCRecognizer.losses`.
        """
        _require_no_alignment(alignment)
        spoken = (encoder_out, frame_lengths, batch.targets, batch.target_lengths)
        cross_entropy = self.decoder.loss(*spoken, label_smoothing=label_smoothing)
        ctc = self.ctc.loss(*spoken)
        loss = cross_entropy + ctc_weight * ctc
        return {"loss": loss, "cross_entropy": cross_entropy, "ctc": ctc}

    def transcribe(self, waveform: Waveform) -> Hypothesis:
        """Recognise one utterance; see `CTCRecognizer.transcribe`."""
        return self.transcribe_batch([waveform])[0]

    def transcribe_batch(self, waveforms: Sequence[Waveform]) -> list[Hypothesis]:
        """Like `transcribe`, but several at once; the result of each is the same as alone."""
        return _hypotheses(self, self.decoder, waveforms)


Baseline = CTCRecognizer | AttentionRecognizer
BASELINES: dict[str, type[CTCRecognizer] | type[AttentionRecognizer]] = {
    "ctc": CTCRecognizer,
    "attention": AttentionRecognizer,
}
"""By the kind in their configuration."""


def make_baseline(config: BaselineConfig) -> Baseline:
    """The baseline that the configuration describes."""
    return BASELINES[config.kind](config)


def _require_no_alignment(alignment: str) -> None:
    require(
        alignment == "none",
        f"a baseline has no CIF weights: alignment must be 'none', got {shown(alignment)}",
    )


@torch.inference_mode()
def _hypotheses(
    model: Baseline, head: CTCHead | AttentionDecoder, waveforms: Sequence[Waveform]
) -> list[Hypothesis]:
    if not waveforms:
        return []
    require(not model.training, "call .eval() before transcribing: dropout is still on")
    for waveform in waveforms:
        require(
            isinstance(waveform, Waveform),
            "expected a Waveform, such as cifviz.load_waveform(path) gives, "
            f"got {type(waveform).__name__}",
        )
    features = [normalise(model.config.features(waveform)) for waveform in waveforms]
    device = next(model.parameters()).device
    batch = Batch.collate(features, [[] for _ in features])
    encoder_out, frame_lengths = model.encoder(batch.features.to(device), batch.lengths.to(device))
    require_finite(encoder_out)
    decoded = head.decode(encoder_out, frame_lengths)
    for _, scores, rows in decoded:
        require_finite(torch.tensor(scores))
        require_finite(rows)
    return [
        Hypothesis(
            tuple(model.config.vocabulary[index] for index in ids),
            tuple(scores),
            rows.cpu(),
            model.grid,
            waveform,
        )
        for waveform, (ids, scores, rows) in zip(waveforms, decoded, strict=True)
    ]
