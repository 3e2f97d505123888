"""Faults to plant into healthy utterances: one for each check, made as real code makes it.

They show what a check is worth: it finds its fault, and is silent without it.

>>> from cifviz.diagnosis import CHECKS
>>> set(FAULTS) == set(CHECKS)
True
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import torch

from cifviz.audio.waveform import Waveform
from cifviz.core.dialects import DIALECTS, Contributions, Dialect, fire_positions
from cifviz.diagnosis.half_precision import SUM, counts_in
from cifviz.diagnosis.observed import ObservedUtterance, frames_at
from cifviz.errors import require_choice
from cifviz.timing import FrameGrid

Plant = Callable[[ObservedUtterance], ObservedUtterance]


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong."""

    story: str
    """How it comes about, in a sentence."""
    plant: Plant
    """An utterance with it, of a healthy one that has a sound, a reference and a clock."""


def plant(name: str, utterances: Sequence[ObservedUtterance]) -> list[ObservedUtterance]:
    """Utterances with a fault.

    Parameters
    ----------
    name : str
        One of `FAULTS`.
    utterances : sequence of ObservedUtterance
        Healthy ones, with sounds, references and a clock.

    Examples
    --------
    >>> healthy = ObservedUtterance(name="a", alpha=np.full(20, 0.1), used=np.full(20, 0.1))
    >>> [wrong] = plant("token_count", [healthy])
    >>> wrong.num_fires
    1
    """
    require_choice("fault", name, FAULTS)
    return [FAULTS[name].plant(one) for one in utterances]


def refired(utterance: ObservedUtterance, alpha: np.ndarray) -> ObservedUtterance:
    """The utterance with other weights, and the full tokens in them as its fires."""
    weights = np.asarray(alpha, dtype=np.float64)
    other = replace(
        utterance, alpha=weights, used=weights, slack=0.0, fires=None, tail_fired=False, alone=None
    )
    if not other.is_valid:
        return other
    return replace(other, fires=frames_at(other.running, other.full))


def _without_sigmoid(utterance: ObservedUtterance) -> ObservedUtterance:
    return refired(utterance, utterance.alpha - 0.02)


def _integrator(utterance: ObservedUtterance) -> ObservedUtterance:
    peaks = _run_as(DIALECTS["funasr_cif"], utterance.used).accumulated
    assert peaks is not None
    swapped = refired(utterance, peaks[0].double().numpy())
    return replace(swapped, fires=None)


def _half_precision(utterance: ObservedUtterance) -> ObservedUtterance:
    again = np.tile(utterance.alpha, 12)
    long = replace(
        refired(utterance, again), waveform=None, reference=None, expected=None, tokens=None
    )
    count = counts_in(torch.bfloat16, long)[SUM]
    return replace(long, fires=frames_at(long.running, count))


def _float32(utterance: ObservedUtterance) -> ObservedUtterance:
    return _ending(utterance, missing=1e-6)


def _dropped(utterance: ObservedUtterance) -> ObservedUtterance:
    return _ending(utterance, missing=0.3)


def _ending(utterance: ObservedUtterance, *, missing: float) -> ObservedUtterance:
    """Weights that lack so much of their last token."""
    if not utterance.num_fires:
        return utterance
    wanted = (utterance.num_fires - missing) * utterance.threshold
    return refired(utterance, utterance.used * (wanted / utterance.used.sum()))


def _coarse_frames(utterance: ObservedUtterance) -> ObservedUtterance:
    factor = 16
    padded = np.pad(utterance.alpha, (0, -len(utterance.alpha) % factor))
    coarse = refired(utterance, padded.reshape(-1, factor).sum(axis=1))
    dialect = DIALECTS["cif_pytorch"]
    given = _run_as(dialect, coarse.used)
    ends = fire_positions(dialect, given)[0, : int(given.num_fires[0])].double().numpy()
    grid = None if utterance.grid is None else utterance.grid.downsampled(factor)
    return replace(coarse, fires=ends, grid=grid, waveform=None, reference=None)


def _too_loud(utterance: ObservedUtterance) -> ObservedUtterance:
    inside = np.clip(utterance.alpha, 1e-4, 1 - 1e-4)
    logits = np.log(inside / (1 - inside)) + 8
    return refired(utterance, 1 / (1 + np.exp(-logits)))


def _padding_read(utterance: ObservedUtterance) -> ObservedUtterance:
    batched = utterance.used.copy()
    batched[-2:] += 0.15
    return replace(refired(utterance, batched), alone=utterance.used)


def _silence_counts(utterance: ObservedUtterance) -> ObservedUtterance:
    seconds, weight = 2.0, 0.15
    sound, grid = utterance.waveform, utterance.grid
    if sound is None or grid is None:
        return utterance
    silence = np.zeros(round(seconds * sound.sample_rate), dtype=np.float32)
    longer = Waveform(np.concatenate([sound.samples, silence]), sound.sample_rate)
    weights = np.full(int(seconds / grid.shift), weight)
    return replace(refired(utterance, np.concatenate([utterance.used, weights])), waveform=longer)


def _wrong_shift(utterance: ObservedUtterance) -> ObservedUtterance:
    grid = utterance.grid
    return replace(utterance, grid=grid and FrameGrid(1.25 * grid.shift, grid.start))


def _late_start(utterance: ObservedUtterance) -> ObservedUtterance:
    grid = utterance.grid
    return replace(utterance, grid=grid and FrameGrid(grid.shift, grid.start + 0.5))


def _other_units(utterance: ObservedUtterance) -> ObservedUtterance:
    return refired(utterance, utterance.alpha / 2)


def _run_as(dialect: Dialect, weights: np.ndarray) -> Contributions:
    return dialect.contributions(torch.from_numpy(weights).float()[None])


FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        "invalid_weights": Fault(
            "The last layer has no sigmoid, and some weights are below 0.", _without_sigmoid
        ),
        "swapped_integrator": Fault(
            "The integrator (FunASR's peaks) is passed where weights are asked for.", _integrator
        ),
        "half_precision_sums": Fault(
            "A long sound's weights are summed up in bfloat16, under autocast.", _half_precision
        ),
        "lost_to_rounding": Fault(
            "The weights are scaled to N tokens, and their sum in float32 is a hair less.", _float32
        ),
        "lost_tail": Fault(
            "The last token collects 0.7 of its weight before the sound ends, and is dropped.",
            _dropped,
        ),
        "several_fires": Fault(
            "Frames of 0.64 s hold the ends of several tokens, and one fires in each.",
            _coarse_frames,
        ),
        "saturated_weights": Fault(
            "Features at another level push the sigmoid to its end.", _too_loud
        ),
        "batch_dependence": Fault(
            "A convolution reads the padding behind the utterance.", _padding_read
        ),
        "fires_in_silence": Fault(
            "Two seconds of silence follow, and have weights as speech has.", _silence_counts
        ),
        "drift": Fault("Frames of 40 ms are taken for frames of 50 ms.", _wrong_shift),
        "constant_shift": Fault(
            "Half a second of padding before the sound is not taken off the times.", _late_start
        ),
        "token_count": Fault(
            "The model counts units that are twice as long as those that are asked for.",
            _other_units,
        ),
    }
)
"""By the name of the check that finds it."""
