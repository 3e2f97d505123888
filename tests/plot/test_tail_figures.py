"""The pictures of residuals, and of the errors by tail rule."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from cifviz import plot
from cifviz.errors import CIFError
from cifviz.plot.palette import STYLE

ENDS = {"dropped": [1, 2], "fired": [1, 2, 2.75], "appended": [1, 2, 3], "nothing": []}


# Lanes


def test_each_rule_has_a_lane_with_its_tokens_and_their_number(ax):
    artists = plot.tail_lanes(2.75, ENDS, ax=ax)
    assert {name: len(boxes) for name, boxes in artists.boxes.items()} == {
        name: len(ends) for name, ends in ENDS.items()
    }
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["dropped  2", "fired  3", "appended  3", "nothing  0"]
    heights = [boxes[0].get_y() for boxes in artists.boxes.values() if boxes]
    assert heights == sorted(heights, reverse=True)


def test_a_token_reaches_from_the_end_before_to_its_own_and_no_further_than_the_weights(ax):
    boxes = plot.tail_lanes(2.75, ENDS, ax=ax).boxes
    for name in ("fired", "appended"):
        spans = [(box.get_x(), box.get_x() + box.get_width()) for box in boxes[name]]
        assert spans == [(0, 1), (1, 2), (2, 2.75)]


def test_what_no_token_takes_is_grey_and_what_is_not_there_is_empty(ax):
    artists = plot.tail_lanes(2.75, ENDS, ax=ax)
    assert {name: box.get_width() for name, box in artists.dropped.items()} == {
        "dropped": 0.75,
        "nothing": 2.75,
    }
    assert to_rgb(artists.dropped["dropped"].get_facecolor()) == to_rgb(STYLE["neutral"])
    (empty,) = artists.empty.values()
    assert (empty.get_x(), empty.get_width(), empty.get_facecolor()[3]) == (2.75, 0.25, 0)
    assert list(artists.end.get_xdata()) == [2.75, 2.75]
    assert ax.get_xlim()[1] > 3


def test_words_stand_in_the_boxes(ax):
    words = {"a": ("one", "two"), "b": ("$both",)}
    artists = plot.tail_lanes(2, {"a": [1, 2], "b": [2]}, words=words, ax=ax)
    assert [text.get_text() for text in artists.labels["a"]] == ["one", "two"]
    assert artists.labels["a"][1].get_position() == (1.5, 2)
    ax.figure.draw_without_rendering()  # no formula in it


@pytest.mark.parametrize(
    ("total", "ends", "words", "message"),
    [
        (-1.0, {"a": [1]}, None, "total must be >= 0, got -1"),
        (2.0, {"a": [1, 0.5]}, None, r"ends of 'a' must increase, got \[1, 0.5\]"),
        (2.0, {"a": [1, 2]}, {"a": ["one"]}, "expected 2 words for 'a', .* got 1"),
    ],
)
def test_what_cannot_be_lanes_is_refused(total, ends, words, message, ax):
    with pytest.raises(CIFError, match=message):
        plot.tail_lanes(total, ends, words=words, ax=ax)


def test_silence_is_drawn(ax):
    artists = plot.tail_lanes(0.0, {"no tail": []}, ax=ax)
    assert not artists.dropped and not artists.empty


# Residuals


def test_every_utterance_stands_in_a_bar(ax):
    residuals = [-0.01, 0.0, 0.04, 0.06, 0.5, 0.97, 0.999]
    missing = [False, False, False, False, False, True, True]
    artists = plot.residual_histogram(residuals, missing, tail_threshold=0.5, ax=ax)
    complete = [bar.get_height() for bar in artists.complete]
    assert (complete[0], complete[1], complete[10], sum(complete)) == (3, 1, 1, 5)
    lacking = [bar.get_height() for bar in artists.incomplete]
    assert (lacking[-1], sum(lacking)) == (2, 2)
    assert list(artists.threshold.get_xdata()) == [0.5, 0.5]
    words = {text.get_text() for text in artists.legend.get_texts()}
    assert {"all words have fired (5)", "a word is missing (2)"} < words


def test_missing_words_stand_on_top_and_are_hatched(ax):
    artists = plot.residual_histogram([0.91, 0.92, 0.93], [True, False, True], ax=ax)
    assert artists.incomplete[18].get_y() == artists.complete[18].get_height() == 1
    assert artists.incomplete[18].get_hatch() and not artists.complete[18].get_hatch()
    assert artists.threshold is None


def test_no_residuals_are_an_empty_picture(ax):
    artists = plot.residual_histogram([], [], ax=ax)
    assert sum(bar.get_height() for bar in artists.complete) == 0


def test_a_residual_without_an_answer_is_refused(ax):
    with pytest.raises(CIFError, match=r"a bool for each of \(2,\) residuals, got \(1,\)"):
        plot.residual_histogram([0.1, 0.2], [True], ax=ax)


# Errors


def test_means_are_thick_and_runs_thin(ax):
    deletions, insertions = [[0, 1, 4], [0, 3, 8]], [[6, 1, 0], [4, 1, 0]]
    artists = plot.tail_errors([0.1, 0.5, 0.9], deletions, insertions, ax=ax)
    assert artists.means["deletions"].get_ydata().tolist() == [0, 2, 6]
    assert artists.means["insertions"].get_ydata().tolist() == [5, 1, 0]
    assert artists.means["both"].get_ydata().tolist() == [5, 3, 6]
    assert [line.get_ydata().tolist() for line in artists.runs["deletions"]] == deletions
    assert [line.get_ydata().tolist() for line in artists.runs["insertions"]] == insertions
    assert all(
        line.get_linewidth() < artists.means[name].get_linewidth()
        for name, lines in artists.runs.items()
        for line in lines
    )


def test_kinds_differ_in_more_than_colour(ax):
    means = plot.tail_errors([0.5], [[1]], [[2]], ax=ax).means
    looks = {(line.get_linestyle(), line.get_marker()) for line in means.values()}
    assert len(looks) == 3


@pytest.mark.parametrize(
    ("deletions", "insertions"), [([[1, 2]], [[1]]), ([], []), ([1, 2], [1, 2])]
)
def test_shapes_that_do_not_fit_are_refused(deletions, insertions, ax):
    with pytest.raises(CIFError, match=r"must be \(runs, thresholds\) = \(1 or more, 2\)"):
        plot.tail_errors([0.1, 0.2], deletions, insertions, ax=ax)


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plot.tail_lanes(1.5, {"a": [1]}, ax=ax),
        lambda ax: plot.residual_histogram([0.5], [True], ax=ax),
        lambda ax: plot.tail_errors([0.5], [[1]], [[2]], ax=ax),
    ],
    ids=["tail_lanes", "residual_histogram", "tail_errors"],
)
def test_they_draw_on_the_axes_they_are_given(draw):
    one, other = Figure().subplots(2)
    draw(other)
    assert not one.has_data() and other.has_data()
    with pytest.raises(CIFError, match="ax must be a matplotlib Axes"):
        draw("here")


def test_numbers_may_be_arrays(ax):
    plot.residual_histogram(np.array([0.5, 0.25]), np.array([True, False]), ax=ax)
    plot.tail_errors(np.array([0.5]), np.ones((2, 1)), np.ones((2, 1)), ax=ax)
