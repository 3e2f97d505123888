"""Pictures of long utterances: what cannot be seen is joined, nothing is computed as a whole."""

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from cifviz import plot
from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.core.firing import Firing, integrate_and_fire
from cifviz.core.module import CIFConfig
from cifviz.core.soft_alignment import SoftCIF
from cifviz.core.tail import above
from cifviz.plot import STYLE, canvas, geometry
from cifviz.timing import FrameGrid

GRID = FrameGrid(0.04)
FRAMES = 12_000


def firing(frames=FRAMES, **settings):
    weights = np.random.default_rng(0).uniform(0.0, 0.21, frames)
    encoder_out = torch.zeros(1, frames, 1, dtype=torch.float64)
    return integrate_and_fire(torch.from_numpy(weights)[None], encoder_out, **settings)


@pytest.fixture(scope="module")
def long():
    found = firing()
    assert int(found.num_fires) > canvas.MOST_AREAS
    return found


SETTINGS = [{}, {"slack": 0.05}, {"tail": above(0.0)}, {"threshold": 0.5}]


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("frames", [0, 1, 5, 900, 3000])
def test_contributions_in_blocks_are_the_contributions(settings, frames):
    one = firing(frames, **settings)
    boxes = geometry.contribution_boxes(one, GRID)
    weights = np.zeros(tuple(one.contributions[0].shape))
    weights[boxes.token, boxes.frame] = boxes.weight
    np.testing.assert_allclose(weights, one.contributions[0].numpy(), atol=1e-8)
    _, _, values = geometry.contribution_matrix(one, GRID)
    np.testing.assert_allclose(values, one.contributions[0].numpy(), atol=1e-12)


def test_contributions_that_are_given_are_drawn_as_they_are():
    """Those of soft sums: most frames give to many of more tokens than a block has."""
    torch.manual_seed(0)
    cif = SoftCIF(CIFConfig(encoder_embed_dim=4, conv_cif_output_channels_num=4), heads=2).eval()
    with torch.inference_mode():
        one = cif(torch.randn(1, 60, 4), target_lengths=torch.tensor([150])).cpu()
    assert (one.contributions > 0).sum() > 150 * 30
    boxes = geometry.contribution_boxes(one, GRID)
    weights = np.zeros((150, 60))
    weights[boxes.token, boxes.frame] = boxes.weight
    np.testing.assert_allclose(weights, one.contributions[0].numpy(), atol=1e-8)
    _, _, values = geometry.contribution_matrix(one, GRID)
    np.testing.assert_allclose(values, one.contributions[0].numpy(), atol=1e-12)


def test_joined_contributions_are_the_largest_of_their_neighbours(long, monkeypatch):
    monkeypatch.setattr(geometry, "MOST_ROWS", 100)
    monkeypatch.setattr(geometry, "MOST_COLUMNS", 500)
    token_edges, time_edges, values = geometry.contribution_matrix(long, GRID)
    assert values.shape == (len(token_edges) - 1, len(time_edges) - 1)
    assert len(token_edges) <= 101 and len(time_edges) <= 501
    assert (token_edges[-1], time_edges[-1]) == (int(long.num_fires), GRID.seconds(FRAMES))
    frames = np.round(GRID.frame(time_edges)).astype(int)
    whole = long.contributions[0].numpy()
    for row, column in ((0, 0), (40, 200), (60, 300)):
        block = whole[token_edges[row] : token_edges[row + 1], frames[column] : frames[column + 1]]
        assert values[row, column] == pytest.approx(block.max(initial=0.0), abs=1e-12)


def test_no_lane_needs_all_contributions_at_once(long, monkeypatch):
    monkeypatch.setattr(Firing, "contributions", property(lambda _: pytest.fail("computed")))
    for draw in (plot.contributions, plot.mass_axis, plot.accumulation, plot.weights, plot.fires):
        draw(long, GRID, ax=Figure().subplots())


def test_too_many_areas_are_one_collection(long):
    tokens = int(long.num_fires)
    (teeth,) = plot.accumulation(long, GRID, ax=Figure().subplots()).teeth
    assert len(teeth.get_paths()) == tokens + 1
    assert teeth.get_facecolors()[-1] == pytest.approx(to_rgba(STYLE["neutral"], 0.75))
    (boxes,) = plot.mass_axis(long, GRID, ax=Figure().subplots()).boxes
    assert len(boxes.get_paths()) == len(geometry.contribution_boxes(long, GRID).token)


@pytest.mark.parametrize("colour", [None, "#D9D9D9"])
def test_too_many_tokens_have_no_names(colour):
    count = canvas.MOST_AREAS + 1
    alignment = Alignment(tuple(TimedToken("a", i, i + 0.5) for i in range(count)))
    look = {"facecolor": colour} if colour else {}
    ax = Figure().subplots()
    artists = plot.token_spans(alignment, ax=ax, **look)
    assert not artists.boxes and not artists.labels
    assert len(artists.crowd.get_paths()) == count
    expected = colour or plot.token_style(0).colour
    assert artists.crowd.get_facecolors()[0] == pytest.approx(to_rgba(expected, 0.75))
    assert ax.get_xlim() == (0, count - 0.5)
    assert plot.token_spans(Alignment(alignment.tokens[:9]), ax=ax).crowd is None


def test_joined_steps_are_the_largest_of_their_frames(long):
    artists = plot.weights(long, GRID, ax=Figure().subplots())
    values, edges, _ = artists.given.get_data()
    assert len(values) <= geometry.MOST_COLUMNS
    assert (edges[0], edges[-1]) == (0.0, GRID.seconds(FRAMES))
    assert values.max() == long.alpha.max() and values[0] == long.alpha[0, :3].max()
