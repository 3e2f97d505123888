"""Measure and print a table.

``python -m benchmarks`` compares with others, and keeps both numbers and figure: `make bench`.
``python -m benchmarks notebooks`` plants faults in notebooks: who finds them?
``python -m benchmarks explorer`` asks how fast the explorer follows in a browser.
``python -m benchmarks corpus`` aligns a corpus, and kills it again and again.
"""

from __future__ import annotations

import json
import shutil
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import torch
import typer

from benchmarks import report, suite
from benchmarks.contestants import contestants, versions
from cifviz.formats import write_json
from cifviz.resources import check_target, write_atomically

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "data/results/benchmarks/corpus.json"
NUMBERS, FIGURE = ROOT / "data/results/benchmarks/core.json", ROOT / "docs/benchmark.png"
NOTEBOOKS = ROOT / "data/results/benchmarks/notebooks.json"
EXPLORER = ROOT / "data/results/benchmarks/explorer.json"


app = typer.Typer(add_completion=False)


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    seconds: Annotated[float, typer.Option(help="Given to each call, at least.")] = 2.0,
    out: Annotated[Path, typer.Option(help="Gets the numbers as JSON.")] = NUMBERS,
    figure: Annotated[Path, typer.Option(help="Gets the figure.")] = FIGURE,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace other files than those of the project.")
    ] = False,
) -> None:
    """Compare cifviz with other public CIFs on one thread."""
    if context.invoked_subcommand:
        return
    for path in (out, figure):
        check_target(path, overwrite=overwrite or path in (NUMBERS, FIGURE))
        path.parent.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    result = {
        "command": f"make bench ARGS='--seconds {seconds:g}'",
        "versions": versions(),
        **suite.run(contestants(), seconds=seconds),
    }
    text = json.dumps(result, indent=1) + "\n"
    write_atomically(out, lambda part: part.write_text(text), overwrite=True)
    report.draw(result, figure, overwrite=True)
    typer.echo(report.table(result))
    typer.echo("\n" + report.streaming(result))
    typer.echo("\n" + report.goals(result))


@app.command()
def explorer(
    browser: Annotated[
        str, typer.Option(help="Chromium or Chrome: a name or a path.")
    ] = "chromium",
    inputs: Annotated[int, typer.Option(help="Movements of each kind.", min=2)] = 100,
    out: Annotated[Path, typer.Option(help="Gets the numbers as JSON.")] = EXPLORER,
) -> None:
    """Ask how fast the explorer follows sliders, pans and zooms, in milliseconds, beside the goals.

    Takes two to three minutes, on a machine that does nothing else.
    """
    from benchmarks.explorer import GOALS, measured, table

    check_target(out, overwrite=out == EXPLORER)

    path = shutil.which(browser)
    if path is None:
        raise typer.BadParameter(f"no browser {browser!r} is installed; name one with --browser")
    found = measured(path, inputs=inputs)
    result = {
        "command": f"python -m benchmarks explorer --inputs {inputs}",
        "unit": "ms",
        "measured": {name: round(value, 1) for name, value in found.items()},
        "goals": GOALS,
    }
    write_json(out, result, overwrite=True)
    typer.echo(table(found))


@app.command()
def notebooks() -> None:
    """Plant faults in notebooks: which are found by cifviz, by nbval and by nbmake."""
    from benchmarks.notebook_checkers import run, table

    result = run()
    text = json.dumps(result, indent=1) + "\n"
    write_atomically(NOTEBOOKS, lambda part: part.write_text(text), overwrite=True)
    typer.echo(table(result))


@app.command()
def corpus(
    rows: Annotated[int, typer.Option(help="Utterances.", min=100)] = 10_000,
    kills: Annotated[int, typer.Option(help="How often the run is killed.", min=1)] = 20,
    folder: Annotated[
        Path | None, typer.Option(help="Where sounds and results go; default: removed again.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="Of the long sound among them.")] = 7200,
    out: Annotated[Path, typer.Option(help="Gets the numbers as JSON.")] = CORPUS,
) -> None:
    """Align a corpus with one worker and two, and kill it: memory, speed, and is it the same?"""
    from benchmarks.corpus import measured

    check_target(out, overwrite=out == CORPUS)
    result: dict[str, object] = {
        "command": f"python -m benchmarks corpus --rows {rows} --kills {kills}",
        "versions": {name: version(name) for name in ("torch", "distributed", "pyarrow")},
    }
    with TemporaryDirectory(prefix="cifviz-") as place:
        for name, value in measured(
            folder or Path(place), rows=rows, kills=kills, long_seconds=seconds
        ):
            result[name] = value
            typer.echo(f"{name}: {json.dumps(value, ensure_ascii=False)}")
            # Hours may be lost otherwise.
            write_json(out, result, overwrite=True)


if __name__ == "__main__":
    app()
