"""Paths: which frames of a sound each phone of a known transcript takes.

A CIF counts phones, and where its count is wrong all that follow are misplaced: a drawn-out "and"
may weigh as much as six phones. A path anchors the count to what the phones sound like. Four ways
stand in `PATHS`:

========== =========================================================================================
"count"    the whole mass in equal parts, one for each phone; nothing is looked at but the weights
"fires"    fires and phones paired as edit distance pairs them, by the probability of a phone at a
           fire; what stays over on either side has a cost
"segments" cuts that make each phone weigh about one and sound like itself: dynamic programming over
           all cuts between frames, each boundary being the median of all ways to cut
"ctc"      the same, but each phone takes the frames of its token on the best path of a CTC layer
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
from cifviz.systems.phone_lattice import PhoneLattice

INSERTION, DELETION, REPEAT = 3.0, 3.0, 0.5
"""Of "fires": what a fire without a phone costs, a phone without a fire, and each fire of a phone
but one, in nats."""
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


def fires_path(evidence: PhoneEvidence, phones: Sequence[int], counts: Sequence[int]) -> np.ndarray:
    """Fires and phones paired as edit distance pairs them.

    The weights fire freely, at every whole mass. A pair costs ``−log p`` of the phone at the fire;
    a further fire of the same phone `REPEAT` more; a fire without a phone `INSERTION`, a phone
    without a fire `DELETION`. A phone takes what its fires are made of. Phones without a fire share
    what lies between the pairs around them, by mass, or where there is nothing, these pairs' own
    stretches, too. Fires without a phone go half to the phone before and half to the one behind
    inside a word; between words nobody takes them.

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
    return shared_out(evidence, spans, edit_path(costs), word_starts(counts))


def edit_path(
    costs: np.ndarray,
    insertion: float = INSERTION,
    deletion: float = DELETION,
    repeat: float = REPEAT,
) -> np.ndarray:
    """Which fires each phone is paired with, in order, at the least cost in all.

    Parameters
    ----------
    costs : array (phones, fires)
        Of each pair.
    insertion, deletion, repeat : float
        Of a fire without a phone, of a phone without a fire, and of each fire of a phone but one.

    Returns
    -------
    array (phones, 2), int64
        First fire of a phone and the one after its last; −1 for a phone without one.

    Examples
    --------
    >>> edit_path(np.array([[0.1, 5, 5], [5, 5, 0.1]]), 1.0, 1.0, 1.0).tolist()
    [[0, 1], [2, 3]]
    """
    # 1. The least cost of so many phones and fires: the last phone pairs with the fire before
    #    `origin` or with none, and those behind it are further ones of the phone, or nobody's.
    phones, fires = costs.shape
    further = np.minimum(insertion, costs + repeat)
    least = insertion * np.arange(fires + 1)
    is_paired = np.zeros((phones, fires + 1), bool)
    origin = np.zeros((phones, fires + 1), int)
    for phone in range(phones):
        pair = np.concatenate([[np.inf], least[:-1] + costs[phone]])
        is_paired[phone] = pair < least + deletion
        best = np.minimum(pair, least + deletion)
        place = np.concatenate([[0.0], np.cumsum(further[phone])])
        lowest = np.minimum.accumulate(best - place)
        origin[phone] = np.maximum.accumulate(
            np.where(best - place <= lowest, np.arange(fires + 1), 0)
        )
        least = lowest + place

    # 2. Backwards from the end.
    found = np.full((phones, 2), -1)
    fire = fires
    for phone in range(phones - 1, -1, -1):
        end, fire = fire, origin[phone, fire]
        if is_paired[phone, fire]:
            own = np.flatnonzero(costs[phone, fire:end] + repeat < insertion)
            found[phone] = fire - 1, fire + (own[-1] + 1 if len(own) else 0)
            fire -= 1
    return found


def shared_out(
    evidence: PhoneEvidence, spans: np.ndarray, paired: np.ndarray, starts: np.ndarray
) -> np.ndarray:
    """Stretches of all phones, from those of the fires that some are paired with.

    Parameters
    ----------
    evidence : PhoneEvidence
    spans : array (fires, 2)
        Stretches of the fires.
    paired : array (phones, 2)
        As `edit_path` gives it.
    starts : array (phones,), bool
        Whether a phone is the first of a word.

    Returns
    -------
    array (phones, 2)
    """
    phones = len(paired)
    is_paired = paired[:, 0] >= 0
    made = np.stack([spans[paired[:, 0].clip(0), 0], spans[(paired[:, 1] - 1).clip(0), 1]], axis=1)
    known = np.flatnonzero(is_paired)
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
    """Cuts between frames that make each phone weigh about one and sound like itself.

    Each boundary is the median of its places in all ways to cut the sound, see `PhoneLattice`:
    better than the best way alone, and finer than its cuts.

    Parameters and result are those of `count_path`, which answers where there are fewer frames
    than phones.

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
    if len(evidence.alpha) < len(phones):
        return count_path(evidence, phones, counts)
    return PhoneLattice(evidence, phones, counts).weights().medians()


def ctc_path(evidence: PhoneEvidence, phones: Sequence[int], counts: Sequence[int]) -> np.ndarray:
    """Like `segments_path`, but each phone takes the frames of its token on CTC's best path.

    CTC gives a token a frame or two in the middle of a phone; the phone takes them, but for one on
    either side, and the cuts between are those of `segments_path`.

    Parameters and result are those of `count_path`, which answers where there is no such path.

    Examples
    --------
    CTC has the phones in the first and in the last of four frames (2 is the blank), all of the same
    weight and sound: the cut is in the middle.

    >>> posteriors = torch.eye(3)[[0, 2, 2, 1]].clamp(min=0.01)
    >>> evidence = PhoneEvidence(
    ...     np.full(4, 0.5), torch.zeros(4, 4), posteriors.log(), lambda it: it.log_softmax(dim=1)
    ... )
    >>> ctc_path(evidence, [0, 1], [2]).round(2).tolist()
    [[0.0, 2.0], [2.0, 4.0]]
    """
    frames, size = evidence.ctc.shape
    anchors = ctc_viterbi(
        evidence.ctc[None],
        torch.tensor([frames]),
        torch.tensor(phones)[None],
        torch.tensor([len(phones)]),
        blank=size - 1,
    )[0].numpy()
    if (anchors < 0).any():
        return count_path(evidence, phones, counts)
    found = PhoneLattice(evidence, phones, counts, anchors).weights()
    return found.medians() if np.isfinite(found.total) else count_path(evidence, phones, counts)


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
