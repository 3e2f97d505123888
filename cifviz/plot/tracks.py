"""What a panel shows of a transcription: `TRACKS`, one entry for each lane.

A new track is a `Track`, here or in a file of its own, and an entry in the table: the panel draws
it, and the alternative text describes it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from matplotlib.axes import Axes

from cifviz.alignment.timed_tokens import Alignment
from cifviz.audio.mel import mel_frequencies
from cifviz.errors import printable
from cifviz.plot import curves, signals, token_lanes
from cifviz.plot.attention_maps import PHRASES
from cifviz.plot.canvas import LONGEST_WORDS, add_lines, displayable
from cifviz.plot.palette import STYLE
from cifviz.plot.rows import token_rows
from cifviz.plot.track import Track
from cifviz.systems.phone_alignment import FREE_WEIGHTS
from cifviz.systems.transcription import INTERVALS, Transcription, audible_features

TITLE_COLUMNS = 12
"""Space for the name of an alignment at its lane; see `cifviz.plot.canvas.displayable`."""

INTERVAL_HEIGHTS = {"onset": 1.15, "offset": 1.32}
"""Where the intervals of edges are above the boxes of words, which end at 1."""


def _waveform(transcription: Transcription, ax: Axes) -> None:
    if transcription.waveform is not None:
        signals.waveform(transcription.waveform, ax=ax)


def _log_mel(transcription: Transcription, ax: Axes) -> None:
    """Features over all audible frequencies or, without sound, those that the model was given."""
    waveform = transcription.waveform
    if waveform is not None:
        features = audible_features(waveform.sample_rate)
        log_mel = features(waveform)
    elif transcription.log_mel is not None:
        features, log_mel = transcription.config.features, transcription.log_mel
    else:
        return
    edges = mel_frequencies(features.n_mels + 2, features.f_min, features.f_max)
    signals.log_mel(log_mel, features.grid, frequencies=edges[1:-1], ax=ax)


def _log_mel_described(transcription: Transcription) -> str:
    has_any = transcription.waveform is not None or transcription.log_mel is not None
    return "log-mel spectrogram" if has_any else ""


def _weights(transcription: Transcription, ax: Axes) -> None:
    """The weights; of an aligned transcript also as they were before they were scaled to it."""
    firing = transcription.firing
    if firing is None:
        return
    is_kept = (firing.alpha == firing.scaled_alpha) | (firing.alpha == 0)
    if bool(is_kept.all()):  # what differs is the weight of a frame that a source appended
        firing = replace(firing, alpha=firing.scaled_alpha)
    free = transcription.extras.get(FREE_WEIGHTS)
    if free is not None:
        frames = firing.alpha.shape[1]
        firing = replace(firing, alpha=torch.as_tensor(free)[None, :frames].to(firing.alpha))
    curves.weights(firing, transcription.grid, ax=ax)


def _accumulation(transcription: Transcription, ax: Axes) -> None:
    if transcription.firing is not None:
        curves.accumulation(transcription.firing, transcription.grid, ax=ax)


def _contributions(transcription: Transcription, ax: Axes) -> None:
    """Which frames each token is made of; of a system without a CIF, its rows."""
    if transcription.firing is None:
        token_rows(transcription, ax=ax)
        return
    token_lanes.contributions(
        transcription.firing, transcription.grid, tokens=transcription.labels, ax=ax
    )


def _words(transcription: Transcription, ax: Axes) -> None:
    """The words and, above their boxes, from where to where their edges may be."""
    token_lanes.token_spans(transcription.tiers["words"], ax=ax)
    spans = np.asarray(transcription.extras.get(INTERVALS, []), dtype=np.float64).reshape(-1, 2, 2)
    if not len(spans):
        return
    for side, (edge, height) in enumerate(INTERVAL_HEIGHTS.items()):
        lines = [[(start, height), (end, height)] for start, end in spans[:, side] if end >= start]
        add_lines(ax, lines, colors=STYLE[edge]["color"], linewidths=2.5)
    bottom, top = ax.get_ylim()
    ax.set_ylim(bottom, max(top, height + 0.15))


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
        lambda one, ax: token_lanes.token_spans(one.tiers[name], ax=ax),
        lambda one: name if name in one.tiers else "",
        shows_fires=shows_fires,
    )


TRACKS: dict[str, Track] = {
    "waveform": Track(
        "amplitude",
        0.9,
        _waveform,
        lambda transcription: "waveform" if transcription.waveform is not None else "",
    ),
    "log_mel": Track("frequency (Hz)", 1.3, _log_mel, _log_mel_described),
    "weights": Track(
        "weight per frame",
        1.35,
        _weights,
        _of_cif("weight per frame"),
    ),
    "accumulation": Track(
        "accumulated weight",
        1.6,
        _accumulation,
        _of_cif("accumulated weight that drops at each fire"),
        shows_fires=False,  # its own are part of the sawtooth
    ),
    "contributions": Track(
        "token",
        1.5,
        _contributions,
        _of_cif("contributions of frames to tokens", "frames of each token"),
    ),
    "phrases": PHRASES,
    "words": Track(
        "words",
        1.35,
        _words,
        lambda one: "" if one.words is None else _words_described(one),
        shows_fires=False,
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
        lambda _, ax: token_lanes.token_spans(
            alignment, ax=ax, facecolor=STYLE["neutral"], hatch=""
        ),
        lambda _: f"“{described}”" if quoted else described,
        shows_fires=False,
    )
