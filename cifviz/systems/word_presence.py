"""Whether the words of a transcript are really there, and what is said besides.

A path finds a place for every word, also for one that nobody said. Whether it was said is judged
by all ways to cut the sound that hold it against all that leave it out, see
`PhoneLattice.weights`, and by how much its phones sound like themselves where they were put.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cifviz.systems.phone_evidence import PhoneEvidence
from cifviz.systems.phone_lattice import PhoneLattice

SKIP = 3.0
"""What it costs to leave a word out, in nats."""
LEAST_UNEXPLAINED = 1.5
"""Mass of a stretch without a word from which on something is said in it, in phones."""
LARGEST = 30.0
"""Logarithms of odds beyond which they say no more."""


@dataclass(frozen=True, eq=False)
class Presence:
    """What of a transcript is there, and what besides."""

    probabilities: tuple[float, ...]
    """For each word, that it was said."""
    unexplained: tuple[tuple[float, float], ...]
    """Stretches in which something is said that is not in the transcript, in fractional frames."""


def word_features(
    evidence: PhoneEvidence, lattice: PhoneLattice, phones: Sequence[int], skip: float = SKIP
) -> tuple[np.ndarray, np.ndarray]:
    """What speaks for each word, and how likely each frame is no word's.

    Returns
    -------
    features : array (words, 4)
        Logarithm of the odds of ways that hold the word and ways that leave it out; the same for
        each of its phones; mean logarithm of the probability of its phones, and of that relative to
        the most likely phone, where they are on a path that leaves no word out.
    free : array (frames,)
        Probability that a frame is in a gap.
    """
    loose, strict = lattice.weights(skip), lattice.weights()
    said = np.logaddexp.reduce(loose.ends[lattice.last].astype(np.float64), axis=1)
    odds = (said - loose.skipped).clip(-LARGEST, LARGEST)
    counts = lattice.last - lattice.first + 1
    log_probs = evidence.log_probs(strict.medians())
    own = log_probs[np.arange(len(phones)), list(phones)]
    means = [
        np.add.reduceat(one, lattice.first) / counts for one in (own, own - log_probs.max(axis=1))
    ]
    free = 1 - loose.taken().sum(axis=0)
    return np.stack([odds, odds / counts, *means], axis=1), free.clip(0, 1)


def unexplained(lattice: PhoneLattice, free: np.ndarray) -> list[tuple[float, float, float]]:
    """Stretches of frames that are rather no word's: first and last frame, and mass in gaps."""
    rather = np.concatenate([[False], free > 0.5, [False]])
    edges = np.flatnonzero(np.diff(rather.astype(int))).reshape(-1, 2)
    mass = np.concatenate([[0.0], np.cumsum(free * np.diff(lattice.mass))])
    return [(float(a), float(b), float(mass[b] - mass[a])) for a, b in edges]
