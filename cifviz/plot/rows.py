"""Like `cifviz.plot.token_lanes.contributions`, but of any recogniser: where it found each token.

A CIF has contributions, CTC a best path, a decoder its attention; all of them are rows of shares.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection, QuadMesh
from matplotlib.patches import Rectangle

from cifviz.alignment.boundary_readout import TranscriptionLike
from cifviz.alignment.timed_tokens import Alignment
from cifviz.errors import require
from cifviz.plot.canvas import SMALL, displayable, height_in_points, plain_text, resolve, show_time
from cifviz.plot.palette import STYLE
from cifviz.plot.token_lanes import ROW_COLUMNS


class RowArtists(NamedTuple):
    """What `token_rows` drew."""

    mesh: QuadMesh | None
    """None without tokens or frames."""
    outlines: PatchCollection
    """A box from start to end of each word that was said; none unless they were asked for."""


def token_rows(
    heard: TranscriptionLike,
    *,
    words: Alignment | None = None,
    ax: Axes | None = None,
    outline_kw: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> RowArtists:
    """Draw where a recogniser found each token: a row for each, the first one on top.

    Parameters
    ----------
    heard : Transcription, or a baseline's Hypothesis
        What a recogniser heard.
    words : Alignment (tokens,), optional
        What was said: a box around the place of each word, in the row of its token.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    outline_kw : mapping, optional
        For the boxes.
    **kwargs
        For the mesh.

    Returns
    -------
    RowArtists
        Dark is where most of a token is: each row is relative to its own largest share, so that a
        token spread over many frames can be seen beside one that is in a single frame.

    Raises
    ------
    CIFError
        If there are not as many words as tokens, one of them is untimed, or `ax` is no Axes.

    Examples
    --------
    >>> import torch
    >>> from types import SimpleNamespace
    >>> from matplotlib.figure import Figure
    >>> from cifviz.timing import FrameGrid
    >>> rows = torch.tensor([[0.75, 0.25, 0.0], [0.0, 0.0, 1.0]]).double()
    >>> heard = SimpleNamespace(tokens=("a", "b"), rows=rows, grid=FrameGrid(0.1), duration=0.3)
    >>> token_rows(heard, ax=Figure().subplots()).mesh.get_array().round(2).tolist()
    [[1.0, 0.33, 0.0], [0.0, 0.0, 1.0]]

    Notes
    -----
    Notebook: notebooks/07_how_good_is_it.ipynb
    """
    ax = resolve(ax)
    rows = heard.rows.detach().cpu().numpy()
    count, frames = rows.shape
    spans = () if words is None else words.spans
    require(
        words is None or len(spans) == count,
        f"expected {count} words, one for each token, got {len(spans)}",
    )
    edges = heard.grid.seconds(np.arange(frames + 1, dtype=np.float64))
    mesh = None
    if rows.size:
        relative = rows / np.maximum(rows.max(axis=1, keepdims=True), np.finfo(float).tiny)
        look = {"cmap": STYLE["contribution"], "vmin": -1.0, "vmax": 1.0}
        mesh = ax.pcolormesh(edges, np.arange(count + 1), relative, **{**look, **kwargs})
    outlines = PatchCollection(
        [Rectangle((start, row), end - start, 1) for row, (start, end) in enumerate(spans)],
        **{
            "facecolor": "none",
            "edgecolor": STYLE["fire"],
            "linewidths": 1.2,
            **(outline_kw or {}),
        },
    )
    ax.add_collection(outlines, autolim=False)
    ax.set_ylim(max(count, 1), 0)
    step = max(1, int(np.ceil(count * 1.2 * SMALL / height_in_points(ax))))
    names = [displayable(token, ROW_COLUMNS) for token in heard.tokens]
    ax.set_yticks(np.arange(count)[::step] + 0.5, names[::step], fontsize=SMALL, **plain_text())
    ax.set_ylabel("token")
    show_time(ax, min(0.0, edges[0]), max(edges[-1], heard.duration))
    return RowArtists(mesh, outlines)
