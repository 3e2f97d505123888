"""The sums behind `integrate_and_fire`, each test with both ways to compute them."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cifviz.core import token_sums
from cifviz.core.firing import Firing, integrate_and_fire
from cifviz.core.tail import above
from cifviz.errors import CIFError
from tests.strategies import Case, cases

LENGTHS = torch.tensor([9, 4, 7])
TARGETS = torch.tensor([3, 0, 5])


pytestmark = pytest.mark.usefixtures("way")


def batch(dim: int = 4, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    alpha = torch.rand(3, 9, generator=generator, dtype=torch.float64) * 1.3
    encoder_out = torch.randn(3, 9, dim, generator=generator, dtype=torch.float64)
    return alpha.to(dtype).requires_grad_(), encoder_out.to(dtype).requires_grad_()


SETTINGS = [
    pytest.param({"slack": slack, **rule}, id=f"slack {slack}{name}")
    for slack in (0.0, 0.1, 0.5)
    for name, rule in (
        ("", {}),
        (", tail", {"tail": above(0.2)}),
        (", exact", {"target_lengths": TARGETS}),
    )
]
"""Every rule that decides where a token ends, with and without the others."""


@pytest.mark.parametrize("rules", SETTINGS)
@pytest.mark.parametrize("threshold", [0.7, 1.0])
def test_gradients_are_those_of_finite_differences(rules, threshold):
    def embeddings(alpha, encoder_out):
        return integrate_and_fire(
            alpha, encoder_out, frame_lengths=LENGTHS, threshold=threshold, **rules
        ).embeddings

    assert torch.autograd.gradcheck(embeddings, batch(dim=2), eps=1e-7, atol=1e-5)


@pytest.mark.parametrize("rules", SETTINGS)
def test_embeddings_are_the_contributions_times_the_encoder_output(rules):
    alpha, encoder_out = batch()
    firing = integrate_and_fire(alpha, encoder_out, frame_lengths=LENGTHS, **rules)
    real = torch.arange(9) < LENGTHS.unsqueeze(1)
    expected = firing.contributions @ (encoder_out * real.unsqueeze(2))
    torch.testing.assert_close(firing.embeddings, expected)


@given(case=cases(), dim=st.integers(1, 3))
def test_both_ways_give_the_same(case: Case, dim):
    encoder_out = torch.randn(1, len(case.alpha), dim, dtype=torch.float64)
    embeddings = []
    for small in (math.inf, 0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(token_sums, "SMALL", small)
            embeddings.append(case.fire(encoder_out).embeddings)
    torch.testing.assert_close(*embeddings)


@pytest.mark.parametrize("rules", SETTINGS)
def test_what_stands_in_padded_frames_reaches_nothing(rules):
    alpha, encoder_out = batch()
    behind = torch.arange(9) >= LENGTHS.unsqueeze(1)
    spoiled = encoder_out.detach().masked_fill(behind.unsqueeze(2), math.nan).requires_grad_()
    results = []
    for given_out in (encoder_out, spoiled):
        firing = integrate_and_fire(alpha, given_out, frame_lengths=LENGTHS, **rules)
        weights = torch.linspace(1, 2, firing.embeddings.numel()).view_as(firing.embeddings)
        loss = (firing.embeddings * weights).sum()
        results.append((firing.embeddings, *torch.autograd.grad(loss, (alpha, given_out))))
    for clean, with_nan in zip(*results, strict=True):
        assert torch.equal(clean, with_nan)


def test_tokens_asked_of_no_frame_are_zero_whatever_stands_in_the_padding():
    alpha, encoder_out = batch()
    lengths, targets = torch.tensor([9, 0, 7]), torch.tensor([3, 2, 5])
    spoiled = encoder_out.detach().clone()
    spoiled[1] = math.nan
    firing = integrate_and_fire(alpha, spoiled, frame_lengths=lengths, target_lengths=targets)
    assert firing.num_fires.tolist() == [3, 2, 5]
    assert not firing.embeddings[1].any()
    assert not firing.embeddings.isnan().any()


def test_a_bad_frame_of_one_utterance_stays_in_it():
    alpha, encoder_out = batch()
    spoiled = encoder_out.detach().clone()
    spoiled[1] = math.inf
    clean = integrate_and_fire(alpha, encoder_out, frame_lengths=LENGTHS).embeddings
    other = integrate_and_fire(alpha, spoiled, frame_lengths=LENGTHS).embeddings
    torch.testing.assert_close(clean[[0, 2]], other[[0, 2]])


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [(torch.float16, 2e-3), (torch.bfloat16, 2e-2), (torch.float32, 1e-6), (torch.float64, 1e-12)],
)
def test_every_dtype_is_summed_to_its_own_precision(dtype, tolerance):
    alpha, encoder_out = batch(16, dtype)
    firing = integrate_and_fire(alpha, encoder_out, frame_lengths=LENGTHS, tail=above(0.2))
    grads = torch.autograd.grad(firing.embeddings.square().sum(), (alpha, encoder_out))
    exact = batch(16, dtype)
    exact = [tensor.detach().double().requires_grad_() for tensor in exact]
    expected = integrate_and_fire(*exact, frame_lengths=LENGTHS, tail=above(0.2))
    expected_grads = torch.autograd.grad(expected.embeddings.square().sum(), exact)
    assert firing.embeddings.dtype == grads[0].dtype == grads[1].dtype == dtype
    for got, wanted in zip(
        (firing.embeddings, *grads), (expected.embeddings, *expected_grads), strict=True
    ):
        scale = float(wanted.detach().abs().max())
        torch.testing.assert_close(got.double(), wanted, rtol=0, atol=4 * tolerance * scale)


def test_products_that_float16_does_not_hold():
    alpha, encoder_out = batch(dtype=torch.float16)
    embeddings = integrate_and_fire(alpha, encoder_out).embeddings
    grad = torch.full_like(embeddings, 3e4)
    (slope,) = torch.autograd.grad(embeddings, alpha, grad)
    assert slope.isfinite().all()
    assert (slope.abs() == torch.finfo(torch.float16).max).any()  # the largest that it does hold


@pytest.mark.parametrize("inside", [True, False], ids=["inside", "outside"])
def test_autocast_lowers_nothing(inside):
    """Training in mixed precision: backward runs outside of autocast, or inside."""
    alpha, encoder_out = batch(dtype=torch.float32)
    expected = integrate_and_fire(alpha, encoder_out).embeddings
    grads = torch.autograd.grad(expected.square().sum(), (alpha, encoder_out))
    with torch.autocast("cpu", torch.bfloat16):
        embeddings = integrate_and_fire(alpha, encoder_out).embeddings
        loss = embeddings.square().sum()
        if inside:
            lowered = torch.autograd.grad(loss, (alpha, encoder_out))
    if not inside:
        lowered = torch.autograd.grad(loss, (alpha, encoder_out))
    torch.testing.assert_close((embeddings, *lowered), (expected, *grads), rtol=0, atol=0)


def test_weights_of_another_dtype_than_the_encoder_output():
    """Under autocast the weights are often float32 and the encoder output is not."""
    alpha, _ = batch()
    _, encoder_out = batch(dtype=torch.bfloat16)
    firing = integrate_and_fire(alpha, encoder_out, frame_lengths=LENGTHS)
    grads = torch.autograd.grad(firing.embeddings.sum(), (alpha, encoder_out))
    assert firing.embeddings.dtype == grads[1].dtype == torch.bfloat16
    assert grads[0].dtype == torch.float64


@pytest.mark.parametrize("frames", [0, 3])
@pytest.mark.parametrize("size", [0, 2])
def test_nothing_to_sum_gives_nothing_and_gradients_of_zero(size, frames):
    alpha = torch.zeros(size, frames, requires_grad=True)
    encoder_out = torch.ones(size, frames, 5, requires_grad=True)
    firing = integrate_and_fire(alpha, encoder_out, tail=above(0.5))
    assert firing.embeddings.shape == (size, 0, 5)
    for grad in torch.autograd.grad(firing.embeddings.sum(), (alpha, encoder_out)):
        assert not grad.any()


def test_encoder_output_that_is_a_view():
    alpha, encoder_out = batch()
    turned = encoder_out.transpose(1, 2).contiguous().transpose(1, 2)
    expected = integrate_and_fire(alpha, encoder_out).embeddings
    torch.testing.assert_close(integrate_and_fire(alpha, turned).embeddings, expected)


class TestMaxFires:
    def fire(self, alpha, encoder_out, max_fires=12) -> Firing:
        return integrate_and_fire(
            alpha, encoder_out, frame_lengths=LENGTHS, tail=above(0.2), max_fires=max_fires
        )

    def test_sets_the_size_of_the_fires_axis_and_nothing_else(self):
        alpha, encoder_out = batch()
        wide, plain = self.fire(alpha, encoder_out), self.fire(alpha, encoder_out, None)
        fires = plain.embeddings.shape[1]
        assert wide.embeddings.shape[1] == 12 > fires
        torch.testing.assert_close(wide.embeddings[:, :fires], plain.embeddings)
        assert not wide.embeddings[:, fires:].any()
        for name in ("fire_positions", "token_masses"):
            torch.testing.assert_close(getattr(wide, name)[:, :fires], getattr(plain, name))
        torch.testing.assert_close(wide.accumulated, plain.accumulated)

    def test_more_tokens_than_that_are_refused(self):
        alpha, encoder_out = batch()
        most = int(self.fire(alpha, encoder_out, None).num_fires.max())
        assert self.fire(alpha, encoder_out, most).embeddings.shape[1] == most
        with pytest.raises(CIFError, match=f"at most max_fires = {most - 1} tokens .* got {most}"):
            self.fire(alpha, encoder_out, most - 1)
        with pytest.raises(CIFError, match=f"at most max_fires = {most - 3} tokens .* or more"):
            self.fire(alpha, encoder_out, most - 3)

    @pytest.mark.parametrize("max_fires", [-1, 2.5, "2"])
    def test_must_be_a_number_of_tokens(self, max_fires):
        with pytest.raises(CIFError, match="max_fires must be an integer >= 0"):
            self.fire(*batch(), max_fires)


def test_no_tensor_of_batch_by_fires_by_frames_is_made():
    """Of 40 000 frames, W alone would take 400 000 000 numbers."""
    frames = 40_000
    alpha = torch.full((1, frames), 0.25, requires_grad=True)
    encoder_out = torch.ones(1, frames, 2, requires_grad=True)
    with torch.profiler.profile(profile_memory=True) as profile:
        integrate_and_fire(alpha, encoder_out).embeddings.sum().backward()
    largest = max(event.self_cpu_memory_usage for event in profile.events())
    assert largest <= 8 * 2 * frames  # a float64 or an index for each frame and each token
