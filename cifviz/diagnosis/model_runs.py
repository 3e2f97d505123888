"""Sounds through a model, each alone and all in batches: what `cifviz.diagnose` sees of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from cifviz.audio.waveform import Waveform
from cifviz.diagnosis.observed import ObservedUtterance
from cifviz.diagnosis.observed_inputs import observe
from cifviz.errors import CIFError, require
from cifviz.systems.base import System

BATCH = 8
"""Sounds in a batch."""


def observe_model(model: System, waveforms: Mapping[str, Waveform]) -> list[ObservedUtterance]:
    """What a model does to sounds alone and in a batch.

    Parameters
    ----------
    model : System
        In evaluation mode.
    waveforms : mapping of str to Waveform
        At its sample rate, by name.

    Returns
    -------
    list of ObservedUtterance
        In the batch, with the weights alone beside them. What the model recognises is not a
        reference: `expected` is unknown.

    Raises
    ------
    CIFError
        If the model has no CIF, or takes no such sound.
    """
    require(len(waveforms) > 0, "a model needs sounds to be diagnosed on, got none")
    names, found = list(waveforms), []
    for start in range(0, len(names), BATCH):
        part = names[start : start + BATCH]
        together = model.transcribe_batch([waveforms[name] for name in part])
        for name, transcription in zip(part, together, strict=True):
            if transcription.firing is None:
                raise CIFError(
                    f"expected a model with a CIF, {type(model).__name__} has none to diagnose"
                )
            (one,) = observe({name: transcription})
            if len(names) > 1:
                single = model.transcribe(waveforms[name]).require_firing()
                one = replace(one, alone=single.alpha[0].double().numpy())
            found.append(one)
    return found
