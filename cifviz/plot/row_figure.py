"""Which frames the tokens of several systems are made of, one utterance on one time axis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes

from cifviz.alignment.timed_tokens import Alignment
from cifviz.errors import printable, require, require_number, require_type
from cifviz.locks import one_at_a_time
from cifviz.plot.canvas import LONGEST_WORDS, counted, displayable, plain_text
from cifviz.plot.images import DPI
from cifviz.plot.palette import STYLE
from cifviz.plot.panels import NARROWEST, WIDEST, WIDTH, Panel, PanelFigure
from cifviz.plot.rows import token_rows
from cifviz.plot.token_lanes import token_spans
from cifviz.systems.transcription import Transcription

WORDS = "words"
"""Key of the lane of the reference."""

_TITLE_COLUMNS = 100
_TITLE: Mapping[str, Any] = {"loc": "left", "fontsize": STYLE["text_size"], "pad": 3.0}
_ROW, _LEAST, _MOST, _WORDS = 0.15, 0.45, 2.5, 0.4
_GAP, _LEFT, _RIGHT, _TOP, _BOTTOM = 0.32, 0.85, 0.25, 0.3, 0.5
# All in inches: a token's row, least and greatest height of a lane, that of the reference, and the
# space between and around the lanes.


@one_at_a_time
def rows_panel(
    transcriptions: Mapping[str, Transcription],
    *,
    words: Alignment | None = None,
    width: float = WIDTH,
) -> Panel:
    """Draw over which frames the tokens are spread, a lane for each system.

    Parameters
    ----------
    transcriptions : mapping of str to Transcription
        Of one utterance, by the name of the system; at least one.
    words : Alignment, optional
        The reference: a lane of its own, and lines through the others where its words begin
        (solid) and end (dotted).
    width : float
        Inches, from 3 to 100.

    Returns
    -------
    Panel
        ``(fig, axes)``: "words" if there is a reference, and the lanes of the systems, each drawn
        by `token_rows`. A bare figure with an alternative text.

    Raises
    ------
    CIFError
        If there is no transcription, one is of a sound of another length, a system is called
        "words", or the width is no such number.

    See Also
    --------
    cifviz.plot.token_rows : one lane.

    Notes
    -----
    Notebook: notebooks/08_nar_decoding.ipynb
    """
    # 1. Check what came.
    width = require_number("width", width, at_least=NARROWEST, at_most=WIDEST)
    require(len(transcriptions) > 0, "expected at least one transcription, got none")
    for name, one in transcriptions.items():
        require_type(f"transcription of {name!r}", one, Transcription)
    require(WORDS not in transcriptions, f"{WORDS!r} is the reference, no name of a system")
    lengths = {name: round(one.duration, 6) for name, one in transcriptions.items()}
    require(
        len(set(lengths.values())) == 1,
        f"expected transcriptions of one utterance, got sounds of {lengths} seconds",
    )

    # 2. The lanes, on one time axis.
    heights = {
        name: min(max(_LEAST, _ROW * len(one.tokens)), _MOST)
        for name, one in transcriptions.items()
    }
    fig, axes = _axes({WORDS: _WORDS, **heights} if words is not None else heights, width)
    for name, one in transcriptions.items():
        ax = axes[name]
        token_rows(one, ax=ax)
        ax.set_ylabel("")
        title = f"{name}: {one.row_kind}, {counted(len(one.tokens), 'token')}"
        ax.set_title(displayable(title, _TITLE_COLUMNS), **_TITLE, **plain_text())
    if words is not None:
        token_spans(words, ax=axes[WORDS])
        axes[WORDS].set_ylabel("")
        axes[WORDS].set_title("reference", **_TITLE)
        for name in transcriptions:
            _mark_words(axes[name], words)

    # 3. One time axis.
    lanes = list(axes.values())
    for ax in lanes[:-1]:
        ax.set_xlabel("")
    lanes[0].set_xlim(*_limits(transcriptions, words))
    fig.alt = _alt(transcriptions, words)
    return Panel(fig, axes)


def _axes(heights: Mapping[str, float], width: float) -> tuple[PanelFigure, dict[str, Axes]]:
    """A figure with an Axes for each lane, of so many inches."""
    gaps = _GAP * (len(heights) - 1)
    height = sum(heights.values()) + gaps + _TOP + _BOTTOM
    fig = PanelFigure(figsize=(width, height), dpi=DPI)
    grid = fig.add_gridspec(
        len(heights),
        left=_LEFT / width,
        right=1 - _RIGHT / width,
        top=1 - _TOP / height,
        bottom=_BOTTOM / height,
        height_ratios=list(heights.values()),
        hspace=_GAP * len(heights) / sum(heights.values()),
    )
    lanes = grid.subplots(sharex=True, squeeze=False)[:, 0]
    return fig, dict(zip(heights, lanes, strict=True))


def _mark_words(ax: Axes, words: Alignment) -> None:
    """Lines where words begin and end."""
    for token in words.timed:
        for place, dash in ((token.start, "-"), (token.end, ":")):
            look = {"color": STYLE["level"], "linewidth": 0.9, "linestyle": dash, "zorder": 3}
            ax.axvline(place or 0.0, **look)


def _limits(
    transcriptions: Mapping[str, Transcription], words: Alignment | None
) -> tuple[float, float]:
    """The time axis: frames, sound and words of all."""
    begin = min([0.0, *(one.grid.seconds(0) for one in transcriptions.values())])
    ends = [one.duration for one in transcriptions.values()]
    ends += [one.grid.seconds(one.rows.shape[1]) for one in transcriptions.values()]
    ends += [token.end or 0.0 for token in (words.timed if words is not None else ())]
    return begin, max(ends) if max(ends) > begin else begin + 1.0


def _alt(transcriptions: Mapping[str, Transcription], words: Alignment | None) -> str:
    """What there is to see, in words."""
    sentences = ["Over which frames each token is spread, a lane for each system on one time axis."]
    if words is not None:
        text = " ".join(token.token for token in words)
        sentences.append(f"Reference: “{printable(text, most=LONGEST_WORDS)}”.")
    for name, one in transcriptions.items():
        lane = f"{printable(name, most=LONGEST_WORDS)}, {one.row_kind}: "
        if not one.tokens:
            sentences.append(f"{lane}no token.")
            continue
        widths = one.grid.shift / one.rows.square().sum(dim=1).clamp(min=1e-12)
        sentences.append(
            f"{lane}“{printable(one.text, most=LONGEST_WORDS)}”, a token as wide as "
            f"{1000 * float(widths.median()):.0f} ms of equal shares (median)."
        )
    return " ".join(sentences)
