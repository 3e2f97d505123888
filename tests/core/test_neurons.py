"""Neurons by hand; without a leak they are a CIF."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cifviz.core.firing import integrate_and_fire
from cifviz.core.neurons import RULES, NeuronRule
from cifviz.core.tail import above, appended, at_least, drop, rounded
from cifviz.errors import CIFError

NO_LEAK = (
    NeuronRule(),
    NeuronRule("leaky", leak=0.0),
    NeuronRule("adaptive", leak=0.0, rise=0.0),
)
ALPHAS = st.lists(st.sampled_from([0.0, 0.1, 0.3, 0.55, 0.8, 1.0, 1.7, 3.2]), max_size=12)


@pytest.mark.parametrize("rule", NO_LEAK, ids=lambda one: one.rule)
@pytest.mark.parametrize("tail", [drop, above(0.5), at_least(0.3)], ids=str)
def test_without_a_leak_it_is_integrate_and_fire(rule, tail):
    """Tokens, times, residuals, counts and gradients, to 1e-6."""
    torch.manual_seed(0)
    lengths = torch.tensor([60, 31, 1, 0])
    frames = torch.randn(4, 60, 3, dtype=torch.float64)
    one = torch.rand(4, 60, dtype=torch.float64) * 1.3
    two = one.clone()
    options = {"frame_lengths": lengths, "tail": tail}
    expected = integrate_and_fire(one.requires_grad_(), frames, **options)
    found = rule.integrate(two.requires_grad_(), frames, **options, slack=0.0)
    assert torch.equal(found.num_fires, expected.num_fires)
    assert torch.equal(found.tail_fired, expected.tail_fired)
    for name in ("embeddings", "contributions", "fire_positions", "residual"):
        mine, its = getattr(found, name), getattr(expected, name)
        torch.testing.assert_close(mine, its, rtol=0, atol=1e-6, msg=name)
    torch.testing.assert_close(found.soft_count, expected.weight_sum, rtol=0, atol=1e-6)
    for firing in (found, expected):
        firing.embeddings.square().sum().backward()
    torch.testing.assert_close(two.grad, one.grad, rtol=0, atol=1e-6)


@pytest.mark.parametrize("rule", NO_LEAK, ids=lambda one: one.rule)
def test_scaled_without_a_leak_it_is_a_scaled_cif(rule):
    """As many tokens as asked for, also where rounding would lose the last one."""
    torch.manual_seed(1)
    for _ in range(30):
        alpha, frames = torch.rand(3, 40) * 0.4, torch.randn(3, 40, 2)
        wanted = torch.randint(0, 15, (3,))
        expected = integrate_and_fire(alpha, frames, target_lengths=wanted)
        found = rule.integrate(alpha, frames, target_lengths=wanted)
        assert torch.equal(found.num_fires, wanted)
        torch.testing.assert_close(found.embeddings, expected.embeddings, rtol=0, atol=1e-3)


def test_scaled_with_a_leak_by_hand():
    """Twice 0.5 and a leak of ½: 4 / 3 of them are one token, 1/3 + 2/3."""
    alpha, rule = torch.full((1, 2), 0.5), NeuronRule("leaky", leak=0.5)
    firing = rule.integrate(alpha, torch.eye(2)[None], target_lengths=torch.tensor([1]))
    assert firing.num_fires.tolist() == [1]
    assert firing.scaled_alpha[0].tolist() == pytest.approx([2 / 3, 2 / 3], rel=5e-3)
    assert firing.embeddings[0, 0].tolist() == pytest.approx([1 / 3, 2 / 3], abs=5e-3)


@pytest.mark.parametrize("name", RULES)
def test_scaled_it_fires_as_often_as_asked_whatever_the_weights_were(name):
    """A neuron that leaks too: where all weights grow the factor shrinks."""
    torch.manual_seed(3)
    alpha, frames = torch.rand(8, 60) * 0.4 + 0.05, torch.randn(8, 60, 2)
    wanted = torch.randint(1, 9, (8,))
    weak, strong = (
        NeuronRule(name).integrate(gain * alpha, frames, target_lengths=wanted) for gain in (0.1, 2)
    )
    for firing in (weak, strong):
        missed = (firing.num_fires - wanted).abs()
        assert int(missed.max()) <= 1 and float(missed.float().mean()) <= 0.25
    torch.testing.assert_close(weak.scaled_alpha, strong.scaled_alpha, rtol=1e-2, atol=1e-4)
    if name != "dynamic":  # at which two spikes may come together
        assert torch.equal(strong.num_fires, wanted)


def test_leaky_by_hand():
    """½ leaks in a frame: 0.6; 0.3 + 0.6; 0.45 + 0.6, a spike, 0.05 are left; 0.025."""
    alpha = torch.tensor([[0.6, 0.6, 0.6, 0.0]], dtype=torch.float64)
    membrane, rows, ends = NeuronRule("leaky", leak=0.5).run(alpha, slack=0.0)
    assert membrane.spikes.tolist() == [[0, 0, 1, 0]]
    assert membrane.peak[0].tolist() == pytest.approx([0.6, 0.9, 1.05, 0.025])
    assert membrane.potential[0].tolist() == pytest.approx([0.6, 0.9, 0.05, 0.025])
    assert rows[0, 0].tolist() == pytest.approx([0.15, 0.3, 0.55, 0])
    assert rows[0, 1].tolist() == pytest.approx([0, 0, 0.025, 0])
    assert ends[0].tolist() == pytest.approx([1.75])  # 0.05 before all of 1.8
    firing = NeuronRule("leaky", leak=0.5).integrate(alpha, torch.eye(4)[None].double())
    assert firing.fire_positions[0].tolist() == pytest.approx([2 + 0.55 / 0.6])
    assert float(firing.residual) == pytest.approx(0.025)
    assert float(firing.soft_count) == pytest.approx(1.025)


def test_adaptive_by_hand():
    """A spike raises θ by ½, of which half is gone after each frame: 1, 1.25, 1.125."""
    alpha = torch.tensor([[1.0, 1.0, 0.3]], dtype=torch.float64)
    rule = NeuronRule("adaptive", leak=0.0, rise=0.5, recovery=0.5)
    membrane, rows, _ = rule.run(alpha, slack=0.0)
    assert membrane.threshold[0].tolist() == pytest.approx([1.0, 1.25, 1.125])
    assert membrane.spikes.tolist() == [[1, 0, 1]]
    assert rows[0, 1].tolist() == pytest.approx([0, 1.0, 0.125])
    assert rows[0, 2].tolist() == pytest.approx([0, 0, 0.175])


def test_dynamic_by_hand():
    """0.6; 0.6 + 0.36 − 0.6 + 0.7 = 1.06, a spike; then v = 0 and u = 0.06 + 0.1."""
    alpha = torch.tensor([[0.6, 0.7, 0.5]], dtype=torch.float64)
    membrane, rows, ends = NeuronRule("dynamic").run(alpha, slack=0.0)
    assert membrane.spikes.tolist() == [[0, 1, 0]]
    assert membrane.peak[0].tolist() == pytest.approx([0.6, 1.06, 0.5 - 0.16])
    assert membrane.potential[0].tolist() == pytest.approx([0.6, 0.0, 0.34])
    assert rows[0, 0].tolist() == pytest.approx([6 / 13, 7 / 13, 0])
    assert ends[0].tolist() == pytest.approx([1.3])


def test_weak_currents_leak_away_and_never_fire():
    alpha = torch.full((1, 200), 0.2)
    counts = [int(NeuronRule(rule, leak=0.25).run(alpha)[0].spikes.sum()) for rule in RULES]
    assert counts == [40, 0, 0, 0]


def test_several_spikes_in_a_frame():
    membrane, rows, _ = NeuronRule("leaky", leak=0.1).run(torch.tensor([[3.5, 0.2]]))
    assert membrane.spikes.tolist() == [[3, 0]]
    assert rows.sum(dim=2)[0].tolist() == pytest.approx([1, 1, 1, 0.65])


@settings(max_examples=40, deadline=None)
@given(ALPHAS, ALPHAS, st.sampled_from(RULES))
def test_alone_is_as_in_a_batch(first, second, name):
    rule = NeuronRule(name)
    size = max(len(first), len(second))
    lengths = torch.tensor([len(first), len(second)])
    alpha = torch.tensor([one + [9.0] * (size - len(one)) for one in (first, second)])
    alpha = alpha.reshape(2, size)
    frames = torch.randn(2, size, 2, generator=torch.manual_seed(0))
    wanted = torch.tensor([2, 3])
    for options in ({}, {"tail": above(0.5)}, {"target_lengths": wanted}):
        together = rule.integrate(alpha, frames, frame_lengths=lengths, **options)
        for row, count in enumerate(lengths.tolist()):
            if "target_lengths" in options:
                options = {"target_lengths": wanted[row : row + 1]}
            one = together.utterance(row)
            alone = rule.integrate(
                alpha[row : row + 1, :count], frames[row : row + 1, :count], **options
            )
            assert torch.equal(one.num_fires, alone.num_fires)
            torch.testing.assert_close(one.contributions, alone.contributions)
            torch.testing.assert_close(one.soft_count, alone.soft_count)


@pytest.mark.parametrize("name", RULES)
def test_gradients_are_those_of_differences(name):
    rule = NeuronRule(name)
    alpha = torch.tensor([[0.31, 0.47, 0.52, 0.18, 0.73, 0.64, 0.29]], dtype=torch.float64)
    frames = torch.randn(1, 7, 2, dtype=torch.float64, generator=torch.manual_seed(2))
    assert rule.integrate(alpha, frames).num_fires > 0

    def embeddings(weights):
        return rule.integrate(weights, frames, slack=0.0).embeddings

    assert torch.autograd.gradcheck(embeddings, alpha.requires_grad_())


@pytest.mark.parametrize("name", RULES)
def test_the_soft_count_teaches_every_frame(name):
    alpha = torch.full((1, 9), 0.05, requires_grad=True)
    firing = NeuronRule(name).integrate(alpha, torch.zeros(1, 9, 1))
    firing.soft_count.sum().backward()
    torch.testing.assert_close(alpha.grad, torch.ones(1, 9))


@pytest.mark.parametrize("name", RULES)
def test_nothing_gives_nothing(name):
    for shape in ((1, 0), (2, 5), (0, 3)):
        firing = NeuronRule(name).integrate(torch.zeros(shape), torch.zeros(*shape, 3))
        assert firing.embeddings.shape == (shape[0], 0, 3)
        assert not firing.soft_count.any()
        scaled = NeuronRule(name).integrate(
            torch.zeros(shape), torch.zeros(*shape, 3), target_lengths=torch.ones(shape[0]).long()
        )
        assert scaled.embeddings.isfinite().all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"rule": "spike"}, "neuron rule must be one of 'integrate', 'leaky', 'adaptive', 'dyn"),
        ({"leak": 1.5}, "leak must be a number >= 0 and <= 1"),
        ({"rise": -1}, "rise must be a number >= 0"),
        ({"threshold": 0}, "threshold must be a number > 0"),
    ],
)
def test_constants_that_cannot_be_are_refused(given, message):
    with pytest.raises(CIFError, match=message):
        NeuronRule(**given)


@pytest.mark.parametrize("tail", [rounded, appended(0.45)], ids=str)
def test_tail_rules_without_a_meaning_here_are_refused(tail):
    with pytest.raises(CIFError, match="one more full token or none, got"):
        NeuronRule().integrate(torch.ones(1, 2), torch.ones(1, 2, 1), tail=tail)
