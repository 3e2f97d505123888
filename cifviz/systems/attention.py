"""Like `ctc`, but label-synchronous: a decoder with attention to the frames gives the tokens."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from cifviz.alignment.boundary_readout import ATTENTION_READOUTS
from cifviz.systems.attention_decoder import AttentionDecoder
from cifviz.systems.configuration import EncoderSystemConfig
from cifviz.systems.ctc_head import CTCHead
from cifviz.systems.decoders import LABEL_SMOOTHING, DecoderConfig
from cifviz.systems.encoder_system import Encoded, EncoderSystem, Sound
from cifviz.systems.transcription import ATTENTION, Transcription


@dataclass(frozen=True)
class AttentionRecognizerConfig(EncoderSystemConfig):
    """Everything that makes an `AttentionRecognizer`, but for its weights."""

    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    """Its kind is not looked at. With one layer alone no token depends on where the token before it
    attended."""

    @property
    def num_layers(self) -> int:
        """Layers with weights of their own, at least so many."""
        return super().num_layers + self.decoder.layers


class AttentionRecognizer(EncoderSystem):
    """Like `CTCRecognizer`, but an `AttentionDecoder` gives the tokens; CTC helps in training.

    Its tokens are untimed: `readouts` are ways to read times off the attention.

    Parameters
    ----------
    config : AttentionRecognizerConfig
        What to build.

    Notes
    -----
    The usual loss is ``cross_entropy + 0.5 · ctc``, each per token. Paper of the two losses: Kim,
    Hori & Watanabe (2017).
    """

    Config = AttentionRecognizerConfig
    config: AttentionRecognizerConfig
    loss_weights: Mapping[str, float] = {"cross_entropy": 1.0, "ctc": 0.5}
    readouts = ATTENTION_READOUTS

    def __init__(self, config: AttentionRecognizerConfig):
        super().__init__(config)
        channels, vocabulary = config.encoder.channels, len(config.vocabulary)
        self.decoder = AttentionDecoder(config.decoder, channels, vocabulary)
        self.ctc = CTCHead(channels, vocabulary)

    def losses(self, encoded: Encoded, *, wanted: Collection[str] = ()) -> dict[str, Tensor]:
        """Like `forward`, but of a batch that is encoded already."""
        utterances = encoded.with_targets
        return {
            "cross_entropy": self.decoder.loss(*utterances, label_smoothing=LABEL_SMOOTHING),
            "ctc": self.ctc.loss(*utterances),
        }

    def transcriptions(self, sounds: Sequence[Sound], encoded: Encoded) -> list[Transcription]:
        """A transcription of each sound, from the encoder's frames of all of them."""
        decoded = self.decoder.decode(encoded.encoder_out, encoded.frame_lengths)
        return [
            self.from_rows(sound, *one, kind=ATTENTION)
            for sound, one in zip(sounds, decoded, strict=True)
        ]
