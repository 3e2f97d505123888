"""`Track`: a lane of the panel, for `cifviz.plot.tracks`, which imports and lists them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes

from cifviz.systems.transcription import Transcription

NARROW = 4.0
"""Points of 1/72 inch: boxes and teeth that are narrower, on the average, show nothing."""


@dataclass(frozen=True)
class Track:
    """A lane of the panel."""

    title: str
    """Label of its y axis, with the unit."""
    height: float
    """Inches."""
    draw: Callable[[Transcription, Axes], object]
    """Draws it on the Axes, whose x axis is in seconds. What it returns may say in words, as its
    `left_out`, what found no space."""
    describe: Callable[[Transcription], str]
    """What it shows, for the alternative text; empty where there is nothing to show. The panel
    leaves out a track without a description."""
    shows_fires: bool = True
    """Whether the panel draws the fires through it."""
    times: Callable[[Transcription], Any] | None = None
    """Where there is one thing beside the other, such as a token (things,), seconds."""
    crowded: Track | None = None
    """What is drawn instead where less than `NARROW` points are left for each of these things."""
