"""What holds for all weights."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from cifviz.core.firing import integrate_and_fire
from cifviz.core.reference import integrate_and_fire as fire_in_a_loop
from cifviz.core.tail import above, drop
from tests.strategies import Case, cases, exact_cases, weights


def double(values):
    return torch.tensor(values, dtype=torch.float64)


@given(cases(with_tail=False))
def test_equals_the_loop(case):
    contributions, positions, residual = fire_in_a_loop(case.alpha, case.threshold, case.slack)
    firing = case.fire()
    assert firing.fire_positions[0].tolist() == positions
    assert firing.residual.item() == residual
    expected = double(contributions).reshape(1, len(positions), len(case.alpha))
    torch.testing.assert_close(firing.contributions, expected, rtol=0, atol=1e-9)


@given(cases())
def test_every_token_takes_the_threshold(case):
    sums = case.fire().contributions.sum(dim=2)
    torch.testing.assert_close(sums, torch.full_like(sums, case.threshold), rtol=1e-6, atol=1e-9)


@given(cases(with_slack=False))
def test_no_weight_is_lost_or_made(case):
    """Columns of W, the tail taken back to its own size, are α; a dropped rest is the residual."""
    firing = case.fire()
    contributions = firing.contributions[0].clone()
    if firing.tail_fired.item():
        contributions[-1] *= firing.residual.item() / case.threshold
    given_away = contributions.sum(dim=0).cumsum(dim=0)
    kept = int(firing.num_fires) - firing.tail_fired.item()
    most = math.inf if firing.tail_fired.item() else kept * case.threshold
    expected = double(case.alpha).cumsum(dim=0).clamp(max=most)
    torch.testing.assert_close(given_away, expected, rtol=0, atol=1e-9)


@given(cases(with_tail=False))
def test_what_the_tokens_do_not_hold_is_the_residual(case):
    firing = case.fire()
    held = firing.contributions.sum().item()
    assert held + firing.residual.item() == pytest.approx(sum(case.alpha), abs=1e-9)


@given(cases(with_slack=False))
def test_without_slack_no_contribution_is_negative(case):
    assert (case.fire().contributions >= -1e-12).all()


@given(cases())
def test_fires_are_in_order_and_inside_the_utterance(case):
    positions = case.fire().fire_positions[0]
    assert (positions.diff() >= 0).all()
    assert ((positions >= 0) & (positions <= len(case.alpha))).all()


@given(cases(with_tail=False))
def test_accumulated_stays_between_minus_slack_and_the_threshold(case):
    accumulated = case.fire().accumulated
    assert (accumulated >= -case.slack - 1e-9).all()
    assert (accumulated < case.threshold - case.slack + 1e-9).all()


@given(cases(with_tail=False))
def test_accumulated_ends_at_the_residual(case):
    assume(case.alpha)
    firing = case.fire()
    assert firing.accumulated[0, -1].item() == pytest.approx(firing.residual.item(), abs=1e-9)


@given(cases(), st.sampled_from([2.0**-20, 0.25, 2.0, 1024.0]))
def test_scaling_all_weights_and_thresholds_together_moves_nothing(case, factor):
    """Powers of two multiply without rounding, so nothing moves at all."""
    tail = case.tail if case.tail == drop else replace(case.tail, value=case.tail.value * factor)
    scaled = Case(
        tuple(factor * one for one in case.alpha),
        factor * case.threshold,
        factor * case.slack,
        tail,
    )
    before, after = case.fire(), scaled.fire()
    assert torch.equal(before.fire_positions, after.fire_positions)
    assert torch.equal(factor * before.contributions, after.contributions)
    assert torch.equal(factor * before.residual, after.residual)


@given(exact_cases(), st.integers(0, 20), st.integers(1, 5))
def test_silence_put_in_moves_nothing_but_what_comes_after_it(case, place, frames):
    place = min(place, len(case.alpha))
    torch.manual_seed(0)
    sound = torch.randn(1, len(case.alpha), 2, dtype=torch.float64)
    silence = torch.full((1, frames, 2), 7.0, dtype=torch.float64)
    alpha = (*case.alpha[:place], *[0.0] * frames, *case.alpha[place:])
    longer = Case(alpha, case.threshold, case.slack, case.tail)
    before = case.fire(sound)
    after = longer.fire(torch.cat([sound[:, :place], silence, sound[:, place:]], dim=1))
    torch.testing.assert_close(before.embeddings, after.embeddings)
    expected = before.fire_positions + frames * (before.fire_positions > place)
    torch.testing.assert_close(after.fire_positions, expected, rtol=0, atol=1e-12)
    assert torch.equal(after.residual, before.residual)


@given(cases(), st.lists(st.sampled_from([0.0, 1.0, -1.0, math.nan, math.inf]), max_size=5))
def test_padding_is_not_read(case, padding):
    frames = len(case.alpha)
    alone = case.fire(torch.ones(1, frames, 1, dtype=torch.float64))
    padded = Case((*case.alpha, *padding), case.threshold, case.slack, case.tail).fire(
        torch.cat([torch.ones(frames, 1), torch.full((len(padding), 1), math.nan)])[None].double(),
        frame_lengths=torch.tensor([frames]),
    )
    assert torch.equal(padded.num_fires, alone.num_fires)
    assert torch.equal(padded.fire_positions, alone.fire_positions)
    torch.testing.assert_close(padded.embeddings, alone.embeddings)


@given(weights())
def test_a_threshold_that_is_never_reached_gives_no_fire(alpha):
    firing = Case(alpha, threshold=1e9).fire()
    assert firing.num_fires.tolist() == [0]
    assert firing.embeddings.shape == (1, 0, len(alpha))
    assert firing.residual.item() == pytest.approx(sum(alpha))  # which may round otherwise


@given(cases(), st.floats(0, 1))
def test_frames_at_mass_is_the_inverse_of_the_mass_curve(case, share):
    assume(case.alpha)
    firing = case.fire()
    mass = share * sum(case.alpha)
    frame = firing.frames_at_mass(double([[mass]])).item()
    whole = min(int(frame), len(case.alpha) - 1)
    curve = sum(case.alpha[:whole]) + (frame - whole) * case.alpha[whole]
    assert curve == pytest.approx(mass, abs=1e-9)


@given(exact_cases(with_slack=False))
def test_fires_stand_where_their_masses_are_reached(case):
    firing = case.fire()
    assert torch.equal(firing.frames_at_mass(firing.token_masses), firing.fire_positions)


@given(exact_cases())
def test_slack_never_fires_fewer_tokens_or_later_ones(case):
    eager = case.fire(tail=drop)
    patient = case.fire(tail=drop, slack=0.0)
    both = int(patient.num_fires)
    assert int(eager.num_fires) >= both
    assert (eager.fire_positions[:, :both] <= patient.fire_positions).all()
    assert int(eager.num_fires) == math.floor((sum(case.alpha) + case.slack) / case.threshold)


@given(weights(), st.integers(0, 12), st.sampled_from([0.0, 0.1]))
def test_in_training_the_count_is_the_one_asked_for(alpha, tokens, slack):
    firing = Case(alpha, slack=slack).fire(target_lengths=torch.tensor([tokens]))
    assert firing.num_fires.tolist() == [tokens]
    assert firing.embeddings.shape == (1, tokens, len(alpha))
    if sum(alpha) > 0.1:
        assert firing.embeddings.sum().item() == pytest.approx(tokens, rel=1e-6)


@given(st.lists(weights(max_frames=8), min_size=1, max_size=5))
def test_rows_do_not_know_of_each_other(rows):
    lengths = torch.tensor([len(row) for row in rows])
    alpha = torch.zeros(len(rows), int(lengths.max()), dtype=torch.float64)
    for row, values in enumerate(rows):
        alpha[row, : len(values)] = double(values)
    together = integrate_and_fire(
        alpha, torch.ones(*alpha.shape, 1), frame_lengths=lengths, tail=above(0.5)
    )
    for row, values in enumerate(rows):
        alone = Case(values, tail=above(0.5)).fire()
        assert torch.equal(together.utterance(row).fire_positions, alone.fire_positions)
