"""α as sound and fires as clicks: the twin of ``explorer/js/sonify.js``.

Auditory display of a few data series by loudness and events is old (*sonification*); what sounds
here is the simplest of it: a tone that is as loud as the weight of the frame, and a click where the
sum of the weights fires.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cifviz.audio.waveform import Waveform
from cifviz.errors import require, require_integer, require_number
from cifviz.timing import FrameGrid

TONE, CLICK, LAST_CLICK = 330.0, 2000.0, 1000.0
"""Hz of the tone, of the click of a fire, and of one that the residual makes."""
TONE_LEVEL, CLICK_LEVEL = 0.25, 0.7
"""Amplitudes of the tone at the largest weight, and of a click: together below 1."""
DECAY, LASTING = 0.0015, 0.012
"""Seconds in which a click decays by a factor of e, and in which it is over."""
VOICE, CIF = 0.6, 0.4
"""Amplitudes of the loudest voice and of the CIF in a mix: together 1. Softer voices stay as they
are."""
SOFTEST = 0.05
"""Amplitude that a voice counts as, at least: silence has no loudness."""


def sonified(
    weights: Sequence[float] | np.ndarray,
    fires: Sequence[float],
    grid: FrameGrid,
    duration: float,
    *,
    sample_rate: int = 16000,
    top: float | None = None,
    tail_fired: bool = False,
) -> Waveform:
    """A soft tone as loud as the weights, and a click at each fire.

    Parameters
    ----------
    weights : array (frames,)
        As they fire.
    fires : sequence of float
        Seconds, rising.
    grid : FrameGrid
        Clock of the frames.
    duration : float >= 0
        Seconds.
    sample_rate : int
        Samples per second.
    top : float > 0, optional
        The weight at which the tone is loudest; larger ones are no louder. Default: the largest.
    tail_fired : bool
        Whether the last fire is made of the residual: its click is lower.

    Returns
    -------
    Waveform
        From −0.95 to 0.95. A click begins at the sample that is nearest to its fire, and ends the
        one before. The level of the tone is a line from the middle of each frame to that of the
        next; the tone is 330 Hz.

    Raises
    ------
    CIFError
        If the weights are no finite numbers (frames,), or a number is out of its range.

    Examples
    --------
    >>> sound = sonified([0.0, 0.0], [0.05], FrameGrid(0.04), 0.08, sample_rate=1000)
    >>> int(np.flatnonzero(sound.samples)[0]), round(float(sound.samples.max()), 3)
    (50, 0.7)
    """
    # 1. What was given.
    alpha = np.asarray(weights, dtype=np.float64)
    is_row = alpha.ndim == 1 and bool(np.isfinite(alpha).all())
    require(is_row, f"weights must be finite numbers (frames,), got shape {alpha.shape}")
    times = np.asarray(fires, dtype=np.float64).reshape(-1)
    require(bool(np.isfinite(times).all()), "fires must be finite seconds")
    duration = require_number("duration", duration, at_least=0)
    rate = require_integer("sample_rate", sample_rate, at_least=1)
    loudest = float(alpha.max(initial=0.0)) if top is None else require_number("top", top, above=0)
    # 2. The tone.
    count = _samples(duration, rate)
    sound = np.zeros(count)
    if loudest > 0:
        levels = np.concatenate([[0.0], alpha.clip(0, loudest) / loudest, [0.0]])
        middles = np.arange(-1, len(alpha) + 1) + 0.5
        seconds = np.arange(count) / rate
        level = np.interp((seconds - grid.start) / grid.shift, middles, levels)
        sound = TONE_LEVEL * level * np.sin(2 * np.pi * TONE * seconds)
    # 3. The clicks; one that begins ends the one before, so that they never add up.
    places = [(_samples(time, rate), fire) for fire, time in enumerate(times.tolist())]
    places = [(place, fire) for place, fire in places if 0 <= place < count]
    for index, (place, fire) in enumerate(places):
        following = places[index + 1][0] if index + 1 < len(places) else count
        passed = np.arange(min(round(LASTING * rate), max(following - place, 0))) / rate
        passed = passed[: count - place]
        pitch = LAST_CLICK if tail_fired and fire == len(times) - 1 else CLICK
        click = CLICK_LEVEL * np.exp(-passed / DECAY) * np.cos(2 * np.pi * pitch * passed)
        sound[place : place + len(passed)] += click
    return Waveform(sound.astype(np.float32), rate)


def mixed(voice: Waveform, cif: Waveform) -> Waveform:
    """The voice with what its CIF does below it, as soft as the voice is and as long as the second.

    Returns
    -------
    Waveform
        From −1 to 1, where the voice is. With A, the voice's largest amplitude, and g = min(1, 0.6
        / A): ``g · (voice + ⅔ A · cif)``.

    Raises
    ------
    CIFError
        If their sample rates differ.

    Examples
    --------
    >>> ones = Waveform(np.ones(2, np.float32), 8000)
    >>> mixed(ones, ones).samples.round(3).tolist()
    [1.0, 1.0]
    """
    require(
        voice.sample_rate == cif.sample_rate,
        f"expected a voice of {cif.sample_rate} Hz, got {voice.sample_rate} Hz",
    )
    loudest = max(float(np.abs(voice.samples).max(initial=0.0)), SOFTEST)
    gain = min(1.0, VOICE / loudest)
    made = gain * loudest * CIF / VOICE * cif.samples.astype(np.float64)
    shared = min(len(made), len(voice.samples))
    made[:shared] += gain * voice.samples[:shared].astype(np.float64)
    return Waveform(made.astype(np.float32), cif.sample_rate)


def _samples(seconds: float, rate: int) -> int:
    """Number of samples; a half is rounded up."""
    return int(np.floor(seconds * rate + 0.5))
