"""CTC: an encoder and a linear layer that gives a token or a blank for each frame."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from cifviz.alignment.boundary_readout import CTC_READOUTS
from cifviz.alignment.timed_tokens import Alignment
from cifviz.errors import require_number
from cifviz.systems.configuration import EncoderSystemConfig
from cifviz.systems.ctc_head import CTCHead, Decoded
from cifviz.systems.encoder_system import Encoded, EncoderSystem, Sound
from cifviz.systems.transcription import CTC_PATH, Transcription


@dataclass(frozen=True)
class CTCRecognizerConfig(EncoderSystemConfig):
    """Everything that makes a `CTCRecognizer`, but for its weights."""

    prior_weight: float = 0.0
    """How much of the label priors is subtracted, see `CTCHead`; 0 is plain CTC."""

    def __post_init__(self) -> None:
        super().__post_init__()
        weight = require_number("prior_weight", self.prior_weight, at_least=0)
        object.__setattr__(self, "prior_weight", weight)  # PyTorch takes no larger integers


class CTCRecognizer(EncoderSystem):
    """Encoder → CTC, plain or with label priors; see `CTCHead` for both.

    A token's times are the ends of its frames on the best path.

    Parameters
    ----------
    config : CTCRecognizerConfig
        What to build.

    Notes
    -----
    Its loss is "ctc"; with priors it can be below 0. Paper: Graves et al. (2006).

    Examples
    --------
    >>> from cifviz.audio.waveform import Waveform
    >>> from cifviz.systems.encoder import EncoderConfig
    >>> config = CTCRecognizerConfig(("no", "yes"), encoder=EncoderConfig(channels=8, dilations=()))
    >>> model = CTCRecognizer(config).eval()
    >>> model.transcribe(Waveform([0.0] * 1600)).rows.shape[1], "frames of 40 ms"
    (3, 'frames of 40 ms')
    """

    Config = CTCRecognizerConfig
    config: CTCRecognizerConfig
    loss_weights: Mapping[str, float] = {"ctc": 1.0}
    readouts = CTC_READOUTS

    def __init__(self, config: CTCRecognizerConfig):
        super().__init__(config)
        self.ctc = CTCHead(config.encoder.channels, len(config.vocabulary), config.prior_weight)

    def losses(self, encoded: Encoded, *, wanted: Collection[str] = ()) -> dict[str, Tensor]:
        """Like `forward`, but of a batch that is encoded already."""
        return {"ctc": self.ctc.loss(*encoded.with_targets)}

    def decode(self, encoded: Encoded) -> list[Decoded]:
        """Tokens of each utterance; the hook of systems that correct those of the path."""
        return self.ctc.decode(encoded.encoder_out, encoded.frame_lengths)

    def transcriptions(self, sounds: Sequence[Sound], encoded: Encoded) -> list[Transcription]:
        """A transcription of each sound, from the encoder's frames of all of them."""
        made = [
            self.from_rows(sound, *one, kind=CTC_PATH)
            for sound, one in zip(sounds, self.decode(encoded), strict=True)
        ]
        return [replace(one, alignment=path_times(one)) for one in made]


def path_times(transcription: Transcription) -> Alignment:
    """Times of the tokens on a path: from the first frame of each to its last."""
    if not transcription.tokens:
        return Alignment()
    on_path = transcription.rows > 0
    first = on_path.double().argmax(dim=1).double()
    return Alignment.from_edges(
        transcription.tokens,
        transcription.grid.seconds(first),
        transcription.grid.seconds(first + on_path.sum(dim=1)),
        scores=transcription.scores,
        duration=transcription.duration,
    )
