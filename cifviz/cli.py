"""The command line: ``cifviz align | train | publish | results | notebooks``."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from cifviz.errors import CIFError

app = typer.Typer(
    help="See, hear and check Continuous Integrate-and-Fire alignments.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _main() -> None:
    """Keep `align` a subcommand, however many there are."""


@app.command()
def align(
    files: Annotated[list[Path], typer.Argument(help="Sound files: WAV, FLAC, MP3, Ogg …")],
    model: Annotated[
        str, typer.Option(help="A model that comes with cifviz, or a folder.")
    ] = "digits",
    out: Annotated[Path, typer.Option(help="Folder for the results; made if needed.")] = Path("."),
) -> None:
    """Recognise sound files and show when each token was said.

    Prints a table for each file and writes STEM.png (the picture), STEM.TextGrid (for Praat) and
    STEM.json beside it. A file that cannot be read is reported, the rest go on, the exit code is 1.
    """
    from tqdm import tqdm

    from cifviz.models.checkpoints import load_model
    from cifviz.speech.audio import load_waveform

    try:
        _refuse_twins(files)
        out.mkdir(parents=True, exist_ok=True)
        recognizer = load_model(model)
    except (CIFError, OSError) as error:
        typer.echo(f"cifviz align: {error}", err=True)
        raise typer.Exit(2) from error
    failed = 0
    for path in tqdm(files, disable=len(files) < 2, unit="file", file=sys.stderr):
        try:
            waveform = load_waveform(path, sample_rate=recognizer.config.features.sample_rate)
            transcription = recognizer.transcribe(waveform)
            _write(out / path.stem, path, model, transcription)
        except (CIFError, OSError) as error:
            failed += 1
            tqdm.write(f"cifviz align: {path}: {error}", file=sys.stderr)
        else:
            tqdm.write(_table(path, model, transcription), file=sys.stdout)
    if failed:
        raise typer.Exit(1)


@app.command()
def train(
    name: Annotated[str, typer.Argument(help="The recipe: digits or grid.")],
    seed: Annotated[int, typer.Option(help="Of weights, data and dropout.")] = 0,
    devices: Annotated[int, typer.Option(help="Number of devices to train on.")] = 1,
    steps: Annotated[int | None, typer.Option(help="Instead of the recipe's own.")] = None,
    leave_out: Annotated[str | None, typer.Option(help="A speaker to test on, unheard.")] = None,
    runs: Annotated[
        Path, typer.Option(help="Where runs are kept; an unfinished one resumes.")
    ] = Path("runs"),
) -> None:
    """Train a recogniser by its recipe and measure it; the recipe says on which data."""
    from cifviz.models import recipes

    try:
        recipe = recipes.find_recipe(name)
        fit = replace(recipe.fit, seed=seed, devices=devices, steps=steps or recipe.fit.steps)
        folder = runs / recipes.run_name(name, seed, leave_out)
        result = recipes.train(replace(recipe, fit=fit), folder=folder, leave_out=leave_out)
    except CIFError as error:
        typer.echo(f"cifviz train: {error}", err=True)
        raise typer.Exit(1) from error
    for split in ("dev", "test"):
        if split in result:
            typer.echo(f"{split}: {json.dumps(result[split])}")
    typer.echo(f"written to {folder}")


@app.command()
def publish(
    name: Annotated[str, typer.Argument(help="The recipe whose runs are to be published.")],
    runs: Annotated[Path, typer.Option(help="Where `cifviz train` kept them.")] = Path("runs"),
    data: Annotated[Path, typer.Option(help="Gets results/ and checkpoints/.")] = Path("data"),
) -> None:
    """Keep the results of all runs of a recipe and ship the one that did best on the dev set."""
    from cifviz.models.recipes import publish

    try:
        typer.echo(publish(name, runs=runs, data=data))
    except CIFError as error:
        typer.echo(f"cifviz publish: {error}", err=True)
        raise typer.Exit(1) from error


@app.command()
def results(
    data: Annotated[Path, typer.Option(help="Holds results/.")] = Path("data"),
) -> None:
    """Print the table of what the published recognisers measured."""
    from cifviz.models.cards import summary
    from cifviz.models.recipes import read_results

    typer.echo(summary(read_results(data / "results")))


lessons = typer.Typer(help="Build and check the notebooks.", no_args_is_help=True)
app.add_typer(lessons, name="notebooks")


@lessons.command("build")
def build_lessons(
    names: Annotated[
        list[str] | None, typer.Argument(help="Such as 01_integrate_and_fire, or 01; default all.")
    ] = None,
) -> None:
    """Execute the lessons of a clone from their sources, with open exercises and solved."""
    from cifviz.teaching.build import main

    raise typer.Exit(main(names or []))


@lessons.command("check")
def check_notebooks(
    paths: Annotated[list[Path], typer.Argument(help="Executed notebooks, yours or ours.")],
) -> None:
    """Run notebooks again and compare the numbers that they recorded; the exit code is 1 if not."""
    from papermill.exceptions import PapermillExecutionError

    from cifviz.teaching.verification import verify

    failed = 0
    for path in paths:
        try:
            complaints = verify(path)
        except (CIFError, PapermillExecutionError) as error:
            complaints = [str(error)]
        failed += bool(complaints)
        typer.echo("\n".join([f"{path}: {'FAILED' if complaints else 'as before'}", *complaints]))
    raise typer.Exit(bool(failed))


def _refuse_twins(files: list[Path]) -> None:
    """Results are named after their file: two of one name would overwrite each other."""
    twins = [stem for stem, count in Counter(path.stem for path in files).items() if count > 1]
    if twins:
        raise CIFError(
            f"several files would write {twins[0]}.png; align them into different folders"
        )


def _write(stem: Path, path: Path, model: str, transcription: Any) -> None:
    """Write STEM.png, STEM.TextGrid and STEM.json, each whole or not at all."""
    from cifviz.plot import panel_png
    from cifviz.resources import write_atomically
    from cifviz.speech.formats import write_json, write_textgrid

    picture = panel_png(transcription)
    duration = transcription.waveform.duration
    write_textgrid(_with(stem, ".TextGrid"), {"tokens": transcription.alignment}, duration)
    write_json(_with(stem, ".json"), _record(path, model, transcription))
    write_atomically(_with(stem, ".png"), lambda part: part.write_bytes(picture))


def _with(stem: Path, suffix: str) -> Path:
    """Append a suffix; a stem such as "take.1" keeps its dot."""
    return stem.with_name(stem.name + suffix)


def _record(path: Path, model: str, transcription: Any) -> dict[str, Any]:
    firing = transcription.firing
    return {
        "file": path.name,
        "model": model,
        "duration": round(transcription.waveform.duration, 4),
        "tokens": [
            {
                "token": token.token,
                "start": round(token.start, 4),
                "end": round(token.end, 4),
                "score": round(token.score, 4),
            }
            for token in transcription.alignment
        ],
        "weight_sum": round(float(firing.weight_sum), 4),
        "residual": round(float(firing.residual), 4),
        "tail_fired": bool(firing.tail_fired),
        "fires": [
            round(transcription.grid.seconds(f), 4) for f in firing.fire_positions[0].tolist()
        ],
    }


def _table(path: Path, model: str, transcription: Any) -> str:
    tokens = transcription.alignment.tokens
    width = max([5, *(len(token.token) for token in tokens)])
    lines = [f"{path.name}  ({transcription.waveform.duration:.2f} s, model {model})"]
    lines.append(f"  {'token':<{width}}  start s   end s  score")
    lines += [
        f"  {token.token:<{width}}  {token.start:7.2f} {token.end:7.2f}  {token.score:5.2f}"
        for token in tokens
    ]
    if not tokens:
        lines.append("  (no token fired)")
    return "\n".join(lines)
