"""Whether the words of a transcript are really there, and what is spoken besides.

A path finds a place for every word, also for one that nobody spoke. Whether it was
spoken is judged by all ways to cut the sound that hold it against all that leave it out, see
`PhoneLattice.weights`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cifviz.systems.phone_evidence import PhoneEvidence
from cifviz.systems.phone_lattice import PhoneLattice

SKIP = 6.0
"""What it costs to leave a word out, in nats."""
LARGEST = 30.0
"""Logarithms of odds beyond which they say no more."""
ODDS, CONSTANT = 0.414, 0.574
"""Of the logistic model: what the logarithm of the odds of a word is multiplied by, and what is
added. Fitted to 252 planted errors in held-out prompts and GRID sentences, where one word in eight
is not there."""
LEAST_UNEXPLAINED = 1.5
"""Mass of a stretch without a word, in phones, from which on something is spoken in it."""


@dataclass(frozen=True, eq=False)
class Presence:
    """What of a transcript is there, and what besides."""

    probabilities: tuple[float, ...]
    """For each word, that it was spoken."""
    unexplained: tuple[tuple[float, float], ...]
    """Stretches in which something is spoken that is not in the transcript, in frames."""
    free_mass: float
    """Mass that is no word's, in phones."""


def word_presence(
    evidence: PhoneEvidence, phones: Sequence[int], counts: Sequence[int]
) -> Presence:
    """Which words of a transcript were spoken, and where other words were.

    Parameters
    ----------
    evidence : PhoneEvidence
    phones : sequence of int (phones,)
        Ids.
    counts : sequence of int >= 1 (words,)
        Phones of each word.

    Returns
    -------
    Presence
        A probability is ``1 / (1 + exp −(ODDS · o + CONSTANT))``, o being the logarithm of the odds
        of ways that hold the word against ways that leave it out. All are 0 where there are fewer
        frames than phones.
    """
    if len(evidence.alpha) < len(phones):
        return Presence((0.0,) * len(counts), (), 0.0)
    if not phones:
        free = np.ones(len(evidence.alpha))
        return Presence((), *unexplained(evidence, free))
    odds, free = word_odds(evidence, phones, counts)
    probabilities = 1 / (1 + np.exp(-ODDS * odds - CONSTANT))
    return Presence(tuple(probabilities.tolist()), *unexplained(evidence, free))


def misfit(presence: Presence, phones: int, duration: float) -> str:
    """One sentence about a transcript that does not fit a sound; empty where it fits.

    It does not fit where half of its words are probably not there, or where at least as much is
    spoken besides as is in it.

    Parameters
    ----------
    presence : Presence
    phones : int
        Of the transcript.
    duration : float
        Of the sound, seconds.

    Examples
    --------
    >>> misfit(Presence((0.1, 0.9, 0.2), (), 0.0), 9, 2.0)
    'the transcript does not fit this sound: 2 of its 3 words are probably not in these 2.0 s'
    >>> misfit(Presence((0.9,), ((3.0, 90.0),), 30.0), 3, 2.0)
    'the transcript does not fit this sound: most of the speech in these 2.0 s is not in it'
    """
    missing, words = sum(one < 0.5 for one in presence.probabilities), len(presence.probabilities)
    length = f"{duration:.1f} s" if duration < 60 else f"{duration / 60:.1f} min"
    begin = "the transcript does not fit this sound"
    if missing and 2 * missing >= words:
        are = "is" if missing == 1 else "are"
        which = f"{missing} of its {words} words {are}" if words > 1 else "its word is"
        return f"{begin}: {which} probably not in these {length}"
    if words and presence.free_mass >= phones:
        return f"{begin}: most of the speech in these {length} is not in it"
    return ""


def word_odds(
    evidence: PhoneEvidence, phones: Sequence[int], counts: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """What speaks for each word, and how likely each frame is no word's.

    Returns
    -------
    odds : array (words,)
        Logarithm of the odds of ways that hold the word against ways that leave it out, within
        ±`LARGEST`.
    free : array (frames,)
        Probability that a frame is in a gap, where words may be left out.
    """
    lattice = PhoneLattice(evidence, phones, counts)
    found = lattice.weights(SKIP)
    present = np.logaddexp.reduce(found.ends[lattice.last].astype(np.float64), axis=1)
    odds = (present - found.skipped).clip(-LARGEST, LARGEST)
    return odds, (1 - found.taken().sum(axis=0)).clip(0, 1)


def unexplained(
    evidence: PhoneEvidence, free: np.ndarray
) -> tuple[tuple[tuple[float, float], ...], float]:
    """Stretches of frames that are rather no word's and weigh enough, and the mass of all of them.

    Each goes from the frame at a tenth of its mass to that at nine tenths: silence around it weighs
    next to nothing.

    Parameters
    ----------
    evidence : PhoneEvidence
    free : array (frames,)
        Probability that a frame is no word's.

    Examples
    --------
    >>> import torch
    >>> evidence = PhoneEvidence(np.ones(6), torch.eye(6), torch.zeros(6, 2), torch.log)
    >>> unexplained(evidence, np.array([1.0, 0, 1, 1, 0, 0]))
    (((2.2, 3.8),), 2.0)
    """
    rather = np.concatenate([[False], free > 0.5, [False]])
    found, total = [], 0.0
    for first, last in np.flatnonzero(np.diff(rather.astype(int))).reshape(-1, 2):
        start, end = evidence.running[first], evidence.running[last]
        if end - start >= LEAST_UNEXPLAINED:
            share = start + (end - start) * np.array([0.1, 0.9])
            found.append(tuple(evidence.frames_at(share).tolist()))
            total += float(end - start)
    return tuple(found), total
