"""The pictures of findings: one function for each kind of `Picture`, on given Axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cifviz.diagnosis.findings import Picture
from cifviz.errors import require_choice
from cifviz.locks import one_at_a_time
from cifviz.plot.canvas import displayable, plain_text
from cifviz.plot.images import png
from cifviz.plot.palette import STYLE

WIDTH, HEIGHT = 4.2, 2.3
"""Inches: on a telephone, which shows it 9.5 cm wide, the letters can be read."""
DPI = 200
SIZE = 8.5
"""Points of letters."""
LONGEST_NAME = 24
"""Columns of an utterance's name on an axis."""
MOST_LABELS = 12
"""Marked stretches whose names are written out; of more only the first."""

LARGEST = 1e12
"""What is larger is drawn as so large: axes overflow near the largest number."""

Data = Mapping[str, Any]
Draw = Callable[[Data, Axes], None]


def draw_weights(data: Data, ax: Axes) -> None:
    """Weights over frames, fires, marked stretches and further lines."""
    edges = _floats(data["times"])
    values = _floats(data["alpha"])
    if len(values):
        shown = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
        ax.stairs(shown, edges, color=STYLE["weight"], fill=True, alpha=0.6, label=data["label"])
    for (name, line), look in zip(data["lines"].items(), STYLE["lines"][1:], strict=False):
        ax.stairs(
            np.nan_to_num(_floats(line)),
            edges,
            color=look["color"],
            linestyle=look["linestyle"],
            linewidth=1.2,
            label=name,
        )
    for index, (start, end, _) in enumerate(data["spans"]):
        if start is not None and end is not None:
            look = {"color": STYLE["incomplete"], "alpha": 0.22, "linewidth": 0}
            label = data["spans"][0][2] if not index else None
            start, end = max(start, -LARGEST), min(end, LARGEST)
            ax.axvspan(start, end, label=displayable(label, 40) if label else None, **look)
    for index, fire in enumerate(data["fires"]):
        label = "fire" if not index else None
        ax.axvline(min(fire, LARGEST), color=STYLE["fire"], linewidth=0.7, label=label)
    if len(values) and np.nanmax(np.append(values, 0.0)) > data["threshold"] / 2:
        level = min(data["threshold"], LARGEST)
        ax.axhline(level, color=STYLE["threshold"], linestyle="--", linewidth=0.9, label="β")
    ax.axhline(0, color=STYLE["level"], linewidth=0.5)
    if len(edges) > 1:
        ax.set_xlim(edges[0], edges[-1])
    ax.set_xlabel("frame" if data["unit"] == "frames" else "time (s)")
    ax.set_ylabel(data["label"])


def draw_counts(data: Data, ax: Axes) -> None:
    """A row for each utterance, a marker for each of its numbers."""
    rows = np.arange(len(data["utterances"]))
    values = {name: _floats(row) for name, row in data["series"].items()}
    if len(rows) and values:
        table = np.stack(list(values.values()))
        known = np.isfinite(table).any(axis=0)
        low = np.nanmin(table[:, known], axis=0)
        high = np.nanmax(table[:, known], axis=0)
        ax.hlines(rows[known], low, high, color=STYLE["neutral"], linewidth=3, zorder=1)
    for (name, row), look in zip(values.items(), STYLE["lines"], strict=False):
        ax.plot(
            row,
            rows,
            linestyle="",
            marker=look["marker"],
            color=look["color"],
            markersize=6,
            markerfacecolor="none",
            markeredgewidth=1.5,
            label=name,
        )
    names = [displayable(name, LONGEST_NAME) for name in data["utterances"]]
    ax.set_yticks(rows, names, **plain_text())
    ax.invert_yaxis()
    ax.set_xlabel("tokens")
    ax.grid(axis="x", color=STYLE["neutral"], linewidth=0.5)


def draw_errors(data: Data, ax: Axes) -> None:
    """Errors of fires over time, with a line through them."""
    times, late = _floats(data["times"]), _floats(data["late"])
    slope, start = _floats(data["line"])
    ax.plot(
        times, late, linestyle="", marker="o", markersize=3, color=STYLE["weight"], label="a token"
    )
    if len(times):
        ends = np.array([times.min(), times.max()])
        ax.plot(ends, start + slope * ends, color=STYLE["incomplete"], linewidth=1.6, label="line")
    ax.axhline(0, color=STYLE["level"], linewidth=0.8, linestyle="--", label="on time")
    ax.set_xlabel("time of the reference (s)")
    ax.set_ylabel("fire is late by (s)")


DRAWINGS: Mapping[str, Draw] = MappingProxyType(
    {"weights": draw_weights, "counts": draw_counts, "errors": draw_errors}
)
"""How each kind of picture is drawn."""


@one_at_a_time
def draw(picture: Picture) -> Figure:
    """The picture as a figure that pyplot does not know.

    Parameters
    ----------
    picture : Picture
        Of a finding.

    Raises
    ------
    CIFError
        If there is no such kind.
    """
    require_choice("kind of picture", picture.kind, DRAWINGS)
    rows = len(picture.data.get("utterances", ()))
    figure = Figure(figsize=(WIDTH, max(HEIGHT, 1.1 + 0.22 * rows)), layout="constrained")
    ax = figure.subplots()
    DRAWINGS[picture.kind](picture.data, ax)
    for label in (ax.xaxis.label, ax.yaxis.label, *ax.get_xticklabels(), *ax.get_yticklabels()):
        label.set_fontsize(SIZE)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    handles, labels = ax.get_legend_handles_labels()
    if handles:
        figure.legend(
            handles, labels, loc="outside upper left", ncols=3, fontsize=SIZE, frameon=False
        )
    return figure


def picture_png(picture: Picture) -> bytes:
    """The picture as a PNG image of a fixed resolution."""
    return png(draw(picture), dpi=DPI, colours=64)


def _floats(values: Any) -> np.ndarray:
    """Numbers of a picture; NaN for None."""
    given = np.array([np.nan if one is None else one for one in values], dtype=np.float64)
    return np.clip(given, -LARGEST, LARGEST)
