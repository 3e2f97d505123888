"""Lanes of the panel that some systems alone have: pictures, membranes, spikes, a staircase."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes

from cifviz.plot.canvas import seen
from cifviz.plot.membranes import MembraneArtists, RasterArtists, membrane, spike_raster
from cifviz.plot.palette import STYLE
from cifviz.plot.staircases import StaircaseArtists, read_write_staircase
from cifviz.plot.track import Track
from cifviz.systems.lip_reading import VIDEO
from cifviz.systems.segment_translator import DELAYS
from cifviz.systems.spiking import RASTER, membrane_of, neuron_of
from cifviz.systems.transcription import Transcription

PICTURES_HEIGHT = 0.55
"""Inches of the lane of pictures."""


def _window(transcription: Transcription, ax: Axes) -> tuple[float, float]:
    """What the Axes shows, or all frames."""
    if transcription.firing is not None:
        frames = transcription.firing.alpha.shape[1]
    else:
        frames = transcription.rows.shape[1]
    begin, end = seen(ax) or (0.0, transcription.grid.seconds(frames))
    return begin, max(end, begin + transcription.grid.shift)


def _pictures(transcription: Transcription, ax: Axes) -> None:
    """As many pictures as find room side by side, each the one in the middle of its place."""
    video = np.asarray(transcription.extras[VIDEO])
    begin, end = _window(transcription, ax)
    width, height = ax.bbox.width, ax.bbox.height
    room = width / (height * video.shape[2] / video.shape[1])
    # Some pixels are left between them; an Axes without a size shows one.
    count = max(1, min(math.floor(0.95 * room), len(video)))
    times = begin + (np.arange(count) + 0.5) * (end - begin) / count
    half = 0.5 * 0.95 * (end - begin) / max(room, 1.0)
    for time in times:
        place = math.floor(transcription.grid.frame(float(time)))
        if 0 <= place < len(video):
            ax.imshow(
                video[place],
                extent=(time - half, time + half, 0.0, 1.0),
                aspect="auto",
                cmap=STYLE["video"],
                vmin=0,
                vmax=255,
            )
    ax.set_xlim(begin, end)
    ax.set_ylim(-0.05, 1.05)
    ax.set_yticks([])


def _has_pictures(transcription: Transcription) -> str:
    return "pictures" if len(transcription.extras.get(VIDEO, ())) else ""


def _membrane(transcription: Transcription, ax: Axes) -> MembraneArtists:
    trace = membrane_of(transcription)
    assert trace is not None
    return membrane(trace, transcription.grid, ax=ax)


def _membrane_described(transcription: Transcription) -> str:
    rule = neuron_of(transcription)
    return f"membrane potential of a neuron with the rule {rule.rule}" if rule else ""


def _spikes(transcription: Transcription, ax: Axes) -> RasterArtists:
    return spike_raster(np.asarray(transcription.extras[RASTER]), transcription.grid, ax=ax)


def _spikes_described(transcription: Transcription) -> str:
    raster = np.asarray(transcription.extras.get(RASTER, np.zeros((0, 0))))
    return f"spikes of {raster.shape[1]} neurons" if raster.size else ""


def _written(transcription: Transcription, ax: Axes) -> StaircaseArtists:
    return read_write_staircase(
        np.asarray(transcription.extras[DELAYS]),
        transcription.tokens,
        transcription.duration,
        ax=ax,
    )


PICTURES = Track("pictures", PICTURES_HEIGHT, _pictures, _has_pictures, shows_fires=False)
MEMBRANE = Track("membrane", 1.35, _membrane, _membrane_described)
SPIKES = Track("neuron", 1.2, _spikes, _spikes_described)
WRITTEN = Track(
    "tokens written",
    1.6,
    _written,
    lambda one: "tokens written while sound is read" if len(one.extras.get(DELAYS, ())) else "",
    shows_fires=False,
)
