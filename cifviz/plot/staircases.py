"""Reading and writing of a simultaneous system, as a staircase."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from cifviz.errors import require
from cifviz.metrics.latency import validate
from cifviz.plot.canvas import displayable, resolve, show_time
from cifviz.plot.palette import STYLE, Keywords, styled


class StaircaseArtists(NamedTuple):
    """What `read_write_staircase` drew."""

    steps: Line2D
    """To the right while sound is read, up where a token is written."""
    ideal: Line2D
    """A system that writes as many tokens evenly over the sound."""
    names: tuple[Text, ...]
    """Each beside the step up at which it is written."""


def read_write_staircase(
    delays: Sequence[float] | np.ndarray,
    tokens: Sequence[str],
    duration: float,
    *,
    ax: Axes | None = None,
    ideal_kw: Keywords = None,
    name_kw: Keywords = None,
    **kwargs: Any,
) -> StaircaseArtists:
    """Draw how much was read when each token was written.

    Parameters
    ----------
    delays : sequence of float (tokens,)
        Seconds of sound that were read by then, such as ``extras["delays"]`` of a transcription.
    tokens : sequence of str
    duration : float
        Of the sound, seconds.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    ideal_kw, name_kw : mapping, optional
        For the line of the ideal system, and for the names.
    **kwargs
        For the staircase.

    Returns
    -------
    StaircaseArtists
        The horizontal distance from the ideal line to a step up is that token's lag, of which
        `cifviz.metrics.average_lagging` is the mean.

    Raises
    ------
    CIFError
        If there are not as many delays as tokens, or they are none.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> artists = read_write_staircase([1.0, 1.5], ["a", "b"], 2.0, ax=Figure().subplots())
    >>> artists.steps.get_xydata().tolist()
    [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [1.5, 1.0], [1.5, 2.0], [2.0, 2.0]]
    """
    ax = resolve(ax)
    times = validate(delays, duration)
    require(
        len(times) == len(tokens),
        f"expected a delay for each of {len(tokens)} tokens, got {len(times)}",
    )
    count = len(times)
    end = max(float(duration), float(times[-1]) if count else 0.0)
    across = np.concatenate([[0.0], np.repeat(times, 2), [end]])
    up = np.repeat(np.arange(count + 1.0), 2)
    (steps,) = ax.plot(across, up, **styled(kwargs, color=STYLE["scaled_weight"], linewidth=1.6))
    look = styled(ideal_kw, color=STYLE["level"], linestyle="--", linewidth=0.9)
    (ideal,) = ax.plot([0.0, duration], [0.0, count], **look)
    look = styled(
        name_kw,
        fontsize=STYLE["text_size"],
        ha="right",
        va="center",
        color=STYLE["label"],
        path_effects=[withStroke(linewidth=2.5, foreground=STYLE["halo"])],
        textcoords="offset points",
    )
    names = [
        ax.annotate(displayable(token), (time, place + 0.5), (-4, 0), **look)
        for place, (time, token) in enumerate(zip(times, tokens, strict=True))
    ]
    ax.set_ylabel("tokens written")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    show_time(ax, 0.0, end)
    return StaircaseArtists(steps, ideal, tuple(names))
