"""Pictures of errors: their numbers, their Axes, and nothing to draw."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cifviz import plot
from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import CIFError
from cifviz.metrics import evaluate
from cifviz.plot import STYLE

DRAW = {
    "error_histogram": plot.error_histogram,
    "error_over_time": plot.error_over_time,
    "error_shares": plot.error_shares,
}


def report(*milliseconds, apart=2.0):
    """Tokens whose onsets and offsets are so late, one after another."""
    reference = [TimedToken("a", apart * i, apart * i + 0.5) for i in range(len(milliseconds))]
    transcription = [
        TimedToken("a", token.start + late / 1000, token.end + late / 1000)
        for token, late in zip(reference, milliseconds, strict=True)
    ]
    return evaluate([Alignment(reference)], [Alignment(transcription)])


@pytest.fixture(params=DRAW)
def draw(request):
    return DRAW[request.param]


def test_only_its_axes_is_drawn_on(draw):
    fig, (current, other) = plt.subplots(2)
    plt.sca(current)
    before = dict(mpl.rcParams)
    artists = draw(report(10.0, 20.0), ax=other)
    assert plt.gca() is current
    assert not current.has_data()
    assert other.has_data()
    assert dict(mpl.rcParams) == before
    assert isinstance(artists, tuple)
    plt.close(fig)


def test_wrong_input_is_refused_by_name(draw):
    with pytest.raises(CIFError, match="ax must be a matplotlib Axes, got Figure"):
        draw(report(10.0), ax=Figure())
    with pytest.raises(CIFError, match="report must be a Report, got"):
        draw([0.1], ax=Figure().subplots())
    with pytest.raises(CIFError, match="edge must be one of 'onset', 'offset', got 'middle'"):
        plot.error_histogram(report(10.0), "middle", ax=Figure().subplots())


def test_the_histogram_holds_every_error(ax):
    artists = plot.error_histogram(report(-30.0, 10.0, 20.0, 20.0), "offset", ax=ax)
    counts, bins, _ = artists.bars.get_data()
    assert counts.sum() == 4
    assert 0.0 in np.round(bins, 9)
    assert counts[bins[:-1] < -1e-9].sum() == 1  # the early one
    assert artists.median.get_xdata()[0] == pytest.approx(15.0)
    assert artists.note.get_text() == "4 offsets\nmedian +15 ms\nmean |error| 20 ms"


def test_errors_beyond_the_axis_are_at_its_ends_and_counted(ax):
    artists = plot.error_histogram(report(*[5.0] * 99, -900.0), ax=ax)
    counts, bins, _ = artists.bars.get_data()
    assert ax.get_xlim() == (-50.0, 50.0) == (bins[0], bins[-1])
    assert (counts.sum(), counts[0]) == (100, 1)
    assert artists.note.get_text().endswith("1 beyond ±50 ms")


def test_points_stand_at_their_times(ax):
    artists = plot.error_over_time(report(10.0, -20.0, 40.0), ax=ax)
    places = artists.points["offset"].get_offsets()
    np.testing.assert_allclose(places, [[0.5, 10], [2.5, -20], [4.5, 40]], atol=1e-6)
    assert ax.get_xlim()[0] <= 0.0 and ax.get_xlim()[1] > 4.5


def test_the_line_has_the_slope_of_the_drift(ax):
    measured = report(10.0, 13.0, 19.0, 19.0)
    line = plot.error_over_time(measured, ax=ax).drifts["onset"]
    (x0, x1), (y0, y1) = line.get_data()
    drift = measured.scores["label", "onset", "drift"]
    assert (y1 - y0) / (x1 - x0) * 60 == pytest.approx(drift)
    assert (x0, x1) == (0.0, 6.0)
    assert line.get_label() == f"onsets: drift +{drift:.0f} ms per minute"


def test_curve_and_marks_are_the_shares(ax):
    measured = report(3.0, 12.0, -30.0, 400.0)
    artists = plot.error_shares(measured, ax=ax)
    x, y = artists.curves["onset"].get_data()
    np.testing.assert_allclose(x, [5, 12, 30, 400, 1000])
    np.testing.assert_allclose(y, [25, 50, 75, 100, 100])
    marks = artists.marks["onset"].get_offsets()
    np.testing.assert_allclose(marks[:, 0], [10, 20, 25, 50, 100])
    np.testing.assert_allclose(marks[:, 1], [25, 50, 50, 75, 75])


def test_edges_differ_in_more_than_colour():
    onset, offset = STYLE["onset"], STYLE["offset"]
    assert onset["marker"] != offset["marker"] and onset["linestyle"] != offset["linestyle"]


def test_histograms_of_a_panel_have_one_scale():
    _, axes = plot.error_panel(report(10.0, 10.0, 250.0))
    assert list(axes) == ["onset", "offset", "time", "share"]
    assert axes["onset"].get_xlim() == axes["offset"].get_xlim()
    assert axes["onset"].get_ylim() == axes["offset"].get_ylim()


@pytest.mark.parametrize("late", [(), (10.0,), (0.0, 0.0), tuple(range(-400, 400, 2))])
def test_no_text_of_a_panel_overlaps_another(late):
    fig, axes = plot.error_panel(report(*late))
    FigureCanvasAgg(fig).draw()
    texts = [text for ax in axes.values() for text in ax.texts]
    texts += [legend for ax in axes.values() if (legend := ax.get_legend())]
    texts += [label for ax in axes.values() for label in (ax.xaxis.label, ax.yaxis.label)]
    for ax in axes.values():
        (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
        for axis, low, high in ((ax.xaxis, left, right), (ax.yaxis, bottom, top)):
            shown = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=True)
            texts += [label for place, label in shown if low <= place <= high]
    extents = [text.get_window_extent() for text in texts]
    for index, extent in enumerate(extents):
        assert fig.bbox.x0 <= extent.x0 and extent.x1 <= fig.bbox.x1
        assert fig.bbox.y0 <= extent.y0 and extent.y1 <= fig.bbox.y1
        for other, text in zip(extents[index + 1 :], texts[index + 1 :], strict=True):
            assert not extent.overlaps(other), (texts[index], text)


def test_pyplot_knows_nothing_of_a_panel():
    before, numbers = dict(mpl.rcParams), plt.get_fignums()
    plot.error_panel(report(10.0))
    assert plt.get_fignums() == numbers
    assert dict(mpl.rcParams) == before


def test_alternative_text_says_what_there_is():
    alt = plot.error_panel(report(10.0, -30.0)).fig.alt
    assert "2 onsets: mean −10 ms, mean absolute 20 ms, 100 % within 50 ms, drift −1200 ms" in alt
    assert "0 onsets." in plot.error_panel(report()).fig.alt
    assert "1 onset: mean +10 ms" in plot.error_panel(report(10.0)).fig.alt
