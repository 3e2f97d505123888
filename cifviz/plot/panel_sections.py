"""Which lanes a panel has, over which time: what is chosen, and what there is space for.

Lanes over the same time are a `Section`. A whole utterance is one. A part of it stands below an
overview of the whole. Where its tokens are too narrow to be seen, the whole is shown by how many
there are in each second, and its first tokens stand below in detail.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from cifviz.alignment.timed_tokens import Alignment
from cifviz.errors import CIFError, require, require_choice, require_number, require_type
from cifviz.plot import signals
from cifviz.plot.track import NARROW, Track
from cifviz.plot.tracks import TRACKS, alignment_track, span_of
from cifviz.systems.long_transcription import require_one_window
from cifviz.systems.transcription import Transcription

COMPARED = "compared: "
"""A compared alignment's lane has this prefix and its name as its key."""
DETAIL = "detail: "
"""A lane's key has this prefix where the same is shown above, of the whole."""
DETAIL_SPACE = 24.0
"""Points for each token shown in detail below a crowded whole."""
LONGEST_DETAIL = 30.0
"""Seconds of it, at most."""


class Section(NamedTuple):
    """Lanes over the same time."""

    window: tuple[float, float]
    """From when to when, seconds."""
    tracks: dict[str, Track]
    """From top to bottom."""


def lanes_of(
    transcription: Transcription,
    reference: Alignment | None,
    compare: Mapping[str, Alignment] | None,
) -> dict[str, Track]:
    """The tracks that have something to show, and those of other alignments."""
    require_one_window(transcription)
    reference = transcription.reference if reference is None else reference
    tracks = {name: track for name, track in TRACKS.items() if track.describe(transcription)}
    if reference is not None:
        tracks["reference"] = alignment_track("reference", reference, quoted=False)
    for name, alignment in (compare or {}).items():
        tracks[COMPARED + name] = alignment_track(name, alignment)
    return tracks


def sections_of(
    transcription: Transcription,
    tracks: Mapping[str, Track],
    start: float | None = None,
    end: float | None = None,
    lanes: Iterable[str] | None = None,
    *,
    points: float,
) -> list[Section]:
    """The sections of a panel, from top to bottom.

    Parameters
    ----------
    transcription : Transcription
        Of one utterance.
    tracks : mapping of str to Track
        All its lanes, see `lanes_of`.
    start, end : float, optional
        The part to show, seconds.
    lanes : iterable of str, optional
        Names among those of `tracks`, from top to bottom.
    points : float
        Width of the lanes, in points of 1/72 inch.

    Raises
    ------
    CIFError
        If a lane is unknown, or the part is not within the utterance.
    """
    chosen = dict(tracks) if lanes is None else _chosen(tracks, lanes)
    whole = span_of(transcription)
    window = _window(whole, start, end)
    shown = {name: _fitting(track, transcription, window, points) for name, track in chosen.items()}
    main = Section(window, shown)
    if window != whole:
        return [Section(whole, {"overview": OVERVIEW}), main]
    crowded = {name: track for name, track in chosen.items() if shown[name] is not track}
    times = [one for track in crowded.values() for one in _times(track, transcription)[:1]]
    if not crowded or start is not None or end is not None or not times:
        return [main]
    most = max((_times(track, transcription) for track in crowded.values()), key=len)
    begin = max(whole[0], np.floor(10 * min(times)) / 10)
    shown_last = min(max(2, int(points / DETAIL_SPACE)), len(most) - 1)
    stop = min(most[shown_last], begin + LONGEST_DETAIL, whole[1])
    detail = {DETAIL + name: track for name, track in crowded.items()}
    return [main, Section((float(begin), float(stop)), detail)]


def things_within(track: Track, transcription: Transcription, window: tuple[float, float]) -> int:
    """How many of the things that a track draws beside each other begin in a window."""
    times = _times(track, transcription)
    return int(((times >= window[0]) & (times <= window[1])).sum())


def _chosen(tracks: Mapping[str, Track], lanes: Iterable[str]) -> dict[str, Track]:
    require_type("lanes", lanes, Iterable)
    names = [lanes] if isinstance(lanes, str) else list(lanes)
    for name in names:
        require_choice("a lane", name, tracks)
    require(bool(names), "lanes must name one lane at least, got none")
    return {name: tracks[name] for name in names}


def _window(
    whole: tuple[float, float], start: float | None, end: float | None
) -> tuple[float, float]:
    """The part from `start` to `end`; what reaches beyond the whole is left out."""
    begin = whole[0] if start is None else require_number("start", start, below=whole[1])
    stop = whole[1] if end is None else require_number("end", end, above=max(begin, whole[0]))
    if start is not None and begin < whole[0]:
        raise CIFError(f"start must be a number >= {whole[0]:g}, got {start!r}")
    return begin, min(stop, whole[1])


def _times(track: Track, transcription: Transcription) -> np.ndarray:
    return np.zeros(0) if track.times is None else np.asarray(track.times(transcription))


def _fitting(
    track: Track, transcription: Transcription, window: tuple[float, float], points: float
) -> Track:
    """The track or, where its things would be too narrow, what is drawn instead."""
    count = things_within(track, transcription, window)
    return track if track.crowded is None or count * NARROW <= points else track.crowded


def _overview(transcription: Transcription, ax: Axes) -> None:
    """The sound or, without one, the weights."""
    if transcription.waveform is not None:
        signals.waveform(transcription.waveform, ax=ax)
    elif (weights := TRACKS["weights"].crowded) is not None:
        weights.draw(transcription, ax)
    if (legend := ax.get_legend()) is not None:
        legend.remove()
    ax.set_yticks([])


OVERVIEW = Track("whole", 0.5, _overview, lambda _: "overview of the whole", shows_fires=False)
"""Above a part: where in the whole it is."""
