"""Arrows of slopes: where they begin, how long they are, and what they sum to."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from cifviz import plot
from cifviz.errors import CIFError
from cifviz.plot import STYLE
from cifviz.timing import FrameGrid

GRID = FrameGrid(0.5)
ALPHA, SLOPES = np.array([0.5, 0.25, 0.0]), np.array([1.0, -2.0, 0.5])


def draw(ax, alpha=ALPHA, gradient=SLOPES, **kwargs):
    return plot.gradient_arrows(alpha, gradient, GRID, ax=ax, **kwargs)


def test_an_arrow_leads_from_each_weight_down_its_slope(ax):
    arrows = draw(ax, rate=0.1).arrows
    np.testing.assert_allclose(arrows.get_offsets(), [[0.25, 0.5], [0.75, 0.25], [1.25, 0.0]])
    np.testing.assert_allclose(arrows.V, [-0.1, 0.2, -0.05])
    np.testing.assert_allclose(arrows.U, 0)
    assert (arrows.angles, arrows.scale_units, arrows.scale) == ("xy", "xy", 1.0)


def test_the_longest_is_as_long_as_the_largest_weight(ax):
    assert np.abs(draw(ax).arrows.V).max() == pytest.approx(ALPHA.max())


def test_all_tips_are_in_sight(ax):
    draw(ax, rate=2.0)
    low, high = ax.get_ylim()
    assert low < -1.5 and high > 4.25  # 0.5 - 2 · 1 and 0.25 + 2 · 2


def test_limits_set_by_hand_stay(ax):
    ax.set_ylim(0, 3)
    draw(ax)
    assert ax.get_ylim() == (0, 3)


def test_growing_and_shrinking_differ_in_colour(ax):
    colours = draw(ax).arrows.get_facecolors()
    up, down = STYLE["increase"], STYLE["decrease"]
    expected = [mpl.colors.to_rgba(one) for one in (down, up, down)]
    np.testing.assert_allclose(colours, expected)


def test_the_note_is_the_sum_of_weight_times_slope(ax):
    note = draw(ax, [0.5, 0.25], [1.0, 1.5]).note.get_text()
    assert note.splitlines()[0] == "Σ α · ∂L/∂α = 0.875"


def test_the_note_says_what_the_longest_arrow_stands_for():
    """Slopes a hundred times as steep draw the same arrows: the notes tell them apart."""
    axes = Figure().subplots(2)
    steep, flat = draw(axes[0], gradient=100 * SLOPES), draw(axes[1])
    np.testing.assert_allclose(steep.arrows.V, flat.arrows.V)
    lines = [artists.note.get_text().splitlines()[1] for artists in (steep, flat)]
    assert lines == ["longest arrow: slope −200", "longest arrow: slope −2"]


def test_the_note_stands_above_the_axes_where_nothing_is_drawn(ax):
    note = draw(ax).note
    ax.figure.canvas.draw()
    assert note.get_window_extent().y0 > ax.bbox.y1


def test_without_slopes_there_is_no_longest_arrow(ax):
    assert draw(ax, [0.5], [0.0]).note.get_text() == "Σ α · ∂L/∂α = 0.000"


def test_next_to_nothing_has_no_sign(ax):
    assert draw(ax, [0.5], [-1e-7]).note.get_text().startswith("Σ α · ∂L/∂α = 0.000\n")


def test_tensors_of_autograd_draw(ax):
    alpha = torch.tensor([0.5, 0.25], requires_grad=True)
    artists = draw(ax, alpha, 2 * alpha)
    np.testing.assert_allclose(artists.weights.get_data().values, [0.5, 0.25])


@pytest.mark.parametrize(
    ("alpha", "slopes"), [([], []), ([0.0, 0.0], [1.0, 0.0]), ([0.5, 0.5], [0.0, 0.0])]
)
def test_degenerate_weights_draw(ax, alpha, slopes):
    artists = draw(ax, alpha, slopes)
    assert (artists.arrows is None) == (not alpha)
    ax.figure.canvas.draw()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"gradient": [1.0]}, r"\(frames,\) of one utterance, got \(3,\) and \(1,\)"),
        ({"alpha": [[0.5] * 3], "gradient": [[0.5] * 3]}, r"got \(1, 3\) and \(1, 3\)"),
        ({"gradient": [1.0, np.nan, 0.0]}, "finite, got NaN"),
        ({"rate": 0.0}, "rate must be"),
    ],
)
def test_bad_arguments_are_refused(ax, arguments, message):
    with pytest.raises(CIFError, match=message):
        draw(ax, **arguments)


def test_only_its_axes_is_drawn_on():
    fig, (current, other) = plt.subplots(2)
    plt.sca(current)
    before = dict(mpl.rcParams)
    draw(other)
    assert plt.gca() is current
    assert not current.has_data()
    assert dict(mpl.rcParams) == before
    plt.close(fig)


def test_wrong_ax_is_refused():
    with pytest.raises(CIFError, match="ax must be a matplotlib Axes, got Figure"):
        draw(Figure())
