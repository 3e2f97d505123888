"""`segment_ends` against a search through all ways to cut, and what its cuts are good for."""

import itertools

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from cifviz.core import valley_segmentation
from cifviz.core.firing import integrate_and_fire
from cifviz.core.valley_segmentation import BAND, segment_ends
from cifviz.errors import CIFError
from tests.strategies import cases, exact_weights, weights


def fire(*weights, **options):
    alpha = torch.tensor([weights], dtype=torch.float64)
    return integrate_and_fire(alpha, torch.eye(len(weights), dtype=torch.float64)[None], **options)


def allowed(mass, token):
    """Places where the cut behind a token may lie: near its fire, or else the nearest one."""
    away = [abs(value - token) for value in mass]
    return [p for p, far in enumerate(away) if far <= BAND] or [away.index(min(away))]


def cost_of(cuts, weights, fires):
    """What the docstring of `segment_ends` says is minimised, of cuts between frames."""
    mass = [sum(weights[:place]) * fires / sum(weights) for place in range(len(weights) + 1)]
    sides = [0.0, *weights, 0.0]
    ends = [0.0, *(mass[cut] for cut in cuts), mass[-1]]
    wrong = sum((end - begin - 1) ** 2 for begin, end in itertools.pairwise(ends))
    low = sum(min(sides[cut], sides[cut + 1]) for cut in cuts)
    return wrong + low / max(weights)


def least_cost(weights, fires):
    """By trying every way to cut."""
    mass = [sum(weights[:place]) * fires / sum(weights) for place in range(len(weights) + 1)]
    ways = itertools.product(*(allowed(mass, token) for token in range(1, fires)))
    return min(
        cost_of(cuts, weights, fires)
        for cuts in ways
        if all(a <= b for a, b in itertools.pairwise(cuts))
    )


def places(ends, weights):
    """The frames before which the inner cuts lie; where several do as well, the first."""
    running = list(itertools.accumulate(weights, initial=0.0))
    return [min(range(len(running)), key=lambda p: abs(running[p] - end)) for end in ends[:-1]]


@given(exact_weights(max_frames=8), st.sampled_from([0.5, 1.0, 1.5]))
def test_no_other_way_to_cut_costs_less(weights, threshold):
    """Multiples of 1/16: many ties, several fires in a frame, silence."""
    firing = fire(*weights, threshold=threshold)
    fires = int(firing.num_fires)
    assume(0 < fires <= 5)
    ends = segment_ends(firing).tolist()
    cuts = places(ends, weights)
    running = list(itertools.accumulate(weights, initial=0.0))
    assert [running[cut] for cut in cuts] == ends[:-1]  # between frames
    assert cost_of(cuts, weights, fires) == pytest.approx(least_cost(weights, fires), abs=1e-9)


@given(st.lists(st.floats(0.02, 0.9), min_size=5, max_size=11))
def test_no_other_way_to_cut_costs_less_where_cuts_differ_in_earnest(weights):
    firing = fire(*weights)
    fires = int(firing.num_fires)
    assume(1 < fires <= 4)
    found = cost_of(places(segment_ends(firing).tolist(), weights), weights, fires)
    assert found == pytest.approx(least_cost(weights, fires), abs=1e-9)


@given(exact_weights(max_frames=40), st.sampled_from([0.5, 1.0, 1.5]))
def test_many_places_are_compared_in_parts_with_the_same_cuts(weights, threshold):
    firing = fire(*weights, threshold=threshold)
    at_once = segment_ends(firing)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(valley_segmentation, "_AT_ONCE", 4)
        assert torch.equal(segment_ends(firing), at_once)


def test_twenty_minutes_of_silence_need_no_square_of_its_frames():
    """60 GB, if all places for a cut were compared with all for the next one."""
    spoken = torch.full((20,), 0.2, dtype=torch.float64)
    silent = 1e-9 * torch.rand(60_000, generator=torch.Generator().manual_seed(0)).double()
    alpha = torch.cat([spoken, silent, spoken])[None]
    firing = integrate_and_fire(alpha, torch.zeros(*alpha.shape, 1), threshold=0.8)
    assert segment_ends(firing).tolist() == pytest.approx([0.8 * n for n in range(1, 11)], abs=0.01)


@given(cases())
def test_tokens_share_all_the_weight_in_order(case):
    firing = case.fire()
    ends = segment_ends(firing)
    assert ends.dtype == torch.float64
    assert ends.shape == (int(firing.num_fires),)
    assert (ends.diff() >= 0).all()
    assert (ends >= 0).all()
    if len(ends):
        assert float(ends[-1]) == pytest.approx(float(firing.scaled_alpha.double().sum()))


@given(cases(weights(largest=1.0, max_frames=12)))
def test_a_cut_stays_near_its_fire_where_there_is_room(case):
    firing = case.fire()
    fires, total = int(firing.num_fires), float(firing.scaled_alpha.double().sum())
    assume(fires and total)
    assume(firing.scaled_alpha.max() * fires / total <= BAND)  # no frame that jumps over the band
    inner = segment_ends(firing)[:-1] * fires / total
    assert ((inner - torch.arange(1, fires)).abs() <= BAND + 1e-9).all()


def test_the_cut_is_where_the_weights_are_least_and_not_where_the_fire_is():
    firing = fire(0.5, 0.5, 0.25, 0.0, 0.5, 0.25)
    assert firing.fire_positions.tolist() == [[2.0, 6.0]]
    assert segment_ends(firing).tolist() == [1.25, 2.0]


def test_a_cut_is_not_further_than_a_token_and_a_half_from_its_fire():
    """What it would cost to cut in the gap at 3.5 tokens is not even asked."""
    weights = [0.5] * 7 + [0.0] + [0.5]
    ends = segment_ends(fire(*weights))  # 4 tokens, 3.5 of them before the gap
    assert ends.tolist() == [1.0, 2.0, 3.5, 4.0]
    one_gap = [0.5] * 5 + [0.0] + [0.25] * 2  # 3 tokens: 2.5 before the gap, 0.5 behind it
    assert segment_ends(fire(*one_gap)).tolist() == [1.0, 2.5, 3.0]


def words(masses, frames=4, gap=2):
    """Tokens of these masses, each even over some frames, with silence between them."""
    weights = []
    for mass in masses:
        weights += [mass / frames] * frames + [0.0] * gap
    return weights


@given(st.lists(st.sampled_from([0.8, 0.9, 1.0, 1.1, 1.2]), min_size=20, max_size=20))
def test_masses_wrong_by_a_fifth_do_not_move_later_cuts(masses):
    firing = fire(*words(masses), target_lengths=torch.tensor([20]))
    true_ends = torch.tensor(masses, dtype=torch.float64).cumsum(0) * 20 / sum(masses)
    assume((firing.token_masses[0] - true_ends).abs().max() < 1.4)  # within the band
    torch.testing.assert_close(segment_ends(firing), true_ends)


def test_errors_that_add_up_move_the_fires_and_not_the_cuts():
    """Seven tokens 20 % too heavy, six as light, and seven right: in the middle 1.4 tokens off."""
    masses = [1.2] * 7 + [0.8] * 6 + [1.0] * 7
    firing = fire(*words(masses))
    true_ends = torch.tensor(masses, dtype=torch.float64).cumsum(0)
    moved = firing.token_masses[0] - true_ends
    assert moved[6].item() == pytest.approx(-1.4)
    assert moved[13:].tolist() == pytest.approx([-0.2] * 7)  # and so to the end
    true_ends[-1] = firing.scaled_alpha.sum()
    torch.testing.assert_close(segment_ends(firing), true_ends)


@given(st.lists(st.floats(0.1, 1.0), min_size=10, max_size=14), st.floats(0.01, 0.99))
def test_scaling_all_weights_does_not_move_the_cuts(weights, share):
    """As long as as many tokens fire: the sum stays between the same whole numbers."""
    firing = fire(*weights)
    fires = int(firing.num_fires)
    factor = (fires + share) / sum(weights)
    scaled = fire(*(factor * weight for weight in weights))
    assert int(scaled.num_fires) == fires
    here = places(segment_ends(firing).tolist(), weights)
    there = places((segment_ends(scaled) / factor).tolist(), weights)
    # Where two ways cost the same, rounding decides.
    assert here == there or cost_of(here, weights, fires) == pytest.approx(
        cost_of(there, weights, fires), abs=1e-9
    )


def test_scaled_weights_are_cut_where_the_given_ones_are():
    weights = words([0.5, 0.75, 0.4])
    firing = fire(*weights, target_lengths=torch.tensor([3]))
    expected = torch.tensor([0.5, 1.25, 1.65], dtype=torch.float64) * 3 / 1.65
    torch.testing.assert_close(segment_ends(firing), expected)


def test_the_threshold_is_the_unit():
    weights = words([0.45, 0.55, 0.5])
    ends = segment_ends(fire(*weights, threshold=0.5))
    torch.testing.assert_close(ends, torch.tensor([0.45, 1.0, 1.5], dtype=torch.float64))


def test_long_silences_cost_nothing():
    weights = [0.0] * 50 + [0.5, 0.75] + [0.0] * 80 + [0.25, 0.5] + [0.0] * 50
    assert segment_ends(fire(*weights)).tolist() == [1.25, 2.0]


@pytest.mark.parametrize(
    ("weights", "ends"),
    [
        ((), []),
        ((0.0, 0.0), []),
        ((0.5, 0.25), []),
        ((0.5, 0.75), [1.25]),
        ((1.5,), [1.5]),
        ((0.0, 1.0, 0.0), [1.0]),
    ],
    ids=["no frame", "silence", "no fire", "one fire", "one frame", "all in one frame"],
)
def test_nothing_to_cut_gives_no_inner_cut(weights, ends):
    found = segment_ends(fire(*weights))
    assert found.tolist() == ends
    assert found.dtype == torch.float64


@pytest.mark.parametrize("weights", [(3.0,), (0.0, 3.0, 0.0), (3.0, 0.0)])
def test_tokens_that_one_frame_fires_cannot_be_cut_apart(weights):
    """It goes to one of them whole; before it and behind it there is nothing for the others."""
    ends = segment_ends(fire(*weights)).tolist()
    assert len(ends) == 3
    assert set(ends) <= {0.0, 3.0}
    assert ends[-1] == 3.0
    assert ends == sorted(ends)


def test_a_frame_of_many_tokens_jumps_over_the_band_of_some():
    """No cut is within 1.5 tokens of the fires in the middle of a frame that weighs 9."""
    ends = segment_ends(fire(1.0, 9.0, 1.0)).tolist()
    assert len(ends) == 11
    assert set(ends) == {1.0, 10.0, 11.0} | (set(ends) & {0.0})
    assert ends == sorted(ends)


@pytest.mark.parametrize("tokens", [0, 1, 3])
def test_tokens_without_any_weight_end_where_the_weight_does(tokens):
    firing = fire(0.0, 0.0, target_lengths=torch.tensor([tokens]))
    assert segment_ends(firing).tolist() == [0.0] * tokens


@given(exact_weights(max_frames=8), st.integers(1, 4))
def test_padding_does_not_move_the_cuts(weights, padding):
    padded = fire(*weights, *[1.0] * padding, frame_lengths=torch.tensor([len(weights)]))
    assert segment_ends(padded).tolist() == segment_ends(fire(*weights)).tolist()


def test_weights_that_are_trained_can_be_cut():
    alpha = torch.tensor([[0.75, 0.75, 0.75]], requires_grad=True)
    assert not segment_ends(integrate_and_fire(alpha, torch.eye(3)[None])).requires_grad


@pytest.mark.parametrize("batch", [0, 2])
def test_a_batch_is_refused(batch):
    firing = integrate_and_fire(torch.ones(batch, 3), torch.ones(batch, 3, 1))
    with pytest.raises(CIFError, match=f"one utterance is cut at a time, got a batch of {batch}"):
        segment_ends(firing)


@pytest.mark.parametrize("firing", [None, torch.ones(1, 3)])
def test_a_firing_is_cut_and_nothing_else(firing):
    with pytest.raises(CIFError, match="firing must be a Firing, got "):
        segment_ends(firing)
