"""The glancing sampler of a Paraformer: which tokens it replaces, a row for each mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.legend import Legend
from matplotlib.patches import Patch, Rectangle
from matplotlib.text import Text
from torch import Tensor

from cifviz.errors import require
from cifviz.plot.canvas import (
    displayable,
    legend_above,
    plain_text,
    resolve,
    width_in_points,
)
from cifviz.plot.palette import STYLE, Keywords, styled

COLUMN = 0.7
"""Width of a character, in sizes of the text."""
LOOKS = {
    "replaced": {"facecolor": STYLE["neutral"], "hatch": "////", "linestyle": "-"},
    "wrong": {"facecolor": STYLE["incomplete"], "hatch": "", "linestyle": "--"},
    "kept": {"facecolor": STYLE["halo"], "hatch": "", "linestyle": "-"},
}
"""Of a cell: replaced; taught, and wrong in the first pass; taught, and right or unknown."""
ENTRIES = {
    "replaced": "replaced by its target, ✓ though it was right",
    "kept": "taught",
    "wrong": "taught, ≠ wrong in the first pass",
}
"""In the legend, where the tokens of the first pass are known."""


UNKNOWN = ("replaced", "kept")
"""The entries where they are not."""


class MaskArtists(NamedTuple):
    """What `sampler_masks` drew."""

    cells: tuple[tuple[Rectangle, ...], ...]
    """Row by row from the top, a cell for each token."""
    texts: tuple[tuple[Text, ...], ...]
    """What stands in the cells."""
    legend: Legend
    alt: str
    """Alternative text."""


def sampler_masks(
    tokens: Sequence[str],
    replaced: Tensor | np.ndarray | Sequence[Sequence[bool]],
    *,
    labels: Sequence[str],
    predicted: Sequence[Sequence[str]] | None = None,
    ax: Axes | None = None,
    text_kw: Keywords = None,
    **kwargs: Any,
) -> MaskArtists:
    """Draw which tokens of an utterance the glancing sampler replaces by their targets.

    Parameters
    ----------
    tokens : sequence of str (tokens,)
        The reference.
    replaced : array of bool (rows, tokens)
        True where the second pass is given the target; a row for each training snapshot, or for
        each λ. See `cifviz.systems.paraformer.replaced_positions`.
    labels : sequence of str (rows,)
        Names of the rows.
    predicted : sequence of sequence of str (rows, tokens), optional
        Tokens of the first pass.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    text_kw : mapping, optional
        For the texts in the cells.
    **kwargs
        For the cells.

    Returns
    -------
    MaskArtists
        The cell of a replaced token is hatched and names the target, with "✓" before it if the
        first pass gave it, too. Another cell names the token
        of the first pass; a wrong one has "≠" before it and a dashed border. The numbers behind a
        label say how many are replaced, of how many.

    Raises
    ------
    CIFError
        If there are no rows, shapes do not fit or `ax` is no Axes.

    Notes
    -----
    Notebook: notebooks/08_nar_decoding.ipynb

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> artists = sampler_masks(
    ...     ["one", "two", "six"],
    ...     [[True, False, False]],
    ...     labels=["λ = ½"],
    ...     predicted=[["one", "ten", "six"]],
    ...     ax=Figure().subplots(),
    ... )
    >>> [text.get_text() for text in artists.texts[0]]
    ['✓ one', '≠ ten', 'six']
    >>> print(artists.alt)
    The sampler on "one two six". λ = ½: 1 of 3 replaced (one); of the others 1 wrong.
    """
    # 1. What is drawn.
    ax = resolve(ax)
    require(len(labels) > 0, "expected one row or more, got no labels")
    known = predicted is not None
    first = [tokens] * len(labels) if predicted is None else predicted
    for name, rows in (("replaced", replaced), ("predicted", first)):
        found = [len(row) for row in rows]
        require(
            found == [len(tokens)] * len(labels),
            f"{name} must be (rows, tokens) = {(len(labels), len(tokens))}, got rows of {found}",
        )
    masks = np.asarray(replaced, dtype=bool)
    kinds = [_kinds(*row, tokens) for row in zip(masks, first, strict=True)]

    # 2. A cell for each token, with its text.
    columns = int(width_in_points(ax) / max(1, len(tokens)) / (COLUMN * STYLE["text_size"]))
    cells, texts = [], []
    for row, (row_kinds, names) in enumerate(zip(kinds, first, strict=True)):
        cells.append(tuple(_cell(ax, row, i, kind, kwargs) for i, kind in enumerate(row_kinds)))
        shown = {
            "replaced": [
                f"✓ {token}" if known and name == token else token
                for name, token in zip(names, tokens, strict=True)
            ],
            "wrong": [f"≠ {name}" for name in names],
            "kept": names if known else [""] * len(names),
        }
        each = [
            _text(ax, row, i, shown[kind][i], columns, text_kw) for i, kind in enumerate(row_kinds)
        ]
        texts.append(tuple(each))

    # 3. The axes, the legend and the alternative text.
    _name_axes(ax, tokens, labels, masks, columns)
    entries = ENTRIES if known else {kind: ENTRIES[kind].split(",")[0] for kind in UNKNOWN}
    handles = [Patch(**_look(kind), label=entry) for kind, entry in entries.items()]
    legend = legend_above(ax, handles=handles, ncols=len(handles))
    parts = [_described(*row, tokens, known=known) for row in zip(labels, kinds, strict=True)]
    alt = f'The sampler on "{" ".join(tokens)}". {" ".join(parts)}'
    return MaskArtists(tuple(cells), tuple(texts), legend, alt)


def _kinds(mask: np.ndarray, first: Sequence[str], tokens: Sequence[str]) -> list[str]:
    """What each cell of a row is, of `LOOKS`."""
    return [
        "replaced" if given else "kept" if name == token else "wrong"
        for given, name, token in zip(mask, first, tokens, strict=True)
    ]


def _name_axes(
    ax: Axes, tokens: Sequence[str], labels: Sequence[str], masks: np.ndarray, columns: int
) -> None:
    """The reference below, and the name of each row with its number of replaced tokens."""
    ax.set_xlim(0, max(1, len(tokens)))
    ax.set_ylim(len(labels), 0)
    look = {"fontsize": STYLE["text_size"], **plain_text()}
    names = [displayable(token, max(1, columns)) for token in tokens]
    ax.set_xticks(np.arange(len(tokens)) + 0.5, names, **look)
    ax.set_xlabel("reference")
    counts = masks.sum(axis=1)
    rows = [
        f"{displayable(label)}  {count}/{len(tokens)}"
        for label, count in zip(labels, counts, strict=True)
    ]
    ax.set_yticks(np.arange(len(labels)) + 0.5, rows, **look)
    ax.tick_params(length=0)


def _look(kind: str) -> dict[str, Any]:
    return {**LOOKS[kind], "edgecolor": STYLE["level"], "linewidth": 0.8}


def _cell(ax: Axes, row: int, column: int, kind: str, given: Keywords) -> Rectangle:
    cell = Rectangle((column + 0.04, row + 0.1), 0.92, 0.8, **styled(given, **_look(kind)))
    ax.add_patch(cell)
    return cell


def _text(ax: Axes, row: int, column: int, name: str, columns: int, given: Keywords) -> Text:
    look = styled(
        given,
        fontsize=STYLE["text_size"],
        horizontalalignment="center",
        verticalalignment="center",
        color=STYLE["level"],
        **plain_text(),
    )
    if name:
        name = displayable(name, max(1, columns))
        look.setdefault("bbox", {"facecolor": STYLE["halo"], "edgecolor": "none", "pad": 1.2})
    return ax.text(column + 0.5, row + 0.5, name, **look)


def _described(label: str, kinds: Sequence[str], tokens: Sequence[str], *, known: bool) -> str:
    """A row of the alternative text."""
    given = [token for token, kind in zip(tokens, kinds, strict=True) if kind == "replaced"]
    names = f" ({' '.join(given)})" if given else ""
    wrong = f"; of the others {kinds.count('wrong')} wrong" if known else ""
    return f"{label}: {len(given)} of {len(kinds)} replaced{names}{wrong}."
