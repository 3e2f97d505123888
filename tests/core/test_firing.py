"""`integrate_and_fire` against the plain loop, and against examples worked by hand."""

import random
from itertools import pairwise

import pytest
import torch

from cifviz.core.firing import integrate_and_fire
from cifviz.core.reference import integrate_and_fire as fire_in_a_loop
from cifviz.core.tail import above
from tests.strategies import Case


def fire(weights, dtype=torch.float64, **options):
    """Fire one utterance on the identity: the embeddings are the contributions."""
    alpha = torch.tensor([weights], dtype=dtype)
    return integrate_and_fire(alpha, torch.eye(alpha.shape[1], dtype=dtype)[None], **options)


def random_case(draw: random.Random) -> Case:
    """Up to 30 weights: small, above the threshold, exact multiples of 1/8 (ties), silence."""
    frames = draw.randrange(31)
    kind = draw.choice(["small", "large", "ties", "sparse", "tenths"])
    threshold = draw.choice([0.5, 1.0, 2.0] if kind == "ties" else [0.3, 0.7, 1.0, 1.3, 4.0])
    slack = draw.choice([0.0, 0.0, 0.01, 0.125, 0.2])
    alpha = {
        "small": [draw.random() for _ in range(frames)],
        "large": [5 * draw.random() for _ in range(frames)],
        "ties": [draw.randrange(17) / 8 for _ in range(frames)],
        "sparse": [draw.random() * (draw.random() < 0.3) for _ in range(frames)],
        "tenths": [draw.randrange(11) / 10 for _ in range(frames)],
    }[kind]
    return Case(tuple(alpha), threshold, slack)


def test_equals_the_loop_on_a_thousand_random_utterances():
    draw = random.Random(0)
    several, tied = 0, 0
    for _ in range(1000):
        case = random_case(draw)
        contributions, positions, residual = fire_in_a_loop(case.alpha, case.threshold, case.slack)
        firing = case.fire()
        assert firing.num_fires.tolist() == [len(contributions)], case
        assert firing.residual.tolist() == [residual], case
        assert firing.fire_positions[0].tolist() == positions, case
        expected = torch.tensor(contributions, dtype=torch.float64)
        expected = expected.reshape(1, len(contributions), len(case.alpha))
        torch.testing.assert_close(firing.embeddings, expected, rtol=0, atol=1e-9)
        torch.testing.assert_close(firing.contributions, expected, rtol=0, atol=1e-9)
        several += any(int(a) == int(b) for a, b in pairwise(positions))
        tied += residual == 0 and len(positions) > 0
    assert several > 100, "cases with several fires in one frame were meant to be among these"
    assert tied > 5, "cases that end exactly on a fire were meant to be among these"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"threshold": 0.7},
        {"tail": above(0.2)},
        {"slack": 0.15},
        {"slack": 0.15, "tail": above(0.2)},
        {"target_lengths": torch.tensor([3, 1, 0])},
        {"target_lengths": torch.tensor([9, 2, 1]), "threshold": 0.7, "slack": 0.1},
    ],
    ids=["eval", "threshold", "tail", "slack", "slack+tail", "exact", "exact+slack"],
)
def test_gradients_are_those_of_the_function(options):
    torch.manual_seed(0)
    alpha = torch.rand(3, 7, dtype=torch.float64, requires_grad=True)
    encoder_out = torch.randn(3, 7, 2, dtype=torch.float64, requires_grad=True)

    def embeddings(alpha, encoder_out):
        return integrate_and_fire(
            alpha, encoder_out, frame_lengths=torch.tensor([7, 4, 2]), **options
        ).embeddings

    assert embeddings(alpha, encoder_out).shape[1] > 0
    assert torch.autograd.gradcheck(embeddings, (alpha, encoder_out))


def test_residual_and_weight_sum_carry_gradients_for_losses_on_quantity():
    alpha = torch.tensor([[0.5, 0.9, 0.3]], requires_grad=True)
    firing = integrate_and_fire(alpha, torch.eye(3)[None])
    (firing.residual.sum() + firing.weight_sum.sum()).backward()
    assert alpha.grad.tolist() == [[2.0, 2.0, 2.0]]


def test_example_of_the_paper():
    """0.2 and 0.8 of 0.9 fill token 0; the other 0.1, 0.6 and 0.3 of 0.6 token 1; 0.3 is left."""
    firing = fire([0.2, 0.9, 0.6, 0.6])
    expected = torch.tensor([[[0.2, 0.8, 0.0, 0.0], [0.0, 0.1, 0.6, 0.3]]], dtype=torch.float64)
    torch.testing.assert_close(firing.embeddings, expected)
    assert firing.fire_positions[0].tolist() == pytest.approx([1 + 0.8 / 0.9, 3 + 0.3 / 0.6])
    assert firing.accumulated[0].tolist() == pytest.approx([0.2, 0.1, 0.7, 0.3])
    assert firing.residual.item() == pytest.approx(0.3)


def test_example_of_torch_cif_fires_six_times():
    """S = 0.4, 2.2, 3.4, 4.6, 6.0: two fires in frame 1, then one, one, and two in frame 4."""
    firing = fire([0.4, 1.8, 1.2, 1.2, 1.4], slack=1e-9)  # 6.0 is reached up to rounding
    expected = [
        [0.4, 0.6, 0.0, 0.0, 0.0],
        [0.0, 1.0, 0.0, 0.0, 0.0],
        [0.0, 0.2, 0.8, 0.0, 0.0],
        [0.0, 0.0, 0.4, 0.6, 0.0],
        [0.0, 0.0, 0.0, 0.6, 0.4],
        [0.0, 0.0, 0.0, 0.0, 1.0],
    ]
    assert firing.num_fires.tolist() == [6]
    torch.testing.assert_close(firing.embeddings[0], torch.tensor(expected, dtype=torch.float64))
    assert firing.fire_positions[0].long().tolist()[:5] == [1, 1, 2, 3, 4]
    assert firing.fire_positions[0, 5].item() == pytest.approx(5.0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_torch_cif_example_in_training_fires_six_times_in_every_dtype(dtype):
    firing = fire([0.4, 1.8, 1.2, 1.2, 1.4], dtype, target_lengths=torch.tensor([6]))
    torch.testing.assert_close(firing.embeddings.sum(dim=2), torch.ones(1, 6, dtype=dtype))


def test_one_heavy_frame_fires_several_times():
    """2.5 in frame 1 with 0.25 before it: token 0 takes 0.75, token 1 takes 1, and 0.75 is left."""
    firing = fire([0.25, 2.5, 0.0])
    assert firing.embeddings[0].tolist() == [[0.25, 0.75, 0.0], [0.0, 1.0, 0.0]]
    assert firing.fire_positions[0].tolist() == [1 + 0.75 / 2.5, 1 + 1.75 / 2.5]
    assert firing.residual.item() == 0.75


def test_heavy_scaled_weights_lose_no_token():
    """A scaled weight of 2.195 fires twice at once; fired once a frame, 3 tokens became 2."""
    weights = [0.195, 2.195, 0.244, 0.122, 0.122, 0.122]
    firing = fire(weights, target_lengths=torch.tensor([3]))
    assert firing.num_fires.tolist() == [3]
    torch.testing.assert_close(firing.embeddings.sum(dim=2), torch.ones(1, 3, dtype=torch.float64))
    assert (firing.embeddings >= 0).all()
    torch.testing.assert_close(firing.embeddings.sum(dim=1)[0, 1].item(), 2.195, rtol=1e-6, atol=0)


def test_slack_completes_a_sum_just_below_full():
    """S = 2.995: without slack two tokens and a rest, with 0.01 a third that borrows 0.005."""
    weights = [0.999, 0.998, 0.998]
    assert fire(weights).num_fires.tolist() == [2]
    firing = fire(weights, slack=0.01)
    assert firing.num_fires.tolist() == [3]
    torch.testing.assert_close(firing.embeddings.sum(dim=2), torch.ones(1, 3, dtype=torch.float64))
    assert firing.fire_positions[0].tolist() == [1.0, 2.0, 3.0]  # clamped to the frame that fires
    assert firing.residual.item() == pytest.approx(-0.005)


def test_what_a_token_lacks_within_the_slack_is_borrowed_from_the_next():
    """0.95 fires with a slack of 0.1 and takes 1: the next token begins with −0.05 of it."""
    firing = fire([0.95, 0.95, 0.5], slack=0.1)
    expected = torch.tensor([[1.0, 0.0, 0.0], [-0.05, 1.05, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(firing.embeddings[0], expected)
    assert firing.accumulated[0].tolist() == pytest.approx([-0.05, -0.1, 0.4])


def test_negative_weights_are_bounded_by_the_slack():
    torch.manual_seed(0)
    alpha = torch.rand(50, 60, dtype=torch.float64)
    for slack in (0.01, 0.1, 0.5):
        firing = integrate_and_fire(alpha, torch.zeros(50, 60, 1), slack=slack)
        smallest = firing.contributions.min().item()
        assert -slack <= smallest < -slack / 10


def test_slack_decides_whether_ten_tenths_are_one():
    """In float64 ten weights of 0.1 sum to 1 − 1e-16; in float32 each is a little above 0.1."""
    assert fire([0.1] * 10).num_fires.tolist() == [0]
    assert fire([0.1] * 10, slack=1e-9).num_fires.tolist() == [1]
    assert fire([0.1] * 10, torch.float32).num_fires.tolist() == [1]
    assert fire([0.1] * 10, tail=above(0.5)).num_fires.tolist() == [1]


def test_a_weight_that_fills_a_token_exactly_fires_at_the_end_of_its_frame():
    firing = fire([0.5, 0.5, 1.0, 0.25])
    assert firing.fire_positions[0].tolist() == [2.0, 3.0]
    assert firing.residual.item() == 0.25


def test_threshold_is_the_mass_that_a_token_takes():
    firing = fire([0.4, 0.4, 0.4, 0.4], threshold=0.5)
    torch.testing.assert_close(
        firing.embeddings.sum(dim=2), torch.full((1, 3), 0.5, dtype=torch.float64)
    )
    assert firing.fire_positions[0].tolist() == pytest.approx([1.25, 2.5, 3.75])


def test_frames_at_mass_reads_the_running_sum_backwards():
    """Weights 0.5, 0, 1.5: mass 0.25 in frame 0, 0.5 at its end, 1.25 in the middle of frame 2."""
    firing = fire([0.5, 0.0, 1.5])
    read = firing.frames_at_mass(torch.tensor([[0.0, 0.25, 0.5, 1.25, 2.0, 2.5]]))
    assert read.tolist() == [[0.0, 0.5, 1.0, 2.5, 3.0, 3.0]]


def test_frames_at_mass_never_reached_is_the_end_of_the_utterance_not_of_the_batch():
    alpha = torch.tensor([[0.5, 0.5, 0.0, 0.0]])
    firing = integrate_and_fire(alpha, torch.ones(1, 4, 1), frame_lengths=torch.tensor([2]))
    assert firing.frames_at_mass(torch.tensor([[0.75, 7.0]])).tolist() == [[1.5, 2.0]]


def test_frames_at_mass_wants_one_row_for_each_utterance():
    with pytest.raises(ValueError, match=r"mass must be .* = \(1, points\), got .*\(2, 1\)"):
        fire([0.5]).frames_at_mass(torch.zeros(2, 1))


def test_firing_is_a_sequence_of_utterances():
    alpha = torch.tensor([[0.6, 0.6, 0.6], [0.9, 0.9, 0.0]])
    firing = integrate_and_fire(alpha, torch.ones(2, 3, 1), frame_lengths=torch.tensor([3, 2]))
    assert len(firing) == 2
    assert [one.alpha.shape for one in firing] == [(1, 3), (1, 2)]
    torch.testing.assert_close(firing.utterance(-1).alpha, alpha[1:, :2])
    for index in (2, -3):
        with pytest.raises(ValueError, match=f"index into a batch of 2, got {index}"):
            firing.utterance(index)


def test_cpu_detaches():
    alpha = torch.full((1, 3), 0.6, requires_grad=True)
    firing = integrate_and_fire(alpha, torch.ones(1, 3, 1))
    assert firing.embeddings.requires_grad
    assert not firing.cpu().embeddings.requires_grad
    assert firing.cpu().threshold == 1.0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_long_running_sums_are_exact_in_every_dtype(dtype):
    """5000 weights of 0.5 are 2500 tokens; bfloat16 alone could not count beyond 256."""
    firing = integrate_and_fire(torch.full((1, 5000), 0.5, dtype=dtype), torch.ones(1, 5000, 1))
    assert firing.fire_positions[0].tolist() == list(range(2, 5002, 2))


@pytest.mark.parametrize("weight", [0.0, 1e-9])
def test_weights_too_small_to_be_scaled_give_tokens_in_order(weight):
    """Tokens that nothing is left for end where the weights end, not before and not beyond."""
    firing = fire([weight] * 10, target_lengths=torch.tensor([4]))
    total = firing.scaled_alpha.sum().item()
    assert firing.token_masses[0].tolist() == pytest.approx([min(n, total) for n in (1, 2, 3, 4)])
    assert (firing.token_masses.diff() >= 0).all()
    assert (firing.fire_positions.diff() >= 0).all()


def test_slack_does_not_end_a_tail_early():
    """The tail takes all that is left, 0.6, so it ends with the last weight."""
    firing = fire([1.0, 0.3, 0.295, 0.005], slack=0.01, tail=above(0.5))
    assert firing.fire_positions[0].tolist() == pytest.approx([1.0, 4.0])


@pytest.mark.parametrize("frames", [4, 4000])
def test_vectors_without_channels_are_counted_all_the_same(frames):
    firing = integrate_and_fire(torch.full((2, frames), 0.25), torch.zeros(2, frames, 0))
    assert firing.embeddings.shape == (2, frames // 4, 0)
    assert firing.num_fires.tolist() == [frames // 4] * 2
