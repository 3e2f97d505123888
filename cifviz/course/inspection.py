"""What is wrong with a lesson, or with any notebook in a file: the checks of both kinds, joined."""

from __future__ import annotations

from pathlib import Path

from nbformat import NotebookNode

from cifviz.course.freshness import is_fresh
from cifviz.course.lesson_checks import LESSON_CHECKS
from cifviz.course.lesson_form import FORM, form_of
from cifviz.course.lesson_sources import Copy, read_source
from cifviz.course.prediction_checks import FORM_CHECKS
from cifviz.notebooks.checks import file_problems, notebook_problems
from cifviz.notebooks.reader import lesson_metadata, read_notebook


def lesson_problems(
    notebook: NotebookNode,
    *,
    size: int | None = None,
    source: NotebookNode | None = None,
    place: Path | None = None,
) -> list[str]:
    """Everything that is wrong with a built lesson.

    Parameters
    ----------
    notebook : NotebookNode
        Executed and normalised.
    size : int, optional
        Bytes that it takes.
    source : NotebookNode, optional
        What it should have been built from.
    place : Path, optional
        Where it is or will be; links are followed from there.

    Returns
    -------
    list of str
        One sentence each; empty if nothing is wrong.
    """
    found = is_fresh(notebook, source) if source is not None else []
    checks = [*LESSON_CHECKS, *(FORM_CHECKS if form_of(notebook) == FORM else ())]
    found += [complaint for check in checks for complaint in check(notebook)]
    return found + notebook_problems(notebook, size=size, place=place)


def inspect(path: Path) -> list[str]:
    """Everything that is wrong with a notebook in a file, of this project or another.

    Parameters
    ----------
    path : Path
        A notebook. Where ``source/NAME.py`` stands beside it (beside the folder, for one in
        ``solutions``), it is a lesson and is asked for the form of a lesson; any other is asked
        only for what every executed notebook should be: its outputs, its size and its links.

    Returns
    -------
    list of str
        One sentence each; empty if nothing is wrong.

    Raises
    ------
    DataError
        If there is no such notebook, or it cannot be read.
    """
    notebook = read_notebook(path)
    copy: Copy = "solved" if path.resolve().parent.name == "solutions" else "student"
    home = path.resolve().parents[1 if copy == "solved" else 0]
    source = home / "source" / f"{path.stem}.py"
    if not source.is_file():
        return file_problems(path)
    kept = lesson_metadata(notebook)
    stray = (kept.get("lesson"), kept.get("copy")) != (path.stem, copy)
    found = [f"expected the {copy} copy of {path.stem} here, got another"] if stray else []
    return found + lesson_problems(
        notebook, size=path.stat().st_size, source=read_source(source), place=path
    )
