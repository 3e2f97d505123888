import pytest
import torch

from cifviz.core.firing import integrate_and_fire
from cifviz.core.losses import quantity_loss
from cifviz.errors import CIFError


def fire(alpha, **options):
    return integrate_and_fire(alpha, torch.ones(*alpha.shape, 1), **options)


def test_by_hand():
    """|1.5 − 2| and |0.5 − 0| over 2 tokens: 0.5."""
    firing = fire(torch.tensor([[0.5, 0.5, 0.5], [0.25, 0.25, 0.0]]))
    assert quantity_loss(firing, torch.tensor([2, 0])).item() == 0.5


def test_the_threshold_is_the_unit():
    """0.6 + 0.6 is 2.4 tokens of 0.5 each."""
    firing = fire(torch.tensor([[0.6, 0.6]]), threshold=0.5)
    assert quantity_loss(firing, torch.tensor([2])).item() == pytest.approx(0.2)


def test_unscaled_weights_are_judged():
    firing = fire(torch.tensor([[0.5, 0.5, 0.5]]), target_lengths=torch.tensor([3]))
    assert quantity_loss(firing, torch.tensor([3])).item() == 0.5


def test_weights_behind_an_utterance_do_not_count():
    firing = fire(torch.tensor([[0.5, 0.5, 9.0]]), frame_lengths=torch.tensor([2]))
    assert quantity_loss(firing, torch.tensor([1])).item() == 0


def test_gradient_pushes_every_real_weight_alike():
    """Too little weight for 2 tokens in row 0, too much in row 1; 3 tokens in all."""
    alpha = torch.tensor([[0.5, 0.1, 0.0], [0.9, 0.9, 0.9]], requires_grad=True)
    firing = fire(alpha, frame_lengths=torch.tensor([2, 3]))
    quantity_loss(firing, torch.tensor([2, 1])).backward()
    expected = torch.tensor([[-1.0, -1.0, 0.0], [1.0, 1.0, 1.0]]) / 3
    torch.testing.assert_close(alpha.grad, expected)


def test_finite_where_nothing_was_said():
    alpha = torch.full((2, 3), 0.2, requires_grad=True)
    loss = quantity_loss(fire(alpha), torch.tensor([0, 0]))
    loss.backward()
    assert loss.item() == pytest.approx(1.2)
    assert alpha.grad.tolist() == [[1.0] * 3] * 2


def test_zero_where_nothing_was_said_and_nothing_heard():
    assert quantity_loss(fire(torch.zeros(2, 3)), torch.tensor([0, 0])).item() == 0


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        (torch.tensor([1]), r"must be \(batch,\) = \(2,\), got \(1,\)"),
        (torch.tensor([1.0, 2.0]), "must hold integers"),
        (torch.tensor([1, -1]), "must be >= 0, got -1 in row 1"),
    ],
)
def test_target_lengths_must_be_counts(lengths, message):
    with pytest.raises(CIFError, match=f"target_lengths {message}"):
        quantity_loss(fire(torch.ones(2, 3)), lengths)


@pytest.mark.parametrize("firing", [None, torch.ones(2, 3), {}])
def test_a_firing_is_judged_and_nothing_else(firing):
    with pytest.raises(CIFError, match="firing must be a Firing, got "):
        quantity_loss(firing, torch.tensor([1, 1]))
