"""Lessons as people write them, and the two notebooks that each becomes.

`notebooks/source/NN_name.py` is in jupytext's percent format. Cells tagged "exercise" hold a stub;
the cell tagged "solution" after each holds the answer. The student's notebook keeps the stubs,
hints and questions, the solved one has the solutions in their places. Only the solved one ends with
the cell tagged "lecturer". A source whose header says ``form: 2`` is laid out as
`cifviz.course.lesson_form` says.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

from nbformat import NotebookNode, ValidationError
from nbformat.v4 import new_notebook

from cifviz.course.lesson_form import form_of, lay_out
from cifviz.errors import DataError, require
from cifviz.notebooks.links import one_folder_deeper, relink
from cifviz.notebooks.notebook_parameters import read_parameters
from cifviz.notebooks.reader import tags

Copy = Literal["student", "solved"]
"""Which of the two notebooks of a lesson."""

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
"""What a reader's Jupyter should start."""


def read_source(path: Path) -> NotebookNode:
    """The cells of a lesson, exercises and solutions both, laid out in the form it asks for.

    Raises
    ------
    DataError
        If there is no such file, it cannot be read, a solution does not stand right behind its
        exercise, or a cell tagged "lecturer" is not text or not the last cell.
    """
    import jupytext

    require(path.is_file(), f"no such lesson: {path}", DataError)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not a lesson: no text in UTF-8") from error
    # Jupytext takes for granted that what it finds in headers is of the right type.
    broken = (ValueError, AttributeError, KeyError, TypeError, RecursionError, ValidationError)
    try:
        source = jupytext.reads(text, fmt="py:percent")
    except broken as error:
        raise DataError(f"{path} is not a lesson: a header in it cannot be read") from error
    _require_pairs(source, path.name)
    lay_out(source, path.name)
    return source


def _require_pairs(source: NotebookNode, name: str) -> None:
    """Raise unless each exercise has its solution, and the cell for the lecturer is the last."""
    before: set[str] = set()
    for number, cell in enumerate(source.cells):
        here = tags(cell)
        require(
            ("solution" in here) == ("exercise" in before),
            f"{name}, cell {number}: a cell tagged exercise is followed by its solution, "
            "and a solution follows nothing else",
            DataError,
        )
        before = here
        require(
            "lecturer" not in here
            or (cell.cell_type == "markdown" and number == len(source.cells) - 1),
            f"{name}, cell {number}: the cell tagged lecturer is text, and the last one",
            DataError,
        )
    require("exercise" not in before, f"{name}: the last exercise has no solution", DataError)


def derive(source: NotebookNode, name: str, copy: Copy) -> NotebookNode:
    """One of the two notebooks of a lesson, not yet executed.

    Parameters
    ----------
    source : NotebookNode
        What `read_source` read.
    name : str
        Of the lesson: "01_integrate_and_fire".
    copy : {"student", "solved"}
        With stubs, or with solutions and the appendix for the lecturer.

    Returns
    -------
    NotebookNode
        Cell ids are made of what stands in a cell, so that the same cell always has the same one.
    """
    # 1. Choose the cells.
    dropped = {"solution", "lecturer"} if copy == "student" else {"exercise", "hints", "questions"}
    cells = []
    seen: dict[str, int] = {}
    for cell in (cell for cell in source.cells if not dropped & tags(cell)):
        # 2. Fit the links to the folder of the copy.
        text = cell.source
        if copy == "solved" and cell.cell_type == "markdown":
            text = relink(text, one_folder_deeper)
        fresh = NotebookNode(
            cell_type=cell.cell_type, source=text, metadata=NotebookNode(cell.metadata)
        )
        if cell.cell_type == "code":
            fresh.update(execution_count=None, outputs=[])
        # 3. Make the id of the content; a second cell with the same content gets a number.
        digest = cell_digest(cell)
        seen[digest] = seen.get(digest, 0) + 1
        fresh.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
        cells.append(fresh)
    # 4. Note where it comes from.
    notebook = new_notebook(cells=cells)
    notebook.metadata = NotebookNode(
        kernelspec=NotebookNode(KERNEL),
        language_info=NotebookNode(name="python"),
        cifviz=NotebookNode(provenance(source, name, copy)),
    )
    return notebook


def cell_digest(cell: NotebookNode) -> str:
    """What a cell's id is made of: its type and its text."""
    return hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:10]


def provenance(source: NotebookNode, name: str, copy: Copy) -> dict[str, Any]:
    """What a notebook is built from: stored in it, and compared by `cifviz.course.freshness`."""
    cells = [[cell.cell_type, sorted(tags(cell)), cell.source] for cell in source.cells]
    text = json.dumps(cells, ensure_ascii=False)
    return {
        "lesson": name,
        "copy": copy,
        "form": form_of(source),
        "source_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "parameters": read_parameters(source),
    }
