"""Like `cif`, but frames may come from a pretrained encoder of English, as well as from log-mel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from cifviz.audio.moonshine import DIM, Moonshine, load_moonshine
from cifviz.audio.waveform import SAMPLE_RATE, Waveform
from cifviz.errors import require, require_choice
from cifviz.systems.cif import CIFRecognizer, CIFRecognizerConfig
from cifviz.systems.encoder_system import Sound
from cifviz.systems.phone_cif import STATES, EncodedSound
from cifviz.timing import FrameGrid

INPUTS = ("log-mel", "states")


@dataclass(frozen=True)
class StateInputConfig(CIFRecognizerConfig):
    """Everything that makes a `StateInputRecognizer`, but for its weights."""

    input: str = "log-mel"
    """What the encoder looks at: "log-mel", or "states" of `cifviz.audio.moonshine.Moonshine`."""

    def __post_init__(self) -> None:
        require_choice("input", self.input, INPUTS)
        super().__post_init__()
        rate = self.features.sample_rate
        require(
            self.input == "log-mel" or rate == SAMPLE_RATE,
            f"the pretrained encoder expects audio at {SAMPLE_RATE} Hz, the features {rate} Hz",
        )

    @property
    def input_dim(self) -> int:
        """Values in a frame that the encoder is given."""
        return DIM if self.input == "states" else super().input_dim

    @property
    def grid(self) -> FrameGrid:
        """Clock of the encoder's frames."""
        if self.input == "states":
            return Moonshine.grid.downsampled(self.encoder.down_sampling)
        return super().grid


class StateInputRecognizer(CIFRecognizer):
    """Like `CIFRecognizer`, but its encoder may look at states of a pretrained one.

    Parameters
    ----------
    config : StateInputConfig
        What to build.
    """

    Config = StateInputConfig
    config: StateInputConfig

    def inputs(self, sound: Sound) -> Tensor:
        """What the encoder is given for a sound: states, or log-mel (frames, values)."""
        if self.config.input == "log-mel":
            return super().inputs(sound)
        require(
            isinstance(sound, EncodedSound),
            "this model looks at states of the pretrained encoder, not at log-mel: "
            "give it a waveform",
        )
        states: Tensor = sound.states  # type: ignore[attr-defined]
        return states

    def sounds(self, waveforms: Sequence[Waveform]) -> list[Sound]:
        """Waveforms with their log-mel features and, if it looks at them, Moonshine's states.

        Raises
        ------
        CIFError
            If one is no `Waveform`.
        AudioError
            If its sample rate is not the model's, or it is longer than half a minute.
        CheckpointError
            If the extra ``cifviz[english]`` is missing.
        """
        plain = super().sounds(waveforms)
        if self.config.input == "log-mel":
            return plain
        encoder = load_moonshine()
        return [
            EncodedSound(**vars(one), states=encoder.states(waveform))
            for one, waveform in zip(plain, waveforms, strict=True)
        ]

    def fields(self, sound: Sound) -> dict[str, Any]:
        """The fields of a `Transcription` about what was transcribed, and by which model."""
        rest = super().fields(sound)
        if isinstance(sound, EncodedSound):
            rest["extras"] = {STATES: rest.pop(STATES)}
        return rest
