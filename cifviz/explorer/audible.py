"""`sonify`: what the explorer plays of a CIF, as a waveform."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cifviz.audio.sonification import mixed, sonified
from cifviz.audio.waveform import Waveform
from cifviz.errors import CIFError
from cifviz.explorer.settings import realign
from cifviz.systems.transcription import Transcription

RATE = 16000
"""Samples per second where there is no recording."""


def sonify(
    transcription: Transcription,
    settings: Mapping[str, Any] | None = None,
    *,
    voice: bool = False,
) -> Waveform:
    """α as a soft tone and fires as clicks, alone or with the voice.

    Parameters
    ----------
    transcription : Transcription
    settings : mapping, optional
        Those that differ from the model's, see `cifviz.explorer.settings.model_settings`.
    voice : bool
        Whether the recording sounds, too.

    Returns
    -------
    Waveform
        As long as the transcription; see `cifviz.audio.sonification.sonified`. The tone is loudest
        at the largest weight.

    Raises
    ------
    CIFError
        If it has no firing, a setting is out of its range, or `voice` is asked for where there is
        no recording.

    Examples
    --------
    >>> import cifviz
    >>> clip = cifviz.load_clip("digits_two")
    >>> sound = sonify(cifviz.load_model("digits").transcribe(clip.waveform), voice=True)
    >>> sound.duration == clip.waveform.duration, bool(abs(sound.samples).max() <= 1)
    (True, True)
    """
    waveform = transcription.waveform
    if voice and waveform is None:
        raise CIFError("there is no voice to hear: the features alone were transcribed")
    firing, grid = realign(transcription, settings)[0], transcription.grid
    weights = firing.scaled_alpha[0].double().numpy()
    positions = firing.fire_positions[0].tolist()
    cif = sonified(
        weights,
        sorted(grid.start + position * grid.shift for position in positions),
        grid,
        transcription.duration if waveform is None else waveform.duration,
        sample_rate=RATE if waveform is None else waveform.sample_rate,
        tail_fired=bool(firing.tail_fired[0]),
    )
    return mixed(waveform, cif) if voice and waveform is not None else cif
