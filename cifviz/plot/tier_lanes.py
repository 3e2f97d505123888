"""Several alignments of one sound below each other, each with words over their phones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from cifviz.alignment.timed_tokens import Alignment
from cifviz.errors import require
from cifviz.plot.canvas import (
    add_lines,
    displayable,
    plain_text,
    resolve,
    show_time,
    text_widths,
    width_in_points,
)
from cifviz.plot.palette import STYLE, Keywords, styled, token_look

NAME_COLUMNS = 24
"""Space for the name of a lane at its left; see `cifviz.plot.canvas.displayable`."""
_TOP, _HEIGHT = 0.08, 0.42
"""In a lane of height 1: where its first tier begins, and how high a tier is."""


class TierArtists(NamedTuple):
    """What `tier_lanes` drew."""

    boxes: dict[tuple[str, str, int], Rectangle]
    """By lane, tier and index: a box for each token with times."""
    labels: dict[tuple[str, str, int], Text]
    """Those that do not touch the one before."""
    edges: LineCollection
    """Edges of the first tier of the first lane, across all lanes."""
    alt: str
    """What there is to see, in words."""


def tier_lanes(
    lanes: Mapping[str, Mapping[str, Alignment]],
    *,
    ax: Axes | None = None,
    label_kw: Keywords = None,
    edge_kw: Keywords = None,
    **kwargs: object,
) -> TierArtists:
    """Draw the tiers of several alignments, the first lane on top.

    Parameters
    ----------
    lanes : mapping of str to mapping of str to Alignment
        By the name of the lane: its tiers, one or two, such as `Transcription.tiers`. The first
        lane is what the others are compared with.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    label_kw, edge_kw : mapping, optional
        For the names of the tokens, and for the lines at the edges of the first lane.
    **kwargs
        For the boxes.

    Returns
    -------
    TierArtists
        A token without times has no box.

    Raises
    ------
    CIFError
        If a lane has no tier or more than two, or `ax` is no Axes.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from cifviz.alignment.timed_tokens import TimedToken
    >>> one = {"words": Alignment((TimedToken("go", 0.2, 0.5),))}
    >>> other = {"words": Alignment((TimedToken("go", 0.1, 0.54),))}
    >>> tier_lanes({"true": one, "found": other}, ax=Figure().subplots()).alt
    'Lanes over time: true; found, words on average 70 ms off.'
    """
    # 1. A box for each token.
    ax = resolve(ax)
    boxes: dict[tuple[str, str, int], Rectangle] = {}
    for row, (lane, tiers) in enumerate(lanes.items()):
        require(0 < len(tiers) <= 2, f"lane {lane!r}: expected one tier or two, got {len(tiers)}")
        for place, (tier, alignment) in enumerate(tiers.items()):
            for index, (start, end) in _timed(alignment).items():
                look = token_look(index if place == 0 else None)
                look |= {"linewidth": 0.6, "alpha": 1.0}
                bottom = row + _TOP + _HEIGHT * place
                corner = (start, bottom)
                box = Rectangle(corner, end - start, _HEIGHT, **styled(kwargs, **look))
                ax.add_patch(box)
                boxes[lane, tier, index] = box
    spans = [(box.get_x(), box.get_x() + box.get_width()) for box in boxes.values()]
    show_time(ax, min((s for s, _ in spans), default=0.0), max((e for _, e in spans), default=0.0))

    # 2. The edges of the first lane, and names.
    first = _timed(_first_tier(lanes)).values() if lanes else ()
    times = sorted({time for span in first for time in span})
    look = {"colors": STYLE["level"], "linewidths": 0.7, "linestyles": ":", "zorder": 2}
    lines = [[(time, 0.0), (time, float(len(lanes)))] for time in times]
    edges = add_lines(ax, lines, **styled(edge_kw, **look))
    labels = _labels(ax, lanes, boxes, label_kw)
    size = STYLE["text_size"]
    names = [displayable(name, NAME_COLUMNS) for name in lanes]
    ax.set_yticks(np.arange(len(lanes)) + 0.5, names, fontsize=size, **plain_text())
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(max(len(lanes), 1), 0)
    return TierArtists(boxes, labels, edges, _alt(lanes))


def _first_tier(lanes: Mapping[str, Mapping[str, Alignment]]) -> Alignment:
    return next(iter(next(iter(lanes.values())).values()))


def _timed(alignment: Alignment) -> dict[int, tuple[float, float]]:
    """Start and end of each token with times, by its index."""
    return {
        index: (token.start, token.end)
        for index, token in enumerate(alignment)
        if token.start is not None and token.end is not None
    }


def _labels(
    ax: Axes,
    lanes: Mapping[str, Mapping[str, Alignment]],
    boxes: Mapping[tuple[str, str, int], Rectangle],
    given: Keywords,
) -> dict[tuple[str, str, int], Text]:
    """The names of the tokens on a light ground; none where it would touch its neighbours."""
    left, right = sorted(ax.get_xlim())
    point, size = (right - left) / width_in_points(ax), STYLE["text_size"]
    names = {key: displayable(lanes[key[0]][key[1]].tokens[key[2]].token) for key in boxes}
    widths = text_widths(names.values(), size, ax)
    paper = {"facecolor": STYLE["halo"], "edgecolor": "none", "alpha": 0.85, "pad": 0.6}
    look = {"ha": "center", "va": "center", "fontsize": size, "zorder": 4, "bbox": paper}
    labels: dict[tuple[str, str, int], Text] = {}
    ends: dict[tuple[str, str], float] = {}
    for (key, name), width in zip(names.items(), widths, strict=True):
        box, tier = boxes[key], (key[0], key[1])
        centre = box.get_x() + box.get_width() / 2
        if centre - width / 2 > ends.get(tier, left):
            place = centre, box.get_y() + _HEIGHT / 2
            labels[key] = ax.text(*place, name, **styled(given, **look, **plain_text()))
            ends[tier] = centre + width / 2 + point
    return labels


def _alt(lanes: Mapping[str, Mapping[str, Alignment]]) -> str:
    """The lanes by name, and how far each is from the first one."""
    if not lanes:
        return "No lane."
    (reference, tiers), *others = lanes.items()
    tier, true = next(iter(tiers)), _first_tier(lanes)
    described = [reference]
    for name, other in others:
        found = next(iter(other.values()))
        both = _timed(true).keys() & _timed(found).keys()
        errors = [
            abs(_timed(true)[index][side] - _timed(found)[index][side])
            for index in both
            for side in (0, 1)
        ]
        if errors and len(true) == len(found):
            mean = f"{1000 * float(np.mean(errors)):.0f} ms"
            described.append(f"{name}, {tier} on average {mean} off")
        else:
            described.append(name)
    return f"Lanes over time: {'; '.join(described)}."
