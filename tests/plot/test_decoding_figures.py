"""Pictures of candidates by their count, and of decoding pass by pass."""

import math
from itertools import pairwise

import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from cifviz import plot
from cifviz.errors import CIFError
from cifviz.plot.palette import STYLE
from cifviz.systems.count_hypotheses import CountHypotheses, CountHypothesis
from cifviz.systems.decoding_steps import DecodingSteps


def candidates(make, scores, *, fired, tokens=None):
    """Candidates of 0, 1, … tokens; None is the score of one that was not judged."""
    made = []
    for count, score in enumerate(scores):
        names = [f"{i}" for i in range(count)] if tokens is None else tokens[count]
        one = make.transcription([1.0] * count, names)
        made.append(CountHypothesis(count, one, () if score is None else (score,)))
    return CountHypotheses(fired, tuple(made))


def test_candidates_are_shown_with_their_tokens_and_scores(make, ax):
    artists = plot.count_lanes(candidates(make, [None, -2.0, -0.5, -1.0], fired=3), ax=ax)
    widths = [bar.get_width() for bar in artists.bars]
    assert widths == pytest.approx([0, math.exp(-2), math.exp(-0.5), math.exp(-1)])
    assert [text.get_text() for text in artists.values] == ["−∞", "−2.00", "−0.50", "−1.00"]
    assert [text.get_text() for text in artists.texts] == ["(no token)", "0", "0 1", "0 1 2"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the smallest count on top


def test_what_is_chosen_and_what_fires_is_marked_without_colour(make, ax):
    artists = plot.count_lanes(candidates(make, [None, -2.0, -0.5, -1.0], fired=3), ax=ax)
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["0 tokens", "1 token", "2 tokens\nchosen", "3 tokens\nfire"]
    assert artists.chosen.get_y() < 2 < artists.chosen.get_y() + artists.chosen.get_height()
    assert [bool(bar.get_hatch()) for bar in artists.bars] == [False, False, True, False]
    assert [text.get_weight() for text in artists.texts] == ["normal", "normal", "bold", "normal"]
    both = plot.count_lanes(candidates(make, [None, -1.0], fired=1), ax=Figure().subplots())
    assert both.texts[1].axes.get_yticklabels()[1].get_text() == "1 token\nfire, chosen"


def test_tokens_may_be_any_text_and_are_cut_where_space_ends(make):
    ax = Figure(figsize=(3, 2), dpi=100).subplots()
    tokens = [[], ["$x$ \n"], ["incomprehensibility" * 3] * 2]
    texts = plot.count_lanes(candidates(make, [None, -1.0, -2.0], fired=1, tokens=tokens), ax=ax)
    ax.figure.draw_without_rendering()
    assert texts.texts[1].get_text() == "$x$ \\n"
    assert texts.texts[2].get_text().endswith("…")
    assert texts.texts[2].get_window_extent().x1 <= ax.get_window_extent().x1


def test_no_candidates_are_an_empty_picture(ax):
    artists = plot.count_lanes(CountHypotheses(0, ()), ax=ax)
    assert artists.chosen is None and artists.texts == ()
    ax.figure.draw_without_rendering()


# --- pass by pass --------------------------------------------------------------------------------


def colours(artists):
    return {
        place: "new" if cell.get_facecolor()[:3] == to_rgb(STYLE["complete"]) else "known"
        for place, cell in artists.cells.items()
    }


def test_one_after_the_other_is_a_staircase(ax):
    artists = plot.decoding_grid(DecodingSteps.of_passes(("a", "b"), 3), ax=ax)
    assert colours(artists) == {
        (0, 0): "new",
        (1, 0): "known",
        (1, 1): "new",
        (2, 0): "known",
        (2, 1): "known",
    }
    assert {place: text.get_text() for place, text in artists.texts.items()}[1, 1] == "b"
    assert artists.texts[1, 1].get_weight() == "bold"
    assert artists.texts[1, 0].get_weight() == "normal"
    assert [label.get_text() for label in ax.get_yticklabels()] == ["1", "2", "3"]


def test_all_at_once_is_a_row_with_space_for_the_passes_of_another(ax):
    artists = plot.decoding_grid(DecodingSteps.of_passes(("a", "b"), 1), rows=3, ax=ax)
    assert colours(artists) == {(0, 0): "new", (0, 1): "new"}
    assert ax.get_ylim() == (3, 0)


def test_a_token_that_a_pass_changes_is_new_again(ax):
    steps = DecodingSteps(((None, "b"), ("a", "b"), ("a", "c")))
    found = colours(plot.decoding_grid(steps, ax=ax))
    assert found == {
        (0, 1): "new",
        (1, 0): "new",
        (1, 1): "known",
        (2, 0): "known",
        (2, 1): "new",
    }


def test_of_many_tokens_boxes_and_some_numbers_are_left():
    ax = Figure(figsize=(4, 2), dpi=100).subplots()
    artists = plot.decoding_grid(DecodingSteps.of_passes(("zero",) * 60, 1), ax=ax)
    assert len(artists.cells) == 60 and artists.texts == {}
    ax.figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in ax.get_xticklabels()]
    assert len(boxes) > 5
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


def test_measured_times_stand_beside_the_passes(ax):
    plot.decoding_grid(DecodingSteps((("a",), ("a",)), (0.0124, 0.02)), ax=ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["1 · 12 ms", "2 · 20 ms"]


@pytest.mark.parametrize("steps", [DecodingSteps(()), DecodingSteps(((),))])
def test_no_tokens_are_an_empty_picture(steps, ax):
    assert plot.decoding_grid(steps, ax=ax).cells == {}
    ax.figure.draw_without_rendering()


def test_they_draw_on_the_axes_they_are_given(make):
    one, other, third = Figure().subplots(3)
    plot.count_lanes(candidates(make, [None, -1.0], fired=1), ax=other)
    plot.decoding_grid(DecodingSteps.of_passes(("a",), 1), ax=third)
    assert not one.has_data() and other.has_data() and third.has_data()
    for draw, name in ((plot.count_lanes, "hypotheses"), (plot.decoding_grid, "steps")):
        with pytest.raises(CIFError, match="ax must be a matplotlib Axes"):
            draw(None, ax="here")
        with pytest.raises(CIFError, match=f"{name} must be a "):
            draw(None, ax=one)
    with pytest.raises(CIFError, match="rows must be an integer >= 0, got -1"):
        plot.decoding_grid(DecodingSteps(()), rows=-1, ax=one)
