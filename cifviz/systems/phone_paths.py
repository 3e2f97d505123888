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

import itertools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch

from cifviz.core.ctc_alignment import ctc_viterbi
from cifviz.errors import require
from cifviz.systems.phone_evidence import SMALLEST, PhoneEvidence
from cifviz.systems.phone_lattice import STEPS, PhoneLattice

INSERTION, DELETION = 3.0, 3.0
"""Of "fires": what a fire without a phone costs and a phone without a fire, in nats."""
Path = Callable[[PhoneEvidence, Sequence[int], Sequence[int]], np.ndarray]


def count_path(evidence: PhoneEvidence, phones: Sequence[int], counts: Sequence[int]) -> np.ndarray:
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
    for before, behind in itertools.pairwise(edges):
        first = made[before, 1] if before >= 0 else spans[0, 0]
        last = made[behind, 0] if behind < phones else spans[-1, 1]
        missing = range(before + 1, behind)
        if not missing:
            if before >= 0 and behind < phones and not starts[behind] and last > first:
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


def segments_path(
    evidence: PhoneEvidence, phones: Sequence[int], counts: Sequence[int]
) -> np.ndarray:
    """Cuts between half frames that make each phone weigh about one and sound like itself.

    Each boundary is the median of its places in all ways to cut the sound, see `PhoneLattice`:
    better than the best way alone, and finer than its cuts.

    Parameters and result are those of `count_path`, which answers where there are fewer cuts than
    phones.

    Examples
    --------
    Two frames of phone 0, a frame of nothing, two of phone 1; two words:

    >>> hidden = 9 * torch.eye(3)[[0, 0, 2, 1, 1]]
    >>> evidence = PhoneEvidence(
    ...     np.array([0.5, 0.5, 0, 0.5, 0.5]), hidden, torch.zeros(5, 4),
    ...     lambda it: it.log_softmax(dim=1)[:, :2],
    ... )
    >>> spans = segments_path(evidence, [0, 1], [1, 1])
    >>> bool(abs(spans[:, 0] - [0, 3]).max() < 0.5), bool(abs(spans[:, 1] - [2, 5]).max() < 0.5)
    (True, True)
    """
    if STEPS * len(evidence.alpha) < len(phones):
        return count_path(evidence, phones, counts)
    return PhoneLattice(evidence, phones, counts).weights().medians()


PATHS: Mapping[str, Path] = {
    "count": count_path,
    "fires": fires_path,
    "segments": segments_path,
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
