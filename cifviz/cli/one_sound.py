"""What a command needs that shows one utterance: a sound and a model, or weights of one's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cifviz.cli.own_weights import OwnWeights
from cifviz.cli.sound_input import sound_source, stem_of
from cifviz.cli.transcription_output import in_view, transcription_table
from cifviz.cli.transcripts import Transcripts, check_model, transcribe
from cifviz.errors import AudioError, require
from cifviz.resources import Inputs, check_target

if TYPE_CHECKING:
    from cifviz.systems.transcription import Transcription

Sound = Annotated[
    Path | None,
    typer.Argument(
        help="A sound file; - is standard input. With --alpha it may be left out.",
        show_default=False,
    ),
]
Model = Annotated[str, typer.Option(help="A model that comes with cifviz, or a folder.")]


@dataclass
class OneSound:
    """One utterance that a command was asked for."""

    file: Path | None
    model: str
    own: OwnWeights | None
    transcripts: Transcripts
    inputs: Inputs
    overwrite: bool
    transcript: str | None
    table: str = field(default="", init=False)
    """Tokens and times for the terminal, once `transcribed` was called."""

    @property
    def stem(self) -> str:
        """What the result is named after."""
        if self.file is not None:
            return stem_of(self.file)
        assert self.own is not None
        return self.own.alpha.stem

    def check(self, target: Path) -> None:
        """Raise `CIFError` unless the result can be written there."""
        check_target(target, overwrite=self.overwrite, inputs=self.inputs, in_folder=True)

    def transcribed(self) -> tuple[Transcription, str]:
        """The transcription and, where that is a part of the sound, which one."""
        found = self._transcription()
        name = self.file if self.file is not None else Path(self.stem)
        self.table = transcription_table(name, self.model, found)
        return in_view(found)

    def _transcription(self) -> Any:
        if self.own is not None:
            return self.own.read(self.file)
        from cifviz.audio.waveform import load_waveform
        from cifviz.systems.checkpoints import load_model

        assert self.file is not None
        recognizer = load_model(self.model)
        check_model(recognizer, self.model, self.transcripts)
        rate = recognizer.config.features.sample_rate
        waveform = load_waveform(sound_source(self.file), sample_rate=rate)
        language = self.transcripts.language
        return transcribe(recognizer, waveform, transcript=self.transcript, language=language)


def read_sound(
    file: Path | None,
    model: str,
    texts: tuple[str | None, Path | None, Path | None, str | None],
    own: OwnWeights | None,
    reference: Path | None,
    overwrite: bool,
) -> OneSound:
    """Check what was asked for; raises `CIFError` if it contradicts itself."""
    from cifviz.systems.checkpoints import model_folder

    others = [] if reference is None else [reference]
    if own is not None:
        given = [one for one in texts if one is not None]
        require(not given, "--alpha is what a model of yours made: it takes no --text")
        sounds = [] if file is None else [file]
        require(all(one.name != "" for one in sounds), f"expected a sound file, {file} is a folder")
        inputs = Inputs([*sounds, *own.files, *others])
        return OneSound(file, model, own, Transcripts(), inputs, overwrite, None)
    if file is None:
        raise AudioError("expected a sound file, or --alpha with weights of your own")
    require(file.name != "", f"expected a sound file, {file} is a folder", AudioError)
    inputs = Inputs([file, model_folder(model), *others])
    text, text_file, text_folder, language = texts
    transcripts = Transcripts.of_options(text, text_file, text_folder, [file], language)
    transcript = transcripts.read(file, inputs)
    return OneSound(file, model, None, transcripts, inputs, overwrite, transcript)
