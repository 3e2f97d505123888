"""The form of a lesson: folded answers, hidden code, marked sections with measured minutes.

A source asks for it in its header::

    # ---
    # jupyter:
    #   cifviz:
    #     form: 2
    # ---

The author writes tags and plain text; `lay_out` makes the form of them:

- Text tagged "answer" is folded. So are the outputs of code tagged "answer" when the notebook is
  built (`cifviz.notebooks.folding`).
- Text tagged "hints" stands right after the solution of an exercise. Each of its three paragraphs
  is a fold of its own, from a first idea to nearly the answer. Only the student's copy has it.
- Code tagged "hide-input" is hidden: plotting and bookkeeping. It begins with a comment that says
  what it does. JupyterLab shows this line and three dots, a page of the course a fold.
- Each numbered section (a cell of text that begins with "## 1. …") gets a line below its heading
  that says whether it is on the core path, and how many minutes it takes. It is optional where its
  cell is tagged "optional".
- ``{core}`` and ``{all}`` in the first cell become the minutes of the core path and of everything.

A source without the header has the first form and is left as it is.
"""

from __future__ import annotations

import re

from nbformat import NotebookNode

from cifviz.course.study_minutes import Section, measured_sections
from cifviz.errors import DataError, require
from cifviz.notebooks.folding import TAG, folded_text
from cifviz.notebooks.reader import tags

FORM = 2
"""The present form; 1 is that of lessons that are not converted yet."""
HIDDEN = "hide-input"
"""Tag of code that is hidden."""
HINTS = "hints"
"""Tag of the hints for an exercise."""
NUM_HINTS = 3
"""Of an exercise that has hints."""


def form_of(notebook: NotebookNode) -> int:
    """The form that a source asks for, or that a notebook was built in.

    >>> form_of(NotebookNode(metadata={"cifviz": {"form": 2}})), form_of(NotebookNode(metadata={}))
    (2, 1)
    """
    kept = notebook.metadata.get("cifviz")
    form = kept.get("form", 1) if isinstance(kept, dict) else 1
    return form if isinstance(form, int) else 1


def lay_out(source: NotebookNode, name: str) -> None:
    """Lay out the cells of a source in place, if it asks for the present form.

    Parameters
    ----------
    source : NotebookNode
        Cells as they were written.
    name : str
        Of the file, for messages.

    Raises
    ------
    DataError
        If it asks for a form that does not exist, a cell tagged "optional" opens no section, or
        one tagged "hints" does not hold three paragraphs after a solution.
    """
    form = form_of(source)
    require(form in (1, FORM), f"{name}: expected form 1 or {FORM}, got {form}", DataError)
    if form == 1:
        return
    for number, cell in enumerate(source.cells):
        opens = re.match(r"## \d", cell.source) is not None
        require(
            "optional" not in tags(cell) or opens,
            f"{name}, cell {number}: a cell tagged optional opens a section, such as ## 3. …",
            DataError,
        )
    sections = measured_sections(source)
    _put_minutes(source, sections)  # before the marks: their words do not count
    for section in sections:
        cell = source.cells[section.first]
        heading, _, text = cell.source.partition("\n")
        cell.source = f"{heading}\n\n*{_mark(section)}*\n{text}"
    for number, cell in enumerate(source.cells):
        if HINTS in tags(cell):
            _fold_hints(source, number, name)
        elif cell.cell_type == "markdown" and TAG in tags(cell):
            cell.source = folded_text(cell.source)
        if cell.cell_type == "code" and HIDDEN in tags(cell):
            cell.metadata["jupyter"] = {"source_hidden": True}


def _fold_hints(source: NotebookNode, number: int, name: str) -> None:
    """Give each paragraph of a cell of hints a fold of its own."""
    hints = re.split(r"\n\s*\n", source.cells[number].source.strip())
    require(
        "solution" in tags(source.cells[number - 1]) and len(hints) == NUM_HINTS,
        f"{name}, cell {number}: {NUM_HINTS} hints, a paragraph each, stand right after a solution",
        DataError,
    )
    folds = (folded_text(hint, f"Hint {count}") for count, hint in enumerate(hints, start=1))
    source.cells[number].source = "\n\n".join(folds)


def _mark(section: Section) -> str:
    path = "Core path" if section.is_core else "Optional"
    return f"{path} · {section.minutes} min"


def _put_minutes(source: NotebookNode, sections: list[Section]) -> None:
    """Say in the opening how long the lesson takes."""
    core = sum(section.minutes for section in sections if section.is_core)
    everything = sum(section.minutes for section in sections)
    for cell in source.cells[:1]:
        cell.source = cell.source.replace("{core}", str(core)).replace("{all}", str(everything))
