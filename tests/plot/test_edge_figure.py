"""Why edges are read where they are: the numbers by quantile, and the picture of them."""

from __future__ import annotations

from io import BytesIO

import matplotlib as mpl
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from PIL import Image

from cifviz import plot
from cifviz.alignment.timed_tokens import Alignment, Edges, TimedToken, times_at
from cifviz.core.firing import integrate_and_fire
from cifviz.errors import CIFError
from cifviz.plot import geometry, quantiles
from cifviz.plot.edge_lanes import MASS_ERROR
from cifviz.timing import FrameGrid

SHIFT = 0.04
GAPS = ((2, 3), (4, 5), (3, 7))
"""Silent frames before each of the two words of three utterances."""
WEIGHTS = (1.125, 0.875)
"""Too much for the first word, too little for the second: its fire lies inside the first."""
FRAMES = 4
"""Length of a word."""


def alpha(gaps, weights=WEIGHTS, silence=0.0):
    """Words of `FRAMES` equal weights, with silence before each and behind the last."""
    parts = []
    for gap, weight in zip(gaps, weights, strict=True):
        parts += [silence] * gap + [weight / FRAMES] * FRAMES
    return [*parts, silence, silence]


def words(gaps, names="ab"):
    """What was said: each word over exactly its frames."""
    tokens, frame = [], 0
    for gap, name in zip(gaps, names, strict=True):
        begin = frame + gap
        frame = begin + FRAMES
        tokens.append(TimedToken(name, SHIFT * begin, SHIFT * frame))
    return Alignment(tuple(tokens))


@pytest.fixture
def spoken(make):
    """Three utterances of two words, and what was said."""
    return [make.transcription(alpha(gaps)) for gaps in GAPS], [words(gaps) for gaps in GAPS]


def test_between_valleys_ends_are_exact_and_starts_are_a_gap_early(spoken):
    found = quantiles.errors_by_quantile(*spoken, quantiles=[0.0, 0.5, 1.0])
    gaps = SHIFT * np.array(GAPS)
    early = np.where([True, False], gaps, gaps)  # mass 0 is the very start, a cut the word's end
    expected = np.abs(early - np.median(early)).mean()
    np.testing.assert_allclose(found.errors["offset"][1:], [0.0, 0.0], atol=1e-6)
    assert found.errors["onset"][0] == pytest.approx(expected)
    np.testing.assert_allclose(found.shifts["offset"][1:], [2 * SHIFT, 0.0], atol=1e-6)
    assert found.shifts["onset"][0] == pytest.approx(np.median(gaps))
    assert (found.utterances, found.tokens) == (3, 6)


def test_fires_carry_the_error_of_the_word_before(spoken):
    found = quantiles.errors_by_quantile(*spoken, cut="fires", quantiles=[1.0])
    # The first fire is early by 0.125 of a word that weighs 1.125; the second one is right.
    early = np.array([FRAMES * 0.125 / 1.125, 0.0] * 3) * SHIFT
    assert found.errors["offset"][0] == pytest.approx(np.abs(early - np.median(early)).mean())
    assert found.shifts["offset"][0] == pytest.approx(np.median(early))


def test_utterances_with_another_number_of_tokens_are_left_out(spoken):
    heard, said = spoken
    expected = quantiles.errors_by_quantile(heard, said)
    said_more = Alignment((*said[0].tokens, TimedToken("c", 9.0, 9.5)))
    found = quantiles.errors_by_quantile([*heard, heard[0]], [*said, said_more])
    assert (found.utterances, found.tokens) == (3, 6)
    np.testing.assert_array_equal(found.errors["onset"], expected.errors["onset"])
    np.testing.assert_array_equal(found.seconds_per_token, expected.seconds_per_token)


def test_untimed_tokens_have_no_error(spoken):
    heard, said = spoken
    half = [Alignment((TimedToken("a"), one.tokens[1])) for one in said]
    found = quantiles.errors_by_quantile(heard, half, quantiles=[0.0])
    gaps = SHIFT * np.array(GAPS)[:, 1]
    assert (found.utterances, found.tokens) == (3, 3)
    assert found.errors["onset"][0] == pytest.approx(np.abs(gaps - np.median(gaps)).mean())


def test_a_constant_delay_of_the_reference_is_learned(spoken):
    heard, said = spoken
    found = quantiles.errors_by_quantile(heard, said)
    late = quantiles.errors_by_quantile(heard, [one.shifted(0.5) for one in said])
    for edge in ("onset", "offset"):
        np.testing.assert_allclose(late.errors[edge], found.errors[edge], atol=1e-9)
        np.testing.assert_allclose(late.shifts[edge], found.shifts[edge] + 0.5)


def test_nothing_to_read_gives_nan_and_the_default_edges(make):
    found = quantiles.errors_by_quantile([make.transcription()], [Alignment()])
    assert np.isnan(found.errors["onset"]).all() and np.isnan(found.seconds_per_token).all()
    assert (found.utterances, found.tokens) == (0, 0)
    assert found.best() == Edges()


def test_the_best_reading_has_the_least_errors_of_its_half():
    found = quantiles.QuantileErrors(
        cut="fires",
        quantiles=np.array([0.0, 0.2, 0.8, 1.0]),
        errors={"onset": np.array([4, 3, 1, 2]), "offset": np.array([1, 2, 4, 3])},
        shifts={"onset": np.array([0.0, 0.1, 0.2, 0.3]), "offset": np.array([0, 1, 2, 3])},
        seconds_per_token=np.ones(4),
        utterances=1,
        tokens=1,
    )
    assert found.best() == Edges(0.2, 1.0, 0.1, 3.0, cut="fires")


@given(
    st.lists(st.floats(0.05, 0.9), min_size=1, max_size=12),
    st.floats(0.01, 0.99),
    st.sampled_from([0.5, 1.0]),
)
def test_one_over_alpha_is_the_slope_of_time_over_mass(weights, share, threshold):
    firing = integrate_and_fire(
        torch.tensor([weights], dtype=torch.float64),
        torch.eye(len(weights), dtype=torch.float64)[None],
        threshold=threshold,
    )
    grid, running = FrameGrid(SHIFT), np.concatenate([[0.0], np.cumsum(weights)])
    frame = min(int(share * len(weights)), len(weights) - 1)
    middle = np.array([running[frame] + 0.5 * weights[frame]])
    around = quantiles.mass_times(firing, grid, middle + 1e-3 * threshold * np.array([-1, 1]))
    slope = quantiles.seconds_per_token(firing, grid, around[:1])
    assert np.diff(around)[0] / 2e-3 == pytest.approx(slope[0], rel=1e-5)


def lines(ax, label):
    """The artists of an Axes with a label."""
    artists = [*ax.lines, *ax.collections, *ax.patches]
    return [artist for artist in artists if artist.get_label() == label]


def test_lanes_share_their_axes(spoken):
    fig, axes = plot.edge_panel(*spoken)
    assert list(axes) == ["words", "weights", "mass", "error", "slope"]
    times = [axes[name].get_xlim() for name in ("words", "weights", "mass")]
    assert times == [pytest.approx((0.0, SHIFT * len(alpha(GAPS[0]))))] * 3
    assert axes["error"].get_xlim() == axes["slope"].get_xlim() == (0.0, 1.0)
    assert axes["mass"].get_xlabel() == "time (s)"
    assert axes["slope"].get_xlabel().startswith("quantile of the token's mass")
    assert len(fig.axes) == 5  # none of them twice


def test_cuts_and_fires_stand_at_their_times(spoken):
    heard, _ = spoken
    _, axes = plot.edge_panel(*spoken)
    firing, grid = heard[0].firing, heard[0].grid
    cuts = quantiles.valley_cuts(firing, grid)
    assert cuts.seconds.tolist() == pytest.approx([SHIFT * 6])  # the end of the first word
    assert cuts.level.tolist() == pytest.approx([WEIGHTS[0]])
    (drawn,) = lines(axes["weights"], "cuts")
    assert [segment[0, 0] for segment in drawn.get_segments()] == pytest.approx(cuts.seconds)
    (drawn,) = lines(axes["mass"], "cuts")
    (corner,) = drawn.get_segments()
    expected = [[0.0, 1.125], [cuts.seconds[0], 1.125], [cuts.seconds[0], 0.0]]
    np.testing.assert_allclose(corner, expected)
    fires = [c for c in axes["weights"].collections if len(c.get_offsets()) == 2]
    assert fires[0].get_offsets()[:, 0].tolist() == pytest.approx(
        geometry.fire_times(firing, grid).tolist()
    )


def test_edges_are_marked_at_their_quantiles_and_moved_by_their_shifts(spoken):
    heard, _ = spoken
    best = quantiles.errors_by_quantile(*spoken).best()
    _, axes = plot.edge_panel(*spoken, show=1)
    firing, grid = heard[1].firing, heard[1].grid
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
    heard, said = make.transcription(alpha((2, 5), (1.0, 1.0))), words((2, 5))
    _, axes = plot.edge_panel([heard], [said])
    (fire,), (inside,) = (lines(axes["mass"], f"error at {cut}") for cut in ("fires", "valleys"))
    assert [fire.get_height(), inside.get_height()] == pytest.approx([2 * MASS_ERROR] * 2)
    steep = 2 * MASS_ERROR * FRAMES * SHIFT
    assert inside.get_width() == pytest.approx(steep)
    assert fire.get_width() == pytest.approx(steep + 5 * SHIFT)
    assert fire.get_y() == pytest.approx(1 - MASS_ERROR)
    assert inside.get_y() == pytest.approx(0.5 - MASS_ERROR)
    said_so = [text.get_text() for text in axes["mass"].texts if "dt/dm" in text.get_text()]
    assert said_so == [
        "dt/dm = 1/α: ±0.1 token is ±116 ms at this fire,\n±16 ms in the middle of the token"
    ]


def test_lines_are_the_errors_and_the_slopes(spoken):
    _, axes = plot.edge_panel(*spoken)
    for cut in ("fires", "valleys"):
        found = quantiles.errors_by_quantile(*spoken, cut=cut)
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
    heard, said = make.transcription(alpha((2,), (1.0,)), "a"), words((2,), "a").shifted(2.0)
    _, axes = plot.edge_panel([heard], [said])
    assert axes["words"].get_xlim() == pytest.approx((0.0, 2.0 + 6 * SHIFT))


def test_another_utterance_is_shown(spoken):
    _, axes = plot.edge_panel(*spoken, show=-1)
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
    heard = make.transcription(alpha(gaps, weights), names[: len(gaps)])
    fig, axes = plot.edge_panel([heard], [words((*gaps, 2)[: len(names)], names)])
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
        "No utterance has as many tokens as were said: there are no errors to show."
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
    heard = make.transcription(alpha(GAPS[0]))
    fig, axes = plot.edge_panel([heard], [Alignment((TimedToken("a"), TimedToken("b")))])
    assert list(axes) == ["words", "weights", "mass"]
    assert "untimed: 0 a, 1 b" in [text.get_text() for text in axes["words"].texts]
    fig.png()


def test_a_gap_without_weight_is_infinitely_flat(make):
    """1/α is infinite where the very start of the sound weighs nothing: it is off the axis."""
    heard, said = make.transcription(alpha((2,), (1.0,)), "a"), words((2,), "a")
    fig, axes = plot.edge_panel([heard], [said])
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
def test_bad_arguments_are_refused(spoken, change, message):
    given = {"transcriptions": spoken[0], "references": spoken[1], "show": 0, **change}
    with pytest.raises(CIFError, match=message):
        plot.edge_panel(given["transcriptions"], given["references"], show=given["show"])


def test_pyplot_knows_nothing_of_the_panel(spoken):
    before, numbers = dict(mpl.rcParams), plt.get_fignums()
    plot.edge_panel(*spoken).fig.png()
    assert plt.get_fignums() == numbers
    assert dict(mpl.rcParams) == before


def test_a_notebook_shows_the_panel_and_its_words(spoken):
    shown = plot.edge_panel(*spoken)
    png, metadata = shown._repr_png_()
    assert Image.open(BytesIO(png)).text["Description"] == shown.fig.alt == metadata["alt"]


def test_alternative_text_says_the_numbers(spoken):
    alt = plot.edge_panel(*spoken).fig.alt
    assert "“a b”, with its fires (2) and its cuts in valleys of the weights (1)" in alt
    assert "over 3 utterances (6 tokens)" in alt
    for cut in ("fires", "valleys"):
        found = quantiles.errors_by_quantile(*spoken, cut=cut)
        onset, offset = found.errors["onset"], found.errors["offset"]
        assert (
            f"Cut at {cut}: onsets {1000 * onset[0]:.0f} ms at 0, least {1000 * onset.min():.0f}"
            in alt
        )
        assert f"offsets {1000 * offset[-1]:.0f} ms at 1, least {1000 * offset.min():.0f} ms" in alt
