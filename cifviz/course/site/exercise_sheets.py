"""The exercises of a lesson on a sheet to print, open or solved."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nbformat import NotebookNode

from cifviz.course.exercises import Exercise
from cifviz.course.lesson_sources import Copy
from cifviz.errors import DataError
from cifviz.notebooks.reader import tags


def sheet_place(name: str, copy: Copy) -> str:
    """The sheet of a lesson in the site.

    >>> sheet_place("02_scaling", "student"), sheet_place("02_scaling", "solved")
    ('sheets/02_scaling.html', 'solutions/sheets/02_scaling.html')
    """
    return f"{'solutions/' if copy == 'solved' else ''}sheets/{name}.html"


@dataclass(frozen=True)
class Task:
    """One exercise as it stands on a sheet."""

    number: str
    section: str
    """The heading that it stands under; empty where there is none."""
    text: str
    """What is asked, in Markdown."""
    code: str
    """Lines to start from, or those of the solution; empty where a number is asked for."""
    praise: str
    """What the right answer shows; empty on an open sheet."""


def tasks(notebook: NotebookNode, copy: Copy, known: dict[str, Exercise]) -> list[Task]:
    """The exercises of a lesson.

    Parameters
    ----------
    notebook : NotebookNode
        That copy of the lesson.
    copy : {"student", "solved"}
    known : dict of str to Exercise
        The exercises of the lesson by number, see `cifviz.course.exercises.exercises`.

    Raises
    ------
    DataError
        If a cell for an answer checks none, or no text before it asks "**Exercise NN.k".
    """
    wanted = "exercise" if copy == "student" else "solution"
    asked: dict[str, tuple[str, str]] = {}
    section, found = "", []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for piece in re.split(r"(?m)(?=^## |\*\*Exercise \d)", cell.source):
                heading = re.match(r"## (.*)", piece)
                exercise = re.match(r"\*\*Exercise (\d\d\.\d+)", piece)
                section = heading[1] if heading else section
                if exercise:
                    asked[exercise[1]] = (section, piece.strip())
        elif wanted in tags(cell):
            checked = re.search(r'check\(\s*"([\d.]+)"', cell.source)
            if checked is None or checked[1] not in asked:
                raise DataError(f"no text asks for this answer: {cell.source[:60]!r}")
            code = re.sub(r"(?m)^check\((.|\n)*?\)$", "", cell.source).strip()
            praise = known[checked[1]].praise if copy == "solved" and checked[1] in known else ""
            begun = code if copy == "solved" or code.count("\n") else ""
            found.append(Task(checked[1], *asked[checked[1]], begun, praise))
    return found
