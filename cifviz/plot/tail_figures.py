"""The weight left at the end: what rules make of it, how much there is, and what a rule costs."""

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
from cifviz.plot.canvas import SMALL, displayable, plain_text, resolve
from cifviz.plot.palette import STYLE, token_style

BOX = 0.62
"""Height of a token's box in a lane of height 1."""
BIN = 0.05
"""Width of a bar of rests, in tokens."""
LOOKS: Mapping[str, dict[str, Any]] = {
    "deletions": {"color": token_style(2).colour, "marker": "v", "linestyle": "--"},
    "insertions": {"color": token_style(5).colour, "marker": "^", "linestyle": "-."},
}
"""Colour, marker and line of each kind of error."""

Keywords = Mapping[str, Any] | None


class LaneArtists(NamedTuple):
    """What `tail_lanes` drew, by the name of the rule."""

    boxes: dict[str, tuple[Rectangle, ...]]
    """The tokens of each lane."""
    dropped: dict[str, Rectangle]
    """Weight that goes to no token, where there is any."""
    empty: dict[str, Rectangle]
    """What a token holds of nothing, behind the end of the weights."""
    labels: dict[str, tuple[Text, ...]]
    end: Line2D
    """Where the weights end."""


class RestArtists(NamedTuple):
    """What `rest_histogram` drew."""

    said: BarContainer
    """Utterances of which every word has fired."""
    missing: BarContainer
    """Utterances of which one has not."""
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
    """Draw where the tokens end on the mass axis, a lane for each rule about the rest.

    Parameters
    ----------
    total : float >= 0
        Sum of the weights, in tokens.
    ends : mapping of str to sequence of float
        By the name of the rule: the mass at which each of its tokens ends, increasing. One that
        ends behind `total` is part empty.
    words : mapping of str to sequence of str, optional
        By the name of the rule: what stands in the boxes. Default: the numbers of the tokens.
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
    Notebook: notebooks/04_tail_handling.ipynb
    """
    ax = resolve(ax)
    require(total >= 0, f"total must be >= 0, got {total}")
    boxes, labels, dropped, empty = {}, {}, {}, {}
    for height, (name, lane) in zip(range(len(ends), 0, -1), ends.items(), strict=True):
        edges = [0.0, *(float(end) for end in lane)]
        require(all(np.diff(edges) >= 0), f"the ends of {name!r} must increase, got {list(lane)}")
        said = [str(index) for index in range(len(lane))] if words is None else words[name]
        require(
            len(said) == len(lane),
            f"expected {len(lane)} words for {name!r}, one for each token, got {len(said)}",
        )
        drawn, written = [], []
        for index, (left, right) in enumerate(pairwise(edges)):
            colour, hatch = token_style(index)
            look = {"facecolor": colour, "hatch": hatch, "edgecolor": STYLE["level"]}
            look |= {"linewidth": 1.0, "alpha": 0.75, **kwargs}
            drawn.append(_box(ax, left, min(right, max(left, total)), height, look))
            look = {"fontsize": SMALL, "horizontalalignment": "center", "zorder": 4}
            look |= {"verticalalignment": "center", "color": STYLE["level"], **plain_text()}
            look["bbox"] = {"facecolor": STYLE["halo"], "edgecolor": "none", "pad": 1.2}
            middle = (left + min(right, max(left, total))) / 2
            label = displayable(said[index])
            written.append(ax.text(middle, height, label, **{**look, **(label_kw or {})}))
        if edges[-1] < total:
            look = {"facecolor": STYLE["rest"], "edgecolor": STYLE["weight"], "linewidth": 1.0}
            look |= {"linestyle": ":", **(dropped_kw or {})}
            dropped[name] = _box(ax, edges[-1], total, height, look)
        elif edges[-1] > total and len(lane):
            look = {"facecolor": "none", "edgecolor": STYLE["level"], "linewidth": 1.0}
            look |= {"linestyle": "--", **(empty_kw or {})}
            empty[name] = _box(ax, max(total, edges[-2]), edges[-1], height, look)
        boxes[name], labels[name] = tuple(drawn), tuple(written)
    look = {"color": STYLE["threshold"], "linewidth": 1.2, "linestyle": "--", "zorder": 3}
    end = ax.axvline(total, **{**look, **(end_kw or {})})
    last = max([total, *(float(lane[-1]) for lane in ends.values() if len(lane))])
    ax.set_xlim(0, 1.02 * max(last, 0.1))
    ax.set_xlabel("mass (tokens)")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    names = [f"{name}  {len(boxes[name])}" for name in ends]
    ax.set_yticks(range(len(ends), 0, -1), names, fontsize=SMALL)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(0.5, len(ends) + 0.5)
    return LaneArtists(boxes, dropped, empty, labels, end)


def rest_histogram(
    rests: Sequence[float] | np.ndarray,
    missing: Sequence[bool] | np.ndarray,
    *,
    tail_threshold: float | None = None,
    ax: Axes | None = None,
    threshold_kw: Keywords = None,
    **kwargs: Any,
) -> RestArtists:
    """Draw how much weight is left at the end of utterances, and whether a word is missing there.

    Parameters
    ----------
    rests : sequence of float (utterances,)
        Weight left after the last fire, in tokens; below 0 counts as 0.
    missing : sequence of bool (utterances,)
        True where fewer tokens fired than words were said.
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
    RestArtists
        Bars of `BIN`, those of missing words hatched and on top of the others.

    Raises
    ------
    CIFError
        If there are not as many rests as answers, or `ax` is no Axes.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> artists = rest_histogram([0.01, 0.02, 0.97], [False, False, True], ax=Figure().subplots())
    >>> artists.legend.get_texts()[0].get_text()
    'all words have fired (2)'

    Notes
    -----
    Notebook: notebooks/04_tail_handling.ipynb
    """
    ax = resolve(ax)
    rests, missing = np.asarray(rests, dtype=float), np.asarray(missing, dtype=bool)
    require(
        rests.shape == missing.shape and rests.ndim == 1,
        f"expected an answer for each of {rests.shape} rests, got {missing.shape}",
    )
    edges = np.linspace(0, 1, round(1 / BIN) + 1)
    inside = rests.clip(0, 1 - BIN / 2)
    counts = [np.histogram(inside[missing == answer], edges)[0] for answer in (False, True)]
    look = {"width": BIN, "align": "edge", "edgecolor": STYLE["level"], "linewidth": 0.6}
    said = ax.bar(
        edges[:-1],
        counts[0],
        **{**look, "color": token_style(6).colour, **kwargs},
        label=f"all words have fired ({int((~missing).sum())})",
    )
    lacking = ax.bar(
        edges[:-1],
        counts[1],
        bottom=counts[0],
        **{**look, "color": token_style(2).colour, "hatch": "////", **kwargs},
        label=f"a word is missing ({int(missing.sum())})",
    )
    line = None
    if tail_threshold is not None:
        look = {"color": STYLE["level"], "linewidth": 1.6, "linestyle": "--", "zorder": 4}
        look["label"] = f"τ = {tail_threshold:g}: dropped to the left, fired to the right"
        line = ax.axvline(tail_threshold, **{**look, **(threshold_kw or {})})
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1.08 * max(1, int((counts[0] + counts[1]).max())))
    ax.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    ax.set_xlabel("rest (tokens)")
    ax.set_ylabel("utterances")
    legend = _legend(ax, columns=3)
    return RestArtists(said, lacking, line, legend)


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
        In % of the words said.
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
    Notebook: notebooks/04_tail_handling.ipynb
    """
    ax = resolve(ax)
    found = {"deletions": np.asarray(deletions, float), "insertions": np.asarray(insertions, float)}
    for name, values in found.items():
        require(
            values.ndim == 2 and len(values) > 0 and values.shape[1] == len(thresholds),
            f"{name} must be (runs, thresholds) = (1 or more, {len(thresholds)}), "
            f"got {values.shape}",
        )
    together = found["deletions"] + found["insertions"]
    look = {"color": STYLE["rest"], "linewidth": 7.0, "solid_capstyle": "round", "zorder": 1}
    (both,) = ax.plot(thresholds, together.mean(axis=0), **look, label="both")
    means, runs = {"both": both}, {}
    for name, values in found.items():
        thin = {"color": LOOKS[name]["color"], "linestyle": LOOKS[name]["linestyle"]}
        thin |= {"linewidth": 0.7, "alpha": 0.6, **(run_kw or {})}
        runs[name] = tuple(ax.plot(thresholds, row, **thin)[0] for row in values)
        look = {**LOOKS[name], "linewidth": 2.0, "markersize": 6, "label": name, "zorder": 3}
        (means[name],) = ax.plot(thresholds, values.mean(axis=0), **{**look, **kwargs})
    ax.set_ylim(bottom=0)
    ax.set_xticks(list(thresholds))
    ax.set_xlabel("tail threshold τ")
    ax.set_ylabel("% of the words")
    legend = _legend(ax, columns=3)
    return TailErrorArtists(means, runs, legend)


def _box(ax: Axes, left: float, right: float, height: int, look: dict[str, Any]) -> Rectangle:
    box = Rectangle((left, height - BOX / 2), right - left, BOX, **look)
    ax.add_patch(box)
    return box


def _legend(ax: Axes, *, columns: int) -> Legend:
    """Above the Axes: inside, there is no place that is always free."""
    return ax.legend(
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        borderaxespad=0.2,
        fontsize=SMALL,
        frameon=False,
        ncols=columns,
    )
