"""The residual after the last fire: what tail rules do with it, its size, and errors by rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from cifviz.errors import require
from cifviz.plot.canvas import displayable, legend_above, plain_text, resolve
from cifviz.plot.palette import STYLE, Keywords, styled, token_look

BOX = 0.62
"""Height of a token's box in a lane of height 1."""
BIN = 0.05
"""Width of a bar of residuals, in tokens."""


class LaneArtists(NamedTuple):
    """What `tail_lanes` drew, by the name of the rule."""

    boxes: dict[str, tuple[Rectangle, ...]]
    """The tokens of each lane."""
    dropped: dict[str, Rectangle]
    """Weight that goes to no token, where there is any."""
    empty: dict[str, Rectangle]
    """The part of a token that lies behind the end of the weights."""
    labels: dict[str, tuple[Text, ...]]
    end: Line2D
    """Where the weights end."""


class ResidualArtists(NamedTuple):
    """What `residual_histogram` drew."""

    complete: BarContainer
    """Utterances in which every word has fired."""
    incomplete: BarContainer
    """Utterances in which a word has not."""
    threshold: Line2D | None
    legend: Legend


class TailErrorArtists(NamedTuple):
    """What `tail_errors` drew, by the kind of error."""

    means: dict[str, Line2D]
    runs: dict[str, tuple[Line2D, ...]]
    legend: Legend


def tail_lanes(
    total: float,
    ends: Mapping[str, Sequence[float]],
    *,
    words: Mapping[str, Sequence[str]] | None = None,
    ax: Axes | None = None,
    dropped_kw: Keywords = None,
    empty_kw: Keywords = None,
    label_kw: Keywords = None,
    end_kw: Keywords = None,
    **kwargs: Any,
) -> LaneArtists:
    """Draw where the tokens end on the mass axis, a lane for each tail rule.

    Parameters
    ----------
    total : float >= 0
        Sum of the weights, in tokens.
    ends : mapping of str to sequence of float
        By the name of the rule: the mass at which each of its tokens ends, increasing. One that
        ends behind `total` is part empty.
    words : mapping of str to sequence of str, optional
        By the name of the rule: the texts in the boxes. Default: the numbers of the tokens.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    dropped_kw, empty_kw, label_kw, end_kw : mapping, optional
        For the boxes of dropped weight, for those of nothing, for the texts, and for the line where
        the weights end.
    **kwargs
        For the boxes of the tokens.

    Returns
    -------
    LaneArtists
        The number behind a name is the lane's count of tokens.

    Raises
    ------
    CIFError
        If `total` is below 0, ends do not increase, there are not as many words as tokens, or `ax`
        is no Axes.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ends = {"no tail": [1, 2], "appended": [1, 2, 3]}
    >>> artists = tail_lanes(2.75, ends, ax=Figure().subplots())
    >>> {name: len(boxes) for name, boxes in artists.boxes.items()}
    {'no tail': 2, 'appended': 3}
    >>> artists.dropped["no tail"].get_width(), artists.empty["appended"].get_width()
    (0.75, 0.25)

    Notes
    -----
    Notebook: notebooks/05_tail_handling.ipynb
    """
    # 1. The lanes.
    ax = resolve(ax)
    require(total >= 0, f"total must be >= 0, got {total}")
    boxes, labels, dropped, empty = {}, {}, {}, {}
    for height, (name, lane) in zip(range(len(ends), 0, -1), ends.items(), strict=True):
        edges = [0.0, *(float(end) for end in lane)]
        require(all(np.diff(edges) >= 0), f"the ends of {name!r} must increase, got {list(lane)}")
        names = [str(index) for index in range(len(lane))] if words is None else words[name]
        require(
            len(names) == len(lane),
            f"expected {len(lane)} words for {name!r}, one for each token, got {len(names)}",
        )
        spans = [(left, min(right, max(left, total))) for left, right in pairwise(edges)]
        boxes[name] = tuple(
            _box(ax, span, height, styled(kwargs, **{**token_look(index), "linewidth": 1.0}))
            for index, span in enumerate(spans)
        )
        labels[name] = tuple(
            _label(ax, span, height, label, label_kw)
            for span, label in zip(spans, names, strict=True)
        )
        if edges[-1] < total:
            look = {"facecolor": STYLE["neutral"], "edgecolor": STYLE["weight"], "linestyle": ":"}
            dropped[name] = _box(ax, (edges[-1], total), height, styled(dropped_kw, **look))
        elif edges[-1] > total and len(lane):
            look = {"facecolor": "none", "edgecolor": STYLE["level"], "linestyle": "--"}
            span = (max(total, edges[-2]), edges[-1])
            empty[name] = _box(ax, span, height, styled(empty_kw, **look))

    # 2. The end of the weights, and the axes.
    look = styled(end_kw, color=STYLE["threshold"], linewidth=1.2, linestyle="--", zorder=3)
    end = ax.axvline(total, **look)
    last = max([total, *(float(lane[-1]) for lane in ends.values() if len(lane))])
    ax.set_xlim(0, 1.02 * max(last, 0.1))
    ax.set_xlabel("mass (tokens)")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    names = [f"{name}  {len(boxes[name])}" for name in ends]
    ax.set_yticks(range(len(ends), 0, -1), names, fontsize=STYLE["text_size"])
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(0.5, len(ends) + 0.5)
    return LaneArtists(boxes, dropped, empty, labels, end)


def residual_histogram(
    residuals: Sequence[float] | np.ndarray,
    incomplete: Sequence[bool] | np.ndarray,
    *,
    tail_threshold: float | None = None,
    ax: Axes | None = None,
    threshold_kw: Keywords = None,
    **kwargs: Any,
) -> ResidualArtists:
    """Draw the residuals of utterances, and in which of them a word is missing.

    Parameters
    ----------
    residuals : sequence of float (utterances,)
        Weight after the last fire, in tokens; below 0 counts as 0.
    incomplete : sequence of bool (utterances,)
        True where fewer tokens fired than there are words in the reference.
    tail_threshold : float, optional
        τ, drawn as a line.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    threshold_kw : mapping, optional
        For the line at τ.
    **kwargs
        For the bars.

    Returns
    -------
    ResidualArtists
        Bars of `BIN`, those of missing words hatched and on top of the others.

    Raises
    ------
    CIFError
        If the numbers of both differ, or `ax` is no Axes.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()
    >>> artists = residual_histogram([0.01, 0.02, 0.97], [False, False, True], ax=ax)
    >>> artists.legend.get_texts()[0].get_text()
    'all words have fired (2)'

    Notes
    -----
    Notebook: notebooks/05_tail_handling.ipynb
    """
    # 1. Counts of both kinds.
    ax = resolve(ax)
    values, missing = np.asarray(residuals, dtype=float), np.asarray(incomplete, dtype=bool)
    require(
        values.shape == missing.shape and values.ndim == 1,
        f"expected a bool for each of {values.shape} residuals, got {missing.shape}",
    )
    edges = np.linspace(0, 1, round(1 / BIN) + 1)
    inside = values.clip(0, 1 - BIN / 2)
    counts = [np.histogram(inside[missing == answer], edges)[0] for answer in (False, True)]

    # 2. Bars on bars, and τ.
    look = {"width": BIN, "align": "edge", "edgecolor": STYLE["level"], "linewidth": 0.6}
    complete_bars = ax.bar(
        edges[:-1],
        counts[0],
        **styled(kwargs, **look, color=STYLE["complete"]),
        label=f"all words have fired ({int((~missing).sum())})",
    )
    incomplete_bars = ax.bar(
        edges[:-1],
        counts[1],
        bottom=counts[0],
        **styled(kwargs, **look, color=STYLE["incomplete"], hatch="////"),
        label=f"a word is missing ({int(missing.sum())})",
    )
    line = None
    if tail_threshold is not None:
        label = f"τ = {tail_threshold:g}: dropped to the left, fired to the right"
        look = {"color": STYLE["level"], "linewidth": 1.6, "linestyle": "--", "zorder": 4}
        line = ax.axvline(tail_threshold, **styled(threshold_kw, **look, label=label))

    # 3. The axes.
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1.08 * max(1, int(np.sum(counts, axis=0).max())))
    ax.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    ax.set_xlabel("residual (tokens)")
    ax.set_ylabel("utterances")
    legend = legend_above(ax, ncols=3)
    return ResidualArtists(complete_bars, incomplete_bars, line, legend)


def tail_errors(
    thresholds: Sequence[float],
    deletions: Sequence[Sequence[float]] | np.ndarray,
    insertions: Sequence[Sequence[float]] | np.ndarray,
    *,
    ax: Axes | None = None,
    run_kw: Keywords = None,
    **kwargs: Any,
) -> TailErrorArtists:
    """Draw deletions and insertions against the tail threshold, each run thin and their mean thick.

    Parameters
    ----------
    thresholds : sequence of float (thresholds,)
        τ.
    deletions, insertions : array (runs, thresholds)
        In % of the words of the reference.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    run_kw : mapping, optional
        For the lines of single runs.
    **kwargs
        For the lines of the means.

    Returns
    -------
    TailErrorArtists
        Means of "deletions", "insertions" and "both" together, a wide grey line; runs of the first
        two.

    Raises
    ------
    CIFError
        If the shapes do not fit, there is no run, or `ax` is no Axes.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()
    >>> artists = tail_errors([0.3, 0.6], [[0, 1], [0, 2]], [[1, 0], [2, 0]], ax=ax)
    >>> artists.means["both"].get_ydata().tolist()
    [1.5, 1.5]

    Notes
    -----
    Notebook: notebooks/05_tail_handling.ipynb
    """
    # 1. The numbers.
    ax = resolve(ax)
    found = {"deletions": np.asarray(deletions, float), "insertions": np.asarray(insertions, float)}
    for name, values in found.items():
        require(
            values.ndim == 2 and len(values) > 0 and values.shape[1] == len(thresholds),
            f"{name} must be (runs, thresholds) = (1 or more, {len(thresholds)}), "
            f"got {values.shape}",
        )

    # 2. Both together in grey, then each.
    together = found["deletions"] + found["insertions"]
    look = {"color": STYLE["neutral"], "linewidth": 7.0, "solid_capstyle": "round", "zorder": 1}
    (both,) = ax.plot(thresholds, together.mean(axis=0), **look, label="both")
    means, runs = {"both": both}, {}
    for name, values in found.items():
        thin = styled(run_kw, **{**STYLE[name], "marker": "", "linewidth": 0.7, "alpha": 0.6})
        runs[name] = tuple(ax.plot(thresholds, row, **thin)[0] for row in values)
        look = styled(kwargs, **STYLE[name], linewidth=2.0, markersize=6, label=name, zorder=3)
        (means[name],) = ax.plot(thresholds, values.mean(axis=0), **look)

    # 3. The axes.
    ax.set_ylim(bottom=0)
    ax.set_xticks(list(thresholds))
    ax.set_xlabel("tail threshold τ")
    ax.set_ylabel("% of the words")
    return TailErrorArtists(means, runs, legend_above(ax, ncols=3))


def _box(ax: Axes, span: tuple[float, float], height: float, look: Mapping[str, Any]) -> Rectangle:
    left, right = span
    box = Rectangle((left, height - BOX / 2), right - left, BOX, **{"linewidth": 1.0, **look})
    ax.add_patch(box)
    return box


def _label(
    ax: Axes, span: tuple[float, float], height: float, label: str, label_kw: Keywords
) -> Text:
    look = styled(
        label_kw,
        fontsize=STYLE["text_size"],
        horizontalalignment="center",
        verticalalignment="center",
        color=STYLE["level"],
        bbox={"facecolor": STYLE["halo"], "edgecolor": "none", "pad": 1.2},
        zorder=4,
        **plain_text(),
    )
    return ax.text(sum(span) / 2, height, displayable(label), **look)
