"""How many minutes a section of a lesson takes, measured on what is read and done in it.

Counted are the words of a text, the lines of its formulas, which take longer than other words, the
lines of code in view, pictures, tables and controls, predictions, exercises by the length of their
solution, and the wait for each training. The rates are below.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from nbformat import NotebookNode

from cifviz.notebooks.reader import tags

WORDS = 160
"""Words of text per minute: technical prose with numbers, read for the first time."""
FORMULA = 0.5
"""Minutes for each line of a formula that stands alone, which wants to be checked with a pen."""
LINES = 20
"""Lines of visible code per minute."""
OUTPUT = 0.3
"""Minutes for a picture or a table."""
CONTROL = 1.5
"""Minutes for a picture with controls, which wants to be moved."""
PREDICTION = 0.5
"""Minutes to think before an answer is opened."""
EXERCISE, ANSWER_LINE = 2.0, 0.8
"""Minutes for an exercise, and for each line of its solution."""
TRAINING = 0.25
"""Minutes to wait for a training."""

_FORMULA = re.compile(r"^```text\n(.*?)^```", re.MULTILINE | re.DOTALL)
_TRAINING = re.compile(r"\btrain\(")
_OUTPUT = re.compile(r"^(?:show|table)\(", re.MULTILINE)
_CONTROL = re.compile(r"^live_(?:figure|explorer)\(", re.MULTILINE)


@dataclass
class Section:
    """A numbered section of a lesson."""

    first: int
    """Number of the cell that opens it."""
    is_core: bool
    """Whether it is on the core path."""
    cells: list[NotebookNode] = field(default_factory=list)

    @property
    def minutes(self) -> int:
        """What it takes, in whole minutes, 1 at least."""
        return max(1, round(sum(map(cell_minutes, self.cells))))


def measured_sections(notebook: NotebookNode) -> list[Section]:
    """The numbered sections of a lesson, in their order.

    Parameters
    ----------
    notebook : NotebookNode
        A source. A section begins with a cell of text that begins with "## 1. …"; the cells from
        the first heading without a number on belong to none.
    """
    sections: list[Section] = []
    inside = False
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            inside = re.match(r"## \d", cell.source) is not None
            if inside:
                sections.append(Section(number, is_core="optional" not in tags(cell)))
        if inside:
            sections[-1].cells.append(cell)
    return sections


def cell_minutes(cell: NotebookNode) -> float:
    """What one cell of a source takes, in minutes.

    >>> cell = {"cell_type": "markdown", "source": "one two " * 80, "metadata": {}}
    >>> cell_minutes(NotebookNode(cell, metadata=NotebookNode()))
    1.0
    """
    if "hints" in tags(cell):
        return 0.0  # who needs one thinks a shorter time
    if cell.cell_type != "code":
        asked = cell.source.count("**Predict first")
        formulas = [line for block in _FORMULA.findall(cell.source) for line in block.splitlines()]
        words = len(_FORMULA.sub("", cell.source).split())
        return words / WORDS + PREDICTION * asked + FORMULA * sum(map(bool, formulas))
    lines = [line for line in cell.source.splitlines() if line.strip()]
    if "solution" in tags(cell):
        return EXERCISE + ANSWER_LINE * len(lines)
    if "exercise" in tags(cell):
        return 0.0  # its solution stands for it
    taken = OUTPUT * len(_OUTPUT.findall(cell.source))
    taken += TRAINING * len(_TRAINING.findall(cell.source))
    taken += CONTROL * len(_CONTROL.findall(cell.source))
    return taken if "hide-input" in tags(cell) else taken + len(lines) / LINES
