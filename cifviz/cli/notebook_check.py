"""``cifviz notebooks check``: finds what is wrong with notebooks, yours or ours."""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cifviz.cli import terminal
from cifviz.cli.application import in_words
from cifviz.errors import CIFError, printable, require
from cifviz.resources import check_target, write_atomically

if TYPE_CHECKING:
    from cifviz.notebooks.check_report import Checked

NEEDED = ("nbformat", "nbclient", "nbconvert", "jupyter_client", "ipykernel", "psutil", "bs4")
"""Packages that the extra brings and that a check imports."""


class Request(StrEnum):
    """What an owner may ask for besides."""

    ALT = "alt"
    COUNTS = "counts"
    FALLBACKS = "fallbacks"
    LINKS = "links"
    PATHS = "paths"
    ADDRESSES = "addresses"
    RECORDS = "records"
    SIZE = "size"
    STDERR = "stderr"
    WARNINGS = "warnings"
    EVERYTHING = "everything"


Ask = Annotated[
    list[Request] | None,
    typer.Option(help="What else a notebook must be; may be given several times, see above."),
]
Junit = Annotated[
    Path | None, typer.Option(help="File for a report in JUnit XML; replaces a report alone.")
]
Json = Annotated[
    Path | None, typer.Option(help="File for a report in JSON; replaces a report alone.")
]
Keep = Annotated[
    Path, typer.Option(help="Where a run that is not as before is kept; replaces runs alone.")
]


def check_notebooks(
    paths: Annotated[
        list[Path], typer.Argument(help="Executed notebooks, or folders of them; yours or ours.")
    ],
    execute: Annotated[
        bool, typer.Option("--execute/--no-execute", help="Whether to run them again, too.")
    ] = True,
    ask: Ask = None,
    rtol: Annotated[float, typer.Option(min=0, help="Relative, of printed numbers.")] = 1e-5,
    atol: Annotated[float, typer.Option(min=0, help="Absolute, of printed numbers.")] = 1e-8,
    pixels: Annotated[
        float, typer.Option(min=0, max=1, help="Share of a picture that may differ.")
    ] = 1e-3,
    seconds: Annotated[
        float | None,
        typer.Option(help="CPU time that a run may take; then it is stopped."),
    ] = None,
    clock_seconds: Annotated[
        float | None, typer.Option(help="The same by the clock, the start of the kernel included.")
    ] = None,
    cell_seconds: Annotated[
        float, typer.Option(help="What one cell may take by the clock; then the run is stopped.")
    ] = 300.0,
    network: Annotated[
        bool, typer.Option("--network", help="Let a run reach other machines.")
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Notebooks that are run at a time.")] = 1,
    junit: Junit = None,
    json: Json = None,
    keep: Keep = Path("build/notebooks"),
) -> None:
    """Find what is wrong with notebooks; the exit code is 1 if anything is.

    Each is run from a fresh kernel of this Python, without a network, and must come to what it
    shows: the same text, the numbers in it within --rtol and --atol; the same tables, pictures
    and errors; and the numbers that it recorded, within their own tolerances. Times of a run,
    folders and addresses in memory are not compared. No cell may fail, or have been run before
    one above it.

    Its owner decides with tags of cells: skip-execution or nbval-skip (not run), raises-exception
    (may fail), nbval-ignore-output (run, not compared); and with metadata {"cifviz": {"check":
    {"rtol": 0.01}}} of the notebook or of a cell, which go before --rtol, --atol and --pixels.

    --ask wants more: alt text of pictures; counts from 1 without a gap; static fallbacks of live
    controls; links that lead somewhere; no paths of one machine; no addresses in memory; records of
    numbers; a size of at most 1 MB; no word on stderr; that warnings are errors; or everything. Of
    a lesson, which has source/NAME.py beside it, everything is asked, and its form.

    It runs in a temporary copy of its folder, so that nothing there is changed: 200 MB and 5,000
    entries are copied, the others can be read. So can what is up to three folders above; Python
    refuses to write there by a relative path. An absolute path leads where it leads. A notebook of
    more than 50 MB, or with data nested more than 100 levels deep, is not read.
    """
    with in_words("cifviz notebooks check"):
        require_extra()

        from cifviz.notebooks.check_report import is_report
        from cifviz.notebooks.checks import EVERYTHING
        from cifviz.notebooks.run_limits import Limits
        from cifviz.notebooks.tolerances import Tolerances

        for report in filter(None, (junit, json)):
            check_target(report, overwrite=is_report(report), in_folder=True)
        places = [os.path.realpath(report) for report in (junit, json) if report is not None]
        require(
            len({*places}) == len(places),
            "--junit and --json must name different files",
        )
        names = frozenset(ask or ())
        check = partial(
            check_one,
            execute=execute,
            asked=EVERYTHING if Request.EVERYTHING in names else names,
            tolerances=Tolerances(rtol, atol, pixels),
            limits=Limits(cell_seconds, clock_seconds, seconds),
            network=network,
            keep=keep,
        )
        checked = []
        for one in in_turn(paths, check, jobs):
            say(one)
            checked.append(one)
        write_reports(checked, junit=junit, json=json)
    raise typer.Exit(any(one.complaints for one in checked))


def require_extra() -> None:
    """Raise where a package of the extra is not installed.

    Raises
    ------
    CIFError
        With the command that gets it.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    require(
        not missing,
        f"this needs {', '.join(missing)}, which pip install 'cifviz[notebooks]' gets",
        CIFError,
    )


def in_turn(paths: list[Path], check: Callable[[Path], Checked], jobs: int) -> Iterator[Checked]:
    """Check all notebooks in some places, several at a time; results come in their order."""
    from cifviz.notebooks.check_report import Checked
    from cifviz.notebooks.reader import find_notebooks
    from cifviz.notebooks.run_limits import end_processes

    found: list[Path | Checked] = []
    for path in paths:
        try:
            found += find_notebooks(path)
        except Exception as error:  # a folder that may not be listed, for one
            found.append(Checked(path, (terminal.explained(error),), seconds=0.0))
    with ThreadPoolExecutor(jobs) as pool:
        try:
            yield from pool.map(lambda one: check(one) if isinstance(one, Path) else one, found)
        except BaseException:  # told to end: the pool waits for its runs, so they must end, too
            end_processes(os.getpid())
            raise


def check_one(
    path: Path, *, execute: bool, asked: Collection[str], keep: Path, **how: Any
) -> Checked:
    """Check one notebook; each complaint once, though a fault may be in its new run, too."""
    from cifviz.course.inspection import inspect, is_lesson
    from cifviz.notebooks import verification
    from cifviz.notebooks.check_report import Checked
    from cifviz.notebooks.checks import EVERYTHING

    began = time.perf_counter()
    found: list[str] = []
    note = ""
    try:
        asked = EVERYTHING if is_lesson(path) else asked
        found += inspect(path, asked)
        note = verification.why_not_compared(path) if execute else ""
        if execute and not note.startswith("not run"):
            place = keep / Path(os.path.abspath(path)).parent.name / path.name
            found += verification.verify(path, keep=place, asked=asked, **how)
    except Exception as error:  # whatever one notebook does, the others are looked at
        found.append(terminal.explained(error))
    complaints = tuple(printable(one, keep="\n") for one in dict.fromkeys(found))
    return Checked(path, complaints, time.perf_counter() - began, note)


def say(checked: Checked) -> None:
    """Print a line for each complaint, or one that nothing is wrong."""
    name = printable(str(checked.path))
    good = f"good; {checked.note}" if checked.note else "good"
    for complaint in checked.complaints or (good,):
        typer.echo(f"{name}: {complaint}")


def write_reports(checked: list[Checked], *, junit: Path | None, json: Path | None) -> None:
    """Write the reports that were asked for."""
    from cifviz.notebooks.check_report import is_report, json_report, junit_report

    for path, report in ((junit, junit_report), (json, json_report)):
        if path is not None:
            write = partial(Path.write_text, data=report(checked), encoding="utf-8")
            write_atomically(path, write, overwrite=is_report(path))
