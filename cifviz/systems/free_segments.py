"""`free_segments`: phones without a transcript, by the cuts that make each weigh one and be one.

A CIF that fires at every whole mass passes an error of its weights on to all later fires: half a
phone too much, and each fire collects two halves. Here the sound is cut anew, so that each stretch
has a mass near one and sounds like a single phone. No other phone is looked at, and no CTC.
"""

from __future__ import annotations

import numpy as np

from cifviz.systems.phone_evidence import PhoneEvidence
from cifviz.systems.phone_lattice import STEPS

EVENNESS, SILENCE = 3.0, 3.0
"""What ``(mass − 1)²`` of a phone costs, and each unit of mass that no phone takes, in nats; chosen
on utterances kept out of training."""
TIE = 1e-9
"""Costs that differ by less are equal: frames without mass are silence."""
LONGEST = 16
"""Frames that a phone takes at most."""


def free_segments(evidence: PhoneEvidence) -> tuple[np.ndarray, np.ndarray]:
    """The phones of a sound and their stretches, by dynamic programming over all cuts.

    Parameters
    ----------
    evidence : PhoneEvidence

    Returns
    -------
    ids : array (phones,)
        Empty without frames or mass.
    spans : array (phones, 2)
        First and last fractional frame of each phone, in order and disjoint; what lies between two
        of them is silence.

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
    ([0, 1], [[0.0, 2.0], [3.0, 5.0]])
    """
    # 1. What each stretch between two cuts costs as its most likely phone.
    frames = len(evidence.alpha)
    if not frames or not evidence.has_mass:
        return np.zeros(0, int), np.zeros((0, 2))
    at = np.linspace(0, frames, STEPS * frames + 1)
    mass = evidence.mass_at(at)
    longest = min(STEPS * LONGEST, len(at) - 1)
    costs = np.full((longest + 1, len(at)), np.inf)
    phones = np.zeros((longest + 1, len(at)), int)
    for steps in range(1, longest + 1):
        log_probs = evidence.log_probs(np.stack([at[:-steps], at[steps:]], axis=1))
        uneven = EVENNESS * (mass[steps:] - mass[:-steps] - 1) ** 2
        costs[steps, steps:] = uneven - log_probs.max(axis=1)
        phones[steps, steps:] = log_probs.argmax(axis=1)

    # 2. The least cost up to each cut: with a phone that ends there, or a step of silence.
    least = np.zeros(len(at))
    step = np.zeros(len(at), int)  # 0: silence
    between = SILENCE * np.diff(mass)
    for cut in range(1, len(at)):
        steps = np.arange(1, min(longest, cut) + 1)
        with_phone = least[cut - steps] + costs[steps, cut]
        best = int(with_phone.argmin())
        silent = least[cut - 1] + between[cut - 1]
        least[cut] = min(with_phone[best], silent)
        step[cut] = steps[best] if with_phone[best] < silent - TIE else 0

    # 3. Back from the end.
    ids, spans, cut = [], [], len(at) - 1
    while cut:
        if step[cut]:
            ids.append(phones[step[cut], cut])
            spans.append((at[cut - step[cut]], at[cut]))
        cut -= max(step[cut], 1)
    return np.array(ids[::-1], int), np.array(spans[::-1]).reshape(-1, 2)
