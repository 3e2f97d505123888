"""The picture that `dialect_lanes` draws of a comparison."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from cifviz import plot
from cifviz.core.dialects import DIALECTS, compare
from cifviz.errors import CIFError
from cifviz.timing import FrameGrid

GRID = FrameGrid(0.5)


@pytest.fixture
def table():
    """A batch of two; the first has 2.8 tokens and no padded frame."""
    return compare(torch.full((2, 7), 0.4), torch.tensor([7, 5]))


def ends(artists, height):
    """Times of the ticks in the lane at a height."""
    return [
        segment[0, 0]
        for segment in artists.fires.get_segments()
        if segment[:, 1].mean() == pytest.approx(height)
    ]


def test_each_dialect_has_a_lane_with_its_tokens(table, ax):
    artists = plot.dialect_lanes(table, GRID, ax=ax)
    assert list(artists.boxes) == ["cifviz", *DIALECTS]
    assert {name: len(boxes) for name, boxes in artists.boxes.items()} == {
        row.dialect: int(row.num_fires[0]) for row in table
    }
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels[:3] == ["weights", "cifviz  3", "cif_pytorch  2"]
    assert ax.get_xlabel() == "time (s)"


def test_tokens_end_at_their_times(table, ax):
    artists = plot.dialect_lanes(table, GRID, ax=ax)
    expected = pytest.approx([1.25, 2.5, 3.5])
    assert ends(artists, len(table)) == expected
    boxes = artists.boxes["cifviz"]
    assert [box.get_x() + box.get_width() for box in boxes] == expected


def test_lost_tokens_are_crossed_where_the_reference_ends_them(table, ax):
    artists = plot.dialect_lanes(table, GRID, ax=ax)
    losing = {row.dialect: len(table) - index for index, row in enumerate(table) if row.lost}
    assert "cif_pytorch" in losing
    crossed = artists.lost.get_offsets()
    assert sorted(crossed[:, 1]) == sorted(
        height for name, height in losing.items() if len(artists.boxes[name]) < 3
    )
    assert crossed[:, 0].tolist() == pytest.approx([3.5] * len(crossed))


def test_negative_weights_and_weights_above_one_are_marked(ax):
    alpha, targets = torch.tensor([[0.2, 0.2, 2.3, 0.2, 0.2]]), torch.tensor([4])
    artists = plot.dialect_lanes(
        compare(alpha, target_lengths=targets, dialects=["funasr_cif"]), FrameGrid(1.0), ax=ax
    )
    assert artists.negative.get_offsets()[:, 0].tolist() == [3.5, 4.5]
    assert artists.above_one.get_offsets()[:, 0].tolist() == [2.5, 3.5]
    names = [text.get_text() for text in artists.legend.get_texts()]
    assert names == ["token lost", "negative weight", "weight above 1"]


def test_without_faults_there_is_no_legend(ax):
    table = compare(torch.full((1, 4), 0.5), dialects=["torch_cif"])
    assert plot.dialect_lanes(table, GRID, ax=ax).legend is None


def test_a_token_that_ends_in_padding_is_seen_whole(table, ax):
    artists = plot.dialect_lanes(table, GRID, ax=ax)
    assert artists.end.get_xdata() == [3.5, 3.5]
    last = artists.boxes["paraformer_v1"][-1]
    assert 3.5 < last.get_x() + last.get_width() <= ax.get_xlim()[1]


def test_other_utterances_are_drawn_by_their_index(table, ax):
    artists = plot.dialect_lanes(table, GRID, utterance=-1, ax=ax)
    assert artists.end.get_xdata() == [2.5, 2.5]
    assert len(artists.weights.get_data().values) == 5
    assert len(artists.boxes["cifviz"]) == 2


def test_the_look_can_be_changed(table, ax):
    artists = plot.dialect_lanes(
        table, GRID, ax=ax, facecolor="red", weight_kw={"color": "blue"}, lost_kw={"marker": "o"}
    )
    assert artists.boxes["cifviz"][0].get_facecolor()[:3] == (1, 0, 0)
    assert artists.weights.get_facecolor()[:3] == (0, 0, 1)


@pytest.mark.parametrize("alpha", [torch.zeros(1, 0), torch.zeros(1, 4), torch.full((1, 1), 0.3)])
def test_degenerate_comparisons_draw(alpha, ax):
    plot.dialect_lanes(compare(alpha), GRID, ax=ax)
    ax.figure.canvas.draw()


def test_only_its_axes_is_drawn_on(table):
    fig, (current, other) = plt.subplots(2)
    plt.sca(current)
    before = dict(mpl.rcParams)
    plot.dialect_lanes(table, GRID, ax=other)
    assert plt.gca() is current and not current.has_data()
    assert dict(mpl.rcParams) == before
    plt.close(fig)


def test_limits_set_by_hand_stay(table, ax):
    ax.set_xlim(0.5, 1.5)
    plot.dialect_lanes(table, GRID, ax=ax)
    assert ax.get_xlim() == (0.5, 1.5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"comparison": "table"}, r"comparison must be what compare\(\) returns, got str"),
        ({"utterance": 2}, "utterance must be an index into a batch of 2, got 2"),
        ({"utterance": 0.5}, "utterance must be an integer"),
        ({"ax": Figure()}, "ax must be a matplotlib Axes, got Figure"),
    ],
)
def test_bad_arguments_are_refused(table, ax, arguments, message):
    given = {"comparison": table, "utterance": 0, "ax": ax, **arguments}
    with pytest.raises(CIFError, match=message):
        plot.dialect_lanes(given.pop("comparison"), GRID, **given)


def test_lanes_do_not_overlap(table, ax):
    artists = plot.dialect_lanes(table, GRID, ax=ax)
    spans = sorted(
        {
            (round(box.get_y(), 3), round(box.get_y() + box.get_height(), 3))
            for boxes in artists.boxes.values()
            for box in boxes
        }
    )
    lower, upper = np.array(spans).T
    assert (lower[1:] > upper[:-1]).all()
