"""Errors of edges: their distribution, their growth over time, and the share of small ones.

Every function takes a `Report` and draws the errors of tokens paired by label, in milliseconds.
Onsets are blue circles and solid lines, offsets red triangles and dashed ones.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import StepPatch
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from cifviz.errors import require_type
from cifviz.locks import one_at_a_time
from cifviz.metrics import TOLERANCES, Report
from cifviz.plot.canvas import counted, legend_above, resolve, show_time, signed
from cifviz.plot.images import DPI
from cifviz.plot.palette import STYLE, Keywords, styled
from cifviz.plot.panels import WIDTH, Panel, PanelFigure

EDGES = ("onset", "offset")

SHARE_SHOWN = 0.98
"""Axes of errors are so wide that this share is inside; the others are drawn at the border."""

LEAST_REACH = 50.0
"""Axes of errors are at least so wide on both sides, in milliseconds."""

FEWEST_BINS, MOST_BINS = 10, 40

HEIGHT = 6.8
"""Inches."""


class HistogramArtists(NamedTuple):
    """What `error_histogram` drew."""

    bars: StepPatch
    zero: Line2D
    median: Line2D | None
    """None without errors."""
    note: Text
    """Number, median and mean absolute error, and how many are beyond the axis."""


class OverTimeArtists(NamedTuple):
    """What `error_over_time` drew, by edge."""

    points: dict[str, PathCollection]
    """Errors beyond the axis are at its border."""
    drifts: dict[str, Line2D]
    """Only where the drift is known."""
    legend: Legend


class ShareArtists(NamedTuple):
    """What `error_shares` drew, by edge."""

    curves: dict[str, Line2D]
    marks: dict[str, PathCollection]
    """At the tolerances that are usually reported."""
    legend: Legend


def error_histogram(
    report: Report,
    edge: str = "onset",
    *,
    ax: Axes | None = None,
    median_kw: Keywords = None,
    **kwargs: Any,
) -> HistogramArtists:
    r"""Draw a histogram of the errors of onsets or offsets: left of 0 early, right of it late.

    Parameters
    ----------
    report : Report
        What `cifviz.metrics.evaluate` returned.
    edge : str
        "onset" or "offset".
    ax : Axes, optional
        Where to draw; default: the current Axes.
    median_kw : mapping, optional
        For the line at the median.
    **kwargs
        For the bars.

    Returns
    -------
    HistogramArtists
        The bars at both ends hold what is beyond the axis, too.

    Raises
    ------
    CIFError
        If it is no report, there is no such edge or `ax` is no Axes.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from cifviz.alignment.timed_tokens import Alignment, TimedToken
    >>> from cifviz.metrics import evaluate
    >>> reference = Alignment((TimedToken("one", 0.0, 0.4), TimedToken("two", 0.5, 0.9)))
    >>> report = evaluate([reference], [reference.shifted(0.02)])
    >>> error_histogram(report, "offset", ax=Figure().subplots()).note.get_text()
    '2 offsets\nmedian +20 ms\nmean |error| 20 ms'
    """
    ax = resolve(ax)
    require_type("report", report, Report)
    errors = 1000 * report.errors(edge).errors
    reach = _reach(report)
    # An even number of bins: 0 lies between two of them, and so do early and late.
    number = 2 * round(np.clip(2 * math.sqrt(len(errors)), FEWEST_BINS, MOST_BINS) / 2)
    counts, bins = np.histogram(errors.clip(-reach, reach), bins=number, range=(-reach, reach))
    colour = STYLE[edge]["color"]
    bars = ax.stairs(counts, bins, **styled(kwargs, color=colour, fill=True, alpha=0.75))
    zero = ax.axvline(0.0, color=STYLE["level"], linewidth=0.8)
    middle = None
    if len(errors):
        look = styled(median_kw, color=colour, linewidth=1.5, linestyle=":")
        middle = ax.axvline(float(np.median(errors)), **look)
    text, size = _summary(errors, edge, reach), STYLE["text_size"]
    note = ax.text(0.02, 0.96, text, transform=ax.transAxes, va="top", fontsize=size)
    ax.set_xlim(-reach, reach)
    ax.set_ylim(0, max(1.0, 1.12 * counts.max()))
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel(f"{edge} error (ms), hypothesis − reference")
    ax.set_ylabel(f"{edge}s")
    return HistogramArtists(bars, zero, middle, note)


def _summary(errors: np.ndarray, edge: str, reach: float) -> str:
    """Number, median and mean absolute error, and how many are beyond the axis."""
    lines = [counted(len(errors), edge)]
    if len(errors):
        lines.append(f"median {signed(float(np.median(errors)))} ms")
        lines.append(f"mean |error| {np.abs(errors).mean():.0f} ms")
    beyond = int((np.abs(errors) > reach).sum())
    if beyond:
        lines.append(f"{beyond} beyond ±{reach:.0f} ms")
    return "\n".join(lines)


def error_over_time(
    report: Report, *, ax: Axes | None = None, drift_kw: Keywords = None, **kwargs: Any
) -> OverTimeArtists:
    """Draw each error at its time in the utterance, and lines whose slope is the drift.

    Parameters
    ----------
    report : Report
        What `cifviz.metrics.evaluate` returned.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    drift_kw : mapping, optional
        For the lines.
    **kwargs
        For the points.

    Returns
    -------
    OverTimeArtists
        A line runs through the mean error at the mean time. Its slope is that *within* utterances,
        which need not be that of the cloud of points.

    Raises
    ------
    CIFError
        If it is no report or `ax` is no Axes.
    """
    ax = resolve(ax)
    require_type("report", report, Report)
    reach = _reach(report)
    ax.axhline(0.0, color=STYLE["level"], linewidth=0.8)
    points, drifts, last = {}, {}, 0.0
    for edge in EDGES:
        found, line = report.errors(edge), STYLE[edge]
        errors = (1000 * found.errors).clip(-reach, reach)
        look = {"marker": line["marker"], "color": line["color"], "clip_on": False}
        look |= {"s": 14.0 if len(errors) < 500 else 5.0, "alpha": 0.5, "linewidths": 0.0}
        points[edge] = ax.scatter(found.times, errors, **styled(kwargs, **look, zorder=2))
        last = max(last, found.times.max(initial=0.0))
        slope = report.scores["label", edge, "drift"]
        if math.isnan(slope):
            points[edge].set_label(f"{edge}s")
            continue
        ends = np.array([found.times.min(), found.times.max()])
        height = 1000 * found.errors.mean() + slope / 60 * (ends - found.times.mean())
        label = f"{edge}s: drift {signed(slope)} ms per minute"
        look = styled(drift_kw, **line, linewidth=1.8, markersize=5, zorder=3, label=label)
        (drifts[edge],) = ax.plot(ends, height, **look)
    ax.set_ylim(-reach, reach)
    ax.set_ylabel("error (ms)")
    show_time(ax, 0.0, 1.02 * last or 1.0)
    ax.set_xlabel("time in the utterance (s)")
    return OverTimeArtists(points, drifts, legend_above(ax))


def error_shares(report: Report, *, ax: Axes | None = None, **kwargs: Any) -> ShareArtists:
    """Draw the share of edges that are wrong by no more than a tolerance, over the tolerance.

    Parameters
    ----------
    report : Report
        What `cifviz.metrics.evaluate` returned.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    **kwargs
        For the curves.

    Returns
    -------
    ShareArtists
        Shares are those of pairs that have an error; the tolerance is on a logarithmic axis.

    Raises
    ------
    CIFError
        If it is no report or `ax` is no Axes.
    """
    ax = resolve(ax)
    require_type("report", report, Report)
    left, right = 5.0, 1000.0
    curves, marks = {}, {}
    for edge in EDGES:
        line = STYLE[edge]
        x, y = _cumulative(np.abs(1000 * report.errors(edge).errors), left, right)
        look = {**line, "marker": "", "drawstyle": "steps-post", "linewidth": 1.5, "zorder": 2}
        (curves[edge],) = ax.plot(x, y, **styled(kwargs, **look))
        shares = {
            f"{1000 * t:.0f}": 100 * report.scores["label", edge, f"within_{1000 * t:.0f}ms"]
            for t in TOLERANCES
        }
        look = {"s": 22, "marker": line["marker"], "color": line["color"], "zorder": 3}
        marks[edge] = ax.scatter([1000 * t for t in TOLERANCES], list(shares.values()), **look)
        text = ", ".join(f"{shares[tolerance]:.0f}" for tolerance in ("20", "50", "100"))
        label = f"{edge}s: {text} % within 20, 50, 100 ms" if len(x) else f"{edge}s: none"
        curves[edge].set_label(label)
    ax.set_xscale("log")
    ax.set_xlim(left, right)
    ticks = [5, 10, 20, 50, 100, 200, 500, 1000]
    ax.set_xticks(ticks, [str(tick) for tick in ticks])
    ax.set_xticks([], minor=True)
    ax.set_ylim(0, 102)
    ax.grid(color=STYLE["neutral"], linewidth=0.6)
    ax.set_axisbelow(True)
    ax.set_xlabel("tolerance (ms)")
    ax.set_ylabel("edges within it (%)")
    return ShareArtists(curves, marks, legend_above(ax))


def _cumulative(values: np.ndarray, left: float, right: float) -> tuple[np.ndarray, np.ndarray]:
    """Corners of the cumulative distribution in % from left to right; none of no values."""
    if not len(values):
        return np.zeros(0), np.zeros(0)
    values = np.sort(values)
    shares = 100 * np.arange(1, len(values) + 1) / len(values)
    inside = values > left
    x = np.concatenate([[left], values[inside], [max(right, values[-1])]])
    y = np.concatenate([[100 * float((values <= left).mean())], shares[inside], [100.0]])
    return x, y


@one_at_a_time
def error_panel(report: Report) -> Panel:
    """Draw everything about the edges of a set in one figure.

    Parameters
    ----------
    report : Report
        What `cifviz.metrics.evaluate` returned.

    Returns
    -------
    Panel
        ``(fig, axes)``: "onset" and "offset", the histograms on one scale; "time", the errors over
        time; "share", the shares within a tolerance. A bare figure with an alternative text.

    Raises
    ------
    CIFError
        If it is no report.
    """
    require_type("report", report, Report)
    fig = PanelFigure(figsize=(WIDTH, HEIGHT), dpi=DPI)
    fig.alt = _alt(report)
    space = {"left": 0.07, "right": 0.98, "top": 0.98, "bottom": 0.08, "hspace": 0.45}
    grid = fig.subplots(2, 2, gridspec_kw={**space, "wspace": 0.17})
    axes = dict(zip(("onset", "offset", "time", "share"), grid.ravel(), strict=True))
    highest = 0.0
    for edge in EDGES:
        error_histogram(report, edge, ax=axes[edge])
        highest = max(highest, axes[edge].get_ylim()[1])
    for edge in EDGES:
        axes[edge].set_ylim(0, highest)
    error_over_time(report, ax=axes["time"])
    error_shares(report, ax=axes["share"])
    return Panel(fig, axes)


def _alt(report: Report) -> str:
    """What there is to see, in words."""
    sentences = ["Errors of word edges, hypothesis minus reference, paired by label."]
    for edge in EDGES:
        pairs = report.counts["label", edge, "pairs"]
        values = {
            name: report.scores["label", edge, name]
            for name in ("signed_mean", "mean_absolute", "within_50ms", "drift")
        }
        summary = counted(pairs, edge)
        if pairs:
            summary += (
                f": mean {signed(1000 * values['signed_mean'])} ms, mean absolute "
                f"{1000 * values['mean_absolute']:.0f} ms, {100 * values['within_50ms']:.0f} % "
                "within 50 ms"
            )
        if not math.isnan(values["drift"]):
            summary += f", drift {signed(values['drift'])} ms per minute"
        sentences.append(f"{summary}.")
    sentences.append(
        "Above, histograms of the errors; below, the errors over time with lines of drift, and the "
        "share of edges within a tolerance, rising to the right."
    )
    return " ".join(sentences)


def _reach(report: Report) -> float:
    """How far axes of errors reach on both sides, the same for both edges, in milliseconds."""
    errors = np.concatenate([report.errors(edge).errors for edge in EDGES])
    most = 1000 * float(np.quantile(np.abs(errors), SHARE_SHOWN)) if len(errors) else 0.0
    return max(LEAST_REACH, 50.0 * math.ceil(most / 50.0))
