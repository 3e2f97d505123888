"""`Track`: a lane of the panel, for `cifviz.plot.tracks`, which imports and lists them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.axes import Axes

from cifviz.systems.transcription import Transcription


@dataclass(frozen=True)
class Track:
    """A lane of the panel."""

    title: str
    """Label of its y axis, with the unit."""
    height: float
    """Inches."""
    draw: Callable[[Transcription, Axes], object]
    """Draws it on the Axes, whose x axis is in seconds."""
    describe: Callable[[Transcription], str]
    """What it shows, for the alternative text; empty where there is nothing to show. The panel
    leaves out a track without a description."""
    shows_fires: bool = True
    """Whether the panel draws the fires through it."""
