"""Measure and print a table.

``python -m benchmarks`` compares with others, and keeps numbers and figure: `make bench`.
``python -m benchmarks notebooks`` plants faults in notebooks: who finds them?
``python -m benchmarks explorer`` asks how fast the explorer follows in a browser.
``python -m benchmarks corpus`` aligns a corpus, and kills it again and again.

What is kept, in ``data/results/benchmarks``, is also written into the page that shows it.
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
from benchmarks.pages import CORE, CORPUS, EXPLORER, NOTEBOOKS, ROOT
from cifviz.formats import write_json
from cifviz.resources import check_target

FIGURE = ROOT / "docs/benchmark.png"
SECONDS = 2.0
"""Of a call, for the record."""
ROWS, KILLS, LONG = 10_000, 20, 7200.0
"""Utterances, kills and seconds of the long sound, for the record."""
INPUTS = 100
"""Movements of each kind, for the record."""

OUT = (
    "Gets the numbers as JSON. Default: the file of the project and the page that shows it, if no "
    "other option is given."
)

app = typer.Typer(add_completion=False)


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    seconds: Annotated[float, typer.Option(help="Given to each call, at least.")] = SECONDS,
    out: Annotated[Path | None, typer.Option(help=OUT)] = None,
) -> None:
    """Compare cifviz with other public CIFs on one thread."""
    if context.invoked_subcommand:
        return
    if out is not None:
        check_target(out)
    torch.set_num_threads(1)
    result = {
        "command": f"make bench ARGS='--seconds {seconds:g}'",
        "versions": versions(),
        **suite.run(contestants(), seconds=seconds),
    }
    if out is not None:
        write_json(out, result)
    elif seconds == SECONDS:
        CORE.keep(result, report.table)
        report.draw(result, FIGURE, overwrite=True)
    typer.echo(report.table(result))
    typer.echo("\n" + report.streaming(result))
    typer.echo("\n" + report.goals(result))


@app.command()
def explorer(
    browser: Annotated[
        str, typer.Option(help="Chromium or Chrome: a name or a path.")
    ] = "chromium",
    inputs: Annotated[int, typer.Option(help="Movements of each kind.", min=2)] = INPUTS,
    out: Annotated[Path | None, typer.Option(help=OUT)] = None,
) -> None:
    """Ask how fast the explorer follows sliders, pans and zooms, in milliseconds, beside the goals.

    Takes two to three minutes, on a machine that does nothing else.
    """
    from benchmarks.explorer import GOALS, measured, table

    if out is not None:
        check_target(out)
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
    if out is not None:
        write_json(out, result)
    elif inputs == INPUTS:
        EXPLORER.keep(result, table)
    typer.echo(table(result))


@app.command()
def notebooks() -> None:
    """Plant faults in notebooks: which are found by cifviz, by nbval and by nbmake."""
    from benchmarks.notebook_checkers import run, table

    result = run()
    NOTEBOOKS.keep(result, table)
    typer.echo(table(result))


@app.command()
def corpus(
    rows: Annotated[int, typer.Option(help="Utterances.", min=100)] = ROWS,
    kills: Annotated[int, typer.Option(help="How often the run is killed.", min=1)] = KILLS,
    folder: Annotated[
        Path | None, typer.Option(help="Where sounds and results go; default: removed again.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="Of the long sound among them.")] = LONG,
    out: Annotated[Path | None, typer.Option(help=OUT)] = None,
) -> None:
    """Align a corpus with one worker and two, and kill it: memory, speed, and is it the same?"""
    from benchmarks.corpus import goals, measured, table

    if out is not None:
        check_target(out)
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
    if out is not None:
        write_json(out, result)
    elif (rows, kills, seconds) == (ROWS, KILLS, LONG):
        CORPUS.keep(result, table)
    typer.echo(f"{table(result)}\n\n{goals(result)}")


if __name__ == "__main__":
    app()
