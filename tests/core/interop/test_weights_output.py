"""Weights are found in whatever a module returns, or the error lists what may be meant."""

from collections import namedtuple
from dataclasses import dataclass

import pytest
import torch
from torch import nn

from cifviz import Transcription, capture
from cifviz.core.interop.weights_output import weights_in
from cifviz.errors import CIFError

ALPHA = torch.tensor([[0.5, 0.25, 0.75, 0.5]])
HIDDEN = torch.randn(1, 4, 8)
LENGTHS = torch.tensor([4.0])


@dataclass
class Output:
    """As of Hugging Face's models."""

    last_hidden_state: torch.Tensor
    cif_weights: torch.Tensor


Pair = namedtuple("Pair", "hidden alpha")


class Predictor(nn.Module):
    """Gives what it is told to."""

    def __init__(self, output):
        super().__init__()
        self.output = output

    def forward(self):
        return self.output


class Net(nn.Module):
    """A model of a class that nobody knows."""

    def __init__(self, output):
        super().__init__()
        self.encoder = nn.ModuleDict({"predictor": Predictor(output)})

    def forward(self):
        return self.encoder["predictor"]()


@pytest.mark.parametrize(
    ("output", "place"),
    [
        (ALPHA, ""),
        (ALPHA.unsqueeze(2), ""),
        (ALPHA.unsqueeze(1), ""),
        ((HIDDEN, ALPHA, LENGTHS), "[1]"),
        ([HIDDEN, [ALPHA]], "[1][0]"),
        (Pair(HIDDEN, ALPHA), "[1]"),
        ({"hidden": HIDDEN, "alphas": ALPHA, "other": 2 * ALPHA}, "['alphas']"),
        (Output(HIDDEN, ALPHA), "['cif_weights']"),
        ({"hidden": HIDDEN, "w": ALPHA, "n": 3, "text": "ab"}, "['w']"),
        ((ALPHA, ALPHA.cumsum(1) - ALPHA.cumsum(1).floor()), "[0]"),
        ((ALPHA - 1, ALPHA, ALPHA.long()), "[1]"),
        ((ALPHA, ALPHA.clone()), "[0]"),  # the same twice
        ((LENGTHS.float().unsqueeze(1), ALPHA, ALPHA.to_sparse()), "[1]"),
    ],
)
def test_they_are_found(output, place):
    found = weights_in(output, "predictor")
    assert found.place == place
    assert torch.equal(found.value, ALPHA)
    net = Net(output)
    with capture(net, at="encoder.predictor", tail="above 0.5") as firings:
        net()
    (firing,) = firings
    assert firing.source == f"encoder.predictor{place}"
    assert int(firing.num_fires) == 2  # 2.0 in all
    assert torch.equal(firing.alpha, ALPHA)


def test_several_are_listed_and_one_is_chosen():
    output = (ALPHA, HIDDEN, 0.5 * ALPHA)
    with pytest.raises(CIFError, match=r'at="encoder.predictor\[0\]" or at="encoder.*\[2\]"'):
        weights_in(output, "encoder.predictor")
    assert torch.equal(weights_in(output, "predictor", "[2]").value, 0.5 * ALPHA)
    assert torch.equal(weights_in({"a": ALPHA}, "predictor", '["a"]').value, ALPHA)
    for place in ("[1]", "[7]"):
        with pytest.raises(CIFError, match=r"is no weights .*it holds \[0\]: torch.float32"):
            weights_in(output, f"predictor{place}", place)
    for place in ("[x]", "[0", "[0]b", "[__import__('os')]"):
        with pytest.raises(CIFError, match="expected"):
            weights_in(output, "predictor", place)


@pytest.mark.parametrize(
    "output", [None, (), HIDDEN, ALPHA.long(), ALPHA * float("nan"), "text", {"a": [1.0, 2.0]}]
)
def test_none_is_an_error_that_says_what_there_is(output):
    with pytest.raises(CIFError, match="holds no weights: expected a tensor .* it holds"):
        weights_in(output, "predictor")


def test_an_error_says_what_is_wrong_with_the_numbers():
    with pytest.raises(CIFError, match=r"\(1, 4\) with values down to -"):
        weights_in(ALPHA - 1, "predictor")
    with pytest.raises(CIFError, match=r"\[1\]: .* with values that are not finite"):
        weights_in((HIDDEN, ALPHA / 0), "predictor")


@pytest.mark.parametrize("frames", [0, 1])
@pytest.mark.parametrize("axis", [None, 1, 2])
def test_no_frame_and_one_frame(frames, axis):
    alpha = torch.full((2, frames), 0.75)
    net = Net({"w": alpha if axis is None else alpha.unsqueeze(axis), "peaks": alpha})
    with capture(net, at="encoder.predictor", tail="above 0.5") as firings:
        net()
    assert firings[0].num_fires.tolist() == [frames, frames]
    one = Transcription.from_capture(firings, utterance=1, frame_shift=1)
    assert one.labels == ("1",) * frames


def test_a_module_that_is_not_there_or_not_called():
    net = Net(ALPHA)
    with (
        pytest.raises(CIFError, match=r"no module 'predictor'; it has .*'encoder.predictor'"),
        capture(net, at="predictor"),
    ):
        pass
    with pytest.raises(CIFError, match="was not called"), capture(net, at="encoder.predictor"):
        pass


def test_a_class_of_unknown_name_is_told_how_to_be_wrapped():
    net = nn.Linear(2, 2)
    with (
        pytest.raises(CIFError, match=r'capture\(model, at="NAME"\)'),
        capture(Net(ALPHA)) as firings,
    ):
        firings.clear()
    with pytest.raises(CIFError, match="here perhaps none"), capture(net):
        net(torch.ones(1, 2))


def test_a_batch_with_a_dialect_of_its_own():
    batch = torch.tensor([[0.5, 0.25, 0.75, 0.5], [0.25, 0.125, 0.25, 0.125]])
    net = Net(batch)
    with capture(net, at="encoder.predictor", dialect="paraformer_v2") as firings:
        net()
        net()
    assert len(firings) == 2
    assert firings[0].num_fires.tolist() == [2, 1]  # 0.75 + 0.45 in the second
    assert firings[1].scaled_alpha.shape == (2, 5)  # with the appended frame


PADDED = torch.tensor([[0.5, 0.5, 1.0, 1.0], [1.0, 0.5, 0.5, 0.0]])


@pytest.mark.parametrize("lengths", [[2, 3], torch.tensor([2, 3], dtype=torch.uint8)])
def test_padding_is_left_out_where_lengths_are_given(lengths):
    model = Net(PADDED)
    with capture(model, at="encoder.predictor", frame_lengths=lengths) as firings:
        model()
    assert firings[0].num_fires.tolist() == [1, 2]
    assert firings[0].frame_lengths.tolist() == [2, 3]
    assert firings[0].alpha.tolist() == [[0.5, 0.5, 0.0], [1.0, 0.5, 0.5]]
    shown = Transcription.from_capture(firings, frame_shift=0.04, utterance=0)
    assert shown.duration == pytest.approx(0.08)
    assert "padding" not in shown.summary


def test_a_batch_without_lengths_says_that_padding_counts():
    model = Net(PADDED)
    with capture(model, at="encoder.predictor") as firings:
        model()
    assert firings[0].num_fires.tolist() == [3, 2]
    shown = Transcription.from_capture(firings, frame_shift=0.04, utterance=0)
    assert "of a batch of unknown lengths: padding counts as speech" in shown.summary
    model = Net(ALPHA)
    with capture(model, at="encoder.predictor") as firings:
        model()
    assert "padding" not in Transcription.from_capture(firings, frame_shift=0.04).summary


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([4], r"frame_lengths must be \(batch,\) = \(2,\)"),
        ([4, 5], "frame_lengths must be between 0 and 4, got 5 in row 1"),
        ([4.0, 2.0], "frame_lengths must hold integers"),
    ],
)
def test_lengths_that_do_not_fit_are_refused(lengths, message):
    model = Net(PADDED)
    with (
        pytest.raises(CIFError, match=message),
        capture(model, at="encoder.predictor", frame_lengths=lengths),
    ):
        model()


def test_lengths_belong_to_a_module_that_is_named():
    with (
        pytest.raises(CIFError, match="frame_lengths: expected at=… with it"),
        capture(Net(PADDED), frame_lengths=[1, 2]),
    ):
        pass
