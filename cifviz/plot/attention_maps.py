"""Which token looks at which phrase: maps of attention over time, and the panel's lane of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple, cast

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import ListedColormap, PowerNorm
from matplotlib.legend import Legend
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.text import Text

from cifviz.errors import CIFError, printable, require, require_integer, require_type
from cifviz.plot.canvas import (
    LONGEST_WORDS,
    box_outlines,
    counted,
    displayable,
    height_in_points,
    legend_above,
    plain_text,
    resolve,
    show_time,
    text_widths,
    width_in_points,
)
from cifviz.plot.palette import STYLE, Keywords, styled
from cifviz.plot.track import Track
from cifviz.systems.coldec import BIAS, PhraseBias
from cifviz.systems.transcription import Transcription

NO_BIAS = "no bias"
"""Name of the row that is always there."""
WITHOUT, WITH = "no list", "with list"
"""Names of the two rows of tokens, on top."""
LEAST_NUMBER = 0.05
"""Attention below this has no number in its cell."""
TOKEN_SIZES = (STYLE["text_size"], 7.0, 6.0)
"""Points: the first at which all tokens fit into their cells; at the last one some are cut."""
MOST_TOKENS_IN_WORDS = 20
"""Tokens of the alternative text."""

_COLUMNS, _LETTER, _LEAST_COLUMNS, _LINE = 32, 0.62, 2, 1.25
# Space for the name of a phrase; width of a letter and height of a line, as shares of the size.
_DARK, _BOLD = 0.6, 1.12
# Numbers in darker cells are light; bold letters are so much wider.
_SAMPLES, _ENTRY = (0.05, 0.2, 0.5, 1.0), 75.0
# Attention that the legend shows, and points that an entry takes.


class AttentionRows(NamedTuple):
    """Attention as rows of a map, from top to bottom."""

    names: tuple[str, ...]
    """Names of the rows."""
    values: np.ndarray
    """How much each token looks at it (rows, tokens); of "+ n more" the sum over the others."""
    phrases: tuple[str, ...]
    """The phrases that have a row of their own."""
    borders: tuple[int, ...]
    """Rows below which a line is drawn."""


class AttentionArtists(NamedTuple):
    """What `phrase_attention` or `phrase_token_attention` drew."""

    cells: PolyCollection
    """Row by row, a cell for each token that has times; its array is the attention."""
    tokens: dict[tuple[str, int], Text]
    """Tokens by the name of their row, `WITHOUT` or `WITH`, and their index; empty in cells that
    are too narrow."""
    numbers: tuple[Text, ...]
    """Attention in %, where there is space."""
    names: tuple[Text, ...]
    """Names of rows that stand inside of the Axes."""
    changed: dict[int, Rectangle]
    """A frame around each token that the list changed."""
    legend: Legend | None
    rows: AttentionRows
    alt: str
    """Alternative text."""


def attention_rows(
    bias: PhraseBias, *, most: int, phrases: Sequence[str] | None = None
) -> AttentionRows:
    """Attention to "no bias", to the phrases of the largest attention, and to all others together.

    Parameters
    ----------
    bias : PhraseBias
    most : int >= 0
        How many phrases have a row of their own.
    phrases : sequence of str, optional
        These instead, in this order.

    Returns
    -------
    AttentionRows
        Phrases by their attention summed over the tokens, the largest first; of as much, in the
        order of the list. Columns sum to 1.

    Raises
    ------
    CIFError
        If a phrase is not in the list or comes twice.

    Examples
    --------
    >>> import torch
    >>> attention = torch.tensor([[0.5, 0.25, 0.0, 0.25], [0.25, 0.0, 0.25, 0.5]])
    >>> bias = PhraseBias(("a b", "c", "b c"), attention, (0.5, 0.5), ("a", "b"))
    >>> rows = attention_rows(bias, most=1)
    >>> for name, values in zip(rows.names, rows.values.tolist()):
    ...     print(name, values)
    no bias [0.5, 0.25]
    b c [0.25, 0.5]
    + 2 more [0.25, 0.25]
    """
    attention = bias.attention.detach().double().cpu().numpy().T
    if phrases is None:
        order = np.argsort(-attention[1:].sum(axis=1), kind="stable")[:most]
    else:
        places = {phrase: place for place, phrase in enumerate(bias.phrases)}
        for phrase in phrases:
            require(phrase in places, f"{phrase!r} is not in the list of the transcription")
        require(len(set(phrases)) == len(phrases), f"expected each phrase once, got {phrases!r}")
        order = np.array([places[phrase] for phrase in phrases], dtype=int)
    kept = tuple(bias.phrases[place] for place in order)
    names, values = [NO_BIAS, *kept], [attention[0], *attention[1 + order]]
    more = len(bias.phrases) - len(kept)
    if more:
        names.append(f"+ {more} more")
        values.append(np.delete(attention[1:], order, axis=0).sum(axis=0))
    return AttentionRows(tuple(names), np.array(values), kept, (0, len(kept))[: 1 + bool(more)])


def phrase_attention(
    transcription: Transcription,
    *,
    most: int = 12,
    phrases: Sequence[str] | None = None,
    names_inside: bool = False,
    legend: bool = True,
    ax: Axes | None = None,
    token_kw: Keywords = None,
    number_kw: Keywords = None,
    name_kw: Keywords = None,
    changed_kw: Keywords = None,
    **kwargs: Any,
) -> AttentionArtists:
    """Draw which token looks at which phrase of a list, over time.

    Parameters
    ----------
    transcription : Transcription
        Of a system that was given a list of phrases.
    most : int >= 0
        Phrases with a row of their own: those of the largest attention. The others have one row
        together.
    phrases : sequence of str, optional
        These instead, in this order: ``artists.rows.phrases`` of another map, so that both have
        the same rows.
    names_inside : bool
        Whether the names of phrases stand in the map, away from their largest attention, instead
        of on its left.
    legend : bool
        Whether shades are explained above the map.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    token_kw, number_kw, name_kw, changed_kw : mapping, optional
        For the tokens, the numbers in the cells, names inside, and frames around changed tokens.
    **kwargs
        For the cells.

    Returns
    -------
    AttentionArtists
        On top the tokens without and with the list; where they differ both are framed. Below a row
        for "no bias", for phrases, and for all others. A cell is as wide as its token is long. The
        scale is the same in every map: 0 is white, 1 dark, and shades follow the square root, so
        that little attention is seen too. Numbers are %.

    Raises
    ------
    CIFError
        If the transcription was made without a list, a phrase is not in it, or `ax` is no Axes.

    Notes
    -----
    Notebook: notebooks/09_contextual_biasing.ipynb

    Examples
    --------
    >>> import torch
    >>> from types import SimpleNamespace
    >>> from matplotlib.figure import Figure
    >>> from cifviz.alignment.timed_tokens import Alignment, TimedToken
    >>> attention = torch.tensor([[0.75, 0.25], [0.25, 0.75]])
    >>> one = SimpleNamespace(
    ...     tokens=("four", "two"),
    ...     alignment=Alignment((TimedToken("four", 0.0, 0.5), TimedToken("two", 0.5, 1.0))),
    ...     duration=1.0,
    ...     extras={BIAS: PhraseBias(("four two",), attention, (0.75, 0.25), ("four", "ten"))},
    ... )
    >>> artists = phrase_attention(one, ax=Figure().subplots())
    >>> artists.cells.get_array().tolist()
    [0.75, 0.25, 0.25, 0.75]
    >>> sorted(artists.changed)
    [1]
    """
    ax = resolve(ax)
    bias = _bias(transcription)
    rows = attention_rows(bias, most=require_integer("most", most, at_least=0), phrases=phrases)
    looks = token_kw, number_kw, name_kw, changed_kw, kwargs
    artists = _draw(transcription, bias, rows, ax, *looks, names_inside=names_inside, legend=legend)
    ax.set_ylabel("phrase")
    alt = _alt(transcription, bias, (NO_BIAS, *bias.phrases), bias.attention.detach().cpu().numpy())
    return artists._replace(alt=alt)


def phrase_token_attention(
    transcription: Transcription,
    *,
    legend: bool = True,
    ax: Axes | None = None,
    token_kw: Keywords = None,
    number_kw: Keywords = None,
    changed_kw: Keywords = None,
    **kwargs: Any,
) -> AttentionArtists:
    """Like `phrase_attention`, but which token looks at which token of the selected phrases.

    Parameters
    ----------
    transcription : Transcription
        Of a system that selects phrases and looks at their tokens, and was given a list.
    legend, ax, token_kw, number_kw, changed_kw, **kwargs
        As for `phrase_attention`.

    Returns
    -------
    AttentionArtists
        A row for "no bias", and one for each token of a selected phrase; below the last token of
        each phrase there is a line.

    Raises
    ------
    CIFError
        If the transcription was made without a list or by another system, or `ax` is no Axes.

    Notes
    -----
    Notebook: notebooks/09_contextual_biasing.ipynb
    """
    ax = resolve(ax)
    bias = _bias(transcription)
    if bias.token_attention is None:
        raise CIFError(
            "expected the transcription of a system that looks at the tokens of phrases, got one "
            "without token attention"
        )
    phrases = tuple(bias.phrases[place] for place in bias.selected)
    parts = [phrase.split() for phrase in phrases]
    names = (NO_BIAS, *(token for tokens in parts for token in tokens))
    borders = tuple(np.cumsum([0, *map(len, parts)]).tolist())
    rows = AttentionRows(names, bias.token_attention.detach().cpu().numpy().T, phrases, borders)
    looks = token_kw, number_kw, None, changed_kw, kwargs
    artists = _draw(transcription, bias, rows, ax, *looks, names_inside=False, legend=legend)
    ax.set_ylabel("token of a phrase")
    return artists._replace(alt=_alt(transcription, bias, names, rows.values.T))


def _bias(transcription: Transcription) -> PhraseBias:
    """How the list took part; raises where there was none."""
    bias = transcription.extras.get(BIAS)
    if bias is None:
        raise CIFError(
            "expected a transcription with a list of phrases (transcribe(…, phrases=[…])), got one "
            "without"
        )
    require_type(BIAS, bias, PhraseBias)
    return cast(PhraseBias, bias)


def _draw(
    transcription: Transcription,
    bias: PhraseBias,
    rows: AttentionRows,
    ax: Axes,
    token_kw: Keywords,
    number_kw: Keywords,
    name_kw: Keywords,
    changed_kw: Keywords,
    cell_kw: Keywords,
    *,
    names_inside: bool,
    legend: bool,
) -> AttentionArtists:
    """A map of some rows, below the tokens."""
    # 1. Time goes to the right, rows down: two of tokens, at −2 and −1, then those of the map.
    show_time(ax, 0.0, transcription.duration)
    spans = {
        index: (token.start, token.end)
        for index, token in enumerate(transcription.alignment)
        if token.start is not None and token.end is not None
    }
    ax.set_ylim(len(rows.names), -2)

    # 2. The cells, and lines between groups of rows.
    cells = _cells(ax, spans, rows, cell_kw)
    for row in (-1, *rows.borders):
        ax.axhline(row + 1, color=STYLE["level"], linewidth=0.6, zorder=3)
    numbers = _numbers(ax, spans, rows, number_kw)

    # 3. The tokens.
    changed = [
        index
        for index, (token, alone) in enumerate(
            zip(transcription.tokens, bias.unbiased, strict=True)
        )
        if token != alone
    ]
    both = {WITHOUT: bias.unbiased, WITH: transcription.tokens}
    tokens = _tokens(ax, spans, both, set(changed), token_kw)
    around = {index: spans[index] for index in changed if index in spans}
    frames = _frames(ax, around, tokens, changed_kw)

    # 4. Names, and what the shades are.
    names = _names(ax, spans, rows, name_kw, inside=names_inside)
    explained = _legend(ax, cells, frames) if legend else None
    return AttentionArtists(cells, tokens, numbers, names, frames, explained, rows, "")


def _cells(
    ax: Axes, spans: dict[int, tuple[float, float]], rows: AttentionRows, given: Keywords
) -> PolyCollection:
    """A cell for each row and each token that has times."""
    start, end = np.array(list(spans.values())).reshape(-1, 2).T
    top = np.arange(len(rows.names))[:, None]
    outlines = box_outlines(
        *(part.ravel() for part in np.broadcast_arrays(start, end, top, top + 1))
    )
    shades = matplotlib.colormaps.get_cmap(STYLE["contribution"])(np.linspace(0.5, 1.0, 256))
    look = styled(given, cmap=ListedColormap(shades), norm=PowerNorm(0.5, 0.0, 1.0), zorder=1)
    look = styled(look, edgecolor=STYLE["neutral"], linewidth=0.4)
    cells = PolyCollection(list(outlines), array=rows.values[:, list(spans)].ravel(), **look)
    ax.add_collection(cells, autolim=False)
    return cells


def _numbers(
    ax: Axes, spans: dict[int, tuple[float, float]], rows: AttentionRows, given: Keywords
) -> tuple[Text, ...]:
    """Attention in %, in cells with space for it."""
    size = 0.85 * STYLE["text_size"]
    if _row_height(ax) < _LINE * size:
        return ()
    made = []
    for index, (start, end) in spans.items():
        if _columns(ax, end - start, size) < len("100"):
            continue
        for row, value in enumerate(rows.values[:, index]):
            if value < LEAST_NUMBER:
                continue
            colour = STYLE["halo"] if value > _DARK else STYLE["level"]
            look = {"fontsize": size, "ha": "center", "va": "center", "color": colour, "zorder": 2}
            place = (start + end) / 2, row + 0.5
            made.append(ax.text(*place, f"{100 * value:.0f}", **styled(given, **look)))
    return tuple(made)


def _tokens(
    ax: Axes,
    spans: dict[int, tuple[float, float]],
    both: dict[str, tuple[str, ...]],
    changed: set[int],
    given: Keywords,
) -> dict[tuple[str, int], Text]:
    """The tokens without and with the list, in two rows; changed ones are bold."""
    widest = {
        index: max((displayable(row[index]) for row in both.values()), key=len) for index in spans
    }
    space = _space(list(spans.values()))
    for size in TOKEN_SIZES:
        widths = text_widths(widest.values(), _BOLD * size, ax)
        if all(width <= most for width, most in zip(widths, space, strict=True)):
            break
    made = {}
    for row, (name, tokens) in zip((-2, -1), both.items(), strict=True):
        for (index, (start, end)), width, most in zip(spans.items(), widths, space, strict=True):
            shown = displayable(tokens[index])
            if width > most:
                columns = _columns(ax, most, size)
                shown = displayable(shown, columns) if columns >= _LEAST_COLUMNS else ""
            weight = "bold" if index in changed else "normal"
            look = {"fontsize": size, "ha": "center", "va": "center", "weight": weight}
            look |= {"color": STYLE["level"], "zorder": 5, **plain_text()}
            place = (start + end) / 2, row + 0.5
            made[name, index] = ax.text(*place, shown, **styled(given, **look))
    return made


def _frames(
    ax: Axes,
    spans: dict[int, tuple[float, float]],
    tokens: dict[tuple[str, int], Text],
    given: Keywords,
) -> dict[int, Rectangle]:
    """A frame around both tokens, where the list changed them."""
    look = styled(given, facecolor="none", edgecolor=STYLE["incomplete"], linewidth=1.6, zorder=4)
    frames = {}
    for index, (start, end) in spans.items():
        both = [tokens[name, index] for name in (WITHOUT, WITH)]
        size = 1.15 * _BOLD * float(both[0].get_fontsize())
        wide = max([end - start, *text_widths([text.get_text() for text in both], size, ax)])
        corner = (start + end - wide) / 2, -2.0
        frames[index] = Rectangle(corner, wide, 2, **styled(look, linestyle="--", clip_on=False))
        ax.add_patch(frames[index])
    return frames


def _space(spans: Sequence[tuple[float, float]]) -> list[float]:
    """Seconds for the names of tokens around their middles, each up to half-way to the next token.

    >>> _space([(0.0, 2.0), (4.0, 6.0), (6.0, 7.0)])
    [4.0, 2.0, 1.0]
    """
    borders = [(one[1] + other[0]) / 2 for one, other in pairwise(spans)]
    reach = zip([-np.inf, *borders], spans, [*borders, np.inf], strict=False)
    made = []
    for left, (start, end), right in reach:
        middle = (start + end) / 2
        nearest = min(middle - left, right - middle)
        made.append(2 * nearest if np.isfinite(nearest) else end - start)
    return made


def _names(
    ax: Axes,
    spans: dict[int, tuple[float, float]],
    rows: AttentionRows,
    given: Keywords,
    *,
    inside: bool,
) -> tuple[Text, ...]:
    """Name the rows on the left, or those of phrases inside, where they hide little."""
    size = STYLE["text_size"]
    shown = {row: displayable(name, _COLUMNS) for row, name in enumerate(rows.names)}
    within = {row: shown.pop(row) for row in range(1, 1 + len(rows.phrases))} if inside else {}
    ticks = {-2: WITHOUT, -1: WITH, **shown}
    step = int(np.ceil(_LINE * size / _row_height(ax)))
    named = list(ticks)[::step]
    texts = [ticks[row] for row in named]
    ax.set_yticks([row + 0.5 for row in named], texts, fontsize=size, **plain_text())
    ax.tick_params(axis="y", length=0)
    made = []
    for (row, name), width in zip(
        within.items(), text_widths(within.values(), 1.1 * size, ax), strict=True
    ):
        at_left = _hidden(ax, spans, rows.values[row], width) <= _hidden(
            ax, spans, rows.values[row], -width
        )
        look = {"fontsize": size, "va": "center", "ha": "left" if at_left else "right"}
        look |= {"color": STYLE["level"], "zorder": 6, **plain_text()}
        look["path_effects"] = [withStroke(linewidth=2.0, foreground=STYLE["halo"])]
        look["transform"] = ax.get_yaxis_transform()
        place = 0.005 if at_left else 0.995
        made.append(ax.text(place, row + 0.5, name, **styled(given, **look)))
    return tuple(made)


def _hidden(
    ax: Axes, spans: dict[int, tuple[float, float]], attention: np.ndarray, width: float
) -> float:
    """Attention in the cells of a row under a name at its left end, or right end for −width."""
    left, right = ax.get_xlim()
    low, high = (left, left + width) if width > 0 else (right + width, right)
    under = [index for index, (start, end) in spans.items() if start < high and end > low]
    return float(attention[under].sum())


def _legend(ax: Axes, cells: PolyCollection, frames: dict[int, Rectangle]) -> Legend:
    """What shades and frames are."""
    shades: Any = cells.to_rgba(np.array(_SAMPLES))
    handles = [
        Patch(facecolor=shade, edgecolor=STYLE["neutral"], label=f"{100 * one:.0f} %")
        for one, shade in zip(_SAMPLES, shades, strict=True)
    ]
    handles[0].set_label(f"attention: {handles[0].get_label()}")
    if frames:
        look = {"facecolor": "none", "edgecolor": STYLE["incomplete"], "linestyle": "--"}
        handles.append(Patch(**look, linewidth=1.6, label="changed by the list"))
    columns = int(np.clip(width_in_points(ax) // _ENTRY, 1, len(handles)))
    return legend_above(ax, handles=handles, ncols=columns, columnspacing=1.0)


def _columns(ax: Axes, seconds: float, size: float) -> int:
    """Letters of a size for which there is space."""
    left, right = ax.get_xlim()
    return int(width_in_points(ax) * seconds / abs(right - left) / (_LETTER * size))


def _row_height(ax: Axes) -> float:
    """Height of a row, in points."""
    bottom, top = ax.get_ylim()
    return height_in_points(ax) / abs(bottom - top)


def _alt(
    transcription: Transcription, bias: PhraseBias, names: Sequence[str], attention: np.ndarray
) -> str:
    """What there is to see, in words; attention is (tokens, names)."""
    count, listed = len(transcription.tokens), counted(len(bias.phrases), "phrase")
    sentences = [
        f"Attention of {counted(count, 'token')} to a list of {listed} and to “{NO_BIAS}”."
    ]
    looks = [
        f"{_quoted(token)} looks most at {_quoted(names[most])} ({100 * row[most]:.0f} %)"
        for token, row, most in zip(
            transcription.tokens, attention, attention.argmax(axis=1), strict=True
        )
    ]
    changed = [
        f"{_quoted(alone)} became {_quoted(token)}"
        for alone, token in zip(bias.unbiased, transcription.tokens, strict=True)
        if alone != token
    ]
    sentences += [f"{_first(looks)}."] if looks else []
    sentences.append(f"By the list {_first(changed)}." if changed else "The list changed no token.")
    return " ".join(sentences)


def _quoted(text: str) -> str:
    return f"“{printable(text, most=LONGEST_WORDS)}”"


def _first(parts: Sequence[str]) -> str:
    """The first of many parts of a sentence, and how many more there are."""
    more = len(parts) - MOST_TOKENS_IN_WORDS
    rest = [f"and {more} more"] if more > 0 else []
    return ", ".join([*parts[:MOST_TOKENS_IN_WORDS], *rest])


def _describe(transcription: Transcription) -> str:
    bias = transcription.extras.get(BIAS)
    if bias is None:
        return ""
    return f"attention of the tokens to a list of {counted(len(bias.phrases), 'phrase')}"


PHRASES = Track(
    "phrase",
    1.75,
    lambda one, ax: phrase_attention(one, most=5, names_inside=True, legend=False, ax=ax),
    _describe,
)
"""The panel's lane of a transcription that was made with a list of phrases."""
