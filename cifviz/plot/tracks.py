"""What a panel shows of a transcription: `TRACKS`, one entry for each lane.

A new track is a `Track`, here or in a file of its own, and an entry in the table: the panel draws
it, and the alternative text describes it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes

from cifviz.alignment.timed_tokens import Alignment
from cifviz.audio.mel import mel_frequencies
from cifviz.core.firing import Firing
from cifviz.errors import printable
from cifviz.plot import curves, densities, geometry, signals, token_lanes
from cifviz.plot.attention_maps import PHRASES
from cifviz.plot.canvas import LONGEST_WORDS, add_lines, displayable, seen
from cifviz.plot.palette import STYLE
from cifviz.plot.rows import token_rows
from cifviz.plot.system_lanes import MEMBRANE, PICTURES, SPIKES, WRITTEN
from cifviz.plot.track import Track
from cifviz.systems.phone_alignment import FREE_WEIGHTS
from cifviz.systems.transcription import INTERVALS, Transcription, audible_features

TITLE_COLUMNS = 12
"""Space for the name of an alignment at its lane; see `cifviz.plot.canvas.displayable`."""

INTERVAL_HEIGHTS = {"onset": 1.15, "offset": 1.32}
"""Where the intervals of edges are above the boxes of words, which end at 1."""


def _waveform(transcription: Transcription, ax: Axes) -> None:
    if transcription.waveform is not None:
        signals.waveform(transcription.waveform, ax=ax, within=_window(transcription, ax))


def _log_mel(transcription: Transcription, ax: Axes) -> None:
    """Features over all audible frequencies or, without sound, those that the model was given."""
    waveform = transcription.waveform
    if waveform is not None:
        begin, part = signals.sound_within(waveform, _window(transcription, ax))
        features = audible_features(waveform.sample_rate)
        log_mel, grid = features(part), replace(features.grid, start=begin)
    elif transcription.log_mel is not None:
        features, log_mel = transcription.config.features, transcription.log_mel
        grid = features.grid
    else:
        return
    edges = mel_frequencies(features.n_mels + 2, features.f_min, features.f_max)
    signals.log_mel(log_mel, grid, frequencies=edges[1:-1], ax=ax)


def _log_mel_described(transcription: Transcription) -> str:
    has_any = transcription.waveform is not None or transcription.log_mel is not None
    return "log-mel spectrogram" if has_any else ""


def _shown_weights(transcription: Transcription) -> Firing | None:
    """With the weights of an aligned transcript as they were before they were scaled to it."""
    firing = transcription.firing
    if firing is None:
        return None
    is_kept = (firing.alpha == firing.scaled_alpha) | (firing.alpha == 0)
    if bool(is_kept.all()):  # what differs is the weight of a frame that a source appended
        firing = replace(firing, alpha=firing.scaled_alpha)
    free = transcription.extras.get(FREE_WEIGHTS)
    if free is not None:
        frames = firing.alpha.shape[1]
        firing = replace(firing, alpha=torch.as_tensor(free)[None, :frames].to(firing.alpha))
    return firing


def _weights(transcription: Transcription, ax: Axes) -> None:
    """The weights, before and after they were scaled."""
    firing = _shown_weights(transcription)
    if firing is not None:
        curves.weights(firing, transcription.grid, ax=ax, within=_window(transcription, ax))


def _many_weights(transcription: Transcription, ax: Axes) -> None:
    """Mean and largest weights of short times."""
    firing = _shown_weights(transcription)
    if firing is not None:
        densities.weight_range(firing, transcription.grid, ax=ax, within=_window(transcription, ax))


def _accumulation(transcription: Transcription, ax: Axes) -> None:
    if transcription.firing is not None:
        within = _window(transcription, ax)
        curves.accumulation(transcription.firing, transcription.grid, ax=ax, within=within)


def _fire_times(transcription: Transcription) -> np.ndarray:
    if transcription.firing is None:
        return np.zeros(0)
    return geometry.fire_times(transcription.firing, transcription.grid)


def _fires_so_far(transcription: Transcription, ax: Axes) -> None:
    densities.count(_fire_times(transcription), ax=ax, within=span_of(transcription))


def _fire_rate(transcription: Transcription, ax: Axes) -> None:
    densities.rate(_fire_times(transcription), ax=ax, within=span_of(transcription))


def _contributions(transcription: Transcription, ax: Axes) -> object:
    """Which frames each token is made of; of a system without a CIF, its rows."""
    if transcription.firing is None:
        return token_rows(transcription, ax=ax)
    return token_lanes.contributions(
        transcription.firing,
        transcription.grid,
        tokens=transcription.labels,
        ax=ax,
        within=_window(transcription, ax),
    )


def span_of(transcription: Transcription) -> tuple[float, float]:
    """From when to when a panel shows a whole utterance: its sound and all its frames."""
    firing, grid = transcription.firing, transcription.grid
    begin = min(0.0, grid.seconds(0))
    frames = transcription.rows.shape[1] if firing is None else firing.alpha.shape[1]
    end = max(transcription.duration, grid.seconds(frames))
    return begin, end if end > begin else grid.seconds(1)


def _window(transcription: Transcription, ax: Axes) -> tuple[float, float] | None:
    """The part that the Axes shows, if it was told to show a part alone."""
    shown, whole = seen(ax), span_of(transcription)
    return shown if shown and (shown[0] > whole[0] or shown[1] < whole[1]) else None


def _spans(
    alignment: Alignment, transcription: Transcription, ax: Axes, **look: Any
) -> token_lanes.SpanArtists:
    """Boxes of the tokens that can be seen, as far as they can be: their names are inside."""
    window = _window(transcription, ax)
    first, shown = alignment_within(alignment, window)
    if window is not None:
        begin, stop = window
        parts = [
            token
            if token.start is None or token.end is None
            else replace(token, start=max(token.start, begin), end=min(token.end, stop))
            for token in shown
        ]
        shown = Alignment(tuple(parts))
    return token_lanes.token_spans(shown, first=first, ax=ax, **look)


def alignment_within(
    alignment: Alignment, within: tuple[float, float] | None
) -> tuple[int, Alignment]:
    """The tokens between two times, with the number of the first one; all, if `within` is None.

    >>> from cifviz.alignment.timed_tokens import TimedToken
    >>> one = Alignment((TimedToken("a", 0.0, 1.0), TimedToken("b", 1.0, 2.0)))
    >>> first, part = alignment_within(one, (1.2, 9.0))
    >>> first, part.text
    (1, 'b')
    """
    if within is None:
        return 0, alignment
    inside = [
        index
        for index, token in enumerate(alignment)
        if token.start is not None and token.start < within[1] and (token.end or 0.0) > within[0]
    ]
    if not inside:
        return 0, Alignment()
    return inside[0], Alignment(alignment.tokens[inside[0] : inside[-1] + 1])


def _starts(alignment: Alignment) -> np.ndarray:
    return np.array([token.start for token in alignment if token.start is not None])


def _words(transcription: Transcription, ax: Axes) -> object:
    """The words and, above their boxes, from where to where their edges may be."""
    drawn = _spans(transcription.tiers["words"], transcription, ax)
    spans = np.asarray(transcription.extras.get(INTERVALS, []), dtype=np.float64).reshape(-1, 2, 2)
    if not len(spans):
        return drawn
    for side, (edge, height) in enumerate(INTERVAL_HEIGHTS.items()):
        lines = [[(start, height), (end, height)] for start, end in spans[:, side] if end >= start]
        add_lines(ax, lines, colors=STYLE[edge]["color"], linewidths=2.5)
    bottom, top = ax.get_ylim()
    ax.set_ylim(bottom, max(top, height + 0.15))
    return drawn


def _words_described(transcription: Transcription) -> str:
    has_intervals = len(transcription.extras.get(INTERVALS, []))
    return "words with the intervals of their edges" if has_intervals else "words"


def _of_cif(text: str, otherwise: str = "") -> Callable[[Transcription], str]:
    """The description of what only a CIF has."""
    return lambda transcription: otherwise if transcription.firing is None else text


def _tier(name: str, *, shows_fires: bool = True) -> Track:
    """One of the tiers of a transcription, see `Transcription.tiers`."""
    return Track(
        name,
        1.35,
        lambda one, ax: _spans(one.tiers[name], one, ax),
        lambda one: name if name in one.tiers else "",
        shows_fires=shows_fires,
        times=lambda one: _starts(one.tiers[name]),
        crowded=_many(name, lambda one: one.tiers.get(name)),
    )


def _many(name: str, of: Callable[[Transcription], Alignment | None]) -> Track:
    """How many tokens begin in each second, and some of their names."""

    def draw(transcription: Transcription, ax: Axes) -> object:
        alignment = of(transcription) or Alignment()
        return densities.token_rate(alignment, ax=ax, within=span_of(transcription))

    return Track(
        f"{displayable(name, TITLE_COLUMNS)} per s",
        1.35,
        draw,
        lambda one: "" if of(one) is None else f"{printable(name, most=LONGEST_WORDS)} per second",
        shows_fires=False,
    )


TRACKS: dict[str, Track] = {
    "waveform": Track(
        "amplitude",
        0.9,
        _waveform,
        lambda transcription: "waveform" if transcription.waveform is not None else "",
    ),
    "log_mel": Track("frequency (Hz)", 1.3, _log_mel, _log_mel_described),
    "pictures": PICTURES,
    "spikes": SPIKES,
    "weights": Track(
        "weight per frame",
        1.35,
        _weights,
        _of_cif("weight per frame"),
        times=_fire_times,
        crowded=Track(
            "weight per frame",
            1.35,
            _many_weights,
            _of_cif("mean and largest weight per frame"),
            shows_fires=False,
        ),
    ),
    "accumulation": Track(
        "accumulated weight",
        1.6,
        _accumulation,
        _of_cif("accumulated weight that drops at each fire"),
        shows_fires=False,  # its own are part of the sawtooth
        times=_fire_times,
        crowded=Track(
            "fires per s", 1.0, _fire_rate, _of_cif("fires per second"), shows_fires=False
        ),
    ),
    "membrane": MEMBRANE,
    "contributions": Track(
        "shares",
        1.5,
        _contributions,
        _of_cif("contributions of frames to tokens", "frames of each token"),
        times=_fire_times,
        crowded=Track(
            "fires so far", 1.0, _fires_so_far, _of_cif("number of fires so far"), shows_fires=False
        ),
    ),
    "written": WRITTEN,
    "phrases": PHRASES,
    "words": Track(
        "words",
        1.35,
        _words,
        lambda one: "" if one.words is None else _words_described(one),
        shows_fires=False,
        times=lambda one: _starts(one.tiers["words"]),
        crowded=_many("words", lambda one: one.words),
    ),
    "phones": _tier("phones"),
    "tokens": _tier("tokens"),
}
"""The lanes by name, from top to bottom. More can be added: ``TRACKS["name"] = Track(...)``."""


def alignment_track(name: str, alignment: Alignment, *, quoted: bool = True) -> Track:
    """A track with another alignment, in grey: its tokens need not be those that fired."""
    described = printable(name, most=LONGEST_WORDS)
    return Track(
        displayable(name, TITLE_COLUMNS),
        TRACKS["tokens"].height,
        lambda one, ax: _spans(alignment, one, ax, facecolor=STYLE["neutral"], hatch=""),
        lambda _: f"“{described}”" if quoted else described,
        shows_fires=False,
        times=lambda _: _starts(alignment),
        crowded=_many(name, lambda _: alignment),
    )
