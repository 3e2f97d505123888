"""Neurons over time: a membrane potential with its spikes, and a raster of the spikes of many."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.lines import Line2D
from matplotlib.patches import StepPatch
from torch import Tensor

from cifviz.core.neurons import Membrane
from cifviz.errors import require, require_type
from cifviz.plot.canvas import add_lines, resolve, show_time
from cifviz.plot.palette import STYLE, Keywords, styled
from cifviz.timing import FrameGrid


class MembraneArtists(NamedTuple):
    """What `membrane` drew."""

    potential: Line2D
    """From the potential after a frame up to the peak of the next one, and down at its spikes."""
    threshold: StepPatch | None
    """None without frames."""
    spikes: PathCollection
    """One at the end of each frame with spikes, larger where there are several."""
    drops: LineCollection


class RasterArtists(NamedTuple):
    """What `spike_raster` drew."""

    spikes: LineCollection
    """A stroke for each."""


def membrane(
    trace: Membrane,
    grid: FrameGrid,
    *,
    ax: Axes | None = None,
    threshold_kw: Keywords = None,
    spike_kw: Keywords = None,
    **kwargs: Any,
) -> MembraneArtists:
    """Draw the membrane potential of a neuron, its threshold and its spikes.

    Parameters
    ----------
    trace : Membrane
        Of one utterance, as `cifviz.core.neurons.NeuronRule.run` gives it.
    grid : FrameGrid
        Clock of its frames.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    threshold_kw, spike_kw : mapping, optional
        For the threshold and for the spikes.
    **kwargs
        For the potential.

    Returns
    -------
    MembraneArtists
        Within a frame the potential goes in a straight line to its peak; a spike is drawn at the
        frame's end.

    Raises
    ------
    CIFError
        If it is a batch of more than one, or `ax` is no Axes.

    Examples
    --------
    >>> import torch
    >>> from matplotlib.figure import Figure
    >>> from cifviz.core.neurons import NeuronRule
    >>> trace, _, _ = NeuronRule().run(torch.tensor([[0.6, 0.6, 0.2]]))
    >>> artists = membrane(trace, FrameGrid(0.1), ax=Figure().subplots())
    >>> artists.spikes.get_offsets().tolist()
    [[0.2, 1.0]]
    """
    # 1. The numbers.
    ax = resolve(ax)
    require_type("trace", trace, Membrane)
    require(
        len(trace.peak) == 1,
        f"expected the membrane of one utterance, got a batch of {len(trace.peak)}",
    )
    peak, potential, threshold, spikes = (one[0].cpu().numpy() for one in trace)
    edges = grid.seconds(np.arange(len(peak) + 1, dtype=np.float64))
    fired = np.flatnonzero(spikes)

    # 2. The potential: up to the peak, and down at a spike.
    times = np.concatenate([edges[:1], np.repeat(edges[1:], 2)])
    levels = np.concatenate([[0.0], np.stack([peak, potential], axis=1).ravel()])
    look = styled(kwargs, color=STYLE["scaled_weight"], linewidth=1.4)
    (line,) = ax.plot(times, levels, **look)

    # 3. Threshold and spikes.
    steps = None
    if len(peak):
        look = styled(threshold_kw, color=STYLE["level"], fill=False, linestyle="--", linewidth=0.9)
        steps = ax.stairs(threshold, edges, baseline=None, **look)
    drops = add_lines(
        ax,
        [[(edges[n + 1], peak[n]), (edges[n + 1], potential[n])] for n in fired],
        color=STYLE["fire"],
        linewidth=0.8,
    )
    look = styled(
        spike_kw, color=STYLE["fire"], marker="|", s=90 * spikes[fired], linewidths=1.6, zorder=3
    )
    marks = ax.scatter(edges[fired + 1], threshold[fired], **look)
    ax.set_ylabel("potential")
    show_time(ax, edges[0], edges[-1])
    return MembraneArtists(line, steps, marks, drops)


def spike_raster(
    spikes: Tensor | np.ndarray,
    grid: FrameGrid,
    *,
    ax: Axes | None = None,
    **kwargs: Any,
) -> RasterArtists:
    """Draw a raster: a row for each neuron, a stroke in each frame in which it spikes.

    Parameters
    ----------
    spikes : Tensor or array (frames, neurons)
        0 where a neuron does not spike.
    grid : FrameGrid
        Clock of the frames.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    **kwargs
        For the strokes.

    Returns
    -------
    RasterArtists

    Raises
    ------
    CIFError
        If there are not two axes, or `ax` is no Axes.

    Examples
    --------
    Neuron 1 spikes in frame 0, in the middle of which the stroke is:

    >>> from matplotlib.figure import Figure
    >>> artists = spike_raster(np.array([[0, 1]]), FrameGrid(0.1), ax=Figure().subplots())
    >>> [path.vertices.tolist() for path in artists.spikes.get_paths()]
    [[[0.05, 0.6], [0.05, 1.4]]]
    """
    ax = resolve(ax)
    values = spikes.detach().cpu().numpy() if isinstance(spikes, Tensor) else np.asarray(spikes)
    require(values.ndim == 2, f"spikes must be (frames, neurons), got {values.shape}")
    frames, neurons = values.nonzero()
    times = grid.seconds(frames + 0.5)
    strokes = [
        [(time, neuron - 0.4), (time, neuron + 0.4)]
        for time, neuron in zip(times, neurons, strict=True)
    ]
    drawn = add_lines(ax, strokes, **styled(kwargs, color=STYLE["fire"], linewidth=0.9))
    if ax.get_autoscaley_on():
        ax.set_ylim(-0.5, max(1, values.shape[1]) - 0.5)
    ax.set_ylabel("neuron")
    show_time(ax, grid.seconds(0.0), grid.seconds(float(len(values))))
    return RasterArtists(drawn)
