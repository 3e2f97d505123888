"""Paths: planted phones are found where they are; costs and degenerate cases by hand."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from cifviz.errors import CIFError
from cifviz.systems.phone_evidence import PhoneEvidence
from cifviz.systems.phone_paths import PATHS, edit_path, path_spans, word_starts
from tests.systems.planted_phones import SILENT, planted, spoken

ANCHORED = ["fires", "segments", "ctc"]
WORDS = [SILENT] * 5 + [0] * 3 + [1] * 5 + [2] * 2 + [SILENT] * 8 + [3] * 4 + [4] * 3 + [SILENT] * 4
COUNTS = [3, 2]


def in_order(spans, frames):
    edges = spans.flatten()
    return bool((np.diff(edges) >= -1e-9).all() and edges[0] >= 0 and edges[-1] <= frames)


def heavy(evidence, spans):
    """Where the mass of each stretch lies, but for a twentieth on either side."""
    mass = evidence.mass_at(spans)
    share = np.diff(mass, axis=1) * [0.05, 0.95]
    return evidence.frames_at(mass[:, :1] + share)


@pytest.mark.parametrize("path", ANCHORED)
def test_planted_phones_are_found(path):
    phones, frames = spoken(WORDS)
    evidence = planted(WORDS)
    spans = path_spans(path, evidence, phones, COUNTS)
    assert in_order(spans, len(WORDS))
    assert np.abs(heavy(evidence, spans) - frames).max() < 0.8


@pytest.mark.parametrize("path", ANCHORED)
def test_a_drawn_out_phone_does_not_move_the_others(path):
    """The first one weighs three: by count what follows is misplaced."""
    evidence = planted(WORDS)
    alpha = evidence.alpha.copy()
    alpha[5:8] *= 3
    drawn = replace(evidence, alpha=alpha)
    phones, frames = spoken(WORDS)
    by_count = path_spans("count", drawn, phones, COUNTS)
    assert np.abs(heavy(drawn, by_count) - frames)[1:3].max() > 3
    spans = path_spans(path, drawn, phones, COUNTS)
    assert np.abs(heavy(drawn, spans) - frames).max() < 1.3


def test_edit_path_is_the_best_of_all():
    rng = np.random.default_rng(0)
    for phones, fires in itertools.product((1, 2, 3), (0, 1, 2, 4)):
        costs = rng.uniform(0, 4, (phones, fires))
        paired = edit_path(costs, 1.2, 0.7, 0.3)
        used = [fire for first, end in paired for fire in range(first, end)]
        assert used == sorted(set(used)) and set(used) <= set(range(fires))
        least = min(price(costs, way) for way in ways(phones, fires))
        assert price(costs, owners(paired, fires)) == pytest.approx(least)


def ways(phones, fires):
    """All ways to give fires to phones in order; −1 for nobody's."""
    for way in itertools.product(range(-1, phones), repeat=fires):
        used = [phone for phone in way if phone >= 0]
        if used == sorted(used):
            yield way


def owners(paired, fires):
    """The phone of each fire. Between two fires of a phone stands none of another."""
    found = [-1] * fires
    for phone, (first, end) in enumerate(paired):
        found[first:end] = [phone] * (end - first) if first >= 0 else []
    return found


def price(costs, way):
    """Nobody's fires and a phone's further ones cost the less of both."""
    used = set(way) - {-1}
    total = 0.7 * (len(costs) - len(used))
    for phone in used:
        own = [costs[phone, fire] for fire, owner in enumerate(way) if owner == phone]
        total += min(
            cost + sum(min(1.2, other + 0.3) for n, other in enumerate(own) if n != place)
            for place, cost in enumerate(own)
        )
    return total + 1.2 * sum(owner < 0 for owner in way)


def test_a_phone_that_did_not_fire_shares_with_its_neighbours():
    """Phone 1 has no mass: three phones in two fires take two thirds each."""
    rows = [0, 0, 2, 2]
    spans = path_spans("fires", planted(rows), [0, 1, 2], [3])
    np.testing.assert_allclose(spans, [[0, 4 / 3], [4 / 3, 8 / 3], [8 / 3, 4]])


def test_what_fires_between_words_is_nobodys_and_inside_a_word_its_neighbours():
    rows = [0, 0, 4, 4, 1, 1]
    apart = path_spans("fires", planted(rows), [0, 1], [1, 1])
    np.testing.assert_allclose(apart, [[0, 2], [4, 6]])
    together = path_spans("fires", planted(rows), [0, 1], [2])
    np.testing.assert_allclose(together, [[0, 3], [3, 6]])


@pytest.mark.parametrize("path", list(PATHS))
@pytest.mark.parametrize("frames", [1, 2, 7])
def test_more_phones_than_frames_share_them(path, frames):
    evidence = planted([0] * frames)
    spans = path_spans(path, evidence, [0, 1, 2, 3] * 5, [4] * 5)
    assert spans.shape == (20, 2) and np.isfinite(spans).all() and in_order(spans, frames)


@pytest.mark.parametrize("path", list(PATHS))
def test_no_phone_takes_nothing(path):
    assert path_spans(path, planted([0, 0]), [], []).shape == (0, 2)
    assert path_spans(path, planted([]), [], []).shape == (0, 2)


@pytest.mark.parametrize("path", list(PATHS))
def test_sound_of_noise_gives_some_path(path):
    rng = np.random.default_rng(1)
    states = torch.from_numpy(rng.normal(size=(40, 6))).float()
    evidence = PhoneEvidence(
        rng.uniform(0, 1, 40),
        states,
        states.log_softmax(dim=1),
        lambda embeddings: embeddings[:, :5].log_softmax(dim=1),
    )
    spans = path_spans(path, evidence, rng.integers(0, 5, 18).tolist(), [3] * 6)
    assert in_order(spans, 40) and (spans[:, 1] > spans[:, 0]).all()


def test_words_begin_where_their_counts_say():
    assert word_starts([1, 2, 1]).tolist() == [True, True, False, True]


def test_counts_must_add_up():
    with pytest.raises(CIFError, match="add up to 2 phones, got 3"):
        path_spans("count", planted([0, 1]), [0, 1], [3])
