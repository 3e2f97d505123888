"""What the weights say: silence, spread, what is left, what batching changes, and delay."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.core.firing import integrate_and_fire
from cifviz.core.tail import above
from cifviz.errors import CIFError
from cifviz.metrics import (
    batch_difference,
    emission_times,
    fires_per_second,
    mass_in_silence,
    row_entropies,
)
from cifviz.timing import FrameGrid
from tests.strategies import alignments, cases, weights

GRID = FrameGrid(0.25)


def fire(*alpha, **options):
    return integrate_and_fire(torch.tensor([alpha]), torch.eye(len(alpha))[None], **options)


def words(*spans):
    return Alignment(tuple(TimedToken("a", start, end) for start, end in spans))


def test_weight_outside_of_words_by_hand():
    # Frames of 0.25 s. The first word covers half of frame 0, the second frame 2 and half of 3.
    firing = fire(0.5, 1.0, 0.25, 0.5)
    reference = words((0.125, 0.25), (0.5, 0.875))
    assert mass_in_silence(firing, GRID, reference) == pytest.approx(0.25 + 1.0 + 0.0 + 0.25)


@given(weights(max_frames=8), alignments(with_untimed=False))
def test_weight_in_silence_is_what_many_small_pieces_find(alpha, reference):
    firing = fire(*alpha)
    shift, pieces = 2.0**-4, 256
    middles = (np.arange(len(alpha) * pieces) + 0.5) * shift / pieces
    silent = ~np.any([(s <= middles) & (middles < e) for s, e in reference.spans], axis=0)
    expected = (np.repeat(np.array(alpha), pieces) / pieces * silent).sum()
    found = mass_in_silence(firing, FrameGrid(shift), reference)
    assert found == pytest.approx(expected, abs=1e-6)


def test_words_that_cover_all_or_nothing():
    firing = fire(0.5, 1.0, 0.25)
    assert mass_in_silence(firing, GRID, words((0.0, 5.0))) == 0.0
    assert mass_in_silence(firing, GRID, Alignment()) == pytest.approx(1.75)
    assert mass_in_silence(fire(), GRID, words((0.0, 5.0))) == 0.0


def test_where_a_word_is_untimed_silence_is_not_known():
    reference = Alignment((TimedToken("a", 0.0, 0.25), TimedToken("b")))
    with pytest.raises(CIFError, match="these have none: .'b'."):
        mass_in_silence(fire(0.5), GRID, reference)


@pytest.mark.parametrize("frames", [1, 2, 4, 8])
def test_frames_that_share_evenly_have_the_entropy_of_their_number(frames):
    entropies = row_entropies(fire(*[1 / frames] * frames * 2))
    np.testing.assert_allclose(entropies, [math.log2(frames)] * 2, atol=1e-12)


@given(cases())
def test_an_entropy_is_one_of_so_many_frames(case):
    firing = case.fire()
    entropies = row_entropies(firing)
    frames = (firing.contributions[0] > 0).sum(dim=1).numpy()
    assert entropies.shape == (int(firing.num_fires),)
    assert (entropies >= 0).all()
    assert (entropies <= np.log2(np.maximum(frames, 1)) + 1e-9).all()


def test_fires_in_noise():
    assert fires_per_second([fire(1.0, 1.0), fire(0.5)], [0.5, 1.5]) == 1.0
    assert math.isnan(fires_per_second([], []))
    with pytest.raises(CIFError, match="expected 1 durations, one a firing, got 0"):
        fires_per_second([fire(1.0)], [])


ALONE = [(0.5, 0.75, 0.25), (1.0,), (0.1,), ()]


def batched(rows):
    longest = max(map(len, rows))
    alpha = torch.tensor([[*row, *[9.0] * (longest - len(row))] for row in rows])
    lengths = torch.tensor([len(row) for row in rows])
    encoder_out = torch.eye(longest).expand(len(rows), -1, -1)
    return integrate_and_fire(alpha, encoder_out, frame_lengths=lengths)


def alone(row):
    return integrate_and_fire(torch.tensor([row]), torch.eye(3)[None, : len(row)])


def test_batching_and_padding_change_nothing():
    assert batch_difference([alone(row) for row in ALONE], batched(ALONE)) == 0.0


def test_what_batching_changes_is_found():
    together = batched(ALONE)
    firings = [alone(row) for row in ALONE]
    moved = replace(firings[0], embeddings=firings[0].embeddings + 0.25)
    assert batch_difference([moved, *firings[1:]], together) == 0.25
    later = alone((0.5, 0.5, 0.25))
    assert batch_difference([later, *firings[1:]], together) == pytest.approx(1 / 3)  # of a frame
    silent = alone((0.5, 0.25, 0.125))
    assert batch_difference([silent, *firings[1:]], together) == math.inf
    with pytest.raises(CIFError, match="expected 4 utterances alone, as many as batched, got 1"):
        batch_difference(firings[:1], together)


def test_a_token_is_ready_when_the_frame_that_fires_it_ends():
    # Frame 1 fires twice, frame 3 fires exactly at its end, and the rest makes a tail.
    firing = fire(0.5, 1.75, 0.25, 0.5, 0.75, 0.0, tail=above(0.5))
    np.testing.assert_allclose(emission_times(firing, GRID), [0.5, 0.5, 1.0, 1.5])
    assert emission_times(fire(0.5), GRID).shape == (0,)


@given(cases(), st.sampled_from([0.0, 1.0]))
def test_no_token_is_ready_before_it_fires_nor_a_frame_later(case, start):
    firing = case.fire()
    ready = emission_times(firing, FrameGrid(1.0, start)) - start
    fired = firing.fire_positions[0].numpy()
    full = len(fired) - int(firing.tail_fired.sum())
    assert (ready >= fired - 1e-9).all()
    assert (ready[:full] < fired[:full] + 1 + 1e-9).all()
    assert (ready[full:] == len(case.alpha)).all()


@pytest.mark.parametrize(
    "metric",
    [
        row_entropies,
        lambda firing: emission_times(firing, GRID),
        lambda firing: mass_in_silence(firing, GRID, Alignment()),
        lambda firing: fires_per_second([firing], [1.0]),
        lambda firing: batch_difference([firing], fire(1.0)),
    ],
)
def test_a_batch_is_no_utterance(metric):
    with pytest.raises(CIFError, match="firing of one utterance, got a batch of 2"):
        metric(integrate_and_fire(torch.ones(2, 1), torch.ones(2, 1, 1)))
