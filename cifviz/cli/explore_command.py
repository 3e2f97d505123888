"""``cifviz explore``: a page on which the tokens of a recording can be moved and played."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cifviz.cli.application import Overwrite, in_words
from cifviz.cli.sound_input import sound_source, stem_of
from cifviz.cli.transcription_output import in_view, transcription_table
from cifviz.cli.transcripts import (
    Language,
    Text,
    TextFile,
    TextFolder,
    Transcripts,
    check_model,
    transcribe,
)
from cifviz.errors import AudioError, DataError, printable, require, require_choice
from cifviz.resources import Inputs, check_target


def explore(
    file: Annotated[Path, typer.Argument(help="A sound file; - is standard input.")],
    model: Annotated[
        str, typer.Option(help="A model that comes with cifviz, or a folder.")
    ] = "digits",
    text: Text = None,
    text_file: TextFile = None,
    text_dir: TextFolder = None,
    language: Language = None,
    reference: Annotated[
        Path | None,
        typer.Option(help="A file with the reference times of the tokens."),
    ] = None,
    tier: Annotated[str, typer.Option(help="Of the reference; default: its first.")] = "",
    out: Annotated[
        Path | None, typer.Option(help="The page; default: STEM.html in this folder.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a page on which a recording's tokens can be moved and played; it needs no network.

    Prints the tokens with their times as `cifviz align` does.
    """
    from cifviz.audio.waveform import load_waveform
    from cifviz.explorer import to_html
    from cifviz.systems.checkpoints import load_model, model_folder

    with in_words("cifviz explore"):
        require(file.name != "", f"expected a sound file, {file} is a folder", AudioError)
        page = out or Path(f"{stem_of(file)}.html")
        read = [file, model_folder(model), *([] if reference is None else [reference])]
        inputs = Inputs(read)
        transcripts = Transcripts.of_options(text, text_file, text_dir, [file], language)
        transcript = transcripts.read(file, inputs)
        check_target(page, overwrite=overwrite, inputs=inputs)
        words = None if reference is None else _tier(reference, tier)
        recognizer = load_model(model)
        check_model(recognizer, model, transcripts)
        waveform = load_waveform(
            sound_source(file), sample_rate=recognizer.config.features.sample_rate
        )
        transcription = transcribe(recognizer, waveform, transcript=transcript, language=language)
        shown, part = in_view(transcription)
        to_html(
            shown,
            page,
            reference=words,
            title=printable(file.name),
            overwrite=overwrite,
        )
        typer.echo(transcription_table(file, model, transcription))
        shows = f"; it shows {part}" if part else ""
        typer.echo(f"written to {printable(page.name)}{shows}")


def _tier(path: Path, name: str) -> Any:
    """A tier of a file; without a name its first."""
    from cifviz.formats import read_alignments

    tiers = read_alignments(path)
    require(bool(tiers), f"expected a file with a tier, {path} has none", DataError)
    chosen = name or next(iter(tiers), "")
    require_choice("tier", chosen, tiers)
    return tiers[chosen]
