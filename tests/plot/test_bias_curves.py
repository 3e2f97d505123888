"""Measures of biasing against λ and against the size of the list."""

import math

import numpy as np
import pytest

from cifviz import plot
from cifviz.errors import CIFError

ERRORS = {
    "ColDec": {1.0: [14.0, 18.0], 0.0: [20.0, 22.0], 0.5: [10.0, 14.0]},
    "SeACo": {0.0: [21.0], 0.5: [9.0]},
}


def curve(artists, name):
    return np.array(artists.lines[name].get_xydata()).tolist()


def test_lines_are_means_in_the_order_of_the_axis(ax):
    artists = plot.bias_weight_curves(ERRORS, label="token error (%)", ax=ax)
    assert curve(artists, "ColDec") == [[0.0, 21.0], [0.5, 12.0], [1.0, 16.0]]
    assert curve(artists, "SeACo") == [[0.0, 21.0], [0.5, 9.0]]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("λ", "token error (%)")
    assert ax.get_ylim()[0] == 0


def test_bands_are_standard_deviations_of_several_runs(ax):
    artists = plot.bias_weight_curves(ERRORS, label="token error (%)", ax=ax)
    assert list(artists.bands) == ["ColDec"], "one run has no spread"
    corners = artists.bands["ColDec"].get_paths()[0].vertices
    at_zero = corners[corners[:, 0] == 0.0][:, 1]
    assert (at_zero.min(), at_zero.max()) == pytest.approx((21 - 2**0.5, 21 + 2**0.5))


def test_the_guard_is_the_level_of_its_curve_at_the_smallest_weight(ax):
    artists = plot.bias_weight_curves(ERRORS, label="error", guard="ColDec", ax=ax)
    box = artists.guard.get_bbox()
    assert (box.y0, box.y1) == pytest.approx((21 - 2**0.5, 21 + 2**0.5))
    assert artists.legend.get_texts()[-1].get_text() == "ColDec at λ = 0"


def test_a_guard_of_one_run_is_a_thin_band(ax):
    box = plot.bias_weight_curves(ERRORS, label="error", guard="SeACo", ax=ax).guard.get_bbox()
    assert 0 < box.height < 1
    assert (box.y0 + box.y1) / 2 == pytest.approx(21.0)


def test_lines_differ_in_more_than_colour(ax):
    six = {f"system {index}": {0: [index], 1: [2 * index]} for index in range(6)}
    lines = plot.bias_weight_curves(six, label="F1 (%)", ax=ax).lines.values()
    assert len({line.get_marker() for line in lines}) == 6
    assert len({line.get_color() for line in lines}) == 6


def test_sizes_have_one_tick_each_and_none_is_left_of_ten(ax):
    sizes = {"ColDec": {0: [50.0], 10: [70.0], 100: [60.0], 1000: [40.0]}}
    artists = plot.list_size_curves(sizes, label="recall (%)", ax=ax)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "10", "100", "1000"]
    places = ax.transData.transform(np.array(curve(artists, "ColDec")))[:, 0]
    gaps = np.diff(places)
    assert gaps[1] == pytest.approx(gaps[2]), "a power of ten is a power of ten"
    assert 0 < gaps[0] < gaps[1]
    assert len(ax.get_xticks(minor=True)) == 0


@pytest.mark.parametrize("sizes", [[0], [0, 1], [5], [10, 100]])
def test_few_sizes_are_within_the_axes(ax, sizes):
    plot.list_size_curves({"a": {size: [1.0, 2.0] for size in sizes}}, label="F1", ax=ax)
    left, right = ax.get_xlim()
    assert left < min(sizes) <= max(sizes) < right
    ax.figure.canvas.draw()


def test_what_is_nan_is_no_value(ax):
    nan = math.nan
    sizes = {"a": {0: [nan, nan], 10: [80.0, nan], 100: [60.0, 70.0]}, "b": {0: [nan]}}
    artists = plot.list_size_curves(sizes, label="precision (%)", ax=ax)
    np.testing.assert_array_equal(artists.lines["a"].get_ydata(), [nan, 80.0, 65.0])
    assert artists.alt == (
        "precision (%) against phrases in the list. a: 80 at 10, 65 at 100. b: no value."
    )
    ax.figure.canvas.draw()
    assert np.isfinite(ax.get_ylim()).all()


def test_the_alternative_text_has_ends_and_extremes(ax):
    runs = {0.0: [5.0], 0.25: [4.0], 0.5: [1.0], 0.75: [2.0], 1.0: [3.0]}
    artists = plot.bias_weight_curves({"a": runs}, label="error (%)", ax=ax)
    assert artists.alt == "error (%) against λ. a: 5 at 0, 1 at 0.5, 3 at 1."


def test_axes_side_by_side_need_one_legend(ax):
    assert plot.bias_weight_curves(ERRORS, label="error", legend=False, ax=ax).legend is None
    assert ax.get_legend() is None


def test_of_axes_that_share_their_scale_the_higher_curve_decides(ax):
    other = ax.figure.add_subplot(sharey=ax)
    plot.list_size_curves({"a": {1: [90.0]}}, label="F1 (%)", ax=ax)
    plot.list_size_curves({"a": {1: [20.0]}}, label="F1 (%)", ax=other)
    assert ax.get_ylim()[1] >= 90.0


@pytest.mark.parametrize(
    ("curves", "kwargs", "message"),
    [
        ({}, {}, "expected 1 to 6 curves, got 0"),
        ({str(i): {0: [1.0]} for i in range(7)}, {}, "expected 1 to 6 curves, got 7"),
        ({"a": {}}, {}, "curve 'a' has no values"),
        ({"a": {0: [1.0]}}, {"guard": "b"}, r"guard 'b' is no curve, these are: \['a'\]"),
    ],
)
def test_what_cannot_be_drawn_is_refused(ax, curves, kwargs, message):
    with pytest.raises(CIFError, match=message):
        plot.bias_weight_curves(curves, label="error", ax=ax, **kwargs)


def test_sizes_below_zero_are_refused(ax):
    with pytest.raises(CIFError, match=r"expected sizes of lists >= 0, got \[-1\]"):
        plot.list_size_curves({"a": {-1: [1.0]}}, label="F1", ax=ax)


def test_looks_can_be_changed(ax):
    artists = plot.bias_weight_curves(
        ERRORS, label="x", guard="SeACo", ax=ax, guard_kw={"alpha": 0.25}, linewidth=3.0
    )
    assert artists.lines["SeACo"].get_linewidth() == 3.0
    assert artists.guard.get_alpha() == 0.25
