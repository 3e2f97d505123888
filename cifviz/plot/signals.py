"""What a recogniser is given: sound and log-mel features over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from torch import Tensor

from cifviz.audio.waveform import Waveform
from cifviz.errors import require
from cifviz.plot import geometry
from cifviz.plot.canvas import resolve, show_time
from cifviz.plot.palette import STYLE, styled
from cifviz.timing import FrameGrid

LOG_MEL_RANGE = 12.0
"""Log-mel power is shown from its maximum down to this much below (nepers of power; 52 dB)."""


MEANS = 800
"""Columns of features that are too long to be shown frame by frame."""


class WaveformArtists(NamedTuple):
    """What `waveform` drew."""

    line: Line2D


class LogMelArtists(NamedTuple):
    """What `log_mel` drew."""

    image: AxesImage


def waveform(
    waveform: Waveform,
    *,
    ax: Axes | None = None,
    within: geometry.Within = None,
    **kwargs: Any,
) -> WaveformArtists:
    """Draw sound over time.

    Parameters
    ----------
    waveform : Waveform
        What to draw; a long one by the extremes of short pieces.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    within : (float, float), optional
        From when to when, seconds: what lies outside is not drawn. Default: everything.
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
    begin, part = sound_within(waveform, within)
    curve = geometry.waveform_line(part)
    curve = geometry.Curve(curve.seconds + begin, curve.level)
    (line,) = ax.plot(*curve, **styled(kwargs, color=STYLE["sound"], linewidth=0.6))
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
    shown_end = end if frames else grid.seconds(1)  # an image needs some width, even without frames
    values = _joined(values)
    look = {"cmap": STYLE["log_mel"], "interpolation": "nearest", **_loudness(values)}
    image = ax.imshow(
        values.T if values.size else np.full((1, 1), np.nan),
        **styled(kwargs, **look),
        extent=(start, shown_end, 0, max(bands, 1)),
        origin="lower",
        aspect="auto",
    )
    _band_axis(ax, bands, frequencies)
    show_time(ax, start, end)
    return LogMelArtists(image)


def sound_within(waveform: Waveform, within: geometry.Within) -> tuple[float, Waveform]:
    """The sound between two times, and when it begins, seconds.

    >>> begin, part = sound_within(Waveform(np.arange(10.0) / 16, 10), (0.25, 0.5))
    >>> begin, part.samples.tolist()
    (0.2, [0.125, 0.1875, 0.25])
    """
    if within is None:
        return 0.0, waveform
    rate, count = waveform.sample_rate, len(waveform.samples)
    first = min(max(0, int(np.floor(within[0] * rate))), count)
    last = min(max(first, int(np.ceil(within[1] * rate))), count)
    return first / rate, Waveform(waveform.samples[first:last], rate)


def _joined(values: np.ndarray) -> np.ndarray:
    """Of more frames than a picture shows, means of `MEANS` short times."""
    if len(values) <= geometry.MOST_COLUMNS:
        return values
    edges = np.linspace(0, len(values), MEANS + 1).astype(int)
    return np.add.reduceat(values, edges[:-1], axis=0) / np.diff(edges)[:, None]


def _loudness(values: np.ndarray) -> dict[str, float]:
    """Limits of the colours: `LOG_MEL_RANGE` below the maximum and less, all is white."""
    faintest, loudest = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    return {
        "vmin": max(faintest, loudest - LOG_MEL_RANGE),
        "vmax": loudest if faintest < loudest else loudest + 1.0,  # silence is white
    }


def _band_axis(ax: Axes, bands: int, frequencies: Sequence[float] | np.ndarray | None) -> None:
    """Make the y axis one of mel bands or, where their frequencies are known, of hertz."""
    if frequencies is None:
        ax.set_ylabel("mel band")
        return
    middles = np.asarray(frequencies, dtype=np.float64)
    require(
        middles.shape == (bands,),
        f"expected {bands} frequencies, one for each band, got {middles.shape}",
    )
    shown = [hz for hz in (500, 1000, 2000, 4000, 8000) if middles[0] <= hz <= middles[-1]]
    heights = np.interp(shown, middles, np.arange(bands) + 0.5)
    ax.set_yticks(heights, [str(hz) for hz in shown])
    ax.set_ylabel("frequency (Hz)")
