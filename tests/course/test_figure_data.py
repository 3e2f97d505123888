"""What a figure shows, as tables: read off the Axes, rounded, thinned, and nothing lost unsaid."""

import numpy as np
import pytest
from bs4 import BeautifulSoup
from matplotlib.collections import LineCollection
from matplotlib.patches import Polygon, Rectangle

from cifviz.course.figure_data import MOST_POINTS, MOST_ROWS, figure_data, figure_data_html
from cifviz.course.figures import canvas
from cifviz.plot.images import png


def drawn(draw, rows=1):
    figure, axes = canvas(rows)
    draw(*axes)
    png(figure)
    return figure


def only_table(draw):
    (data,) = figure_data(drawn(draw))
    (table,) = data.tables
    return table


def test_lines_at_the_same_places_are_columns_of_one_table():
    def draw(ax):
        ax.plot([0, 1], [2.0, 3.0], label="loss")
        ax.plot([0, 1], [0.5, 1 / 3], label="count")
        ax.plot([5], [6])
        ax.plot([], [], label="nothing")
        ax.plot([1, 2], [1, 2], visible=False)
        ax.set(xlabel="epoch", ylabel="value", title="Training")

    (data,) = figure_data(drawn(draw))
    first, second = data.tables
    assert data.title == "Training"
    assert first.header == ("epoch", "loss", "count")
    assert first.rows == (("0", "2", "0.5"), ("1", "3", "0.333"))
    assert (second.header, second.rows) == (("epoch", "value"), (("5", "6"),))


def test_two_lines_of_one_name_stay_two_columns():
    table = only_table(lambda ax: [ax.plot([0, 1], [n, n], label="run") for n in (1, 2)])
    assert table.header[1:] == ("run", "run (2)")
    assert table.rows == (("0", "1", "2"), ("1", "1", "2"))


def test_a_gap_in_a_line_is_an_empty_cell():
    table = only_table(lambda ax: ax.plot([0, 1, 2], [5, np.nan, 4]))
    assert table.rows == (("0", "5"), ("1", ""), ("2", "4"))


def test_of_many_points_some_are_left_out_and_the_fold_says_how_many():
    figure = drawn(lambda ax: ax.plot(range(500), range(500), label="ramp"))
    ((table,),) = [data.tables for data in figure_data(figure)]
    assert len(table.rows) == MOST_ROWS and table.points == 500
    assert table.rows[0] == ("0", "0") and table.rows[-1] == ("499", "499")
    steps = np.diff([float(place) for place, _ in table.rows])
    assert steps.max() - steps.min() <= 1, "evenly"
    caption = BeautifulSoup(figure_data_html(figure), "html.parser").caption.get_text()
    assert caption == f"ramp ({MOST_ROWS} of 500)"


@pytest.mark.parametrize("count", [1, 2, MOST_ROWS, MOST_ROWS + 1, MOST_ROWS + 7])
def test_rows_are_in_order_and_none_stands_twice(count):
    table = only_table(lambda ax: ax.plot(range(count), range(count), label="run"))
    places = [int(place) for place, _ in table.rows]
    assert places == sorted(set(places)) and places[-1] == count - 1
    assert len(places) == min(count, MOST_ROWS)


def test_bars_are_named_by_the_words_below_them():
    def draw(ax):
        ax.bar(["one", "two"], [0.25, 4], label="errors")
        ax.set_ylabel("%")

    table = only_table(draw)
    assert table.header == ("x", "errors")
    assert table.rows == (("one", "0.25"), ("two", "4"))


def test_bars_that_lie_or_begin_elsewhere_say_where():
    table = only_table(lambda ax: ax.barh(["a", "b"], [1, 2], left=[3, 4]))
    assert table.rows == (("a", "3", "4"), ("b", "4", "6"))
    table = only_table(lambda ax: ax.bar([0, 1], [1, 2]))
    assert table.rows == (("0", "1"), ("1", "2"))


def test_steps_are_intervals():
    table = only_table(lambda ax: ax.stairs([0.2, 0.9], [0, 1, 3], label="α"))
    assert table.title == "α; each up to the next, the last to 3"
    assert table.header == ("x, from", "α")
    assert table.rows == (("0", "0.2"), ("1", "0.9"))


def test_rows_of_steps_are_columns_measured_from_their_own_ground():
    def draw(ax):
        for row, values in enumerate(([0.5, 0.25], [0.125, 0.75])):
            ax.stairs(np.array(values) + row, [0, 1, 2], baseline=row)
        ax.set_yticks([0.5, 1.5], ["first", "second"])

    table = only_table(draw)
    assert table.header == ("x, from", "first", "second")
    assert table.rows == (("0", "0.5", "0.125"), ("1", "0.25", "0.75"))


def test_points_boxes_and_segments_are_rows():
    def draw(ax):
        ax.scatter([1, 2], [3, 4], label="fires")
        ax.add_patch(Rectangle((0, 1), 2, 3, label="token"))
        ax.add_collection(LineCollection([[(0, 5), (1, 5)]], label="rule"))
        ax.plot([4, 3], [5, 6])
        ax.autoscale_view()

    (data,) = figure_data(drawn(draw))
    assert {table.title: table.rows for table in data.tables} == {
        "fires": (("1", "3"), ("2", "4")),
        "token": (("0", "2", "1", "4"),),
        "rule": (("0", "1", "5", "5"),),
        "lines": (("3", "4", "5", "6"),),
    }


def test_where_nothing_is_measured_upwards_boxes_say_only_when():
    def draw(ax):
        ax.add_patch(Rectangle((1, 0), 2, 1, label="nine"))
        ax.set_yticks([])
        ax.set(xlim=(0, 4), xlabel="time (s)")

    table = only_table(draw)
    assert (table.header, table.rows) == (("time (s), from", "to"), (("1", "3"),))


def test_of_a_sound_count_and_range_are_stated():
    def draw(ax):
        ax.plot(range(MOST_POINTS + 1), [-0.5, *[0.25] * MOST_POINTS])
        ax.set_ylabel("amplitude")

    (data,) = figure_data(drawn(draw))
    assert data.tables == ()
    assert data.notes == (f"amplitude: a line of {MOST_POINTS + 1} points, from -0.5 to 0.25.",)


def test_pictures_are_summed_up_and_lines_across_named():
    def draw(ax):
        ax.pcolormesh(np.arange(6).reshape(2, 3))
        ax.axvline(1.5)
        ax.axhline(0.25)
        ax.text(0, 0, "nine\nzero")
        ax.set_xlabel("time (s)")

    (data,) = figure_data(drawn(draw))
    assert data.tables == ()
    assert data.notes == (
        "A picture of 2 × 3 values from 0 to 5.",
        "Lines across it at time (s): 1.5.",
        "Lines across it at y: 0.25.",
        "Words in it: nine zero.",
    )


def test_several_axes_are_numbered_and_share_the_label_of_their_time():
    def draw(upper, lower):
        upper.plot([0], [1])
        upper.set_ylabel("α")
        lower.plot([0], [2])
        lower.set(xlabel="time (s)", ylabel="sum")

    one, two = figure_data(drawn(draw, rows=2))
    assert (one.title, two.title) == ("1. α", "2. sum")
    assert one.tables[0].header == ("time (s)", "α")


def test_a_bar_of_colours_is_no_series():
    def draw(ax):
        ax.figure.colorbar(ax.imshow(np.eye(2)), ax=ax)

    (data,) = figure_data(drawn(draw))
    assert data.notes == ("A picture of 2 × 2 values from 0 to 1.",)


def test_the_fold_is_closed_and_escaped():
    text = figure_data_html(drawn(lambda ax: ax.plot([0], [1], label="a < b & c")))
    soup = BeautifulSoup(text, "html.parser")
    assert "open" not in soup.details.attrs
    assert soup.select("th[scope=col]")[1].get_text() == "a < b & c" and "a &lt; b" in text


def test_a_figure_in_which_nothing_is_drawn_says_so():
    for empty in (lambda ax: None, lambda ax: ax.set_xlim(0, 3), lambda ax: ax.plot([], [])):
        assert "<p>No values.</p></details>" in figure_data_html(drawn(empty))


def test_there_is_no_fold_if_nothing_that_is_drawn_can_be_read():
    assert figure_data_html(drawn(lambda ax: ax.add_patch(Polygon([[0, 0], [1, 1], [0, 1]])))) == ""


def test_what_cannot_be_finite_is_left_out():
    def draw(ax):
        ax.plot([0, 1, 2], [1, 2, 3])
        ax.fill_between([0, 1], [0, 0], [1, np.nan])

    (data,) = figure_data(drawn(draw))
    assert data.tables[0].rows == (("0", "1"), ("1", "2"), ("2", "3"))
