"""What is wrong with a lesson, or with any notebook in a file: the checks of both kinds, joined."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from nbformat import NotebookNode

from cifviz.course.freshness import is_fresh
from cifviz.course.lesson_checks import LESSON_CHECKS
from cifviz.course.lesson_form import FORM, form_of
from cifviz.course.lesson_sources import Copy, read_source
from cifviz.course.number_checks import unexplained_numbers
from cifviz.course.prediction_checks import FORM_CHECKS
from cifviz.course.wording_checks import one_word_for_one_thing, terms_before_entries
from cifviz.notebooks.checks import EVERYTHING, file_problems, notebook_problems
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
    checks = [*LESSON_CHECKS]
    if form_of(notebook) == FORM:
        checks += [*FORM_CHECKS, one_word_for_one_thing]
        if lesson_metadata(notebook).get("copy") == "solved":  # it has the answers, too
            checks.append(unexplained_numbers)
    found += [complaint for check in checks for complaint in check(notebook)]
    return found + notebook_problems(notebook, size=size, place=place)


def unexplained_terms(source: Path) -> list[str]:
    """Terms that a lesson uses although neither it nor a lesson before it explains them.

    Parameters
    ----------
    source : Path
        ``source/NN_name.py``; the lessons before it lie beside it. Those of the first form are
        left out.
    """
    paths = sorted(source.parent.glob("[0-9][0-9]_*.py"))
    lessons = {path.stem: read_source(path) for path in paths if path.stem <= source.stem}
    known = {name: one for name, one in lessons.items() if form_of(one) == FORM}
    found = terms_before_entries(known) if source.stem in known else []
    here = f"{source.stem}, "
    return [one.removeprefix(here) for one in found if one.startswith(here)]


def is_lesson(path: Path) -> bool:
    """Whether ``source/NAME.py`` stands beside a notebook; beside the folder ``solutions``."""
    return _source(path).is_file()


def inspect(path: Path, asked: Collection[str] = EVERYTHING) -> list[str]:
    """Everything that is wrong with a notebook in a file, of this project or another.

    Parameters
    ----------
    path : Path
        A notebook. A lesson (`is_lesson`) is asked for the form of a lesson and for everything
        else, any other only for what its owner asks for.
    asked : collection of str
        What that is, see `cifviz.notebooks.checks.EVERYTHING`.

    Returns
    -------
    list of str
        One sentence each; empty if nothing is wrong.

    Raises
    ------
    DataError
        If there is no such notebook, or it cannot be read.
    """
    if not is_lesson(path):
        return file_problems(path, asked)
    notebook = read_notebook(path)
    copy = _copy(path)
    kept = lesson_metadata(notebook)
    stray = (kept.get("lesson"), kept.get("copy")) != (path.stem, copy)
    found = [f"expected the {copy} copy of {path.stem} here, got another"] if stray else []
    found += unexplained_terms(_source(path))
    return found + lesson_problems(
        notebook, size=path.stat().st_size, source=read_source(_source(path)), place=path
    )


def _copy(path: Path) -> Copy:
    """Which copy of a lesson should be in a file."""
    return "solved" if _real(path).parent.name == "solutions" else "student"


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # of a circle of links, too


def _source(path: Path) -> Path:
    """Where the source of a lesson would be."""
    home = _real(path).parents[1 if _copy(path) == "solved" else 0]
    return home / "source" / f"{path.stem}.py"
