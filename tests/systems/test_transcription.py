"""A transcription says what each token is made of, whatever the system."""

from dataclasses import replace

import pytest
import torch

from cifviz.alignment.timed_tokens import Alignment, Edges, TimedToken
from cifviz.core.firing import integrate_and_fire
from cifviz.errors import CIFError
from cifviz.explorer import explore
from cifviz.systems.transcription import Transcription
from cifviz.timing import FrameGrid
from tests.systems.synthetic import CONFIG, fired
from tests.systems.tiny import noise, tiny_recognizer

ALPHA = torch.tensor([[0.5, 0.5, 0.25, 0.75]])


def made(**fields):
    firing = integrate_and_fire(ALPHA, torch.eye(4)[None])
    given = {"log_mel": torch.zeros(40, 40), "config": CONFIG, "edges": Edges(0.0, 1.0)}
    return Transcription.of_system(
        firing,
        ["a", "b"],
        scores=[0.5, 0.75],
        grid=FrameGrid(0.1),
        duration=0.4,
        **{**given, **fields},
    )


def test_times_scores_and_rows_of_a_firing():
    one = made()
    assert (one.tokens, one.scores) == (("a", "b"), (0.5, 0.75))
    assert [word.score for word in one.alignment] == [0.5, 0.75]
    assert one.alignment.spans[0] == pytest.approx((0.0, 0.2), abs=1e-6)
    assert one.rows.tolist() == [[0.5, 0.5, 0, 0], [0, 0, 0.25, 0.75]]
    assert one.row_kind == "contributions"
    assert one.require_firing() is one.firing


def test_as_many_tokens_as_fires():
    with pytest.raises(CIFError, match="expected 2 tokens, one a fire, got 1"):
        Transcription.of_system(
            integrate_and_fire(ALPHA, torch.eye(4)[None]),
            ["a"],
            scores=[0.5],
            grid=FrameGrid(0.1),
            duration=0.4,
            log_mel=torch.zeros(0, 40),
            config=CONFIG,
        )


def test_without_a_firing_the_rows_are_given():
    rows = torch.tensor([[1.0, 0, 0, 0], [0, 0, 0.5, 0.5]], dtype=torch.float64)
    one = replace(made(), firing=None, given_rows=rows, row_kind="attention", model="mine")
    assert torch.equal(one.rows, rows)
    message = "got one without a firing: model mine has no CIF; cifviz.plot.panel draws what there"
    with pytest.raises(CIFError, match=message):
        one.require_firing()
    with pytest.raises(CIFError, match="needs a firing, or rows"):
        replace(one, given_rows=None)
    with pytest.raises(CIFError, match="row_kind must be one of 'contributions', 'CTC path', 'att"):
        replace(one, row_kind="weights")


def test_the_explorer_needs_a_firing_and_says_so():
    one = replace(made(), firing=None, given_rows=torch.zeros(2, 4), row_kind="CTC path")
    with pytest.raises(CIFError, match="expected the transcription of a CIF, got one without"):
        explore(one)


def test_the_mean_score_is_none_without_tokens():
    assert fired("", 0.25).mean_score is None
    assert made().mean_score == 0.625


def test_it_shows_itself_as_the_panel():
    png, metadata = made()._repr_png_()
    assert png.startswith(b"\x89PNG")
    assert "Continuous integrate-and-fire" in metadata["alt"]


def test_a_model_names_itself_in_what_it_gives():
    model = tiny_recognizer()
    model.name = "mine"
    assert model.transcribe(noise(0.3)).model == "mine"


def test_words_are_a_tier_above_the_phones():
    one = made()
    assert one.tiers == {"tokens": one.alignment} and one.text == "a b"
    words = Alignment((TimedToken("ab", 0.0, 0.4),))
    one = replace(one, words=words)
    assert list(one.tiers.items()) == [("words", words), ("phones", one.alignment)]
    assert one.text == "ab" and one.tokens == ("a", "b")
