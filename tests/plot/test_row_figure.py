"""The frames of the tokens of several systems, one lane each."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from cifviz import plot
from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import CIFError
from cifviz.systems.transcription import CTC_PATH

WORDS = Alignment((TimedToken("a", 0.0, 0.08), TimedToken("uh"), TimedToken("b", 0.08, 0.15)))


def both(make):
    cif = make.transcription()
    rows = torch.tensor([[0.5, 0.5, 0, 0], [0, 0, 0, 1]]).double()
    return {"mine": cif, "other": replace(cif, firing=None, row_kind=CTC_PATH, given_rows=rows)}


def test_each_system_has_a_lane_of_its_rows(make):
    found = both(make)
    fig, axes = plot.rows_panel(found)
    assert list(axes) == ["mine", "other"]
    titles = [ax.get_title(loc="left") for ax in axes.values()]
    assert titles == ["mine: contributions, 2 tokens", "other: CTC path, 2 tokens"]
    for name, ax in axes.items():
        rows = found[name].rows.numpy()
        (mesh,) = ax.collections[:1]
        np.testing.assert_allclose(mesh.get_array(), rows / rows.max(axis=1, keepdims=True))
    assert axes["mine"].get_xlim() == axes["other"].get_xlim() == pytest.approx((0, 0.16))
    assert [ax.get_xlabel() for ax in axes.values()] == ["", "time (s)"]
    assert fig.png().startswith(b"\x89PNG")


def test_a_figure_is_as_wide_as_asked(make):
    found = both(make)
    assert plot.rows_panel(found).fig.get_figwidth() == 10
    fig, axes = plot.rows_panel(found, width=6.5)
    assert fig.get_figwidth() == 6.5
    left = axes["mine"].get_position().x0 * 6.5
    assert left == pytest.approx(plot.rows_panel(found).axes["mine"].get_position().x0 * 10)
    with pytest.raises(CIFError, match="width must be a number >= 3"):
        plot.rows_panel(found, width=1)


def test_the_words_are_a_lane_and_lines_through_the_others(make):
    _, axes = plot.rows_panel(both(make), words=WORDS)
    assert list(axes) == ["words", "mine", "other"]
    for name in ("mine", "other"):
        lines = [(line.get_xdata()[0], line.get_linestyle()) for line in axes[name].lines]
        assert lines == [(0.0, "-"), (0.08, ":"), (0.08, "-"), (0.15, ":")]
    assert "untimed: 1 uh" in {text.get_text() for text in axes["words"].texts}


def test_rows_have_one_height_and_no_lane_vanishes(make):
    many, none = make.transcription([1.0] * 8), make.transcription([0.0] * 8)
    _, axes = plot.rows_panel({"many": many, "none": none})
    heights = [ax.get_position().height for ax in axes.values()]
    assert heights[0] > 2 * heights[1] > 0


def test_a_long_utterance_does_not_make_the_picture_long(make):
    short, long = (
        plot.rows_panel({"a": make.transcription([1.0] * n, ["a"] * n)}) for n in (5, 200)
    )
    assert long.fig.get_figheight() < short.fig.get_figheight() + 2.5


def test_the_alternative_text_tells_tokens_and_their_widths(make):
    alt = plot.rows_panel(both(make), words=WORDS).fig.alt
    assert "Reference: “a uh b”." in alt
    # Two tokens, of 1 / (1/4 + 1/4) = 2 frames and of 1; the lower one is the median.
    assert "other, CTC path: “a b”, a token as wide as 40 ms of equal shares (median)." in alt
    silent = make.transcription([0.0] * 4)
    assert "one, contributions: no token." in plot.rows_panel({"one": silent}).fig.alt


def test_of_no_sound_the_lanes_are_empty(make):
    silent = make.transcription([])
    _, axes = plot.rows_panel({"one": silent}, words=Alignment())
    assert axes["one"].get_xlim() == (0, 1)


def test_what_is_not_one_utterance_is_refused(make):
    with pytest.raises(CIFError, match="at least one transcription, got none"):
        plot.rows_panel({})
    with pytest.raises(CIFError, match="transcription of 'a' must be a Transcription, got 1"):
        plot.rows_panel({"a": 1})
    with pytest.raises(CIFError, match="'words' is the reference"):
        plot.rows_panel({"words": make.transcription()})
    longer = make.transcription(seconds=0.5)
    with pytest.raises(CIFError, match=r"one utterance, got sounds of .*0\.16.* seconds"):
        plot.rows_panel({"a": make.transcription(), "b": longer})
