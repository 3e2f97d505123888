import pytest
import torch

from cifviz.core import token_sums

torch.set_num_threads(1)  # the tensors are tiny: handing them to threads takes longer than the sums


@pytest.fixture(params=["dense", "pieces"])
def way(request, monkeypatch):
    """Compute small cases in the way of the large ones too."""
    if request.param == "pieces":
        monkeypatch.setattr(token_sums, "SMALL", 0)
    return request.param
