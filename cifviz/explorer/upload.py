"""A sound file that a browser sends in pieces."""

from __future__ import annotations

import tempfile
from pathlib import Path

from cifviz.audio.waveform import load_waveform
from cifviz.errors import AudioError, require
from cifviz.systems.base import System, TextAligner
from cifviz.systems.long_transcription import LongTranscription
from cifviz.systems.transcription import Transcription

MAX_BYTES = 512 * 1024 * 1024
"""Size of the largest file."""


class Upload:
    """A sound file that arrives in pieces.

    Parameters
    ----------
    name : str
        Its name may be anything; only its suffix is used.

    Examples
    --------
    >>> upload = Upload("me.wav")
    >>> upload.add(0, b"RIFF")
    >>> upload.add(2, b"....")
    Traceback (most recent call last):
    ...
    cifviz.errors.AudioError: expected piece 1 of the file, got 2
    """

    def __init__(self, name: str = ""):
        suffix = Path(name).suffix[:8]
        self.kind = "".join(letter for letter in suffix if letter.isascii() and letter.isalnum())
        self.pieces: list[bytes] = []
        self.size = 0

    def add(self, index: object, piece: bytes) -> None:
        """Keep one more piece; only the first may be empty, and then the file is empty."""
        expected = len(self.pieces)
        require(
            index == expected, f"expected piece {expected} of the file, got {index}", AudioError
        )
        require(bool(piece) or not expected, f"piece {index} of the file is empty", AudioError)
        most = f"expected a file of at most {MAX_BYTES / 1e6:.0f} MB, got more"
        require(self.size + len(piece) <= MAX_BYTES, most, AudioError)
        self.pieces.append(piece)
        self.size += len(piece)

    def transcribed_by(self, model: System) -> Transcription:
        """The transcription of the whole file, its words too if the model hears words.

        Of a sound that is too long to be shown at once it is that of the first window.

        Raises
        ------
        CIFError
            If the file is no sound.
        """
        with tempfile.TemporaryDirectory(prefix="cifviz-") as folder:
            path = Path(folder) / f"recording.{self.kind}"
            path.write_bytes(b"".join(self.pieces))
            waveform = load_waveform(path, sample_rate=model.config.features.sample_rate)
        if isinstance(model, TextAligner):
            found = model.hear(waveform)
            return found.require_first() if isinstance(found, LongTranscription) else found
        return model.transcribe(waveform)
