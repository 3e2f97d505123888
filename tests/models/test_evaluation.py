"""Numbers of the evaluation, against cases worked out by hand."""

import numpy as np
import pytest
import torch

from cifviz.core.firing import integrate_and_fire
from cifviz.errors import CIFError
from cifviz.models.evaluation import FIRES, Spoken, evaluate, learn_edges
from cifviz.models.recognizer import RecognizerConfig, Transcription
from cifviz.speech.alignment import Alignment, Edges, TimedToken
from cifviz.speech.audio import Waveform
from cifviz.timing import FrameGrid


class Parrot:
    """Stands in for a recogniser: hears what it was told, with given weights in frames of 0.1 s."""

    def __init__(self, heard):
        self.config = RecognizerConfig.from_dict(RecognizerConfig(vocabulary=("a", "b")).to_dict())
        self.heard = iter(heard)

    def transcribe_batch(self, waveforms):
        return [self._transcribe(waveform, *next(self.heard)) for waveform in waveforms]

    def _transcribe(self, waveform, tokens, alpha):
        firing = integrate_and_fire(torch.tensor([alpha]), torch.eye(len(alpha))[None])
        grid = FrameGrid(0.1)
        alignment = Alignment.from_firing(firing, tokens, grid)
        return Transcription(tokens, (1.0,) * len(tokens), alignment, firing, grid, waveform)


def spoken(*words):
    return Spoken(Waveform(np.zeros(16000, np.float32)), Alignment(words))


RULES = {"fire": FIRES, "calibrated": Edges(0.3, 0.7, offset_shift=-0.04)}

# Two tokens, each spread evenly over two frames: fires at 0.2 s and 0.4 s, 70 % at 0.14 and 0.34.
EVEN = (("a", "b"), [0.5, 0.5, 0.5, 0.5])


def test_edges_at_the_fires_and_calibrated():
    said = spoken(TimedToken("a", 0.0, 0.1), TimedToken("b", 0.2, 0.3))
    measured = evaluate(Parrot([EVEN]), [said], RULES)
    assert measured["edges"]["fire"]["offset"]["signed_mean"] == pytest.approx(0.1)
    assert measured["edges"]["calibrated"]["offset"]["mean_absolute"] == pytest.approx(
        0.0, abs=1e-9
    )
    assert measured["edges"]["calibrated"]["onset"]["signed_mean"] == pytest.approx(0.06)
    assert measured["edges"]["fire"]["onset"]["count"] == 2


def test_tokens_and_counts():
    utterances = [
        spoken(TimedToken("a", 0.0, 0.1), TimedToken("a", 0.2, 0.3)),
        spoken(TimedToken("a", 0.0, 0.1)),
    ]
    measured = evaluate(Parrot([EVEN, EVEN]), utterances)
    assert (measured["deletions"], measured["insertions"], measured["substitutions"]) == (0, 1, 1)
    assert measured["token_error_rate"] == pytest.approx(2 / 3)
    assert measured["count_accuracy"] == 0.5
    assert measured["weight_sum_error"] == {"mean": 0.5, "mean_absolute": 0.5}
    assert measured["edge_utterances"] == 1


def test_shifts_are_minus_the_median_error():
    said = spoken(TimedToken("a", 0.0, 0.1), TimedToken("b", 0.2, 0.3))
    edges = learn_edges(Parrot([EVEN]), [said], onset_quantiles=[0.3], offset_quantiles=[0.7])
    assert (edges.onset_quantile, edges.offset_quantile) == (0.3, 0.7)
    assert edges.onset_shift == pytest.approx(-0.06)
    assert edges.offset_shift == pytest.approx(-0.04)


def test_edges_are_read_where_the_errors_spread_least():
    """Onsets at 20 % and offsets at 60 % of each token's mass, though tokens differ in length."""
    heard = ("a", "b"), [0.25, 0.25, 0.25, 0.25, 0.5, 0.5]  # 0.4 s and 0.2 s
    said = spoken(TimedToken("a", 0.08, 0.24), TimedToken("b", 0.44, 0.52))
    edges = learn_edges(Parrot([heard]), [said])
    assert (edges.onset_quantile, edges.offset_quantile) == (0.2, 0.6)
    assert edges.onset_shift == pytest.approx(0, abs=1e-9)
    assert edges.offset_shift == pytest.approx(0, abs=1e-9)


def test_nothing_to_learn_from_gives_no_shift():
    edges = learn_edges(Parrot([EVEN]), [spoken(TimedToken("a", 0.0, 0.1))])
    assert (edges.onset_shift, edges.offset_shift) == (0.0, 0.0)


def test_no_utterances_are_refused():
    with pytest.raises(CIFError, match="at least one utterance"):
        evaluate(Parrot([]), [])
