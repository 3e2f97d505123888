"""Lessons as people write them, and the two notebooks that each becomes.

`notebooks/source/NN_name.py` is in jupytext's percent format. Cells tagged "exercise" hold a stub;
the cell tagged "solution" behind each holds the answer. The student's notebook keeps the stubs, the
solved one puts the solutions in their places. It alone ends with the cell tagged "lecturer".
"""

from __future__ import annotations

import ast
import hashlib
import json
from pathlib import Path
from typing import Any, Literal

from nbformat import NotebookNode, ValidationError
from nbformat.v4 import new_notebook

from cifviz.errors import DataError, require
from cifviz.notebooks.links import one_folder_deeper, relink
from cifviz.notebooks.reader import tags

Copy = Literal["student", "solved"]
"""Which of the two notebooks of a lesson."""

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
"""What a reader's Jupyter should start."""


def read_source(path: Path) -> NotebookNode:
    """The cells of a lesson as they were written, exercises and solutions both.

    Raises
    ------
    DataError
        If there is no such file, it cannot be read, a solution does not stand right behind its
        exercise, or anything but the last text is tagged "lecturer".
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
    before: set[str] = set()
    for number, cell in enumerate(source.cells):
        here = tags(cell)
        require(
            ("solution" in here) == ("exercise" in before),
            f"{path.name}, cell {number}: a cell tagged exercise is followed by its solution, "
            "and a solution follows nothing else",
            DataError,
        )
        before = here
        require(
            "lecturer" not in here
            or (cell.cell_type == "markdown" and number == len(source.cells) - 1),
            f"{path.name}, cell {number}: the cell tagged lecturer is text, and the last one",
            DataError,
        )
    require("exercise" not in before, f"{path.name}: the last exercise has no solution", DataError)
    return source


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
    dropped = {"solution", "lecturer"} if copy == "student" else {"exercise"}
    cells = []
    seen: dict[str, int] = {}
    for cell in source.cells:
        if dropped & tags(cell):
            continue
        text = cell.source
        if copy == "solved" and cell.cell_type == "markdown":
            text = relink(text, one_folder_deeper)
        fresh = NotebookNode(
            cell_type=cell.cell_type, source=text, metadata=NotebookNode(cell.metadata)
        )
        if cell.cell_type == "code":
            fresh.update(execution_count=None, outputs=[])
        digest = cell_digest(cell)
        seen[digest] = seen.get(digest, 0) + 1
        fresh.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
        cells.append(fresh)
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
    """What a notebook was made of: stored in it when built, compared when it is tested."""
    import cifviz

    cells = [[cell.cell_type, sorted(tags(cell)), cell.source] for cell in source.cells]
    text = json.dumps(cells, ensure_ascii=False)
    return {
        "lesson": name,
        "copy": copy,
        "source_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "library": cifviz.__version__,
        "parameters": read_parameters(source),
    }


def read_parameters(notebook: NotebookNode) -> dict[str, Any]:
    """Names and values in the cells tagged "parameters": plain assignments of constants.

    Raises
    ------
    DataError
        If anything else stands there: papermill could not replace it.
    """
    found: dict[str, Any] = {}
    for cell in notebook.cells:
        if "parameters" not in tags(cell):
            continue
        try:
            statements = ast.parse(cell.source).body
        except SyntaxError as error:
            line = error.lineno or 1
            raise DataError(f"the parameters are no Python, line {line}") from error
        except (ValueError, RecursionError, MemoryError) as error:  # a null byte, deep nesting
            raise DataError("the parameters are no Python") from error
        for statement in statements:
            message = f"a parameter is set as name = constant, got: {ast.unparse(statement)}"
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)]):
                    try:
                        found[name] = ast.literal_eval(statement.value)
                    except ValueError as error:
                        raise DataError(message) from error
                case _:
                    raise DataError(message)
    return found
