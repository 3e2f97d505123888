"""The sound of a transcription as files that a browser decodes."""

from __future__ import annotations

import io

from cifviz.audio.opus import BIT_RATE, opus_of
from cifviz.audio.waveform import Waveform
from cifviz.explorer.data import LONG

EXACT, SMALL, NONE = "exact", "small", "none"
SOUNDS = ("", EXACT, SMALL, NONE)
"""Kinds of sound in a page; an empty name is `EXACT` up to `LONG` seconds, and then `SMALL`."""


def flac_of(waveform: Waveform) -> bytes:
    """The sound as a FLAC file, which is lossless and which every browser plays."""
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, waveform.samples, waveform.sample_rate, format="FLAC")
    return buffer.getvalue()


def sound_pieces(waveform: Waveform, sound: str, *, size: int) -> list[bytes]:
    """Files of so many samples each, one after the other.

    Parameters
    ----------
    waveform : Waveform
    sound : str
        One of `SOUNDS`.
    size : int > 0
        Samples of each piece but the last.

    Examples
    --------
    >>> import numpy as np
    >>> silence = Waveform(np.zeros(2500), 1000)
    >>> [piece[:4] for piece in sound_pieces(silence, EXACT, size=1000)]
    [b'fLaC', b'fLaC', b'fLaC']
    """
    encode = opus_of if _is_small(waveform, sound) else flac_of
    rate, samples = waveform.sample_rate, waveform.samples
    return [
        encode(Waveform(samples[first : first + size], rate))
        for first in range(0, len(samples), size)
    ]


def sound_note(waveform: Waveform, sound: str) -> str:
    """What compression changed, in words; empty for exact sound."""
    if not _is_small(waveform, sound):
        return ""
    rate = f"{BIT_RATE // 1000} kbit/s"
    return f"compressed sound (Opus, {rate}): its times are exact, its samples not"


def _is_small(waveform: Waveform, sound: str) -> bool:
    return sound == SMALL or (not sound and waveform.duration > LONG)
