"""The rule of a firing: found by repeating it, believed nowhere else."""

import pytest
import torch
from torch import nn

from cifviz import capture, integrate_and_fire
from cifviz.core.dialects import DIALECTS
from cifviz.core.interop.firing_rule import TAILS, FiringRule, rule_of
from cifviz.core.tail import above, appended, drop, every_rule
from cifviz.errors import CIFError
from tests.core.interop.test_capture import CifMiddleware, CifPredictor

ALPHA = torch.full((1, 7), 0.4)


@pytest.mark.parametrize("tail", every_rule(), ids=str)
def test_it_repeats_a_firing_of_its_own_rule(tail):
    alpha = torch.tensor([[0.4, 0.9, 0.7, 0.6, 0.3]])
    firing = integrate_and_fire(alpha, torch.eye(5)[None], tail=tail)
    rule = FiringRule(tail=tail)
    assert rule.repeats(firing)
    found = rule_of(firing)
    assert found.fire(alpha).fire_positions.tolist() == firing.fire_positions.tolist()


def test_a_wanted_rule_is_tried_first_and_only_believed_if_it_repeats():
    firing = integrate_and_fire(ALPHA, torch.eye(7)[None], tail=appended(0.45))
    assert rule_of(firing, [FiringRule(tail=appended(0.3))]).tail == appended(0.3)
    assert rule_of(firing, [FiringRule(0.5)]).threshold == 1.0


def test_a_firing_without_a_known_rule_has_none():
    firing = integrate_and_fire(ALPHA, torch.eye(7)[None], target_lengths=torch.tensor([5]))
    assert rule_of(firing) is None


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_dialect_fires_as_its_contributions_say(dialect):
    alpha = torch.tensor([[0.4, 0.9, 0.7, 0.6, 0.3, 0.8]])
    made = DIALECTS[dialect].contributions(alpha)
    firing = FiringRule.of_dialect(dialect).fire(alpha)
    assert int(firing.num_fires) == int(made.num_fires)
    ours, theirs = firing.contributions.float(), made.weights
    assert torch.equal(ours[:, :, : theirs.shape[2]], theirs[:, : ours.shape[1], : ours.shape[2]])
    assert rule_of(firing) == FiringRule.of_dialect(dialect) or rule_of(firing).repeats(firing)


def test_more_than_memory_holds_is_refused_at_once():
    alpha = torch.full((1, 20_000), 0.4)
    with pytest.raises(CIFError, match="20000 frames with about 8000 tokens are too many at once"):
        FiringRule.of_dialect("torch_cif").fire(alpha)
    assert int(FiringRule().fire(alpha).num_fires) == 8000
    assert int(FiringRule.of_dialect("torch_cif").fire(alpha[:, :2000]).num_fires) == 800


def test_what_a_dialect_does_not_have_is_fixed():
    assert FiringRule().fixed == ()
    assert FiringRule.of_dialect("cif_pytorch").fixed == ("slack",)
    assert FiringRule.of_dialect("funasr_cif_v1").fixed == ("slack", "threshold", "tail")
    for name in TAILS:
        assert "tail_threshold" in DIALECTS[name].adjustable


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dialect": "espnet"}, "dialect must be one of"),
        ({"dialect": "soft", "threshold": 0.9}, "soft has no threshold to set"),
        ({"dialect": "cif_pytorch", "slack": 0.1}, "slack is not a setting of the dialect"),
        ({"threshold": 0}, "threshold must be"),
        ({"slack": 1.5}, "slack"),
        ({"tail": "sometimes"}, "tail rule must be one of"),
        ({"tail": "above -1"}, "value of above"),
    ],
)
def test_settings_that_mean_nothing(settings, message):
    with pytest.raises(CIFError, match=message):
        FiringRule.from_settings(**settings)


def test_settings_by_name():
    assert FiringRule.from_settings(tail="above:0.3").tail == above(0.3)
    assert FiringRule.from_settings(tail=drop).tail == drop
    assert FiringRule.from_settings(0.9, "at least 0.4", "torch_cif").tail.value == 0.4


def predictor(hidden, mask, **settings):
    model = CifPredictor(16, **settings).eval()
    return model, lambda: model(hidden, mask=mask.unsqueeze(1))


def middleware(hidden, mask, **settings):
    model = CifMiddleware(16, **settings).eval()
    given = {"encoder_raw_out": hidden, "encoder_padding_mask": ~mask}
    return model, lambda: model(given)


@pytest.mark.parametrize("make", [predictor, middleware])
@pytest.mark.parametrize("threshold", [0.8, 0.9, 1.0])
@pytest.mark.parametrize("seed", range(4))
@torch.no_grad()
def test_the_rule_of_a_captured_model_is_its_own(make, threshold, seed):
    """In a batch: appended frames, tails in padding, cuts by the longest neighbour."""
    torch.manual_seed(seed)
    lengths = torch.tensor([40, 31, 7])
    mask = torch.arange(40) < lengths.unsqueeze(1)
    model, call = make(torch.randn(3, 40, 16), mask, threshold=threshold)
    with capture(model) as firings:
        call()
    for one in firings[0]:
        rule = rule_of(one.cpu())
        assert rule is not None
        assert rule.dialect == ("paraformer_v1" if make is predictor else "cif_pytorch")
        assert rule.threshold == threshold
        again = rule.fire(one.alpha)
        assert int(again.num_fires) == int(one.num_fires)
        assert again.contributions.shape == one.contributions.shape
        torch.testing.assert_close(again.contributions, one.contributions, atol=1e-5, rtol=0)
        torch.testing.assert_close(again.fire_positions, one.fire_positions, atol=1e-4, rtol=0)


def test_a_predictor_with_numbers_that_are_none_has_no_rule():
    torch.manual_seed(0)
    model, call = predictor(torch.randn(1, 9, 16), torch.ones(1, 9, dtype=torch.bool))
    model.tail_threshold = nn.Parameter(torch.tensor([0.45]))
    with capture(model) as firings:
        call()
    assert firings[0].rule is None or firings[0].rule.tail.value == pytest.approx(0.45)
