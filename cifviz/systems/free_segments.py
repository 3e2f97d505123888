"""`free_segments`: phones without a transcript, by the cuts that make each weigh one and be one.

A CIF that fires at every whole mass passes an error of its weights on to all later fires: half a
phone too much, and each fire collects two halves. Here the sound is cut anew, so that each stretch
has a mass near one and sounds like a single phone. No other phone is looked at, and no CTC.
"""

from __future__ import annotations

import numpy as np

from cifviz.systems.phone_evidence import PhoneEvidence

EVENNESS, SILENCE = 6.0, 12.0
"""What ``(mass − 1)²`` of a phone costs, and each unit of mass that no phone takes, in nats; chosen
on utterances kept out of training."""
LONGEST = 20
"""Frames that a phone takes at most."""
TIE = 1e-9
"""Costs that differ by less are equal: frames without mass are silence."""


def free_segments(evidence: PhoneEvidence) -> tuple[np.ndarray, np.ndarray]:
    """The phones of a sound and their stretches, by dynamic programming over all cuts.

    A phone that takes frames of mass m = Σα costs
    ``EVENNESS · (m − 1)² − log p(phone | Σαh / m) − Σ α log p(phone | h)``; frames that none takes
    cost ``SILENCE · m``.

    Parameters
    ----------
    evidence : PhoneEvidence

    Returns
    -------
    ids : array (phones,)
        Empty without frames or mass.
    spans : array (phones, 2)
        First frame of each phone and the one after its last, in order and disjoint; what lies
        between two of them is silence.

    Examples
    --------
    Two frames of phone 0, a frame of nothing, two of phone 1:

    >>> import torch
    >>> hidden = 9 * torch.eye(3)[[0, 0, 2, 1, 1]]
    >>> evidence = PhoneEvidence(
    ...     np.array([0.5, 0.5, 0, 0.5, 0.5]), hidden, torch.zeros(5, 4),
    ...     lambda it: it.log_softmax(dim=1)[:, :2],
    ... )
    >>> ids, spans = free_segments(evidence)
    >>> ids.tolist(), spans.tolist()
    ([0, 1], [[0, 2], [3, 5]])
    """
    # 1. What each stretch between two cuts costs as its most likely phone.
    frames, mass = len(evidence.alpha), evidence.running
    if not evidence.has_mass:
        return np.zeros(0, int), np.zeros((0, 2), int)
    cuts = np.arange(frames + 1)
    single = evidence.log_probs(np.stack([cuts[:-1], cuts[1:]], axis=1))
    alone = np.pad(np.cumsum(evidence.alpha[:, None] * single, axis=0), ((1, 0), (0, 0)))
    longest = min(LONGEST, frames)
    costs = np.full((longest + 1, frames + 1), np.inf)
    phones = np.zeros((longest + 1, frames + 1), int)
    for steps in range(1, longest + 1):
        log_probs = evidence.log_probs(np.stack([cuts[:-steps], cuts[steps:]], axis=1))
        log_probs = log_probs + alone[steps:] - alone[:-steps]
        uneven = EVENNESS * (mass[steps:] - mass[:-steps] - 1) ** 2
        costs[steps, steps:] = uneven - log_probs.max(axis=1)
        phones[steps, steps:] = log_probs.argmax(axis=1)

    # 2. The least cost up to each cut: with a phone that ends there, or a frame of silence.
    least = np.zeros(frames + 1)
    step = np.zeros(frames + 1, int)  # 0: silence
    between = SILENCE * np.diff(mass)
    for cut in range(1, frames + 1):
        lengths = np.arange(1, min(longest, cut) + 1)
        with_phone = least[cut - lengths] + costs[lengths, cut]
        best = int(with_phone.argmin())
        silent = least[cut - 1] + between[cut - 1]
        least[cut] = min(with_phone[best], silent)
        step[cut] = lengths[best] if with_phone[best] < silent - TIE else 0

    # 3. Back from the end.
    ids, spans, cut = [], [], frames
    while cut:
        if step[cut]:
            ids.append(phones[step[cut], cut])
            spans.append((cut - step[cut], cut))
        cut -= max(step[cut], 1)
    return np.array(ids[::-1], int), np.array(spans[::-1], int).reshape(-1, 2)
