"""Why a fire is a poor place to read a word's edge, and what helps.

A time is read off a mass by the running sum of the weights, and where they are small the sum is
flat: dt/dm = 1/α. A fire lies there. Inside the word the sum is steep; and a cut in the valley of
the weights, unlike a fire, leaves the errors of the tokens before behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from cifviz.core.firing import Firing
from cifviz.errors import CIFError, require, require_integer
from cifviz.plot import curves, geometry, tokens
from cifviz.plot.canvas import SMALL, height_in_points, printable
from cifviz.plot.errors import LOOKS
from cifviz.plot.palette import STYLE, token_style
from cifviz.plot.panels import DPI, WIDTH, Panel, PanelFigure
from cifviz.plot.quantiles import (
    QuantileErrors,
    errors_by_quantile,
    mass_times,
    valley_cuts,
    weights_at,
)
from cifviz.speech.alignment import Alignment, Edges, times_at
from cifviz.timing import FrameGrid

if TYPE_CHECKING:
    from cifviz.models.recognizer import Transcription

CUTS: Mapping[str, dict[str, Any]] = {
    "fires": {"color": STYLE["fire"], "linestyle": "-"},
    "valleys": {"color": token_style(1).colour, "linestyle": "-."},
}
"""Colour and line of each way to cut the mass into tokens."""

MASS_ERROR = 0.1
"""Tokens: the error of mass whose error of time is shown at a fire and inside a token."""

NO_ERRORS = "No utterance has as many tokens as were said: there are no errors to show."

_ABOVE = {"words": 0.62, "weights": 1.3, "mass": 2.2}
_BELOW = {"error": 2.0, "slope": 1.0}
_GAP, _LEFT, _RIGHT, _LABELS, _TOP, _MIDDLE, _BOTTOM = 0.12, 0.95, 0.65, 2.35, 0.32, 0.7, 0.5
# All in inches; labels stand to the right of the lower Axes.


def edge_panel(
    transcriptions: Sequence[Transcription], references: Sequence[Alignment], *, show: int = 0
) -> Panel:
    """Draw how edges are read off the weights, and what is lost and won by where they are read.

    Parameters
    ----------
    transcriptions : sequence of Transcription
        What a recogniser heard, at least one utterance.
    references : sequence of Alignment
        What was said in each.
    show : int
        Which of the utterances is drawn; below 0 it counts from the end.

    Returns
    -------
    Panel
        ``(fig, axes)``. On one time axis "words": what was said in grey, over it what is read;
        "weights" with fires and cuts, and a marker at each quantile that is read; "mass": the
        running sum, and what an error of `MASS_ERROR` tokens does to the time of a fire and of an
        edge. Over the quantiles of a token's mass "error", in milliseconds, and "slope", the median
        of 1/α: see `cifviz.plot.quantiles.errors_by_quantile`. Both are missing where no utterance
        has the right number of tokens.
        The edges drawn are read at the quantiles between valleys, and with the shifts, that are
        best on these very utterances: 30 and 70 %, unshifted, where that is not known.

    Raises
    ------
    CIFError
        If there is no utterance, not one reference for each, or no utterance `show`.
    """
    utterances = len(transcriptions)
    require(utterances > 0, "expected at least one transcription, got none")
    show = require_integer("show", show)
    if not -utterances <= show < utterances:
        raise CIFError(f"show must be an index into {utterances} utterances, got {show}")
    measured = {cut: errors_by_quantile(transcriptions, references, cut=cut) for cut in CUTS}
    edges = measured["valleys"].best()
    heard, said = transcriptions[show], references[show]
    has_errors = measured["valleys"].tokens > 0
    fig, axes = _axes(_BELOW if has_errors else {})
    fig.alt = _alt(heard, measured)

    firing = geometry.one_utterance(heard.firing)
    begin, end = heard.grid.seconds(0), heard.grid.seconds(max(1, firing.alpha.shape[1]))
    axes["words"].set_xlim(min(begin, 0.0), max(end, heard.waveform.duration))
    _words(axes["words"], heard, said, edges)
    _weights(axes["weights"], heard, edges)
    _mass(axes["mass"], heard, edges)
    for name in ("words", "weights"):
        axes[name].set_xlabel("")
    axes["words"].legend(
        handles=_handles(edges),
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        borderaxespad=0.2,
        ncols=4,
        fontsize=SMALL,
        frameon=False,
    )
    if has_errors:
        _errors(axes["error"], measured, edges)
        _slopes(axes["slope"], measured)
    else:
        fig.text(_LEFT / WIDTH, 0.02, NO_ERRORS, fontsize=SMALL)
    fig.align_ylabels(list(axes.values()))
    return Panel(fig, axes)


def _axes(below: Mapping[str, float]) -> tuple[PanelFigure, dict[str, Axes]]:
    """The figure and its Axes, those over time above those over quantiles, if there are any."""
    upper = sum(_ABOVE.values()) + _GAP * (len(_ABOVE) - 1)
    lower = sum(below.values()) + _GAP * (len(below) - 1) + _MIDDLE if below else _GAP
    height = _TOP + upper + lower + _BOTTOM
    fig = PanelFigure(figsize=(WIDTH, height), dpi=DPI)
    axes: dict[str, Axes] = {}
    for heights, top, room in ((_ABOVE, _TOP, _RIGHT), (below, _TOP + upper + _MIDDLE, _LABELS)):
        if not heights:
            continue
        inches = sum(heights.values()) + _GAP * (len(heights) - 1)
        grid = fig.add_gridspec(
            len(heights),
            left=_LEFT / WIDTH,
            right=1 - room / WIDTH,
            top=1 - top / height,
            bottom=1 - (top + inches) / height,
            height_ratios=list(heights.values()),
            hspace=_GAP * len(heights) / sum(heights.values()),
        )
        lanes = grid.subplots(sharex=True, squeeze=False)[:, 0]
        axes.update(zip(heights, lanes, strict=True))
    return fig, axes


def _words(ax: Axes, heard: Transcription, said: Alignment, edges: Edges) -> None:
    """What was said, and above it from where to where each token is read."""
    tokens.token_spans(said, ax=ax, facecolor=STYLE["rest"], hatch="")
    ax.set_ylabel("words")
    bottom, top = ax.get_ylim()
    ax.set_ylim(bottom, max(top, 1.6))
    onsets, offsets = (side.numpy() for side in edges.read(heard.firing, heard.grid))
    height = np.full(len(onsets), 1.33)
    spans = np.stack([onsets, height, offsets, height], axis=1).reshape(-1, 2, 2)
    look = {"colors": CUTS["valleys"]["color"], "linewidths": 1.5, "label": "read"}
    ax.add_collection(LineCollection(spans, **look), autolim=False)
    for edge, times in (("onset", onsets), ("offset", offsets)):
        _marks(ax, edge, times, height)


def _weights(ax: Axes, heard: Transcription, edges: Edges) -> None:
    """The weights, where they are cut, and the quantiles at which edges are read."""
    firing, grid = heard.firing, heard.grid
    curves.weights(firing, grid, ax=ax)
    curves.fires(firing, grid, ax=ax)
    cuts = valley_cuts(firing, grid).seconds
    across = ax.get_xaxis_transform()
    _cut_lines(ax, [[(time, 0.0), (time, 1.0)] for time in cuts], transform=across)
    for edge, times in _read(heard, edges).items():
        _marks(ax, edge, times, weights_at(firing, grid, times))


def _mass(ax: Axes, heard: Transcription, edges: Edges) -> None:
    """The running sum, the levels of fires and cuts, and the same error of mass at two places."""
    firing, grid = geometry.one_utterance(heard.firing), heard.grid
    curves.mass_axis(firing, grid, ax=ax, box_kw={"visible": False})
    begin, _ = ax.get_xlim()
    cuts = valley_cuts(firing, grid)
    levels = cuts.level / firing.threshold
    corners = zip(cuts.seconds, levels, strict=True)
    _cut_lines(ax, [[(begin, level), (time, level), (time, 0.0)] for time, level in corners])
    mass = geometry.mass_curve(firing, grid)
    for edge, times in _read(heard, edges).items():
        _marks(ax, edge, times, np.interp(times, *mass) / firing.threshold)
    if int(firing.num_fires[0]):
        _same_error(ax, firing, grid)


def _same_error(ax: Axes, firing: Firing, grid: FrameGrid) -> None:
    """The same error of mass at the fire that it moves most, and in the middle of that token."""
    mass = geometry.mass_curve(firing, grid)
    (begin, end), (_, top) = ax.get_xlim(), ax.get_ylim()
    middles = np.interp(times_at(firing, grid, [0.5]).numpy()[:, 0], *mass)
    levels = {"fires": geometry.fire_masses(firing), "valleys": middles}
    error = MASS_ERROR * firing.threshold
    early, late = (
        {cut: mass_times(firing, grid, level + way * error) for cut, level in levels.items()}
        for way in (-1, 1)
    )
    # Low enough to leave the upper left to the words, unless all fires are high up.
    is_low = levels["fires"] + error <= 0.6 * top * firing.threshold
    moved = late["fires"] - early["fires"]
    token = int(np.where(is_low | ~is_low.any(), moved, -1.0).argmax())
    words = {}
    for cut, level in levels.items():
        low, high = ((level[token] + way * error) / firing.threshold for way in (-1, 1))
        left, right = early[cut][token], late[cut][token]
        look = {"facecolor": CUTS[cut]["color"], "linewidth": 0.0, "zorder": 1.5}
        ax.add_patch(Rectangle((begin, low), left - begin, high - low, alpha=0.12, **look))
        ax.add_patch(Rectangle((left, 0.0), right - left, low, alpha=0.12, **look))
        box = Rectangle((left, low), right - left, high - low, alpha=0.45, label=cut, **look)
        ax.add_patch(box)
        words[cut] = f"±{500 * (right - left):.0f} ms"
    climbs_early = np.interp(begin + 0.4 * (end - begin), *mass) > 0.7 * top * firing.threshold
    in_corner = climbs_early or not is_low.any()
    place: dict[str, Any] = {"horizontalalignment": "right", "verticalalignment": "bottom"}
    if not in_corner:
        place = {"horizontalalignment": "left", "verticalalignment": "top"}
    ax.annotate(
        f"dt/dm = 1/α: ±{MASS_ERROR:g} token is {words['fires']} at this fire,\n"
        f"{words['valleys']} in the middle of the token",
        ((early["fires"][token] + late["fires"][token]) / 2, high),
        (0.98, 0.07) if in_corner else (0.02, 0.93),
        textcoords="axes fraction",
        fontsize=SMALL,
        bbox={"facecolor": STYLE["halo"], "edgecolor": "none", "pad": 2.0},
        arrowprops={"arrowstyle": "-|>", "linewidth": 0.8, "color": STYLE["level"]},
        zorder=6,
        **place,
    )


def _errors(ax: Axes, measured: Mapping[str, QuantileErrors], edges: Edges) -> None:
    """Mean absolute errors over quantiles, a line for each cut and kind of edge."""
    names = {}
    for cut, found in measured.items():
        for edge, errors in found.errors.items():
            look = {"color": CUTS[cut]["color"], "linestyle": LOOKS[edge]["linestyle"]}
            look |= {"marker": LOOKS[edge]["marker"], "markersize": 3.5, "linewidth": 1.3}
            look |= {"markerfacecolor": STYLE["halo"] if cut == "valleys" else look["color"]}
            label = f"{edge}s, {cut}"
            ax.plot(found.quantiles, 1000 * errors, **look, label=label, clip_on=False)
            least = int(errors.argmin())
            words = f"least {1000 * errors[least]:.0f} ms at {found.quantiles[least]:g}"
            names[f"{label}: {words}"] = (1000 * errors[-1], look["color"])
    ax.set_ylim(0.0, 1.05 * ax.get_ylim()[1])
    ax.set_ylabel("mean |error| (ms)\nafter the best shift")
    chosen = measured["valleys"]
    for edge, errors in chosen.errors.items():
        quantile = getattr(edges, f"{edge}_quantile")
        height = 1000 * errors[chosen.quantiles == quantile]
        ax.plot([quantile], height, **{**_mark(edge), "markersize": 8.0}, label=f"{edge} read")
    _name_lines(ax, names)


def _slopes(ax: Axes, measured: Mapping[str, QuantileErrors]) -> None:
    """The median of 1/α over quantiles, a line for each cut."""
    names = {}
    ax.set_yscale("log")
    for cut, found in measured.items():
        slopes = found.seconds_per_token
        ax.plot(found.quantiles, slopes, **CUTS[cut], linewidth=1.3, label=cut)
        seen = slopes[np.isfinite(slopes)]
        if len(seen):
            names[f"cut at {cut}"] = (seen[-1], CUTS[cut]["color"])
    lowest, highest = ax.get_ylim()
    ax.set_ylim(lowest / 1.6, highest * 1.6)  # at least one of 1, 2, 5 is in sight
    subs = (1.0, 2.0, 5.0) if highest < 20 * lowest else (1.0,)
    ax.yaxis.set_major_locator(LogLocator(subs=subs))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_xlim(0.0, 1.0)
    ax.set_xticks(np.linspace(0, 1, 11))
    ax.set_xlabel("quantile of the token's mass at which the edge is read")
    ax.set_ylabel("median 1/α\n(s per token)")
    _name_lines(ax, names)


def _read(heard: Transcription, edges: Edges) -> dict[str, np.ndarray]:
    """Times at the quantiles of both edges, before the shifts (tokens,)."""
    quantiles = (edges.onset_quantile, edges.offset_quantile)
    times = times_at(heard.firing, heard.grid, quantiles, cut=edges.cut).numpy()
    return dict(zip(LOOKS, times.T, strict=True))


def _marks(ax: Axes, edge: str, x: np.ndarray, y: np.ndarray) -> None:
    look = {**_mark(edge), "linestyle": "none", "label": edge, "zorder": 5.5, "clip_on": False}
    ax.plot(x, y, **look, scalex=False, scaley=False)


def _mark(edge: str) -> dict[str, Any]:
    return {
        "marker": LOOKS[edge]["marker"],
        "markersize": 5.0,
        "color": CUTS["valleys"]["color"],
        "markerfacecolor": STYLE["halo"],
    }


def _cut_lines(ax: Axes, lines: list[list[tuple[float, float]]], **kwargs: Any) -> None:
    look = {"colors": CUTS["valleys"]["color"], "linestyles": CUTS["valleys"]["linestyle"]}
    look |= {"linewidths": 1.2, "label": "cuts", "zorder": 2.4, **kwargs}
    ax.add_collection(LineCollection(lines, **look), autolim=False)


def _handles(edges: Edges) -> list[Line2D]:
    """What the legend explains: both cuts, and both edges with where they are read."""
    handles = [
        Line2D([], [], **CUTS["fires"], marker="v", markersize=5, label="fire"),
        Line2D([], [], **CUTS["valleys"], label="cut in a valley of α"),
    ]
    for edge in LOOKS:
        quantile, shift = getattr(edges, f"{edge}_quantile"), getattr(edges, f"{edge}_shift")
        moved = f"{round(1000 * shift):+d}".replace("-", "−")
        label = f"{edge} read at {quantile:g} of the mass, {moved} ms"
        handles.append(Line2D([], [], **_mark(edge), linestyle="none", label=label))
    return handles


def _name_lines(ax: Axes, names: Mapping[str, tuple[float, str]]) -> None:
    """Write names to the right of the Axes, as near to the ends of their lines as they fit."""
    place = ax.transData + ax.transAxes.inverted()
    ends = {name: float(place.transform((1.0, end))[1]) for name, (end, _) in names.items()}
    order = sorted(ends, key=ends.__getitem__)
    gap = 1.3 * SMALL / height_in_points(ax)
    heights: list[float] = []
    for name in order:
        heights.append(max([ends[name], *(height + gap for height in heights[-1:])]))
    for index in reversed(range(len(order))):
        roof = heights[index + 1] - gap if index + 1 < len(order) else 1.0
        heights[index] = min(heights[index], roof)
    for name, height in zip(order, heights, strict=True):
        ax.annotate(
            name,
            (1.0, ends[name]),
            (1.03, height),
            xycoords="axes fraction",
            textcoords="axes fraction",
            fontsize=SMALL,
            color=names[name][1],
            verticalalignment="center",
            arrowprops={"arrowstyle": "-", "linewidth": 0.6, "color": names[name][1]},
        )


def _alt(heard: Transcription, measured: Mapping[str, QuantileErrors]) -> str:
    """What there is to see, in words."""
    fires = int(heard.firing.num_fires[0])
    sentences = [
        f"Word edges read off the weights of one utterance, “{printable(heard.text)}”, with its "
        f"fires ({fires}) and its cuts in valleys of the weights ({max(0, fires - 1)}) on one time "
        "axis: words, weight per frame, and the running sum of the weights, flat between words."
    ]
    counted = measured["valleys"]
    if not counted.tokens:
        return " ".join([*sentences, NO_ERRORS])
    sentences.append(
        f"Below, over {counted.utterances} utterances ({counted.tokens} tokens), the mean absolute "
        "error of edges after the best constant shift, by the quantile of the token's mass at which "
        "they are read."
    )
    for cut, found in measured.items():
        said = []
        for edge, outer in (("onset", 0), ("offset", -1)):
            errors = 1000 * found.errors[edge]
            least = int(errors.argmin())
            said.append(
                f"{edge}s {errors[outer]:.0f} ms at {found.quantiles[outer]:g}, least "
                f"{errors[least]:.0f} ms at {found.quantiles[least]:g}"
            )
        slopes = found.seconds_per_token
        said.append(
            f"median 1/α {slopes[0]:.2g}, {slopes[len(slopes) // 2]:.2g} and {slopes[-1]:.2g} s per "
            f"token at {found.quantiles[0]:g}, {found.quantiles[len(slopes) // 2]:g} and "
            f"{found.quantiles[-1]:g}"
        )
        sentences.append(f"Cut at {cut}: {'; '.join(said)}.")
    return " ".join(sentences)
