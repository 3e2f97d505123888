"""``cifviz notebooks``: build, list and check notebooks, and make pages and an archive of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cifviz.cli.application import in_words
from cifviz.cli.notebook_check import check_notebooks
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


@notebooks.command("slides")
def lessons_slides(
    out: Annotated[
        Path,
        typer.Option(help="Folder for the slides; such a folder, and nothing else, is replaced."),
    ] = Path("build/slides"),
) -> None:
    """Make slides of the lessons of a clone, with notes for the speaker, that need no network."""
    with in_words("cifviz notebooks slides", keep="\n"):
        from cifviz.course.site.slides import build_slides

        typer.echo(build_slides(out))


@notebooks.command("browser-lesson")
def browser_lesson(
    out: Annotated[
        Path,
        typer.Option(help="Folder for the lesson; such a folder, and nothing else, is replaced."),
    ] = Path("build/browser_lesson"),
    pyodide: Annotated[
        Path | None, typer.Option(help="Pyodide as npm packs it; default: npm fetches it.")
    ] = None,
) -> None:
    """Make lesson 01 a page whose cells run in a browser, with nothing installed, offline."""
    with in_words("cifviz notebooks browser-lesson"):
        from cifviz.course.site.browser_lesson import build_browser_lesson

        typer.echo(build_browser_lesson(out, pyodide))


@notebooks.command("assignment")
def lesson_assignment(
    name: Annotated[str, typer.Argument(help="Such as 02_scaling, or 02.")],
    grader: Annotated[str, typer.Option(help="nbgrader or otter.")] = "nbgrader",
    out: Annotated[
        Path, typer.Option(help="Folder for the notebook; one that is there is left as it is.")
    ] = Path("build/assignments"),
) -> None:
    """Write the exercises of a lesson in the form that a grader reads."""
    with in_words("cifviz notebooks assignment"):
        from cifviz.course.assignments import write_assignment
        from cifviz.course.build import resolve

        typer.echo(write_assignment(resolve(name), grader, out))


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


notebooks.command("check")(check_notebooks)
