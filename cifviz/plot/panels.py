"""The panel: one utterance from sound to tokens, a lane for each track.

A panel is a bare `matplotlib.figure.Figure`: pyplot does not know it, so a notebook shows it once,
nothing has to be closed and no rcParam changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import NamedTuple, cast

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from cifviz.alignment.mass_times import one_utterance
from cifviz.alignment.timed_tokens import Alignment
from cifviz.display import Png
from cifviz.errors import printable, require_choice
from cifviz.locks import one_at_a_time
from cifviz.plot import curves
from cifviz.plot.canvas import LONGEST_WORDS, counted, displayable, plain_text, text_widths
from cifviz.plot.images import DPI
from cifviz.plot.palette import STYLE
from cifviz.plot.track import Track
from cifviz.plot.tracks import TRACKS, alignment_track
from cifviz.systems.long_transcription import require_one_window
from cifviz.systems.transcription import Transcription

WIDTH = 10.0
"""Inches."""

IMAGES = {"png": "Description", "svg": "Description", "pdf": "Subject"}
"""Kinds of files, and what each calls its description."""
DATES = {"svg": "Date", "pdf": "CreationDate"}
"""What they call the day on which they are made."""

COMPARED = "compared: "
"""A compared alignment's lane has this prefix and its name as its key."""

MOST_TOKENS_IN_WORDS = 20
"""Longer transcriptions are cut in the alternative text."""

MOST_LINES = 200
"""Fires that run through all lanes: more would hide what is in them."""

MOST_TITLE_COLUMNS = 120
"""Space for the title, and for the warning below it."""

TITLE_SIZE = 9.0
"""Points of both, at most."""

_GAP, _LEFT, _RIGHT, _BOTTOM = 0.14, 1.05, 0.65, 0.5  # inches
_TITLE, _WARNING = 0.4, 0.42  # inches above the lanes, and more where there is a warning


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
        return image.getvalue()

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

    Returns
    -------
    Panel
        ``(fig, axes)``: the lanes of `cifviz.plot.tracks.TRACKS` and, if there are any, "reference"
        and "compared: NAME", through which no fires run; more than `MOST_LINES` run through none.
        Where there is no sound, "waveform" is missing and "log_mel" shows the features that the
        recogniser was given, or is missing too. Above the lanes are
        model, vocabulary and mean score and, of a sound that is out of domain, a warning in a
        frame. The figure is a bare one: show it as the last expression of a cell, or
        ``fig.savefig(...)``.

    Raises
    ------
    CIFError
        If the transcription holds several utterances, or is of a sound longer than a window.

    See Also
    --------
    panel_png : the same as an image.
    panel_alt : the same in words.

    Notes
    -----
    Notebook: notebooks/00_start_here.ipynb
    """
    # 1. The figure, and an Axes for each track.
    reference = transcription.reference if reference is None else reference
    tracks = _tracks(transcription, reference, compare)
    fig, axes = _axes(tracks, _TITLE + (_WARNING if transcription.warning else 0.0))
    fig.alt = panel_alt(transcription, reference=reference, compare=compare)
    lanes = list(axes.values())

    # 2. One time axis, which also decides about the size of the title.
    firing, grid = transcription.firing, transcription.grid
    begin = min(0.0, grid.seconds(0))
    frames = transcription.rows.shape[1] if firing is None else firing.alpha.shape[1]
    end = max(transcription.duration, grid.seconds(frames))
    lanes[0].set_xlim(begin, end if end > begin else grid.seconds(1))
    _title(transcription, lanes[0])

    # 3. The tracks.
    for name, track in tracks.items():
        track.draw(transcription, axes[name])
        axes[name].set_ylabel(track.title, **plain_text())
        if track.shows_fires and firing is not None and int(firing.num_fires) <= MOST_LINES:
            curves.fires(firing, grid, ax=axes[name])
    for ax in lanes[:-1]:
        ax.set_xlabel("")
    fig.align_ylabels(lanes)
    return Panel(fig, axes)


def panel_png(transcription: Transcription) -> bytes:
    """The panel as a PNG image, always of the same width.

    Parameters
    ----------
    transcription : Transcription
        Of one utterance.

    Returns
    -------
    bytes
        The file; `panel_alt` is inside as its description.

    Raises
    ------
    CIFError
        If the transcription holds several utterances, or is of a sound longer than a window.

    Notes
    -----
    Notebook: notebooks/00_start_here.ipynb
    """
    return panel(transcription).fig.png()


def panel_alt(
    transcription: Transcription,
    *,
    reference: Alignment | None = None,
    compare: Mapping[str, Alignment] | None = None,
) -> str:
    """What there is to see in the panel, in words, for those who cannot see it.

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
    summary = transcription.summary
    reference = transcription.reference if reference is None else reference
    tracks = _tracks(transcription, reference, compare).values()
    sentences = [f"Warning: {transcription.warning}."] if transcription.warning else []
    method = (
        "Speech recognition" if transcription.firing is None else "Continuous integrate-and-fire"
    )
    length = f"{transcription.duration:.2f} s of sound"
    sentences.append(f"{method} on {length}: {_tokens_in_words(transcription)}.")
    tail = ""
    if transcription.firing is not None:
        one = one_utterance(transcription.firing)
        sentences.append(
            f"The weights of {counted(one.alpha.shape[1], 'frame')} sum to "
            f"{float(one.weight_sum[0]):.2f}; a token takes β = {one.threshold:g}."
        )
        tail = "The last token is made of the weight left at the end." * bool(one.tail_fired[0])
    sentences += [f"{summary[0].upper()}{summary[1:]}.", *([tail] if tail else [])]
    described = ", ".join(track.describe(transcription) for track in tracks)
    sentences.append(f"Lanes on one time axis: {described}.")
    return " ".join(sentences)


def _tracks(
    transcription: Transcription,
    reference: Alignment | None,
    compare: Mapping[str, Alignment] | None,
) -> dict[str, Track]:
    """The tracks that have something to show, and those of other alignments."""
    require_one_window(transcription)
    tracks = {name: track for name, track in TRACKS.items() if track.describe(transcription)}
    if reference is not None:
        tracks["reference"] = alignment_track("reference", reference, quoted=False)
    for name, alignment in (compare or {}).items():
        tracks[COMPARED + name] = alignment_track(name, alignment)
    return tracks


def _axes(tracks: Mapping[str, Track], top: float) -> tuple[PanelFigure, dict[str, Axes]]:
    """A figure with an Axes for each track below `top` inches."""
    heights = [track.height for track in tracks.values()]
    height = sum(heights) + _GAP * (len(heights) - 1) + top + _BOTTOM
    fig = PanelFigure(figsize=(WIDTH, height), dpi=DPI)
    lanes = fig.subplots(
        len(heights),
        sharex=True,
        squeeze=False,
        gridspec_kw={
            "height_ratios": heights,
            "left": _LEFT / WIDTH,
            "right": 1 - _RIGHT / WIDTH,
            "top": 1 - top / height,
            "bottom": _BOTTOM / height,
            "hspace": _GAP * len(heights) / sum(heights),
        },
    )[:, 0]
    return fig, dict(zip(tracks, lanes, strict=True))


def _tokens_in_words(transcription: Transcription) -> str:
    """How many tokens or words there are, and the first of them with their times."""
    name, alignment = next(iter(transcription.tiers.items()))
    kind = name.removesuffix("s")
    tokens = [
        f"“{printable(token.token, most=LONGEST_WORDS)}” "
        + (f"{token.start:.2f}–{token.end:.2f} s" if token.is_timed else "untimed")
        for token in alignment.tokens[:MOST_TOKENS_IN_WORDS]
    ]
    if not tokens:
        return f"no {kind}"
    more = len(alignment) - len(tokens)
    tokens += [f"and {more} more"] if more > 0 else []
    of_phones = "" if name == "tokens" else f" of {counted(len(transcription.tokens), 'phone')}"
    return f"{counted(len(alignment), kind)}{of_phones}: {', '.join(tokens)}"


def _title(transcription: Transcription, ax: Axes) -> None:
    """Model, vocabulary and mean score above the lanes; below them a framed warning.

    As wide as the lane `ax`, with smaller letters where they would be wider.
    """
    texts = [transcription.summary]
    if transcription.warning:
        texts.append(f"⚠ warning: {transcription.warning}")
    texts = [displayable(text, MOST_TITLE_COLUMNS) for text in texts]
    left, right = ax.get_xlim()
    widths = text_widths(texts, TITLE_SIZE, ax)
    fig = cast(PanelFigure, ax.figure)
    for text, width, below, framed in zip(texts, widths, (0.2, 0.54), (False, True), strict=False):
        fig.text(
            _LEFT / WIDTH,
            1 - below / fig.get_figheight(),
            text,
            fontsize=TITLE_SIZE * min(1.0, (right - left) / width),
            va="center",
            bbox={"facecolor": "none", "edgecolor": STYLE["level"]} if framed else None,
            **plain_text(),
        )
