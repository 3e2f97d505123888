from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.plot import densities
from cifviz.timing import FrameGrid


def axes(left=0.0, right=10.0):
    ax = Figure(figsize=(6, 2), dpi=100).subplots()
    ax.set_xlim(left, right)
    return ax


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0.0, 1e4), max_size=60), st.floats(0.01, 1e4))
def test_a_rate_counts_every_event_once(times, end):
    times = np.sort(np.array(times))
    shown = times[times <= end]
    steps = densities.rate(shown, within=(0.0, end), ax=axes()).steps.get_data()
    assert (steps.values * np.diff(steps.edges)).sum() == pytest.approx(len(shown))
    assert len(steps.values) <= densities.MOST_STEPS + 1
    line = densities.count(shown, within=(0.0, end), ax=axes()).line
    assert line.get_ydata()[-1] == len(shown)


def test_names_of_many_tokens_do_not_touch_and_are_the_longest():
    names = ["a", "bb", "philosophers", "c"] * 250
    tokens = tuple(TimedToken(name, i / 100, (i + 1) / 100) for i, name in enumerate(names))
    ax = axes()
    artists = densities.token_rate(Alignment(tokens), within=(0.0, 10.0), ax=ax)
    assert {label.get_text() for label in artists.labels} == {"philosophers"}
    assert artists.left_out == f"{1000 - len(artists.labels)} of 1000 names"
    ax.figure.canvas.draw()
    boxes = [label.get_window_extent() for label in artists.labels]
    assert len(boxes) > 2
    for one, other in pairwise(boxes):
        assert one.x1 < other.x0
    assert boxes[0].x0 >= ax.bbox.x0 - 1 and boxes[-1].x1 <= ax.bbox.x1 + 1


def test_nothing_and_tokens_without_times():
    untimed = Alignment((TimedToken("uh"), TimedToken("um")))
    for alignment, left_out in ((Alignment(), "0 of 0 names"), (untimed, "2 of 2 names")):
        artists = densities.token_rate(alignment, within=(0.0, 10.0), ax=axes())
        assert (artists.labels, artists.left_out) == ((), left_out)


def test_mean_and_largest_weights(make):
    firing = make.firing([0.1, 0.3] * 300)
    artists = densities.weight_range(firing, FrameGrid(0.04), ax=axes(0.0, 24.0))
    assert artists.largest.get_data().values == pytest.approx(np.full(300, 0.3))
    assert artists.mean.get_data().values == pytest.approx(np.full(300, 0.2))
    part = densities.weight_range(firing, FrameGrid(0.04), ax=axes(), within=(1.0, 2.0))
    assert part.mean.get_data().edges[[0, -1]] == pytest.approx([1.0, 2.0])
    densities.weight_range(make.firing([]), FrameGrid(0.04), ax=axes())
