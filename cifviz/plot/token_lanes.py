"""Tokens over time: what each frame gives to each token, and where a token begins and ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection, QuadMesh
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from cifviz.alignment.timed_tokens import Alignment
from cifviz.core.firing import Firing
from cifviz.errors import require
from cifviz.plot import geometry
from cifviz.plot.canvas import (
    SMALL,
    displayable,
    height_in_points,
    plain_text,
    resolve,
    show_time,
    text_widths,
    width_in_points,
)
from cifviz.plot.palette import STYLE, token_style
from cifviz.timing import FrameGrid

LABEL_SIZES = (9.0, 7.5, 6.0)
"""Sizes tried for the labels of tokens, in points."""

ROW_COLUMNS = 9
"""Room for a token's name at the left of its row; see `cifviz.plot.canvas.displayable`."""

LABEL_ROWS = 3
"""Rows under the boxes for labels that are wider than their box."""

UNTIMED_CHARACTERS = 90
"""Room for the list of untimed tokens."""

Keywords = Mapping[str, Any] | None


class ContributionArtists(NamedTuple):
    """What `contributions` drew."""

    mesh: QuadMesh | None
    """None without tokens or frames."""
    negative: PathCollection
    """A minus sign on each negative entry."""


class SpanArtists(NamedTuple):
    """What `token_spans` drew, by the index of the token."""

    boxes: dict[int, Rectangle]
    labels: dict[int, Text]
    leaders: LineCollection
    """From the boxes to the labels under them."""
    omitted: PathCollection
    """A marker under each box whose label found no room."""
    untimed: Text | None
    """The list of untimed tokens; None if there are none."""


def contributions(
    firing: Firing,
    grid: FrameGrid,
    *,
    tokens: Sequence[str] | None = None,
    ax: Axes | None = None,
    negative_kw: Keywords = None,
    **kwargs: Any,
) -> ContributionArtists:
    """Draw what each frame gives to each token, W: a row for each token, the first one on top.

    Parameters
    ----------
    firing : Firing
        Of one utterance.
    grid : FrameGrid
        Clock of its frames.
    tokens : sequence of str (fires,), optional
        Names of the rows; default: their numbers. Where there are more rows than fit, each second,
        third … is named.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    negative_kw : mapping, optional
        For the minus signs.
    **kwargs
        For the mesh.

    Returns
    -------
    ContributionArtists
        Colours run as far below 0 as above, with the largest entry as their end and white at 0.
        However small, a negative entry, which a token pays back after it borrowed within the slack,
        carries a minus sign.

    Raises
    ------
    CIFError
        If there are not as many tokens as fires, the firing is a batch of several utterances or
        `ax` is no Axes.

    Examples
    --------
    >>> import torch
    >>> from matplotlib.figure import Figure
    >>> from cifviz.core.firing import integrate_and_fire
    >>> firing = integrate_and_fire(torch.full((1, 4), 0.5), torch.eye(4)[None])
    >>> ax = Figure().subplots()
    >>> contributions(firing, FrameGrid(0.1), tokens=["a", "b"], ax=ax).mesh.get_array().tolist()
    [[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]]

    Notes
    -----
    Notebook: notebooks/01_integrate_and_fire.ipynb
    """
    ax = resolve(ax)
    one = geometry.one_utterance(firing)
    values = one.contributions[0].numpy()
    rows = len(values)
    require(
        tokens is None or len(tokens) == rows,
        f"expected {rows} tokens, one for each fire, got {len(tokens or ())}",
    )
    edges = geometry.weight_steps(one, grid).edges
    mesh = None
    if values.size:
        most = np.abs(values).max() or one.threshold
        look = {"cmap": STYLE["contribution"], "vmin": -most, "vmax": most}
        mesh = ax.pcolormesh(edges, np.arange(rows + 1), values, **{**look, **kwargs})
    row, frame = np.nonzero(values < -geometry.ROUNDING * one.threshold)
    look = {"marker": "_", "s": 25, "color": STYLE["fire"], "linewidths": 1.0}
    negative = ax.scatter(
        (edges[frame] + edges[frame + 1]) / 2, row + 0.5, **{**look, **(negative_kw or {})}
    )
    ax.set_ylim(max(rows, 1), 0)
    labels = [str(index) for index in range(rows)] if tokens is None else tokens
    names = [displayable(label, ROW_COLUMNS) for label in labels]
    step = max(1, int(np.ceil(rows * 1.2 * SMALL / height_in_points(ax))))
    ax.set_yticks(np.arange(rows)[::step] + 0.5, names[::step], fontsize=SMALL, **plain_text())
    ax.set_ylabel("token")
    show_time(ax, edges[0], edges[-1])
    return ContributionArtists(mesh, negative)


def token_spans(
    alignment: Alignment,
    *,
    ax: Axes | None = None,
    label_kw: Keywords = None,
    leader_kw: Keywords = None,
    omitted_kw: Keywords = None,
    untimed_kw: Keywords = None,
    **kwargs: Any,
) -> SpanArtists:
    """Draw tokens as boxes from their start to their end, with their names.

    A name wider than its box stands in one of `LABEL_ROWS` rows under the boxes, tied to its own by
    a thin line. Where names would still touch, all are written smaller (`LABEL_SIZES`); those that
    find no room at the smallest size give way to a small triangle. Names are placed for the size
    and the limits that the Axes has when it is drawn on. A token without times is not lost: the top
    line lists it with its number.

    Parameters
    ----------
    alignment : Alignment
        What to draw.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    label_kw, leader_kw, omitted_kw, untimed_kw : mapping, optional
        For the names, the lines to them, the triangles and the list of untimed tokens.
    **kwargs
        For the boxes.

    Returns
    -------
    SpanArtists

    Raises
    ------
    CIFError
        If `ax` is no Axes.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from cifviz.alignment.timed_tokens import TimedToken
    >>> alignment = Alignment((TimedToken("two", 0.25, 0.5), TimedToken("uh")))
    >>> artists = token_spans(alignment, ax=Figure().subplots())
    >>> artists.boxes[0].get_x(), artists.boxes[0].get_width(), artists.labels[0].get_text()
    (0.25, 0.25, 'two')
    >>> artists.untimed.get_text()
    'untimed: 1 uh'

    Notes
    -----
    Notebook: notebooks/00_start_here.ipynb
    """
    ax = resolve(ax)
    timed = [
        (index, token.start, token.end)
        for index, token in enumerate(alignment)
        if token.start is not None and token.end is not None
    ]
    boxes: dict[int, Rectangle] = {}
    for index, start, end in timed:
        colour, hatch = token_style(index)
        look = {
            "facecolor": colour,
            "hatch": hatch,
            "edgecolor": STYLE["level"],
            "linewidth": 0.8,
        }
        boxes[index] = Rectangle((start, 0.0), end - start, 1.0, **{**look, **kwargs})
        ax.add_patch(boxes[index])
    if timed:
        show_time(ax, timed[0][1], timed[-1][2])
    else:
        ax.set_xlabel("time (s)")

    names = [displayable(alignment.tokens[index].token) for index, _, _ in timed]
    size, centres, rows = _place(names, [(start, end) for _, start, end in timed], ax)
    labels, leaders, omitted = {}, [], []
    for (index, start, end), name, centre, row in zip(timed, names, centres, rows, strict=True):
        middle = (start + end) / 2
        if row < 0:
            omitted.append((middle, -0.25))
            continue
        height = 0.5 if row == 0 else 0.1 - 0.65 * row
        if row:
            leaders.append([(middle, 0.0), (centre, height)])
        look = {
            "fontsize": size,
            "horizontalalignment": "center",
            "verticalalignment": "center",
            "color": STYLE["level"],
            "bbox": {"facecolor": STYLE["halo"], "edgecolor": "none", "alpha": 0.85, "pad": 1.0},
            "zorder": 4,
            **plain_text(),
        }
        labels[index] = ax.text(centre, height, name, **{**look, **(label_kw or {})})

    look = {"colors": STYLE["weight"], "linewidths": 0.6, "zorder": 2}
    drawn_leaders = LineCollection(leaders, **{**look, **(leader_kw or {})})
    ax.add_collection(drawn_leaders, autolim=False)
    points = np.asarray(omitted).reshape(-1, 2)
    look = {"marker": "^", "s": 12, "color": STYLE["level"]}
    markers = ax.scatter(points[:, 0], points[:, 1], **{**look, **(omitted_kw or {})})
    untimed = _list_untimed(alignment, ax, untimed_kw)
    used = max(rows, default=0)
    bottom = -0.1 - 0.65 * used - (0.3 if omitted and not used else 0.0)
    ax.set_ylim(bottom, 1.1 if untimed is None else 1.9)
    ax.set_yticks([])
    ax.set_ylabel("tokens")
    return SpanArtists(boxes, labels, drawn_leaders, markers, untimed)


def _place(
    names: list[str], spans: list[tuple[float, float]], ax: Axes
) -> tuple[float, list[float], list[int]]:
    """Size, centres and rows of the labels: row 0 is inside the box, −1 is nowhere."""
    left, right = sorted(ax.get_xlim())
    gap = 4.0 * (right - left) / width_in_points(ax)
    for size in LABEL_SIZES:
        widths = [width + gap for width in text_widths(names, size, ax)]
        centres = [
            min(max((start + end) / 2, left + width / 2), max(left, right - width / 2))
            for (start, end), width in zip(spans, widths, strict=True)
        ]
        outside = [
            index
            for index, ((start, end), width) in enumerate(zip(spans, widths, strict=True))
            if width > end - start
        ]
        rows = [0] * len(names)
        placed = geometry.label_rows(
            [centres[index] for index in outside],
            [widths[index] for index in outside],
            rows=LABEL_ROWS,
        )
        for index, row in zip(outside, placed, strict=True):
            rows[index] = row + 1 if row >= 0 else -1
        if min(rows, default=0) >= 0:
            break
    return size, centres, rows


def _list_untimed(alignment: Alignment, ax: Axes, untimed_kw: Keywords) -> Text | None:
    """One line that names the tokens without times, by number and name."""
    entries = [
        f"{index} {displayable(token.token)}"
        for index, token in enumerate(alignment)
        if not token.is_timed
    ]
    if not entries:
        return None
    text, shown = "untimed: " + entries[0], 1
    for entry in entries[1:]:
        if len(text) + len(entry) > UNTIMED_CHARACTERS:
            break
        text, shown = f"{text}, {entry}", shown + 1
    if shown < len(entries):
        text += f" and {len(entries) - shown} more"
    look = {
        "transform": ax.transAxes,
        "fontsize": SMALL,
        "verticalalignment": "top",
        "horizontalalignment": "left",
        "zorder": 5,
        **plain_text(),
    }
    return ax.text(0.005, 0.97, text, **{**look, **(untimed_kw or {})})
