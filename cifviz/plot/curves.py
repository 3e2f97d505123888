"""Curves over time: sound, log-mel, weights, the integrator's sawtooth and the mass axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.image import AxesImage
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle, StepPatch
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from torch import Tensor

from cifviz.audio.waveform import Waveform
from cifviz.core.firing import Firing
from cifviz.errors import require
from cifviz.plot import geometry
from cifviz.plot.canvas import SMALL, resolve, show_time, width_in_points
from cifviz.plot.palette import STYLE, token_style
from cifviz.timing import FrameGrid

LOG_MEL_RANGE = 12.0
"""Log-mel power is shown from its maximum down to this much below (nepers of power; 52 dB)."""

Keywords = Mapping[str, Any] | None


class WaveformArtists(NamedTuple):
    """What `waveform` drew."""

    line: Line2D


class LogMelArtists(NamedTuple):
    """What `log_mel` drew."""

    image: AxesImage


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
    """One for each token, and the rest after the last fire."""
    fires: FireArtists
    threshold: Line2D
    threshold_label: Text


class MassArtists(NamedTuple):
    """What `mass_axis` drew."""

    line: Line2D
    boxes: tuple[Rectangle, ...]
    """One for each contribution, in the order of `geometry.contribution_boxes`."""
    token_lines: LineCollection
    """Horizontal, at whole tokens."""
    drops: LineCollection
    """From each fire down to the time axis."""
    markers: PathCollection
    """Where the curve reaches the end of a token."""
    threshold_label: Text


def waveform(waveform: Waveform, *, ax: Axes | None = None, **kwargs: Any) -> WaveformArtists:
    """Draw sound over time.

    Parameters
    ----------
    waveform : Waveform
        What to draw; a long one by the extremes of short pieces.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    **kwargs
        For the line.

    Returns
    -------
    WaveformArtists

    Raises
    ------
    CIFError
        If `ax` is no Axes.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()
    >>> artists = waveform(Waveform(np.zeros(8000)), ax=ax)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('time (s)', 'amplitude')

    Notes
    -----
    Notebook: notebooks/00_start_here.ipynb
    """
    ax = resolve(ax)
    curve = geometry.waveform_line(waveform)
    (line,) = ax.plot(*curve, **{"color": STYLE["sound"], "linewidth": 0.6, **kwargs})
    ax.set_ylabel("amplitude")
    show_time(ax, 0.0, waveform.duration)
    return WaveformArtists(line)


def log_mel(
    features: Tensor | np.ndarray,
    grid: FrameGrid,
    *,
    frequencies: Sequence[float] | np.ndarray | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> LogMelArtists:
    """Draw log-mel features: dark is loud.

    Parameters
    ----------
    features : Tensor or array (frames, n_mels)
        Natural logarithm of mel power; `LOG_MEL_RANGE` below its maximum it fades out.
    grid : FrameGrid
        Clock of the frames.
    frequencies : sequence of float (n_mels,), optional
        Middle of each band in Hz, rising. With it the y axis is in Hz, without it in bands.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    **kwargs
        For the image.

    Returns
    -------
    LogMelArtists

    Raises
    ------
    CIFError
        If shapes disagree or `ax` is no Axes.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> artists = log_mel(np.zeros((25, 40)), FrameGrid(0.01), ax=Figure().subplots())
    >>> artists.image.get_extent()
    [0.0, 0.25, 0, 40]

    Notes
    -----
    Notebook: notebooks/00_start_here.ipynb
    """
    ax = resolve(ax)
    values = np.asarray(features.detach().cpu() if isinstance(features, Tensor) else features)
    require(values.ndim == 2, f"features must be (frames, n_mels), got {values.shape}")
    frames, bands = values.shape
    start, end = grid.seconds(0), grid.seconds(frames)
    faintest, loudest = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    look = {
        "cmap": STYLE["log_mel"],
        "interpolation": "nearest",
        "vmin": max(faintest, loudest - LOG_MEL_RANGE),
        "vmax": loudest if faintest < loudest else loudest + 1.0,  # silence is white
    }
    shown_end = end if frames else grid.seconds(1)  # an image needs some width, were it empty
    image = ax.imshow(
        values.T if values.size else np.full((1, 1), np.nan),
        **{**look, **kwargs},
        extent=(start, shown_end, 0, max(bands, 1)),
        origin="lower",
        aspect="auto",
    )
    if frequencies is None:
        ax.set_ylabel("mel band")
    else:
        middles = np.asarray(frequencies, dtype=np.float64)
        require(
            middles.shape == (bands,),
            f"expected {bands} frequencies, one for each band, got {middles.shape}",
        )
        shown = [hz for hz in (500, 1000, 2000, 4000, 8000) if middles[0] <= hz <= middles[-1]]
        heights = np.interp(shown, middles, np.arange(bands) + 0.5)
        ax.set_yticks(heights, [str(hz) for hz in shown])
        ax.set_ylabel("frequency (Hz)")
    show_time(ax, start, end)
    return LogMelArtists(image)


def fires(
    firing: Firing,
    grid: FrameGrid,
    *,
    ax: Axes | None = None,
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
    one = geometry.one_utterance(firing)
    times = geometry.fire_times(one, grid)
    is_tail = _is_tail(one)
    room = width_in_points(ax) / max(1, len(times))  # for each fire: the more, the finer
    halo = [withStroke(linewidth=2.5 if room > 20 else 1.2, foreground=STYLE["halo"], alpha=0.8)]
    look = {
        "colors": STYLE["fire"],
        "linewidths": 0.9 if room > 20 else 0.5,
        "linestyles": ["--" if tail else "-" for tail in is_tail] or "-",
        "path_effects": halo,
        "zorder": 2.5,
    }
    across = ax.get_xaxis_transform()  # x in seconds, y from the bottom of the Axes to its top
    lines = LineCollection(
        [[(time, 0.0), (time, 1.0)] for time in times], transform=across, **{**look, **kwargs}
    )
    ax.add_collection(lines, autolim=False)
    tops = np.column_stack([times, np.ones(len(times))])
    size = min(max(room / 3, 2.0), 4.7)
    markers = _markers(ax, tops, is_tail, marker_kw, transform=across, s=size**2)
    end = grid.seconds(one.alpha.shape[1])
    show_time(ax, grid.seconds(0), end)
    return FireArtists(lines, markers)


def weights(
    firing: Firing,
    grid: FrameGrid,
    *,
    ax: Axes | None = None,
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
    one = geometry.one_utterance(firing)
    steps = geometry.weight_steps(one, grid)
    given = scaled = legend = None
    if len(steps.given):
        look = {"color": STYLE["weight"], "fill": True, "alpha": 0.7, "label": "α as given"}
        given = ax.stairs(steps.given, steps.edges, **{**look, **kwargs})
    if not np.array_equal(steps.given, steps.scaled):
        look = {"color": STYLE["scaled_weight"], "linewidth": 1.2, "label": "α scaled"}
        scaled = ax.stairs(steps.scaled, steps.edges, **{**look, **(scaled_kw or {})})
        legend = ax.legend(loc="upper right", ncols=2, fontsize=SMALL)
    highest = max(steps.given.max(initial=0.0), steps.scaled.max(initial=0.0))
    far_above = bool(0 < highest < one.threshold / 2)
    line, label = _threshold(ax, one.threshold, threshold_kw, far_above=far_above)
    if legend is not None and far_above:
        ax.set_ylim(0, 1.4 * highest)  # room for the legend above the weights
    ax.set_ylabel("weight per frame")
    show_time(ax, steps.edges[0], steps.edges[-1])
    return WeightArtists(given, scaled, line, label, legend)


def accumulation(
    firing: Firing,
    grid: FrameGrid,
    *,
    ax: Axes | None = None,
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
    tooth_kw, fire_kw, threshold_kw : mapping, optional
        For the areas under the teeth, for `fires`, and for the line of β.
    **kwargs
        For the sawtooth.

    Returns
    -------
    AccumulationArtists
        Under each tooth the colour and the pattern of its token; grey is what made no token.

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
    one = geometry.one_utterance(firing)
    teeth = geometry.accumulation_teeth(one, grid)
    areas = []
    for index, tooth in enumerate(teeth):
        is_token = index < len(teeth) - 1
        colour, hatch = token_style(index) if is_token else (STYLE["rest"], "")
        look = {
            "facecolor": colour,
            "hatch": hatch,
            "edgecolor": STYLE["level"],
            "linewidth": 0,
            "alpha": 0.75,
        }
        areas.append(ax.fill_between(*tooth, **{**look, **(tooth_kw or {})}))
    curve = geometry.accumulation_curve(one, grid)
    look = {"color": STYLE["level"], "linewidth": 1.2, "zorder": 3}
    (line,) = ax.plot(*curve, **{**look, **kwargs})
    threshold, label = _threshold(ax, one.threshold, threshold_kw)
    ax.set_ylabel("accumulated weight")
    drawn_fires = fires(one, grid, ax=ax, **(fire_kw or {}))
    return AccumulationArtists(line, tuple(areas), drawn_fires, threshold, label)


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
        W; one that a token pays back stands on its own in white.

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
    one = geometry.one_utterance(firing)
    mass = geometry.mass_curve(one, grid)
    top = mass.level[-1] / one.threshold
    drawn_boxes: list[Rectangle] = []
    boxes = geometry.contribution_boxes(one, grid)
    for token, left, right, lower, upper in zip(
        boxes.token, boxes.start, boxes.end, boxes.lower, boxes.upper, strict=True
    ):
        colour, hatch = token_style(int(token))
        look = {
            "facecolor": colour if upper >= lower else STYLE["halo"],
            "hatch": hatch,
            "edgecolor": STYLE["level"],
            "linewidth": 0.4,
            "alpha": 0.75,
        }
        box = Rectangle(
            (left, lower / one.threshold),
            right - left,
            (upper - lower) / one.threshold,
            **{**look, **(box_kw or {})},
        )
        ax.add_patch(box)
        drawn_boxes.append(box)

    look = {"color": STYLE["level"], "linewidth": 1.4, "zorder": 3}
    (line,) = ax.plot(mass.seconds, mass.level / one.threshold, **{**look, **kwargs})
    ends = list(range(1, max(1, int(np.floor(top + geometry.ROUNDING))) + 1))
    look = {"colors": STYLE["threshold"], "linewidths": 0.6, "linestyles": ":", "zorder": 2}
    token_lines = LineCollection(
        [[(0.0, end), (1.0, end)] for end in ends],
        transform=ax.get_yaxis_transform(),
        **{**look, **(token_line_kw or {})},
    )
    ax.add_collection(token_lines, autolim=False)
    points = np.column_stack(
        [geometry.fire_times(one, grid), geometry.fire_masses(one) / one.threshold]
    )
    look = {"colors": STYLE["fire"], "linewidths": 0.8, "zorder": 3}
    drops = LineCollection(
        [np.array([[time, 0.0], [time, level]]) for time, level in points],
        **{**look, **(drop_kw or {})},
    )
    ax.add_collection(drops, autolim=False)
    markers = _markers(ax, points, _is_tail(one), {"marker": "o", **(marker_kw or {})})
    label = _right_label(ax, 1.0, f" β = {one.threshold:g}")
    if ax.get_autoscaley_on():
        ax.set_ylim(0, max(1.0, top) * 1.05)
    step = int(np.ceil(len(ends) / 10))
    ax.set_yticks([0, *ends[step - 1 :: step]])
    ax.set_ylabel("mass (tokens)")
    show_time(ax, mass.seconds[0], mass.seconds[-1])
    return MassArtists(line, tuple(drawn_boxes), token_lines, drops, markers, label)


def _is_tail(one: Firing) -> list[bool]:
    """True for each fire that is the weight left at the end."""
    fires = int(one.num_fires[0])
    return [bool(one.tail_fired[0]) and index == fires - 1 for index in range(fires)]


def _markers(
    ax: Axes, points: np.ndarray, is_tail: list[bool], marker_kw: Keywords, **kwargs: Any
) -> PathCollection:
    """Markers of fires, hollow for a tail. They do not move the limits of the Axes."""
    fill = [STYLE["halo"] if tail else STYLE["fire"] for tail in is_tail]
    look = {
        "marker": "v",
        "s": 22,
        "edgecolors": STYLE["fire"],
        "linewidths": 0.9,
        "zorder": 5,
        "clip_on": False,
        **kwargs,
    }
    limits = ax.dataLim.frozen(), ax.get_autoscalex_on(), ax.get_autoscaley_on()
    ax.set_autoscale_on(False)
    markers = ax.scatter(
        points[:, 0], points[:, 1], **{**look, "facecolors": fill or "none", **(marker_kw or {})}
    )
    ax.dataLim.set(limits[0])
    ax.set_autoscalex_on(limits[1])
    ax.set_autoscaley_on(limits[2])
    return markers


def _threshold(
    ax: Axes, threshold: float, threshold_kw: Keywords, *, far_above: bool = False
) -> tuple[Line2D, Text]:
    """The line of β and its name to the right; `far_above` it need not be in sight."""
    look = {"color": STYLE["threshold"], "linewidth": 1.0, "linestyle": "--", "zorder": 2}
    look |= {"transform": ax.get_yaxis_transform(), **(threshold_kw or {})}
    line = Line2D([0.0, 1.0], [threshold, threshold], **look)
    line.sticky_edges.y.append(0.0)  # nothing but a negative level needs room below 0
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
    look = {
        "transform": ax.get_yaxis_transform(),
        "color": STYLE["threshold"],
        "fontsize": SMALL,
        "verticalalignment": "center",
        "horizontalalignment": "left",
    }
    return ax.text(1.0, height, text, **{**look, **kwargs})
