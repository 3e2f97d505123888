"""What each tail rule makes of the residual, counted from the sum of the weights alone."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cifviz.core import tail
from cifviz.core.dialects import tail_rules
from cifviz.core.reference import integrate_and_fire
from cifviz.errors import CIFError
from experiments.studies import tail_sweep

APPENDED = 0.45
SIXTEENTHS = st.lists(st.integers(0, 16).map(lambda n: n / 16), max_size=20)
"""Weights up to 1 whose sums are exact: a residual of one half is one half."""

COUNTS = {
    "drop": math.floor,
    "above 0.5": lambda total: math.floor(total) + (total % 1 > 0.5),
    "at least 0.5": lambda total: math.floor(total) + (total % 1 >= 0.5),
    "appended 0.45": lambda total: math.floor(total + APPENDED),
    "rounded": round,  # Python's, too, goes from a half to the even side
    "dynamic": math.ceil,
}


def applied(name, weights, *settings, **options):
    return tail_rules(*settings, **options)[name](torch.tensor([weights], dtype=torch.float64))


def test_the_counted_rules_are_among_all():
    assert [name for name in tail_rules() if name in COUNTS] == list(COUNTS)


def test_a_new_rule_is_found(monkeypatch):
    """By the value in use, or by the tail threshold; in the sweep for each τ."""
    monkeypatch.setattr(tail, "RULES", dict(tail.RULES))

    @tail.tail_rule(limits=(0.0, 1.0))
    def below(residual, threshold, tau):
        return residual < tau

    @tail.tail_rule(limits=(0.0, 1.0), usual=0.75)
    def up_to(residual, threshold, tau):
        return residual <= tau

    assert list(tail_rules(0.25))[-2:] == ["below 0.25", "up to 0.75"]
    assert list(tail_rules(2.0))[-2:] == ["below 1", "up to 0.75"]
    assert len(applied("below 0.25", [1.0, 0.125], 0.25)) == 2
    names = list(tail_sweep.all_rules(0.0))
    assert [name for name in names if name.startswith("below")][::8] == ["below 0.1", "below 0.9"]
    assert names.count("up to 0.75") == 1


@pytest.mark.parametrize("name", COUNTS)
@given(weights=SIXTEENTHS)
def test_the_sum_of_the_weights_decides_how_many_tokens_come_out(name, weights):
    contributions = applied(name, weights)
    assert contributions.shape == (COUNTS[name](sum(weights)), len(weights))
    assert contributions.dtype == torch.float64


@pytest.mark.parametrize("name", COUNTS)
@given(weights=SIXTEENTHS)
def test_tokens_are_full_but_for_those_of_two_rules(name, weights):
    total = sum(weights)
    expected = [1.0] * COUNTS[name](total)
    if name == "dynamic":
        expected = [total / len(expected)] * len(expected) if expected else []
    if name == "appended 0.45" and len(expected) > total:
        expected[-1] = total % 1  # the frame that was appended is empty
    sums = applied(name, weights).sum(dim=1)
    torch.testing.assert_close(sums.tolist(), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", list(COUNTS)[:4])
@given(weights=SIXTEENTHS)
def test_four_rules_leave_the_full_tokens_alone(name, weights):
    full = integrate_and_fire(weights)[0]
    found = applied(name, weights)[: len(full)].tolist()
    torch.testing.assert_close(found, full, rtol=0, atol=1e-5)


def test_two_rules_move_every_boundary():
    """Five weights of one half: 2 tokens of 1.25 scaled down to 1, or 3 of 5/6."""
    weights = [0.5] * 5
    assert applied("drop", weights)[0].tolist() == [0.5, 0.5, 0, 0, 0]
    scaled = applied("rounded", weights)[0]
    assert scaled.tolist() == pytest.approx([0.4, 0.4, 0.2, 0, 0])
    dynamic = applied("dynamic", weights)[0]
    assert dynamic.tolist() == pytest.approx([0.5, 1 / 3, 0, 0, 0])


def test_exactly_at_the_threshold_two_rules_part():
    for threshold in (0.5, 0.25):
        weights = [0.75, 0.25 + threshold]
        assert len(applied(f"above {threshold:g}", weights, threshold)) == 1
        assert len(applied(f"at least {threshold:g}", weights, threshold)) == 2


def test_with_slack_a_token_fires_before_it_is_full():
    assert len(applied("drop", [0.5, 0.495])) == 0
    assert len(applied("drop", [0.5, 0.495], slack=0.01)) == 1


@pytest.mark.parametrize("alpha", [torch.ones(2, 3), torch.ones(0, 3)])
@pytest.mark.parametrize("name", COUNTS)
def test_a_batch_is_refused(name, alpha):
    with pytest.raises(CIFError, match=f"the weights of one utterance, got {len(alpha)}"):
        tail_rules()[name](alpha)


@pytest.mark.parametrize("settings", [{"tail_threshold": -1}, {"slack": 1.0}, {"slack": -0.1}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(CIFError, match="tail_threshold|slack"):
        tail_rules(**settings)
