"""The sums over all ways to cut a sound, against all ways one by one."""

import itertools

import numpy as np
import pytest
import torch

from cifviz.systems.phone_evidence import PhoneEvidence
from cifviz.systems.phone_lattice import EVENNESS, PAUSE, SILENCE, TOKEN, PhoneLattice
from tests.systems.planted_phones import SILENT, planted, spoken

PHONES, COUNTS = [0, 3, 0], [2, 1]


def noise(frames=6):
    rng = np.random.default_rng(0)
    states = torch.from_numpy(rng.normal(size=(frames, 6))).float()
    return PhoneEvidence(
        rng.uniform(0, 1, frames), states, states, lambda it: (2 * it).log_softmax(dim=1)
    )


def all_ways(evidence, words, skip):
    """Each way to cut: which words are there, the cuts of their phones, and its weight."""
    frames = len(evidence.alpha)
    mass, at = evidence.running, np.arange(frames + 1)
    single = evidence.log_probs(np.stack([at[:-1], at[1:]], axis=1))
    by_frame = np.cumsum(np.pad(evidence.alpha[:, None] * single, ((1, 0), (0, 0))), axis=0)
    for there in itertools.product((False, True), repeat=len(words)):
        if skip is None and not all(there):
            continue
        kept = [word for word, here in zip(words, there, strict=True) if here]
        edges = [len(word) + 1 for word in kept]
        for cuts in itertools.combinations_with_replacement(range(len(at)), sum(edges)):
            parts = np.split(np.array(cuts, int), np.cumsum(edges)[:-1]) if kept else []
            if any((np.diff(part) == 0).any() for part in parts):
                continue
            bounds = [0, *(int(part[i]) for part in parts for i in (0, -1)), len(at) - 1]
            gaps = zip(bounds[::2], bounds[1::2], strict=True)
            cost = sum(SILENCE * (mass[b] - mass[a]) + PAUSE for a, b in gaps if b > a)
            cost += (len(words) - len(kept)) * (skip or 0)
            for word, part in zip(kept, parts, strict=True):
                scores = evidence.log_probs(np.stack([at[part[:-1]], at[part[1:]]], axis=1))
                own = np.diff(mass[part])
                cost += (EVENNESS * (own - 1) ** 2).sum()
                cost -= TOKEN * scores[np.arange(len(word)), word].sum()
                cost -= np.diff(by_frame[part], axis=0)[np.arange(len(word)), word].sum()
            yield there, parts, np.exp(-cost)


@pytest.mark.parametrize("skip", [None, 1.5])
def test_weights_are_those_of_all_ways(skip):
    evidence = noise()
    words = [PHONES[:2], PHONES[2:]]
    starts, ends = np.zeros((2, 3, 6 + 1))
    skipped, total = np.zeros(2), 0.0
    for there, parts, weight in all_ways(evidence, words, skip):
        total += weight
        skipped += weight * ~np.array(there)
        rest = iter(parts)
        for word, first in enumerate((0, 2)):
            if there[word]:
                part = next(rest)
                for n in range(len(part) - 1):
                    starts[first + n, part[n]] += weight
                    ends[first + n, part[n + 1]] += weight
    found = PhoneLattice(evidence, PHONES, COUNTS).weights(skip)
    assert found.total == pytest.approx(np.log(total), abs=1e-4)
    np.testing.assert_allclose(np.exp(found.starts - found.total), starts / total, atol=1e-4)
    np.testing.assert_allclose(np.exp(found.ends - found.total), ends / total, atol=1e-4)
    np.testing.assert_allclose(np.exp(found.skipped - found.total), skipped / total, atol=1e-4)


def test_medians_of_certain_cuts_are_the_cuts():
    rows = [0] * 3 + [1] * 4 + [2] * 3
    phones, frames = spoken(rows)
    lattice = PhoneLattice(planted(rows, sure=60.0), phones, [3])
    np.testing.assert_allclose(lattice.weights().medians(), frames, atol=0.3)


def test_a_word_that_is_not_there_is_left_out_and_one_that_was_is_not():
    rows = [SILENT] * 2 + [0] * 3 + [1] * 3 + [2] * 3 + [SILENT] * 2
    lattice = PhoneLattice(planted(rows, sure=12.0), [0, 1, 3, 4, 2], [2, 2, 1])
    found = lattice.weights(skip=3.0)
    left_out = np.exp(found.skipped - found.total)
    assert left_out[1] > 0.9 and left_out[[0, 2]].max() < 0.1
    taken = found.taken().sum(axis=0)
    assert taken.max() < 1 + 1e-4 and taken[2:11].min() > 0.8


def test_noise_before_a_word_is_left_outside():
    """It weighs as much as three phones, and sounds like none of the word."""
    rows = [4] * 6 + [0] * 3 + [1] * 3
    alpha = [0.5] * 6 + [1 / 3] * 6
    spans = PhoneLattice(planted(rows, alpha, sure=20.0), [0, 1], [2]).weights().medians()
    assert spans[0, 0] == pytest.approx(6, abs=1)


def test_anchored_phones_take_their_anchors_but_for_a_frame_on_either_side():
    anchors = np.array([[4, 5], [6, 7], [9, 10]])
    found = PhoneLattice(noise(12), PHONES, COUNTS, anchors).weights()
    free = PhoneLattice(noise(12), PHONES, COUNTS).weights()
    cuts = np.arange(13)
    assert np.isneginf(found.starts[cuts[None] > anchors[:, :1] + 1]).all()
    assert np.isneginf(found.ends[cuts[None] < anchors[:, 1:] - 1]).all()
    assert found.total < free.total
    everywhere = np.array([[12, 0]] * 3)
    assert PhoneLattice(noise(12), PHONES, COUNTS, everywhere).weights().total == free.total
