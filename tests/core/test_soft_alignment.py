"""Soft alignment: sums around each token's middle, with the times of the mass axis."""

import math

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from cifviz.core.dialects import DIALECTS
from cifviz.core.module import CIF, CIFConfig
from cifviz.core.soft_alignment import SIGMA, SoftCIF, soft_weights
from cifviz.core.tail import rounded
from cifviz.errors import CIFError


def soft_cif(heads=2, dim=4, seed=0, **settings):
    torch.manual_seed(seed)
    config = CIFConfig(encoder_embed_dim=dim, conv_cif_output_channels_num=dim, **settings)
    return SoftCIF(config, heads).eval()


def weighing(cif, weight):
    """The same CIF, whose frames all have this weight."""
    torch.nn.init.zeros_(cif.weights.weight_proj.weight)
    torch.nn.init.constant_(cif.weights.weight_proj.bias, math.log(weight / (1 - weight)))
    return cif


def test_weights_are_those_of_a_loop():
    """Two utterances of 5 and 3 frames, three tokens and one, two heads."""
    alpha = torch.tensor([[0.9, 0.1, 0.8, 0.7, 0.5], [0.2, 0.5, 0.3, 0.0, 0.0]]).double()
    lengths, sigma = torch.tensor([5, 3]), torch.tensor([0.5, 3.0]).double()
    found = soft_weights(alpha, lengths, 3, sigma)
    for row, head, token in torch.cartesian_prod(*map(torch.arange, (2, 2, 3))).tolist():
        real = int(lengths[row])
        ends = [sum(alpha[row, : t + 1].tolist()) for t in range(real)]
        raw = [math.exp(-((sigma[head].item() * (token + 0.5 - end)) ** 2)) for end in ends]
        expected = [one / sum(raw) for one in raw] + [0.0] * (5 - real)
        assert found[row, head, token].tolist() == pytest.approx(expected, abs=1e-12)


def test_one_head_of_the_first_steepness_is_the_dialect():
    alpha = torch.rand(2, 9, generator=torch.manual_seed(1))
    lengths, targets = torch.tensor([9, 6]), torch.tensor([3, 2])
    source = DIALECTS["soft"].contributions(alpha, lengths, target_lengths=targets)
    cif = soft_cif(heads=1)
    frames = torch.randn(2, 9, 4)
    cif.weights.register_forward_hook(lambda *call: alpha)
    firing = cif(frames, lengths, target_lengths=targets)
    torch.testing.assert_close(firing.contributions.float(), source.weights)
    torch.testing.assert_close(firing.embeddings, source.weights @ frames)
    assert cif.sigma.tolist() == [SIGMA]


def test_each_head_sums_its_own_slice():
    """A head of σ = 0 takes the mean of the frames; a very steep one the frame at the middle."""
    cif = weighing(soft_cif(heads=2), 0.5)
    with torch.no_grad():
        cif.sigma.copy_(torch.tensor([0.0, 50.0]))
    frames = torch.randn(1, 4, 4)
    firing = cif(frames, target_lengths=torch.tensor([2]))  # masses ½, 1, 1½, 2
    torch.testing.assert_close(firing.embeddings[0, :, :2], frames[0, :, :2].mean(0).expand(2, 2))
    torch.testing.assert_close(firing.embeddings[0, :, 2:], frames[0, [0, 2], 2:])
    expected = torch.tensor([[5, 1, 1, 1], [1, 1, 5, 1]]) / 8
    torch.testing.assert_close(firing.contributions[0], expected.double())


def test_counts_and_times_are_those_of_the_mass_axis():
    soft = soft_cif(tail_rule=rounded)
    hard = CIF(soft.config).eval()
    hard.load_state_dict({k: v for k, v in soft.state_dict().items() if k != "sigma"})
    frames, lengths = torch.randn(2, 12, 4), torch.tensor([12, 7])
    for settings in ({}, {"target_lengths": torch.tensor([3, 0])}):
        one, other = soft(frames, lengths, **settings), hard(frames, lengths, **settings)
        assert torch.equal(one.num_fires, other.num_fires)
        assert torch.equal(one.fire_positions, other.fire_positions)
        assert torch.equal(one.token_masses, other.token_masses)
        assert not torch.equal(one.contributions, other.contributions)


def test_an_utterance_alone_is_as_in_a_batch():
    cif = soft_cif()
    frames, lengths = torch.randn(3, 12, 4), torch.tensor([12, 7, 0])
    frames[1, 7:] = math.nan
    firing = cif(frames, lengths)
    for index, one in enumerate(firing):
        alone = cif(frames[index : index + 1, : lengths[index]])
        assert one.contributions.shape == alone.contributions.shape
        torch.testing.assert_close(one.contributions, alone.contributions)
        torch.testing.assert_close(one.embeddings, alone.embeddings)


def test_without_frames_or_tokens_there_is_nothing():
    cif = soft_cif()
    for frames, counts in ((0, [0, 0]), (5, [0, 0])):
        firing = cif(torch.randn(2, frames, 4), target_lengths=torch.tensor(counts))
        assert firing.contributions.shape == (2, 0, frames)
        assert firing.embeddings.shape == (2, 0, 4)
    asked = cif(torch.randn(2, 5, 4), torch.tensor([5, 0]), target_lengths=torch.tensor([1, 2]))
    assert not asked.embeddings[1].any() and not asked.contributions[1].any()
    assert asked.embeddings.isfinite().all()


def test_derivatives_are_those_of_differences():
    alpha = torch.rand(2, 5, generator=torch.manual_seed(2)).double() + 0.1
    sigma = torch.tensor([0.5, 1.5]).double().requires_grad_()
    lengths = torch.tensor([5, 3])
    alpha = torch.where(torch.arange(5) < lengths.unsqueeze(1), alpha, 0).requires_grad_()

    def weights(alpha, sigma):
        return soft_weights(alpha, lengths, 2, sigma)

    assert gradcheck(weights, (alpha, sigma))
    assert gradgradcheck(weights, (alpha, sigma))


def test_gradients_reach_weights_frames_and_steepness():
    cif = soft_cif().double()
    frames = torch.randn(2, 6, 4).double().requires_grad_()
    lengths, targets = torch.tensor([6, 4]), torch.tensor([2, 1])

    def embeddings(frames, sigma):
        firing = torch.func.functional_call(
            cif, {"sigma": sigma}, (frames, lengths), {"target_lengths": targets}
        )
        return firing.embeddings

    assert gradcheck(embeddings, (frames, cif.sigma))
    embeddings(frames, cif.sigma).sum().backward()
    assert cif.weights.weight_proj.weight.grad.abs().sum() > 0


def test_what_a_soft_cif_cannot_have_is_refused():
    with pytest.raises(CIFError, match="a soft CIF has neither cif_embedding_dim nor add_cif_ctxt"):
        soft_cif(add_cif_ctxt_layers=True)
    with pytest.raises(CIFError, match="a soft CIF has neither cif_embedding_dim nor"):
        soft_cif(cif_embedding_dim=8)
    with pytest.raises(CIFError, match="heads must divide an embedding of 4, got 3"):
        soft_cif(heads=3)
    with pytest.raises(CIFError, match="heads must be an integer > 0"):
        soft_cif(heads=0)
