"""`pauses` of a sound by its level, and `windows`, the pieces that a long one is encoded in.

The pretrained encoder takes half a minute at once (`cifviz.audio.moonshine.LONGEST`). A longer
sound is cut where nobody speaks. Loudness decides, not whether it is speech: a click is no pause,
and music is none. Levels are those of pieces of 24 ms, the clock of the encoder's frames.
"""

from __future__ import annotations

import itertools

import numpy as np

from cifviz.audio.moonshine import HOP_LENGTH, LONGEST
from cifviz.audio.waveform import Waveform
from cifviz.errors import require_number, require_type

CONTEXT = 1.0
"""Seconds of sound on each side of a window that its encoder may look at besides."""
LONGEST_WINDOW = LONGEST - 2 * CONTEXT
"""Seconds of a window, at most, without its context."""
SHORTEST_PAUSE = 0.2
"""Seconds: longer than the closure of a stop consonant."""

_SILENT = -100.0
"""dB re full scale: what is quieter is digital silence, with or without dither of 16 bits."""
_PIECE = 10.0
"""Seconds for which one threshold is found, from three times as much sound around them."""
_RANGE = 50.0
"""dB from the loudest to what counts as the floor, at most."""
_SHARE = 0.4
"""Where the threshold lies between the floor (0) and the loudest (1)."""
_FLAT = 6.0
"""dB: if the loudest is not so much above the floor, there are no pauses to tell from it."""


def levels(waveform: Waveform) -> np.ndarray:
    """Level of each piece of 384 samples, dB re full scale (pieces,); the last may be shorter.

    >>> levels(Waveform(np.ones(400, dtype=np.float32))).round(6).tolist()
    [0.0, 0.0]
    """
    require_type("waveform", waveform, Waveform)
    samples = waveform.samples
    whole = samples[: len(samples) // HOP_LENGTH * HOP_LENGTH].reshape(-1, HOP_LENGTH)
    # Without a copy of the sound in another type.
    power = np.einsum("ij,ij->i", whole, whole).astype(np.float64) / HOP_LENGTH
    rest = samples[whole.size :].astype(np.float64)
    if len(rest):
        power = np.append(power, np.mean(rest**2))
    return 10 * np.log10(np.maximum(power, 1e-12))


def quiet(waveform: Waveform) -> np.ndarray:
    """Whether each piece of 384 samples is quieter than the speech around it, bool (pieces,).

    The threshold lies between the level that the quietest tenth of half a minute does not exceed,
    and the one that its loudest twentieth exceeds. Digital silence is always quiet; a sound of
    constant level is never.
    """
    level = levels(waveform)
    size = round(_PIECE * waveform.sample_rate / HOP_LENGTH)
    found = level < _SILENT
    for first in range(0, len(level), size):
        around = level[max(0, first - size) : first + 2 * size]
        recognised = around[around >= _SILENT]
        if not len(recognised):
            continue
        loud = np.percentile(recognised, 95)
        floor = max(np.percentile(around, 10), loud - _RANGE)
        if loud - floor >= _FLAT:
            found[first : first + size] |= level[first : first + size] < (
                floor + _SHARE * (loud - floor)
            )
    return found


def pauses(waveform: Waveform, *, shortest: float = SHORTEST_PAUSE) -> list[tuple[float, float]]:
    """Where nobody speaks: start and end of each pause in seconds, in order.

    Parameters
    ----------
    waveform : Waveform
        Of any length.
    shortest : float >= 0
        Seconds of a pause, at least.

    Returns
    -------
    list of (float, float)
        In multiples of 384 samples, but for the end of the sound. Digital silence of that length
        is a pause; a sound of constant level has none.

    Examples
    --------
    A second of silence between two of noise:

    >>> noise = np.random.default_rng(0).normal(size=48_000).astype(np.float32) / 10
    >>> noise[16_000:32_000] = 0
    >>> [(round(start, 2), round(end, 2)) for start, end in pauses(Waveform(noise))]
    [(1.01, 1.99)]
    """
    shortest = require_number("shortest", shortest, at_least=0)
    rate = waveform.sample_rate
    times = [(first * HOP_LENGTH / rate, end * HOP_LENGTH / rate) for first, end in _runs(waveform)]
    times = [(start, min(end, waveform.duration)) for start, end in times]
    return [(start, end) for start, end in times if end - start >= shortest]


def windows(waveform: Waveform, *, longest: float = LONGEST_WINDOW) -> list[tuple[int, int]]:
    """Cut a sound into pieces of which none is too long, in pauses where there are any.

    Parameters
    ----------
    waveform : Waveform
        Of any length.
    longest : float
        Seconds of a window, at least 1.

    Returns
    -------
    list of (int, int)
        First sample of each window, and the one behind its last: in order, without gap or overlap,
        and they cover the sound. All begin at multiples of 384 samples, so their frames are those
        of the whole. A window but the last is at least half as long as the longest, and ends in the
        middle of the longest pause that this leaves, or at the quietest place.

    Raises
    ------
    CIFError
        If `longest` is less than a second.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(size=48_000).astype(np.float32) / 10
    >>> noise[16_000:32_000] = 0
    >>> windows(Waveform(noise), longest=2)
    [(0, 23808), (23808, 48000)]
    """
    # 1. What is loud, what is a pause.
    longest = require_number("longest", longest, at_least=1)
    level, total = levels(waveform), len(waveform.samples)
    if not total:
        return []
    shortest = SHORTEST_PAUSE * waveform.sample_rate / HOP_LENGTH
    gaps = [run for run in _runs(waveform) if run[1] - run[0] >= shortest]
    most = int(longest * waveform.sample_rate) // HOP_LENGTH

    # 2. From the left, the best place to cut of those that are not too near or far.
    cuts = [0]
    while total > (cuts[-1] + most) * HOP_LENGTH:
        low, high = cuts[-1] + most // 2, cuts[-1] + most
        inside = [(max(first, low), min(end, high)) for first, end in gaps]
        inside = [(first, end) for first, end in inside if end - first >= shortest]
        if inside:
            first, end = max(inside, key=lambda gap: gap[1] - gap[0])
            cuts.append((first + end) // 2)
        else:
            cuts.append(quietest(level, low, high))
    edges = [cut * HOP_LENGTH for cut in cuts] + [total]
    return list(itertools.pairwise(edges))


def _runs(waveform: Waveform) -> list[tuple[int, int]]:
    """First piece of each quiet run, and the one behind its last."""
    changes = np.diff(quiet(waveform).astype(np.int8), prepend=0, append=0)
    firsts, ends = np.flatnonzero(changes > 0).tolist(), np.flatnonzero(changes < 0).tolist()
    return list(zip(firsts, ends, strict=True))


def quietest(level: np.ndarray, low: int, high: int) -> int:
    """Where between two pieces it is quietest, by both levels; the middle one of equals.

    Parameters
    ----------
    level : array (pieces,)
        What `levels` gave.
    low, high : int
        The first and the last piece at whose beginning may be cut, 0 < low <= high < pieces.

    Examples
    --------
    >>> quietest(np.array([0.0, 0, -20, -20, 0]), 1, 4)
    3
    """
    both = level[low - 1 : high] + level[low : high + 1]
    least = np.flatnonzero(both == both.min())
    return low + int(least[len(least) // 2])
