"""How an utterance is decoded: at several numbers of tokens, and pass by pass."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from cifviz.errors import require_integer, require_type
from cifviz.plot.canvas import (
    counted,
    displayable,
    plain_text,
    resolve,
    text_widths,
    width_in_points,
)
from cifviz.plot.palette import STYLE, Keywords, styled
from cifviz.systems.count_hypotheses import CountHypotheses, CountHypothesis
from cifviz.systems.decoding_steps import DecodingSteps

_BAR = 0.34
"""Height of a bar in a row of height 1; the tokens stand below it."""

_LETTER, _LEAST_COLUMNS = 0.62, 3
# Width of a letter, as a share of its size; in narrower boxes no token is written.

MOST_TEXT_COLUMNS = 400
"""Tokens of a candidate are cut after so many characters, even where there is more space."""


class CountArtists(NamedTuple):
    """What `count_lanes` drew, from the smallest count to the largest."""

    bars: BarContainer
    texts: tuple[Text, ...]
    """The tokens of each candidate."""
    values: tuple[Text, ...]
    """Its score."""
    chosen: Rectangle | None
    """A frame around the candidate that was chosen; None without candidates."""


class StepArtists(NamedTuple):
    """What `decoding_grid` drew."""

    cells: dict[tuple[int, int], Rectangle]
    """By pass and token: a box for each token that is known."""
    texts: dict[tuple[int, int], Text]
    """Empty where the boxes are too narrow for any."""


def count_lanes(
    hypotheses: CountHypotheses,
    *,
    ax: Axes | None = None,
    text_kw: Keywords = None,
    value_kw: Keywords = None,
    chosen_kw: Keywords = None,
    **kwargs: Any,
) -> CountArtists:
    """Draw the candidates of several counts: tokens, score, and which one is chosen.

    Parameters
    ----------
    hypotheses : CountHypotheses
        What `cifviz.systems.count_hypotheses.count_hypotheses` returned.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    text_kw, value_kw, chosen_kw : mapping, optional
        For the tokens, for the numbers at the bars, and for the frame of what is chosen.
    **kwargs
        For the bars.

    Returns
    -------
    CountArtists
        A bar is as long as ``exp(score)``, the geometric mean of the probabilities that the scorer
        gives to the candidate's tokens; the number at its end is the score.

    Raises
    ------
    CIFError
        If it is something else, or `ax` is no Axes.

    Notes
    -----
    Notebook: notebooks/08_nar_decoding.ipynb
    """
    # 1. A bar for each candidate.
    ax = resolve(ax)
    require_type("hypotheses", hypotheses, CountHypotheses)
    candidates, best = hypotheses.candidates, hypotheses.best if hypotheses.candidates else None
    places = range(len(candidates))
    look = styled(kwargs, height=_BAR, color=STYLE["complete"], edgecolor=STYLE["level"])
    lengths = [math.exp(one.score) for one in candidates]
    bars = ax.barh([place - 0.18 for place in places], lengths, linewidth=0.6, **look)
    for bar, one in zip(bars, candidates, strict=True):
        bar.set_hatch("////" if one is best else "")

    # 2. Score and tokens of each.
    ax.set_xlim(0, 1.12)
    size = STYLE["text_size"]
    texts, values = [], []
    for place, one, length in zip(places, candidates, lengths, strict=True):
        look = {"va": "center", "fontsize": size, "weight": "bold" if one is best else "normal"}
        values.append(ax.text(length + 0.01, place - 0.18, _score(one), **styled(value_kw, **look)))
        line = _fitting(" ".join(one.transcription.tokens) or "(no token)", ax)
        texts.append(ax.text(0.01, place + 0.22, line, **styled(text_kw, **look, **plain_text())))

    # 3. What is chosen, and the axes.
    frame = None
    if best is not None:
        look = {"facecolor": "none", "edgecolor": STYLE["level"], "linewidth": 1.6, "zorder": 4}
        corner = (0.0, candidates.index(best) - 0.46)
        frame = Rectangle(
            corner, 1.0, 0.92, transform=ax.get_yaxis_transform(), **styled(chosen_kw, **look)
        )
        ax.add_patch(frame)
    names = [_count(one, hypotheses, best) for one in candidates]
    ax.set_yticks(places, names, fontsize=size)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(candidates) - 0.45, -0.55)
    ax.set_xticks([0.0, 0.25, 0.5, 0.75, 1.0])
    ax.set_xlabel("exp(score), by the scorer")
    return CountArtists(bars, tuple(texts), tuple(values), frame)


def _score(one: CountHypothesis) -> str:
    return f"{one.score:.2f}".replace("-", "−").replace("inf", "∞")


def _count(one: CountHypothesis, all_of_them: CountHypotheses, best: CountHypothesis | None) -> str:
    """Number of tokens, and whether so many fire and are chosen."""
    marks = ["fire"] * (one.count == all_of_them.fired) + ["chosen"] * (one is best)
    return "\n".join([counted(one.count, "token"), *([", ".join(marks)] if marks else [])])


def _fitting(text: str, ax: Axes) -> str:
    """As much of a text as there is space for on the Axes."""
    shown = displayable(text, MOST_TEXT_COLUMNS)
    (width,) = text_widths([shown], 1.08 * STYLE["text_size"], ax)
    most = 0.97 * abs(ax.get_xlim()[1] - ax.get_xlim()[0])
    return shown if width <= most else displayable(text, max(1, int(len(shown) * most / width)))


def decoding_grid(
    steps: DecodingSteps,
    *,
    rows: int = 0,
    ax: Axes | None = None,
    text_kw: Keywords = None,
    **kwargs: Any,
) -> StepArtists:
    """Draw which tokens are known after each pass through the decoder: a row for each pass.

    Parameters
    ----------
    steps : DecodingSteps
        Such as `cifviz.systems.decoding_steps.decoding_steps` gives.
    rows : int >= 0
        Space for so many passes at least: as many as a system beside it takes, so that rows have
        one height.
    ax : Axes, optional
        Where to draw; default: the current Axes.
    text_kw : mapping, optional
        For the tokens.
    **kwargs
        For the boxes.

    Returns
    -------
    StepArtists
        What a pass gave or changed is coloured and bold; what was known before is grey. If it was
        measured, the time at which a pass ended stands beside it.

    Raises
    ------
    CIFError
        If it is something else, `rows` is below 0 or `ax` is no Axes.

    Notes
    -----
    Notebook: notebooks/08_nar_decoding.ipynb

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> steps = DecodingSteps.of_passes(("a", "b"), 2)
    >>> sorted(decoding_grid(steps, ax=Figure().subplots()).cells)
    [(0, 0), (1, 0), (1, 1)]
    """
    # 1. Rows and columns.
    ax = resolve(ax)
    require_type("steps", steps, DecodingSteps)
    rows = require_integer("rows", rows, at_least=0)
    count, size = len(steps.tokens), STYLE["text_size"]
    ax.set_xlim(0, max(count, 1))
    ax.set_ylim(max(steps.passes, rows, 1), 0)
    columns = int(width_in_points(ax) / max(count, 1) / (_LETTER * size))

    # 2. A box for each token that is known.
    cells, texts = {}, {}
    before: tuple[str | None, ...] = (None,) * count
    for row, known in enumerate(steps.known):
        for column, token in enumerate(known):
            if token is None:
                continue
            is_new = token != before[column]
            colour = STYLE["complete"] if is_new else STYLE["neutral"]
            look = {"facecolor": colour, "edgecolor": STYLE["halo"], "linewidth": 1.5}
            cells[row, column] = Rectangle((column, row), 1, 1, **styled(kwargs, **look))
            ax.add_patch(cells[row, column])
            if columns < _LEAST_COLUMNS:
                continue
            look = {"ha": "center", "va": "center", "fontsize": size}
            look |= {"weight": "bold" if is_new else "normal", **plain_text()}
            place, shown = (column + 0.5, row + 0.5), displayable(token, columns)
            texts[row, column] = ax.text(*place, shown, **styled(text_kw, **look))
        before = known

    # 3. The axes.
    names = [str(done + 1) for done in range(steps.passes)]
    if steps.seconds:
        names = [
            f"{name} · {1000 * end:.0f} ms" for name, end in zip(names, steps.seconds, strict=True)
        ]
    ax.set_yticks([done + 0.5 for done in range(steps.passes)], names, fontsize=size)
    step = math.ceil(_LEAST_COLUMNS / max(columns, 1))
    numbered = range(0, count, step)
    ax.set_xticks([one + 0.5 for one in numbered], [str(one) for one in numbered], fontsize=size)
    ax.tick_params(length=0)
    ax.set_xlabel("token")
    ax.set_ylabel("pass")
    return StepArtists(cells, texts)
