"""What a model does with torch_cif's function is what `capture` shows."""

import pytest
import torch
import torch_cif
from torch import nn
from torch_cif import cif_function

from cifviz import capture, integrate_and_fire
from cifviz.core.tail import at_least
from cifviz.errors import CIFError


class Model(nn.Module):
    """A model of the kind that imports the function by its name."""

    def __init__(self, beta):
        super().__init__()
        self.score = nn.Linear(8, 1)
        self.beta = beta

    def forward(self, encoder_out, padding_mask, target_lengths=None):
        alpha = self.score(encoder_out).squeeze(2).sigmoid()
        return alpha, cif_function(
            encoder_out,
            alpha,
            beta=self.beta,
            tail_thres=self.beta / 2,
            padding_mask=padding_mask,
            target_lengths=target_lengths,
        )


@pytest.mark.parametrize("targets", [None, torch.tensor([12, 9, 3])], ids=["eval", "train"])
@pytest.mark.parametrize("beta", [1.0, 0.5])
@torch.no_grad()
def test_a_model_that_calls_it(beta, targets):
    torch.manual_seed(0)
    model = Model(beta)
    encoder_out, lengths = torch.randn(3, 40, 8), torch.tensor([40, 33, 7])
    padding = torch.arange(40) >= lengths.unsqueeze(1)
    with capture(model) as firings:
        alpha, output = model(encoder_out, padding, targets)
    (firing,) = firings
    explained = firing.contributions.float() @ encoder_out
    torch.testing.assert_close(explained, output["cif_out"][0], atol=1e-5, rtol=0)
    assert firing.num_fires.tolist() == output["cif_lengths"][0].tolist()
    torch.testing.assert_close(firing.alpha, alpha.masked_fill(padding, 0))
    torch.testing.assert_close(firing.scaled_alpha, output["scaled_alpha"][0])
    assert firing.frame_lengths.tolist() == lengths.tolist()
    # torch_cif and we agree about everything but rounding.
    ours = integrate_and_fire(
        firing.alpha,
        encoder_out,
        frame_lengths=lengths,
        target_lengths=targets,
        threshold=beta,
        tail=at_least(beta / 2),
    )
    assert firing.num_fires.tolist() == ours.num_fires.tolist()
    assert firing.tail_fired.tolist() == ours.tail_fired.tolist()
    torch.testing.assert_close(firing.fire_positions, ours.fire_positions, atol=2e-3, rtol=0)
    torch.testing.assert_close(firing.contributions, ours.contributions, atol=1e-3, rtol=0)


def test_the_function_is_given_back():
    before, model = cif_function, Model(1.0)
    with capture(model):
        model(torch.randn(1, 9, 8), None)
        assert cif_function is not before
        assert torch_cif.cif_function is not before
    assert cif_function is before
    assert torch_cif.cif_function is before
    assert torch_cif.cif.cif_function is before


def test_a_model_without_it_is_refused_although_torch_cif_is_there():
    model = nn.Linear(8, 1)
    with pytest.raises(CIFError, match="nothing was captured, for Linear"), capture(model):
        model(torch.randn(1, 8))


def test_gradients_are_those_of_the_model():
    torch.manual_seed(0)
    model, encoder_out = Model(1.0), torch.randn(2, 20, 8)
    padding = torch.zeros(2, 20, dtype=torch.bool)
    gradients = []
    for context in (capture(model), torch.enable_grad()):
        model.zero_grad()
        with context:
            model(encoder_out, padding)[1]["cif_out"][0].square().sum().backward()
        gradients.append(model.score.weight.grad.clone())
    assert torch.equal(*gradients)
