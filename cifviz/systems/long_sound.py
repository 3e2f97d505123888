"""Align and hear a sound of any length, window by window, in memory that does not grow with it.

What grows is the sound itself, if it is held (230 MB an hour), its phones and its words. First the
phones of all windows are recognised, and matched to those of the transcript all at once: so it is
known which words lie where, and sound or words that are on one side alone do not move the rest.
Then each stretch of words is aligned in its own sound. A few words alone have too few phones to be
matched: they are aligned in each window, and belong to the one where they are most probable.
Windows and stretches are cut in pauses, on the clock of the encoder's frames; the encoder sees a
second more on each side.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.alignment.transcript_match import (
    PAD,
    SECONDS_PER_PHONE,
    Place,
    Stretch,
    places,
    stretches,
)
from cifviz.audio.moonshine import FIRST_FRAME, HOP_LENGTH, Moonshine, load_moonshine, num_frames
from cifviz.audio.pauses import CONTEXT, LONGEST_WINDOW, levels, quiet, quietest, windows
from cifviz.audio.waveform import SAMPLE_RATE, Waveform
from cifviz.corpora.pronunciation import SpokenWord
from cifviz.systems.decoded_text import about_decoded, decoded_words
from cifviz.systems.doubtful_words import (
    LEAST_PRESENCE,
    PRESENCE,
    UNEXPLAINED,
    UNEXPLAINED_MASS,
)
from cifviz.systems.long_transcription import LongTranscription
from cifviz.systems.transcription import INTERVALS, Transcription
from cifviz.systems.word_checks import checked
from cifviz.systems.word_presence import Presence, misfit

_NEAR = 0.05
"""Seconds that a cut between two words may lie inside what is about the word."""
FEW_PHONES = 40
"""A transcript of fewer is looked for in each window. Of so many the phones that are recognised
suffice."""


class PhoneAligner(Protocol):
    """What is needed of a `PhoneCIFRecognizer`."""

    config: Any
    name: str

    def transcribe_states(
        self, states: Tensor, log_mel: Tensor, *, duration: float
    ) -> Transcription:
        """The phones that fire freely."""

    def align_states(
        self,
        states: Tensor,
        log_mel: Tensor,
        words: Sequence[SpokenWord],
        *,
        duration: float,
        path: str,
    ) -> Transcription:
        """The phones and words of a transcript."""


@dataclass(frozen=True)
class _Piece:
    """Sound that is encoded at once, and the words that lie in it."""

    first: int
    """The first sample, a multiple of 384."""
    end: int
    """The sample behind the last."""
    words: tuple[SpokenWord, ...] = ()
    is_guess: bool = False
    """Whether nothing but the presence of its words says that they lie here."""

    @property
    def start_time(self) -> float:
        """Seconds."""
        return self.first / SAMPLE_RATE

    @property
    def end_time(self) -> float:
        """Seconds."""
        return self.end / SAMPLE_RATE


def align_long(
    model: PhoneAligner,
    waveform: Waveform,
    words: Sequence[SpokenWord],
    *,
    path: str,
    progress: bool = False,
) -> LongTranscription:
    """Where in a sound of any length the words of its transcript lie, and their phones.

    Parameters
    ----------
    model : PhoneCIFRecognizer
        In evaluation mode.
    waveform : Waveform
        At 16 kHz.
    words : sequence of SpokenWord
        The transcript; words may be missing in it, wrong, or not spoken.
    path : str
        How the phones find their frames, of `cifviz.systems.phone_paths.PATHS`.
    progress : bool
        Whether bars on standard error show how far it is.

    Returns
    -------
    LongTranscription
        `checked`: words that would lie in silence are untimed, unless they are probably there. So
        are those for which there is no room, and the words of a short transcript none of which is
        found. Speech in which no word was looked for is unexplained, too.

    Raises
    ------
    AudioError
        If the sound has another sample rate.
    CheckpointError
        If the extra ``cifviz[english]`` is not installed.
    """
    if 0 < sum(len(word.phones) for word in words) < FEW_PHONES:
        return _aligned(
            model, waveform, [_searched(model, waveform, words, path, progress)], path, progress
        )
    recognised = _recognised_phones(model, waveform, progress)
    found = places(recognised, [word.phones for word in words], duration=waveform.duration)
    longest = LONGEST_WINDOW - 2 * PAD  # a cut between two words is moved to where it is quietest
    cut = stretches(found, duration=waveform.duration, longest=longest)
    return _aligned(model, waveform, _pieces(waveform, cut, found, words), path, progress)


def hear_long(
    model: PhoneAligner, waveform: Waveform, *, path: str, progress: bool = False
) -> LongTranscription:
    """Like `align_long`, but of the text that the pretrained decoder reads from each window.

    Parameters
    ----------
    model, waveform, path, progress
        As for `align_long`.

    Notes
    -----
    A window in which nobody speaks is not read: the decoder makes up words there.
    """
    encoder, pieces = load_moonshine(), []
    for first, end in _shown(windows(waveform), "hearing", progress):
        part = Waveform(waveform.samples[first:end])
        text = "" if quiet(part).all() else encoder.decode(_states(encoder, waveform, first, end))
        pieces.append(_Piece(first, end, decoded_words(text)))
    found = _aligned(model, waveform, pieces, path, progress)
    return replace(found, warning=about_decoded(found.warning))


def _recognised_phones(model: PhoneAligner, waveform: Waveform, progress: bool) -> Alignment:
    """The phones of a sound as they fire freely, window by window."""
    encoder = load_moonshine()
    tokens: list[str] = []
    edges: list[tuple[float, float]] = []
    for first, end in _shown(windows(waveform), "hearing", progress):
        given = _given(model, encoder, waveform, first, end)
        found = model.transcribe_states(given.pop("states"), **given)
        for phone in found.alignment.shifted(first / SAMPLE_RATE).timed:
            tokens.append(phone.token)
            edges.append((phone.start or 0.0, phone.end or 0.0))
    onsets, offsets = torch.tensor(edges, dtype=torch.float64).reshape(-1, 2).T
    return Alignment.from_edges(tokens, onsets, offsets, duration=waveform.duration)


def _searched(
    model: PhoneAligner,
    waveform: Waveform,
    words: Sequence[SpokenWord],
    path: str,
    progress: bool,
) -> _Piece:
    """The window in which a few words are most probable; those across the cuts are tried, too."""
    # 1. The windows, and around each cut between two as much sound as the words may take.
    encoder, tried = load_moonshine(), windows(waveform)
    phones = sum(len(word.phones) for word in words)
    reach = int((2 * SECONDS_PER_PHONE * phones + PAD) * SAMPLE_RATE) // HOP_LENGTH * HOP_LENGTH
    last = len(waveform.samples)
    tried += [(max(0, cut - reach), min(cut + reach, last)) for cut, _ in tried[1:]]

    # 2. How probable the words are in each.
    fits: list[tuple[float, float]] = []
    for first, end in _shown(tried, "searching", progress):
        given = _given(model, encoder, waveform, first, end)
        found = model.align_states(given.pop("states"), words=words, path=path, **given)
        fits.append((sum(found.extras.get(PRESENCE, ())), found.mean_score or 0.0))
    if not tried:
        return _Piece(0, 0, tuple(words), is_guess=True)
    first, end = tried[fits.index(max(fits))]
    return _Piece(first, end, tuple(words), is_guess=True)


def _with_rest(waveform: Waveform, pieces: Sequence[_Piece]) -> list[_Piece]:
    """The pieces, and the sound between them in pieces without words; without what is silent."""
    silent, last = quiet(waveform), len(waveform.samples)
    made: list[_Piece] = []
    start = 0
    for one in [*pieces, _Piece(last, last)]:
        rest = windows(Waveform(waveform.samples[start : max(start, one.first)]))
        made += [_Piece(start + first, start + end) for first, end in rest]
        made.append(one)
        start = one.end
    return [
        one
        for one in made
        if one.words or not silent[one.first // HOP_LENGTH : -(-one.end // HOP_LENGTH)].all()
    ]


def _pieces(
    waveform: Waveform,
    cut: Sequence[Stretch],
    found: Sequence[Place],
    words: Sequence[SpokenWord],
) -> list[_Piece]:
    """Stretches on the clock of the frames; those that touch are cut where it is quietest."""
    level = levels(waveform)
    piece = HOP_LENGTH / SAMPLE_RATE
    made: list[_Piece] = []
    for number, one in enumerate(cut):
        first = int(one.start_time / piece)
        end = min(int(np.ceil(one.end_time / piece)), len(level))
        if number and cut[number - 1].end_time == one.start_time:
            first = made[-1].end // HOP_LENGTH
        if number + 1 < len(cut) and one.end_time == cut[number + 1].start_time:
            low = int(np.ceil((found[one.end - 1].end - _NEAR) / piece))
            high = int((found[one.end].start + _NEAR) / piece)
            low, high = max(low, first + 1), min(high, len(level) - 1)
            end = quietest(level, low, high) if low <= high else max(end, first)
        made.append(
            _Piece(
                first * HOP_LENGTH,
                min(end * HOP_LENGTH, len(waveform.samples)),
                tuple(words[one.first : one.end]),
            )
        )
    return made


def _aligned(
    model: PhoneAligner,
    waveform: Waveform,
    pieces: Sequence[_Piece],
    path: str,
    progress: bool,
) -> LongTranscription:
    """Align each piece in its own sound, look for words besides, and put all together."""
    # 1. The phones of each piece, in the time of the whole.
    encoder = load_moonshine()
    phones: list[TimedToken] = []
    presence: list[float] = []
    unexplained: list[tuple[float, float]] = []
    mass = 0.0
    intervals: list[Tensor] = []
    shown: Transcription | None = None
    for one in _shown(_with_rest(waveform, pieces), "aligning", progress):
        given = _given(model, encoder, waveform, one.first, one.end)
        found = model.align_states(given.pop("states"), words=one.words, path=path, **given)
        if shown is None and one.words:
            part = waveform.cut(one.start_time, one.start_time + given["duration"])
            shown = replace(found, waveform=part)
        there = [float(word) for word in found.extras.get(PRESENCE, ())]
        clipped = _clipped(found.alignment.shifted(one.start_time), one)
        is_lost = one.is_guess and bool(there) and max(there) < LEAST_PRESENCE
        phones += [
            TimedToken(phone.token, score=phone.score) if is_lost else phone for phone in clipped
        ]
        presence += there
        mass += found.extras.get(UNEXPLAINED_MASS, 0.0)
        unexplained += [
            (one.start_time + start, min(one.start_time + end, one.end_time))
            for start, end in found.extras.get(UNEXPLAINED, ())
        ]
        if INTERVALS in found.extras:
            intervals.append(found.extras[INTERVALS] + one.start_time)

    # 2. Where nobody speaks, the first window is still there to be looked at.
    if shown is None:
        first, end = windows(waveform)[0]
        given = _given(model, encoder, waveform, first, end)
        found = model.align_states(given.pop("states"), words=(), path=path, **given)
        shown = replace(found, waveform=waveform.cut(0.0, given["duration"]))

    # 3. The words, held against the sound.
    words = [word for one in pieces for word in one.words]
    extras: dict[str, Any] = {PRESENCE: tuple(presence)} if len(presence) == len(words) else {}
    if PRESENCE in extras:
        extras |= {UNEXPLAINED: tuple(unexplained), UNEXPLAINED_MASS: mass}
    if intervals:
        extras[INTERVALS] = torch.cat(intervals)
    made = LongTranscription(
        words=Alignment(),
        alignment=Alignment(tuple(phones)),
        grid=model.config.grid,
        duration=waveform.duration,
        config=model.config,
        windows=tuple((one.start_time, one.end_time) for one in pieces if one.words),
        first=shown,
        waveform=waveform,
        model=model.name,
        extras=extras,
    )
    held = checked(made, words)
    return replace(held, warning=_warning(held))


def _warning(found: LongTranscription) -> str:
    """That of a short sound; a word without a time is not there."""
    presence = found.extras.get(PRESENCE, (1.0,) * len(found.words))
    timed = tuple(
        there if word.is_timed else 0.0 for word, there in zip(found.words, presence, strict=True)
    )
    mass = found.extras.get(UNEXPLAINED_MASS, 0.0)
    return misfit(Presence(timed, (), mass), len(found.alignment), found.duration)


def _given(
    model: PhoneAligner, encoder: Moonshine, waveform: Waveform, first: int, end: int
) -> dict[str, Any]:
    """States, log-mel and duration of some samples.

    The last frames of the encoder that begin among them read a little further, so a little more
    sound is taken: the frames of windows that touch are those of the whole, without a gap.
    """
    reach = min(end + FIRST_FRAME - HOP_LENGTH, len(waveform.samples))
    part = Waveform(waveform.samples[first:reach])
    return {
        "states": _states(encoder, waveform, first, reach),
        "log_mel": model.config.features(part),
        "duration": part.duration,
    }


def _states(encoder: Moonshine, waveform: Waveform, first: int, end: int) -> Tensor:
    """The states of some samples, encoded with the sound before and behind them."""
    context = int(CONTEXT * SAMPLE_RATE) // HOP_LENGTH * HOP_LENGTH
    before = min(context, first)
    part = Waveform(waveform.samples[first - before : end + context], waveform.sample_rate)
    skipped = before // HOP_LENGTH
    return encoder.states(part)[skipped : skipped + num_frames(end - first)]


def _clipped(phones: Alignment, piece: _Piece) -> list[TimedToken]:
    """Phones in the time of their piece: what lies a little behind it belongs to the next one."""
    low, high = piece.start_time, piece.end_time
    return [
        TimedToken(
            one.token, min(max(one.start, low), high), min(max(one.end, low), high), one.score
        )
        if one.start is not None and one.end is not None
        else one
        for one in phones
    ]


def _shown(pieces: Sequence[Any], what: str, progress: bool) -> Iterator[Any]:
    """The pieces, with a bar if it is wanted."""
    return iter(tqdm(pieces, desc=what, unit="window", disable=not progress, file=sys.stderr))
