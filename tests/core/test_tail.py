"""The weight behind the last full token, by each rule; never a matter of padding."""

import json
import math

import pytest
import torch

from cifviz.core import tail as tails
from cifviz.core.firing import integrate_and_fire
from cifviz.core.pause_rounding import round_at_pauses
from cifviz.core.streaming import CIFState
from cifviz.core.tail import (
    DEFAULT,
    RULES,
    TailRule,
    above,
    appended,
    at_least,
    drop,
    dynamic,
    every_rule,
    rounded,
    tail_rule,
)
from cifviz.errors import CIFError

by_each_rule = pytest.mark.parametrize("tail", every_rule(), ids=str)


def fire(rows, lengths=None, **options):
    alpha = torch.tensor(rows, dtype=torch.float64)
    frames = alpha.shape[1]
    encoder_out = torch.eye(frames, dtype=torch.float64).expand(len(alpha), frames, frames)
    lengths = None if lengths is None else torch.tensor(lengths)
    return integrate_and_fire(alpha, encoder_out, frame_lengths=lengths, **options)


# Counts


@pytest.mark.parametrize(
    ("tail", "counts"),
    [
        (drop, [2, 2, 2, 2, 3]),
        (above(0.5), [2, 2, 3, 3, 3]),
        (at_least(0.5), [2, 3, 3, 3, 3]),
        (appended(0.45), [2, 2, 2, 3, 3]),  # from 0.55 on
        (rounded, [2, 2, 3, 3, 3]),  # half to even
        (dynamic, [3, 3, 3, 3, 3]),
    ],
    ids=str,
)
@pytest.mark.parametrize("threshold", [1.0, 0.5, 2.0])
def test_how_many_tokens_come_out(tail, counts, threshold):
    """Sums of 2.25, 2.5, 2.51, 2.6 and 3 tokens; τ and the appended weight in their unit."""
    if tail.value is not None:
        tail = TailRule(tail.rule, threshold * tail.value)
    rows = [[threshold, threshold, threshold * left] for left in (0.25, 0.5, 0.51, 0.6, 1.0)]
    assert fire(rows, threshold=threshold, tail=tail).num_fires.tolist() == counts


def test_the_rules_of_the_literature_are_among_all():
    known = [drop, above(0.25), at_least(0.25), appended(0.45), rounded, dynamic]
    assert [tail for tail in every_rule(0.25) if tail in known] == known


@pytest.mark.parametrize("weights", [[], [0.0], [0.0, 0.0]])
@by_each_rule
def test_nothing_fires_of_nothing(tail, weights):
    """Not even by at_least(0), nor by an appended weight of a whole token."""
    for rule in (tail, at_least(0.0), appended(1.0)):
        assert fire([weights], tail=rule).num_fires.tolist() == [0]


# What the tokens are made of


@pytest.mark.parametrize("tail", [above(0.5), at_least(0.5)], ids=str)
@pytest.mark.parametrize("threshold", [1.0, 1.5])
def test_a_residual_that_fires_is_rescaled_to_a_full_token(tail, threshold):
    """0.25 + 0.5 are left, of which each frame keeps its share: 1/3 and 2/3 of β."""
    firing = fire([[threshold, 0.25, 0.5]], threshold=threshold, tail=tail)
    assert firing.tail_fired.tolist() == [True]
    assert firing.embeddings[0, 1].tolist() == pytest.approx([0, threshold / 3, threshold * 2 / 3])
    assert firing.residual.item() == 0.75  # before the rule


def test_an_appended_weight_completes_a_token_and_adds_nothing_to_it():
    firing = fire([[1.0, 0.25, 0.5]], tail=appended(0.45))
    assert firing.tail_fired.tolist() == [True]
    assert firing.embeddings[0, 1].tolist() == [0, 0.25, 0.5]


def test_rounded_scales_every_token():
    """Five weights of one half, 2.5 tokens, become two full ones: 0.4 of each frame."""
    firing = fire([[0.5] * 5], tail=rounded)
    assert firing.tail_fired.tolist() == [False]
    assert firing.embeddings[0, 0].tolist() == pytest.approx([0.4, 0.4, 0.2, 0, 0])
    assert firing.scaled_alpha[0].tolist() == pytest.approx([0.4] * 5)
    assert firing.alpha[0].tolist() == [0.5] * 5


def test_dynamic_divides_the_weights_into_equal_tokens():
    """Five weights of one half become three tokens of 5/6."""
    firing = fire([[0.5] * 5], tail=dynamic)
    assert firing.embeddings[0, 0].tolist() == pytest.approx([0.5, 1 / 3, 0, 0, 0])
    assert firing.embeddings.sum(dim=2)[0].tolist() == pytest.approx([5 / 6] * 3)
    assert fire([[1e-9, 0.0]], tail=dynamic).embeddings.sum().item() == pytest.approx(1e-9)


@pytest.mark.parametrize("tail", [rounded, dynamic], ids=str)
def test_rules_that_scale_have_gradients_by_differences(tail):
    torch.manual_seed(0)
    alpha = torch.rand(2, 7, dtype=torch.float64, requires_grad=True)
    encoder_out = torch.randn(2, 7, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda *given: integrate_and_fire(*given, tail=tail).embeddings, (alpha, encoder_out)
    )


def test_the_tail_ends_where_the_weights_end():
    firing = fire([[1.0, 0.8, 0.0, 0.0]], tail=above(0.5))
    assert firing.fire_positions[0].tolist() == [1.0, 2.0]
    assert firing.token_masses[0].tolist() == [1.0, 1.8]


# Padding, neighbours, training


def test_seven_weights_of_four_tenths_give_three_tokens_alone_and_batched():
    """S = 2.8. A rule that waits for a padded frame gives 2 alone and 3 in a batch."""
    alone = fire([[0.4] * 7], tail=above(0.5))
    batched = fire([[0.4] * 7 + [0.0] * 5, [0.4] * 12], [7, 12], tail=above(0.5))
    assert alone.num_fires.tolist() == [3]
    assert batched.num_fires.tolist() == [3, 5]  # 4.8: here too 0.8 is left
    torch.testing.assert_close(batched.embeddings[0, :3, :7], alone.embeddings[0])


@pytest.mark.parametrize("padding", [0, 1, 2, 50])
@by_each_rule
def test_no_amount_of_padding_changes_anything(tail, padding):
    alone = fire([[0.4] * 7], tail=tail)
    padded = fire([[0.4] * 7 + [9.0] * padding, [0.4] * (7 + padding)], [7, 7 + padding], tail=tail)
    assert padded.num_fires[0] == alone.num_fires[0]
    assert padded.residual[0] == alone.residual[0]
    fires = int(alone.num_fires)
    assert torch.equal(padded.fire_positions[0, :fires], alone.fire_positions[0])
    torch.testing.assert_close(padded.embeddings[0, :fires, :7], alone.embeddings[0])


def test_each_row_decides_for_itself():
    firing = fire([[1.0, 0.25], [1.0, 0.75], [0.0, 0.75], [0.0, 0.0]], tail=above(0.5))
    assert firing.num_fires.tolist() == [1, 2, 1, 0]
    assert firing.tail_fired.tolist() == [False, True, True, False]


@by_each_rule
def test_target_lengths_leave_no_tail(tail):
    firing = fire([[0.4] * 7], tail=tail, target_lengths=torch.tensor([2]))
    assert firing.num_fires.tolist() == [2]
    assert firing.tail_fired.tolist() == [False]
    assert firing.embeddings.sum(dim=2)[0].tolist() == pytest.approx([1.0, 1.0])


@by_each_rule
def test_between_pauses_a_rule_counts_as_it_does_for_the_whole(tail):
    for left in (0.25, 0.5, 0.51, 0.6, 1.0):
        alpha = torch.tensor([[1.0, 1.0, left]])
        total = round_at_pauses(alpha, torch.tensor([3]), pause_frames=2, tail=tail).sum()
        expected = integrate_and_fire(alpha, torch.eye(3)[None], tail=tail).num_fires
        assert total.item() == pytest.approx(expected.item(), abs=1e-6)


# Names and values


@by_each_rule
def test_json_keeps_a_rule(tail):
    assert TailRule.from_dict(json.loads(json.dumps(tail.to_dict()))) == tail


def test_the_value_may_be_left_out_where_there_is_none():
    assert TailRule.from_dict({"rule": "dynamic"}) == dynamic


def test_the_default_is_what_cif_pytorch_does():
    assert above(0.5) == DEFAULT


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rule": "sometimes"}, "tail rule must be one of 'drop', 'above', .*, got 'sometimes'"),
        ({"value": 0.5}, "tail rule must be one of"),
        ({"rule": "above"}, "value of above must be a number >= 0 and <= .*, got None"),
        ({"rule": "above", "value": -0.1}, "value of above must be .* >= 0 .*, got -0.1"),
        ({"rule": "above", "value": math.nan}, "value of above must be .*, got nan"),
        ({"rule": "at_least", "value": math.inf}, "value of at_least must be .*, got inf"),
        (
            {"rule": "appended", "value": "0.45"},
            "value of appended must be a number .*, got '0.45'",
        ),
        ({"rule": "drop", "value": 0.5}, "value of drop must be None, got 0.5"),
        ({"rule": "drop", "tau": 0.5}, "key of a tail rule must be one of 'rule', 'value'"),
        ("above", "tail rule must be a Mapping, got 'above'"),
    ],
)
def test_what_is_no_rule_is_refused(values, message):
    with pytest.raises(CIFError, match=message):
        TailRule.from_dict(values)


# A new one


def test_a_new_rule_is_one_function(monkeypatch):
    """Found by its name in firing, streams, pause rounding, JSON and the list of all."""
    monkeypatch.setattr(tails, "RULES", dict(RULES))

    @tail_rule(limits=(0.0, 1.0))
    def below(residual, threshold, tau):
        return residual < tau

    assert every_rule(0.25)[-1] == below(0.25)
    assert TailRule.from_dict({"rule": "below", "value": 0.5}) == below(0.5)
    assert fire([[1.0, 0.25], [1.0, 0.75]], tail=below(0.5)).num_fires.tolist() == [2, 1]
    state = CIFState.start(batch=1, dim=1)
    _, state = state.feed(torch.tensor([[1.0, 0.25]]), torch.ones(1, 2, 1))
    assert state.flush(below(0.5))[0].num_fires.tolist() == [1]
    alpha = torch.tensor([[1.0, 0.25]])
    assert round_at_pauses(
        alpha, torch.tensor([2]), pause_frames=1, tail=below(0.5)
    ).sum().item() == pytest.approx(2.0)
