"""Every derivative that PyTorch lets a user ask for is right, or refused in our words."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import forward_ad, gradcheck, gradgradcheck
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, vmap

from cifviz.core.firing import Firing, integrate_and_fire
from cifviz.core.losses import quantity_loss
from cifviz.core.module import CIF, CIFConfig
from cifviz.core.pause_rounding import round_at_pauses
from cifviz.core.scaling import scale_to_length
from cifviz.core.tail import above, drop, every_rule
from cifviz.errors import CIFError
from tests.strategies import weights

pytestmark = [
    pytest.mark.usefixtures("way"),
    # PyTorch's own forward mode, the first time that it is used.
    pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning"),
]

LENGTHS = torch.tensor([6, 3])
TARGETS = torch.tensor([3, 1])
RULES = {
    "plain": {},
    "tail": {"tail": above(0.2)},
    "slack and tail": {"slack": 0.1, "tail": above(0.2)},
    "exact": {"target_lengths": TARGETS},
}
OUTPUTS: dict[str, Callable[[Firing], Tensor]] = {
    "embeddings": lambda firing: firing.embeddings,
    "scaled_alpha": lambda firing: firing.scaled_alpha,
    "residual": lambda firing: firing.residual,
    "contributions": lambda firing: firing.contributions,
    "fire_positions": lambda firing: firing.fire_positions,
    "accumulated": lambda firing: firing.accumulated,
    "weight_sum": lambda firing: firing.weight_sum,
    "frames_at_mass": lambda firing: firing.frames_at_mass(torch.tensor([[0.3, 0.8]] * 2)),
    "quantity loss": lambda firing: quantity_loss(firing, TARGETS),
    "a mixture": lambda firing: (
        firing.embeddings.square().sum() * firing.residual.sum() + firing.fire_positions.prod()
    ),
}


def batch() -> tuple[Tensor, Tensor]:
    """Weights of which none ends near the end of a token."""
    generator = torch.Generator().manual_seed(3)
    alpha = 0.2 + torch.rand(2, 6, generator=generator, dtype=torch.float64)
    encoder_out = torch.randn(2, 6, 2, generator=generator, dtype=torch.float64)
    return alpha.requires_grad_(), encoder_out.requires_grad_()


def fire(alpha: Tensor, encoder_out: Tensor, rules: str) -> Firing:
    return integrate_and_fire(alpha, encoder_out, frame_lengths=LENGTHS, **RULES[rules])


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("name", OUTPUTS)
def test_first_and_second_derivatives_are_those_of_finite_differences(name, rules):
    """In reverse and in forward mode, one by one and batched, and forward over reverse."""

    def output(alpha: Tensor, encoder_out: Tensor) -> Tensor:
        return OUTPUTS[name](fire(alpha, encoder_out, rules))

    options = {"eps": 1e-7, "atol": 1e-5, "fast_mode": True}
    assert gradcheck(output, batch(), check_forward_ad=True, check_batched_grad=True, **options)
    assert gradgradcheck(output, batch(), check_fwd_over_rev=True, **options)


@given(
    rows=st.lists(weights(max_frames=12), min_size=1, max_size=3),
    threshold=st.sampled_from([0.7, 1.0, 2.0]),
    slack=st.sampled_from([0.0, 0.1, 0.4]),
    tail=st.sampled_from([*every_rule(0.3), drop]),
    targets=st.one_of(st.none(), st.integers(0, 5)),
    seed=st.integers(0, 99),
)
def test_gradients_in_one_go_are_those_of_ordinary_operations(
    rows, threshold, slack, tail, targets, seed
):
    """Ties, silence, padding, empty utterances: `create_graph` asks for ordinary operations."""
    lengths = torch.tensor([len(row) for row in rows])
    size, frames = len(rows), int(lengths.max())
    alpha = torch.zeros(size, frames, dtype=torch.float64)
    for row, given_weights in zip(alpha, rows, strict=True):
        row[: len(given_weights)] = torch.tensor(given_weights, dtype=torch.float64)
    alpha.requires_grad_()
    generator = torch.Generator().manual_seed(seed)
    encoder_out = torch.randn(size, frames, 3, generator=generator, dtype=torch.float64)
    encoder_out.requires_grad_()
    firing = integrate_and_fire(
        alpha,
        encoder_out,
        frame_lengths=lengths,
        threshold=threshold,
        slack=slack,
        tail=tail,
        target_lengths=None if targets is None else torch.full((size,), targets),
    )
    axis = firing.axis
    parts = [firing.embeddings, firing.residual, axis.running, axis.ends, axis.fill]
    loss = sum(
        (part * torch.randn(part.shape, generator=generator, dtype=torch.float64)).sum()
        for part in parts
    )
    options = {"retain_graph": True, "materialize_grads": True}
    at_once = torch.autograd.grad(loss, (alpha, encoder_out), **options)
    ordinary = torch.autograd.grad(loss, (alpha, encoder_out), create_graph=True, **options)
    torch.testing.assert_close(at_once, tuple(each.detach() for each in ordinary))


def test_weights_without_a_gradient_have_firings_without():
    alpha, encoder_out = batch()
    firing = integrate_and_fire(alpha.detach(), encoder_out, tail=above(0.2))
    assert firing.embeddings.requires_grad
    for part in (firing.residual, firing.fire_positions, firing.contributions):
        assert not part.requires_grad
    assert not fire(alpha, encoder_out, "plain").axis.fill.requires_grad


@pytest.mark.parametrize("rules", ["tail", "exact"])
def test_ends_of_tokens_that_end_with_the_weights_move_with_them(rules):
    """A full token ends at a multiple of the threshold, the last one where the weights end."""
    alpha, encoder_out = batch()
    firing = fire(alpha, encoder_out, rules)
    (moved,) = torch.autograd.grad(firing.token_masses.sum(), alpha)
    expected = torch.zeros_like(alpha)
    if rules == "tail":
        assert firing.tail_fired.any()
        ends_with_the_weights = firing.tail_fired.unsqueeze(1)
        expected = (torch.arange(6) < LENGTHS.unsqueeze(1)) * ends_with_the_weights * 1.0
        torch.testing.assert_close(moved, expected, check_dtype=False)
    else:  # scaled to a sum that does not depend on them, but for the 1e-8 beside the sum
        torch.testing.assert_close(moved, expected, rtol=0, atol=1e-7)


def test_a_third_derivative_is_that_of_finite_differences():
    def second(alpha: Tensor) -> Tensor:
        encoder_out = batch()[1].detach()
        loss = fire(alpha, encoder_out, "exact").embeddings.pow(3).sum()
        (first,) = torch.autograd.grad(loss, alpha, create_graph=True)
        return torch.autograd.grad(first.square().sum(), alpha, create_graph=True)[0]

    assert gradcheck(second, batch()[:1], eps=1e-7, atol=1e-4, rtol=1e-4, fast_mode=True)


def test_the_derivative_of_a_mass_and_of_the_weights_are_both_in_that_of_a_position():
    alpha, encoder_out = batch()
    mass = torch.tensor([[0.3, 0.9], [0.4, 0.7]], dtype=torch.float64, requires_grad=True)

    def positions(alpha: Tensor, mass: Tensor) -> Tensor:
        return fire(alpha, encoder_out, "plain").frames_at_mass(mass)

    assert gradcheck(positions, (alpha, mass), eps=1e-7, atol=1e-5, check_forward_ad=True)
    assert gradgradcheck(positions, (alpha, mass), eps=1e-7, atol=1e-5)


@pytest.mark.parametrize("size", [1e-9, 1e-8, 1e-6])
def test_gradients_of_near_silence_that_is_scaled_to_tokens(size):
    """Too small to be scaled, all of the weights is in the first tokens: 1e-8 is beside the sum."""
    encoder_out = batch()[1].detach()

    def embeddings(weights: Tensor) -> Tensor:
        return fire(size / 6 * weights, encoder_out, "exact").embeddings

    assert gradcheck(embeddings, batch()[:1], eps=1e-6, atol=1e-5, rtol=1e-4)


def test_scaled_weights_have_all_derivatives():
    def scaled(alpha: Tensor) -> Tensor:
        return scale_to_length(alpha, TARGETS)

    assert gradcheck(scaled, batch()[:1], check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(scaled, batch()[:1], check_fwd_over_rev=True)


def test_rounded_phrases_have_all_derivatives_and_silence_gives_no_nan():
    """Frames 2 and 3 are a phrase, 6 is one; the pause before them is one too, without weight."""
    alpha = torch.tensor([[0.0, 0.0, 0.6, 0.7, 0.0, 0.0, 0.9]], dtype=torch.float64)

    def rounded(alpha: Tensor) -> Tensor:
        return round_at_pauses(alpha, torch.tensor([7]), pause_frames=2)

    def of_the_loud(loud: Tensor) -> Tensor:
        return rounded(alpha.index_copy(1, torch.tensor([2, 3, 6]), loud))

    loud = alpha[:, [2, 3, 6]].requires_grad_()
    assert gradcheck(of_the_loud, loud, check_forward_ad=True)
    assert gradgradcheck(of_the_loud, loud)
    leaf = alpha.clone().requires_grad_()
    (slope,) = torch.autograd.grad(rounded(leaf).square().sum(), leaf)
    assert slope.isfinite().all()


@pytest.mark.parametrize("rules", ["tail", "exact"])
def test_function_transforms_agree_with_autograd(rules):
    tensors = tuple(tensor.detach() for tensor in batch())

    def embeddings(alpha: Tensor, encoder_out: Tensor) -> Tensor:
        return fire(alpha, encoder_out, rules).embeddings

    def loss(alpha: Tensor, encoder_out: Tensor) -> Tensor:
        return embeddings(alpha, encoder_out).square().sum()

    jacobian = torch.autograd.functional.jacobian(embeddings, tensors)
    both = (0, 1)
    for transform in (jacrev(embeddings, both), jacfwd(embeddings, both)):
        torch.testing.assert_close(transform(*tensors), jacobian)
    vectorized = torch.autograd.functional.jacobian(embeddings, tensors, vectorize=True)
    torch.testing.assert_close(vectorized, jacobian)
    expected = torch.autograd.functional.hessian(loss, tensors)
    for transform in (hessian(loss, both), jacrev(jacrev(loss, both), both)):
        torch.testing.assert_close(transform(*tensors), expected)
    along = tuple(torch.ones_like(tensor) for tensor in tensors)
    value, slope = jvp(loss, tensors, along)
    torch.testing.assert_close(value, loss(*tensors))
    torch.testing.assert_close(slope, sum(one.sum() for one in grad(loss, both)(*tensors)))
    with forward_ad.dual_level():
        dual = [forward_ad.make_dual(*pair) for pair in zip(tensors, along, strict=True)]
        torch.testing.assert_close(forward_ad.unpack_dual(loss(*dual)).tangent, slope)


def test_mapping_over_a_batch_is_refused():
    """Values must be looked at; and a batch is what a CIF takes anyway."""
    alpha, encoder_out = (tensor.detach() for tensor in batch())
    many = alpha.expand(3, 2, 6), encoder_out.expand(3, 2, 6, 2)

    def loss(alpha: Tensor, encoder_out: Tensor) -> Tensor:
        return fire(alpha, encoder_out, "tail").embeddings.sum()

    for mapped in (vmap(loss), vmap(grad(loss)), vmap(jacrev(loss))):
        with pytest.raises(CIFError, match="torch.vmap hides .* make the mapped axis part of the"):
            mapped(*many)


@pytest.mark.parametrize("targets", [None, TARGETS])
def test_second_derivatives_of_the_parameters_of_a_module(targets):
    """The Hessian along the gradient, by `functional_call`, beside differences of gradients."""
    torch.manual_seed(0)
    cif = CIF(CIFConfig(encoder_embed_dim=3, conv_cif_output_channels_num=3)).double().eval()
    encoder_out = torch.randn(2, 6, 3, dtype=torch.float64)
    parameters = {name: value.detach() for name, value in cif.named_parameters()}

    def loss(parameters: dict[str, Tensor]) -> Tensor:
        settings = {"target_lengths": targets, "max_fires": 6}
        firing = functional_call(cif, parameters, (encoder_out, LENGTHS), settings)
        return firing.embeddings.square().sum() + quantity_loss(firing, TARGETS)

    along = grad(loss)(parameters)
    assert max(float(one.abs().max()) for one in along.values()) > 1e-3
    _, second = jvp(grad(loss), (parameters,), (along,))
    step = 1e-6
    ends = [
        grad(loss)({name: value + sign * step * along[name] for name, value in parameters.items()})
        for sign in (1, -1)
    ]
    for name, value in second.items():
        difference = (ends[0][name] - ends[1][name]) / (2 * step)
        torch.testing.assert_close(value, difference, rtol=1e-5, atol=1e-6)


HALF = [torch.float16, torch.bfloat16]


def quiet(kind: str, seed: int) -> Tensor:
    """Weights of near-silence (2, 30), from 1e-8 to 1e-4."""
    generator = torch.Generator().manual_seed(seed)
    size = 10.0 ** (-8 + 4 * torch.rand((), generator=generator))
    alpha = size * torch.rand(2, 30, generator=generator)
    if kind == "sparse":
        return alpha * (torch.rand(2, 30, generator=generator) < 0.2)
    if kind == "a peak":
        alpha[:, 7] = 0.8
    return {"zeros": torch.zeros(2, 30), "subnormal": torch.full((2, 30), 2.0**-24)}.get(
        kind, alpha
    )


@pytest.mark.parametrize("dtype", [*HALF, torch.float32])
@pytest.mark.parametrize("kind", ["quiet", "sparse", "a peak", "zeros", "subnormal"])
def test_gradients_of_near_silence_are_right_where_the_dtype_holds_them(kind, dtype):
    for seed in range(4):
        alpha = quiet(kind, seed).to(dtype).requires_grad_()
        exact = alpha.detach().double().requires_grad_()
        generator = torch.Generator().manual_seed(seed)
        encoder_out = torch.randn(2, 30, 4, generator=generator).to(dtype)
        for rules in ({"target_lengths": TARGETS}, {"tail": above(0.0)}):
            got = integrate_and_fire(alpha, encoder_out, **rules).embeddings
            wanted = integrate_and_fire(exact, encoder_out.double(), **rules).embeddings
            pull = torch.randn(got.shape, generator=generator).to(dtype)
            (slope,) = torch.autograd.grad(got, alpha, pull)
            (expected,) = torch.autograd.grad(wanted, exact, pull.double())
            assert slope.dtype == dtype
            assert slope.isfinite().all()
            largest = torch.finfo(dtype).max
            scale = float(expected.abs().max().clamp(max=largest))
            off = slope.double() - expected.clamp(-largest, largest)
            assert float(off.abs().max()) <= 8 * torch.finfo(dtype).eps * scale


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("kind", ["quiet", "sparse", "zeros", "subnormal"])
def test_gradients_under_autocast_are_finite_in_near_silence(kind, dtype):
    alpha = quiet(kind, 0).to(dtype).requires_grad_()
    encoder_out = torch.randn(2, 30, 4, dtype=dtype, generator=torch.Generator().manual_seed(0))
    encoder_out.requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        firing = integrate_and_fire(alpha, encoder_out, target_lengths=TARGETS)
        loss = firing.embeddings.float().square().sum() + quantity_loss(firing, TARGETS)
    assert all(one.isfinite().all() for one in torch.autograd.grad(loss, (alpha, encoder_out)))


@pytest.mark.parametrize("dtype", [*HALF, torch.float32])
@pytest.mark.parametrize("bias", [-30.0, -18.0, -12.0, -9.0])
def test_a_module_that_hears_next_to_nothing_is_trained_with_finite_gradients(bias, dtype):
    torch.manual_seed(0)
    cif = CIF(CIFConfig(encoder_embed_dim=8, conv_cif_output_channels_num=8)).to(dtype)
    torch.nn.init.constant_(cif.weights.weight_proj.bias, bias)
    encoder_out = torch.randn(2, 30, 8).to(dtype).requires_grad_()
    firing = cif(encoder_out, torch.tensor([30, 11]), target_lengths=TARGETS)
    loss = firing.embeddings.float().square().sum() + quantity_loss(firing, TARGETS)
    loss.backward()
    assert loss.isfinite()
    assert all(one.grad.isfinite().all() for one in (encoder_out, *cif.parameters()))


@pytest.mark.parametrize("dtype", HALF)
def test_a_sum_of_weights_is_counted_in_float32(dtype):
    """1001 weights of 1: bfloat16 counts up to 256, float16 up to 2048."""
    firing = integrate_and_fire(torch.ones(1, 3001, dtype=dtype), torch.ones(1, 3001, 1))
    assert firing.weight_sum.item() == 3001
    assert quantity_loss(firing, torch.tensor([3000])).item() == pytest.approx(1 / 3000)


def test_the_smallest_tail_is_no_infinity():
    alpha = torch.tensor([[1e-310, 0.0]], dtype=torch.float64, requires_grad=True)
    encoder_out = torch.ones(1, 2, 1, dtype=torch.float64)
    embeddings = integrate_and_fire(alpha, encoder_out, tail=above(0.0)).embeddings
    (slope,) = torch.autograd.grad(embeddings.sum(), alpha)
    assert embeddings.isfinite().all()
    assert slope.isfinite().all()
    assert math.isfinite(float(slope.sum()))


@pytest.mark.parametrize("rules", ["tail", "exact"])
def test_a_derivative_of_a_derivative_is_the_same_in_every_mode(rules):
    """Forward over forward too: PyTorch drops it where an autograd.Function has a jvp."""

    encoder_out = batch()[1].detach().float()

    def loss(weights: Tensor) -> Tensor:
        firing = fire(weights.square().float(), encoder_out, rules)
        return firing.embeddings.pow(3).sum() + firing.fire_positions.square().sum()

    weights = batch()[0].detach().sqrt()
    expected = torch.autograd.functional.hessian(loss, weights)
    for one, other in ((jacfwd, jacfwd), (jacfwd, jacrev), (jacrev, jacfwd), (jacrev, jacrev)):
        torch.testing.assert_close(one(other(loss))(weights), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("training", [True, False])
def test_context_layers_have_second_derivatives_and_a_forward_mode(training):
    torch.manual_seed(0)
    sizes = {"encoder_embed_dim": 4, "conv_cif_output_channels_num": 4, "cif_ctxt_ffn_embed_dim": 4}
    heads = {"add_cif_ctxt_layers": True, "cif_ctxt_attention_heads": 2, "cif_ctxt_layers": 1}
    no_dropout = {"conv_cif_dropout": 0.0, "cif_ctxt_dropout": 0.0}
    cif = CIF(CIFConfig.from_dict({**sizes, **heads, **no_dropout})).double().train(training)
    encoder_out = torch.randn(1, 5, 4, dtype=torch.float64)

    def loss(encoder_out: Tensor) -> Tensor:
        return cif(encoder_out, target_lengths=torch.tensor([2])).embeddings.pow(3).sum()

    cif.requires_grad_(False)
    expected = torch.autograd.functional.hessian(loss, encoder_out)
    torch.testing.assert_close(hessian(loss)(encoder_out), expected)
    assert torch.backends.mha.get_fastpath_enabled()
    _, slope = jvp(loss, (encoder_out,), (torch.ones_like(encoder_out),))
    torch.testing.assert_close(slope, grad(loss)(encoder_out).sum())


def test_where_there_are_no_values_that_is_said():
    alpha, encoder_out = (tensor.detach() for tensor in batch())
    with pytest.raises(CIFError, match="there are no values: expected tensors that hold some"):
        integrate_and_fire(alpha.to("meta"), encoder_out.to("meta"))
    with pytest.raises(CIFError, match="a tracer such as torch.func.linearize"):
        torch.func.linearize(lambda weights: fire(weights, encoder_out, "plain").residual, alpha)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_gradients_of_positions_in_near_silence_are_those_of_float64(dtype):
    """Parts of a gradient that are beyond the dtype, as 1 / alpha, add up to one that is not."""
    tiny = torch.finfo(dtype).smallest_normal / 4
    weights = tiny * torch.tensor([[1.0, 2.0, 1.0, 1.0]], dtype=dtype)
    slopes = []
    for exact in (dtype, torch.float64):
        alpha = weights.to(exact, copy=True).requires_grad_()
        firing = integrate_and_fire(alpha, torch.eye(4)[None], tail=above(0.0))
        assert firing.num_fires.tolist() == [1]
        loss = firing.contributions.square().sum() - firing.fire_positions.sum()
        slopes += torch.autograd.grad(loss, alpha)
    torch.testing.assert_close(slopes[0].double(), slopes[1], rtol=2e-2, atol=0)
