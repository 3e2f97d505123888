"""Systems side by side: parts of errors, and time over tokens."""

import math
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

from cifviz import plot
from cifviz.errors import CIFError
from cifviz.metrics.token_scores import TokenErrors
from tests.plot.test_palette import VISION, distance

RUNS = {
    "ctc": [TokenErrors(2, 4, 6, tokens=200), TokenErrors(4, 4, 10, tokens=200)],
    "cif": [TokenErrors(0, 0, 0, tokens=50)],
}
TIMES = {
    "ar": ([1, 2, 4, 4], [3.0, 5.0, 8.5, 9.5]),
    "nar": ([1, 4], [4.0, 4.0]),
    "one length": ([3, 3], [2.0, 4.0]),
}


def corners(bars):
    return [(bar.get_x(), bar.get_width()) for bar in bars]


# --- errors --------------------------------------------------------------------------------------


def test_bars_are_means_of_the_runs_and_stand_on_each_other(ax):
    bars = plot.token_error_bars(RUNS, ax=ax).bars
    assert corners(bars["deletions"]) == pytest.approx(np.array([(0, 1.5), (0, 0)]))
    assert corners(bars["substitutions"]) == pytest.approx(np.array([(1.5, 4), (0, 0)]))
    assert corners(bars["insertions"]) == pytest.approx(np.array([(5.5, 2), (0, 0)]))


def test_each_run_is_a_point_and_the_total_stands_behind(ax):
    artists = plot.token_error_bars(RUNS, ax=ax)
    np.testing.assert_allclose(artists.runs.get_offsets(), [(6, 0), (9, 0), (0, 1)])
    assert [text.get_text() for text in artists.totals] == ["7.5 ± 2.1 %", "0.0 %"]
    assert artists.totals[0].xy == pytest.approx((9, 0))
    assert ax.get_xlim()[1] > 9
    assert [label.get_text() for label in ax.get_yticklabels()] == ["ctc", "cif"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first on top


@pytest.mark.parametrize("vision", VISION)
def test_kinds_that_touch_differ_in_colour_and_pattern(vision, ax):
    bars = plot.token_error_bars(RUNS, ax=ax).bars
    inner, middle, outer = (to_hex(bars[kind][0].get_facecolor()) for kind in bars)
    assert min(distance(inner, middle, vision), distance(middle, outer, vision)) > 20
    assert len({bars[kind][0].get_hatch() for kind in bars}) == 3


def test_errors_without_reference_tokens_are_drawn(ax):
    bars = plot.token_error_bars({"a": [TokenErrors(0, 3, 0, tokens=0)]}, ax=ax).bars
    assert bars["insertions"][0].get_width() == 300


def test_no_system_is_an_empty_picture(ax):
    assert plot.token_error_bars({}, ax=ax).totals == ()
    assert plot.latency_lines({}, ax=ax).labels == {}
    ax.figure.draw_without_rendering()


def test_a_system_without_runs_is_refused(ax):
    with pytest.raises(CIFError, match="at least one run of 'cif', got none"):
        plot.token_error_bars({"cif": []}, ax=ax)
    with pytest.raises(CIFError, match="run 0 of 'cif' must be a TokenErrors, got 0"):
        plot.token_error_bars({"cif": [0.1]}, ax=ax)


# --- time ----------------------------------------------------------------------------------------


def test_lines_are_those_of_least_squares(ax):
    artists = plot.latency_lines(TIMES, ax=ax)
    # Tokens 1, 2, 4, 4 (mean 2.75) and 3, 5, 8.5, 9.5 (mean 6.5): Σ xy = 13.5, Σ xx = 6.75.
    assert artists.slopes["ar"] == pytest.approx(2)
    x, y = artists.lines["ar"].get_data()
    assert list(x) == [1, 4]
    np.testing.assert_allclose(y, 1 + 2 * x)
    assert artists.slopes["nar"] == pytest.approx(0)
    np.testing.assert_allclose(artists.points["ar"].get_offsets(), np.transpose(TIMES["ar"]))


def test_lines_are_named_at_their_ends_with_what_a_token_takes(ax):
    labels = plot.latency_lines(TIMES, ax=ax).labels
    assert labels["ar"].get_text() == "ar\n+2.00 ms per token"
    assert labels["ar"].xy == pytest.approx((4, 9))
    falling = plot.latency_lines({"a-b": ([1, 2], [2, 1.5])}, ax=ax).labels
    assert falling["a-b"].get_text() == "a-b\n−0.50 ms per token"


def test_without_different_lengths_there_is_no_line(ax):
    artists = plot.latency_lines({**TIMES, "nothing": ([], [])}, ax=ax)
    assert set(artists.lines) == {"ar", "nar"}
    assert math.isnan(artists.slopes["one length"]) and math.isnan(artists.slopes["nothing"])
    assert artists.labels["one length"].get_text() == "one length"


@pytest.mark.parametrize("height", [0.0, 9.0])
def test_labels_do_not_cover_each_other(height):
    ax = Figure(figsize=(6, 3), dpi=100).subplots()
    measured = {f"system {i}": ([1, 10], [height, height]) for i in range(5)}
    measured["far"] = ([1, 10], [10, 10])
    labels = plot.latency_lines(measured, ax=ax).labels.values()
    ax.figure.draw_without_rendering()
    boxes = sorted((Text.get_window_extent(one) for one in labels), key=lambda box: box.y0)
    assert all(low.y1 <= high.y0 for low, high in pairwise(boxes))
    frame = ax.get_window_extent()
    assert all(frame.y0 <= box.y0 and box.y1 <= frame.y1 for box in boxes)
    assert max(box.x1 for box in boxes) <= frame.x1


def test_systems_differ_in_more_than_colour(ax):
    lines = plot.latency_lines({str(i): ([1, 2], [i, i]) for i in range(6)}, ax=ax).lines
    assert len({line.get_linestyle() for line in lines.values()}) >= 4
    assert len({line.get_color() for line in lines.values()}) == 6


def test_times_that_do_not_fit_are_refused(ax):
    with pytest.raises(CIFError, match="a time for each of 2 utterances of 'ar', got 1"):
        plot.latency_lines({"ar": ([1, 2], [3])}, ax=ax)
    with pytest.raises(CIFError, match="times of 'ar' must be finite numbers, got nan"):
        plot.latency_lines({"ar": ([1, 2], [3, math.nan])}, ax=ax)


@pytest.mark.parametrize("draw", [plot.token_error_bars, plot.latency_lines])
def test_they_draw_on_the_axes_they_are_given(draw):
    one, other = Figure().subplots(2)
    draw({"a": RUNS["ctc"]} if draw is plot.token_error_bars else TIMES, ax=other)
    assert not one.has_data() and other.has_data()
    with pytest.raises(CIFError, match="ax must be a matplotlib Axes"):
        draw({}, ax="here")
