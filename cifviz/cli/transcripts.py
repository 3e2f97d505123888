"""What commands are told about the words of a sound: nothing, a text, or where its text is."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cifviz.cli.sound_input import stem_of
from cifviz.errors import DataError, printable, require
from cifviz.resources import Inputs, read_text

if TYPE_CHECKING:
    from cifviz.audio.waveform import Waveform
    from cifviz.systems.long_transcription import LongTranscription
    from cifviz.systems.transcription import Transcription

LARGEST_FILE = 2**20
"""Bytes of a transcript, at most: twenty hours of speech."""
SUFFIXES = (".txt", ".lab")
"""Of the transcripts in a folder, in the order in which they are looked for."""

Text = Annotated[
    str | None,
    typer.Option(
        "--text", help="The transcript of the sound, for a model that aligns any text (english)."
    ),
]
TextFile = Annotated[
    Path | None, typer.Option("--text-file", help="Text file with the transcript of the sound.")
]
TextFolder = Annotated[
    Path | None,
    typer.Option(
        "--text-dir", help="Folder with a transcript for each sound: STEM.txt, or else STEM.lab."
    ),
]
Language = Annotated[
    str | None,
    typer.Option(
        "--language",
        help="The transcript's language or accent, a voice of eSpeak NG: en-us (the default), "
        "en-gb … Others than English, such as cs, are experimental.",
    ),
]


@dataclass(frozen=True)
class Transcripts:
    """Where the transcript of each sound is, at most one of the first three, and its language."""

    text: str | None = None
    file: Path | None = None
    folder: Path | None = None
    language: str | None = None

    @classmethod
    def of_options(
        cls,
        text: str | None,
        file: Path | None,
        folder: Path | None,
        sounds: Sequence[Path],
        language: str | None = None,
    ) -> Transcripts:
        """What the options say; raises `CIFError` if that is not one thing for each sound."""
        given = {"--text": text, "--text-file": file, "--text-dir": folder}
        names = [name for name, value in given.items() if value is not None]
        require(len(names) <= 1, f"expected one of {', '.join(given)}, got {' and '.join(names)}")
        require(
            len(sounds) == 1 or names in ([], ["--text-dir"]),
            f"{', '.join(names)} is the transcript of one sound, got {len(sounds)}: "
            "--text-dir FOLDER has one for each, STEM.txt",
        )
        require(
            folder is None or folder.is_dir(),
            f"--text-dir must name a folder of transcripts, {folder} is none",
            DataError,
        )
        require(
            language is None or len(names) == 1,
            "--language is that of a transcript: give --text, --text-file or --text-dir, too",
        )
        return cls(text, file, folder, language)

    @property
    def are_given(self) -> bool:
        """Whether there are any."""
        return any(value is not None for value in vars(self).values())

    def _path(self, sound: Path) -> Path | None:
        """The file with the transcript of a sound; None where it is in no file."""
        if self.folder is None:
            return self.file
        stem = stem_of(sound)
        places = [self.folder / f"{stem}{suffix}" for suffix in SUFFIXES]
        for place in places:
            if place.exists():
                return place
        names = " nor ".join(printable(place.name) for place in places)
        raise DataError(f"no transcript of it in {self.folder}: neither {names}")

    def read(self, sound: Path, inputs: Inputs) -> str | None:
        """The transcript of a sound, its file being one of the inputs; None where none is given.

        Raises
        ------
        DataError
            If its file is missing, larger than `LARGEST_FILE`, or no text in UTF-8.
        """
        path = self._path(sound)
        if path is None:
            return self.text
        inputs.add(path)
        return read_text(path, "transcript", at_most=LARGEST_FILE)


def check_model(recognizer: Any, model: str, transcripts: Transcripts) -> None:
    """Raise unless the model can do with transcripts what is asked."""
    from cifviz.systems.base import TextAligner

    require(
        not transcripts.are_given or isinstance(recognizer, TextAligner),
        f"a transcript needs a model that aligns any text (--model english), {printable(model)} "
        "recognises the words of its own vocabulary",
    )


def transcribe(
    recognizer: Any,
    waveform: Waveform,
    *,
    transcript: str | None,
    language: str | None = None,
    **request: Any,
) -> Transcription | LongTranscription:
    """Align a transcript; without one, let the model recognise the words, or its tokens.

    Raises
    ------
    DataError
        If the transcript has no word, or none of its words has a place in the sound.
    """
    from cifviz.systems.base import TextAligner

    if not isinstance(recognizer, TextAligner):
        tokens: Transcription = recognizer.transcribe(waveform, **request)
        return tokens
    progress = sys.stderr.isatty()
    if transcript is None:
        return recognizer.hear(waveform, progress=progress)
    spoken = {} if language is None else {"language": language}
    found = recognizer.align(waveform, transcript, progress=progress, **spoken)
    words = found.words or ()
    require(
        len(words) > 0,
        "the transcript has no word: expected what is spoken, in Latin letters and digits",
        DataError,
    )
    require(
        any(word.is_timed for word in words),
        f"none of the {len(words)} words of the transcript has a place in {found.duration:.2f} s "
        "of sound: is it the transcript of another one?",
        DataError,
    )
    return found
