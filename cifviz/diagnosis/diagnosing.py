"""`diagnose`: every check on everything that is known of a CIF."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cifviz.audio.waveform import Waveform, load_waveform
from cifviz.core.tail import TailRule
from cifviz.diagnosis.checks import CHECKS
from cifviz.diagnosis.findings import SEVERITIES, Diagnosis
from cifviz.diagnosis.model_runs import observe_model
from cifviz.diagnosis.observed import ObservedUtterance
from cifviz.diagnosis.observed_inputs import by_name, observe, with_what_is_known
from cifviz.errors import require, require_number
from cifviz.formats.array_files import SUFFIXES
from cifviz.systems.base import System
from cifviz.systems.checkpoints import load_model
from cifviz.timing import FrameGrid


def diagnose(
    source: Any,
    *,
    tokens: Any = None,
    frame_shift: float | FrameGrid | None = None,
    frame_lengths: Any = None,
    threshold: float = 1.0,
    tail: TailRule | str | None = None,
    waveforms: Any = None,
    reference: Any = None,
    alone: Any = None,
    name: str = "",
) -> Diagnosis:
    """Look for what goes wrong in a CIF: lost tokens, drift, padding that counts, and more.

    Parameters
    ----------
    source
        One of: weights α, (frames,) or (batch, frames), as an array, a tensor or a list; a mapping
        of names to such; what `cifviz.capture` yielded, or a `Firing`; a `Transcription`, or
        several; `ObservedUtterance`s; a file of arrays (.npy, .npz, .safetensors) or of
        `save_firings`; a model that comes with cifviz, by its name, folder or as an object, with
        `waveforms`.
    tokens : optional
        The tokens that are spoken, or their number, of each utterance: a mapping by name, a
        sequence in order, or of a single utterance its own. Without them the model's tokens.
    frame_shift : float or FrameGrid, optional
        Seconds of a frame, of weights and firings, which know no time.
    frame_lengths : sequence of int (batch,), optional
        Real frames of each row of a batch of weights. What stands behind them is looked at too.
    threshold : float > 0
        β, of weights alone.
    tail : TailRule or str, optional
        What fires at the end, of weights alone, such as "above 0.5"; see `cifviz.core.tail`.
        Default: unknown.
    waveforms : optional
        The sound of each utterance, given as tokens are; of a model also paths of sound files.
    reference : optional
        An `Alignment` of each utterance, with true times of the same tokens; as tokens are.
    alone : optional
        The same utterances again, each run alone where `source` is of a batch: any such source. A
        model is run both ways.
    name : str
        What is diagnosed, for headings. Default: the name of the file or model.

    Returns
    -------
    Diagnosis
        Print it, or write it by `cifviz.diagnosis.to_html`.

    Raises
    ------
    CIFError
        If `source` is none of these, or something is given for an utterance that is not there.
        Weights that are negative, NaN or infinite raise nothing: that is a finding.
    DataError, AudioError, CheckpointError
        If a file, a sound or a model cannot be read.

    Examples
    --------
    The weights hold two tokens and 0.9 of the third, and the residual is dropped:

    >>> import numpy as np
    >>> found = diagnose(np.full(29, 0.1), tokens=["a", "b", "c"], tail="drop")
    >>> [(one.check, one.severity) for one in found.findings]
    [('lost_tail', 'fault'), ('token_count', 'fault')]
    >>> found.fails()
    True

    Notes
    -----
    What each check looks for, and where its limits come from: docs/diagnose.md
    """
    # 1. The utterances.
    grid = frame_shift
    if not isinstance(grid, FrameGrid) and grid is not None:
        grid = FrameGrid(require_number("frame_shift", grid, above=0))
    model = _model(source)
    if model is None:
        utterances = observe(source, frame_lengths=frame_lengths, threshold=threshold, tail=tail)
    else:
        utterances = observe_model(model, _sounds(model, waveforms))
        waveforms = None
    other = [] if alone is None else observe(alone, threshold=threshold)
    # 2. What else is known of them.
    known = with_what_is_known(
        utterances,
        tokens=tokens,
        grid=grid,
        waveforms=waveforms,
        reference=reference,
        alone=other,
    )
    if not name:
        name = source.name if isinstance(source, System) else ""
        name = Path(source).name if isinstance(source, str | Path) else name
    # 3. The checks.
    return examine(known, name)


def examine(utterances: Sequence[ObservedUtterance], name: str = "") -> Diagnosis:
    """Run every check on utterances that are observed already.

    Parameters
    ----------
    utterances : sequence of ObservedUtterance
        With names that differ.
    name : str
        What is diagnosed, for headings.
    """
    looked_at, needs, findings = {}, {}, []
    for check in CHECKS.values():
        concerned = [one for one in utterances if check.looks_at(one)]
        looked_at[check.name] = len(concerned)
        if not concerned:
            needs[check.name] = check.needs
            continue
        with np.errstate(all="ignore"):  # extreme numbers are what is looked for
            finding = check.run(concerned)
        if finding is not None:
            findings.append(finding)
    return Diagnosis(
        findings=tuple(sorted(findings, key=lambda one: SEVERITIES.index(one.severity))),
        looked_at=looked_at,
        needs=needs,
        titles={check.name: check.title for check in CHECKS.values()},
        utterances=tuple(map(_entry, utterances)),
        source=name,
    )


def _entry(utterance: ObservedUtterance) -> dict[str, Any]:
    """An utterance as the diagnosis lists it."""
    is_valid = utterance.is_valid
    return {
        "name": utterance.name,
        "frames": len(utterance.alpha),
        "weight_sum": round(utterance.predicted_mass, 4) if is_valid else None,
        "fires": utterance.num_fires if is_valid else None,
        "tokens": utterance.expected,
    }


def _model(source: Any) -> System | None:
    """The model that a source is, or names."""
    if isinstance(source, System):
        return source
    is_name = isinstance(source, str | Path) and Path(source).suffix.lower() not in SUFFIXES
    return load_model(source) if is_name else None


def _sounds(model: System, waveforms: Any) -> dict[str, Waveform]:
    """The sounds for a model, by name; paths are read."""
    require(waveforms is not None, "a model needs waveforms to be diagnosed on, got none")
    if isinstance(waveforms, Waveform | str | Path):
        waveforms = [waveforms]
    if not isinstance(waveforms, Mapping):
        every = list(waveforms)
        names = [
            Path(one).stem if isinstance(one, str | Path) else f"utterance {at}"
            for at, one in enumerate(every)
        ]
        require(len(set(names)) == len(names), "sounds must have names that differ, two share one")
        waveforms = by_name("waveforms", every, names, lambda one: False)
    rate = model.config.features.sample_rate
    return {
        str(name): load_waveform(one, sample_rate=rate) if isinstance(one, str | Path) else one
        for name, one in waveforms.items()
    }
