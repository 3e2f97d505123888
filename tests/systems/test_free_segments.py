"""Phones by the cuts that make each weigh one: against brute force, silence, and empty sounds."""

import itertools

import numpy as np
import torch

from cifviz.systems.free_segments import EVENNESS, SILENCE, free_segments
from cifviz.systems.phone_evidence import PhoneEvidence
from cifviz.systems.phone_lattice import STEPS


def evidence_of(alpha, hidden):
    hidden = torch.as_tensor(hidden, dtype=torch.float32)
    return PhoneEvidence(
        np.array(alpha, float), hidden, torch.zeros(len(hidden), 4), lambda it: it.log_softmax(1)
    )


def cost(evidence, spans):
    """Of phones in these stretches, and silence between them."""
    spans = np.array(spans).reshape(-1, 2)
    total = evidence.running[-1]
    mass = np.diff(evidence.mass_at(spans), axis=1)[:, 0]
    found = SILENCE * (total - mass.sum())
    if len(spans):
        found += (EVENNESS * (mass - 1) ** 2 - evidence.log_probs(spans).max(axis=1)).sum()
    return found


def all_cuttings(frames):
    """Every choice of disjoint stretches between half frames."""
    at = np.arange(STEPS * frames + 1) / STEPS
    for number in range(2 * len(at)):
        for edges in itertools.combinations_with_replacement(at, 2 * number):
            spans = np.reshape(edges, (-1, 2))
            if (spans[:, 0] < spans[:, 1]).all():
                yield spans
        if number >= 2:
            return


def test_no_other_way_costs_less():
    torch.manual_seed(0)
    for _ in range(5):
        evidence = evidence_of(torch.rand(3).tolist(), 3 * torch.randn(3, 3))
        ids, spans = free_segments(evidence)
        least = min(cost(evidence, one) for one in all_cuttings(3))
        assert cost(evidence, spans) <= least + 1e-6
        assert (evidence.log_probs(spans).argmax(axis=1) == ids).all()


def test_silence_and_no_frames_have_no_phones():
    for alpha in ([0.0, 0.0, 0.0], [0.01, 0.0, 0.01], []):
        ids, spans = free_segments(evidence_of(alpha, torch.zeros(len(alpha), 3)))
        assert len(ids) == 0
        assert spans.shape == (0, 2)


def test_an_error_of_mass_is_not_passed_on():
    # The first phone weighs one and a half: fires would be half a phone early from there on.
    alpha = [0.75, 0.75, *[0.5] * 8]
    hidden = 20 * torch.eye(3)[[0, 0, 1, 1, 2, 2, 0, 0, 1, 1]]
    ids, spans = free_segments(evidence_of(alpha, hidden))
    assert ids.tolist() == [0, 1, 2, 0, 1]
    assert np.abs(spans[:, 0] - [0, 2, 4, 6, 8]).max() <= 0.5
