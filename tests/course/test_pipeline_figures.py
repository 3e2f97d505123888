"""The drawings of lesson 00 stand for utterances of any length."""

import pytest

from cifviz.course.figures import canvas
from cifviz.course.pipeline_figures import draw_pipeline, draw_problem
from cifviz.errors import CIFError


def texts(draw, *args):
    _, (ax,) = canvas()
    draw(*args, ax=ax)
    return [text.get_text() for text in ax.texts]


def test_each_word_has_its_question():
    assert texts(draw_problem, 43, ["nine", "zero"]) == ["nine", "?", "zero", "?"]
    assert texts(draw_problem, 43, []) == []


def test_as_many_frames_are_drawn_as_there_are():
    _, (ax,) = canvas()
    draw_problem(43, ["nine"], ax=ax)
    assert len(ax.patches) == 43 + 1
    assert ax.get_xlim() == (0, 43)


def test_a_row_names_its_first_boxes_and_the_last():
    found = texts(draw_pipeline, 43, ["nine", "zero", "eight", "five"])
    assert [text for text in found if text.startswith("α")] == ["α₀", "α₁", "α₂", "α₄₂"]
    assert {"43 frames", "43 weights", "4 embeddings", "4 tokens", "c₃", "five"} <= {*found}


def test_a_short_row_names_all_and_an_empty_one_says_so():
    assert "…" not in texts(draw_pipeline, 2, ["one"])
    assert texts(draw_pipeline, 43, []).count("(none)") == 2


@pytest.mark.parametrize("draw", [draw_problem, draw_pipeline])
def test_without_frames_there_is_nothing_to_draw(draw):
    with pytest.raises(CIFError, match="frames must be > 0, got 0"):
        texts(draw, 0, ["one"])
