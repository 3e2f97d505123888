"""Gradients of weights are rounded once, and stay finite where they were finite."""

import pytest
import torch

from cifviz.core.float64 import in_float64


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_a_gradient_beyond_the_dtype_is_its_largest_number(dtype):
    weights = torch.zeros(3, dtype=dtype, requires_grad=True)
    in_float64(weights).backward(torch.tensor([1e300, -1e300, 1.5], dtype=torch.float64))
    largest = torch.finfo(dtype).max
    assert weights.grad.tolist() == [largest, -largest, 1.5]


def test_a_gradient_that_arrives_infinite_or_undefined_stays_so():
    weights = torch.zeros(3, dtype=torch.float16, requires_grad=True)
    in_float64(weights).backward(torch.tensor([torch.inf, -torch.inf, torch.nan]).double())
    assert weights.grad[:2].tolist() == [torch.inf, -torch.inf]
    assert weights.grad[2].isnan()
