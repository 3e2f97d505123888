"""Slopes of a loss on the frame axis: in which direction training moves each frame's weight."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import StepPatch
from matplotlib.quiver import Quiver
from matplotlib.text import Text
from torch import Tensor

from cifviz.errors import require, require_number
from cifviz.plot.canvas import resolve, show_time
from cifviz.plot.palette import STYLE, Keywords, styled
from cifviz.timing import FrameGrid


class GradientArtists(NamedTuple):
    """What `gradient_arrows` drew."""

    weights: StepPatch | None
    """None without frames."""
    arrows: Quiver | None
    """One for each frame; None without frames."""
    note: Text
    """The sum of weight times slope, and the slope of the longest arrow."""


def gradient_arrows(
    alpha: Tensor | np.ndarray,
    gradient: Tensor | np.ndarray,
    grid: FrameGrid,
    *,
    rate: float | None = None,
    ax: Axes | None = None,
    weight_kw: Keywords = None,
    note_kw: Keywords = None,
    **kwargs: Any,
) -> GradientArtists:
    """Draw how gradient descent would change each weight, as an arrow from its top.

    Parameters
    ----------
    alpha : Tensor or array (frames,)
        Weights of one utterance.
    gradient : Tensor or array (frames,)
        Slope of a loss with respect to each of them, ∂L/∂α.
    grid : FrameGrid
        Clock of the frames.
    rate : float > 0, optional
        An arrow leads from α to α − rate · ∂L/∂α. Default: so that the longest is as long as the
        largest weight, whatever its slope. Pictures of several losses are on one scale if they are
        given one rate.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    weight_kw, note_kw : mapping, optional
        For the steps of the weights and for the note.
    **kwargs
        For the arrows.

    Returns
    -------
    GradientArtists
        The note above the Axes gives ``Σ α · ∂L/∂α``, which is zero where the loss does not depend
        on the scale of the weights, as after scaling. Its second line gives the scale of the
        arrows: the slope of the longest one.

    Raises
    ------
    CIFError
        If there are not as many slopes as weights, one is not finite, or `ax` is no Axes.

    Examples
    --------
    Descent lowers the first weight and raises the second one; their scale stays the same:

    >>> from matplotlib.figure import Figure
    >>> import torch
    >>> alpha, gradient = torch.tensor([0.5, 0.25]), torch.tensor([1.0, -2.0])
    >>> ax = Figure().subplots()
    >>> artists = gradient_arrows(alpha, gradient, FrameGrid(0.1), ax=ax, rate=0.1)
    >>> artists.arrows.V.tolist()
    [-0.1, 0.2]
    >>> print(artists.note.get_text())
    Σ α · ∂L/∂α = 0.000
    longest arrow: slope −2

    Notes
    -----
    Notebook: notebooks/02_scaling.ipynb
    """
    # 1. The numbers.
    ax = resolve(ax)
    weights, slopes = _numbers(alpha), _numbers(gradient)
    require(
        weights.ndim == 1 and weights.shape == slopes.shape,
        "alpha and gradient must be (frames,) of one utterance, "
        f"got {weights.shape} and {slopes.shape}",
    )
    require(
        bool(np.isfinite(weights).all() and np.isfinite(slopes).all()),
        "alpha and gradient must be finite, got NaN or infinity",
    )
    steepest = np.abs(slopes).max(initial=0.0)
    if rate is None:
        rate = float(weights.max() / steepest) if steepest > 0 and weights.max() > 0 else 1.0
    changes = -require_number("rate", rate, above=0) * slopes

    # 2. The picture.
    edges = grid.seconds(np.arange(len(weights) + 1, dtype=np.float64))
    steps = arrows = None
    if len(weights):
        look = styled(weight_kw, color=STYLE["weight"], fill=True, alpha=0.4)
        steps = ax.stairs(weights, edges, **look)
        arrows = _arrows(ax, (edges[:-1] + edges[1:]) / 2, weights, changes, kwargs)
    note = _note(ax, weights, slopes, note_kw)
    ax.set_ylabel("weight per frame")
    show_time(ax, edges[0], edges[-1])
    return GradientArtists(steps, arrows, note)


def _arrows(
    ax: Axes, times: np.ndarray, weights: np.ndarray, changes: np.ndarray, given: Keywords
) -> Quiver:
    """An arrow from the top of each weight, and space for all of them."""
    look = styled(
        given,
        color=[STYLE["increase" if change > 0 else "decrease"] for change in changes],
        angles="xy",
        scale_units="xy",
        scale=1.0,
        width=0.0035,
        headwidth=3.5,
        headlength=3.5,
        headaxislength=3.0,
        minshaft=2.0,  # the head of a short arrow is small: its stem stays in sight
        minlength=0.3,
        zorder=3,
    )
    arrows = ax.quiver(times, weights, np.zeros(len(changes)), changes, **look)
    if ax.get_autoscaley_on():
        tips = np.concatenate([weights, weights + changes])
        low, high = min(0.0, float(tips.min())), float(tips.max())
        space = 0.08 * (high - low) or 1.0
        ax.set_ylim(low - space * (low < 0), high + space)
    return arrows


def _note(ax: Axes, weights: np.ndarray, slopes: np.ndarray, note_kw: Keywords) -> Text:
    """The sum of weight times slope, and the slope of the longest arrow."""
    total = round(float(weights @ slopes), 3) + 0.0  # no minus sign before a zero
    text = f"Σ α · ∂L/∂α = {total:.3f}"
    if slopes.any():
        text += f"\nlongest arrow: slope {float(slopes[np.abs(slopes).argmax()]):.3g}"
    look = styled(
        note_kw,
        transform=ax.transAxes,
        ha="right",
        va="bottom",
        fontsize=STYLE["text_size"],
    )
    return ax.text(1.0, 1.03, text.replace("-", "−"), **look)


def _numbers(values: Tensor | np.ndarray) -> np.ndarray:
    values = values.detach().cpu() if isinstance(values, Tensor) else values
    return np.asarray(values, dtype=np.float64)
