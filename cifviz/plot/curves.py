"""CIF over time: weights, fires, the integrator's sawtooth and the mass axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle, StepPatch
from matplotlib.patheffects import withStroke
from matplotlib.text import Text

from cifviz.alignment.mass_times import one_utterance
from cifviz.core.firing import Firing
from cifviz.plot import geometry
from cifviz.plot.canvas import (
    MOST_AREAS,
    add_lines,
    box_outlines,
    crowd,
    resolve,
    show_time,
    width_in_points,
)
from cifviz.plot.palette import STYLE, Keywords, styled, token_look
from cifviz.timing import FrameGrid

CROWDED = 8.0
"""Points between fires below which their lines are plain and thin."""


class FireArtists(NamedTuple):
    """What `fires` drew."""

    lines: LineCollection
    markers: PathCollection


class WeightArtists(NamedTuple):
    """What `weights` drew."""

    given: StepPatch | None
    """None without frames."""
    scaled: StepPatch | None
    """None where the weights were used as given."""
    threshold: Line2D
    threshold_label: Text
    legend: Legend | None


class AccumulationArtists(NamedTuple):
    """What `accumulation` drew."""

    line: Line2D
    teeth: tuple[PolyCollection, ...]
    """One for each token, and one for the residual after the last fire; of more than `MOST_AREAS`
    one for all."""
    fires: FireArtists
    threshold: Line2D
    threshold_label: Text


class MassArtists(NamedTuple):
    """What `mass_axis` drew."""

    line: Line2D
    boxes: tuple[Rectangle | PolyCollection, ...]
    """One for each contribution, in the order of `geometry.contribution_boxes`; of more than
    `MOST_AREAS` one collection for all."""
    token_lines: LineCollection
    """Horizontal, at whole tokens."""
    drops: LineCollection
    """From each fire down to the time axis."""
    markers: PathCollection
    """Where the curve reaches the end of a token."""
    threshold_label: Text


def fires(
    firing: Firing,
    grid: FrameGrid,
    *,
    ax: Axes | None = None,
    within: geometry.Within = None,
    marker_kw: Keywords = None,
    **kwargs: Any,
) -> FireArtists:
    """Draw the fires: a line through the Axes and a marker on top of it.

    Parameters
    ----------
    firing : Firing
        Of one utterance.
    grid : FrameGrid
        Clock of its frames.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    within : (float, float), optional
        From when to when, seconds: what lies outside is not drawn. Default: everything.
    marker_kw : mapping, optional
        For the markers.
    **kwargs
        For the lines.

    Returns
    -------
    FireArtists
        A token made of the weight left at the end has a dashed line and a hollow marker.

    Raises
    ------
    CIFError
        If the firing is a batch of several utterances or `ax` is no Axes.

    Examples
    --------
    >>> import torch
    >>> from matplotlib.figure import Figure
    >>> from cifviz.core.firing import integrate_and_fire
    >>> firing = integrate_and_fire(torch.full((1, 4), 0.5), torch.eye(4)[None])
    >>> artists = fires(firing, FrameGrid(0.1), ax=Figure().subplots())
    >>> artists.markers.get_offsets()[:, 0].tolist()
    [0.2, 0.4]

    Notes
    -----
    Notebook: notebooks/01_integrate_and_fire.ipynb
    """
    ax = resolve(ax)
    one = one_utterance(firing)
    times, is_tail = geometry.fire_times(one, grid), _is_tail(one)
    if within is not None:
        shown = (times >= within[0]) & (times <= within[1])
        times, is_tail = times[shown], np.asarray(is_tail, dtype=bool)[shown].tolist()
    space = width_in_points(ax) / max(1, len(times))  # of each fire: the more fires, the thinner
    halo = withStroke(linewidth=2.5 if space > 20 else 1.2, foreground=STYLE["halo"], alpha=0.8)
    is_crowded = space < CROWDED  # halos would cover what is between them
    across = ax.get_xaxis_transform()  # x in seconds, y from the bottom of the Axes to its top
    look = styled(
        kwargs,
        colors=STYLE["fire"],
        linewidths=0.9 if space > 20 else 0.3 if is_crowded else 0.5,
        linestyles=["--" if tail else "-" for tail in is_tail] or "-",
        path_effects=None if is_crowded or STYLE["ground"] == "none" else [halo],
        alpha=0.5 if is_crowded else None,
        zorder=2.5,
    )
    lines = add_lines(ax, [[(time, 0), (time, 1)] for time in times], transform=across, **look)
    tops = np.column_stack([times, np.ones(len(times))])
    size = min(max(space / 3, 2.0), 4.7)
    markers = _markers(ax, tops, is_tail, marker_kw, transform=across, s=size**2)
    show_time(ax, grid.seconds(0), grid.seconds(one.alpha.shape[1]))
    return FireArtists(lines, markers)


def weights(
    firing: Firing,
    grid: FrameGrid,
    *,
    ax: Axes | None = None,
    within: geometry.Within = None,
    scaled_kw: Keywords = None,
    threshold_kw: Keywords = None,
    **kwargs: Any,
) -> WeightArtists:
    """Draw the weight of each frame, and the weights as scaled where they differ.

    Parameters
    ----------
    firing : Firing
        Of one utterance.
    grid : FrameGrid
        Clock of its frames.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    within : (float, float), optional
        From when to when, seconds: what lies outside is not drawn. Default: everything.
    scaled_kw, threshold_kw : mapping, optional
        For the steps of the scaled weights and for the line of β.
    **kwargs
        For the steps of the weights as given.

    Returns
    -------
    WeightArtists
        Where no weight reaches half of β, the line of β lies above the picture and its label points
        up to it, so that small weights can be read.

    Raises
    ------
    CIFError
        If the firing is a batch of several utterances or `ax` is no Axes.

    Examples
    --------
    >>> import torch
    >>> from matplotlib.figure import Figure
    >>> from cifviz.core.firing import integrate_and_fire
    >>> firing = integrate_and_fire(torch.full((1, 4), 0.5), torch.eye(4)[None])
    >>> artists = weights(firing, FrameGrid(0.1), ax=Figure().subplots())
    >>> artists.given.get_data().values.tolist(), artists.threshold_label.get_text()
    ([0.5, 0.5, 0.5, 0.5], ' β = 1')

    Notes
    -----
    Notebook: notebooks/01_integrate_and_fire.ipynb
    """
    ax = resolve(ax)
    one = one_utterance(firing)
    steps = geometry.steps_within(geometry.weight_steps(one, grid), within)
    steps = geometry.visible_steps(steps)
    given = scaled = legend = None
    if len(steps.given):
        look = styled(kwargs, color=STYLE["weight"], fill=True, alpha=0.7, label="α as given")
        given = ax.stairs(steps.given, steps.edges, **look)
    if not np.array_equal(steps.given, steps.scaled):
        look = styled(scaled_kw, color=STYLE["scaled_weight"], linewidth=1.2, label="α scaled")
        scaled = ax.stairs(steps.scaled, steps.edges, **look)
        legend = ax.legend(loc="upper right", ncols=2, fontsize=STYLE["text_size"])
    highest = max(steps.given.max(initial=0.0), steps.scaled.max(initial=0.0))
    far_above = bool(0 < highest < one.threshold / 2)
    line, label = _threshold(ax, one.threshold, threshold_kw, far_above=far_above)
    if legend is not None and far_above:
        ax.set_ylim(0, 1.4 * highest)  # space for the legend above the weights
    ax.set_ylabel("weight per frame")
    show_time(ax, steps.edges[0], steps.edges[-1])
    return WeightArtists(given, scaled, line, label, legend)


def accumulation(
    firing: Firing,
    grid: FrameGrid,
    *,
    ax: Axes | None = None,
    within: geometry.Within = None,
    tooth_kw: Keywords = None,
    fire_kw: Keywords = None,
    threshold_kw: Keywords = None,
    **kwargs: Any,
) -> AccumulationArtists:
    """Draw the integrator: it climbs with the weights, and at β it fires and drops.

    Parameters
    ----------
    firing : Firing
        Of one utterance.
    grid : FrameGrid
        Clock of its frames.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    within : (float, float), optional
        From when to when, seconds: what lies outside is not drawn. Default: everything.
    tooth_kw, fire_kw, threshold_kw : mapping, optional
        For the areas under the teeth, for `fires`, and for the line of β.
    **kwargs
        For the sawtooth.

    Returns
    -------
    AccumulationArtists
        Under each tooth the colour and the pattern of its token; the residual is grey.

    Raises
    ------
    CIFError
        If the firing is a batch of several utterances or `ax` is no Axes.

    Examples
    --------
    >>> import torch
    >>> from matplotlib.figure import Figure
    >>> from cifviz.core.firing import integrate_and_fire
    >>> firing = integrate_and_fire(torch.full((1, 3), 0.5), torch.eye(3)[None])
    >>> artists = accumulation(firing, FrameGrid(1.0), ax=Figure().subplots())
    >>> artists.line.get_ydata().tolist()
    [0.0, 0.5, 1.0, 0.0, 0.5]

    Notes
    -----
    Notebook: notebooks/01_integrate_and_fire.ipynb
    """
    ax = resolve(ax)
    one = one_utterance(firing)
    teeth = geometry.accumulation_teeth(one, grid)
    begins, ends = np.array([tooth.seconds[[0, -1]] for tooth in teeth]).T
    shown = geometry.overlapping(begins, ends, within)
    areas = _tooth_areas(ax, teeth, shown, tooth_kw)
    nothing = geometry.Curve(np.zeros(0), np.zeros(0))
    curve = map(np.concatenate, zip(nothing, *teeth[shown], strict=True))
    (line,) = ax.plot(*curve, **styled(kwargs, color=STYLE["level"], linewidth=1.2, zorder=3))
    threshold, label = _threshold(ax, one.threshold, threshold_kw)
    ax.set_ylabel("accumulated weight")
    drawn_fires = fires(one, grid, ax=ax, within=within, **(fire_kw or {}))
    return AccumulationArtists(line, areas, drawn_fires, threshold, label)


def mass_axis(
    firing: Firing,
    grid: FrameGrid,
    *,
    ax: Axes | None = None,
    box_kw: Keywords = None,
    token_line_kw: Keywords = None,
    drop_kw: Keywords = None,
    marker_kw: Keywords = None,
    **kwargs: Any,
) -> MassArtists:
    """Draw the mass axis over time: the weights laid end to end, cut into tokens.

    Parameters
    ----------
    firing : Firing
        Of one utterance.
    grid : FrameGrid
        Clock of its frames.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    box_kw, token_line_kw, drop_kw, marker_kw : mapping, optional
        For the boxes, the lines at whole tokens, the lines from the fires down to the time axis,
        and the markers where the curve reaches a token's end.
    **kwargs
        For the curve of the running sum.

    Returns
    -------
    MassArtists
        Mass is in tokens, ``S / β``. The box of a frame and a token is as high as the contribution
        W. A negative one, which a token pays back, is white.

    Raises
    ------
    CIFError
        If the firing is a batch of several utterances or `ax` is no Axes.

    Examples
    --------
    >>> import torch
    >>> from matplotlib.figure import Figure
    >>> from cifviz.core.firing import integrate_and_fire
    >>> firing = integrate_and_fire(torch.full((1, 3), 0.5), torch.eye(3)[None], threshold=0.5)
    >>> artists = mass_axis(firing, FrameGrid(1.0), ax=Figure().subplots())
    >>> artists.line.get_ydata().tolist(), artists.markers.get_offsets().tolist()
    ([0.0, 1.0, 2.0, 3.0], [[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])

    Notes
    -----
    Notebook: notebooks/01_integrate_and_fire.ipynb
    """
    ax = resolve(ax)
    one = one_utterance(firing)
    mass = geometry.mass_curve(one, grid)
    boxes = _mass_boxes(ax, one, grid, box_kw)
    look = styled(kwargs, color=STYLE["level"], linewidth=1.4, zorder=3)
    (line,) = ax.plot(mass.seconds, mass.level / one.threshold, **look)
    token_lines = _token_levels(ax, mass.level[-1] / one.threshold, token_line_kw)
    levels = geometry.fire_masses(one) / one.threshold
    points = np.column_stack([geometry.fire_times(one, grid), levels])
    look = styled(drop_kw, colors=STYLE["fire"], linewidths=0.8, zorder=3)
    drops = add_lines(ax, [[(time, 0), (time, level)] for time, level in points], **look)
    markers = _markers(ax, points, _is_tail(one), styled(marker_kw, marker="o"))
    label = _right_label(ax, 1.0, f" β = {one.threshold:g}")
    ax.set_ylabel("mass (tokens)")
    show_time(ax, mass.seconds[0], mass.seconds[-1])
    return MassArtists(line, boxes, token_lines, drops, markers, label)


def _tooth_areas(
    ax: Axes, teeth: Sequence[geometry.Curve], shown: slice, tooth_kw: Keywords
) -> tuple[PolyCollection, ...]:
    """The areas under the teeth, in the looks of their tokens; the last tooth is the residual."""
    tokens = [*range(len(teeth) - 1), None][shown]
    teeth = teeth[shown]
    if len(teeth) > MOST_AREAS:
        outlines = [
            np.column_stack([np.append(time, [time[-1], time[0]]), np.append(level, [0, 0])])
            for time, level in teeth
        ]
        return (crowd(ax, outlines, tokens, tooth_kw),)
    return tuple(
        ax.fill_between(*tooth, **styled(tooth_kw, **token_look(token)))
        for token, tooth in zip(tokens, teeth, strict=True)
    )


def _mass_boxes(
    ax: Axes, one: Firing, grid: FrameGrid, box_kw: Keywords
) -> tuple[Rectangle | PolyCollection, ...]:
    """A box for each contribution, in tokens; white for what a token pays back."""
    drawn = []
    boxes = geometry.contribution_boxes(one, grid)
    if len(boxes.token) > MOST_AREAS:
        levels = boxes.lower / one.threshold, boxes.upper / one.threshold
        return (crowd(ax, box_outlines(boxes.start, boxes.end, *levels), boxes.token, box_kw),)
    for token, left, right, lower, upper in zip(
        boxes.token, boxes.start, boxes.end, boxes.lower, boxes.upper, strict=True
    ):
        look = {**token_look(int(token)), "linewidth": 0.4}
        if upper < lower:
            look["facecolor"] = STYLE["halo"]
        corner, height = (left, lower / one.threshold), (upper - lower) / one.threshold
        drawn.append(Rectangle(corner, right - left, height, **styled(box_kw, **look)))
        ax.add_patch(drawn[-1])
    return tuple(drawn)


def _token_levels(ax: Axes, top: float, token_line_kw: Keywords) -> LineCollection:
    """Horizontal lines and ticks at whole tokens, up to the highest mass."""
    ends = list(range(1, max(1, int(np.floor(top + geometry.ROUNDING))) + 1))
    look = styled(
        token_line_kw, colors=STYLE["threshold"], linewidths=0.6, linestyles=":", zorder=2
    )
    across = ax.get_yaxis_transform()  # x from the left of the Axes to its right, y in tokens
    lines = add_lines(ax, [[(0, end), (1, end)] for end in ends], transform=across, **look)
    if ax.get_autoscaley_on():
        ax.set_ylim(0, max(1.0, top) * 1.05)
    step = int(np.ceil(len(ends) / 10))
    ax.set_yticks([0, *ends[step - 1 :: step]])
    return lines


def _is_tail(one: Firing) -> list[bool]:
    """True for each fire that is the weight left at the end."""
    fires = int(one.num_fires[0])
    return [bool(one.tail_fired[0]) and index == fires - 1 for index in range(fires)]


def _markers(
    ax: Axes, points: np.ndarray, is_tail: list[bool], marker_kw: Keywords, **kwargs: Any
) -> PathCollection:
    """Markers of fires, hollow for a tail. They do not move the limits of the Axes."""
    look = styled(
        kwargs,
        marker="v",
        s=22,
        facecolors=[STYLE["halo" if tail else "fire"] for tail in is_tail] or "none",
        edgecolors=STYLE["fire"],
        linewidths=0.9,
        zorder=5,
        clip_on=False,
    )
    limits = ax.dataLim.frozen(), ax.get_autoscalex_on(), ax.get_autoscaley_on()
    ax.set_autoscale_on(False)
    markers = ax.scatter(points[:, 0], points[:, 1], **styled(marker_kw, **look))
    ax.dataLim.set(limits[0])
    ax.set_autoscalex_on(limits[1])
    ax.set_autoscaley_on(limits[2])
    return markers


def _threshold(
    ax: Axes, threshold: float, threshold_kw: Keywords, *, far_above: bool = False
) -> tuple[Line2D, Text]:
    """The line of β and its name to the right; where it is `far_above`, it may lie out of sight."""
    look = styled(
        threshold_kw,
        color=STYLE["threshold"],
        linewidth=1.0,
        linestyle="--",
        zorder=2,
        transform=ax.get_yaxis_transform(),
    )
    line = Line2D([0.0, 1.0], [threshold, threshold], **look)
    line.sticky_edges.y.append(0.0)  # nothing but a negative level needs space below 0
    ax.add_artist(line)
    seen = threshold / 10 if far_above else threshold
    ax.update_datalim([(0.0, 0.0), (0.0, seen)], updatex=False)
    ax.autoscale_view(scalex=False)
    if far_above:
        text = f" β = {threshold:g} ↑"
        label = _right_label(ax, 1.0, text, transform=ax.transAxes, verticalalignment="top")
        return line, label
    return line, _right_label(ax, threshold, f" β = {threshold:g}")


def _right_label(ax: Axes, height: float, text: str, **kwargs: Any) -> Text:
    """A short text to the right of the Axes, at a height of its y axis."""
    look = styled(
        kwargs,
        transform=ax.get_yaxis_transform(),
        color=STYLE["threshold"],
        fontsize=STYLE["text_size"],
        verticalalignment="center",
        horizontalalignment="left",
    )
    return ax.text(1.0, height, text, **look)
