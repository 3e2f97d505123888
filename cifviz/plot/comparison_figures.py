"""Systems side by side: the parts of their errors, and how their time grows with the tokens.

Every function takes a mapping by the name of the system, in the order in which they are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.container import BarContainer
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.text import Annotation, Text
from matplotlib.ticker import MaxNLocator

from cifviz.errors import require, require_type
from cifviz.metrics.statistics import Numbers, mean, numbers, spread
from cifviz.metrics.token_scores import TokenErrors
from cifviz.plot.canvas import (
    displayable,
    height_in_points,
    legend_above,
    plain_text,
    resolve,
    text_widths,
    width_in_points,
)
from cifviz.plot.palette import STYLE, Keywords, styled

KINDS = ("deletions", "substitutions", "insertions")
"""Kinds of errors, from the inner end of a bar to its outer one."""

NAME_COLUMNS = 24
"""Space for the name of a system."""

_HATCHES = {"deletions": "////", "substitutions": "", "insertions": "...."}
_BAR = 0.62
_WIDE = 330.0
# Points; on narrower Axes the legend has one column.
_WIDEST = 0.45
# Share of the width that the labels of lines may take.


class ErrorBarArtists(NamedTuple):
    """What `token_error_bars` drew."""

    bars: dict[str, BarContainer]
    """By the kind of error: one bar for each system, its mean over the runs."""
    runs: PathCollection
    """A point for the token error of each run."""
    totals: tuple[Text, ...]
    """Token error of each system, mean and standard deviation over its runs."""
    legend: Legend


class LatencyArtists(NamedTuple):
    """What `latency_lines` drew, by the name of the system."""

    points: dict[str, PathCollection]
    lines: dict[str, Line2D]
    """Only where utterances differ in length."""
    labels: dict[str, Annotation]
    slopes: dict[str, float]
    """Milliseconds for each further token; nan where there is no line."""


def token_error_bars(
    errors: Mapping[str, Sequence[TokenErrors]],
    *,
    ax: Axes | None = None,
    run_kw: Keywords = None,
    total_kw: Keywords = None,
    **kwargs: Any,
) -> ErrorBarArtists:
    """Draw the token error of systems and its parts: a bar for each system, the first one on top.

    Parameters
    ----------
    errors : mapping of str to sequence of TokenErrors
        By the name of the system: those of its runs, at least one.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    run_kw, total_kw : mapping, optional
        For the points of the runs, and for the numbers behind the bars.
    **kwargs
        For the bars.

    Returns
    -------
    ErrorBarArtists
        In % of the reference tokens. A bar is the mean of the rates of all runs, in `KINDS`.

    Raises
    ------
    CIFError
        If a system has no run, something else is among them, or `ax` is no Axes.

    Notes
    -----
    Notebook: notebooks/08_nar_decoding.ipynb

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> runs = [TokenErrors(2, 0, 1, tokens=100), TokenErrors(4, 0, 1, tokens=100)]
    >>> artists = token_error_bars({"cif": runs}, ax=Figure().subplots())
    >>> [float(bars[0].get_width()) for bars in artists.bars.values()]
    [3.0, 1.0, 0.0]
    >>> artists.totals[0].get_text()
    '4.0 ± 1.4 %'
    """
    # 1. Rates, in %.
    ax = resolve(ax)
    for name, runs in errors.items():
        require(len(runs) > 0, f"expected at least one run of {name!r}, got none")
        for index, one in enumerate(runs):
            require_type(f"run {index} of {name!r}", one, TokenErrors)
    parts = {kind: [_mean_part(runs, kind) for runs in errors.values()] for kind in KINDS}
    rates = [[100 * one.rate for one in runs] for runs in errors.values()]

    # 2. Bars on bars, and a point for each run.
    places, left, bars = np.arange(len(errors)), np.zeros(len(errors)), {}
    for kind in KINDS:
        look = {"color": STYLE[kind]["color"], "hatch": _HATCHES[kind], "height": _BAR}
        look |= {"edgecolor": STYLE["level"], "linewidth": 0.6, "label": kind}
        bars[kind] = ax.barh(places, parts[kind], left=left, **styled(kwargs, **look))
        left = left + np.array(parts[kind])
    rows = [place for place, runs in enumerate(rates) for _ in runs]
    look = {"s": 16, "facecolor": STYLE["halo"], "edgecolor": STYLE["level"], "zorder": 3}
    flat = [rate for runs in rates for rate in runs]
    points = ax.scatter(flat, rows, **styled(run_kw, **look, linewidths=0.9, label="single run"))

    # 3. The numbers, the names and the axes.
    size = STYLE["text_size"]
    look = styled(total_kw, fontsize=size, va="center", xytext=(6, 0), textcoords="offset points")
    totals = tuple(
        ax.annotate(spread(runs, "%", 1), (max([*runs, end]), place), **look)
        for place, (runs, end) in enumerate(zip(rates, left, strict=True))
    )
    _leave_space(ax, [total.get_text() for total in totals], 1.02 * max([*flat, 0.1]))
    ax.set_ylim(len(errors) - 0.4, -0.6)
    names = [displayable(name, NAME_COLUMNS) for name in errors]
    ax.set_yticks(places, names, fontsize=size, **plain_text())
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("token error (%)")
    columns = 4 if width_in_points(ax) > _WIDE else 1
    legend = legend_above(ax, ncols=columns, columnspacing=1.0)
    return ErrorBarArtists(bars, points, totals, legend)


def _mean_part(runs: Sequence[TokenErrors], kind: str) -> float:
    """Errors of a kind in % of the reference tokens, the mean of some runs."""
    return mean([100 * getattr(one, kind) / (one.tokens or 1) for one in runs])


def latency_lines(
    measured: Mapping[str, tuple[Numbers, Numbers]],
    *,
    ax: Axes | None = None,
    line_kw: Keywords = None,
    label_kw: Keywords = None,
    **kwargs: Any,
) -> LatencyArtists:
    r"""Draw the time that systems take for an utterance over its tokens, with fitted lines.

    Parameters
    ----------
    measured : mapping of str to (tokens, milliseconds)
        By the name of the system: tokens of each utterance, and milliseconds that it took.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    line_kw, label_kw : mapping, optional
        For the lines, and for the labels at their ends.
    **kwargs
        For the points.

    Returns
    -------
    LatencyArtists
        Lines of least squares. The labels say how many milliseconds a further token takes.

    Raises
    ------
    CIFError
        If there are not as many times as utterances, they are not finite, or `ax` is no Axes.

    Notes
    -----
    Notebook: notebooks/08_nar_decoding.ipynb

    Examples
    --------
    Two tokens more take 3 ms more:

    >>> from matplotlib.figure import Figure
    >>> artists = latency_lines({"ar": ([2, 4, 6], [5, 8, 11])}, ax=Figure().subplots())
    >>> round(artists.slopes["ar"], 6)
    1.5
    >>> artists.labels["ar"].get_text()
    'ar\n+1.50 ms per token'
    """
    # 1. The points.
    ax = resolve(ax)
    found = {name: _checked(name, *one) for name, one in measured.items()}
    last = max([1.0, *(tokens.max(initial=0.0) for tokens, _ in found.values())])
    highest = max([1.0, *(times.max(initial=0.0) for _, times in found.values())])
    looks = {name: STYLE["lines"][at % len(STYLE["lines"])] for at, name in enumerate(found)}
    points = {}
    for name, (tokens, times) in found.items():
        look = {"color": looks[name]["color"], "marker": looks[name]["marker"], "zorder": 2}
        look |= {"s": 18, "alpha": 0.45, "linewidths": 0.0}
        points[name] = ax.scatter(tokens, times, **styled(kwargs, **look))

    # 2. The lines, where there is something to fit.
    lines, slopes, heights = {}, {}, {}
    for name, (tokens, times) in found.items():
        slopes[name], heights[name] = float("nan"), mean(times) if len(times) else 0.0
        if len(np.unique(tokens)) < 2:
            continue
        slope, start = (float(number) for number in np.polyfit(tokens, times, 1))
        ends = np.array([tokens.min(), last])
        look = {**looks[name], "marker": "", "linewidth": 1.8, "zorder": 3}
        (lines[name],) = ax.plot(ends, start + slope * ends, **styled(line_kw, **look))
        slopes[name], heights[name] = slope, start + slope * last

    # 3. Limits that leave space for the labels, and the labels.
    texts = {name: _label(name, slope) for name, slope in slopes.items()}
    _leave_space(ax, texts.values(), last)
    ax.set_ylim(0, 1.1 * highest)
    ax.set_xlabel("tokens")
    ax.set_ylabel("time for an utterance (ms)")
    labels = {}
    for name, height in _apart(heights, ax).items():
        leader = {"arrowstyle": "-", "color": looks[name]["color"], "linewidth": 1.2}
        leader |= {"linestyle": looks[name]["linestyle"], "shrinkA": 1.0, "shrinkB": 0.0}
        look = {"fontsize": STYLE["text_size"], "va": "center", "zorder": 4, "arrowprops": leader}
        place = (last + 0.08 * (ax.get_xlim()[1] - last), height)
        look |= {"xytext": place, "annotation_clip": False, **plain_text()}
        labels[name] = ax.annotate(texts[name], (last, heights[name]), **styled(label_kw, **look))
    return LatencyArtists(points, lines, labels, slopes)


def _checked(name: str, tokens: Numbers, times: Numbers) -> tuple[np.ndarray, np.ndarray]:
    """Tokens and milliseconds of a system as arrays; raises unless there are as many of both."""
    counts, found = numbers(f"tokens of {name!r}", tokens), numbers(f"times of {name!r}", times)
    require(
        len(counts) == len(found),
        f"expected a time for each of {len(counts)} utterances of {name!r}, got {len(found)}",
    )
    return counts, found


def _label(name: str, slope: float) -> str:
    """The name of a system, and below it what a further token takes."""
    shown = displayable(name, NAME_COLUMNS)
    if np.isnan(slope):
        return shown
    number = f"{slope:+.2f}".replace("-", "−")
    return f"{shown}\n{number} ms per token"


def _leave_space(ax: Axes, texts: Iterable[str], last: float) -> None:
    """Let the x axis reach so far behind `last` that the texts find space there, without ticks."""
    ax.set_xlim(0, 1)
    rows = [row for text in texts for row in text.split("\n")]
    widest = max(text_widths(rows, STYLE["text_size"], ax), default=0.0)
    ax.set_xlim(0, last / (1 - min(1.35 * widest, _WIDEST)))
    ticks = np.asarray(MaxNLocator(nbins=5, steps=(1, 2, 5, 10)).tick_values(0, last))
    ax.set_xticks(ticks[ticks <= last])


def _apart(heights: Mapping[str, float], ax: Axes) -> dict[str, float]:
    """Where labels of two lines stand so that none covers another, near the given heights."""
    bottom, top = ax.get_ylim()
    step = 2.6 * STYLE["text_size"] * (top - bottom) / height_in_points(ax)
    names = sorted(heights, key=lambda name: heights[name])
    places: dict[str, float] = {}
    lowest = bottom + step / 2
    for name in names:
        places[name] = max(heights[name], lowest)
        lowest = places[name] + step
    highest = top - step / 2
    for name in reversed(names):
        places[name] = min(places[name], highest)
        highest = places[name] - step
    return places
