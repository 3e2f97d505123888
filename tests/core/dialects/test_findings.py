"""Faults of public code, reproduced with their numbers, and what cifviz does instead."""

import pytest
import torch

from cifviz.core.dialects import DIALECTS
from cifviz.core.firing import integrate_and_fire
from cifviz.core.tail import above


def utterances(number, largest, seed=0):
    """Weights drawn evenly from 0 … `largest`, 60 frames each."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(number, 60, generator=generator) * largest


def fire(alpha, **options):
    return integrate_and_fire(alpha, alpha.unsqueeze(2), **options)


@pytest.mark.parametrize(
    ("name", "settings", "least", "most"),
    [
        ("cif_pytorch", {"threshold": 1.0}, 0.44, 0.50),
        ("cif_pytorch", {"threshold": 0.99999}, 0.0, 0.0),
        ("cif_pytorch", {}, 0.0, 0.0),
        ("funasr_cif", {}, 0.44, 0.50),
        ("funasr_cif_v1", {}, 0.22, 0.30),
        ("torch_cif", {}, 0.0, 0.0),
    ],
)
def test_rounding_loses_the_last_token_at_a_threshold_of_one(name, settings, least, most):
    """Weights up to 0.4 scaled to 3 … 14 tokens: at β = 1 every second utterance loses one."""
    alpha = utterances(2000, 0.4)
    targets = torch.randint(3, 15, (2000,), generator=torch.Generator().manual_seed(1))
    result = DIALECTS[name].contributions(alpha, target_lengths=targets, **settings)
    assert (targets - result.num_fires).max() <= 1
    assert least <= float((result.num_fires < targets).float().mean()) <= most
    assert torch.equal(fire(alpha, target_lengths=targets).num_fires, targets)


@pytest.mark.parametrize(
    ("threshold", "share", "lowest"),
    [
        (0.5, 0.93, -0.5),
        (0.9, 0.34, -0.1),
        (0.99, 0.033, -0.01),
        (1.0, 0.0, 0.0),
        (1.2, 0.64, -0.2),
    ],
)
def test_weights_are_negative_where_the_threshold_is_not_one(threshold, share, lowest):
    """Share of tokens with a negative weight; weights up to 0.5, 15 tokens an utterance."""
    alpha = utterances(400, 0.5)
    result = DIALECTS["cif_pytorch"].contributions(alpha, threshold=threshold)
    negative = (result.weights < -1e-6).any(dim=2).sum() / result.num_fires.sum()
    assert float(negative) == pytest.approx(share, abs=0.012)
    assert float(result.weights.min()) == pytest.approx(lowest, abs=2e-3)
    counts = (alpha.double().sum(dim=1) + 1 - threshold).floor().long()
    assert torch.equal(result.num_fires, counts)
    assert (fire(alpha).contributions >= 0).all()


def test_a_scaled_weight_above_one_is_paid_back_later():
    """0.08 … scaled to (0.195, 2.195, 0.244, 0.122, …): the second token should end in frame 1."""
    alpha = torch.tensor([[0.08, 0.9, 0.1, 0.05, 0.05, 0.05]])
    targets = torch.tensor([3])
    postponed = DIALECTS["cif_pytorch"].contributions(alpha, target_lengths=targets)
    assert postponed.alpha[0, :3].tolist() == pytest.approx([0.195, 2.195, 0.244], abs=1e-3)
    assert postponed.weights[0, 1].tolist() == pytest.approx([0, 1.39, -0.39, 0, 0, 0], abs=1e-3)
    several = DIALECTS["torch_cif"].contributions(alpha, target_lengths=targets)
    assert several.num_fires.tolist() == [3]
    assert several.weights[0, 1].tolist() == pytest.approx([0, 1, 0, 0, 0, 0], abs=1e-3)
    torch.testing.assert_close(
        fire(alpha, target_lengths=targets).contributions.float(),
        several.weights,
        rtol=0,
        atol=2e-4,
    )


def test_both_functions_of_funasr_lose_tokens_to_a_weight_above_one():
    """(0.2, 0.2, 2.3, 0.2, 0.2) for 4 tokens: 2.97 in the middle should fire three times."""
    alpha, targets = torch.tensor([[0.2, 0.2, 2.3, 0.2, 0.2]]), torch.tensor([4])
    loop = DIALECTS["funasr_cif"].contributions(alpha, target_lengths=targets)
    assert loop.num_fires.tolist() == [3]
    assert float(loop.weights.min()) == pytest.approx(-1.484, abs=1e-3)
    assert loop.weights.shape[1] == 4 and not loop.weights[0, 3].any()  # the decoder sees a zero
    summed = DIALECTS["funasr_cif_v1"].contributions(alpha, target_lengths=targets)
    assert summed.num_fires.tolist() == [1]
    assert float(summed.weights.sum()) == pytest.approx(3)
    assert fire(alpha, target_lengths=targets).num_fires.tolist() == [4]


def test_the_tail_of_cif_pytorch_depends_on_padding():
    """Seven frames of 0.4 are 2.8 tokens: 2 alone, 3 beside a longer utterance."""
    alpha = torch.full((1, 7), 0.4)
    alone = DIALECTS["cif_pytorch"].contributions(alpha)
    longer = torch.nn.functional.pad(alpha, (0, 1))
    batched = DIALECTS["cif_pytorch"].contributions(longer, torch.tensor([7]))
    assert (alone.num_fires.tolist(), batched.num_fires.tolist()) == ([2], [3])
    for weights, lengths in ((alpha, None), (longer, torch.tensor([7]))):
        ours = fire(weights, frame_lengths=lengths, tail=above(0.5))
        assert ours.num_fires.tolist() == [3]


@pytest.mark.parametrize("name", ["paraformer_v1", "paraformer_v2"])
def test_the_tail_weight_of_funasr_falls_on_a_padded_frame(name):
    """A rest of 0.8 fires with 0.2 of the first padded frame, whatever the encoder left there."""
    alpha = torch.tensor([[0.6, 0.6, 0.6, 0.0], [0.6, 0.6, 0.6, 0.6]])
    result = DIALECTS[name].contributions(alpha, torch.tensor([3, 4]))
    assert result.alpha[0].tolist() == pytest.approx([0.6, 0.6, 0.6, 0.45, 0])
    assert result.num_fires.tolist() == [2, 2]
    assert result.weights[0, 1].tolist() == pytest.approx([0, 0.2, 0.6, 0.2, 0], abs=1e-6)
    ours = fire(alpha, frame_lengths=torch.tensor([3, 4]), tail=above(0.5))
    assert not ours.contributions[0, :, 3].any()


@pytest.mark.parametrize("name", ["paraformer_v1", "paraformer_v2"])
@pytest.mark.parametrize(("rest", "tokens"), [(0.54, 1), (0.56, 2)])
def test_a_tail_weight_of_045_keeps_a_rest_from_055_on(name, rest, tokens):
    result = DIALECTS[name].contributions(torch.tensor([[0.5, 0.5, rest]]))
    assert result.num_fires.tolist() == [tokens]
    if tokens == 2:
        assert float(result.weights[0, 1, 2]) == pytest.approx(rest, abs=1e-6)  # not rescaled


def test_a_deferred_fire_takes_weight_from_the_first_padded_frame():
    """CIF-PyTorch in training: 0.5 and 2.5 should fire three times in the second frame."""
    alpha = torch.tensor([[0.25, 1.25, 0.0, 0.0], [0.5, 0.5, 0.5, 0.5]])
    result = DIALECTS["cif_pytorch"].contributions(
        alpha, torch.tensor([2, 4]), target_lengths=torch.tensor([3, 2])
    )
    assert result.num_fires.tolist() == [2, 2]
    assert result.weights[0].tolist() == [[0.5, 0.5, 0, 0], [0, 2, -1, 0]]


def test_the_surplus_of_torch_cif_stands_behind_the_last_token():
    alpha = torch.full((2, 6), 0.5)
    result = DIALECTS["torch_cif"].contributions(alpha, target_lengths=torch.tensor([3, 2]))
    assert result.weights[0].sum(dim=1).tolist() == pytest.approx([1, 1, 1])
    assert result.weights[1].sum(dim=1).tolist() == pytest.approx([1, 1, 1e-4], abs=1e-6)


def test_rounding_up_counts_too_many():
    """The literal ⌈Σα⌉ of Paraformer's paper, on weights that sum to a little above 3."""
    result = DIALECTS["paraformer_dynamic"].contributions(torch.full((1, 31), 0.1))
    assert result.num_fires.tolist() == [4]
    assert result.weights.sum(dim=2)[0].tolist() == pytest.approx([3.1 / 4] * 4)


def test_the_same_number_means_another_thing_in_the_other_operator():
    """SpacemiT at 0.5, four frames of 0.4: `Cif` fires at 0.5 and charges 1, so it waits long."""
    alpha = torch.full((1, 4), 0.4)
    slack = DIALECTS["spacemit_cif"].contributions(alpha, threshold=0.5)
    assert slack.num_fires.tolist() == [2]
    assert slack.accumulated[0].tolist() == pytest.approx([0.4, 0.8, 0.2, 0.6])
    assert slack.weights[0, 0].tolist() == pytest.approx([0.4, 0.6, 0, 0])
    assert slack.weights[0, 1].tolist() == pytest.approx([0, -0.2, 0.4, 0.8])
    size = DIALECTS["spacemit_cif_wo_hidden"].contributions(alpha, threshold=0.5)
    assert size.num_fires.tolist() == [3]
    assert size.accumulated[0].tolist() == pytest.approx([0.4, 0.8, 0.7, 0.6])
    assert size.weights[0, 2].tolist() == pytest.approx([0, 0, 0.2, 0.3], abs=1e-6)


def test_sophgo_fills_the_first_token_to_one_and_the_others_to_the_threshold():
    """Frames of 0.4 at 0.5: after the fire at 0.8 the integrator keeps 0.3, the token gets −0.2."""
    alpha = torch.full((1, 4), 0.4)
    result = DIALECTS["sophgo_seaco"].contributions(alpha, threshold=0.5)
    assert result.num_fires.tolist() == [3]
    assert result.accumulated[0].tolist() == pytest.approx([0.4, 0.8, 0.7, 0.6])
    assert result.weights[0, 0].tolist() == pytest.approx([0.4, 0.6, 0, 0])
    assert result.weights[0, 1].tolist() == pytest.approx([0, -0.2, 0.7, 0], abs=1e-6)
    assert result.weights.sum(dim=2)[0].tolist() == pytest.approx([1, 0.5, 0.5])


def test_a_neighbour_that_fires_twice_takes_weight_in_ultravox():
    """A frame of 2 beside one of 0.5: the second round of the loop writes over the first."""
    alpha, targets = torch.tensor([[2.0, 0.5], [0.5, 0.5]]), torch.tensor([5, 1])
    together = DIALECTS["ultravox_cformer"].contributions(alpha, target_lengths=targets)
    alone = DIALECTS["ultravox_cformer"].contributions(alpha[1:], target_lengths=targets[1:])
    assert alone.weights[0, 0].tolist() == [0.5, 0.5]
    assert together.num_fires.tolist() == [5, 1]
    assert together.weights[1, 0].tolist() == [0, 0.5]
    ours = fire(alpha, target_lengths=targets)
    assert ours.contributions[1, 0].tolist() == pytest.approx([0.5, 0.5])


def test_a_large_weight_is_paid_off_one_token_a_frame_in_kairumo():
    """3.5 leaves 2.5 on the integrator: each of the next frames fires, from a negative weight."""
    alpha = torch.tensor([[3.5, 0.25, 0.0, 0.0, 0.0]])
    result = DIALECTS["kairumo"].contributions(alpha)
    assert result.num_fires.tolist() == [3]
    assert result.weights[0].tolist() == [
        [1, 0, 0, 0, 0],
        [2.5, -1.5, 0, 0, 0],
        [0, 1.75, -0.75, 0, 0],
    ]
    short = DIALECTS["kairumo"].contributions(alpha, torch.tensor([2]))
    assert short.num_fires.tolist() == [2]  # what is owed when the utterance ends is lost
    assert fire(alpha).num_fires.tolist() == [3] and (fire(alpha).contributions >= 0).all()


def test_rounding_may_empty_the_last_token_of_ultravox():
    """1/8 and 1/16 scaled to 5: 3⅓ and 1⅔, so the last token begins and ends in the last frame."""
    alpha, targets = torch.tensor([[0.125, 0.0625]]), torch.tensor([5])
    result = DIALECTS["ultravox_cformer"].contributions(alpha, target_lengths=targets)
    assert result.num_fires.tolist() == [5]
    assert result.weights.sum(dim=2)[0, :4].tolist() == pytest.approx([1] * 4)
    last = float(result.weights[0, 4].sum())
    assert last in (0, 1)  # a last bit decides
    assert float(fire(alpha, target_lengths=targets).contributions[0, 4].sum()) == pytest.approx(1)
