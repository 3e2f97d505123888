"""Staircases of reading and writing."""

import pytest

from cifviz import plot
from cifviz.errors import CIFError
from cifviz.metrics import average_lagging


def test_lags_are_distances_to_the_ideal_line(ax):
    delays = [1.0, 2.5, 4.0, 4.0]
    artists = plot.read_write_staircase(delays, list("abcd"), 4.0, ax=ax)
    points = artists.steps.get_xydata()
    assert points[0].tolist() == [0, 0] and points[-1].tolist() == [4, 4]
    assert points[1:-1:2].tolist() == [[1, 0], [2.5, 1], [4, 2], [4, 3]]
    assert artists.ideal.get_xydata().tolist() == [[0, 0], [4, 4]]
    lags = [time - place for place, time in enumerate(delays)]
    assert average_lagging(delays, 4.0, 4) == pytest.approx(sum(lags[:3]) / 3)
    assert [one.get_text() for one in artists.names] == list("abcd")
    assert artists.names[1].xy == (2.5, 1.5)


def test_nothing_written_is_a_flat_line(ax):
    artists = plot.read_write_staircase([], [], 2.0, ax=ax)
    assert artists.steps.get_xydata().tolist() == [[0, 0], [2, 0]] and artists.names == ()


def test_a_delay_for_each_token(ax):
    with pytest.raises(CIFError, match="a delay for each of 2 tokens, got 1"):
        plot.read_write_staircase([1.0], ["a", "b"], 2.0, ax=ax)
    with pytest.raises(CIFError, match="delays must not decrease"):
        plot.read_write_staircase([1.0, 0.5], ["a", "b"], 2.0, ax=ax)
