"""The rest after the last fire: dropped, or one more token; never a matter of padding."""

import math

import pytest
import torch

from cifviz.core.firing import integrate_and_fire
from cifviz.core.tail import tail_fires
from cifviz.errors import CIFError


def fire(rows, lengths=None, **options):
    alpha = torch.tensor(rows, dtype=torch.float64)
    frames = alpha.shape[1]
    encoder_out = torch.eye(frames, dtype=torch.float64).expand(len(alpha), frames, frames)
    lengths = None if lengths is None else torch.tensor(lengths)
    return integrate_and_fire(alpha, encoder_out, frame_lengths=lengths, **options)


def test_a_rest_of_exactly_the_threshold_is_dropped():
    assert fire([[1.0, 0.5]], tail_threshold=0.5).num_fires.tolist() == [1]
    assert fire([[1.0, 0.500001]], tail_threshold=0.5).num_fires.tolist() == [2]


def test_a_rest_above_the_threshold_is_rescaled_to_a_full_token():
    """0.25 + 0.5 are left of which each frame keeps its share: 1/3 and 2/3 of β."""
    for threshold in (1.0, 1.5):
        firing = fire([[threshold, 0.25, 0.5]], threshold=threshold, tail_threshold=0.5)
        assert firing.tail_fired.tolist() == [True]
        assert firing.embeddings[0, 1].tolist() == pytest.approx(
            [0, threshold / 3, threshold * 2 / 3]
        )
        assert firing.residual.item() == 0.75  # what was left before the rule


def test_no_threshold_drops_every_rest():
    firing = fire([[0.9, 0.05]])
    assert firing.num_fires.tolist() == [0]
    assert firing.tail_fired.tolist() == [False]


def test_the_tail_ends_where_the_weights_end():
    firing = fire([[1.0, 0.8, 0.0, 0.0]], tail_threshold=0.5)
    assert firing.fire_positions[0].tolist() == [1.0, 2.0]
    assert firing.token_masses[0].tolist() == [1.0, 1.8]


def test_seven_weights_of_four_tenths_give_three_tokens_alone_and_batched():
    """S = 2.8. A rule that waits for a padded frame gives 2 alone and 3 in a batch."""
    alone = fire([[0.4] * 7], tail_threshold=0.5)
    batched = fire([[0.4] * 7 + [0.0] * 5, [0.4] * 12], [7, 12], tail_threshold=0.5)
    assert alone.num_fires.tolist() == [3]
    assert batched.num_fires.tolist() == [3, 5]  # 4.8: here too 0.8 is left
    torch.testing.assert_close(batched.embeddings[0, :3, :7], alone.embeddings[0])


@pytest.mark.parametrize("padding", [0, 1, 2, 50])
def test_no_amount_of_padding_changes_the_tail(padding):
    firing = fire([[0.4] * 7 + [9.0] * padding], [7], tail_threshold=0.5)
    assert firing.num_fires.tolist() == [3]
    assert firing.residual.item() == pytest.approx(0.8)
    assert firing.fire_positions[0].tolist() == pytest.approx([2.5, 5.0, 7.0])


def test_each_row_decides_for_itself():
    firing = fire([[1.0, 0.25], [1.0, 0.75], [0.0, 0.75], [0.0, 0.0]], tail_threshold=0.5)
    assert firing.num_fires.tolist() == [1, 2, 1, 0]
    assert firing.tail_fired.tolist() == [False, True, True, False]


def test_target_lengths_leave_no_tail():
    firing = fire([[0.4] * 7], tail_threshold=0.5, target_lengths=torch.tensor([2]))
    assert firing.num_fires.tolist() == [2]
    assert firing.tail_fired.tolist() == [False]


@pytest.mark.parametrize("threshold", [-0.1, math.nan, math.inf])
def test_tail_threshold_must_be_a_number_from_zero_up(threshold):
    with pytest.raises(CIFError, match=f"tail_threshold must be .* >= 0 or None, got {threshold}"):
        tail_fires(torch.tensor([0.5]), threshold)
