"""What made the published results: ``python -m experiments --help`` lists its commands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from cifviz.cli.application import Overwrite, in_words, program
from cifviz.published import PROGRAM

app = program(PROGRAM, "Train, measure and publish what cifviz ships and reports.")

Runs = Annotated[Path, typer.Option(help="Where `train` keeps its runs.")]
Data = Annotated[Path, typer.Option(help="Holds results/ and checkpoints/.")]
Add = Annotated[
    bool,
    typer.Option("--add", help="Add runs that are not published yet; what is published stays."),
]
Recipe = Annotated[
    str, typer.Argument(help="The recipe: digits, grid, markov-digits …", metavar="NAME")
]


@app.command()
def train(
    name: Recipe,
    seed: Annotated[int, typer.Option(help="Seed of weights, data and dropout.")] = 0,
    devices: Annotated[int, typer.Option(help="Number of devices to train on.")] = 1,
    steps: Annotated[
        int | None, typer.Option(help="Training steps; default: the recipe's.")
    ] = None,
    leave_out: Annotated[
        str | None, typer.Option(help="A speaker to leave out and to test on.")
    ] = None,
    variant: Annotated[str, typer.Option(help="A variant of the recipe: plain, ctc …")] = "",
    runs: Runs = Path("runs"),
) -> None:
    """Train a recogniser by its recipe and measure it; a run that was interrupted is continued."""
    from experiments.model_card import results_table
    from experiments.recipes import find_recipe
    from experiments.runs import run, run_name

    with in_words(f"{PROGRAM} train"):
        recipe = find_recipe(name, variant)
        fit = replace(recipe.fit, seed=seed, devices=devices)
        if steps is not None:
            fit = replace(fit, steps=steps)
        folder = runs / run_name(name, seed, leave_out, variant)
        result = run(replace(recipe, fit=fit), folder=folder, leave_out=leave_out)
        typer.echo(results_table([result], "test" if "test" in result else "dev"))
        typer.echo(f"written to {folder}")


@app.command()
def measure(name: Recipe, runs: Runs = Path("runs")) -> None:
    """Measure every finished run of a recipe and its variants once more, without training."""
    from experiments.runs import measure_again

    with in_words(f"{PROGRAM} measure"):
        for folder in measure_again(name, runs=runs):
            typer.echo(f"written to {folder}")


@app.command()
def publish(
    name: Recipe, runs: Runs = Path("runs"), data: Data = Path("data"), add: Add = False
) -> None:
    """Keep the results of all runs of a recipe and ship the best seed, with its model card."""
    from experiments import publish

    with in_words(f"{PROGRAM} publish"):
        typer.echo(publish.publish(name, runs=runs, data=data, add=add))


@app.command()
def study(
    name: Annotated[str, typer.Argument(help="The study; without it all are listed.")] = "",
    runs: Runs = Path("runs"),
    data: Data = Path("data"),
    add: Add = False,
) -> None:
    """Measure finished runs or shipped models in another way, keep the result, print its table."""
    from experiments.studies import STUDIES, run_study

    with in_words(f"{PROGRAM} study"):
        listed = "\n".join(STUDIES)
        typer.echo(run_study(name, runs=runs, data=data, add=add) if name else listed)


@app.command()
def table(
    name: Annotated[
        str,
        typer.Argument(
            help="summary, alignment, joined, grid, weights, held-out, or the name of a study"
        ),
    ] = "summary",
    data: Data = Path("data"),
) -> None:
    """Print a table of the published results, as the README and docs/alignment.md show it."""
    from experiments.tables import make_table

    with in_words(f"{PROGRAM} table"):
        typer.echo(make_table(name, data / "results"))


@app.command()
def teacher(
    name: Annotated[str, typer.Argument(help="A language model: minilm.")] = "minilm",
) -> None:
    """Compute and keep a teacher's states for the transcripts of "hieradist"."""
    from experiments import piece_speech

    with in_words(f"{PROGRAM} teacher"):
        made = [*piece_speech.real(name), *piece_speech.synthetic(name)]
        piece_speech.taught(made, name)
        path = piece_speech.TEACHERS / f"{name}.safetensors"
        size = path.stat().st_size / 1e6
        typer.echo(f"{len(made)} utterances; {size:.1f} MB of states written to {path}")


@app.command()
def pieces(
    name: Annotated[str, typer.Argument(help="A language model: minilm, smollm2.")] = "minilm",
) -> None:
    """Write the word pieces that occur in training, the vocabulary of "w2v-cif-bert"."""
    import json

    from cifviz.resources import write_atomically
    from experiments import piece_speech

    with in_words(f"{PROGRAM} pieces"):
        found = piece_speech.pieces_of_training(name)
        path = piece_speech.VOCABULARIES / f"{name}.json"
        text = json.dumps(found, ensure_ascii=False, indent=0) + "\n"
        write_atomically(path, lambda part: part.write_text(text, "utf-8"), overwrite=True)
        typer.echo(f"{len(found)} pieces written to {path}")


@app.command()
def edges(
    model: Annotated[
        str, typer.Option(help="A recogniser of digits: its name, or a folder.")
    ] = "digits",
    out: Annotated[Path, typer.Option(help="The picture, PNG.")] = Path("edges.png"),
    overwrite: Overwrite = False,
) -> None:
    """Draw why fires are poor word edges, on the development strings; prints what it shows."""
    from experiments.edge_picture import draw_edges

    with in_words(f"{PROGRAM} edges"):
        typer.echo(draw_edges(model, out, overwrite=overwrite))
