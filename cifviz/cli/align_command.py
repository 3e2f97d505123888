"""``cifviz align``: tokens and times of sound files, as tables, pictures, TextGrids and JSON."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from cifviz.cli import terminal
from cifviz.cli.application import Overwrite, in_words
from cifviz.cli.sound_input import model_folder, sound_source, stem_of
from cifviz.cli.transcription_output import transcription_table, with_suffix, write_files
from cifviz.errors import AudioError, printable, require
from cifviz.resources import Inputs, check_target, writing


def align(
    files: Annotated[
        list[Path],
        typer.Argument(help="Sound files: WAV, FLAC, MP3, Ogg, M4A …; - is standard input."),
    ],
    model: Annotated[
        str, typer.Option(help="A model that comes with cifviz, or a folder.")
    ] = "digits",
    out: Annotated[Path, typer.Option(help="Folder for the results; made if needed.")] = Path("."),
    overwrite: Overwrite = False,
) -> None:
    """Recognise sound files and show when each token was said.

    Prints a table for each file and writes STEM.png (the picture), STEM.TextGrid (for Praat) and
    STEM.json into a folder, all three or none; STEM is stdin for what came from standard input. A
    file that cannot be read, or whose results would replace a file that is there, is reported, the
    rest go on, and the exit code is 1.
    """
    from tqdm import tqdm

    from cifviz.audio.waveform import load_waveform
    from cifviz.systems.checkpoints import load_model

    with in_words("cifviz align", exit_code=2):
        sounds = [path for path in files if not path.is_dir()]  # others are refused when read
        require(
            out.is_dir() or not os.path.lexists(out), f"--out must name a folder, {out} is none"
        )
        recognizer = load_model(model)
        inputs = Inputs([*sounds, model_folder(model)])
    failed = 0
    written: dict[str, str] = {}
    for path in tqdm(files, disable=len(files) < 2, unit="file", file=sys.stderr):
        try:
            require(path.name != "", f"expected a sound file, {path} is a folder", AudioError)
            stem = stem_of(path)
            require(
                stem not in written,
                f"its results would replace those of {written.get(stem)}: "
                "align them into different folders",
            )
            targets = [with_suffix(out / stem, end) for end in (".png", ".TextGrid", ".json")]
            for target in targets:
                check_target(target, overwrite=overwrite, inputs=inputs)
            waveform = load_waveform(
                sound_source(path), sample_rate=recognizer.config.features.sample_rate
            )
            transcription = recognizer.transcribe(waveform)
            terminal.end_if_told()  # while it was read, perhaps, and what was read is cut short
            out.mkdir(parents=True, exist_ok=True)
            with writing(targets, overwrite=overwrite, inputs=inputs) as parts:
                write_files(parts, path, model, transcription)
        except Exception as error:  # whatever one file does, the others are not to blame
            failed += 1
            with tqdm.external_write_mode(file=sys.stderr):
                terminal.complain(f"cifviz align: {printable(path.name or str(path))}", error)
        else:
            written[stem] = printable(path.name)
            for target in targets:
                inputs.add(target)
            tqdm.write(transcription_table(path, model, transcription), file=sys.stdout)
    if failed:
        raise typer.Exit(1)
