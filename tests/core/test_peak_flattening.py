"""Flattening against the loop of its source, and what it keeps."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cifviz.core.dialects.w2v_cif_bert import flattened
from cifviz.core.peak_flattening import HIGHEST, flatten_peaks
from cifviz.errors import CIFError

rows = st.lists(st.floats(0, 3, width=32), min_size=1, max_size=12)


@given(rows)
def test_it_is_the_loop_of_the_source(row):
    alpha = torch.tensor([row])
    mean = alpha[alpha > 0].mean() if (alpha > 0).any() else alpha.new_zeros(())
    top = float(alpha.max())
    if abs(top - HIGHEST) < 1e-3 or abs(float(mean) - HIGHEST) < 1e-3:
        return  # a last digit decides
    found = flatten_peaks(alpha, torch.tensor([len(row)]))[0]
    expected = flattened(alpha[0], HIGHEST)
    # In float32 the loop may halve once more or once less where a weight comes out at the limit.
    again = expected + (expected - mean) * (expected > 0)
    half = (expected + mean) / 2 * (expected > 0)
    assert any(torch.allclose(found, one, atol=1e-4) for one in (expected, again, half))


@given(st.lists(rows, min_size=1, max_size=3))
def test_the_sum_stays_and_no_peak_does(drawn):
    frames = max(map(len, drawn))
    alpha = torch.zeros(len(drawn), frames, dtype=torch.float64)
    for number, row in enumerate(drawn):
        alpha[number, : len(row)] = torch.tensor(row)
    lengths = torch.tensor([len(row) for row in drawn])
    found = flatten_peaks(alpha, lengths)
    torch.testing.assert_close(found.sum(dim=1), alpha.sum(dim=1))
    assert ((found > 0) == (alpha > 0)).all()
    count = (alpha > 0).sum(dim=1).clamp(min=1)
    highest = torch.maximum(alpha.sum(dim=1) / count, torch.tensor(HIGHEST)) + 1e-5
    assert (found <= highest.unsqueeze(1)).all()


def test_by_hand():
    """(.18, 1.69, .18, .18, .18, 1.6): the mean is 0.6683, and two halvings are enough."""
    alpha = torch.tensor([[0.18, 1.69, 0.18, 0.18, 0.18, 1.60]])
    expected = torch.tensor([[0.5463, 0.9238, 0.5463, 0.5463, 0.5463, 0.9013]])
    torch.testing.assert_close(flatten_peaks(alpha, torch.tensor([6])), expected, atol=1e-4, rtol=0)


def test_weights_without_a_peak_are_left_alone():
    alpha = torch.tensor([[0.2, 0.9, 0.0], [0.999, 0.1, 0.3]])
    assert torch.equal(flatten_peaks(alpha, torch.tensor([3, 3])), alpha)


def test_padding_changes_nothing():
    alpha = torch.tensor([[1.4, 0.1, 0.2, 0.3]])
    alone = flatten_peaks(alpha, torch.tensor([4]))
    padded = torch.nn.functional.pad(alpha, (0, 3))
    together = flatten_peaks(torch.cat([padded, padded * 0]), torch.tensor([4, 0]))
    torch.testing.assert_close(together[0, :4], alone[0])
    assert not together[1].any() and not together[0, 4:].any()


def test_gradients():
    alpha = torch.tensor([[1.4, 0.1, 0.2, 0.3], [0.5, 0.6, 0.0, 0.2]], dtype=torch.float64)
    lengths = torch.tensor([4, 4])
    alpha = alpha.clamp(min=1e-3).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: flatten_peaks(x, lengths), (alpha,))


@pytest.mark.parametrize("frames", [0, 1])
def test_nothing_to_flatten(frames):
    assert flatten_peaks(torch.zeros(2, frames), torch.tensor([frames, 0])).shape == (2, frames)
    assert flatten_peaks(torch.zeros(0, 3), torch.zeros(0, dtype=torch.long)).shape == (0, 3)


def test_half_precision():
    alpha = torch.tensor([[1.4, 0.1, 0.2, 0.3]], dtype=torch.float16)
    found = flatten_peaks(alpha, torch.tensor([4]))
    assert found.dtype == torch.float16
    torch.testing.assert_close(found.float().sum(), alpha.float().sum(), atol=2e-3, rtol=0)


def test_what_are_no_weights_is_refused():
    with pytest.raises(CIFError, match="highest must be a number > 0"):
        flatten_peaks(torch.ones(1, 2), torch.tensor([2]), highest=0)
    with pytest.raises(CIFError, match="frame_lengths must be between 0 and 2"):
        flatten_peaks(torch.ones(1, 2), torch.tensor([3]))
