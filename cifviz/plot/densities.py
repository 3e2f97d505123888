"""Like `curves` and `token_lanes`, but of utterances whose tokens are too narrow to be seen.

How many there are in each second, instead of a box for each; how many things are drawn does not
grow with the length of the utterance.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import StepPatch
from matplotlib.text import Text

from cifviz.alignment.mass_times import one_utterance
from cifviz.alignment.timed_tokens import Alignment
from cifviz.core.firing import Firing
from cifviz.plot import geometry
from cifviz.plot.canvas import (
    add_lines,
    displayable,
    plain_text,
    resolve,
    show_time,
    text_widths,
    width_in_points,
)
from cifviz.plot.palette import STYLE, styled
from cifviz.timing import FrameGrid

BINS = (1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0)
"""Seconds of a step: the first of which there are no more than `MOST_STEPS`."""
MOST_STEPS = 300
SLOT = 62.0
"""Points for each of the names shown."""
NAME_COLUMNS = 12
"""Space for each of them; see `cifviz.plot.canvas.displayable`."""


class RateArtists(NamedTuple):
    """What `rate` drew."""

    steps: StepPatch


class CountArtists(NamedTuple):
    """What `count` drew."""

    line: Line2D


class TokenRateArtists(NamedTuple):
    """What `token_rate` drew."""

    steps: StepPatch
    labels: tuple[Text, ...]
    leaders: LineCollection
    tokens: int
    """How many, named or not."""

    @property
    def left_out(self) -> str:
        """What found no space, in words."""
        return f"{self.tokens - len(self.labels)} of {self.tokens} names"


class WeightRangeArtists(NamedTuple):
    """What `weight_range` drew."""

    largest: StepPatch
    mean: StepPatch
    legend: Legend


def step_length(seconds: float) -> float:
    """Length of the steps that show a rate over so many seconds.

    >>> step_length(10.0), step_length(3600.0)
    (1.0, 15.0)
    """
    return next((one for one in BINS if seconds / one <= MOST_STEPS), seconds / MOST_STEPS)


def rate(
    times: np.ndarray, *, within: tuple[float, float], ax: Axes | None = None, **kwargs: Any
) -> RateArtists:
    """Draw how many events there are in each second.

    Parameters
    ----------
    times : array (events,)
        When they are, seconds.
    within : (float, float)
        From when to when they are counted.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    **kwargs
        For the steps.

    Returns
    -------
    RateArtists
        Steps of `step_length` seconds; the last one may be shorter, and is divided by its length.

    Raises
    ------
    CIFError
        If `ax` is no Axes.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> artists = rate(np.array([0.25, 0.5, 1.25]), within=(0.0, 1.5), ax=Figure().subplots())
    >>> artists.steps.get_data().values.tolist()
    [2.0, 2.0]
    """
    ax = resolve(ax)
    begin, end = within
    step = step_length(end - begin)
    edges = np.append(np.arange(begin, end - step * 1e-6, step), end)
    counts, _ = np.histogram(times, edges)
    look = styled(kwargs, color=STYLE["weight"], fill=True, alpha=0.7)
    steps = ax.stairs(counts / np.diff(edges), edges, **look)
    ax.set_ylim(0, max(1.0, 1.1 * float((counts / np.diff(edges)).max())))
    ax.set_ylabel("per second")
    show_time(ax, begin, end)
    return RateArtists(steps)


def count(
    times: np.ndarray, *, within: tuple[float, float], ax: Axes | None = None, **kwargs: Any
) -> CountArtists:
    """Draw how many events there were up to each time: straight where they are evenly spaced.

    Parameters
    ----------
    times : array (events,)
        When they are, rising, seconds.
    within : (float, float)
        From when to when, seconds.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    **kwargs
        For the line.

    Returns
    -------
    CountArtists
        At most `MOST_STEPS` + 1 points.

    Raises
    ------
    CIFError
        If `ax` is no Axes.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> artists = count(np.array([0.25, 0.5, 3.0]), within=(0.0, 3.0), ax=Figure().subplots())
    >>> float(artists.line.get_ydata()[-1]), len(artists.line.get_xdata()) == MOST_STEPS + 1
    (3.0, True)
    """
    ax = resolve(ax)
    points = np.linspace(*within, MOST_STEPS + 1)
    look = styled(kwargs, color=STYLE["level"], linewidth=1.4)
    (line,) = ax.plot(points, np.searchsorted(times, points, side="right"), **look)
    ax.set_ylim(0, max(1.0, 1.05 * len(times)))
    ax.set_ylabel("events so far")
    show_time(ax, *within)
    return CountArtists(line)


def token_rate(
    alignment: Alignment, *, within: tuple[float, float], ax: Axes | None = None, **kwargs: Any
) -> TokenRateArtists:
    """Draw how many tokens begin in each second, and below the steps some of their names.

    Parameters
    ----------
    alignment : Alignment
        What to draw; tokens without times are only counted in `TokenRateArtists.tokens`.
    within : (float, float)
        From when to when tokens are counted.
    ax : Axes, optional
        Where to draw, with its limits set; default: the current Axes.
    **kwargs
        For the steps.

    Returns
    -------
    TokenRateArtists
        The axis is divided into parts of `SLOT` points, and the longest name of each is shown: it
        says most about where one is.

    Raises
    ------
    CIFError
        If `ax` is no Axes.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from cifviz.alignment.timed_tokens import TimedToken
    >>> one = Alignment((TimedToken("the", 0.0, 0.25), TimedToken("longest", 0.25, 1.0)))
    >>> artists = token_rate(one, within=(0.0, 1.0), ax=Figure(figsize=(1, 1)).subplots())
    >>> [label.get_text() for label in artists.labels], artists.left_out
    (['longest'], '1 of 2 names')
    """
    ax = resolve(ax)
    timed = [(one.start, one.token) for one in alignment if one.start is not None]
    steps = rate(np.array([start for start, _ in timed]), within=within, ax=ax, **kwargs).steps
    left, right = sorted(ax.get_xlim())
    slots = max(1, int(width_in_points(ax) / SLOT))
    longest: dict[int, tuple[int, float, str]] = {}
    for start, token in timed:
        slot = min(slots - 1, int((start - left) / (right - left) * slots))
        name = displayable(token, NAME_COLUMNS)
        if start < right and slot >= 0 and len(name) > longest.get(slot, (0,))[0]:
            longest[slot] = len(name), start, name
    names = [longest[slot][1:] for slot in sorted(longest)]
    labels, leaders = _name_row(ax, names)
    return TokenRateArtists(steps, labels, leaders, len(alignment))


def weight_range(
    firing: Firing,
    grid: FrameGrid,
    *,
    ax: Axes | None = None,
    within: geometry.Within = None,
) -> WeightRangeArtists:
    """Draw the mean and the largest weight of each of `MOST_STEPS` short times.

    Parameters
    ----------
    firing : Firing
        Of one utterance.
    grid : FrameGrid
        Clock of its frames.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    within : (float, float), optional
        From when to when, seconds: what lies outside is not drawn. Default: everything.

    Returns
    -------
    WeightRangeArtists

    Raises
    ------
    CIFError
        If the firing is a batch of several utterances or `ax` is no Axes.

    Examples
    --------
    >>> import torch
    >>> from matplotlib.figure import Figure
    >>> from cifviz.core.firing import integrate_and_fire
    >>> firing = integrate_and_fire(torch.full((1, 900), 0.5), torch.zeros(1, 900, 1))
    >>> artists = weight_range(firing, FrameGrid(0.1), ax=Figure().subplots())
    >>> len(artists.mean.get_data().values), float(artists.mean.get_data().values[0])
    (300, 0.5)
    """
    ax = resolve(ax)
    steps = geometry.steps_within(geometry.weight_steps(one_utterance(firing), grid), within)
    joined = -(-len(steps.given) // MOST_STEPS) or 1
    first = np.arange(0, len(steps.given), joined)
    edges = np.append(steps.edges[first], steps.edges[-1])
    largest = np.maximum.reduceat(steps.given, first) if len(first) else first
    counts = np.diff(np.append(first, len(steps.given)))
    mean = np.add.reduceat(steps.given, first) / counts if len(first) else first
    look = {"fill": True, "color": STYLE["weight"]}
    name = f"mean α of {joined * grid.shift:.2g} s"
    top = ax.stairs(largest, edges, **look, alpha=0.35, label="largest α")
    middle = ax.stairs(mean, edges, **look, alpha=0.95, label=name)
    legend = ax.legend(loc="upper right", ncols=2, fontsize=STYLE["text_size"])
    ax.set_ylim(0, 1.45 * float(np.max(largest, initial=0.0)) or 1.0)
    ax.set_ylabel("weight per frame")
    show_time(ax, edges[0], edges[-1])
    return WeightRangeArtists(top, middle, legend)


def _name_row(ax: Axes, names: list[tuple[float, str]]) -> tuple[tuple[Text, ...], LineCollection]:
    """Names below the steps, where they do not touch, with lines to their times."""
    size, (left, right) = 7.0, sorted(ax.get_xlim())
    point = (right - left) / width_in_points(ax)
    widths = [width + 5 * point for width in text_widths([one for _, one in names], size, ax)]
    top = ax.get_ylim()[1]
    ax.set_ylim(-0.55 * top, top)
    ax.set_yticks([one for one in ax.get_yticks() if 0 <= one <= top])
    labels, leaders, free = [], [], left
    for (time, name), width in zip(names, widths, strict=True):
        centre = max(time, free + width / 2)
        if centre + width / 2 > right:
            centre = right - width / 2
            if centre - width / 2 < free:
                continue
        free = centre + width / 2
        leaders.append([(time, 0.0), (centre, -0.24 * top)])
        look = {"fontsize": size, "ha": "center", "va": "center", "color": STYLE["level"]}
        labels.append(ax.text(centre, -0.38 * top, name, **look, **plain_text()))
    drawn = add_lines(ax, leaders, colors=STYLE["weight"], linewidths=0.6)
    return tuple(labels), drawn
