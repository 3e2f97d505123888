"""The lanes of `edge_panel`: three over time, two over the quantiles of a token's mass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from cifviz.alignment.timed_tokens import Alignment, Edges, times_at
from cifviz.core.firing import Firing
from cifviz.core.valley_segmentation import segment_ends
from cifviz.plot import curves, geometry, token_lanes
from cifviz.plot.canvas import SMALL, height_in_points
from cifviz.plot.error_figures import LOOKS
from cifviz.plot.palette import STYLE, token_style
from cifviz.plot.quantiles import QuantileErrors, mass_times, valley_cuts, weights_at
from cifviz.timing import FrameGrid

if TYPE_CHECKING:
    from cifviz.systems.transcription import Transcription

CUTS: Mapping[str, dict[str, Any]] = {
    "fires": {"color": STYLE["fire"], "linestyle": "-"},
    "valleys": {"color": token_style(1).colour, "linestyle": "-."},
}
"""Colour and line of each way to cut the mass into tokens."""

LEAST_HEIGHT = 10.0
"""The axis of errors reaches at least so far, in milliseconds."""

MASS_ERROR = 0.1
"""Tokens: the error of mass whose error of time is shown at a fire and inside a token."""


def words_lane(ax: Axes, heard: Transcription, said: Alignment, edges: Edges) -> None:
    """What was said, and above it from where to where each token is read."""
    token_lanes.token_spans(said, ax=ax, facecolor=STYLE["rest"], hatch="")
    ax.set_ylabel("words")
    bottom, top = ax.get_ylim()
    ax.set_ylim(bottom, max(top, 1.6))
    onsets, offsets = (side.numpy() for side in edges.read(heard.require_firing(), heard.grid))
    spans = [[(start, 1.33), (end, 1.33)] for start, end in zip(onsets, offsets, strict=True)]
    look = {"colors": CUTS["valleys"]["color"], "linewidths": 1.5, "label": "read"}
    ax.add_collection(LineCollection(spans, **look), autolim=False)
    for edge, times in (("onset", onsets), ("offset", offsets)):
        _marks(ax, edge, times, np.full(len(times), 1.33))


def weights_lane(ax: Axes, heard: Transcription, edges: Edges) -> None:
    """The weights, where they are cut, and the quantiles at which edges are read."""
    firing, grid = heard.require_firing(), heard.grid
    curves.weights(firing, grid, ax=ax)
    curves.fires(firing, grid, ax=ax)
    cuts = valley_cuts(firing, grid).seconds
    across = ax.get_xaxis_transform()
    _cut_lines(ax, [[(time, 0.0), (time, 1.0)] for time in cuts], transform=across)
    for edge, times in _read(heard, edges).items():
        _marks(ax, edge, times, weights_at(firing, grid, times))


def mass_lane(ax: Axes, heard: Transcription, edges: Edges) -> None:
    """The running sum, the levels of fires and cuts, and the same error of mass at two places."""
    firing, grid = geometry.one_utterance(heard.require_firing()), heard.grid
    curves.mass_axis(firing, grid, ax=ax, box_kw={"visible": False})
    begin, _ = ax.get_xlim()
    cuts = valley_cuts(firing, grid)
    levels = cuts.level / firing.threshold
    corners = zip(cuts.seconds, levels, strict=True)
    _cut_lines(
        ax,
        [[(begin, level), (time, level), (time, 0.0)] for time, level in corners],
        linewidths=0.9,
    )
    mass = geometry.mass_curve(firing, grid)
    for edge, times in _read(heard, edges).items():
        _marks(ax, edge, times, np.interp(times, *mass) / firing.threshold)
    if int(firing.num_fires[0]):
        _same_error(ax, firing, grid)


def _same_error(ax: Axes, firing: Firing, grid: FrameGrid) -> None:
    """The same error of mass at the fire that it moves most, and in the middle of that token."""
    ends = segment_ends(firing).numpy()
    levels = {"fires": geometry.fire_masses(firing), "valleys": ends - np.diff(ends, prepend=0) / 2}
    error = MASS_ERROR * firing.threshold
    both = np.array([[-error], [error]])
    spans = {cut: mass_times(firing, grid, level + both) for cut, level in levels.items()}

    # Of a token low enough to leave the upper left to the words, unless there is none.
    (begin, end), (_, top) = ax.get_xlim(), ax.get_ylim()
    is_low = levels["fires"] + error <= 0.6 * top * firing.threshold
    moved = np.where(is_low | ~is_low.any(), np.ptp(spans["fires"], axis=0), -1.0)
    token = int(moved.argmax())
    boxes, words = {}, {}
    for cut, span in spans.items():
        left, right = span[:, token]
        low, high = (levels[cut][token] + both[:, 0]) / firing.threshold
        look = {"facecolor": CUTS[cut]["color"], "linewidth": 0.0, "zorder": 1.5}
        ax.add_patch(Rectangle((begin, low), left - begin, high - low, alpha=0.12, **look))
        ax.add_patch(Rectangle((left, 0.0), right - left, low, alpha=0.12, **look))
        boxes[cut] = Rectangle((left, low), right - left, high - low, alpha=0.45, **look)
        ax.add_patch(boxes[cut]).set_label(f"error at {cut}")
        words[cut] = f"±{500 * (right - left):.0f} ms"

    # The curve runs from the lower left to the upper right: the words stand off it.
    early = np.interp(begin + 0.4 * (end - begin), *geometry.mass_curve(firing, grid))
    is_right = early > 0.7 * top * firing.threshold
    box = boxes["fires"]
    box_top = box.get_y() + box.get_height()
    ax.annotate(
        f"dt/dm = 1/α: ±{MASS_ERROR:g} token is {words['fires']} at this fire,\n"
        f"{words['valleys']} in the middle of the token",
        (box.get_x() + box.get_width() / 2, box.get_y() if is_right else min(box_top, top)),
        annotation_clip=False,
        xytext=(0.98, 0.07) if is_right else (0.02, 0.93 if is_low.any() else 0.76),
        textcoords="axes fraction",
        horizontalalignment="right" if is_right else "left",
        verticalalignment="bottom" if is_right else "top",
        fontsize=SMALL,
        bbox={"facecolor": STYLE["halo"], "edgecolor": "none", "pad": 2.0},
        arrowprops={"arrowstyle": "-|>", "linewidth": 0.8, "color": STYLE["level"]},
        zorder=6,
    )


def errors_lane(ax: Axes, measured: Mapping[str, QuantileErrors], edges: Edges) -> None:
    """Mean absolute errors over quantiles, a line for each cut and kind of edge."""
    names = {}
    for cut, found in measured.items():
        for edge, errors in found.errors.items():
            look = {"color": CUTS[cut]["color"], "linestyle": LOOKS[edge]["linestyle"]}
            look |= {"marker": LOOKS[edge]["marker"], "markersize": 3.5, "linewidth": 1.3}
            look |= {"markerfacecolor": STYLE["halo"] if cut == "valleys" else look["color"]}
            label = f"{edge}s, {cut}"
            ax.plot(found.quantiles, 1000 * errors, **look, label=label, clip_on=False)
            least = found.least(edge)
            words = f"least {1000 * errors[least]:.0f} ms at {found.quantiles[least]:g}"
            names[f"{label}: {words}"] = (1000 * errors[-1], look["color"])
    ax.set_ylim(0.0, max(LEAST_HEIGHT, 1.05 * ax.get_ylim()[1]))
    ax.set_ylabel("mean |error| (ms)\nafter the best shift")
    chosen = measured["valleys"]
    for edge, errors in chosen.errors.items():
        quantile = getattr(edges, f"{edge}_quantile")
        height = 1000 * errors[chosen.quantiles == quantile]
        ax.plot([quantile], height, **{**mark(edge), "markersize": 8.0}, label=f"{edge} read")
    _name_lines(ax, names)


def slopes_lane(ax: Axes, measured: Mapping[str, QuantileErrors]) -> None:
    """The median of 1/α over quantiles, a line for each cut."""
    names = {}
    ax.set_yscale("log")
    for cut, found in measured.items():
        slopes = found.seconds_per_token
        ax.plot(found.quantiles, slopes, **CUTS[cut], linewidth=1.3, label=cut)
        seen = slopes[np.isfinite(slopes)]
        if len(seen):
            names[f"tokens cut at {cut}"] = (seen[-1], CUTS[cut]["color"])
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
    times = times_at(heard.require_firing(), heard.grid, quantiles, cut=edges.cut).numpy()
    return dict(zip(LOOKS, times.T, strict=True))


def _marks(ax: Axes, edge: str, x: np.ndarray, y: np.ndarray) -> None:
    look = {**mark(edge), "linestyle": "none", "label": edge, "zorder": 5.5, "clip_on": False}
    ax.plot(x, y, **look, scalex=False, scaley=False)


def mark(edge: str) -> dict[str, Any]:
    """Look of an onset or an offset that is read between valleys."""
    """Look of an onset or an offset that is read between valleys."""
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
            arrowprops={
                "arrowstyle": "-",
                "linewidth": 0.6,
                "color": names[name][1],
                "relpos": (0.0, 0.5),
            },
        )
