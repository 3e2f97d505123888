"""Builds the notebooks from their sources, one way:  cifviz notebooks build [NAME …].

Each lesson is executed from a fresh kernel, once with open exercises and once solved. Two builds of
one source give the same bytes on one machine.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbconvert.filters.ansi import strip_ansi

from cifviz.course.freshness import is_fresh, stale_inputs, version_notes
from cifviz.course.inspection import lesson_problems, unexplained_terms
from cifviz.course.lesson_sources import Copy, cell_digest, derive, read_source
from cifviz.errors import CIFError, DataError, require
from cifviz.notebooks.execution import RunError, execute, keep_run
from cifviz.notebooks.normalise import RUN, normalise
from cifviz.notebooks.notebook_parameters import read_parameters
from cifviz.notebooks.reader import read_notebook
from cifviz.notebooks.run_inputs import KEY, ROOT, run_inputs
from cifviz.resources import check_target, write_atomically
from cifviz.text_tables import text_table

NOTEBOOKS = ROOT / "notebooks"
"""Where the sources are, in ``source``, and what is made of them."""

COPIES: tuple[Copy, ...] = ("student", "solved")


def lessons(folder: Path = NOTEBOOKS) -> list[str]:
    """Names of all lessons, in their order."""
    return sorted(path.stem for path in (folder / "source").glob("[0-9][0-9]_*.py"))


def product(name: str, copy: Copy, folder: Path = NOTEBOOKS) -> Path:
    """Where a notebook of a lesson belongs."""
    return folder / ("solutions" if copy == "solved" else "") / f"{name}.ipynb"


def build(name: str, copy: Copy, folder: Path = NOTEBOOKS) -> Path:
    """Execute one notebook of a lesson and put it in its place.

    Parameters
    ----------
    name : str
        Of the lesson: "01_integrate_and_fire".
    copy : {"student", "solved"}
        Which of its notebooks.
    folder : Path
        Where ``source`` is.

    Returns
    -------
    Path
        The notebook. One that was built there before is replaced in one step, or not at all.

    Raises
    ------
    DataError
        If there is no such lesson, it is not built as a lesson is, or something else stands in its
        place, such as a notebook that a reader has worked in.
    RunError
        If a cell fails; what ran is left in ``build/notebooks``.
    """
    path = product(name, copy, folder)
    _require_untouched(path, copy)
    source = folder / "source" / f"{name}.py"
    notebook = derive(read_source(source), name, copy)
    keep = folder.parent / "build" / "notebooks" / f"{name}-{copy}.ipynb"
    raw = execute(notebook, keep=keep)
    result = normalise(raw)
    result.metadata.cifviz[KEY] = run_inputs(raw.metadata.get(RUN, {}).get("files", ()))
    path.parent.mkdir(parents=True, exist_ok=True)
    text = serialised(result)
    # Links are checked later: the lessons beside it may not be built yet.
    found = unexplained_terms(source)
    found += lesson_problems(nbformat.reads(text, as_version=4), size=len(text.encode()))
    if found:
        keep_run(result, keep)
        raise DataError(f"{name} ({copy}):\n  " + "\n  ".join(found))
    return write_atomically(path, lambda part: part.write_bytes(text.encode()), overwrite=True)


def _require_untouched(path: Path, copy: Copy) -> None:
    """Raise if the notebook in the place of a lesson was changed since it was built.

    The id of a cell is a digest of its text: where it differs, the cell was edited since. Text in a
    solved copy differs anyway, because its links lead from one folder deeper.
    """
    check_target(path, overwrite=True)
    if not path.exists():
        return
    notebook = read_notebook(path)
    ours = "cifviz" in notebook.metadata and all(
        re.fullmatch(rf"{cell_digest(cell)}(-\d+)?", cell.get("id", ""))
        for cell in notebook.cells
        if copy == "student" or cell.cell_type == "code"
    )
    require(
        ours,
        f"{path} has been changed since it was built: move it away, and build again",
        DataError,
    )


def serialised(notebook: nbformat.NotebookNode) -> str:
    """The notebook as it is written: valid, keys sorted, a newline at the end."""
    nbformat.validate(notebook)
    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"


def overview(folder: Path = NOTEBOOKS) -> tuple[str, list[str]]:
    """A table of the lessons, and of how their notebooks stand: ``cifviz notebooks list``.

    Returns
    -------
    str
        The table, and below it, what changed since the notebooks were built: library code, data
        and versions, by name (the rule: `cifviz.course.freshness`).
    list of str
        What is wrong with the sources that it leaves out, one sentence each.

    Raises
    ------
    DataError
        If there are no lessons.
    """
    names = lessons(folder)
    require(bool(names), f"no lessons in {folder / 'source'}", DataError)
    rows: list[list[str]] = []
    notes: list[str] = []
    faults: list[str] = []
    for name in names:
        try:
            source = read_source(folder / "source" / f"{name}.py")
            read_parameters(source)
            title, minutes = title_and_minutes(source)
            states = [_standing(source, name, copy, folder) for copy in COPIES]
            rows.append([name, title, minutes, *(state for state, _ in states)])
            changes = dict.fromkeys(change for _, found in states for change in found)
            notes += [f"{name}: {change}" for change in changes]
        except DataError as error:
            faults.append(str(error))
    table = text_table(["lesson", "title", "minutes", *COPIES], rows)
    return "\n".join([table, *([""] if notes else []), *notes]), faults


def title_and_minutes(source: nbformat.NotebookNode) -> tuple[str, str]:
    """Title and minutes in the opening of a lesson; empty where they are missing."""
    text = source.cells[0].source if source.cells else ""
    title = re.match(r"# (.*)", text)
    minutes = re.search(r"\*\*Time:\*\* *(\d+)", text)
    return title[1] if title else "", minutes[1] if minutes else ""


def _standing(
    source: nbformat.NotebookNode, name: str, copy: Copy, folder: Path
) -> tuple[str, list[str]]:
    """Whether a notebook is fresh, with its size, and what changed since it was built."""
    path = product(name, copy, folder)
    if not path.is_file():
        return "not built", []
    try:
        notebook = read_notebook(path)
    except DataError:
        return "damaged", []
    changes = [*is_fresh(notebook, source), *stale_inputs(notebook)]
    state = "stale" if changes else "fresh"
    return f"{state}, {path.stat().st_size / 1000:.0f} kB", [*changes, *version_notes(notebook)]


def main(wanted: Sequence[str] = ()) -> int:
    """Build both notebooks of some lessons and say how it went: ``cifviz notebooks build``.

    Parameters
    ----------
    wanted : sequence of str
        Names of lessons, or the numbers they begin with; default all.

    Returns
    -------
    int
        The exit code: 0 if all were built, 1 if one was not, 2 if there is no such lesson.
    """
    try:
        names = [resolve(name) for name in wanted] or lessons()
        require(bool(names), f"no lessons in {NOTEBOOKS / 'source'}: build in a clone", DataError)
    except CIFError as error:
        print(error, file=sys.stderr)
        return 2
    failed = 0
    for name in names:
        for copy in COPIES:
            started = time.monotonic()
            try:
                path = build(name, copy)
            except (CIFError, OSError) as error:
                failed += 1
                details = strip_ansi(error.details) if isinstance(error, RunError) else ""
                print(f"{name} ({copy}) FAILED: {error}{details}", file=sys.stderr, flush=True)
            else:
                size = path.stat().st_size / 1000
                seconds = time.monotonic() - started
                where = path.relative_to(ROOT)
                print(f"{where}: {seconds:.0f} s, {size:.0f} kB", flush=True)
    return 1 if failed else 0


def resolve(name: str) -> str:
    """A lesson by its name, or by the number it begins with."""
    stem = Path(name).stem
    found = [lesson for lesson in lessons() if lesson == stem or lesson.split("_")[0] == stem]
    require(len(found) == 1, f"no lesson {name!r}, there are: {', '.join(lessons())}", DataError)
    return found[0]
