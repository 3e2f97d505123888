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


@pytest.mark.parametrize("threshold", [0.0, -1.0, float("nan")])
def test_threshold_must_be_above_zero(threshold):
    with pytest.raises(CIFError, match=f"threshold must be > 0, got {threshold}"):
        scale_to_length(torch.ones(1, 2), torch.tensor([1]), threshold)


def test_target_lengths_must_be_counts():
    with pytest.raises(CIFError, match="target_lengths must be >= 0, got -2 in row 1"):
        scale_to_length(torch.ones(2, 2), torch.tensor([1, -2]))
