import numpy as np
import pytest

from cifviz import plot
from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import CIFError
from cifviz.plot import STYLE
from cifviz.timing import FrameGrid

GRID = FrameGrid(0.5)


def test_rows_stand_one_below_the_other_on_one_scale(make, ax):
    low, high = make.firing((0.5, 0.0)), make.firing((1.0, 2.0))
    artists = plot.snapshot_strip([low, high], GRID, labels=["before", "after"], ax=ax)
    tops = [row.get_data().values for row in artists.weights]
    bottoms = [row.get_data().baseline for row in artists.weights]
    assert bottoms == [1, 0], "the first is on top"
    heights = [top - bottom for top, bottom in zip(tops, bottoms, strict=True)]
    np.testing.assert_allclose(heights[0], [0.23, 0.0])
    np.testing.assert_allclose(heights[1], [0.46, 0.92])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["before", "after"]
    assert list(ax.get_yticks()) == [1.5, 0.5]
    assert ax.get_xlim() == pytest.approx((0.0, 1.0))


def test_every_fire_crosses_its_own_row_alone(make, ax):
    one, other = make.firing((0.5, 0.5, 1.0)), make.firing((1.0, 0.0, 0.0))
    artists = plot.snapshot_strip([one, other], GRID, labels=["a", "b"], ax=ax)
    bars = [bar.tolist() for bar in artists.fires.get_segments()]
    assert bars == [
        [[1.0, 1.0], [1.0, 1.92]],
        [[1.5, 1.0], [1.5, 1.92]],
        [[0.5, 0.0], [0.5, 0.92]],
    ]


def test_words_are_named_in_the_middle_of_their_shade(make, ax):
    words = Alignment((TimedToken("one", 0.25, 0.75), TimedToken("untimed")))
    artists = plot.snapshot_strip([make.firing()], GRID, labels=["a"], words=words, ax=ax)
    assert [(text.get_text(), text.get_position()[0]) for text in artists.words] == [("one", 0.5)]
    assert artists.words[0].get_position()[1] > 1, "above the Axes"


def test_rows_of_silence_are_flat(make, ax):
    artists = plot.snapshot_strip([make.firing((0.0, 0.0))], GRID, labels=["a"], ax=ax)
    assert artists.weights[0].get_data().values.tolist() == [0.0, 0.0]
    assert len(artists.fires.get_segments()) == 0
    nothing = plot.snapshot_strip([make.firing(())], GRID, labels=["a"], ax=ax)
    assert len(nothing.weights[0].get_data().values) == 0


def test_a_strip_needs_a_label_for_each_row(make, ax):
    with pytest.raises(CIFError, match="expected a label for each of the firings, got 1 and 2"):
        plot.snapshot_strip([make.firing()], GRID, labels=["a", "b"], ax=ax)
    with pytest.raises(CIFError, match="got 0 and 0"):
        plot.snapshot_strip([], GRID, labels=[], ax=ax)


def test_each_curve_is_a_share_of_its_own_highest_value(ax):
    curves = {"loss": ([0, 10], [4.0, 1.0]), "errors": ([0, 5, 10], [50, 100, 20])}
    artists = plot.training_curves(curves, ax=ax)
    assert artists.lines["loss"].get_xydata().tolist() == [[0, 1], [10, 0.25]]
    assert artists.lines["errors"].get_ydata().tolist() == [0.5, 1.0, 0.2]
    assert [text.get_text() for text in artists.legend.get_texts()] == ["loss", "errors"]


def test_curves_differ_in_more_than_colour(ax):
    most = len(STYLE["lines"])
    curves = {str(number): ([0, 1], [1, 0]) for number in range(most)}
    lines = plot.training_curves(curves, ax=ax).lines.values()
    assert len({(line.get_color(), line.get_marker()) for line in lines}) == most
    for kind in ("color", "linestyle", "marker"):
        assert len({line[kind] for line in STYLE["lines"]}) == most


@pytest.mark.parametrize(
    ("curves", "message"),
    [
        ({}, "expected 1 to 6 curves, got 0"),
        ({"a": ([0], [1, 2])}, "curve 'a' needs a value >= 0 for each step"),
        ({"a": ([0, 1], [0, 0])}, "not all of them 0"),
        ({"a": ([0, 1], [1, -1])}, "curve 'a' needs a value >= 0"),
    ],
)
def test_curves_that_are_none_are_refused(ax, curves, message):
    with pytest.raises(CIFError, match=message):
        plot.training_curves(curves, ax=ax)
