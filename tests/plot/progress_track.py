"""A track that the library does not have, in a file of its own: the share of the tokens so far."""

from __future__ import annotations

from matplotlib.axes import Axes

from cifviz.plot.track import Track
from cifviz.systems.transcription import Transcription


def draw(transcription: Transcription, ax: Axes) -> None:
    """A step at the end of each token, up to 100 %."""
    ends = [token.end for token in transcription.alignment.timed]
    shares = [100 * (index + 1) / len(ends) for index in range(len(ends))]
    ax.step([0.0, *ends], [0.0, *shares], where="post", label="progress")


def describe(transcription: Transcription) -> str:
    """Nothing where there is no token in time."""
    return "progress over time" if transcription.alignment.timed else ""


PROGRESS = Track("progress (%)", 0.8, draw, describe)
