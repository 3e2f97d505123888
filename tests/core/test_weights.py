import math

import pytest
import torch
from torch.nn import functional as F

from cifviz.core.weights import ConvWeights, DenseWeights, DepthwiseWeights, LinearWeights
from cifviz.errors import CIFError

DIM = 6
PREDICTORS = {
    "linear": lambda: LinearWeights(DIM),
    "dense": lambda: DenseWeights(DIM, 10),
    "conv": lambda: ConvWeights(DIM, 10, 3),
    "conv2": lambda: ConvWeights(DIM, 10, 5, layers=2, activation=True),
    "depthwise": lambda: DepthwiseWeights(DIM, 5),
}


@pytest.fixture(params=PREDICTORS)
def predictor(request):
    torch.manual_seed(0)
    made = PREDICTORS[request.param]().eval()
    torch.nn.init.normal_(made.weight_proj.weight)  # so that weights differ clearly
    return made


def test_one_weight_between_0_and_1_for_each_frame(predictor):
    weights = predictor(torch.randn(3, 11, DIM), torch.full((3,), 11))
    assert weights.shape == (3, 11)
    assert ((weights > 0) & (weights < 1)).all()
    assert weights.std() > 0.01


def test_what_stands_behind_an_utterance_changes_no_weight(predictor):
    encoder_out, lengths = torch.randn(3, 11, DIM), torch.tensor([11, 4, 0])
    padded = torch.arange(11) >= lengths[:, None]
    clean = predictor(encoder_out.masked_fill(padded[..., None], 0), lengths)
    for garbage in (1e6, math.nan, math.inf):
        dirty = predictor(encoder_out.masked_fill(padded[..., None], garbage), lengths)
        assert torch.equal(clean, dirty)
    assert (clean[padded] == 0).all()
    alone = predictor(encoder_out[1:2, :4], torch.tensor([4]))
    torch.testing.assert_close(alone, clean[1:2, :4], rtol=0, atol=1e-6)


def test_nan_behind_an_utterance_stays_out_of_the_gradients(predictor):
    encoder_out = torch.randn(1, 5, DIM)
    encoder_out[:, 3:] = math.nan
    predictor(encoder_out, torch.tensor([3])).sum().backward()
    for name, parameter in predictor.named_parameters():
        assert parameter.grad.isfinite().all(), name


@pytest.mark.parametrize("name", PREDICTORS)
def test_start_at_sets_about_the_mean_weight_of_an_untrained_predictor(name):
    torch.manual_seed(0)
    predictor = PREDICTORS[name]().eval()
    encoder_out, lengths = 0.3 * torch.randn(8, 50, DIM), torch.full((8,), 50)
    assert predictor(encoder_out, lengths).mean().item() == pytest.approx(0.5, rel=0.5)
    predictor.start_at(0.07)
    assert predictor(encoder_out, lengths).mean().item() == pytest.approx(0.07, rel=0.5)


def test_start_at_is_exact_where_nothing_is_heard():
    predictor = LinearWeights(DIM)
    predictor.start_at(0.125)
    weights = predictor(torch.zeros(1, 4, DIM), torch.tensor([4]))
    assert weights[0].tolist() == pytest.approx([0.125] * 4)


@pytest.mark.parametrize("mean", [0.0, 1.0, -0.5, math.nan, "0.1"])
def test_start_at_wants_a_weight_that_a_sigmoid_can_give(mean):
    with pytest.raises(CIFError, match=f"mean_weight must be a number > 0 and < 1, got {mean!r}"):
        LinearWeights(DIM).start_at(mean)


def test_no_frames_give_no_weights(predictor):
    assert predictor(torch.zeros(2, 0, DIM), torch.zeros(2, dtype=torch.long)).shape == (2, 0)


def test_a_convolution_without_activation_is_one_affine_filter():
    """w · (K * h + b) + c = (w · K) * h + (w · b + c): one filter of `width` frames."""
    torch.manual_seed(0)
    predictor = ConvWeights(DIM, 32, 3).double().eval()
    conv, project = predictor.conv[0], predictor.weight_proj
    kernel = torch.einsum("oc,cdw->odw", project.weight, conv.weight)
    bias = project.weight @ conv.bias + project.bias
    encoder_out = torch.randn(2, 9, DIM, dtype=torch.float64)
    collapsed = F.conv1d(encoder_out.transpose(1, 2), kernel, bias, padding=1).squeeze(1).sigmoid()
    weights = predictor(encoder_out, torch.tensor([9, 9]))
    torch.testing.assert_close(weights, collapsed)


def test_an_activation_makes_the_convolution_more_than_a_filter():
    """An affine function has f(a) + f(−a) = 2 f(0) before the sigmoid; ReLU breaks that."""
    torch.manual_seed(0)
    one, lengths = torch.randn(1, 9, DIM), torch.tensor([9])

    def bend(predictor):
        logits = [predictor.eval()(sign * one, lengths).logit() for sign in (1, -1, 0)]
        return (logits[0] + logits[1] - 2 * logits[2]).abs().max()

    assert bend(ConvWeights(DIM, 32, 3)) < 1e-5
    assert bend(ConvWeights(DIM, 32, 3, activation=True)) > 1e-2


@pytest.mark.parametrize("make", [lambda: ConvWeights(DIM, 8, 4), lambda: DepthwiseWeights(DIM, 4)])
def test_an_even_width_would_change_the_number_of_frames(make):
    with pytest.raises(CIFError, match="conv width must be odd .* got 4"):
        make()
