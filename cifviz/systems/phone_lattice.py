"""`PhoneLattice`: all ways to cut a sound into the phones of a transcript, with their weights.

A segmental model: a phone takes a stretch between two cuts, and is judged from what the CIF
integrates in all of it. Sums over all ways come from the forward and backward recursions of
semi-Markov models (Ostendorf, Digalakis & Kimball 1996, "From HMM's to segment models").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cifviz.systems.phone_evidence import PhoneEvidence

LONGEST_PHONE = 25
"""Frames that a phone takes at most, 0.6 s of Moonshine's."""
TOKEN, EVENNESS = 2.0, 4.0
"""What ``−log p`` of a phone in all of its stretch costs, and ``(mass − 1)²``."""
SILENCE, PAUSE = 4.0, 8.0
"""What is paid between two words for each unit of mass, and for a gap at all. Silence weighs next
to nothing; what weighs is not in the transcript."""
NEVER = -np.inf


@dataclass(frozen=True, eq=False)
class CutWeights:
    """Where phones begin and end, over all ways to cut: logarithms of weights (phones, cuts)."""

    starts: np.ndarray
    """Of all ways in which a phone begins at a cut."""
    ends: np.ndarray
    """Of all ways in which it ends there."""
    total: float
    """Of all ways."""
    skipped: np.ndarray
    """Of all ways that leave a word out (words,)."""

    def medians(self) -> np.ndarray:
        """Median beginning and end of each phone (phones, 2), in fractional frames."""
        both = [_medians(weights) for weights in (self.starts, self.ends)]
        return np.stack([both[0], np.maximum(*both)], axis=1)

    def taken(self) -> np.ndarray:
        """Probability that a phone takes a frame (phones, frames)."""
        started, ended = (
            np.cumsum(np.exp(one.astype(np.float64) - self.total), axis=1)
            for one in (self.starts, self.ends)
        )
        return (started - ended)[:, :-1].clip(0, 1)


class PhoneLattice:
    """All ways to cut a sound into some phones, in order.

    Cuts are between frames. A phone that takes frames of mass m = Σα costs
    ``EVENNESS · (m − 1)² − TOKEN · log p(phone | Σαh / m) − Σ α log p(phone | h)``: it weighs about
    one, and sounds like itself as a whole and in each frame. Before, between and behind words there
    may be gaps, each for ``SILENCE · m + PAUSE``. A way to cut the sound has the weight
    ``exp −(its costs)``.

    Parameters
    ----------
    evidence : PhoneEvidence
        With a frame at least.
    phones : sequence of int (phones,)
        Ids, at least one, no more than there are frames.
    counts : sequence of int >= 1 (words,)
        Phones of each word.
    anchors : array (phones, 2), optional
        Frames that each phone takes, but for one on either side: first and the one after the last.
    """

    def __init__(
        self,
        evidence: PhoneEvidence,
        phones: Sequence[int],
        counts: Sequence[int],
        anchors: np.ndarray | None = None,
    ):
        frames = len(evidence.alpha)
        self.mass, self.cuts = evidence.running, frames + 1
        self.longest = min(LONGEST_PHONE, frames)
        self.last = np.cumsum(counts) - 1
        """Last phone of each word."""
        self.first = self.last - np.asarray(counts) + 1
        self.anchors = anchors
        distinct, self.phones = np.unique(np.asarray(phones), return_inverse=True)
        single = evidence.log_probs(np.stack([np.arange(frames), np.arange(1, frames + 1)], axis=1))
        weighted = evidence.alpha[:, None] * single[:, distinct]
        by_frame = np.concatenate([np.zeros_like(weighted[:1]), np.cumsum(weighted, axis=0)])
        self.scores = np.full((len(distinct), self.longest, self.cuts), NEVER, np.float32)
        """Of each phone, number of frames less one, and cut where it ends."""
        for length in range(1, self.longest + 1):
            first = np.arange(self.cuts - length)
            log_probs = evidence.log_probs(np.stack([first, first + length], axis=1))
            cost = EVENNESS * (self.mass[length:] - self.mass[:-length] - 1) ** 2
            score = TOKEN * log_probs[:, distinct].T - cost
            self.scores[:, length - 1, length:] = score + (by_frame[length:] - by_frame[:-length]).T

    def weights(self, skip: float | None = None) -> CutWeights:
        """Sums over all ways.

        Parameters
        ----------
        skip : float, optional
            What it costs to leave a word out; by default none is left out.
        """
        begun, ended, reached = self._forward(skip)
        to_go, left, remaining = self._backward(skip)
        skipped = np.full(len(self.first), NEVER)
        if skip is not None:
            skipped = _log_sum((reached[:-1] + remaining[1:]).T) - skip
        total = float(_log_sum(reached[-1] + remaining[-1]))
        return CutWeights(begun + left, ended + to_go, total, skipped)

    def _forward(self, skip: float | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Weights of all ways to each phone's start, to its end, and past so many words.

        The last are without the gap that follows: (words + 1, cuts).
        """
        begun = np.full((len(self.phones), self.cuts), NEVER, np.float32)
        ended = begun.copy()
        reached = np.full((len(self.first) + 1, self.cuts), NEVER, np.float32)
        reached[0, 0] = 0
        for word, (first, last) in enumerate(zip(self.first, self.last, strict=True)):
            here = self._with_gaps(reached[word])
            for phone in range(first, last + 1):
                begun[phone] = here = self._anchored(here, phone, end=False)
                padded = np.concatenate([np.full(self.longest, NEVER, np.float32), here])
                shifted = np.lib.stride_tricks.sliding_window_view(padded, self.cuts)
                shifted = shifted[self.longest - 1 :: -1]
                here = _log_sum(shifted + self.scores[self.phones[phone]])
                here = ended[phone] = self._anchored(here, phone, end=True)
            reached[word + 1] = here
            if skip is not None:
                reached[word + 1] = np.logaddexp(here, reached[word] - np.float32(skip))
        return begun, ended, reached

    def _backward(self, skip: float | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Weights of all ways from each phone's end, from its start, and behind so many words.

        The last begin with the gap: (words + 1, cuts).
        """
        left = np.full((len(self.phones), self.cuts), NEVER, np.float32)
        to_go = left.copy()
        padded = np.full((self.longest, self.cuts + self.longest), NEVER, np.float32)
        row, one = padded.strides
        by_start = np.lib.stride_tricks.as_strided(
            padded[:, 1:], (self.longest, self.cuts), (row + one, one)
        )
        remaining = np.full((len(self.first) + 1, self.cuts), NEVER, np.float32)
        remaining[-1, -1] = 0
        remaining[-1] = self._with_gaps(remaining[-1], backward=True)
        for word in range(len(self.first) - 1, -1, -1):
            first, last, here = self.first[word], self.last[word], remaining[word + 1]
            for phone in range(last, first - 1, -1):
                to_go[phone] = here = self._anchored(here, phone, end=True)
                padded[:, : self.cuts] = self.scores[self.phones[phone]] + here
                here = left[phone] = self._anchored(_log_sum(by_start), phone, end=False)
            remaining[word] = self._with_gaps(here, backward=True)
            if skip is not None:
                skipping = remaining[word + 1] - np.float32(skip)
                remaining[word] = np.logaddexp(remaining[word], skipping)
        return to_go, left, remaining

    def _anchored(self, weights: np.ndarray, phone: int, *, end: bool) -> np.ndarray:
        """Of each cut, unless the phone may not begin or end there."""
        if self.anchors is None:
            return weights
        cuts, (first, last) = np.arange(self.cuts), self.anchors[phone]
        return np.where(cuts >= last - 1 if end else cuts <= first + 1, weights, NEVER)

    def _with_gaps(self, weights: np.ndarray, *, backward: bool = False) -> np.ndarray:
        """Each cut, and all before it (behind it) from where a gap leads there."""
        order = slice(None, None, -1 if backward else 1)
        paid = SILENCE * np.abs(self.mass[order] - self.mass[order][0])
        values = weights[order].astype(np.float64)
        led = np.logaddexp.accumulate(values + paid)
        found = values.copy()
        found[1:] = np.logaddexp(values[1:], led[:-1] - paid[1:] - PAUSE)
        gone: np.ndarray = found[order].astype(np.float32)
        return gone


def _log_sum(values: np.ndarray) -> np.ndarray:
    """Logarithm of the sum of exponentials over the first axis; −∞ of nothing but −∞."""
    top = values.max(axis=0)
    base = np.where(np.isfinite(top), top, 0)
    with np.errstate(divide="ignore"):
        found: np.ndarray = base + np.log(np.exp(values - base).sum(axis=0))
    return found


def _medians(weights: np.ndarray) -> np.ndarray:
    """Median cut of each row of logarithms of weights, between cuts where it lies there."""
    share = np.exp(weights.astype(np.float64) - weights.max(axis=1, keepdims=True))
    running = np.cumsum(share, axis=1) / share.sum(axis=1, keepdims=True)
    place = (running < 0.5).sum(axis=1)
    rows = np.arange(len(weights))
    below = np.where(place > 0, running[rows, place - 1], 0.0)
    inside = (0.5 - below) / (running[rows, place] - below)
    found: np.ndarray = np.clip(place - 0.5 + inside, 0, weights.shape[1] - 1)
    return found
