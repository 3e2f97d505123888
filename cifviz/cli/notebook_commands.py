"""``cifviz notebooks``: build, list and check notebooks, and make pages and an archive of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from cifviz.cli import terminal
from cifviz.cli.application import in_words
from cifviz.errors import printable

notebooks = typer.Typer(
    help="Build and check the notebooks.", no_args_is_help=True, rich_markup_mode=None
)


@notebooks.command("build")
def build_lessons(
    names: Annotated[
        list[str] | None, typer.Argument(help="Such as 01_integrate_and_fire, or 01; default all.")
    ] = None,
) -> None:
    """Execute the lessons of a clone from their sources, with open exercises and solved."""
    from cifviz.course.build import main

    raise typer.Exit(main(names or []))


@notebooks.command("site")
def lessons_site(
    out: Annotated[
        Path,
        typer.Option(help="Folder for the pages; a site there, and nothing else, is replaced."),
    ] = Path("build/site"),
) -> None:
    """Make pages of the lessons of a clone that open without a network, and an index of them."""
    with in_words("cifviz notebooks site", keep="\n"):
        from cifviz.course.site.build_site import build_site

        typer.echo(build_site(out))


@notebooks.command("release")
def lessons_release(
    out: Annotated[
        Path, typer.Option(help="Folder for the archive; an older one is replaced.")
    ] = Path("build"),
) -> None:
    """Pack the pages, the sources with the notebooks, and the library into one zip archive."""
    with in_words("cifviz notebooks release", keep="\n"):
        from cifviz.course.site.release import release

        typer.echo(release(out))


@notebooks.command("list")
def list_lessons(
    folder: Annotated[
        Path | None, typer.Argument(help="Holds source/NN_name.py; default: that of this clone.")
    ] = None,
) -> None:
    """List the lessons: title, minutes, sizes, and whether they are built from their sources."""
    from cifviz.course.build import NOTEBOOKS, overview

    with in_words("cifviz notebooks list"):
        table, faults = overview(folder or NOTEBOOKS)
        typer.echo(table)
        for fault in faults:
            typer.echo(f"cifviz notebooks list: {printable(fault)}", err=True)
    raise typer.Exit(bool(faults))


@notebooks.command("check")
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
        Path, typer.Option(help="Where a run that is not as before is kept; replaces runs alone.")
    ] = Path("build/notebooks"),
) -> None:
    """Find what is wrong with notebooks; the exit code is 1 if anything is.

    Without running them: cells ran in order, without an error or a word on stderr; each live
    control has a static fallback, each picture alt text; no path of one machine, no memory address;
    at most 1 MB; links lead somewhere. Empty cells and those tagged skip-execution need no count,
    and a cell tagged raises-exception may fail. A notebook of more than 50 MB, or with data nested
    more than 100 levels deep, is not read. One with source/NAME.py beside it is a lesson as
    `cifviz notebooks build` makes them, and is asked for more: that it is fresh, and has the
    parts of a lesson, from its first cell to its exercises and its appendix for the lecturer.

    Then it is run from a fresh kernel of this Python, without a network and with warnings as
    errors, and must come to the numbers that it recorded, within their tolerances, and to the same
    kinds of output. A cell that takes longer than 300 s is cut off.

    It runs in a temporary copy of its folder, so that nothing there is changed: 200 MB and 5,000
    entries are copied, the others can be read. So can what is up to three folders above; Python
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
