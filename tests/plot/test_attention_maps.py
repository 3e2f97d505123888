"""Which token looks at which phrase: rows, cells, names, and the lane of the panel."""

from dataclasses import replace

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from cifviz import plot
from cifviz.errors import CIFError
from cifviz.plot.attention_maps import NO_BIAS, WITH, WITHOUT, attention_rows
from cifviz.systems.coldec import BIAS, PhraseBias

PHRASES = ("a b", "c", "b c", "d")
ATTENTION = ((0.1, 0.5, 0.0, 0.3, 0.1), (0.25, 0.25, 0.0, 0.5, 0.0))
"""Of two tokens to "no bias" and four phrases, which have 0.75, 0, 0.8 and 0.1."""


def bias(phrases=PHRASES, attention=ATTENTION, unbiased=("a", "x"), **kwargs):
    values = torch.tensor(attention, dtype=torch.float64).reshape(-1, 1 + len(phrases))
    return PhraseBias(phrases, values, (0.5,) * len(values), unbiased, **kwargs)


def listed(transcription, *args, **kwargs):
    """With the result of a list of phrases."""
    return replace(transcription, extras={BIAS: bias(*args, **kwargs)})


def with_tokens(transcription):
    """Of a system that looks at the tokens of "c" and "a b"."""
    looks = [[0.25, 0.25, 0.0, 0.5], [0.0, 0.125, 0.125, 0.75]]
    return listed(transcription, selected=(1, 0), token_attention=torch.tensor(looks))


def tick_labels(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def test_rows_are_those_of_the_largest_attention_and_one_of_all_others():
    rows = attention_rows(bias(), most=2)
    assert rows.names == ("no bias", "b c", "a b", "+ 2 more")
    assert rows.phrases == ("b c", "a b")
    expected = [[0.1, 0.25], [0.3, 0.5], [0.5, 0.25], [0.1, 0.0]]
    np.testing.assert_allclose(rows.values, expected, atol=1e-12)


@pytest.mark.parametrize("most", range(6))
def test_columns_sum_to_one_whatever_is_shown(most):
    rows = attention_rows(bias(), most=most)
    np.testing.assert_allclose(rows.values.sum(axis=0), 1.0)
    assert len(rows.names) == 1 + min(most, 4) + (most < 4)


def test_phrases_may_be_chosen_so_that_two_maps_have_the_same_rows():
    first = attention_rows(bias(), most=2)
    purified = bias(attention=((0.5, 0.0, 0.0, 0.0, 0.5), (0.5, 0.0, 0.0, 0.0, 0.5)))
    second = attention_rows(purified, most=2, phrases=first.phrases)
    assert second.names == first.names
    np.testing.assert_allclose(second.values[-1], [0.5, 0.5])


@pytest.mark.parametrize(
    ("phrases", "message"),
    [
        (("a b", "z"), "'z' is not in the list of the transcription"),
        (("c", "c"), r"expected each phrase once, got \('c', 'c'\)"),
    ],
)
def test_phrases_that_are_not_in_the_list_are_refused(make, ax, phrases, message):
    with pytest.raises(CIFError, match=message):
        plot.phrase_attention(listed(make.transcription()), phrases=phrases, ax=ax)


def test_cells_lie_where_the_tokens_are_in_time(make, ax):
    one = listed(make.transcription())
    artists = plot.phrase_attention(one, most=2, ax=ax)
    boxes = [path.get_extents() for path in artists.cells.get_paths()]
    spans = one.alignment.spans * 4
    np.testing.assert_allclose([(box.x0, box.x1) for box in boxes], spans)
    assert [(box.y0, box.y1) for box in boxes[::2]] == [(0, 1), (1, 2), (2, 3), (3, 4)]
    np.testing.assert_allclose(artists.cells.get_array(), artists.rows.values.ravel())
    assert ax.get_xlim() == pytest.approx((0.0, 0.16))
    assert ax.get_ylim() == (4, -2), "tokens are on top"
    assert tick_labels(ax) == ["no list", "with list", "no bias", "b c", "a b", "+ 2 more"]


def test_both_results_are_named_and_changed_tokens_are_framed_and_bold(make, ax):
    artists = plot.phrase_attention(listed(make.transcription(tokens=["a", "b"])), ax=ax)
    texts = {key: text.get_text() for key, text in artists.tokens.items()}
    assert texts == {(WITHOUT, 0): "a", (WITHOUT, 1): "x", (WITH, 0): "a", (WITH, 1): "b"}
    assert list(artists.changed) == [1]
    frame = artists.changed[1].get_bbox()
    assert (frame.y0, frame.y1) == (-2, 0)
    assert {k: t.get_weight() for k, t in artists.tokens.items() if k[1] == 1} == {
        (WITHOUT, 1): "bold",
        (WITH, 1): "bold",
    }
    entries = [text.get_text() for text in artists.legend.get_texts()]
    assert entries == ["attention: 5 %", "20 %", "50 %", "100 %", "changed by the list"]


def test_the_scale_is_the_same_in_every_map(make):
    weak = ((0.97, 0.01, 0.01, 0.005, 0.005),) * 2
    shades = []
    for attention in (ATTENTION, weak):
        ax = Figure().subplots()
        one = listed(make.transcription(), attention=attention)
        artists = plot.phrase_attention(one, ax=ax)
        shades.append(artists.cells.to_rgba(np.array([0.0, 0.25, 1.0])))
    np.testing.assert_array_equal(*shades)
    # Shades follow the square root: a quarter is half-way.
    half = matplotlib.colormaps[plot.STYLE["contribution"]](0.75)
    np.testing.assert_allclose(shades[0][1], half, atol=0.02)


def test_numbers_are_percent_and_can_be_read(make, ax):
    artists = plot.phrase_attention(listed(make.transcription()), most=2, ax=ax)
    numbers = {text.get_position(): text.get_text() for text in artists.numbers}
    assert sorted(numbers.values()) == sorted(["10", "25", "30", "50", "50", "25", "10"])
    ax.figure.set_size_inches(10, 0.4)
    assert plot.phrase_attention(listed(make.transcription()), ax=ax).numbers == ()


def test_numbers_in_dark_cells_are_light(make, ax):
    strong = ((0.1, 0.9, 0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 0.0))
    one = listed(make.transcription(), attention=strong)
    colours = {
        text.get_text(): text.get_color() for text in plot.phrase_attention(one, ax=ax).numbers
    }
    light, dark = plot.STYLE["halo"], plot.STYLE["level"]
    assert colours == {"10": dark, "90": light, "100": light}


def test_names_inside_stand_where_they_hide_little(make, ax):
    """Attention to the first phrase is at the left, to the second at the right."""
    looks = ((0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    one = make.transcription((1.0, 0.0, 0.0, 1.0))
    one = listed(one, ("a long phrase", "another one"), looks, ("a", "b"))
    artists = plot.phrase_attention(one, names_inside=True, ax=ax)
    places = {text.get_text(): text.get_ha() for text in artists.names}
    assert places == {"a long phrase": "right", "another one": "left"}
    assert tick_labels(ax) == ["no list", "with list", "no bias"]


def test_thousands_of_phrases_are_a_few_rows(make, ax):
    count = 3000
    phrases = tuple(f"p{index}" for index in range(count))
    attention = torch.full((2, count + 1), 1 / (count + 1)).tolist()
    artists = plot.phrase_attention(listed(make.transcription(), phrases, attention), ax=ax)
    assert len(artists.cells.get_paths()) == 2 * (1 + 12 + 1)
    assert artists.rows.names[-1] == "+ 2988 more"
    assert "a list of 3000 phrases" in artists.alt


def test_the_alternative_text_names_single_phrases_and_changes(make, ax):
    one = listed(make.transcription(tokens=["a", "b"]))
    assert plot.phrase_attention(one, most=0, ax=ax).alt == (
        "Attention of 2 tokens to a list of 4 phrases and to “no bias”. “a” looks most at “a b” "
        "(50 %), “b” looks most at “b c” (50 %). By the list “x” became “b”."
    )
    same = listed(make.transcription(tokens=["a", "x"]))
    assert plot.phrase_attention(same, ax=ax).alt.endswith("The list changed no token.")


def test_the_alternative_text_stays_short(make, ax):
    many = make.transcription(np.ones(30), ["y"] * 30)
    one = listed(many, ("a",), [[0.25, 0.75]] * 30, ("x",) * 30)
    alt = plot.phrase_attention(one, ax=ax).alt
    assert alt.count("looks most at") == alt.count("became") == 20
    assert alt.count("and 10 more") == 2


def test_without_tokens_or_phrases_the_map_is_empty(make, ax):
    silence = listed(make.transcription((0.1,)), attention=(), unbiased=())
    artists = plot.phrase_attention(silence, ax=ax)
    assert (len(artists.cells.get_paths()), artists.tokens, artists.numbers) == (0, {}, ())
    nothing = listed(make.transcription(), (), ((1.0,), (1.0,)))
    assert plot.phrase_attention(nothing, ax=ax).rows.names == (NO_BIAS,)
    ax.figure.canvas.draw()


def test_many_tokens_and_strange_names(make, ax):
    names = ["$\\frac$", "中文", "a\nb", ""] * 10
    looks = [[0.25, 0.5, 0.25]] * 40
    one = listed(make.transcription(np.ones(40), names), ("$x", "\u0644"), looks, ("a",) * 40)
    artists = plot.phrase_attention(one, ax=ax, names_inside=True)
    ax.figure.canvas.draw()
    assert len(artists.changed) == 40


def test_tokens_of_phrases_have_rows_in_groups(make, ax):
    artists = plot.phrase_token_attention(with_tokens(make.transcription()), ax=ax)
    assert tick_labels(ax) == ["no list", "with list", "no bias", "c", "a", "b"]
    np.testing.assert_allclose(
        artists.rows.values, [[0.25, 0.0], [0.25, 0.125], [0.0, 0.125], [0.5, 0.75]]
    )
    heights = sorted({line.get_ydata()[0] for line in ax.lines})
    assert heights == [0, 1, 2, 4]
    assert "“a” looks most at “b” (50 %)" in artists.alt


def test_what_has_no_list_or_no_token_attention_is_refused(make, ax):
    with pytest.raises(CIFError, match="expected a transcription with a list of phrases"):
        plot.phrase_attention(make.transcription(), ax=ax)
    with pytest.raises(CIFError, match="expected the transcription of a system that looks at the"):
        plot.phrase_token_attention(listed(make.transcription()), ax=ax)
    with pytest.raises(CIFError, match="ax must be a matplotlib Axes"):
        plot.phrase_attention(listed(make.transcription()), ax=3)


def test_looks_can_be_changed(make, ax):
    artists = plot.phrase_attention(
        listed(make.transcription()),
        ax=ax,
        token_kw={"color": "red"},
        number_kw={"color": "blue"},
        changed_kw={"edgecolor": "green"},
        cmap="viridis",
    )
    assert artists.tokens[WITH, 0].get_color() == "red"
    assert artists.numbers[0].get_color() == "blue"
    assert artists.changed[1].get_edgecolor() == pytest.approx((0, 0.5, 0, 1), abs=0.01)
    assert artists.cells.get_cmap().name == "viridis"


def test_the_panel_has_a_lane_of_phrases_where_there_is_a_list(make):
    assert "phrases" not in plot.panel(make.transcription()).axes
    fig, axes = plot.panel(listed(make.transcription()))
    assert axes["phrases"].get_xlim() == axes["tokens"].get_xlim()
    assert axes["phrases"].get_ylabel() == "phrase"
    assert "attention of the tokens to a list of 4 phrases" in fig.alt
