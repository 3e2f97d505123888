"""What becomes of one row: its sound is read and aligned, and the result is plain values."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.pauses import windows
from cifviz.audio.waveform import Waveform, load_waveform
from cifviz.corpus_alignment.corpus_row import CorpusRow
from cifviz.errors import AudioError, CIFError, printable, require
from cifviz.metrics import token_errors
from cifviz.systems.base import System, TextAligner
from cifviz.systems.doubtful_words import doubtful_words, presence_of
from cifviz.systems.long_transcription import LongTranscription
from cifviz.systems.transcription import Transcription

ALIGNED, TRANSCRIBED, EMPTY, FAILED = STATUSES = ("aligned", "transcribed", "empty", "failed")
"""What can become of a row: its transcript was placed in its sound; tokens were recognised; there
is no token; or none of it was possible."""
LONGEST_AT_ONCE = 60.0
"""Seconds of sound that a model without a way of its own for long sounds takes at once."""
WINDOW = 28.0
"""Seconds of the windows, at most, that it is given of a longer one."""
DECIMALS = 4
"""Of times in seconds and of scores: beyond them processors differ."""


@dataclass(frozen=True)
class RowResult:
    """What is known of a row."""

    status: str
    """Of `STATUSES`."""
    reason: str = ""
    """One sentence where the status is not all there is to say."""
    duration: float = 0.0
    """Length of the sound, seconds."""
    tiers: Mapping[str, Alignment] = field(default_factory=dict)
    """"words" and "phones", or "tokens" alone."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """Scores and the like, as JSON can hold them."""
    waveform: Waveform | None = None
    """The sound."""


def align_row(row: CorpusRow, model: System, *, language: str | None = None) -> RowResult:
    """Align or transcribe the sound of a row.

    Parameters
    ----------
    row : CorpusRow
        Whatever is wrong with it is the reason of a failed result.
    model : System
        In evaluation mode. Its way with long sounds is used where it is a `TextAligner`; another
        model is given windows of a sound of more than `LONGEST_AT_ONCE`, cut in pauses.
    language : str, optional
        Of the transcript, for a `TextAligner`.

    Returns
    -------
    RowResult
        Times count from the beginning of the row's stretch of the file.
    """
    try:
        require(not row.problem, row.problem)
        waveform = _sound(row, model.config.features.sample_rate)
        return _aligned(row, waveform, model, {} if language is None else {"language": language})
    except MemoryError:
        reason = "it needs more memory than there is"
    except CIFError as error:
        reason = str(error)
    except Exception as error:  # whatever a sound makes fail, the others are aligned
        reason = f"unexpected {type(error).__name__}: {error}".rstrip(": ")
    if row.path:
        reason = reason.replace(printable(row.path), row.sound).replace(row.path, row.sound)
    return RowResult(FAILED, printable(reason))


def _sound(row: CorpusRow, rate: int) -> Waveform:
    """The row's stretch of its file."""
    is_special = os.path.exists(row.path) and not os.path.isfile(row.path)  # a pipe would wait
    require(not is_special, f"expected a sound file, {row.sound} is no file", AudioError)
    if not row.offset and row.duration is None:
        return load_waveform(row.path, sample_rate=rate)
    whole = _last_file(row.path, rate)  # the next row is probably of the same file
    require(
        row.offset < whole.duration,
        f"it begins at {row.offset:g} s, {row.sound} has {whole.duration:g} s",
        AudioError,
    )
    length = math.inf if row.duration is None else row.duration
    return whole.cut(row.offset, row.offset + length)


@lru_cache(maxsize=1)
def _last_file(path: str, rate: int) -> Waveform:
    return load_waveform(path, sample_rate=rate)


def _aligned(
    row: CorpusRow, waveform: Waveform, model: System, request: Mapping[str, Any]
) -> RowResult:
    # 1. The words of a transcript, or what the model recognises.
    wanted = row.text is not None and isinstance(model, TextAligner)
    found: Transcription | LongTranscription | _Windows
    if not isinstance(model, TextAligner):
        long = waveform.duration > LONGEST_AT_ONCE
        found = _in_windows(waveform, model) if long else model.transcribe(waveform)
    elif row.text is None:
        found = model.hear(waveform)
    else:
        found = model.align(waveform, row.text, **request)

    # 2. What there is to say about it.
    duration = round(waveform.duration, 6)
    tiers = {name: _rounded_times(one, duration) for name, one in found.tiers.items()}
    first = next(iter(tiers.values()))
    values, reason = _values(row, found, first), found.warning
    if not len(first):
        status = EMPTY
        reason = "the transcript has no word" if wanted else "nothing was recognised"
    elif wanted:
        status = ALIGNED
        if not any(token.is_timed for token in first):
            status = FAILED
            reason = f"none of the {len(first)} words of the transcript has a place in the sound"
    else:
        status = TRANSCRIBED
    return RowResult(status, printable(reason), duration, tiers, values, waveform)


def _values(
    row: CorpusRow, found: Transcription | LongTranscription | _Windows, first: Alignment
) -> dict[str, Any]:
    """Scores, and how many tokens differ from those of the transcript."""
    presence = None if isinstance(found, _Windows) else presence_of(found)
    scores = [token.score for token in first if token.score is not None]
    each = scores if presence is None else list(presence)
    doubtful = 0 if isinstance(found, _Windows) else len(doubtful_words(found))
    values: dict[str, Any] = {
        "hypothesis": first.text,
        "score": _rounded(found.mean_score),
        "lowest": _rounded(min(each, default=None)),
        "out_of_domain": found.is_out_of_domain,
        "doubtful": doubtful,
        "errors": None,
        "reference_tokens": None,
    }
    if row.text is not None:
        reference = row.text.casefold().split()
        values["reference_tokens"] = len(reference)
        if "words" not in found.tiers:
            hypothesis = [token.token.casefold() for token in first]
            made = token_errors([reference], [hypothesis])
            values["errors"] = made.deletions + made.insertions + made.substitutions
    return values


@dataclass(frozen=True)
class _Windows:
    """The tokens of a long sound that was transcribed window by window."""

    alignment: Alignment
    warning: str
    is_out_of_domain: bool

    @property
    def tiers(self) -> dict[str, Alignment]:
        return {"tokens": self.alignment}

    @property
    def mean_score(self) -> float | None:
        scores = [token.score or 0.0 for token in self.alignment]
        return math.fsum(scores) / len(scores) if scores else None


def _in_windows(waveform: Waveform, model: System) -> _Windows:
    """Transcribe a long sound piece by piece, cut in its pauses."""
    tokens: list[TimedToken] = []
    unknown = 0
    places = windows(waveform, longest=WINDOW)
    for first, end in places:
        piece = Waveform(waveform.samples[first:end], waveform.sample_rate)
        found = model.transcribe(piece)
        unknown += found.is_out_of_domain
        tokens += found.alignment.shifted(first / waveform.sample_rate).tokens
    warning = ""
    if unknown:
        warning = f"{unknown} of {len(places)} windows are probably outside what the model knows"
    return _Windows(Alignment(tuple(tokens)), warning, 2 * unknown > len(places))


def _rounded_times(alignment: Alignment, duration: float) -> Alignment:
    """The same with fewer decimals, and no time behind the end."""

    def time(seconds: float | None) -> float | None:
        return None if seconds is None else min(round(float(seconds), DECIMALS), duration)

    return Alignment(
        tuple(
            TimedToken(one.token, time(one.start), time(one.end), _rounded(one.score))
            for one in alignment
        )
    )


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(float(number), DECIMALS)
