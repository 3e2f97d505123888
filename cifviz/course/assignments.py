"""The exercises of a lesson as an assignment for a grader:  cifviz notebooks assignment 02.

nbgrader and Otter-Grader take notebooks in forms of their own. Both get the text of an exercise, a
cell for the answer, and a test that is one point, which asks `require_right`.
"""

from __future__ import annotations

import ast
import builtins
import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from cifviz.course.answer_limits import LimitedCells, require_right
from cifviz.course.build import NOTEBOOKS
from cifviz.course.lesson_sources import KERNEL, read_source
from cifviz.errors import DataError, require, require_choice
from cifviz.notebooks.reader import tags
from cifviz.resources import write_atomically

GRADERS = ("nbgrader", "otter")
IMPORT = f"from {require_right.__module__} import {require_right.__name__}"
"""What a test begins with."""
OTTER = f"""\
# ASSIGNMENT CONFIG
name: {{title}}
export_cell: false
tests:
  ok_format: false
plugins:
  - {LimitedCells.__module__}.{LimitedCells.__name__}
"""
"""How otter assign is told that tests are functions, and of the limit for cells."""


def assignment(source: NotebookNode, title: str, grader: str) -> NotebookNode:
    """The exercises of a lesson in the form that a grader reads.

    Parameters
    ----------
    source : NotebookNode
        The lesson as `read_source` reads it.
    title : str
        Heading of the assignment.
    grader : {"nbgrader", "otter"}

    Raises
    ------
    DataError
        If the lesson has no exercise that stands alone, or one that does not end with
        ``check("NN.k", name)``. One that uses what other cells of the lesson made is left out.
    """
    require_choice("grader", grader, GRADERS)
    imports = next(cell.source for cell in source.cells if cell.cell_type == "code")
    cells = [new_markdown_cell(f"# {title}"), new_code_cell(imports)]
    if grader == "otter":
        cells.insert(0, new_raw_cell(OTTER.format(title=title)))
    exercise = {"nbgrader": _nbgrader, "otter": _otter}[grader]
    asked, text = 0, ""
    for stub, solution in zip(source.cells, [*source.cells[1:], None], strict=True):
        if stub.cell_type == "markdown":
            parts = re.split(r"(?=\*\*Exercise \d)", stub.source)
            text = parts[-1] if len(parts) > 1 else text
        if "exercise" not in tags(stub) or solution is None:
            continue
        checked = re.search(r'check\("(\d\d\.\d+)", (\w+)\)', stub.source)
        if checked is None:
            raise DataError(f"an exercise that checks no name: {stub.source[:60]!r}")
        if free_names(f"{imports}\n{_answer(stub)}\n{_answer(solution)}"):
            continue
        number, name = checked.groups()
        cells += exercise(number, text, name, _answer(stub), _answer(solution))
        asked += 1
    require(asked > 0, f"{title} has no exercise that stands alone", DataError)
    notebook = new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
    return notebook


def free_names(code: str) -> set[str]:
    r"""Names that code uses and does not make.

    >>> sorted(free_names("import math\ndef f(x): return math.pi * x + y"))
    ['y']
    """
    used, made = set(), set(dir(builtins))
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                used.add(name)
            case ast.Name(id=name) | ast.arg(arg=name) | ast.FunctionDef(name=name):
                made.add(name)
            case ast.alias(name=name, asname=other):
                made.add((other or name).partition(".")[0])
    return used - made


def _answer(cell: NotebookNode) -> str:
    """The code of an answer without its check."""
    return re.sub(r"(?m)^check\(.*\)$", "", cell.source).strip()


def _nbgrader(number: str, text: str, name: str, stub: str, solution: str) -> list[NotebookNode]:
    """One exercise for nbgrader, which knows answers and tests by the metadata of cells.

    In the students' version it puts a stub of its own in the place of what is marked.
    """
    marked = f"{stub}\n### BEGIN SOLUTION\n{solution}\n### END SOLUTION"
    test = f'{IMPORT}\nrequire_right("{number}", globals().get("{name}", ...))'
    answer, tested = new_code_cell(marked), new_code_cell(test)
    names = (f"answer-{number.replace('.', '-')}", f"test-{number.replace('.', '-')}")
    common = {"schema_version": 3, "task": False}
    answer.metadata["nbgrader"] = {
        **common,
        "grade": False,
        "grade_id": names[0],
        "locked": False,
        "solution": True,
    }
    tested.metadata["nbgrader"] = {
        **common,
        "grade": True,
        "grade_id": names[1],
        "locked": True,
        "solution": False,
        "points": 1,
    }
    return [new_markdown_cell(text), answer, tested]


def _otter(number: str, text: str, name: str, stub: str, solution: str) -> list[NotebookNode]:
    """One exercise for ``otter assign``, which knows its parts by lines in raw cells.

    Tests are functions of what the notebook made, and no doctests.
    """
    label = number.replace(".", "_")
    marked = f"{stub}\n# BEGIN SOLUTION NO PROMPT\n{solution}\n# END SOLUTION"
    test = f'''\
def test_{label}(env):
    {IMPORT}
    require_right("{number}", env.get("{name}", ...))'''
    return [
        new_raw_cell(f"# BEGIN QUESTION\nname: q{label}\npoints: 1"),
        new_markdown_cell(text),
        new_raw_cell("# BEGIN SOLUTION"),
        new_code_cell(marked),
        new_raw_cell("# END SOLUTION"),
        new_raw_cell("# BEGIN TESTS"),
        new_code_cell(test),
        new_raw_cell("# END TESTS"),
        new_raw_cell("# END QUESTION"),
    ]


def write_assignment(name: str, grader: str, out: Path, folder: Path = NOTEBOOKS) -> Path:
    """Write the assignment of a lesson: ``cifviz notebooks assignment``.

    Parameters
    ----------
    name : str
        Of the lesson: "02_scaling".
    grader : {"nbgrader", "otter"}
    out : Path
        Folder for the notebook; made if needed. A file of that name there is left as it is.
    folder : Path
        Where ``source`` is.

    Raises
    ------
    CIFError
        As `assignment` does; also if such a file is there.
    """
    notebook = assignment(read_source(folder / "source" / f"{name}.py"), name, grader)
    path = out / f"{name}.ipynb"
    out.mkdir(parents=True, exist_ok=True)
    return write_atomically(path, lambda part: part.write_text(nbformat.writes(notebook), "utf-8"))
