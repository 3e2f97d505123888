import math

import pytest
import torch

from cifviz.core.firing import integrate_and_fire
from cifviz.core.scaling import scale_to_length
from cifviz.errors import CIFError


def test_weights_sum_to_the_number_of_tokens_times_the_threshold():
    alpha = torch.rand(4, 30, dtype=torch.float64)
    tokens = torch.tensor([0, 1, 7, 40])
    for threshold in (1.0, 0.5):
        sums = scale_to_length(alpha, tokens, threshold).sum(dim=1)
        torch.testing.assert_close(sums, tokens * threshold, rtol=1e-7, atol=0, check_dtype=False)


def test_weights_keep_their_proportions():
    alpha = torch.rand(1, 30, dtype=torch.float64)
    factor = scale_to_length(alpha, torch.tensor([7])) / alpha
    torch.testing.assert_close(factor, factor[:, :1].expand(1, 30))


def test_by_hand():
    """Weights that sum to 2, for 3 tokens: times 1.5."""
    scaled = scale_to_length(torch.tensor([[0.5, 1.0, 0.5]]), torch.tensor([3]))
    assert scaled[0].tolist() == pytest.approx([0.75, 1.5, 0.75])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_dtype_stays(dtype):
    assert scale_to_length(torch.ones(1, 3, dtype=dtype), torch.tensor([2])).dtype == dtype


def test_no_loss_behind_scaling_can_teach_how_large_the_weights_are():
    """The scaled weights stay when α is multiplied by a constant: ⟨∂L/∂α, α⟩ = 0."""
    torch.manual_seed(0)
    alpha = (0.2 + torch.rand(2, 12, dtype=torch.float64)).requires_grad_()
    encoder_out = torch.randn(2, 12, 3, dtype=torch.float64)
    firing = integrate_and_fire(alpha, encoder_out, target_lengths=torch.tensor([4, 2]))
    (firing.embeddings**2).sum().backward()
    assert alpha.grad.abs().max() > 0.1
    along = (alpha.grad * alpha.detach()).sum(dim=1)
    assert along.abs().max().item() < 1e-6  # not 0: 1e-8 stands beside the sum


@pytest.mark.parametrize("threshold", [0.0, -1.0, math.nan, math.inf, "1", None])
def test_threshold_must_be_above_zero(threshold):
    with pytest.raises(CIFError, match=f"threshold must be a number > 0, got {threshold!r}"):
        scale_to_length(torch.ones(1, 2), torch.tensor([1]), threshold)


def test_target_lengths_must_be_counts():
    with pytest.raises(CIFError, match="target_lengths must be >= 0, got -2 in row 1"):
        scale_to_length(torch.ones(2, 2), torch.tensor([1, -2]))


@pytest.mark.parametrize(
    ("alpha", "message"),
    [
        ([[0.5, 0.5]], r"a floating point tensor \(batch, frames\), got list"),
        (torch.ones(2), r"got torch.float32 \(2,\)"),
        (torch.ones(1, 2).long(), r"got torch.int64 \(1, 2\)"),
        (torch.tensor([[0.5, math.nan]]), "finite and >= 0 .* got nan in row 0, frame 1"),
        (torch.tensor([[-0.5, 0.5]]), "finite and >= 0 .* got -0.5 in row 0, frame 0"),
        (torch.full((1, 2), 1e308, dtype=torch.float64), "finite sum, got inf in row 0"),
    ],
    ids=["list", "1-d", "integers", "nan", "negative", "overflow"],
)
def test_weights_must_be_weights(alpha, message):
    with pytest.raises(CIFError, match=f"alpha must .*{message}"):
        scale_to_length(alpha, torch.tensor([1]))


def test_target_lengths_of_a_small_dtype_do_not_wrap():
    scaled = scale_to_length(torch.ones(1, 2), torch.tensor([200], dtype=torch.uint8), 2.0)
    assert scaled.sum().item() == pytest.approx(400)
