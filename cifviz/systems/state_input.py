"""Like `cif`, but frames may come from a pretrained encoder of speech, as well as from log-mel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from cifviz.audio.moonshine import DIM, Moonshine, load_moonshine
from cifviz.audio.waveform import Waveform
from cifviz.errors import (
    CheckpointError,
    require,
    require_choice,
    require_integer,
    require_number,
    require_type,
    shown,
)
from cifviz.systems.base import Batch
from cifviz.systems.cif import CIFRecognizer, CIFRecognizerConfig
from cifviz.systems.encoded_sound import (
    STATES,
    EncodedSound,
    SpeechEncoder,
    encoded_sounds,
    require_rate,
    states_of,
)
from cifviz.systems.encoder_system import Encoded, Sound
from cifviz.systems.moonshine_layers import LAYERS, LastLayers, load_lower_layers
from cifviz.systems.speech_models import SpeechModel
from cifviz.timing import FrameGrid

INPUTS = ("log-mel", "states")
MOONSHINE = "moonshine"


@dataclass(frozen=True)
class StatesConfig:
    """Which pretrained encoder the states are of, and their clock; by default Moonshine."""

    name: str = MOONSHINE
    """Of the encoder. Another one than Moonshine is given to a model by `use_speech_model`."""
    dim: int = DIM
    """Values of a state."""
    shift: float = Moonshine.grid.shift
    """Seconds from one state to the next."""
    start: float = Moonshine.grid.start
    """Seconds at which the first one begins."""
    tuned_layers: int = 0
    """How many of Moonshine's last layers are part of the model, and trained; from 0 to 5."""

    def __post_init__(self) -> None:
        require_type("states.name", self.name, str)
        require_integer("states.dim", self.dim, above=0)
        require_number("states.shift", self.shift, above=0)
        require_number("states.start", self.start)
        require_integer("states.tuned_layers", self.tuned_layers, at_least=0, at_most=LAYERS - 1)
        if self.name == MOONSHINE:
            require(self.dim == DIM, f"states of Moonshine have {DIM} values, got dim {self.dim}")
            own = Moonshine.grid
            require(
                (self.shift, self.start) == (own.shift, own.start),
                f"states of Moonshine begin at {own.start} s and are {own.shift} s apart, got "
                f"start {self.start} and shift {self.shift}",
            )
        else:
            require(
                self.tuned_layers == 0,
                f"only layers of Moonshine can be trained (states.tuned_layers), not those of "
                f"{shown(self.name)}",
            )

    @property
    def grid(self) -> FrameGrid:
        """Clock of the states."""
        return FrameGrid(self.shift, self.start)

    @classmethod
    def of(cls, model: SpeechModel) -> StatesConfig:
        """Those of a pretrained encoder."""
        return cls(model.name, model.dim, model.grid.shift, model.grid.start)


@dataclass(frozen=True)
class StateInputConfig(CIFRecognizerConfig):
    """Everything that makes a `StateInputRecognizer`, but for its weights."""

    input: str = "log-mel"
    """What the encoder looks at: "log-mel", or "states" of a pretrained encoder."""
    states: StatesConfig = StatesConfig()
    """Which states these are."""

    def __post_init__(self) -> None:
        require_choice("input", self.input, INPUTS)
        require(
            self.input == "states" or self.states == StatesConfig(),
            'states are told of where input is "states", not "log-mel"',
        )
        super().__post_init__()
        if self.input == "states":
            require_rate(self.features)

    @property
    def input_dim(self) -> int:
        """Values in a frame that the encoder is given."""
        return self.states.dim if self.input == "states" else super().input_dim

    @property
    def grid(self) -> FrameGrid:
        """Clock of the encoder's frames."""
        if self.input == "states":
            return self.states.grid.downsampled(self.encoder.down_sampling)
        return super().grid

    @property
    def num_layers(self) -> int:
        """Layers with weights of their own, at least so many."""
        return super().num_layers + self.states.tuned_layers


class StateInputRecognizer(CIFRecognizer):
    """Like `CIFRecognizer`, but its encoder may look at states of a pretrained one.

    That one is no part of the model, but for the last layers of Moonshine where
    ``states.tuned_layers`` says so: then a `Batch` holds what these are given, see
    `cifviz.systems.moonshine_layers.LowerLayers`.

    Parameters
    ----------
    config : StateInputConfig
        What to build.

    Attributes
    ----------
    last_layers : LastLayers or None
        Those of Moonshine that are trained, random until their ``fill`` is called.
    """

    Config = StateInputConfig
    config: StateInputConfig

    def __init__(self, config: StateInputConfig):
        super().__init__(config)
        tuned = config.states.tuned_layers
        self.last_layers = LastLayers(tuned) if tuned else None
        self._speech_model: SpeechModel | None = None

    def use_speech_model(self, model: SpeechModel) -> None:
        """Encode sounds with a pretrained encoder that is not Moonshine.

        Raises
        ------
        CIFError
            If it is not the one that ``config.states`` tells of.
        """
        require_type("model", model, SpeechModel)
        states = self.config.states
        given = StatesConfig.of(model)
        require(
            given == states,
            f"this model looks at states of {shown(states.name)} "
            f"({states.dim} values each {states.shift:g} s), not of {shown(given.name)} "
            f"({given.dim} values each {given.shift:g} s)",
        )
        self._speech_model = model

    def encode(self, batch: Batch) -> Encoded:
        """The encoder's frames of a batch, behind the layers of Moonshine that are trained."""
        if self.last_layers is None:
            return super().encode(batch)
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.tunes_layers):
            states = self.last_layers(batch.features, batch.lengths)
        return Encoded(batch, *self.encoder(states, batch.lengths))

    @property
    def tunes_layers(self) -> bool:
        """Whether the last layers are trained in this step."""
        return True

    def inputs(self, sound: Sound) -> Tensor:
        """What the encoder is given for a sound: states, or log-mel (frames, values)."""
        return super().inputs(sound) if self.config.input == "log-mel" else states_of(sound)

    def sounds(self, waveforms: Sequence[Waveform]) -> list[Sound]:
        """Waveforms with their log-mel features and, if it looks at them, states.

        Raises
        ------
        CIFError
            If one is no `Waveform`.
        AudioError
            If its sample rate is not the model's, or it is longer than half a minute.
        CheckpointError
            If an extra is missing, or the pretrained encoder is not Moonshine and was not given.
        """
        plain = super().sounds(waveforms)
        if self.config.input == "log-mel":
            return plain
        return encoded_sounds(plain, waveforms, self._speech_encoder())

    def _speech_encoder(self) -> SpeechEncoder:
        states = self.config.states
        if states.tuned_layers:
            return load_lower_layers(states.tuned_layers)
        if states.name == MOONSHINE:
            return load_moonshine()
        if self._speech_model is None:
            raise CheckpointError(
                f"this model looks at states of {shown(states.name)}: give it that encoder by "
                "use_speech_model(SpeechModel.load(folder))"
            )
        return self._speech_model

    def fields(self, sound: Sound) -> dict[str, Any]:
        """The fields of a `Transcription` about what was transcribed, and by which model."""
        rest = super().fields(sound)
        if isinstance(sound, EncodedSound):
            rest["extras"] = {STATES: rest.pop(STATES)}
        return rest
