"""The panel: one utterance from sound to tokens, lane under lane.

A panel is a bare `matplotlib.figure.Figure`: pyplot does not know it, so a notebook shows it once,
nothing has to be closed and no rcParam changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple, cast

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cifviz.alignment.timed_tokens import Alignment
from cifviz.audio.mel import mel_frequencies
from cifviz.audio.waveform import LogMel
from cifviz.errors import printable
from cifviz.locks import one_at_a_time
from cifviz.plot import curves, geometry, token_lanes
from cifviz.plot.canvas import LONGEST_WORDS, displayable, plain_text, text_widths
from cifviz.plot.palette import STYLE

if TYPE_CHECKING:
    from cifviz.systems.transcription import Transcription

DPI = 100
"""Pixels per inch of a panel."""

WIDTH = 10.0
"""Inches."""

LANES = {
    "waveform": 0.9,
    "log_mel": 1.3,
    "weights": 1.35,
    "accumulation": 1.6,
    "contributions": 1.5,
    "tokens": 1.35,
    "reference": 1.35,
}
"""The lanes from top to bottom, and their heights in inches; compared alignments stand below."""

COMPARED = "compared: "
"""A compared alignment's lane is called so, and by its name."""

LANE_COLUMNS = 12
"""Room for the name of a compared alignment at its lane; see `cifviz.plot.canvas.displayable`."""

MOST_TOKENS_IN_WORDS = 20
"""Longer transcriptions are cut in the alternative text."""

MOST_TITLE_COLUMNS = 120
"""Room for the title, and for the warning below it."""

TITLE_SIZE = 9.0
"""Points of both, at most."""

_GAP, _LEFT, _RIGHT, _BOTTOM = 0.14, 1.05, 0.65, 0.5  # inches
_TITLE, _WARNING = 0.4, 0.42  # inches above the lanes, and more where there is a warning


class PanelFigure(Figure):
    """A figure that a notebook shows, pyplot or not, and that can be put in words."""

    alt: str = ""
    """The alternative text; see `panel_alt`."""

    @one_at_a_time
    def png(self) -> bytes:
        """The figure as a PNG image, with its alternative text inside as the description."""
        image = BytesIO()
        FigureCanvasAgg(self).print_png(image, metadata={"Description": self.alt})
        return image.getvalue()

    def _repr_png_(self) -> tuple[bytes, dict[str, str]]:
        return self.png(), {"alt": self.alt}


class Panel(NamedTuple):
    """A figure and its lanes; as the last expression of a notebook cell it shows the figure."""

    fig: PanelFigure
    axes: dict[str, Axes]
    """By name, in the order of `LANES`."""

    def _repr_png_(self) -> tuple[bytes, dict[str, str]]:
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
        What a recogniser heard.
    reference : Alignment, optional
        What was said, for a lane of its own.
    compare : mapping of str to Alignment, optional
        Other alignments by their names, each for a lane of its own.

    Returns
    -------
    Panel
        ``(fig, axes)``: the lanes "waveform", "log_mel", "weights", "accumulation",
        "contributions", "tokens" and, if there are any, "reference" and "compared: NAME", through
        which no fires run. Where there is no sound, "waveform" is missing and "log_mel" is what the
        recogniser heard. Above the lanes stand model, vocabulary and mean score and, of a sound
        that is out of domain, a warning in a frame. The figure is a bare one: show it as the last
        expression of a cell, or ``fig.savefig(...)``.

    Raises
    ------
    CIFError
        If the transcription holds several utterances.

    See Also
    --------
    panel_png : the same as an image.
    panel_alt : the same in words.

    Notes
    -----
    Notebook: notebooks/00_start_here.ipynb
    """
    absent = {"reference"} if reference is None else set()
    if transcription.waveform is None:
        absent.add("waveform")
    others = {COMPARED + name: alignment for name, alignment in (compare or {}).items()}
    names = [*(name for name in LANES if name not in absent), *others]
    heights = [LANES.get(name, LANES["tokens"]) for name in names]
    top = _TITLE + (_WARNING if transcription.warning else 0.0)
    height = sum(heights) + _GAP * (len(names) - 1) + top + _BOTTOM
    fig = PanelFigure(figsize=(WIDTH, height), dpi=DPI)
    fig.alt = panel_alt(transcription, reference=reference, compare=compare)
    lanes = fig.subplots(
        len(names),
        sharex=True,
        squeeze=False,
        gridspec_kw={
            "height_ratios": heights,
            "left": _LEFT / WIDTH,
            "right": 1 - _RIGHT / WIDTH,
            "top": 1 - top / height,
            "bottom": _BOTTOM / height,
            "hspace": _GAP * len(names) / sum(heights),
        },
    )[:, 0]
    axes = dict(zip(names, lanes, strict=True))

    firing, grid = transcription.require_firing(), transcription.grid
    frames = firing.alpha.shape[1]
    begin = min(0.0, grid.seconds(0))
    end = max(transcription.duration, grid.seconds(frames))
    lanes[0].set_xlim(begin, end if end > begin else grid.seconds(1))
    _title(transcription, lanes[0])

    if transcription.waveform is not None:
        curves.waveform(transcription.waveform, ax=axes["waveform"])
    _log_mel(transcription, axes["log_mel"])
    curves.weights(firing, grid, ax=axes["weights"])
    curves.accumulation(firing, grid, ax=axes["accumulation"])
    token_lanes.contributions(firing, grid, tokens=transcription.tokens, ax=axes["contributions"])
    token_lanes.token_spans(transcription.alignment, ax=axes["tokens"])
    if reference is not None:
        others = {"reference": reference, **others}
    for name, alignment in others.items():
        # In grey: these tokens need not be those that fired.
        token_lanes.token_spans(alignment, ax=axes[name], facecolor=STYLE["rest"], hatch="")
        title = displayable(name.removeprefix(COMPARED), LANE_COLUMNS)
        axes[name].set_ylabel(title, **plain_text())
    for name, ax in axes.items():
        if name != "accumulation" and name not in others:
            curves.fires(firing, grid, ax=ax)
        if ax is not lanes[-1]:
            ax.set_xlabel("")
    fig.align_ylabels(lanes)
    return Panel(fig, axes)


def panel_png(transcription: Transcription) -> bytes:
    """The panel as a PNG image, always of the same width.

    Parameters
    ----------
    transcription : Transcription
        What a recogniser heard.

    Returns
    -------
    bytes
        The file; `panel_alt` is inside as its description.

    Raises
    ------
    CIFError
        If the transcription holds several utterances.

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
        What a recogniser heard.
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
    one = geometry.one_utterance(transcription.require_firing())
    spoken = [
        f"“{printable(token.token, most=LONGEST_WORDS)}” "
        + (f"{token.start:.2f}–{token.end:.2f} s" if token.is_timed else "untimed")
        for token in transcription.alignment.tokens[:MOST_TOKENS_IN_WORDS]
    ]
    more = len(transcription.alignment) - len(spoken)
    if more > 0:
        spoken.append(f"and {more} more")
    seconds = f"{transcription.duration:.2f} s of sound"
    count = _counted(len(transcription.tokens), "token")
    heard = f"{count}: {', '.join(spoken)}" if spoken else "no token"
    sentences = [
        f"Continuous integrate-and-fire on {seconds}: {heard}.",
        f"The weights of {_counted(one.alpha.shape[1], 'frame')} sum to "
        f"{float(one.weight_sum[0]):.2f}; a token takes β = {one.threshold:g}.",
    ]
    summary = transcription.summary
    sentences.append(f"{summary[0].upper()}{summary[1:]}.")
    if transcription.warning:
        sentences.insert(0, f"Warning: {transcription.warning}.")
    if bool(one.tail_fired[0]):
        sentences.append("The last token is made of the weight left at the end.")
    waveform = "" if transcription.waveform is None else "waveform, "
    below = [] if reference is None else ["reference"]
    below += [f"“{printable(name, most=LONGEST_WORDS)}”" for name in compare or ()]
    sentences.append(
        f"Lanes on one time axis: {waveform}log-mel spectrogram, weight per frame, accumulated "
        "weight that drops at each fire, contributions of frames to token_lanes, "
        f"{', '.join(['tokens', *below])}."
    )
    return " ".join(sentences)


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


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


def _log_mel(transcription: Transcription, ax: Axes) -> None:
    """The spectrogram lane.

    Of sound it has features of its own, all that can be heard: a picture, not what the model heard.
    """
    features, log_mel = transcription.config.features, transcription.log_mel
    if transcription.waveform is not None:
        rate = transcription.waveform.sample_rate
        features = LogMel(
            sample_rate=rate,
            hop_length=max(1, round(0.01 * rate)),
            win_length=max(400, round(0.025 * rate)),  # some samples for each band
            f_min=0.0,
            f_max=min(LogMel().f_max, rate / 2),
        )
        log_mel = features(transcription.waveform)
    edges = mel_frequencies(features.n_mels + 2, features.f_min, features.f_max)
    curves.log_mel(log_mel, features.grid, frequencies=edges[1:-1], ax=ax)
