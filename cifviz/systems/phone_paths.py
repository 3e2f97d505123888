"""Paths: which frames of a sound each phone of a known transcript takes.

A CIF counts phones, and where its count is wrong all that follow are misplaced: a drawn-out "and"
may weigh as much as six phones. A path anchors the count to what the phones sound like. Four ways
stand in `PATHS`:

========== =========================================================================================
"count"    the whole mass in equal parts, one for each phone; nothing is looked at but the weights
"fires"    fires and phones paired as edit distance pairs them, by the probability of a phone at a
           fire; what stays over on either side has a cost
"segments" cuts that make each phone weigh about one and sound like itself: dynamic programming over
           all cuts between half frames, each boundary being the median of all ways to cut
"ctc"      the best path of a CTC layer beside the CIF, between whose tokens the mass is shared
========== =========================================================================================

The first three need a CIF alone. All are functions of a `PhoneEvidence`, of the phones' ids and of
the number of phones of each word, and give each phone its stretch (phones, 2) in fractional frames,
in order and disjoint; what lies between two stretches is silence, or not in the transcript.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from cifviz.core.ctc_alignment import ctc_viterbi
from cifviz.errors import require

INSERTION, DELETION = 3.0, 3.0
"""Of "fires": what a fire without a phone costs and a phone without a fire, in nats."""
STEPS = 2
"""Of "segments": cuts in a frame."""
LONGEST_PHONE = 25
"""Of "segments": frames that a phone takes at most, 0.6 s of Moonshine's."""
EVENNESS = 2.0
"""Of "segments": what ``(mass − 1)²`` of a phone costs, in nats."""
SILENCE, PAUSE = 3.0, 1.0
"""Of "segments": what is paid between two words for each unit of mass, and for a gap at all."""
SMALLEST = 1e-9
"""A stretch that weighs less weighs nothing."""


@dataclass(frozen=True, eq=False)
class PhoneEvidence:
    """What a CIF, and a CTC layer beside it, say about a sound."""

    alpha: np.ndarray
    """Weights (frames,), float64."""
    hidden: Tensor
    """What the CIF integrates (frames, dim)."""
    ctc: Tensor
    """Logarithms of the posteriors of CTC (frames, phones + 1); the last label is the blank."""
    classify: Callable[[Tensor], Tensor]
    """From embeddings of mass one (tokens, dim) to logarithms of the probabilities of the phones
    (tokens, phones), each from its own embedding alone."""

    @cached_property
    def running(self) -> np.ndarray:
        """Running sum of the weights from 0 (frames + 1,)."""
        return np.concatenate([[0.0], np.cumsum(self.alpha)])

    @cached_property
    def integral(self) -> np.ndarray:
        """Running sum of the weighted frames from 0 (frames + 1, dim)."""
        weighted = self.hidden.double().numpy() * self.alpha[:, None]
        return np.concatenate([np.zeros_like(weighted[:1]), np.cumsum(weighted, axis=0)])

    @property
    def has_mass(self) -> bool:
        """Whether anything weighs something."""
        return bool(self.running[-1] > SMALLEST)

    def mass_at(self, frames: np.ndarray) -> np.ndarray:
        """The running sum of the weights at fractional frames."""
        return np.interp(frames, np.arange(len(self.running)), self.running)

    def frames_at(self, mass: np.ndarray) -> np.ndarray:
        """The first fractional frame at which the running sum of the weights is so large."""
        frame = np.searchsorted(self.running[1:], mass).clip(max=len(self.alpha) - 1)
        inside = (mass - self.running[frame]) / np.maximum(self.alpha[frame], SMALLEST)
        return frame + inside.clip(0, 1)

    def log_probs(self, spans: np.ndarray) -> np.ndarray:
        """Logarithms of the phones' probabilities in stretches (spans, 2): (spans, phones)."""
        at = np.arange(len(self.running))
        place = np.clip(spans, 0, len(self.alpha))
        low = np.minimum(place.astype(int), len(at) - 2) if len(at) > 1 else place.astype(int)
        share = (place - low)[..., None]
        ends = self.integral[low] * (1 - share) + self.integral[low + 1] * share
        mass = np.diff(self.mass_at(spans), axis=1)
        return self._classified(ends[:, 1] - ends[:, 0], mass)

    def _classified(self, sums: np.ndarray, mass: np.ndarray) -> np.ndarray:
        """Of sums of weighted frames (spans, dim) with their masses (spans, 1)."""
        mean = torch.from_numpy(sums / np.maximum(mass, SMALLEST)).to(self.hidden.dtype)
        found: np.ndarray = self.classify(mean).double().numpy()
        return found


Path = Callable[[PhoneEvidence, Sequence[int], Sequence[int]], np.ndarray]


def count_path(
    evidence: PhoneEvidence, phones: Sequence[int], counts: Sequence[int]
) -> np.ndarray:
    """The whole mass in as many equal parts as there are phones.

    Parameters
    ----------
    evidence : PhoneEvidence
        With some mass.
    phones : sequence of int (phones,)
        Ids; here only their number counts.
    counts : sequence of int (words,)
        Phones of each word; not looked at.

    Returns
    -------
    array (phones, 2)
        First and last fractional frame of each phone.

    Examples
    --------
    Weights of 1, 1 and 2 for two phones:

    >>> evidence = PhoneEvidence(np.array([1.0, 1, 2]), torch.eye(3), torch.zeros(3, 3), torch.log)
    >>> count_path(evidence, [0, 1], [2]).tolist()
    [[0.0, 2.0], [2.0, 3.0]]
    """
    ends = evidence.frames_at(evidence.running[-1] * np.arange(len(phones) + 1) / len(phones))
    return np.stack([ends[:-1], ends[1:]], axis=1)


def ctc_path(evidence: PhoneEvidence, phones: Sequence[int], counts: Sequence[int]) -> np.ndarray:
    """The best path of CTC; what lies between two of its tokens is cut where half its mass is.

    A token of CTC lasts for a frame or two in the middle of a phone. Where the sound has too few
    frames for the tokens the mass is shared as in `count_path`.

    Parameters and result are those of `count_path`.

    Examples
    --------
    Phones in the first and in the last of four frames (2 is the blank), all of the same weight:

    >>> posteriors = torch.eye(3)[[0, 2, 2, 1]].clamp(min=0.01)
    >>> evidence = PhoneEvidence(np.ones(4), torch.eye(4), posteriors.log(), torch.log)
    >>> ctc_path(evidence, [0, 1], [2]).tolist()
    [[0.0, 2.0], [2.0, 4.0]]
    """
    frames, size = evidence.ctc.shape
    spans = ctc_viterbi(
        evidence.ctc[None],
        torch.tensor([frames]),
        torch.tensor(phones)[None],
        torch.tensor([len(phones)]),
        blank=size - 1,
    )[0].numpy()
    if (spans < 0).any():
        return count_path(evidence, phones, counts)
    mass = evidence.running[spans]
    cuts = evidence.frames_at((mass[:-1, 1] + mass[1:, 0]) / 2)
    cuts = cuts.clip(spans[:-1, 1], spans[1:, 0])  # a gap without mass is cut at its beginning
    ends = np.concatenate([[0.0], cuts, [float(frames)]])
    return np.stack([ends[:-1], ends[1:]], axis=1)


def fires_path(evidence: PhoneEvidence, phones: Sequence[int], counts: Sequence[int]) -> np.ndarray:
    """Fires and phones paired as edit distance pairs them.

    The weights fire freely, at every whole mass. A pair costs ``−log p`` of the phone at the fire,
    a fire without a phone `INSERTION`, a phone without a fire `DELETION`. A phone takes what its
    fire is made of. Phones without a fire share what lies between the pairs around them, by mass,
    or where there is nothing, these pairs' own stretches, too. Fires without a phone go half to the
    phone before and half to the one behind inside a word; between words nobody takes them.

    Parameters and result are those of `count_path`.

    Examples
    --------
    Three frames fire once each and are phones 0, 2 and 1; the transcript has 0 and 1, two words:

    >>> hidden = torch.eye(3)[[0, 2, 1]]
    >>> evidence = PhoneEvidence(
    ...     np.ones(3), hidden, torch.zeros(3, 4), lambda it: it.clamp(min=1e-6).log()
    ... )
    >>> fires_path(evidence, [0, 1], [1, 1]).tolist()
    [[0.0, 1.0], [2.0, 3.0]]
    """
    fires = max(int(np.floor(evidence.running[-1] + 0.5)), 1)
    total = evidence.running[-1]
    ends = evidence.frames_at(np.minimum(np.arange(fires + 1), total))
    spans = np.stack([ends[:-1], ends[1:]], axis=1)
    costs = -evidence.log_probs(spans)[:, list(phones)].T
    return shared_out(evidence, edit_path(costs), spans, word_starts(counts))


def edit_path(
    costs: np.ndarray, insertion: float = INSERTION, deletion: float = DELETION
) -> np.ndarray:
    """Which fire each phone is paired with, in order, at the least cost in all.

    Parameters
    ----------
    costs : array (phones, fires)
        Of each pair.
    insertion, deletion : float
        Of a fire without a phone and of a phone without a fire.

    Returns
    -------
    array (phones,), int64
        Index of the fire; −1 for a phone without one.

    Examples
    --------
    >>> edit_path(np.array([[0.1, 5, 5], [5, 5, 0.1]]), 1.0, 1.0).tolist()
    [0, 2]
    """
    phones, fires = costs.shape
    place = insertion * np.arange(fires + 1)
    table = np.empty((phones + 1, fires + 1))
    table[0] = place
    for phone in range(phones):
        best = table[phone] + deletion
        best[1:] = np.minimum(best[1:], table[phone, :-1] + costs[phone])
        table[phone + 1] = np.minimum.accumulate(best - place) + place
    paired = np.full(phones, -1)
    phone, fire = phones, fires
    while phone:
        value = table[phone, fire]
        if fire and np.isclose(value, table[phone - 1, fire - 1] + costs[phone - 1, fire - 1]):
            phone, fire = phone - 1, fire - 1
            paired[phone] = fire
        elif np.isclose(value, table[phone - 1, fire] + deletion):
            phone -= 1
        else:
            fire -= 1
    return paired


def shared_out(
    evidence: PhoneEvidence, paired: np.ndarray, spans: np.ndarray, starts: np.ndarray
) -> np.ndarray:
    """Stretches of all phones, from those of the fires that some are paired with.

    Parameters
    ----------
    evidence : PhoneEvidence
    paired : array (phones,)
        As `edit_path` gives it.
    spans : array (fires, 2)
        Stretches of the fires.
    starts : array (phones,), bool
        Whether a phone is the first of a word.

    Returns
    -------
    array (phones, 2)
    """
    phones = len(paired)
    made = np.where(paired[:, None] >= 0, spans[paired.clip(min=0)], 0.0)
    known = np.flatnonzero(paired >= 0)
    edges = [-1, *known.tolist(), phones]
    for before, behind in zip(edges[:-1], edges[1:], strict=True):
        first = made[before, 1] if before >= 0 else spans[0, 0]
        last = made[behind, 0] if behind < phones else spans[-1, 1]
        missing = range(before + 1, behind)
        if not missing:
            if 0 <= before and behind < phones and not starts[behind] and last > first:
                middle = evidence.frames_at(evidence.mass_at(np.array([first, last])).mean())
                made[before, 1] = made[behind, 0] = np.clip(middle, first, last)
            continue
        if evidence.mass_at(last) - evidence.mass_at(first) < 0.3 * len(missing):
            if before >= 0:
                first, missing = made[before, 0], range(before, missing.stop)
            if behind < phones:
                last, missing = made[behind, 1], range(missing.start, behind + 1)
        made[missing.start : missing.stop] = evenly(evidence, first, last, len(missing))
    return made


def evenly(evidence: PhoneEvidence, first: float, last: float, parts: int) -> np.ndarray:
    """Stretches (parts, 2) of equal mass between two frames; of equal length if it has no mass."""
    mass = evidence.mass_at(np.array([first, last]))
    share = np.arange(parts + 1) / parts
    if mass[1] - mass[0] > SMALLEST:
        ends = evidence.frames_at(mass[0] + (mass[1] - mass[0]) * share).clip(first, last)
    else:
        ends = first + (last - first) * share
    ends[0], ends[-1] = first, last
    return np.stack([ends[:-1], ends[1:]], axis=1)


def word_starts(counts: Sequence[int]) -> np.ndarray:
    """Whether each phone is the first of a word (phones,).

    >>> word_starts([2, 1]).tolist()
    [True, False, True]
    """
    starts = np.zeros(sum(counts), bool)
    starts[(np.cumsum([0, *counts])[:-1])[np.array(counts, int) > 0]] = True
    return starts


PATHS: Mapping[str, Path] = {
    "count": count_path,
    "fires": fires_path,
    "ctc": ctc_path,
}
"""By name; see the module's docstring."""


def path_spans(
    path: str, evidence: PhoneEvidence, phones: Sequence[int], counts: Sequence[int]
) -> np.ndarray:
    """Stretches of the phones on a path of `PATHS`, (phones, 2) in fractional frames.

    Raises
    ------
    CIFError
        If the counts do not add up to the number of phones.
    """
    require(
        sum(counts) == len(phones),
        f"expected counts that add up to {len(phones)} phones, got {sum(counts)}",
    )
    if not len(phones):
        return np.zeros((0, 2))
    return PATHS[path](evidence, phones, counts)
