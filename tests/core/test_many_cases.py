"""Ten thousand random utterances at once, as one batch: what holds for each of them."""

import math

import pytest
import torch
from torch import Tensor

from cifviz.core.firing import integrate_and_fire
from cifviz.core.tail import above
from tests.strategies import fire_in_chunks

CASES, FRAMES = 10_000, 8
RULES = [{"slack": 0.1, "tail": above(0.2)}, {"threshold": 0.7}, {"tail": above(0.5)}]


def drawn(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Weights, encoder output, frame lengths and target lengths, all at random."""
    torch.manual_seed(seed)
    alpha = 1.5 * torch.rand(CASES, FRAMES, dtype=torch.float64)
    encoder_out = torch.randn(CASES, FRAMES, 2, dtype=torch.float64)
    lengths = torch.randint(1, FRAMES + 1, (CASES,))
    return alpha, encoder_out, lengths, torch.randint(0, 6, (CASES,))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_no_last_token_is_lost(dtype):
    alpha, encoder_out, lengths, targets = drawn(0)
    alpha = (0.02 + alpha).to(dtype)
    ones = torch.ones_like(encoder_out)
    firing = integrate_and_fire(alpha, ones, frame_lengths=lengths, target_lengths=targets)
    assert int((firing.num_fires != targets).sum()) == 0
    is_token = torch.arange(firing.embeddings.shape[1]) < targets.unsqueeze(1)
    torch.testing.assert_close(
        firing.embeddings[..., 0],
        is_token.double(),
        rtol=0,
        atol=1e-5 if dtype != torch.half else 1e-4,
    )


@pytest.mark.parametrize("rules", RULES)
def test_padding_neighbours_and_chunks_change_nothing(rules):
    alpha, encoder_out, lengths, _ = drawn(1)
    expected = integrate_and_fire(alpha, encoder_out, frame_lengths=lengths, **rules)
    padded = torch.arange(FRAMES) >= lengths.unsqueeze(1)
    dirty = (
        alpha.masked_fill(padded, math.nan),
        encoder_out.masked_fill(padded[..., None], math.inf),
    )
    longer = [torch.cat([one, one[:, :3]], dim=1) for one in dirty]
    order = torch.randperm(CASES)
    other = integrate_and_fire(
        longer[0][order], longer[1][order], frame_lengths=lengths[order], **rules
    )
    streamed = fire_in_chunks(*dirty, [3, 0, 1, 4], frame_lengths=lengths, **rules)
    assert torch.equal(other.num_fires, expected.num_fires[order])
    assert torch.equal(streamed.num_fires, expected.num_fires)
    for one, same in (
        (other.fire_positions, expected.fire_positions[order]),
        (other.embeddings, expected.embeddings[order]),
        (streamed.fire_positions, expected.fire_positions),
        (streamed.embeddings, expected.embeddings),
    ):
        torch.testing.assert_close(one, same, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_gradients_of_near_silence_are_finite(dtype):
    alpha, encoder_out, lengths, targets = drawn(2)
    alpha = alpha * 10.0 ** (-8 + 4 * torch.rand(CASES, 1))
    alpha[torch.rand(CASES, FRAMES) < 0.2] = 0
    leaf = alpha.to(dtype).requires_grad_()
    frames = encoder_out.to(dtype).requires_grad_()
    firing = integrate_and_fire(leaf, frames, frame_lengths=lengths, target_lengths=targets)
    loss = firing.embeddings.float().square().sum()
    for grad in torch.autograd.grad(loss, (leaf, frames)):
        assert int((~grad.isfinite()).sum()) == 0


@pytest.mark.parametrize("rules", [*RULES, None])
def test_first_and_second_derivatives_are_the_differences(rules):
    """Along a random direction, of all cases in which no token ends near the end of a frame."""
    alpha, encoder_out, lengths, targets = drawn(3)
    alpha = alpha + 0.05
    options = {"target_lengths": targets} if rules is None else rules
    leaves = alpha.requires_grad_(), encoder_out.requires_grad_()
    along = torch.randn_like(alpha), torch.randn_like(encoder_out)

    def losses(moved: float) -> tuple[Tensor, tuple[Tensor, ...], object]:
        ends = [one + moved * way for one, way in zip(leaves, along, strict=True)]
        firing = integrate_and_fire(*ends, frame_lengths=lengths, **options)
        each = firing.embeddings.square().sum(dim=(1, 2)) + firing.embeddings.sin().sum(dim=(1, 2))
        first = torch.autograd.grad(each.sum(), ends, create_graph=True)
        slope = sum((a * b).flatten(1).sum(dim=1) for a, b in zip(first, along, strict=True))
        return each, slope, firing

    step = 1e-6
    _, slope, firing = losses(0.0)
    curves = torch.autograd.grad(slope.sum(), leaves)
    curve = sum((a * b).flatten(1).sum(dim=1) for a, b in zip(curves, along, strict=True))
    plus, minus = losses(step), losses(-step)
    # Far from a tie: no end of a frame and no residual is where another token would begin.
    running = firing.axis.running.unsqueeze(2)
    marks = firing.axis.reach.clamp(max=1e9).unsqueeze(1)
    apart = (running - marks).abs().flatten(1).amin(dim=1) > 1e-3
    apart &= (firing.num_fires == plus[2].num_fires) & (firing.num_fires == minus[2].num_fires)
    if rules and "tail" in rules:
        apart &= (firing.residual - rules["tail"].value).abs() > 1e-3
    assert int(apart.sum()) > CASES // 2
    for found, high, low in ((slope, plus[0], minus[0]), (curve, plus[1], minus[1])):
        difference = (high - low) / (2 * step)
        off = (found - difference).abs() / (1 + found.abs())
        assert float(off[apart].detach().max()) < 1e-3
