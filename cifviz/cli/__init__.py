"""The command line: ``align``, ``explore``, the notebooks, what trains, measures and publishes.

``cifviz --help`` lists it all.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer
from typer.core import TyperGroup

from cifviz.cli import terminal
from cifviz.errors import AudioError, DataError, printable, require, require_choice
from cifviz.resources import Inputs, check_target, resource, write_atomically, writing


class _Commands(TyperGroup):
    """The commands, run so that whatever happens ends in words and an exit code."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Run one of them, and exit."""
        sys.exit(terminal.run("cifviz", lambda: super(_Commands, self).main(*arguments, **options)))


app = typer.Typer(
    help="See, hear and check Continuous Integrate-and-Fire alignments.",
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace results that are there already.")
]


@app.callback()
def _main() -> None:
    # It would warn of a home where it can keep nothing, and then go on without.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)


@app.command()
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

    with _in_words("align", exit_code=2):
        sounds = [path for path in files if not path.is_dir()]  # others are refused when read
        require(
            out.is_dir() or not os.path.lexists(out), f"--out must name a folder, {out} is none"
        )
        recognizer = load_model(model)
        inputs = Inputs([*sounds, _model_folder(model)])
    failed = 0
    written: dict[str, str] = {}
    for path in tqdm(files, disable=len(files) < 2, unit="file", file=sys.stderr):
        try:
            require(path.name != "", f"expected a sound file, {path} is a folder", AudioError)
            stem = _stem(path)
            require(
                stem not in written,
                f"its results would replace those of {written.get(stem)}: "
                "align them into different folders",
            )
            targets = [_with(out / stem, end) for end in (".png", ".TextGrid", ".json")]
            for target in targets:
                check_target(target, overwrite=overwrite, inputs=inputs)
            waveform = load_waveform(
                _sound(path), sample_rate=recognizer.config.features.sample_rate
            )
            transcription = recognizer.transcribe(waveform)
            terminal.end_if_told()  # while it was read, perhaps, and what was read is cut short
            out.mkdir(parents=True, exist_ok=True)
            with writing(targets, overwrite=overwrite, inputs=inputs) as parts:
                _write(parts, path, model, transcription)
        except Exception as error:  # whatever one file does, the others are not to blame
            failed += 1
            with tqdm.external_write_mode(file=sys.stderr):
                terminal.complain(f"cifviz align: {printable(path.name or str(path))}", error)
        else:
            written[stem] = printable(path.name)
            for target in targets:
                inputs.add(target)
            tqdm.write(_table(path, model, transcription), file=sys.stdout)
    if failed:
        raise typer.Exit(1)


@app.command()
def explore(
    file: Annotated[Path, typer.Argument(help="A sound file; - is standard input.")],
    model: Annotated[
        str, typer.Option(help="A model that comes with cifviz, or a folder.")
    ] = "digits",
    reference: Annotated[
        Path | None, typer.Option(help="A TextGrid that says when each token was really said.")
    ] = None,
    tier: Annotated[str, typer.Option(help="Of the TextGrid; default: its first.")] = "",
    out: Annotated[
        Path | None, typer.Option(help="The page; default: STEM.html in this folder.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a page on which a recording's tokens can be moved and heard; it needs no network.

    Prints the tokens with their times as `cifviz align` does.
    """
    from cifviz.audio.waveform import load_waveform
    from cifviz.explorer import to_html
    from cifviz.systems.checkpoints import load_model

    with _in_words("explore"):
        require(file.name != "", f"expected a sound file, {file} is a folder", AudioError)
        page = out or Path(f"{_stem(file)}.html")
        read = [file, _model_folder(model), *([] if reference is None else [reference])]
        check_target(page, overwrite=overwrite, inputs=Inputs(read))
        said = None if reference is None else _tier(reference, tier)
        recognizer = load_model(model)
        waveform = load_waveform(_sound(file), sample_rate=recognizer.config.features.sample_rate)
        transcription = recognizer.transcribe(waveform)
        to_html(
            transcription,
            page,
            reference=said,
            title=printable(file.name),
            overwrite=overwrite,
        )
        typer.echo(_table(file, model, transcription))
        typer.echo(f"written to {printable(page.name)}")


@app.command()
def train(
    name: Annotated[str, typer.Argument(help="The recipe: digits or grid.")],
    seed: Annotated[int, typer.Option(help="Of weights, data and dropout.")] = 0,
    devices: Annotated[int, typer.Option(help="Number of devices to train on.")] = 1,
    steps: Annotated[int | None, typer.Option(help="Instead of the recipe's own.")] = None,
    leave_out: Annotated[str | None, typer.Option(help="A speaker to test on, unheard.")] = None,
    variant: Annotated[str, typer.Option(help="What to compare with: plain, ctc …")] = "",
    runs: Annotated[
        Path, typer.Option(help="Where runs are kept; an unfinished one resumes.")
    ] = Path("runs"),
) -> None:
    """Train a recogniser by its recipe and measure it; the recipe says on which data."""
    from experiments.model_card import results_table
    from experiments.recipes import find_recipe
    from experiments.runs import run, run_name

    with _in_words("train"):
        recipe = find_recipe(name, variant)
        fit = replace(recipe.fit, seed=seed, devices=devices)
        if steps is not None:
            fit = replace(fit, steps=steps)
        folder = runs / run_name(name, seed, leave_out, variant)
        result = run(replace(recipe, fit=fit), folder=folder, leave_out=leave_out)
        typer.echo(results_table([result], "test" if "test" in result else "dev"))
        typer.echo(f"written to {folder}")


@app.command()
def publish(
    name: Annotated[str, typer.Argument(help="The recipe whose runs are to be published.")],
    runs: Annotated[Path, typer.Option(help="Where `cifviz train` kept them.")] = Path("runs"),
    data: Annotated[Path, typer.Option(help="Gets results/ and checkpoints/.")] = Path("data"),
) -> None:
    """Keep the results of all runs of a recipe and ship the best seed, with its model card."""
    from experiments import publish

    with _in_words("publish"):
        typer.echo(publish.publish(name, runs=runs, data=data))


@app.command()
def compare(
    runs: Annotated[Path, typer.Option(help="Where `cifviz train` kept them.")] = Path("runs"),
    data: Annotated[Path, typer.Option(help="Gets results/.")] = Path("data"),
) -> None:
    """Compare CIF, CTC and attention where it is hard, and keep what came out."""
    from experiments import publish

    with _in_words("compare"):
        typer.echo(publish.compare(runs=runs, data=data))


@app.command()
def edges(
    model: Annotated[
        str, typer.Option(help="A recogniser of digits: its name, or a folder.")
    ] = "digits",
    out: Annotated[Path, typer.Option(help="The picture, PNG.")] = Path("edges.png"),
    overwrite: Overwrite = False,
) -> None:
    """Draw why fires are poor word edges, on the development strings; prints what is to be seen."""
    from cifviz.corpora.corpus_registry import corpus_folder
    from cifviz.plot import edge_panel
    from cifviz.systems.checkpoints import load_model
    from experiments.measure import transcribe_all
    from experiments.training_data import spoken_strings

    with _in_words("edges"):
        inputs = Inputs([_model_folder(model), corpus_folder("digits")])
        check_target(out, overwrite=overwrite, inputs=inputs)
        spoken = spoken_strings("dev")
        heard = transcribe_all(load_model(model), spoken)
        said = [one.words for one in spoken]
        five = [
            len(words) == 5 and one.text == words.text
            for one, words in zip(heard, said, strict=True)
        ]
        picture = edge_panel(heard, said, show=five.index(True) if any(five) else 0)
        write_atomically(
            out,
            lambda part: part.write_bytes(picture.fig.png()),
            overwrite=overwrite,
            inputs=inputs,
        )
        typer.echo(picture.fig.alt)


@app.command()
def cover(
    data: Annotated[Path, typer.Option(help="Gets results/.")] = Path("data"),
) -> None:
    """Find what the models can say about speech aligned by hand, and keep it."""
    from experiments.studies import vocabulary_coverage

    with _in_words("cover"):
        typer.echo(vocabulary_coverage.cover(data=data))


@app.command()
def tails(
    runs: Annotated[Path, typer.Option(help="Where `cifviz train` kept them.")] = Path("runs"),
    data: Annotated[Path, typer.Option(help="Gets results/.")] = Path("data"),
) -> None:
    """Try every rule for the weight left at the end on digits, and keep what it costs."""
    from experiments import publish

    with _in_words("tails"):
        typer.echo(publish.try_tails(runs=runs, data=data))


@app.command()
def sharpness(
    runs: Annotated[Path, typer.Option(help="Where `cifviz train` kept them.")] = Path("runs"),
    data: Annotated[Path, typer.Option(help="Gets results/.")] = Path("data"),
) -> None:
    """Measure how sharp weights are that were made in different ways, and keep some of them."""
    from experiments.studies.token_width import measure

    with _in_words("sharpness"):
        typer.echo(measure(runs=runs, data=data))


@app.command()
def results(
    table: Annotated[
        str,
        typer.Argument(
            help="summary, alignment, grid, joined, unheard, synchrony, coverage, tails"
        ),
    ] = "summary",
    data: Annotated[Path, typer.Option(help="Holds results/.")] = Path("data"),
) -> None:
    """Print a table of what was measured and published."""
    from experiments.tables import TABLES

    with _in_words("results"):
        require_choice("table", table, list(TABLES))
        typer.echo(TABLES[table](data / "results"))


lessons = typer.Typer(
    help="Build and check the notebooks.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(lessons, name="notebooks")


@lessons.command("build")
def build_lessons(
    names: Annotated[
        list[str] | None, typer.Argument(help="Such as 01_integrate_and_fire, or 01; default all.")
    ] = None,
) -> None:
    """Execute the lessons of a clone from their sources, with open exercises and solved."""
    from cifviz.course.build import main

    raise typer.Exit(main(names or []))


@lessons.command("site")
def lessons_site(
    out: Annotated[
        Path,
        typer.Option(help="Folder for the pages; a site there, and nothing else, is replaced."),
    ] = Path("build/site"),
) -> None:
    """Make pages of the lessons of a clone that open without a network, and an index of them."""
    with _in_words("notebooks site", keep="\n"):
        from cifviz.course.site.build_site import build_site

        typer.echo(build_site(out))


@lessons.command("release")
def lessons_release(
    out: Annotated[
        Path, typer.Option(help="Folder for the archive; an older one is replaced.")
    ] = Path("build"),
) -> None:
    """Pack the pages, the sources with the notebooks, and the library into one zip archive."""
    with _in_words("notebooks release", keep="\n"):
        from cifviz.course.site.release import release

        typer.echo(release(out))


@lessons.command("list")
def list_lessons(
    folder: Annotated[
        Path | None, typer.Argument(help="Holds source/NN_name.py; default: that of this clone.")
    ] = None,
) -> None:
    """List the lessons: title, minutes, sizes, and whether they are built from their sources."""
    from cifviz.course.build import NOTEBOOKS, overview

    with _in_words("notebooks list"):
        table, faults = overview(folder or NOTEBOOKS)
        typer.echo(table)
        for fault in faults:
            typer.echo(f"cifviz notebooks list: {printable(fault)}", err=True)
    raise typer.Exit(bool(faults))


@lessons.command("check")
def check_notebooks(
    paths: Annotated[
        list[Path], typer.Argument(help="Executed notebooks, or folders of them; yours or ours.")
    ],
    execute: Annotated[
        bool, typer.Option("--execute/--no-execute", help="Whether to run them again, too.")
    ] = True,
    seconds: Annotated[
        float | None,
        typer.Option(help="CPU time that the run of one may take; default: what it takes."),
    ] = None,
    keep: Annotated[
        Path, typer.Option(help="Where a run is left that is not as before; replaces runs alone.")
    ] = Path("build/notebooks"),
) -> None:
    """Find what is wrong with notebooks; the exit code is 1 if anything is.

    Without running them: cells ran in order, without an error or a word on stderr; each live
    control has a still picture, each picture alt text; no path of one machine, no memory address;
    at most 1 MB; links lead somewhere. Empty cells and those tagged skip-execution need no count,
    and a cell tagged raises-exception may fail. A notebook of more than 50 MB, or with data nested
    more than 100 levels deep, is not read. One with source/NAME.py beside it is a lesson as
    `cifviz notebooks build` makes them, and is asked for more: that it is fresh, and has the
    parts of a lesson, from its opening to its exercises and its appendix for the lecturer.

    Then it is run from a fresh kernel of this Python, without a network and with warnings as
    errors, and must come to the numbers that it recorded, within their tolerances, and to the same
    kinds of output. A cell that takes longer than 300 s is cut off.

    It runs in a temporary copy of its folder, so that nothing there is changed: 200 MB and 5,000
    entries are copied, the rest can be read. So can what is up to three folders above; Python
    refuses to write there by a relative path. An absolute path leads where it leads.
    """
    from cifviz.notebooks.reader import find_notebooks

    found, failed = [], 0
    for path in paths:
        try:
            found += find_notebooks(path)
        except Exception as error:  # a folder that may not be listed, for one
            failed += 1
            typer.echo(printable(terminal.explained(error)))
    for path in found:
        complaints = _complaints(
            path, execute, seconds, keep / Path(os.path.abspath(path)).parent.name / path.name
        )
        failed += bool(complaints)
        name = printable(str(path))
        for complaint in complaints or ["good"]:
            typer.echo(name + ": " + printable(complaint, keep="\n"))
    raise typer.Exit(bool(failed))


def _complaints(path: Path, execute: bool, seconds: float | None, keep: Path) -> list[str]:
    """Each once, though a fault may be in the notebook and in its new run."""
    from cifviz.course.inspection import inspect
    from cifviz.notebooks.verification import verify

    found: list[str] = []
    try:
        found += inspect(path)
        found += verify(path, keep=keep, seconds=seconds) if execute else []
    except Exception as error:  # whatever one notebook does, the others are looked at
        found.append(printable(terminal.explained(error)))
    return list(dict.fromkeys(found))


@contextmanager
def _in_words(command: str, *, exit_code: int = 1, keep: str = "") -> Iterator[None]:
    """Turn any error into one line and an exit code; `keep` line ends where a list is told."""
    try:
        yield
    except Exception as error:
        terminal.complain(f"cifviz {command}", error, keep=keep)
        raise typer.Exit(exit_code) from error


def _sound(path: Path) -> Path | BinaryIO:
    """Where a sound is read from: "-" is standard input."""
    if path != Path("-"):
        return path
    if sys.stdin is None or sys.stdin.isatty():
        raise AudioError("expected a sound on standard input, it is not a file or a pipe")
    return sys.stdin.buffer


def _stem(path: Path) -> str:
    """What results are named after."""
    return "stdin" if path == Path("-") else path.stem


def _model_folder(model: str) -> Path:
    """Where the files of a model are."""
    from cifviz.systems.checkpoints import list_models

    return resource("checkpoints") / model if model in list_models() else Path(model)


def _tier(path: Path, name: str) -> Any:
    """A tier of a TextGrid; without a name its first."""
    from cifviz.formats import read_textgrid

    tiers = read_textgrid(path)
    require(bool(tiers), f"expected a TextGrid with a tier, {path} has none", DataError)
    chosen = name or next(iter(tiers), "")
    require_choice("tier", chosen, tiers)
    return tiers[chosen]


def _write(parts: Sequence[Path], path: Path, model: str, transcription: Any) -> None:
    """Write a picture, a TextGrid and a JSON file."""
    from cifviz.formats import write_json, write_textgrid
    from cifviz.plot import panel_png

    picture, textgrid, record = parts
    picture.write_bytes(panel_png(transcription))
    write_textgrid(textgrid, {"tokens": transcription.alignment}, transcription.duration)
    write_json(record, _record(path, model, transcription))


def _with(stem: Path, suffix: str) -> Path:
    """Append a suffix; a stem such as "take.1" keeps its dot."""
    return stem.with_name(stem.name + suffix)


def _record(path: Path, model: str, transcription: Any) -> dict[str, Any]:
    firing = transcription.firing
    return {
        "file": printable(path.name),
        "model": model,
        "vocabulary_size": len(transcription.config.vocabulary),
        "vocabulary": transcription.config.vocabulary_text,
        "duration": round(transcription.duration, 4),
        "tokens": [
            {
                "token": token.token,
                "start": round(token.start, 4),
                "end": round(token.end, 4),
                "score": round(token.score, 4),
            }
            for token in transcription.alignment
        ],
        "mean_score": _rounded(transcription.mean_score),
        "out_of_domain": transcription.is_out_of_domain,
        "domain_distance": _rounded(transcription.domain_distance),
        "domain_bound": transcription.config.domain and transcription.config.domain.bound,
        "warning": transcription.warning or None,
        "weight_sum": round(float(firing.weight_sum), 4),
        "residual": round(float(firing.residual), 4),
        "tail_fired": bool(firing.tail_fired),
        "fires": [
            round(transcription.grid.seconds(f), 4) for f in firing.fire_positions[0].tolist()
        ],
    }


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 4)


def _table(path: Path, model: str, transcription: Any) -> str:
    tokens = transcription.alignment.tokens
    names = [printable(token.token) for token in tokens]
    width = max([5, *map(len, names)])
    known = f"model {printable(model)}, {transcription.config.vocabulary_text}"
    if tokens:
        known += f", mean score {transcription.mean_score:.2f}"
    lines = [f"{printable(path.name)}  ({transcription.duration:.2f} s, {known})"]
    lines.append(f"  {'token':<{width}}  start s   end s  score")
    lines += [
        f"  {name:<{width}}  {token.start:7.2f} {token.end:7.2f}  {token.score:5.2f}"
        for name, token in zip(names, tokens, strict=True)
    ]
    if not tokens:
        lines.append("  (no token fired)")
    if transcription.warning:
        lines.append(f"  warning: {transcription.warning}")
    return "\n".join(lines)
