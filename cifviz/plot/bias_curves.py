"""Contextual biasing in numbers: against the weight λ, and against the size of the list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from cifviz.errors import printable, require
from cifviz.metrics.statistics import deviation, mean
from cifviz.plot.canvas import (
    LONGEST_WORDS,
    displayable,
    legend_above,
    plain_text,
    resolve,
    width_in_points,
)
from cifviz.plot.palette import STYLE, Keywords, styled

Runs = Mapping[float, Sequence[float]]
"""By the place on the x axis: the values of some runs."""

NAME_COLUMNS = 24
"""Space for the name of a curve."""

_ENTRY, _DECADE = 105.0, 0.6
# Points that an entry of the legend takes; how far 0 is from the smallest size above it, in powers
# of ten.


class BiasCurveArtists(NamedTuple):
    """What `bias_weight_curves` or `list_size_curves` drew."""

    lines: dict[str, Line2D]
    """Means over the runs, by the name of the curve."""
    bands: dict[str, PolyCollection]
    """Mean ± standard deviation of the runs; only of curves with several runs."""
    guard: Rectangle | None
    """The level that a curve is to stay at, over the whole width."""
    legend: Legend | None
    alt: str
    """Alternative text: of each curve the first, the lowest, the highest and the last value."""


def bias_weight_curves(
    curves: Mapping[str, Runs],
    *,
    label: str,
    guard: str | None = None,
    legend: bool = True,
    ax: Axes | None = None,
    band_kw: Keywords = None,
    guard_kw: Keywords = None,
    **kwargs: Any,
) -> BiasCurveArtists:
    """Draw a measure, such as an error, against the weight λ of a list of phrases.

    Parameters
    ----------
    curves : mapping of str to mapping of float to sequence of float
        By name, such as that of a system: by λ the values of all runs. A nan is no value.
    label : str
        What the values are, with their unit.
    guard : str, optional
        Name of the curve that no weight is to make worse, such as the error of unbiased tokens: its
        mean ± standard deviation at the smallest λ is a band over the whole width.
    legend : bool
        Whether there is one, above the Axes; of Axes side by side one is enough.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    band_kw, guard_kw : mapping, optional
        For the bands of the runs, and for that of the guard.
    **kwargs
        For the lines.

    Returns
    -------
    BiasCurveArtists
        Lines differ in colour, dashes and markers.

    Raises
    ------
    CIFError
        If there are no curves or more than six, a curve has no places, there is none of the guard's
        name, or `ax` is no Axes.

    Notes
    -----
    Notebook: notebooks/09_contextual_biasing.ipynb

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> errors = {"biased": {0: [20, 22], 0.5: [10, 14]}, "unbiased": {0: [4, 6], 0.5: [5, 6]}}
    >>> artists = bias_weight_curves(
    ...     errors, label="token error (%)", guard="unbiased", ax=Figure().subplots()
    ... )
    >>> artists.lines["biased"].get_ydata().tolist()
    [21.0, 12.0]
    >>> print(artists.alt)
    token error (%) against λ. biased: 21 at 0, 12 at 0.5. unbiased: 5 at 0, 5.5 at 0.5.
    """
    ax = resolve(ax)
    require(
        guard is None or guard in curves, f"guard {guard!r} is no curve, these are: {list(curves)}"
    )
    artists = _draw(ax, curves, label, "λ", band_kw, kwargs)
    if guard is not None:
        least = min(curves[guard])
        middle, half = _spread(curves[guard][least])
        look = {"facecolor": STYLE["neutral"], "edgecolor": "none", "alpha": 0.6, "zorder": 0}
        look = styled(
            guard_kw, **look, label=f"{displayable(guard, NAME_COLUMNS)} at λ = {least:g}"
        )
        # A single run has a level and no spread: a thin band.
        thin = half or 0.004 * max(abs(bound) for bound in ax.get_ylim())
        artists = artists._replace(guard=ax.axhspan(middle - thin, middle + thin, **look))
    return artists._replace(legend=_legend(ax) if legend else None)


def list_size_curves(
    curves: Mapping[str, Runs],
    *,
    label: str,
    legend: bool = True,
    ax: Axes | None = None,
    band_kw: Keywords = None,
    **kwargs: Any,
) -> BiasCurveArtists:
    """Like `bias_weight_curves`, but a measure, such as recall, against the size of the list.

    Parameters
    ----------
    curves : mapping of str to mapping of int to sequence of float
        By name, such as that of a system: by the number of phrases the values of all runs. A nan is
        no value, such as precision where no phrase was recognised.
    label, legend, ax, band_kw, **kwargs
        As for `bias_weight_curves`.

    Returns
    -------
    BiasCurveArtists
        The axis is logarithmic from the smallest size above 0; left of it is 0, if it was measured.

    Raises
    ------
    CIFError
        If there are no curves or more than six, a curve has no sizes, one is below 0, or `ax` is no
        Axes.

    Notes
    -----
    Notebook: notebooks/09_contextual_biasing.ipynb

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> f1 = {"cif": {0: [50], 100: [40]}}
    >>> artists = list_size_curves(f1, label="F1 (%)", ax=Figure().subplots())
    >>> [tick.get_text() for tick in artists.lines["cif"].axes.get_xticklabels()]
    ['0', '100']
    """
    ax = resolve(ax)
    sizes = sorted({size for runs in curves.values() for size in runs})
    require(all(size >= 0 for size in sizes), f"expected sizes of lists >= 0, got {sizes}")
    artists = _draw(ax, curves, label, "phrases in the list", band_kw, kwargs)
    least = min((size for size in sizes if size), default=1)
    ax.set_xscale("symlog", linthresh=least, linscale=_DECADE)
    ax.set_xticks(sizes, [f"{size:g}" for size in sizes])
    ax.set_xticks([], minor=True)
    ax.set_xlim(-0.3 * least if sizes[0] == 0 else 0.7 * least, 1.5 * max(sizes[-1], least))
    return artists._replace(legend=_legend(ax) if legend else None)


def _draw(
    ax: Axes,
    curves: Mapping[str, Runs],
    label: str,
    across: str,
    band_kw: Keywords,
    line_kw: Keywords,
) -> BiasCurveArtists:
    """A line for each curve, its band behind it."""
    most = len(STYLE["lines"])
    require(1 <= len(curves) <= most, f"expected 1 to {most} curves, got {len(curves)}")
    lines: dict[str, Line2D] = {}
    bands: dict[str, PolyCollection] = {}
    parts = [f"{label} against {across}."]
    for (name, runs), line in zip(curves.items(), STYLE["lines"], strict=False):
        require(len(runs) > 0, f"curve {name!r} has no values")
        places = sorted(runs)
        middle, half = np.array([_spread(runs[place]) for place in places]).T
        shown = displayable(name, NAME_COLUMNS)
        look = styled(line_kw, **line, markersize=4.0, linewidth=1.5, label=shown, zorder=3)
        (lines[name],) = ax.plot(places, middle, **look)
        if half.any():
            look = {"color": line["color"], "alpha": 0.18, "linewidth": 0.0, "zorder": 1}
            ends = middle - half, middle + half
            bands[name] = ax.fill_between(places, *ends, **styled(band_kw, **look))
        parts.append(f"{printable(name, most=LONGEST_WORDS)}: {_in_words(places, middle)}.")
    # Further curves may stand here already, or beside, on one axis.
    ax.set_ylim(0, max(ax.get_ylim()[1], ax.yaxis.get_data_interval()[1] * 1.05))
    ax.set_xlabel(across)
    ax.set_ylabel(label, **plain_text())
    return BiasCurveArtists(lines, bands, None, None, " ".join(parts))


def _in_words(places: Sequence[float], values: np.ndarray) -> str:
    """The first, the lowest, the highest and the last of the values that there are."""
    found = np.flatnonzero(np.isfinite(values))
    if not found.size:
        return "no value"
    extremes = found[[values[found].argmin(), values[found].argmax()]]
    shown = sorted({int(found[0]), *map(int, extremes), int(found[-1])})
    return ", ".join(f"{values[at]:.3g} at {places[at]:g}" for at in shown)


def _spread(values: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation of the values that there are; 0 of a single one."""
    found = [float(value) for value in values if not np.isnan(value)]
    return mean(found), deviation(found) if len(found) > 1 else 0.0


def _legend(ax: Axes) -> Legend:
    columns = max(1, int(width_in_points(ax) // _ENTRY))
    return legend_above(ax, ncols=columns, columnspacing=1.0)
