"""Measure, print the table, and keep both numbers and figure: what `make bench` runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import torch
import typer

from benchmarks import report, suite
from benchmarks.contestants import contestants, versions
from cifviz.resources import check_target, write_atomically

ROOT = Path(__file__).resolve().parent.parent
NUMBERS, FIGURE = ROOT / "data/results/benchmarks/core.json", ROOT / "docs/benchmark.png"


def main(
    seconds: Annotated[float, typer.Option(help="Given to each call, at least.")] = 2.0,
    out: Annotated[Path, typer.Option(help="Gets the numbers as JSON.")] = NUMBERS,
    figure: Annotated[Path, typer.Option(help="Gets the figure.")] = FIGURE,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace other files than those of the project.")
    ] = False,
) -> None:
    """Compare cifviz with other public CIFs on one thread."""
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


if __name__ == "__main__":
    typer.run(main)
