from __future__ import annotations

import itertools
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from cifviz import plot
from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.waveform import Waveform
from cifviz.core.tail import above
from cifviz.errors import CIFError
from cifviz.plot import canvas, geometry
from cifviz.timing import FrameGrid

GRID = FrameGrid(0.04)
DRAW = {
    "waveform": lambda firing, **kw: plot.waveform(Waveform(np.zeros(2560)), **kw),
    "log_mel": lambda firing, **kw: plot.log_mel(torch.zeros(16, 40), FrameGrid(0.01), **kw),
    "weights": lambda firing, **kw: plot.weights(firing, GRID, **kw),
    "accumulation": lambda firing, **kw: plot.accumulation(firing, GRID, **kw),
    "mass_axis": lambda firing, **kw: plot.mass_axis(firing, GRID, **kw),
    "contributions": lambda firing, **kw: plot.contributions(firing, GRID, **kw),
    "fires": lambda firing, **kw: plot.fires(firing, GRID, **kw),
    "token_spans": lambda firing, **kw: plot.token_spans(
        Alignment((TimedToken("two", 0.02, 0.1),)), **kw
    ),
}


@pytest.fixture(params=DRAW)
def draw(request):
    return DRAW[request.param]


def draw_all(ax):
    ax.figure.canvas.draw()


def test_only_its_axes_is_drawn_on(make, draw):
    fig, (current, other) = plt.subplots(2)
    plt.sca(current)
    before = dict(mpl.rcParams)
    artists = draw(make.firing(), ax=other)
    assert plt.gca() is current
    assert not current.has_data()
    assert dict(mpl.rcParams) == before
    assert isinstance(artists, tuple)
    plt.close(fig)


def test_without_ax_the_current_one_is_used(make, draw):
    fig, ax = plt.subplots()
    draw(make.firing())
    assert ax.get_xlabel() == "time (s)"
    assert plt.get_fignums() == [fig.number]
    plt.close(fig)


def test_wrong_ax_is_refused_by_name(make, draw):
    with pytest.raises(CIFError, match="ax must be a matplotlib Axes, got Figure"):
        draw(make.firing(), ax=Figure())


def test_time_axis_covers_the_frames(make, ax, draw):
    draw(make.firing(), ax=ax)
    left, right = ax.get_xlim()
    assert left <= 0.02
    assert right == pytest.approx(0.1 if draw is DRAW["token_spans"] else 0.16)


def test_limits_set_by_hand_stay(make, ax, draw):
    ax.set_xlim(0.01, 0.05)
    draw(make.firing(), ax=ax)
    assert ax.get_xlim() == (0.01, 0.05)


@pytest.mark.parametrize("alpha", [(), (0.0,), (0.3,), (2.5,)])
def test_degenerate_firings_draw(make, ax, draw, alpha):
    draw(make.firing(alpha), ax=ax)
    draw_all(ax)


def test_axis_labels_carry_units(make):
    labels = {}
    for name, draw in DRAW.items():
        ax = Figure().subplots()
        draw(make.firing(), ax=ax)
        labels[name] = ax.get_ylabel()
    assert labels["weights"] == "weight per frame"
    assert labels["accumulation"] == "accumulated weight"
    assert labels["mass_axis"] == "mass (tokens)"


def test_fires_are_lines_with_markers(make, ax, frames):
    artists = plot.fires(make.firing(), frames, ax=ax, color="red")
    tops = [segment[:, 0].tolist() for segment in artists.lines.get_segments()]
    assert tops == [pytest.approx([1 + 8 / 9] * 2), pytest.approx([3.5] * 2)]
    assert artists.markers.get_offsets()[:, 0].tolist() == pytest.approx([1 + 8 / 9, 3.5])
    assert artists.lines.get_color()[0].tolist() == [1, 0, 0, 1]


def test_many_fires_do_not_cover_what_is_below(make, ax, frames):
    few, many = (plot.fires(make.firing([1.0] * count), frames, ax=ax).lines for count in (30, 120))
    assert few.get_path_effects() and not many.get_path_effects()
    assert many.get_linewidths()[0] < few.get_linewidths()[0]


def test_tail_is_dashed_and_hollow(make, ax, frames):
    artists = plot.fires(make.firing((0.6, 0.6, 0.6), tail=above(0.5)), frames, ax=ax)
    full, tail = artists.lines.get_linestyle()
    assert full[1] is None
    assert tail[1] is not None
    assert artists.markers.get_facecolor()[:, :3].tolist() == [[0, 0, 0], [1, 1, 1]]


def test_threshold_is_drawn_and_named(make, ax, frames):
    artists = plot.accumulation(make.firing(threshold=0.5), frames, ax=ax)
    assert artists.threshold.get_ydata() == [0.5, 0.5]
    assert artists.threshold_label.get_text() == " β = 0.5"
    assert ax.get_ylim()[1] > 0.5


def test_small_weights_can_be_read(make, ax, frames):
    artists = plot.weights(make.firing((0.1, 0.2, 0.1)), frames, ax=ax)
    assert ax.get_ylim()[1] < 0.25
    assert artists.threshold_label.get_text() == " β = 1 ↑"


def test_scaled_weights_only_where_they_differ(make, frames):
    same = plot.weights(make.firing(), frames, ax=Figure().subplots())
    assert same.scaled is None
    firing = make.firing((0.5, 0.5), target_lengths=torch.tensor([2]))
    artists = plot.weights(firing, frames, ax=Figure().subplots(), scaled_kw={"linewidth": 3})
    assert artists.scaled.get_data().values == pytest.approx([1, 1])
    assert artists.scaled.get_linewidth() == 3
    assert [text.get_text() for text in artists.legend.get_texts()] == ["α as given", "α scaled"]


def test_a_tooth_for_each_token_and_one_for_the_rest(make, ax, frames):
    artists = plot.accumulation(make.firing(), frames, ax=ax)
    hatches = [tooth.get_hatch() for tooth in artists.teeth]
    assert hatches == [plot.token_style(0).hatch, plot.token_style(1).hatch, ""]
    assert artists.line.get_ydata().tolist() == pytest.approx(
        geometry.accumulation_curve(make.firing(), frames).level.tolist()
    )


def test_mass_axis_crosses_whole_tokens_at_fires(make, ax, frames):
    artists = plot.mass_axis(make.firing((0.1, 0.45, 0.3, 0.3), threshold=0.5), frames, ax=ax)
    assert artists.line.get_ydata() == pytest.approx([0, 0.2, 1.1, 1.7, 2.3])
    assert artists.markers.get_offsets().tolist() == [
        pytest.approx([1 + 8 / 9, 1]),
        pytest.approx([3.5, 2]),
    ]
    assert [segment[0, 1] for segment in artists.token_lines.get_segments()] == [1, 2]
    assert [box.get_height() for box in artists.boxes] == pytest.approx([0.2, 0.8, 0.1, 0.6, 0.3])


def test_mass_axis_ticks_stay_few(make, ax, frames):
    plot.mass_axis(make.firing(np.full(80, 0.5)), frames, ax=ax)
    assert ax.get_yticks().tolist() == [0, *range(4, 41, 4)]


def test_every_negative_contribution_carries_a_sign(make, ax, frames):
    firing = make.firing((0.25, 0.625, 0.5, 0.75), slack=0.25)
    artists = plot.contributions(firing, frames, ax=ax)
    assert artists.negative.get_offsets().tolist() == [[1.5, 1.5]]  # token 1, frame 1
    assert artists.mesh.get_array().min() == pytest.approx(-0.125)
    low, high = artists.mesh.get_clim()
    assert low == -high


def test_rows_are_named_by_their_tokens(make, ax, frames):
    plot.contributions(make.firing(), frames, tokens=["$\\frac", "incomprehensible"], ax=ax)
    draw_all(ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["$\\frac", "incompre…"]


def test_many_rows_are_named_in_part(make, ax, frames):
    plot.contributions(make.firing(np.ones(40)), frames, ax=ax)
    heights = [label.get_window_extent() for label in ax.get_yticklabels()]
    assert len(heights) > 3
    assert all(a.y0 >= b.y1 for a, b in itertools.pairwise(heights))


def test_number_of_names_must_fit(make, ax, frames):
    with pytest.raises(CIFError, match="expected 2 tokens, one for each fire, got 1"):
        plot.contributions(make.firing(), frames, tokens=["a"], ax=ax)


def test_log_mel_in_hertz(ax):
    plot.log_mel(np.zeros((5, 3)), FrameGrid(0.01), frequencies=[500, 1000, 2000], ax=ax)
    assert ax.get_yticks().tolist() == [0.5, 1.5, 2.5]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["500", "1000", "2000"]
    assert ax.get_ylabel() == "frequency (Hz)"


def test_log_mel_checks_shapes(ax):
    with pytest.raises(CIFError, match=r"features must be \(frames, n_mels\), got \(3,\)"):
        plot.log_mel(np.zeros(3), GRID, ax=ax)
    with pytest.raises(CIFError, match="expected 3 frequencies, one for each band"):
        plot.log_mel(np.zeros((5, 3)), GRID, frequencies=[1.0], ax=ax)


@pytest.mark.parametrize("frames", [0, 1])
def test_log_mel_of_next_to_nothing(ax, frames):
    plot.log_mel(np.zeros((frames, 40)), FrameGrid(0.01), ax=ax)
    draw_all(ax)


def test_spans_have_colour_pattern_and_name(ax):
    artists = plot.token_spans(
        Alignment((TimedToken("one", 0.0, 1.0), TimedToken("two", 1.0, 2.0))), ax=ax
    )
    assert [box.get_x() for box in artists.boxes.values()] == [0.0, 1.0]
    assert [box.get_hatch() for box in artists.boxes.values()] == ["", "////"]
    assert [label.get_text() for label in artists.labels.values()] == ["one", "two"]
    assert [label.get_position() for label in artists.labels.values()] == [(0.5, 0.5), (1.5, 0.5)]


def test_names_never_overlap_nor_leave_the_axes(ax):
    names = ["one", "seven", "extraordinarily", "a", "中文", "$x"] * 10
    spans = [TimedToken(name, 0.05 * i, 0.05 * i + 0.04) for i, name in enumerate(names)]
    artists = plot.token_spans(Alignment(spans), ax=ax)
    draw_all(ax)
    extents = [label.get_window_extent() for label in artists.labels.values()]
    frame = ax.get_window_extent()
    for index, extent in enumerate(extents):
        assert frame.x0 - 1 <= extent.x0
        assert extent.x1 <= frame.x1 + 1
        assert not any(extent.overlaps(other) for other in extents[index + 1 :])
    omitted = artists.omitted.get_offsets()
    assert len(omitted) > 0
    assert len(omitted) + len(artists.labels) == len(names)


def test_a_name_wider_than_its_box_stands_under_it(ax):
    ax.set_xlim(0, 10)
    artists = plot.token_spans(Alignment((TimedToken("seven", 5.0, 5.1),)), ax=ax)
    assert artists.labels[0].get_position()[1] < 0
    assert len(artists.leaders.get_segments()) == 1


def test_untimed_tokens_are_listed(ax):
    tokens = (TimedToken("one", 0.0, 1.0), TimedToken("uh"), TimedToken("$\\frac"))
    artists = plot.token_spans(Alignment(tokens), ax=ax)
    assert artists.untimed.get_text() == "untimed: 1 uh, 2 $\\frac"
    draw_all(ax)


def test_a_long_list_of_untimed_tokens_is_counted(ax):
    artists = plot.token_spans(Alignment([TimedToken(f"word{i}") for i in range(50)]), ax=ax)
    text = artists.untimed.get_text()
    listed = text.count("word")
    assert text.endswith(f" and {50 - listed} more")


@pytest.mark.parametrize(
    "label", ["$\\frac$", "$x^2$", "$", "\\", "a\nb", "\x00", "", " ", "\ud800"]
)
def test_any_label_is_only_a_label(make, ax, label):
    plot.token_spans(Alignment((TimedToken(label, 0.0, 1.0),)), ax=ax)
    draw_all(ax)
    other = Figure().subplots()
    plot.contributions(make.firing((1.0,)), GRID, tokens=[label], ax=other)
    draw_all(other)


def test_a_character_that_no_font_has_becomes_its_code_point():
    assert canvas.displayable("a\U000f0000b") == "a\\U000f0000b"  # private use: in no font


def test_a_label_is_cut_between_its_characters():
    assert canvas.displayable("x" + "\n" * 20, columns=8) == "x\\n\\n\\n…"


def test_importing_the_library_loads_no_matplotlib():
    code = "import sys, cifviz, cifviz.core, cifviz.audio; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
