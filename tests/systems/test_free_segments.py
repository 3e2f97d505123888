"""Phones by the cuts that make each weigh one: against brute force, silence, and empty sounds."""

import itertools

import numpy as np
import torch

from cifviz.systems.free_segments import EVENNESS, SILENCE, free_segments
from cifviz.systems.phone_evidence import PhoneEvidence


def evidence_of(alpha, hidden):
    hidden = torch.as_tensor(hidden, dtype=torch.float32)
    return PhoneEvidence(
        np.array(alpha, float), hidden, torch.zeros(len(hidden), 4), lambda it: it.log_softmax(1)
    )


def cost(evidence, spans):
    """Of phones in these stretches, each as its most likely one, and silence between them."""
    mass = [evidence.running[end] - evidence.running[start] for start, end in spans]
    found = SILENCE * (evidence.running[-1] - sum(mass))
    for (start, end), weight in zip(spans, mass, strict=True):
        frames = np.arange(start, end)
        each = evidence.log_probs(np.stack([frames, frames + 1], axis=1))
        whole = evidence.log_probs(np.array([[start, end]]))[0]
        likely = whole + evidence.alpha[start:end] @ each
        found += EVENNESS * (weight - 1) ** 2 - likely.max()
    return found


def all_cuttings(frames):
    """Every choice of disjoint stretches."""
    for number in range(frames + 1):
        for edges in itertools.combinations_with_replacement(range(frames + 1), 2 * number):
            spans = [(edges[i], edges[i + 1]) for i in range(0, 2 * number, 2)]
            if all(start < end for start, end in spans):
                yield spans


def test_no_other_way_costs_less():
    torch.manual_seed(0)
    for _ in range(5):
        evidence = evidence_of(torch.rand(4).tolist(), 3 * torch.randn(4, 3))
        ids, spans = free_segments(evidence)
        least = min(cost(evidence, one) for one in all_cuttings(4))
        assert cost(evidence, spans.tolist()) <= least + 1e-6
        assert len(ids) == len(spans)


def test_silence_and_no_frames_have_no_phones():
    for alpha in ([0.0, 0.0, 0.0], [0.01, 0.0, 0.01], []):
        ids, spans = free_segments(evidence_of(alpha, torch.zeros(len(alpha), 3)))
        assert len(ids) == 0
        assert spans.shape == (0, 2)


def test_an_error_of_mass_is_not_passed_on():
    # The first phone weighs 1.3: fires come early from there on.
    alpha = [0.65, 0.65, *[0.5] * 8]
    hidden = 20 * torch.eye(3)[[0, 0, 1, 1, 2, 2, 0, 0, 1, 1]]
    ids, spans = free_segments(evidence_of(alpha, hidden))
    assert ids.tolist() == [0, 1, 2, 0, 1]
    assert spans[:, 0].tolist() == [0, 2, 4, 6, 8]
