"""`EncodedSound`: a sound with its states, for systems that begin with a pretrained encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from cifviz.audio.moonshine import DIM
from cifviz.audio.waveform import SAMPLE_RATE, LogMel, Waveform
from cifviz.errors import CIFError, require
from cifviz.systems.encoder_system import Sound
from cifviz.timing import FrameGrid

STATES = "states"
"""The key of `Transcription.extras` under which the pretrained encoder's states are."""


class SpeechEncoder(Protocol):
    """A pretrained encoder of speech at 16 kHz: states of a sound, and their clock."""

    @property
    def grid(self) -> FrameGrid:
        """Clock of the states."""

    def states(self, waveform: Waveform) -> Tensor:
        """States of a sound (frames, dim), of each sound by itself."""


@dataclass(frozen=True, eq=False)
class EncodedSound(Sound):
    """A sound with the pretrained encoder's states."""

    states: Tensor = field(default_factory=lambda: torch.zeros(0, DIM))
    """(frames, dim); 288 values of Moonshine."""


def encoded_sounds(
    plain: Sequence[Sound], waveforms: Sequence[Waveform], encoder: SpeechEncoder
) -> list[Sound]:
    """The same sounds with the states of their waveforms."""
    return [
        EncodedSound(**vars(one), states=encoder.states(waveform))
        for one, waveform in zip(plain, waveforms, strict=True)
    ]


def states_of(sound: Sound, *, otherwise: str = "") -> Tensor:
    """The states of a sound (frames, dim).

    Parameters
    ----------
    sound : Sound
    otherwise : str
        What else than a waveform the model may be given, for the message.

    Raises
    ------
    CIFError
        If it has none, because its features alone were given.
    """
    if not isinstance(sound, EncodedSound):
        raise CIFError(
            "this model looks at states of the pretrained encoder, not at log-mel: "
            f"give it a waveform{otherwise}"
        )
    return sound.states


def require_rate(features: LogMel) -> None:
    """Raise `CIFError` unless features are of sound at the rate of pretrained encoders."""
    require(
        features.sample_rate == SAMPLE_RATE,
        f"the pretrained encoder expects audio at {SAMPLE_RATE} Hz, "
        f"the features {features.sample_rate} Hz",
    )
