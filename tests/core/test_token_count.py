"""In training exactly N tokens come out, whatever the rounding."""

import pytest
import torch

from cifviz.core.firing import integrate_and_fire


def fire_to_length(alpha, target_lengths, frame_lengths, **options):
    """Row sums of W (batch, fires), float64, by feeding ones."""
    ones = torch.ones(*alpha.shape, 1, dtype=torch.float64)
    firing = integrate_and_fire(
        alpha, ones, target_lengths=target_lengths, frame_lengths=frame_lengths, **options
    )
    return firing, firing.embeddings.squeeze(2)


def random_batches(cases, *, size=100):
    """Weights of several magnitudes, sparse and dense; up to 400 frames, up to 80 tokens."""
    for batch in range(cases // size):
        most_frames = int(torch.randint(1, 401, ()))
        frames = torch.randint(1, most_frames + 1, (size,))
        tokens = torch.randint(0, int(torch.randint(1, 81, ())) + 1, (size,))
        alpha = torch.rand(size, most_frames) ** [1, 0.2, 8][batch % 3]
        alpha *= 10.0 ** torch.randint(-3, 4, (size, 1))
        if batch % 2:
            alpha *= torch.rand_like(alpha) < 0.5
        yield alpha, tokens, frames


def test_n_tokens_come_out_of_ten_thousand_float32_utterances():
    """Every full token sums to 1 in float64; the last one carries what float32 lost in scaling.

    A scaled weight is rounded twice (the factor, the product), by at most 2^-24 of itself each:
    N · 2^-23 in all; and the 1e-8 beside S in the factor takes N · 1e-8 / S.
    """
    torch.manual_seed(0)
    tried, more_tokens_than_frames = 0, 0
    for alpha, tokens, frames in random_batches(10_000):
        firing, sums = fire_to_length(alpha, tokens, frames)
        assert torch.equal(firing.num_fires, tokens)
        assert sums.isfinite().all()
        total = firing.weight_sum.double()
        spoken = total > 1e-4  # silence scaled to a length is still silence
        last = (tokens - 1).clamp(min=0)[:, None]
        is_full = (torch.arange(sums.shape[1]) < last) & spoken[:, None]
        assert ((sums[is_full] - 1).abs() < 1e-9).all()
        has_last = spoken & (tokens > 0)
        lost = (sums.gather(1, last).squeeze(1) - 1).abs() if sums.shape[1] else 0 * total
        allowed = tokens * (2.0**-23 + 1e-8 / total) + 1e-9
        assert (lost <= allowed)[has_last].all()
        tried += len(alpha)
        more_tokens_than_frames += int((tokens > frames).sum())
    assert tried == 10_000
    assert more_tokens_than_frames > 200


@pytest.mark.parametrize(
    ("dtype", "step"),
    [(torch.float16, 2.0**-10), (torch.bfloat16, 2.0**-7)],
    ids=["half", "bfloat16"],
)
def test_n_tokens_come_out_of_half_precision_weights(dtype, step):
    """`step` is the distance of neighbouring numbers at 1: two roundings, each of half a step."""
    torch.manual_seed(1)
    for alpha, tokens, frames in random_batches(1000):
        alpha = alpha.clamp(max=10).to(dtype)  # float16 ends at 65504
        firing, sums = fire_to_length(alpha, tokens, frames)
        assert torch.equal(firing.num_fires, tokens)
        assert sums.isfinite().all()
        total = firing.alpha.double().sum(dim=1)
        sure = (total > 0.1) & (tokens > 0)
        lost = (sums.sum(dim=1) - tokens).abs()
        assert (lost[sure] <= tokens[sure] * step * 1.01 + 1e-4).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("weight", [0.0, 1e-6, 1e-3])
def test_a_large_factor_does_not_overflow(dtype, weight):
    """80 tokens from nearly silent weights: the factor is beyond what float16 can hold."""
    alpha = torch.full((2, 10), weight, dtype=dtype)
    alpha[1] = 0
    firing, sums = fire_to_length(alpha, torch.tensor([80, 3]), torch.tensor([10, 10]))
    assert firing.num_fires.tolist() == [80, 3]
    assert sums.isfinite().all()
    assert firing.scaled_alpha[1].tolist() == [0.0] * 10
    if weight:
        assert sums[0].sum().item() == pytest.approx(80, rel=0.02)


def test_slack_does_not_change_the_count():
    torch.manual_seed(2)
    for alpha, tokens, frames in random_batches(500):
        firing, sums = fire_to_length(alpha, tokens, frames, slack=0.1)
        assert torch.equal(firing.num_fires, tokens)
        spoken = firing.weight_sum > 0.1
        torch.testing.assert_close(
            sums.sum(dim=1)[spoken], tokens.double()[spoken], rtol=1e-4, atol=1e-4
        )


def test_more_tokens_than_frames_share_frames():
    """One frame of weight 0.2 scaled to 3 tokens: each takes a third of it, one after the other."""
    firing, sums = fire_to_length(torch.tensor([[0.2]]), torch.tensor([3]), torch.tensor([1]))
    assert sums[0].tolist() == pytest.approx([1, 1, 1], abs=1e-6)
    assert firing.fire_positions[0].tolist() == pytest.approx([1 / 3, 2 / 3, 1], abs=1e-6)


def test_no_tokens_from_an_utterance_said_to_hold_none():
    firing, sums = fire_to_length(torch.rand(2, 5), torch.tensor([0, 2]), torch.tensor([5, 5]))
    assert firing.num_fires.tolist() == [0, 2]
    assert sums[0].tolist() == [0, 0]
    assert firing.scaled_alpha[0].tolist() == [0.0] * 5


def test_tokens_asked_of_an_utterance_without_frames_are_empty():
    firing, sums = fire_to_length(torch.zeros(1, 0), torch.tensor([2]), torch.tensor([0]))
    assert firing.num_fires.tolist() == [2]
    assert sums.tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("slack", [0.0, 0.01])
def test_the_last_token_ends_with_the_weights(slack):
    torch.manual_seed(3)
    alpha = torch.rand(20, 50)
    firing, _ = fire_to_length(alpha, torch.full((20,), 7), torch.full((20,), 50), slack=slack)
    torch.testing.assert_close(firing.fire_positions[:, -1], torch.full((20,), 50.0).double())
    assert (firing.fire_positions.diff(dim=1) >= 0).all()
