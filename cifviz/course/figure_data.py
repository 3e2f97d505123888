"""What a figure shows as tables: for those who read by ear, and for those who want the numbers.

Everything is read off the Axes once they are drawn, so that it is what the figure shows.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection, PolyCollection, QuadMesh
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle, StepPatch

MOST_ROWS = 40
"""Rows of one table: of more points some are left out, evenly."""
MOST_POINTS = 800
"""Points of a line: of more, such as samples of a sound, count and range are stated."""
MOST_WORDS = 40
"""Texts of one Axes that are listed."""


@dataclass(frozen=True)
class FigureTable:
    """A part of a figure in numbers."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    points: int
    """How many there are in the figure; `rows` may have fewer."""


@dataclass(frozen=True)
class AxesData:
    """What one Axes shows."""

    title: str
    tables: tuple[FigureTable, ...]
    notes: tuple[str, ...]
    """Sentences on what is no series: pictures, lines across the Axes, words."""


def figure_data(figure: Figure) -> list[AxesData]:
    """Series, pictures and words of a figure, one entry for each Axes that shows any.

    Parameters
    ----------
    figure : Figure
        Drawn before. Lines, steps, bars, points, boxes and areas become tables of at most
        `MOST_ROWS` rows, rounded to three digits. Of a picture, such as a spectrogram, and of a
        line of more than `MOST_POINTS` points, size and range are stated. What is not visible and
        the bars of colours are left out.

    Returns
    -------
    list of AxesData

    Examples
    --------
    >>> from cifviz.course.figures import canvas
    >>> figure, (ax,) = canvas()
    >>> _ = ax.plot([0, 1, 2], [0.0, 0.25, 1 / 3], label="loss")
    >>> _ = ax.set_xlabel("epoch")
    >>> (data,) = figure_data(figure)
    >>> data.tables[0].header, data.tables[0].rows
    (('epoch', 'loss'), (('0', '0'), ('1', '0.25'), ('2', '0.333')))
    """
    shown = [ax for ax in figure.axes if ax.get_visible() and ax.get_label() != "<colorbar>"]
    found = [_axes_data(ax, place, len(shown)) for place, ax in enumerate(shown, 1)]
    return [one for one in found if one.tables or one.notes]


def figure_data_html(figure: Figure) -> str:
    """`figure_data` as a closed fold in HTML.

    A figure in which nothing is drawn, such as one of silence, says so. Empty if something is
    drawn, and nothing of it can be read.

    >>> from cifviz.course.figures import canvas
    >>> figure, (ax,) = canvas()
    >>> figure_data_html(figure)
    '<details class="data"><summary>The figure as a table</summary><p>No values.</p></details>'
    """
    found = figure_data(figure)
    if not found and any(np.isfinite(ax.dataLim.get_points()).all() for ax in figure.axes):
        return ""
    parts = [] if found else ["<p>No values.</p>"]
    for data in found:
        parts += [f"<p><strong>{_escaped(data.title)}</strong></p>"] if data.title else []
        parts += [f"<p>{_escaped(note)}</p>" for note in data.notes]
        parts += [_table_html(table) for table in data.tables]
    return f'<details class="data"><summary>{LABEL}</summary>{"".join(parts)}</details>'


LABEL = "The figure as a table"
"""What the fold is called."""


def _table_html(table: FigureTable) -> str:
    head = "".join(f'<th scope="col">{_escaped(name)}</th>' for name in table.header)
    rows = "".join(
        f"<tr>{''.join(f'<td>{_escaped(cell)}</td>' for cell in row)}</tr>" for row in table.rows
    )
    left_out = table.points - len(table.rows)
    more = f" ({len(table.rows)} of {table.points})" if left_out else ""
    return (
        f"<table><caption>{_escaped(table.title)}{more}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)


# --- one Axes ------------------------------------------------------------------------------------


def _axes_data(ax: Axes, place: int, count: int) -> AxesData:
    """Everything that one Axes shows, in the order in which a reader would ask for it."""
    x, y = _axis_name(ax, "x"), _axis_name(ax, "y")
    name = " ".join((ax.get_title(loc="left") or ax.get_title()).split()) or (y if y != "y" else "")
    title = name if count == 1 else f"{place}. {name}".strip()
    tables = [
        *_curves(ax, x, y),
        *_steps(ax, x, y),
        *_bars(ax, x, y),
        *_points(ax, x, y),
        *_spans(ax, x, y),
    ]
    return AxesData(title, tuple(tables), tuple(_notes(ax, x, y)))


def _axis_name(ax: Axes, which: str) -> str:
    """The label of an axis, or that of the Axes with which it is shared."""
    group = ax.get_shared_x_axes() if which == "x" else ax.get_shared_y_axes()
    for one in [ax, *reversed(group.get_siblings(ax))]:
        label = one.get_xlabel() if which == "x" else one.get_ylabel()
        if label.strip():
            return " ".join(label.split())
    return which


def _label(artist: Any, otherwise: str) -> str:
    label = str(artist.get_label())
    return otherwise if label.startswith("_") or not label.strip() else " ".join(label.split())


def _visible(artists: Sequence[Any], kind: type[Any]) -> list[Any]:
    return [one for one in artists if isinstance(one, kind) and one.get_visible()]


def _in_data(artist: Any, ax: Axes) -> bool:
    """Whether an artist is placed by the values of both axes, not by shares of the Axes."""
    return bool(artist.get_transform() == ax.transData)


def _curves(ax: Axes, x: str, y: str) -> Iterator[FigureTable]:
    """Lines; those that share their places stand in one table."""
    groups: dict[bytes, tuple[np.ndarray, dict[str, np.ndarray]]] = {}
    for line in _visible(ax.lines, Line2D):
        xs, ys = (np.asarray(one, dtype=float) for one in line.get_data(orig=False))
        if not _in_data(line, ax) or _is_segment(line) or not 0 < len(xs) <= MOST_POINTS:
            continue
        _, series = groups.setdefault(xs.tobytes(), (xs, {}))
        series[_fresh(_label(line, y), series)] = ys
    words = _tick_words(ax, "x")
    for xs, series in groups.values():
        columns = [_at(xs, words), *map(_numbers, series.values())]
        names = ", ".join(series)
        yield _table(names, (x, *series), columns)


def _is_segment(line: Line2D) -> bool:
    """Whether a line leads from one place to another, and has no name."""
    return len(np.asarray(line.get_xdata())) == 2 and str(line.get_label()).startswith("_")


def _steps(ax: Axes, x: str, y: str) -> Iterator[FigureTable]:
    """Steps; those with the same edges stand in one table.

    Rows of steps one above the other are measured from their own ground, and named by the words
    that the axis has there.
    """
    groups: dict[bytes, tuple[np.ndarray, dict[str, np.ndarray]]] = {}
    words = _tick_words(ax, "y")
    for step in _visible(ax.patches, StepPatch):
        values, edges, baseline = step.get_data()
        ground = float(baseline) if np.ndim(baseline) == 0 and baseline is not None else 0.0
        above = (word for place, word in words.items() if ground <= place < ground + 1)
        name = _label(step, next(above, y))
        _, series = groups.setdefault(np.asarray(edges, dtype=float).tobytes(), (edges, {}))
        series[_fresh(name, series)] = np.asarray(values, dtype=float) - ground
    for edges, series in groups.values():
        title = f"{', '.join(series)}; each up to the next, the last to {_number(edges[-1])}"
        columns = [_numbers(edges[:-1]), *map(_numbers, series.values())]
        yield _table(title, (f"{x}, from", *series), columns)


def _fresh(name: str, taken: dict[str, np.ndarray]) -> str:
    """A name that no other column has."""
    return f"{name} ({len(taken) + 1})" if name in taken else name


def _bars(ax: Axes, x: str, y: str) -> Iterator[FigureTable]:
    for bars in (one for one in ax.containers if isinstance(one, BarContainer)):
        upright = bars.orientation != "horizontal"
        boxes = [bar.get_bbox() for bar in bars.patches]
        if not boxes:
            continue
        middle = [box.x0 + box.width / 2 if upright else box.y0 + box.height / 2 for box in boxes]
        low, high = (
            [getattr(box, f"{'y' if upright else 'x'}{end}") for box in boxes] for end in (0, 1)
        )
        where, what = (x, y) if upright else (y, x)
        name = _label(bars, what)
        columns = [_at(np.asarray(middle), _tick_words(ax, "x" if upright else "y"))]
        if any(low):
            columns += [_numbers(low), _numbers(high)]
            yield _table(name, (where, f"{name}, from", "to"), columns)
        else:
            yield _table(name, (where, name), [*columns, _numbers(high)])


def _points(ax: Axes, x: str, y: str) -> Iterator[FigureTable]:
    for points in _visible(ax.collections, PathCollection):
        places: np.ndarray = np.ma.filled(
            np.ma.asarray(points.get_offsets(), dtype=float), math.nan
        )
        if len(places) and points.get_offset_transform() == ax.transData:
            columns = [_at(places[:, 0], _tick_words(ax, "x"))]
            columns += [_at(places[:, 1], _tick_words(ax, "y"))]
            yield _table(_label(points, "points"), (x, y), columns)


def _spans(ax: Axes, x: str, y: str) -> Iterator[FigureTable]:
    """Boxes, areas, and lines from one place to another, by where they begin and end."""
    in_bars = {id(bar) for one in ax.containers for bar in getattr(one, "patches", ())}
    groups: dict[str, list[tuple[float, float, float, float]]] = {}

    def add(name: str, ends: Any) -> None:
        (left, low), (right, high) = np.min(ends, axis=0), np.max(ends, axis=0)
        if np.isfinite([left, right, low, high]).all():
            groups.setdefault(name, []).append((left, right, low, high))

    for box in _visible(ax.patches, Rectangle):
        if id(box) not in in_bars and box.get_data_transform() == ax.transData:
            bounds = box.get_bbox()
            add(_label(box, "boxes"), [[bounds.x0, bounds.y0], [bounds.x1, bounds.y1]])
    for line in filter(_is_segment, _visible(ax.lines, Line2D)):
        if _in_data(line, ax):
            add("lines", np.column_stack(line.get_data(orig=False)).astype(float))
    for kind, name in ((LineCollection, "lines"), (PolyCollection, "areas")):
        for drawn in _visible(ax.collections, kind):
            for path in drawn.get_paths() if _in_data(drawn, ax) else ():
                if len(path.vertices):
                    add(_label(drawn, name), path.vertices)
    header = (f"{x}, from", "to", f"{y}, from", "to")
    shown = len(header) if any(label.get_text() for label in ax.get_yticklabels()) else 2
    for name, ends in groups.items():
        columns = [_numbers(one) for one in zip(*ends, strict=True)]
        yield _table(name, header[:shown], columns[:shown])  # without numbers upwards: lanes


def _notes(ax: Axes, x: str, y: str) -> Iterator[str]:
    """Pictures, lines across the Axes, and words, one sentence for each kind."""
    pictures: list[Any] = [*_visible(ax.images, AxesImage), *_visible(ax.collections, QuadMesh)]
    for picture in pictures:
        values: np.ma.MaskedArray = np.ma.asarray(picture.get_array(), dtype=float)
        size = " × ".join(str(length) for length in values.shape)
        low, high = _number(values.min()), _number(values.max())
        yield f"A picture of {size} values from {low} to {high}."
    for line in _visible(ax.lines, Line2D):
        if _in_data(line, ax) and len(np.asarray(line.get_xdata())) > MOST_POINTS:
            values = np.ma.masked_invalid(np.asarray(line.get_ydata(orig=False), dtype=float))
            low, high = _number(values.min()), _number(values.max())
            yield f"{_label(line, y)}: a line of {len(values)} points, from {low} to {high}."
    across = [line for line in _visible(ax.lines, Line2D) if not _in_data(line, ax)]
    for axis, name, get in (("x", x, Line2D.get_xdata), ("y", y, Line2D.get_ydata)):
        transform = ax.get_xaxis_transform() if axis == "x" else ax.get_yaxis_transform()
        own = [line for line in across if line.get_transform() == transform]
        drawn = [np.asarray(get(line, False), dtype=float) for line in own]
        places = sorted(float(ends[0]) for ends in drawn if _is_straight(ends))
        if places:
            listed = ", ".join(dict.fromkeys(map(_number, places[:MOST_WORDS])))
            yield f"Lines across it at {name}: {listed}."
    texts = [" ".join(text.get_text().split()) for text in ax.texts if text.get_visible()]
    texts = [text for text in texts if text]
    if texts:
        more = f", and {len(texts) - MOST_WORDS} more" if len(texts) > MOST_WORDS else ""
        yield f"Words in it: {', '.join(texts[:MOST_WORDS])}{more}."


def _is_straight(ends: Any) -> bool:
    """Whether a line stays at one value."""
    return len(ends) > 0 and len(set(map(float, ends))) == 1


# --- cells ---------------------------------------------------------------------------------------


def _table(title: str, header: tuple[str, ...], columns: Sequence[Sequence[str]]) -> FigureTable:
    """A table of at most `MOST_ROWS` rows, the first and the last among them."""
    rows = list(zip(*columns, strict=True))
    step = max(1.0, (len(rows) - 1) / (MOST_ROWS - 1))
    places = [round(step * row) for row in range(min(len(rows), MOST_ROWS))]
    return FigureTable(title, header, tuple(rows[place] for place in places), len(rows))


def _numbers(values: Any) -> list[str]:
    return [_number(value) for value in np.ma.filled(np.ma.asarray(values, dtype=float), math.nan)]


def _number(value: Any) -> str:
    """Three digits; nothing for what is no number, where a line has a gap.

    >>> _number(1 / 3), _number(1234567), _number(-0.0), _number(math.nan)
    ('0.333', '1.23e+06', '0', '')
    """
    if np.ma.is_masked(value) or math.isnan(value):
        return ""
    return f"{float(value) + 0.0:.3g}"


def _at(places: np.ndarray, words: dict[float, str]) -> list[str]:
    """Places on an axis, by their words where ticks have words."""
    return [words.get(float(place)) or _number(place) for place in places]


def _tick_words(ax: Axes, which: str) -> dict[float, str]:
    """Words at the ticks of an axis; none where they are numbers."""
    axis = ax.xaxis if which == "x" else ax.yaxis
    words = [" ".join(label.get_text().split()) for label in axis.get_ticklabels()]
    if all(_is_number(word) for word in words):
        return {}
    ticks = axis.get_ticklocs()
    return {float(tick): word for tick, word in zip(ticks, words, strict=False) if word}


def _is_number(word: str) -> bool:
    r"""Whether a label of a tick is a number, as matplotlib writes one.

    >>> _is_number("−0.5"), _is_number(r"$\mathdefault{10^{2}}$"), _is_number("one")
    (True, True, False)
    """
    try:
        float(word.replace("−", "-") or 0)
    except ValueError:
        return word.startswith("$")
    return True
