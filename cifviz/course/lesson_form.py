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
- What the cell for the lecturer has under *Likely questions* and *Usual misconceptions* becomes a
  section of the student's copy, before its words: the question in view, its answer folded.
- Code tagged "hide-input" is hidden: plotting and bookkeeping. It begins with a comment that says
  what it does. JupyterLab shows this line and three dots, a page of the course a fold.
- Each numbered section (a cell of text that begins with "## 1. …") gets a line below its heading
  that says whether it is on the core path, and how many minutes it takes. It is optional where its
  cell is tagged "optional".
- ``{core}`` and ``{all}`` in the first cell become the minutes of the core path and of everything.

A source without the header has the first form and is left as it is.
"""

from __future__ import annotations

import html
import re

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

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
ASKED = {
    "Likely questions": "Likely questions. Answer each before you open it:",
    "Usual misconceptions": "What is wrong with these?",
}
"""Headings of the cell for the lecturer, and what they are called for students."""
QUESTIONS = "questions"
"""Tag of the questions and misconceptions that the student's copy shows."""


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
    _put_questions(source)
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


def _put_questions(source: NotebookNode) -> None:
    """Put likely questions and usual misconceptions before the words of the lesson."""
    notes = "".join(cell.source for cell in source.cells if "lecturer" in tags(cell))
    parts = re.split(r"^### (.*)\n", notes, flags=re.MULTILINE)
    listed = dict(zip(parts[1::2], parts[2::2], strict=True))
    folds = {kind: _folded_items(listed.get(kind, "")) for kind in ASKED}
    place = [n for n, cell in enumerate(source.cells) if cell.source.startswith("## Words")]
    if not (place and any(folds.values())):
        return
    texts = [f"**{ASKED[kind]}**\n\n{found}" for kind, found in folds.items() if found]
    text = "\n\n".join(["## Questions and misconceptions", *texts])
    source.cells.insert(place[0], new_markdown_cell(text, metadata={"tags": [QUESTIONS]}))


def _folded_items(text: str) -> str:
    """Each item of a list as a fold: its first sentence in view, or what it sets in italics.

    >>> print(_folded_items("- *Why?* Because.").replace(chr(10), ""))
    <details><summary>Why?</summary>Because.</details>
    >>> print(_folded_items("- “It is 0.” It is 0.1.").replace(chr(10), ""))
    <details><summary>“It is 0.”</summary>It is 0.1.</details>
    """
    folds = []
    for item in re.split(r"^- ", text, flags=re.MULTILINE)[1:]:
        words = " ".join(item.split())
        opens = re.match(r"\*([^*]+)\*|([\"“][^\"”]+[\"”])|(.+?[.?!])(?= )", words)
        if opens:
            asked = next(part for part in opens.groups() if part)
            answer = words[opens.end() :].strip()
            folds.append(folded_text(answer, html.escape(asked.replace("`", ""), quote=False)))
    return "\n\n".join(folds)


def _mark(section: Section) -> str:
    path = "Core path" if section.is_core else "Optional"
    return f"{path} · {section.minutes} min"


def _put_minutes(source: NotebookNode, sections: list[Section]) -> None:
    """Say in the opening how long the lesson takes."""
    core = sum(section.minutes for section in sections if section.is_core)
    everything = sum(section.minutes for section in sections)
    for cell in source.cells[:1]:
        cell.source = cell.source.replace("{core}", str(core)).replace("{all}", str(everything))
