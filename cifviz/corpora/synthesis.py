"""Synthetic speech with exact times: eSpeak NG reads a text and reports each word and phone.

eSpeak NG is an optional dependency (``pip install cifviz[train]``). `cifviz.corpora.espeak_library`
says how it is called, and why the result is a function of the arguments alone.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.resampling import resample
from cifviz.audio.waveform import SAMPLE_RATE, Waveform
from cifviz.corpora.espeak_library import CHARS_UTF8, check, espeak
from cifviz.errors import DataError, require

VOICES = (
    "en-us",
    "en-us+f2",
    "en-us+f5",
    "en-us+m3",
    "en-us+m4",
    "en-us+aunty",
    "en-us+steph",
    "en-us-nyc+m8",
    "en-us-nyc+Nguyen",
    "en-gb+m7",
    "en-gb+f4",
    "en-gb-x-rp+Lee",
    "en-gb-x-rp+f3",
    "en-gb-scotland+m1",
    "en-gb-scotland+f1",
    "en-029+m2",
)
"""English voices that differ in sex, pitch, timbre and accent, all of them clearly voiced."""

LETTER_NAMES = {"a": "eigh"}
"""Spellings for letters that eSpeak NG would read as words."""

_RATE, _PITCH = 1, 3
_EVENT_END_OF_LIST, _EVENT_WORD, _EVENT_PHONEME = 0, 1, 7


class _EventId(ctypes.Union):
    _fields_ = [
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_char * 8),
    ]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    ]


_SynthCallback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True, eq=False)
class Utterance:
    """Sound, text, and the times of words and phones.

    See Also
    --------
    synthesize : makes one.
    """

    waveform: Waveform
    words: Alignment
    """The tokens with the times of their first and last sound, in seconds."""
    phones: Alignment
    """IPA symbols, stress marks included; pauses are left out."""
    text: str
    """The input of eSpeak NG."""
    voice: str


@dataclass
class _Recording:
    """The library's reports while it speaks; times in samples at its own rate."""

    chunks: list[np.ndarray] = field(default_factory=list)
    word_positions: list[int] = field(default_factory=list)
    """Position of each word in the text, in characters from 0."""
    marks: list[tuple[int, str | None]] = field(default_factory=list)
    """(sample, label) in order: None begins a word, "" a pause, anything else a phone."""

    def receive(self, samples: Any, count: int, events: Any) -> int:
        """The library's callback; 0 tells it to go on."""
        if count > 0:
            self.chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        index = 0
        while events[index].type != _EVENT_END_OF_LIST:
            event = events[index]
            if event.type == _EVENT_WORD:
                self.word_positions.append(event.text_position - 1)
                self.marks.append((event.sample, None))
            elif event.type == _EVENT_PHONEME:
                # A name is cut at eight bytes, possibly inside a character.
                label = event.id.string.decode("utf-8", errors="ignore")
                # "(en)" announces another language's rules and makes no sound.
                if not label.startswith("("):
                    self.marks.append((event.sample, label.strip("_: ")))
            index += 1
        return 0

    @property
    def samples(self) -> np.ndarray:
        """All the sound, (time,), full scale being ±1."""
        return np.concatenate([np.zeros(0, np.int16), *self.chunks]).astype(np.float32) / 32768

    def timed(self) -> tuple[list[tuple[int, int] | None], list[tuple[str, int, int]]]:
        """Spans of the words (None for one without a sound), and the phones with their spans."""
        samples = self.samples
        words: list[tuple[int, int] | None] = []
        phones: list[tuple[str, int, int]] = []
        ends = [sample for sample, _ in self.marks[1:]] + [len(samples)]
        for (start, label), end in zip(self.marks, ends, strict=True):
            if label is None:
                # A nasal or liquid before a vowel is marked, but sounds after the next word's mark.
                if phones and phones[-1][2] == start and _sounds(samples, start, end):
                    phones[-1] = (*phones[-1][:2], end)
                    if words and words[-1] is not None:
                        words[-1] = (words[-1][0], end)
                words.append(None)
            elif label:
                phones.append((label, start, end))
                if words:
                    words[-1] = (start if words[-1] is None else words[-1][0], end)
        return words, phones


def _sounds(samples: np.ndarray, start: int, end: int) -> bool:
    """Whether a stretch is clearly louder than the closure of a stop."""
    if start == end:
        return False
    return bool(samples[start:end].std() > 0.02 * np.abs(samples).max())


def synthesize(
    text: str,
    *,
    voice: str = "en-us",
    rate: int = 160,
    pitch: int = 50,
    tokens: Sequence[str] | None = None,
    sample_rate: int = SAMPLE_RATE,
) -> Utterance:
    """Synthesise a text, with the times of its words and phones.

    Parameters
    ----------
    text : str
        Plain text.
    voice : str
        A language of eSpeak NG, with a variant if desired: "en-us", "en-gb-scotland", "en-gb+m7",
        "cmn". `VOICES` lists English ones that suit training.
    rate : int in [80, 450]
        Words per minute.
    pitch : int in [0, 99]
        50 is the default of the voice.
    tokens : sequence of str, optional
        Names of the words, one for each word that eSpeak NG speaks; default ``text.split()``.
    sample_rate : int > 0
        Rate of the result in Hz; eSpeak NG's own is 22 050.

    Returns
    -------
    Utterance
        Times in seconds, from the synthesiser's own events. A word begins with its first phone and
        ends with its last one. The silent closure of a stop between words belongs to neither:
        eSpeak NG marks a stop at its burst. A phone may have no length, such as a liquid that only
        colours the vowel before it. The same arguments give the same samples, except for
        the variants "Reed" and "caleb".

    Raises
    ------
    DataError
        If eSpeak NG does not speak as many words as there are tokens: it takes "have been" for one
        word, and "25" for two.
    CIFError
        If eSpeak NG is not installed, does not know the voice, or a parameter is out of range.

    Examples
    --------
    >>> utterance = synthesize("two five")  # doctest: +SKIP
    >>> utterance.words.text, utterance.waveform.sample_rate  # doctest: +SKIP
    ('two five', 16000)
    """
    require("\0" not in text, f"text must not hold a NUL character, got {text!r}")
    require(80 <= rate <= 450, f"rate must be 80 to 450 words per minute, got {rate}")
    require(0 <= pitch <= 99, f"pitch must be 0 to 99, got {pitch}")
    recording, native_rate = _record(text, voice, rate, pitch)
    spans, phones = recording.timed()
    names = _named(text, tokens, recording.word_positions, voice)
    words = []
    for name, span in zip(names, spans, strict=True):
        if span is None:
            raise DataError(f"{name!r} has no sound in {text!r} with voice {voice!r}")
        words.append((name, *span))
    word_tier, phone_tier = (
        Alignment(tuple(TimedToken(t, s / native_rate, e / native_rate) for t, s, e in tier))
        for tier in (words, phones)
    )
    samples = resample([recording.samples], native_rate, sample_rate)
    return Utterance(Waveform(samples, sample_rate), word_tier, phone_tier, text, voice)


def _record(text: str, voice: str, rate: int, pitch: int) -> tuple[_Recording, int]:
    """Let a fresh library read a text; its reports, and its sample rate in Hz."""
    recording = _Recording()
    with espeak(voice, "speech synthesis", "train") as (library, native_rate):
        for parameter, value in ((_RATE, rate), (_PITCH, pitch)):
            check(library.espeak_SetParameter(parameter, value, 0), "espeak_SetParameter")
        callback = _SynthCallback(recording.receive)
        library.espeak_SetSynthCallback(callback)
        encoded = text.encode("utf-8") + b"\0"
        check(
            library.espeak_Synth(encoded, len(encoded), 0, 0, 0, CHARS_UTF8, None, None),
            "espeak_Synth",
        )
    return recording, native_rate


def spoken_text(tokens: Sequence[str]) -> str:
    """The text that makes eSpeak NG read the tokens one by one, letters by their names.

    >>> spoken_text(["bin", "blue", "at", "a", "two", "now"])
    'bin blue at eigh two now'
    """
    return " ".join(LETTER_NAMES.get(token, token) for token in tokens)


def _named(
    text: str, tokens: Sequence[str] | None, positions: Sequence[int], voice: str
) -> list[str]:
    """The tokens, if each is one spoken word."""
    spans = [match.span() for match in re.finditer(r"\S+", text)]
    counts = [sum(start <= place < end for place in positions) for start, end in spans]
    names = text.split() if tokens is None else list(tokens)
    matches = len(names) == len(positions)
    if tokens is None:
        matches = matches and all(count == 1 for count in counts)
    odd = ", ".join(
        f"{text[start:end]!r} {count}"
        for (start, end), count in zip(spans, counts, strict=True)
        if count != 1
    )
    require(
        matches,
        f"expected one spoken word for each of {len(names)} tokens, got {len(positions)} "
        f"in {text!r} with voice {voice!r}" + (f" (words spoken for: {odd})" if odd else ""),
        DataError,
    )
    return names
