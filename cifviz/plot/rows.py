"""Like `cifviz.plot.token_lanes.contributions`, but of any recogniser: where each token lies.

The rows of a CIF are its contributions, those of CTC its best path, those of
a decoder its attention.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection, QuadMesh
from matplotlib.patches import Rectangle

from cifviz.alignment.timed_tokens import Alignment
from cifviz.errors import require
from cifviz.plot.canvas import resolve, show_time, token_axis
from cifviz.plot.palette import STYLE, Keywords, styled
from cifviz.systems.transcription import Transcription


class RowArtists(NamedTuple):
    """What `token_rows` drew."""

    mesh: QuadMesh | None
    """None without tokens or frames."""
    outlines: PatchCollection
    """A box from start to end of each word of the reference, if one was given."""


def token_rows(
    transcription: Transcription,
    *,
    words: Alignment | None = None,
    ax: Axes | None = None,
    outline_kw: Keywords = None,
    **kwargs: Any,
) -> RowArtists:
    """Draw over which frames each token is spread: a row for each, the first one on top.

    Parameters
    ----------
    transcription : Transcription
        Of any recogniser: its `rows` say how each token is spread over the frames.
    words : Alignment (tokens,), optional
        The reference: a box around the time of each word, in the row of its token.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    outline_kw : mapping, optional
        For the boxes.
    **kwargs
        For the mesh.

    Returns
    -------
    RowArtists
        Dark is a large share. Each row is relative to its own largest share, so that a token spread
        over many frames can be seen beside one that lies in a single frame.

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
    >>> one = SimpleNamespace(tokens=("a", "b"), rows=rows, grid=FrameGrid(0.1), duration=0.3)
    >>> token_rows(one, ax=Figure().subplots()).mesh.get_array().round(2).tolist()
    [[1.0, 0.33, 0.0], [0.0, 0.0, 1.0]]

    Notes
    -----
    Notebook: notebooks/06_how_good_is_it.ipynb
    """
    ax = resolve(ax)
    rows = transcription.rows.detach().cpu().numpy()
    count, frames = rows.shape
    spans = () if words is None else words.spans
    require(
        words is None or len(spans) == count,
        f"expected {count} words, one for each token, got {len(spans)}",
    )
    edges = transcription.grid.seconds(np.arange(frames + 1, dtype=np.float64))
    mesh = None
    if rows.size:
        relative = rows / np.maximum(rows.max(axis=1, keepdims=True), np.finfo(float).tiny)
        look = styled(kwargs, cmap=STYLE["contribution"], vmin=-1.0, vmax=1.0)
        mesh = ax.pcolormesh(edges, np.arange(count + 1), relative, **look)
    boxes = [Rectangle((start, row), end - start, 1) for row, (start, end) in enumerate(spans)]
    look = styled(outline_kw, facecolor="none", edgecolor=STYLE["fire"], linewidths=1.2)
    outlines = PatchCollection(boxes, **look)
    ax.add_collection(outlines, autolim=False)
    token_axis(ax, transcription.tokens)
    show_time(ax, min(0.0, edges[0]), max(edges[-1], transcription.duration))
    return RowArtists(mesh, outlines)
