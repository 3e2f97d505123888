"""The panel: one utterance from sound to tokens, a lane for each track.

A panel is a bare `matplotlib.figure.Figure`: pyplot does not know it, so a notebook shows it once,
nothing has to be closed and no rcParam changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from io import BytesIO
from textwrap import wrap
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from cifviz.alignment.mass_times import one_utterance
from cifviz.alignment.timed_tokens import Alignment
from cifviz.display import Png
from cifviz.errors import printable, require_choice, require_number, require_type
from cifviz.locks import one_at_a_time
from cifviz.plot import curves
from cifviz.plot.canvas import LONGEST_WORDS, counted, displayable, plain_text, text_widths
from cifviz.plot.fonts import missing_fonts
from cifviz.plot.images import DPI, light_circles
from cifviz.plot.palette import LOOKS, STYLE, looking
from cifviz.plot.panel_sections import Section, lanes_of, sections_of, things_within
from cifviz.plot.track import NARROW
from cifviz.plot.tracks import TRACKS, alignment_within, span_of
from cifviz.systems.transcription import Transcription

WIDTH = 10.0
"""Inches."""
NARROWEST, WIDEST = 3.0, 100.0
"""Inches that can be asked for."""

IMAGES = {"png": "Description", "svg": "Description", "pdf": "Subject"}
"""Kinds of files, and what each calls its description."""
DATES = {"svg": "Date", "pdf": "CreationDate"}
"""What they call the day on which they are made."""

MOST_TOKENS_IN_WORDS = 20
"""Longer transcriptions are cut in the alternative text."""

FEW_TOKENS = 40
"""Of more, the alternative text says what found no space; the line below the lanes always does."""

MOST_TITLE_COLUMNS = 120
"""Space for the title, and for the warning below it."""

THINNED = 14.0
"""Points between fires below which they run through the weights alone: more lines hide the rest."""

TITLE_SIZE, NOTE_SIZE = 9.0, 7.5
"""Points of both, at most, and of the line that says what is left out."""

_GAP, _LEFT, _RIGHT, _BOTTOM = 0.14, 1.05, 0.65, 0.5  # inches
_TITLE, _WARNING = 0.4, 0.42  # inches above the lanes, and more where there is a warning
_BETWEEN, _LINE = 0.62, 0.16  # inches between two sections, and of one more line of text


class PanelFigure(Figure):
    """A figure that a notebook shows, pyplot or not, with an alternative text."""

    alt: str = ""
    """The alternative text; see `panel_alt`."""

    def png(self) -> bytes:
        """The figure as a PNG image, with its alternative text inside as the description."""
        return self.image("png")

    @one_at_a_time
    def image(self, kind: str) -> bytes:
        """The figure as a file, with its alternative text inside as the description.

        Parameters
        ----------
        kind : {"png", "svg", "pdf"}
        """
        require_choice("kind", kind, IMAGES)
        image = BytesIO()
        if kind == "png":
            FigureCanvasAgg(self).print_png(image, metadata={"Description": self.alt})
        else:
            for mesh in self.findobj(QuadMesh):  # a box for each entry would be megabytes
                mesh.set_rasterized(True)
            known = {IMAGES[kind]: self.alt, DATES[kind]: None}  # the same files on any day
            self.savefig(image, format=kind, metadata=known)
        return light_circles(image.getvalue()) if kind == "svg" else image.getvalue()

    def _repr_png_(self) -> Png:
        return self.png(), {"alt": self.alt}


class Panel(NamedTuple):
    """A figure and its lanes; as the last expression of a notebook cell it shows the figure."""

    fig: PanelFigure
    axes: dict[str, Axes]
    """By name, from top to bottom."""

    def _repr_png_(self) -> Png:
        return self.fig._repr_png_()


@one_at_a_time
def panel(
    transcription: Transcription,
    *,
    reference: Alignment | None = None,
    compare: Mapping[str, Alignment] | None = None,
    start: float | None = None,
    end: float | None = None,
    lanes: Iterable[str] | None = None,
    width: float = WIDTH,
    title: str | None = None,
    style: str = "light",
) -> Panel:
    """Draw everything about one utterance on one time axis.

    Parameters
    ----------
    transcription : Transcription
        Of one utterance.
    reference : Alignment, optional
        The true alignment, for a lane of its own. Default: the transcription's own.
    compare : mapping of str to Alignment, optional
        Other alignments by their names, each for a lane of its own.
    start, end : float, optional
        Show only this part, seconds, below an overview of the whole.
    lanes : iterable of str, optional
        Names of the lanes to show, from top to bottom. Default: all there are.
    width : float in [3, 100]
        Inches, of 100 pixels.
    title : str, optional
        Instead of model, vocabulary and mean score; "" for none.
    style : {"light", "dark", "transparent"}
        "transparent" has no ground, and greys that can be read on white and on black.

    Returns
    -------
    Panel
        ``(fig, axes)``: the lanes of `cifviz.plot.tracks.TRACKS` and, if there are any, "reference"
        and "compared: NAME", through which no fires run.
        Where there is no sound, "waveform" is missing and "log_mel" shows the features that the
        recogniser was given, or is missing too. Above the lanes are
        model, vocabulary and mean score and, of a sound that is out of domain, a warning in a
        frame.

        Where a token has less than 4 points, lanes show how many tokens, fires or words there are
        in each second; of a whole utterance, the first ones follow in lanes of their own ("detail:
        tokens" and so on). Fires closer than `THINNED` run through the weights alone. A line at
        the bottom says what found no space, and which characters no font here has.

        The figure is a bare one: show it as the last expression of a cell, or
        ``fig.savefig(...)``.

    Raises
    ------
    CIFError
        If the transcription holds several utterances, or is of a sound longer than a window; if an
        option is out of its range, or a lane is unknown.

    See Also
    --------
    panel_png : the same as an image.
    panel_alt : the same in words.

    Notes
    -----
    Notebook: notebooks/00_start_here.ipynb
    """
    # 1. What is shown, and a figure with an Axes for each lane.
    width = require_number("width", width, at_least=NARROWEST, at_most=WIDEST)
    require_choice("style", style, LOOKS)
    tracks = lanes_of(transcription, reference, compare)
    points = 72 * (width - _LEFT - _RIGHT)
    sections = sections_of(transcription, tracks, start, end, lanes, points=points)
    lacking = missing_fonts(_names(transcription, reference, compare))
    says = bool(lacking) or _is_noted(transcription, sections, width)
    above = _lines_above(transcription, title, points)
    fig, axes = _axes(sections, above, width)

    # 2. The tracks, then what is around them.
    with looking(style):
        left_out = []
        for section in sections:
            left_out += _draw(transcription, section, axes)
        if len(sections) > 1:
            _mark(axes, sections)
        note = _note(left_out, lacking)
        _footing(fig, note, width)
        _heading(fig, above, axes, width)
        fig.alt = _alt(transcription, sections, note if says else "")
        _dress(fig, style)
    fig.align_ylabels(list(axes.values()))
    return Panel(fig, axes)


def panel_png(transcription: Transcription, **options: Any) -> bytes:
    """The panel as a PNG image, by default always of the same width.

    Parameters
    ----------
    transcription : Transcription
        Of one utterance.
    **options
        Those of `panel`.

    Returns
    -------
    bytes
        The file; its alternative text is inside as its description.

    Raises
    ------
    CIFError
        As `panel` does.

    Notes
    -----
    Notebook: notebooks/00_start_here.ipynb
    """
    return panel(transcription, **options).fig.png()


def panel_alt(
    transcription: Transcription,
    *,
    reference: Alignment | None = None,
    compare: Mapping[str, Alignment] | None = None,
) -> str:
    """What there is to see in the panel, in words, for those who cannot see it.

    Of a panel with other options, ``fig.alt`` says it, and what found no space.

    Parameters
    ----------
    transcription : Transcription
        Of one utterance.
    reference, compare
        As for `panel`: their lanes are named.

    Returns
    -------
    str
        Length, tokens with their times in seconds (at most `MOST_TOKENS_IN_WORDS`), model with
        vocabulary and mean score, and lanes; before them the warning about a sound out of domain.

    Notes
    -----
    Notebook: notebooks/00_start_here.ipynb
    """
    tracks = lanes_of(transcription, reference, compare)
    points = 72 * (WIDTH - _LEFT - _RIGHT)
    sections = sections_of(transcription, tracks, points=points)
    lacking = missing_fonts(_names(transcription, reference, compare))
    return _alt(transcription, sections, lacking)


def _alt(transcription: Transcription, sections: list[Section], note: str) -> str:
    """The panel in words."""
    summary = transcription.summary
    sentences = [f"Warning: {transcription.warning}."] if transcription.warning else []
    method = (
        "Speech recognition" if transcription.firing is None else "Continuous integrate-and-fire"
    )
    length = f"{transcription.duration:.2f} s of sound"
    window = sections[-1].window if "overview" in sections[0].tracks else None
    sentences.append(f"{method} on {length}: {_tokens_in_words(transcription, window)}.")
    tail = ""
    if transcription.firing is not None:
        one = one_utterance(transcription.firing)
        sentences.append(
            f"The weights of {counted(one.alpha.shape[1], 'frame')} sum to "
            f"{float(one.weight_sum[0]):.2f}; a token takes β = {one.threshold:g}."
        )
        tail = "The last token is made of the weight left at the end." * bool(one.tail_fired[0])
    sentences += [f"{summary[0].upper()}{summary[1:]}.", *([tail] if tail else [])]
    sentences += [note] if note else []
    for section, begin in zip(sections, _beginnings(sections), strict=True):
        described = ", ".join(track.describe(transcription) for track in section.tracks.values())
        sentences.append(f"{begin}: {described}.")
    return " ".join(sentences)


def _beginnings(sections: list[Section]) -> list[str]:
    """How the sentences about the lanes of each section begin."""
    if len(sections) == 1:
        return ["Lanes on one time axis"]
    begin, end = sections[1].window
    return ["Lanes over the whole", f"Below it, from {begin:.2f} to {end:.2f} s"]


def _names(
    transcription: Transcription,
    reference: Alignment | None,
    compare: Mapping[str, Alignment] | None,
) -> list[str]:
    """All labels there may be."""
    alignments = [*transcription.tiers.values(), *(compare or {}).values()]
    alignments += [one for one in (reference, transcription.reference) if one is not None]
    return [*(compare or {}), *(token.token for one in alignments for token in one)]


def _is_noted(transcription: Transcription, sections: list[Section], width: float) -> bool:
    """Whether the alternative text says what found no space: of few tokens it names all."""
    most = max(
        things_within(track, transcription, section.window)
        for section in sections
        for track in section.tracks.values()
    )
    return len(sections) > 1 or width != WIDTH or most > FEW_TOKENS


def _lines_above(transcription: Transcription, title: str | None, points: float) -> list[list[str]]:
    """The lines of the title and, if there is a warning, its lines."""
    if title is not None:
        require_type("title", title, str)
    texts = [transcription.summary if title is None else title]
    if transcription.warning:
        texts.append(f"⚠ warning: {transcription.warning}")
    columns = max(20, min(MOST_TITLE_COLUMNS, int(points / (0.5 * TITLE_SIZE))))
    whole = [displayable(text, MOST_TITLE_COLUMNS) if text else "" for text in texts]
    return [wrap(text, columns) if columns < MOST_TITLE_COLUMNS else [text] for text in whole]


def _axes(
    sections: list[Section], above: list[list[str]], width: float
) -> tuple[PanelFigure, dict[str, Axes]]:
    """A figure with an Axes for each track, below its title."""
    more = sum(max(0, len(lines) - 1) for lines in above)
    top = _TITLE + _WARNING * (len(above) - 1) + _LINE * more
    heights = [[track.height for track in section.tracks.values()] for section in sections]
    lengths = [sum(each) + _GAP * (len(each) - 1) for each in heights]
    height = sum(lengths) + _BETWEEN * (len(sections) - 1) + top + _BOTTOM
    fig = PanelFigure(figsize=(width, height), dpi=DPI)
    axes: dict[str, Axes] = {}
    for section, each, length in zip(sections, heights, lengths, strict=True):
        grid = fig.add_gridspec(
            len(each),
            1,
            height_ratios=each,
            left=_LEFT / width,
            right=1 - _RIGHT / width,
            top=1 - top / height,
            bottom=1 - (top + length) / height,
            hspace=_GAP * len(each) / sum(each),
        )
        lanes = grid.subplots(sharex=True, squeeze=False)[:, 0]
        lanes[0].set_xlim(*section.window)
        axes |= dict(zip(section.tracks, lanes, strict=True))
        top += length + _BETWEEN
    return fig, axes


def _draw(transcription: Transcription, section: Section, axes: Mapping[str, Axes]) -> list[str]:
    """Draw the lanes of a section, and return what found no space in them."""
    firing, grid = transcription.firing, transcription.grid
    whole = span_of(transcription)
    within = None if section.window == whole else section.window
    points = 72 * next(iter(axes.values())).bbox.width / DPI
    count = things_within(TRACKS["weights"], transcription, section.window)
    left_out = []
    through = [name for name, track in section.tracks.items() if track.shows_fires]
    if count * THINNED > points:
        kept = [] if count * NARROW > points else [one for one in through if "weights" in one]
        if through != kept:
            left_out.append(f"lines of {count} fires{' but through the weights' * bool(kept)}")
        through = kept
    for name, track in section.tracks.items():
        ax = axes[name]
        drawn = track.draw(transcription, ax)
        ax.set_ylabel(track.title, **plain_text())
        if name in through and firing is not None:
            curves.fires(firing, grid, ax=ax, within=within)
        found = getattr(drawn, "left_out", "")
        left_out += [f"{found} of “{track.title}”"] if found else []
    for name in list(section.tracks)[:-1]:
        axes[name].set_xlabel("")
    return left_out


def _mark(axes: Mapping[str, Axes], sections: list[Section]) -> None:
    """Shade, in the lanes over the whole, the part that the lanes below show."""
    for name in sections[0].tracks:
        look = {"facecolor": STYLE["complete"], "edgecolor": STYLE["threshold"], "zorder": 0.5}
        axes[name].axvspan(*sections[1].window, alpha=0.35, linewidth=1.0, **look)
    *_, last = sections[0].tracks
    axes[last].set_xlabel("")
    *_, lowest = sections[1].tracks
    begin, end = sections[1].window
    axes[lowest].set_xlabel(f"time (s): {begin:.2f} to {end:.2f} s of the whole above")


def _heading(
    fig: PanelFigure, above: list[list[str]], axes: Mapping[str, Axes], width: float
) -> None:
    """Model, vocabulary and mean score above the lanes; below them a framed warning.

    As wide as the lanes, with smaller letters where they would be wider.
    """
    ax = next(iter(axes.values()))
    left, right = ax.get_xlim()
    below = 0.2
    for lines, framed in zip(above, (False, True), strict=False):
        text = "\n".join(lines)
        widest = max(text_widths(lines, TITLE_SIZE, ax), default=0.0) or 1.0
        extra = _LINE * (len(lines) - 1)
        fig.text(
            _LEFT / width,
            1 - (below + extra / 2) / fig.get_figheight(),
            text,
            fontsize=TITLE_SIZE * min(1.0, (right - left) / widest),
            va="center",
            bbox={"facecolor": "none", "edgecolor": STYLE["level"]} if framed else None,
            **plain_text(),
        )
        below += 0.34 + extra


def _note(left_out: list[str], lacking: str) -> str:
    """One sentence about fonts, one about what found no space."""
    sentences = [lacking] if lacking else []
    if left_out:
        sentences.append(
            f"Not shown for want of space: {'; '.join(left_out)} "
            "(start, end, lanes and width show more)."
        )
    return " ".join(sentences)


def _footing(fig: PanelFigure, note: str, width: float) -> None:
    """What is left out, in lines below the lanes, for which the figure grows."""
    lines = wrap(note, int(72 * (width - 0.2) / (0.5 * NOTE_SIZE)))
    before, more = fig.get_figheight(), _LINE * len(lines)
    if not lines:
        return
    after = before + more
    for ax in fig.axes:
        left, bottom, wide, high = ax.get_position().bounds
        ax.set_position((left, (bottom * before + more) / after, wide, high * before / after))
    fig.set_figheight(after)
    look = {"fontsize": NOTE_SIZE, "va": "bottom", "ha": "left", "color": STYLE["level"]}
    fig.text(0.1 / width, 0.06 / after, "\n".join(lines), **look, **plain_text())


def _dress(fig: PanelFigure, style: str) -> None:
    """Ground, frames, ticks and texts of the look; nothing of matplotlib's settings changes."""
    if style == "light":
        return
    ground, ink = STYLE["ground"], STYLE["level"]
    fig.patch.set_facecolor(ground)
    for text in fig.texts:
        text.set_color(ink)
    for ax in fig.axes:
        ax.set_facecolor(ground)
        ax.tick_params(colors=ink)
        for spine in ax.spines.values():
            spine.set_edgecolor(ink)
        for label in (ax.xaxis.label, ax.yaxis.label):
            label.set_color(ink)
        legend = ax.get_legend()
        if legend is not None:
            legend.get_frame().set(facecolor=ground, edgecolor=ink)
            for text in legend.get_texts():
                text.set_color(ink)


def _tokens_in_words(transcription: Transcription, window: tuple[float, float] | None) -> str:
    """How many tokens or words there are, and the first of them with their times."""
    name, alignment = next(iter(transcription.tiers.items()))
    kind = name.removesuffix("s")
    if window is not None:
        _, alignment = alignment_within(alignment, window)
    tokens = [
        f"“{printable(token.token, most=LONGEST_WORDS)}” "
        + (f"{token.start:.2f}–{token.end:.2f} s" if token.is_timed else "untimed")
        for token in alignment.tokens[:MOST_TOKENS_IN_WORDS]
    ]
    if not tokens:
        return f"no {kind}"
    more = len(alignment) - len(tokens)
    tokens += [f"and {more} more"] if more > 0 else []
    is_all = window is None and name != "tokens"
    of_phones = f" of {counted(len(transcription.tokens), 'phone')}" if is_all else ""
    where = "" if window is None else f" from {window[0]:.2f} to {window[1]:.2f} s"
    return f"{counted(len(alignment), kind)}{of_phones}{where}: {', '.join(tokens)}"
