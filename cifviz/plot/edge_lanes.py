"""The lanes of `edge_panel`: three over time, two over the quantiles of a token's mass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from cifviz.alignment.mass_times import (
    mass_times,
    one_utterance,
    times_at,
    valley_cuts,
    weights_at,
)
from cifviz.alignment.timed_tokens import Alignment, Edges
from cifviz.core.firing import Firing
from cifviz.core.valley_segmentation import segment_ends
from cifviz.metrics.quantile_errors import QuantileErrors
from cifviz.plot import curves, geometry, token_lanes
from cifviz.plot.canvas import add_lines, height_in_points
from cifviz.plot.palette import STYLE
from cifviz.systems.transcription import Transcription
from cifviz.timing import FrameGrid

EDGES = ("onset", "offset")

LEAST_HEIGHT = 10.0
"""The axis of errors reaches at least so far, in milliseconds."""

MASS_ERROR = 0.1
"""Tokens: the error of mass whose error of time is shown at a fire and inside a token."""


def words_lane(ax: Axes, transcription: Transcription, reference: Alignment, edges: Edges) -> None:
    """The words of the reference and, above them, from where to where each token is read."""
    token_lanes.token_spans(reference, ax=ax, facecolor=STYLE["neutral"], hatch="")
    ax.set_ylabel("words")
    bottom, top = ax.get_ylim()
    ax.set_ylim(bottom, max(top, 1.6))
    firing = one_utterance(transcription.require_firing())
    onsets, offsets = (side.numpy() for side in edges.read(firing, transcription.grid))
    spans = [[(start, 1.33), (end, 1.33)] for start, end in zip(onsets, offsets, strict=True)]
    add_lines(ax, spans, colors=STYLE["valleys"]["color"], linewidths=1.5, label="read")
    for edge, times in zip(EDGES, (onsets, offsets), strict=True):
        _marks(ax, edge, times, np.full(len(times), 1.33))


def weights_lane(ax: Axes, transcription: Transcription, edges: Edges) -> None:
    """The weights, where they are cut, and the quantiles at which edges are read."""
    firing, grid = one_utterance(transcription.require_firing()), transcription.grid
    curves.weights(firing, grid, ax=ax)
    curves.fires(firing, grid, ax=ax)
    cuts, _ = valley_cuts(firing, grid)
    across = ax.get_xaxis_transform()
    _cut_lines(ax, [[(time, 0.0), (time, 1.0)] for time in cuts], transform=across)
    for edge, times in _read(transcription, edges).items():
        _marks(ax, edge, times, weights_at(firing, grid, times))


def mass_lane(ax: Axes, transcription: Transcription, edges: Edges) -> None:
    """The running sum, the levels of fires and cuts, and the same error of mass at two places."""
    firing, grid = one_utterance(transcription.require_firing()), transcription.grid
    curves.mass_axis(firing, grid, ax=ax, box_kw={"visible": False})
    begin, _ = ax.get_xlim()
    times, masses = valley_cuts(firing, grid)
    corners = [
        [(begin, level), (time, level), (time, 0.0)]
        for time, level in zip(times, masses / firing.threshold, strict=True)
    ]
    _cut_lines(ax, corners, linewidths=0.9)
    mass = geometry.mass_curve(firing, grid)
    for edge, times in _read(transcription, edges).items():
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

    # Of a token low enough to leave the upper left to the text, unless there is none.
    begin, _ = ax.get_xlim()
    is_low = levels["fires"] + error <= 0.6 * ax.get_ylim()[1] * firing.threshold
    moved = np.where(is_low | ~is_low.any(), np.ptp(spans["fires"], axis=0), -1.0)
    token = int(moved.argmax())
    boxes, texts = {}, {}
    for cut, span in spans.items():
        left, right = span[:, token]
        low, high = (levels[cut][token] + both[:, 0]) / firing.threshold
        look = {"facecolor": STYLE[cut]["color"], "linewidth": 0.0, "zorder": 1.5}
        ax.add_patch(Rectangle((begin, low), left - begin, high - low, alpha=0.12, **look))
        ax.add_patch(Rectangle((left, 0.0), right - left, low, alpha=0.12, **look))
        boxes[cut] = Rectangle((left, low), right - left, high - low, alpha=0.45, **look)
        ax.add_patch(boxes[cut]).set_label(f"error at {cut}")
        texts[cut] = f"±{500 * (right - left):.0f} ms"
    _explain_error(
        ax,
        f"dt/dm = 1/α: ±{MASS_ERROR:g} token is {texts['fires']} at this fire,\n"
        f"{texts['valleys']} in the middle of the token",
        boxes["fires"],
        firing.threshold,
        geometry.mass_curve(firing, grid),
        has_low=bool(is_low.any()),
    )


def _explain_error(
    ax: Axes,
    text: str,
    box: Rectangle,
    threshold: float,
    curve: geometry.Curve,
    *,
    has_low: bool,
) -> None:
    """A text with an arrow to a box, in the upper left, or lower right where the curve is high."""
    (begin, end), (_, top) = ax.get_xlim(), ax.get_ylim()
    is_right = np.interp(begin + 0.4 * (end - begin), *curve) > 0.7 * top * threshold
    box_top = box.get_y() + box.get_height()
    ax.annotate(
        text,
        (box.get_x() + box.get_width() / 2, box.get_y() if is_right else min(box_top, top)),
        annotation_clip=False,
        xytext=(0.98, 0.07) if is_right else (0.02, 0.93 if has_low else 0.76),
        textcoords="axes fraction",
        horizontalalignment="right" if is_right else "left",
        verticalalignment="bottom" if is_right else "top",
        fontsize=STYLE["text_size"],
        bbox={"facecolor": STYLE["halo"], "edgecolor": "none", "pad": 2.0},
        arrowprops={"arrowstyle": "-|>", "linewidth": 0.8, "color": STYLE["level"]},
        zorder=6,
    )


def errors_lane(ax: Axes, measured: Mapping[str, QuantileErrors], edges: Edges) -> None:
    """Mean absolute errors over quantiles, a line for each cut and kind of edge."""
    names = {}
    for cut, found in measured.items():
        for edge, errors in found.errors.items():
            colour = STYLE[cut]["color"]
            look = {**STYLE[edge], "color": colour, "markersize": 3.5, "linewidth": 1.3}
            look["markerfacecolor"] = STYLE["halo"] if cut == "valleys" else colour
            label = f"{edge}s, {cut}"
            ax.plot(found.quantiles, 1000 * errors, **look, label=label, clip_on=False)
            least = found.least(edge)
            text = f"least {1000 * errors[least]:.0f} ms at {found.quantiles[least]:g}"
            names[f"{label}: {text}"] = (1000 * errors[-1], colour)
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
        look = {**STYLE[cut], "marker": "", "linewidth": 1.3}
        ax.plot(found.quantiles, slopes, **look, label=cut)
        seen = slopes[np.isfinite(slopes)]
        if len(seen):
            names[f"tokens cut at {cut}"] = (seen[-1], STYLE[cut]["color"])
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


def _read(transcription: Transcription, edges: Edges) -> dict[str, np.ndarray]:
    """Times at the quantiles of both edges, before the shifts (tokens,)."""
    quantiles = (edges.onset_quantile, edges.offset_quantile)
    firing = one_utterance(transcription.require_firing())
    times = times_at(firing, transcription.grid, quantiles, cut=edges.cut).numpy()
    return dict(zip(EDGES, times.T, strict=True))


def _marks(ax: Axes, edge: str, x: np.ndarray, y: np.ndarray) -> None:
    look = {**mark(edge), "linestyle": "none", "label": edge, "zorder": 5.5, "clip_on": False}
    ax.plot(x, y, **look, scalex=False, scaley=False)


def mark(edge: str) -> dict[str, Any]:
    """Look of an onset or an offset that is read between valleys."""
    return {
        "marker": STYLE[edge]["marker"],
        "markersize": 5.0,
        "color": STYLE["valleys"]["color"],
        "markerfacecolor": STYLE["halo"],
    }


def _cut_lines(ax: Axes, lines: list[list[tuple[float, float]]], **look: Any) -> None:
    cut = STYLE["valleys"]
    default = {"colors": cut["color"], "linestyles": cut["linestyle"], "linewidths": 1.2}
    add_lines(ax, lines, **{**default, "label": "cuts", "zorder": 2.4, **look})


def _name_lines(ax: Axes, names: Mapping[str, tuple[float, str]]) -> None:
    """Write names to the right of the Axes, as near to the ends of their lines as they fit."""
    place = ax.transData + ax.transAxes.inverted()
    ends = {name: float(place.transform((1.0, end))[1]) for name, (end, _) in names.items()}
    order = sorted(ends, key=ends.__getitem__)
    gap = 1.3 * STYLE["text_size"] / height_in_points(ax)
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
            fontsize=STYLE["text_size"],
            color=names[name][1],
            verticalalignment="center",
            arrowprops={
                "arrowstyle": "-",
                "linewidth": 0.6,
                "color": names[name][1],
                "relpos": (0.0, 0.5),
            },
        )
