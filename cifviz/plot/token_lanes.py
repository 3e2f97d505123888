"""Tokens over time: what each frame gives to each token, and where a token begins and ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection, PolyCollection, QuadMesh
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from cifviz.alignment.mass_times import one_utterance
from cifviz.alignment.timed_tokens import Alignment
from cifviz.core.firing import Firing
from cifviz.errors import require
from cifviz.plot import geometry
from cifviz.plot.canvas import (
    MOST_AREAS,
    add_lines,
    box_outlines,
    crowd,
    displayable,
    ordinal,
    plain_text,
    resolve,
    show_time,
    text_widths,
    token_axis,
    width_in_points,
)
from cifviz.plot.palette import STYLE, Keywords, styled, token_look
from cifviz.timing import FrameGrid

LABEL_SIZES = (9.0, 7.5, 6.0)
"""Sizes tried for the labels of tokens, in points."""

LABEL_ROWS = 3
"""Rows under the boxes for labels that are wider than their box."""

UNTIMED_CHARACTERS = 90
"""Space for the list of untimed tokens."""


class ContributionArtists(NamedTuple):
    """What `contributions` drew."""

    mesh: QuadMesh | None
    """None without tokens or frames."""
    negative: PathCollection
    """A minus sign on each negative entry."""
    step: int
    """Each row has its name (1), each second, third …."""

    @property
    def left_out(self) -> str:
        """What found no space, in words."""
        return f"names of rows but every {ordinal(self.step)}" if self.step > 1 else ""


class SpanArtists(NamedTuple):
    """What `token_spans` drew, by the index of the token."""

    boxes: dict[int, Rectangle]
    labels: dict[int, Text]
    leaders: LineCollection
    """From the boxes to the labels under them."""
    omitted: PathCollection
    """A marker under each box whose label found no space."""
    untimed: Text | None
    """The list of untimed tokens; None if there are none."""
    crowd: PolyCollection | None
    """The boxes of more than `MOST_AREAS` tokens, instead of a box and a name for each."""

    @property
    def left_out(self) -> str:
        """What found no space, in words."""
        lacking = np.asarray(self.omitted.get_offsets()).shape[0]
        return f"{lacking} of {len(self.boxes)} names (▲)" if lacking else ""


def contributions(
    firing: Firing,
    grid: FrameGrid,
    *,
    tokens: Sequence[str] | None = None,
    ax: Axes | None = None,
    within: geometry.Within = None,
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
    within : (float, float), optional
        From when to when, seconds: what lies outside is not drawn. Default: everything.
    negative_kw : mapping, optional
        For the minus signs.
    **kwargs
        For the mesh.

    Returns
    -------
    ContributionArtists
        Colours run as far below 0 as above, with the largest entry as their end and white at 0.
        However small, a negative entry, which a token pays back after it borrowed within the slack,
        carries a minus sign. More than a picture can show is joined, see
        `cifviz.plot.geometry.contribution_matrix`.

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
    one = one_utterance(firing)
    rows = int(one.num_fires[0])
    require(
        tokens is None or len(tokens) == rows,
        f"expected {rows} tokens, one for each fire, got {len(tokens or ())}",
    )
    token_edges, time_edges, values = geometry.contribution_matrix(one, grid, within)
    mesh = None
    if values.size:
        most = np.abs(values).max() or one.threshold
        look = styled(kwargs, cmap=STYLE["contribution"], vmin=-most, vmax=most)
        mesh = ax.pcolormesh(time_edges, token_edges, values, **look)
    row, column = np.nonzero(values < -geometry.ROUNDING * one.threshold)
    middles = (time_edges[:-1] + time_edges[1:]) / 2
    look = styled(negative_kw, marker="_", s=25, color=STYLE["fire"], linewidths=1.0)
    negative = ax.scatter(middles[column], (token_edges[row] + token_edges[row + 1]) / 2, **look)
    names = [str(index) for index in range(rows)] if tokens is None else tokens
    first, last = int(token_edges[0]), int(token_edges[-1])
    step = token_axis(ax, names[first:last], first)
    show_time(ax, time_edges[0], time_edges[-1])
    return ContributionArtists(mesh, negative, step)


def token_spans(
    alignment: Alignment,
    *,
    ax: Axes | None = None,
    first: int = 0,
    label_kw: Keywords = None,
    leader_kw: Keywords = None,
    omitted_kw: Keywords = None,
    untimed_kw: Keywords = None,
    **kwargs: Any,
) -> SpanArtists:
    """Draw tokens as boxes from their start to their end, with their names.

    A name wider than its box is put in one of `LABEL_ROWS` rows under the boxes, with a thin line
    to its box. Where names would touch even so, all are smaller (`LABEL_SIZES`); one that
    finds no space at the smallest size is replaced by a small triangle. Names are placed for the
    size and the limits that the Axes has when it is drawn on. Tokens without times are listed in
    the top line with their numbers.

    Parameters
    ----------
    alignment : Alignment
        What to draw.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    first : int
        Number of the first token, which decides about colours and patterns: 0, unless these are the
        later tokens of an alignment.
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
    # 1. The boxes, which decide about the limits of the Axes.
    ax = resolve(ax)
    timed = {
        index: (token.start, token.end)
        for index, token in enumerate(alignment)
        if token.start is not None and token.end is not None
    }
    boxes, many = _boxes(ax, timed, first, kwargs)
    if timed:
        spans = list(timed.values())
        show_time(ax, spans[0][0], spans[-1][1])
    else:
        ax.set_xlabel("time (s)")

    # 2. The labels, placed for these limits, with lines to those under the boxes.
    names = {index: displayable(alignment.tokens[index].token) for index in boxes}
    size, places = _place(names, {index: timed[index] for index in boxes}, ax)
    labels, leaders, omitted = {}, [], []
    for index, (centre, row) in places.items():
        middle = sum(timed[index]) / 2
        if row is None:
            omitted.append((middle, -0.25))
            continue
        height = 0.5 if row == 0 else 0.1 - 0.65 * row
        if row:
            leaders.append([(middle, 0.0), (centre, height)])
        labels[index] = _label(ax, centre, height, names[index], size, label_kw)
    look = styled(leader_kw, colors=STYLE["weight"], linewidths=0.6, zorder=2)
    drawn_leaders = add_lines(ax, leaders, **look)
    look = styled(omitted_kw, marker="^", s=12, color=STYLE["level"])
    markers = ax.scatter(*np.asarray(omitted).reshape(-1, 2).T, **look)

    # 3. The tokens without times, and space for everything.
    untimed = _list_untimed(alignment, first, ax, untimed_kw)
    used = max((row or 0 for _, row in places.values()), default=0)
    bottom = -0.1 - 0.65 * used - (0.3 if omitted and not used else 0.0)
    ax.set_ylim(bottom, 1.1 if untimed is None else 1.9)
    ax.set_yticks([])
    ax.set_ylabel("tokens")
    return SpanArtists(boxes, labels, drawn_leaders, markers, untimed, many)


def _boxes(
    ax: Axes, timed: Mapping[int, tuple[float, float]], first: int, given: Keywords
) -> tuple[dict[int, Rectangle], PolyCollection | None]:
    """A box from start to end of each token; of too many one collection for all."""
    boxes: dict[int, Rectangle] = {}
    if len(timed) > MOST_AREAS:
        start, end = np.array(list(timed.values())).T
        numbers = [first + index for index in timed]
        return boxes, crowd(ax, box_outlines(start, end, 0.0, 1.0), numbers, given)
    for index, (begin, stop) in timed.items():
        look = styled(given, **{**token_look(first + index), "linewidth": 0.8, "alpha": 1.0})
        boxes[index] = Rectangle((begin, 0.0), stop - begin, 1.0, **look)
        ax.add_patch(boxes[index])
    return boxes, None


def _label(
    ax: Axes, centre: float, height: float, name: str, size: float, label_kw: Keywords
) -> Text:
    """The name of a token, on a light ground so that it can be read over a pattern."""
    look = styled(
        label_kw,
        fontsize=size,
        horizontalalignment="center",
        verticalalignment="center",
        color=STYLE["label"],
        bbox={"facecolor": STYLE["halo"], "edgecolor": "none", "alpha": 0.85, "pad": 1.0},
        zorder=4,
        **plain_text(),
    )
    return ax.text(centre, height, name, **look)


def _place(
    names: Mapping[int, str], spans: Mapping[int, tuple[float, float]], ax: Axes
) -> tuple[float, dict[int, tuple[float, int | None]]]:
    """Size of the labels, and centre and row of each: row 0 is inside the box, None is nowhere."""
    left, right = sorted(ax.get_xlim())
    gap = 4.0 * (right - left) / width_in_points(ax)
    for size in LABEL_SIZES:
        widths = dict(zip(names, text_widths(names.values(), size, ax), strict=True))
        centres, below = {}, []
        for index, (start, end) in spans.items():
            widths[index] += gap
            half = widths[index] / 2
            centres[index] = min(max((start + end) / 2, left + half), max(left, right - half))
            if widths[index] > end - start:
                below.append(index)
        found = geometry.label_rows(
            [centres[index] for index in below],
            [widths[index] for index in below],
            rows=LABEL_ROWS,
        )
        rows = {
            index: None if row is None else row + 1 for index, row in zip(below, found, strict=True)
        }
        if None not in rows.values():
            break
    return size, {index: (centres[index], rows.get(index, 0)) for index in names}


def _list_untimed(alignment: Alignment, first: int, ax: Axes, untimed_kw: Keywords) -> Text | None:
    """One line that names the tokens without times, by number and name."""
    entries = [
        f"{index} {displayable(token.token)}"
        for index, token in enumerate(alignment, first)
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
    look = styled(
        untimed_kw,
        transform=ax.transAxes,
        fontsize=STYLE["text_size"],
        verticalalignment="top",
        horizontalalignment="left",
        zorder=5,
        **plain_text(),
    )
    return ax.text(0.005, 0.97, text, **look)
