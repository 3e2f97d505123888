"""The picture of why edges are read inside the word."""

from __future__ import annotations

from io import BytesIO

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from PIL import Image

from cifviz import plot
from cifviz.alignment.mass_times import times_at, valley_cuts
from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import CIFError
from cifviz.metrics import errors_by_quantile
from cifviz.plot import geometry
from cifviz.plot.edge_lanes import MASS_ERROR
from tests.two_words import FRAMES, GAPS, SHIFT, WEIGHTS, alpha, words


@pytest.fixture
def utterances(make):
    """Three utterances of two words, and their references."""
    return [make.transcription(alpha(gaps)) for gaps in GAPS], [words(gaps) for gaps in GAPS]


def lines(ax, label):
    """The artists of an Axes with a label."""
    artists = [*ax.lines, *ax.collections, *ax.patches]
    return [artist for artist in artists if artist.get_label() == label]


def test_lanes_share_their_axes(utterances):
    fig, axes = plot.edge_panel(*utterances)
    assert list(axes) == ["words", "weights", "mass", "error", "slope"]
    times = [axes[name].get_xlim() for name in ("words", "weights", "mass")]
    assert times == [pytest.approx((0.0, SHIFT * len(alpha(GAPS[0]))))] * 3
    assert axes["error"].get_xlim() == axes["slope"].get_xlim() == (0.0, 1.0)
    assert axes["mass"].get_xlabel() == "time (s)"
    assert axes["slope"].get_xlabel().startswith("quantile of the token's mass")
    assert len(fig.axes) == 5  # none of them twice


def test_cuts_and_fires_stand_at_their_times(utterances):
    transcription, _ = utterances
    _, axes = plot.edge_panel(*utterances)
    firing, grid = transcription[0].firing, transcription[0].grid
    times, masses = valley_cuts(firing, grid)
    assert times.tolist() == pytest.approx([SHIFT * 6])  # the end of the first word
    assert masses.tolist() == pytest.approx([WEIGHTS[0]])
    (drawn,) = lines(axes["weights"], "cuts")
    assert [segment[0, 0] for segment in drawn.get_segments()] == pytest.approx(times)
    (drawn,) = lines(axes["mass"], "cuts")
    (corner,) = drawn.get_segments()
    expected = [[0.0, 1.125], [times[0], 1.125], [times[0], 0.0]]
    np.testing.assert_allclose(corner, expected)
    fires = [c for c in axes["weights"].collections if len(c.get_offsets()) == 2]
    assert fires[0].get_offsets()[:, 0].tolist() == pytest.approx(
        geometry.fire_times(firing, grid).tolist()
    )


def test_edges_are_marked_at_their_quantiles_and_moved_by_their_shifts(utterances):
    transcription, _ = utterances
    best = errors_by_quantile(*utterances).best()
    _, axes = plot.edge_panel(*utterances, show=1)
    firing, grid = transcription[1].firing, transcription[1].grid
    read = times_at(firing, grid, [best.onset_quantile, best.offset_quantile]).numpy().T
    moved = best.read(firing, grid)
    for index, edge in enumerate(("onset", "offset")):
        (in_weights,), (in_mass,) = (lines(axes[name], edge) for name in ("weights", "mass"))
        np.testing.assert_allclose(in_weights.get_xdata(), read[index])
        np.testing.assert_allclose(in_weights.get_ydata(), np.array(WEIGHTS) / FRAMES)
        np.testing.assert_allclose(in_mass.get_xdata(), read[index])
        (in_words,) = lines(axes["words"], edge)
        np.testing.assert_allclose(in_words.get_xdata(), moved[index])
    (bars,) = lines(axes["words"], "read")
    np.testing.assert_allclose(
        [segment[:, 0] for segment in bars.get_segments()], np.stack(moved, axis=1)
    )


def test_the_same_error_of_mass_is_wide_where_the_curve_is_flat(make):
    """The fire is at the very end of a word, and ±0.1 reaches over the gap of 5 frames."""
    transcription, reference = make.transcription(alpha((2, 5), (1.0, 1.0))), words((2, 5))
    _, axes = plot.edge_panel([transcription], [reference])
    (fire,), (inside,) = (lines(axes["mass"], f"error at {cut}") for cut in ("fires", "valleys"))
    assert [fire.get_height(), inside.get_height()] == pytest.approx([2 * MASS_ERROR] * 2)
    steep = 2 * MASS_ERROR * FRAMES * SHIFT
    assert inside.get_width() == pytest.approx(steep)
    assert fire.get_width() == pytest.approx(steep + 5 * SHIFT)
    assert fire.get_y() == pytest.approx(1 - MASS_ERROR)
    assert inside.get_y() == pytest.approx(0.5 - MASS_ERROR)
    expected_text = [text.get_text() for text in axes["mass"].texts if "dt/dm" in text.get_text()]
    assert expected_text == [
        "dt/dm = 1/α: ±0.1 token is ±116 ms at this fire,\n±16 ms in the middle of the token"
    ]


def test_lines_are_the_errors_and_the_slopes(utterances):
    _, axes = plot.edge_panel(*utterances)
    for cut in ("fires", "valleys"):
        found = errors_by_quantile(*utterances, cut=cut)
        for edge in ("onset", "offset"):
            (line,) = lines(axes["error"], f"{edge}s, {cut}")
            np.testing.assert_array_equal(line.get_xdata(), found.quantiles)
            np.testing.assert_allclose(line.get_ydata(), 1000 * found.errors[edge])
        (line,) = lines(axes["slope"], cut)
        np.testing.assert_allclose(line.get_ydata(), found.seconds_per_token)
    named = [text.get_text() for text in axes["error"].texts]
    assert [name.split(":")[0] for name in named].count("onsets, valleys") == 1
    assert axes["slope"].get_yscale() == "log"


def test_all_edges_are_in_sight(make):
    """The only offset ever seen is 2 s late: it is read 2 s behind the end of the sound."""
    transcription, reference = (
        make.transcription(alpha((2,), (1.0,)), "a"),
        words((2,), "a").shifted(2.0),
    )
    _, axes = plot.edge_panel([transcription], [reference])
    assert axes["words"].get_xlim() == pytest.approx((0.0, 2.0 + 6 * SHIFT))


def test_another_utterance_is_shown(utterances):
    _, axes = plot.edge_panel(*utterances, show=-1)
    boxes = [patch.get_x() for patch in axes["words"].patches]
    assert boxes == pytest.approx([start for start, _ in words(GAPS[-1]).spans])


LONG = ((2, 1) * 15, (1.2, 0.8) * 15, "ab" * 15)
CASES = {
    "two words": (GAPS[0], WEIGHTS, "ab"),
    "thirty words": LONG,
    "one early word": ((1,), (1.0,), "a"),
    "one late word": ((60,), (1.0,), "a"),
    "all words early": ((1, 1, 1, 60), (1.0, 1.0, 1.0, 1.0), "abcd"),
    "nearly all words early": ((1,) * 10 + (160,), (1.0,) * 11, "abcdefghijk"),
    "equal everywhere": ((0, 0, 0), (1.0, 1.0, 1.0), "abc"),
    "wrong count": (GAPS[0], WEIGHTS, "abc"),
}


@pytest.mark.parametrize("case", CASES)
def test_no_text_overlaps_another_or_the_curve(make, case):
    gaps, weights, names = CASES[case]
    transcription = make.transcription(alpha(gaps, weights), names[: len(gaps)])
    fig, axes = plot.edge_panel([transcription], [words((*gaps, 2)[: len(names)], names)])
    FigureCanvasAgg(fig).draw()
    texts = [text for ax in axes.values() for text in ax.texts] + list(fig.texts)
    texts += [legend for ax in axes.values() if (legend := ax.get_legend())]
    for ax in axes.values():
        texts += [ax.yaxis.label] + ([ax.xaxis.label] if ax.xaxis.label.get_text() else [])
        for index, (low, high) in enumerate((ax.get_xlim(), ax.get_ylim())):
            labels = (ax.get_xticklabels, ax.get_yticklabels)[index]()
            texts += [label for label in labels if low <= label.get_position()[index] <= high]
    extents = [
        Text.get_window_extent(text) if isinstance(text, Text) else text.get_window_extent()
        for text in texts  # of an annotation without its arrow
    ]
    for index, extent in enumerate(extents):
        assert fig.bbox.x0 <= extent.x0 and extent.x1 <= fig.bbox.x1, texts[index]
        assert fig.bbox.y0 <= extent.y0 and extent.y1 <= fig.bbox.y1, texts[index]
        for other, text in zip(extents[index + 1 :], texts[index + 1 :], strict=True):
            assert not extent.overlaps(other), (texts[index], text)
    (curve,) = [line for line in axes["mass"].lines if line.get_label().startswith("_child")]
    (about,) = [text for text in axes["mass"].texts if "dt/dm" in text.get_text()]
    extent = Text.get_window_extent(about)
    x = np.linspace(*axes["mass"].get_xlim(), 2000)
    places = axes["mass"].transData.transform(np.column_stack([x, np.interp(x, *curve.get_data())]))
    assert not any(extent.contains(*place) for place in places)


def test_without_the_right_count_there_are_no_errors(make):
    fig, axes = plot.edge_panel([make.transcription()], [words((0,), "a")])
    assert list(axes) == ["words", "weights", "mass"]
    assert [text.get_text() for text in fig.texts] == [
        "No utterance has as many tokens as its reference: there are no errors to show."
    ]
    assert fig.alt.endswith("there are no errors to show.")
    (onsets,) = lines(axes["weights"], "onset")
    assert len(onsets.get_xdata()) == 2


@pytest.mark.parametrize("weights", [(), (0.0,), (0.0,) * 5, (0.1,), (0.3,) * 3])
def test_silence_and_next_to_nothing(make, weights):
    fig, axes = plot.edge_panel([make.transcription(weights)], [Alignment()])
    assert list(axes) == ["words", "weights", "mass"]
    assert not any("dt/dm" in text.get_text() for text in axes["mass"].texts)
    assert "“”, with its fires (0) and its cuts in valleys of the weights (0)" in fig.alt
    assert Image.open(BytesIO(fig.png())).format == "PNG"


def test_untimed_references_are_drawn_as_such(make):
    transcription = make.transcription(alpha(GAPS[0]))
    fig, axes = plot.edge_panel([transcription], [Alignment((TimedToken("a"), TimedToken("b")))])
    assert list(axes) == ["words", "weights", "mass"]
    assert "untimed: 0 a, 1 b" in [text.get_text() for text in axes["words"].texts]
    fig.png()


def test_a_gap_without_weight_is_infinitely_flat(make):
    """1/α is infinite where the very start of the sound weighs nothing: it is off the axis."""
    transcription, reference = make.transcription(alpha((2,), (1.0,)), "a"), words((2,), "a")
    fig, axes = plot.edge_panel([transcription], [reference])
    (line,) = lines(axes["slope"], "valleys")
    assert np.isinf(line.get_ydata()[0])
    assert np.isfinite(axes["slope"].get_ylim()).all()
    fig.png()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"transcriptions": []}, "expected at least one transcription, got none"),
        ({"references": []}, "expected 3 references, one a transcription, got 0"),
        ({"show": 3}, "show must be an index into 3 utterances, got 3"),
        ({"show": -4}, "show must be an index into 3 utterances, got -4"),
        ({"show": 0.5}, "show must be an integer"),
        ({"references": ["one"] * 3}, "reference 0 must be an Alignment, got 'one'"),
        ({"transcriptions": ["one"] * 3}, "transcription 0 must be a Transcription, got 'one'"),
    ],
)
def test_bad_arguments_are_refused(utterances, change, message):
    given = {"transcriptions": utterances[0], "references": utterances[1], "show": 0, **change}
    with pytest.raises(CIFError, match=message):
        plot.edge_panel(given["transcriptions"], given["references"], show=given["show"])


def test_pyplot_knows_nothing_of_the_panel(utterances):
    before, numbers = dict(mpl.rcParams), plt.get_fignums()
    plot.edge_panel(*utterances).fig.png()
    assert plt.get_fignums() == numbers
    assert dict(mpl.rcParams) == before


def test_a_notebook_shows_the_panel_and_its_words(utterances):
    shown = plot.edge_panel(*utterances)
    png, metadata = shown._repr_png_()
    assert Image.open(BytesIO(png)).text["Description"] == shown.fig.alt == metadata["alt"]


def test_alternative_text_says_the_numbers(utterances):
    alt = plot.edge_panel(*utterances).fig.alt
    assert "“a b”, with its fires (2) and its cuts in valleys of the weights (1)" in alt
    assert "over 3 utterances (6 tokens)" in alt
    for cut in ("fires", "valleys"):
        found = errors_by_quantile(*utterances, cut=cut)
        onset, offset = found.errors["onset"], found.errors["offset"]
        assert (
            f"Cut at {cut}: onsets {1000 * onset[0]:.0f} ms at 0, least {1000 * onset.min():.0f}"
            in alt
        )
        assert f"offsets {1000 * offset[-1]:.0f} ms at 1, least {1000 * offset.min():.0f} ms" in alt
