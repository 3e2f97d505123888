"""What a lesson of the present form must be besides: no answer in view before it is asked for.

Each check takes a built notebook and returns complaints, one sentence each; none means that it
passed. `cifviz.course.inspection` asks only notebooks whose source says ``form: 2``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from nbformat import NotebookNode

from cifviz.course.lesson_form import HIDDEN
from cifviz.notebooks.folding import TAG, is_folded
from cifviz.notebooks.reader import outputs, tags

PREDICTION = "**Predict first"
"""Opens a question that the reader answers before seeing what comes out."""
LONGEST_CORE = 50
"""Minutes of the core path."""
LONGEST_IN_VIEW = 15
"""Lines of code in view in one cell; empty lines do not count."""

_CAPTION = re.compile(r"<figcaption><strong>Figure (\d+)\.</strong> [^<]*[^<\s]")
_BOOKKEEPING = re.compile(r"^(?:(?:show|record|live_figure)\(|import |from )", re.MULTILINE)
_FOLDED = re.compile(r"<details><summary>[^<]+</summary>\n\n.+\n\n</details>", re.DOTALL)
_MARK = re.compile(r"## \d[^\n]*\n\n\*(Core path|Optional) · (\d+) min\*\n")


def answers_are_folded(notebook: NotebookNode) -> list[str]:
    """Between a prediction and its answer nothing is in view that resolves it.

    A prediction is the last paragraph of its cell. Code behind it may show something only in a
    fold. Text behind it is tagged "answer" and folded; that ends it. Cells tagged "answer" are
    folded wherever they stand.
    """
    found: list[str] = []
    asked: int | None = None
    for number, cell in enumerate(notebook.cells):
        is_answer = TAG in tags(cell)
        where = f"cell {number} shows in view the answer to the prediction of cell {asked}"
        if cell.cell_type == "code":
            if (asked is not None or is_answer) and not _hides_outputs(cell):
                found.append(where if asked is not None else f"cell {number} is not folded")
            continue
        if is_answer:
            if not _is_folded_text(cell.source):
                found.append(where if asked is not None else f"cell {number} is not folded")
            asked = None
            continue
        if asked is not None:
            found.append(f"cell {number} is text in view behind the prediction of cell {asked}")
            asked = None
        if PREDICTION in cell.source:
            asked = number
            if "\n\n" in cell.source.rpartition(PREDICTION)[2].strip():
                found.append(f"cell {number} goes on behind its prediction")
    return found + ([f"the prediction of cell {asked} has no answer"] if asked is not None else [])


def code_asserts_no_answer(notebook: NotebookNode) -> list[str]:
    """Between a prediction and its answer no code in view asserts what comes out.

    Its outputs are folded, but it is read. ``assert_close(one, other)`` says that two ways agree,
    and may stand there; with a number in it, it tells the number, as other assertions do.
    """
    found: list[str] = []
    asked: int | None = None
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            asked = number if PREDICTION in cell.source else None
        elif asked is not None and HIDDEN not in tags(cell) and any(_assertions(cell.source)):
            found.append(f"cell {number} asserts in view the answer to the prediction of {asked}")
    return found


def figures_have_captions(notebook: NotebookNode) -> list[str]:
    """Below each figure stands a caption, and they are numbered from 1 in their order."""
    found, numbers = [], []
    for number, output in outputs(notebook):
        page = output.get("data", {}).get("text/html", "")
        captions = [int(one) for one in _CAPTION.findall(page)]
        if page.count("<img") > len(captions):
            found.append(f"cell {number} shows a figure without a caption: show(…, caption=…)")
        numbers += captions
    if numbers != list(range(1, len(numbers) + 1)):
        found.append(f"figures should be numbered from 1 in their order, got {numbers}")
    return found


def figures_have_tables(notebook: NotebookNode) -> list[str]:
    """With each figure stands what it shows as a table, of `show` or of an explorer."""
    return [
        f"cell {number} shows a figure without its data: show(…) reads them off its Axes"
        for number, output in outputs(notebook)
        for part in output.get("data", {}).get("text/html", "").split("<img")[1:]
        if '<details class="data">' not in part and "<caption>" not in part
    ]


def core_path(notebook: NotebookNode) -> list[str]:
    """Each numbered section says whether it is on the core path, which takes 50 minutes at most."""
    found, core = [], 0
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown" and re.match(r"## \d", cell.source):
            mark = _MARK.match(cell.source)
            if mark is None:
                found.append(f"cell {number} opens a section without its path and minutes")
            elif mark[1] == "Core path":
                core += int(mark[2])
    if core == 0:
        found.append("no section is on the core path")
    if core > LONGEST_CORE:
        found.append(f"the core path takes {core} min, at most {LONGEST_CORE}: tag one optional")
    return found


def bookkeeping_is_hidden(notebook: NotebookNode) -> list[str]:
    """Code that imports, draws a figure or keeps records is hidden: it is not what one learns."""
    return [
        f"cell {number} imports, draws or records in view: tag it {HIDDEN}"
        for number, cell in enumerate(notebook.cells)
        if cell.cell_type == "code"
        and _BOOKKEEPING.search(cell.source)
        and not (HIDDEN in tags(cell) and cell.metadata.get("jupyter", {}).get("source_hidden"))
    ]


def hidden_code_is_named(notebook: NotebookNode) -> list[str]:
    """Hidden code begins with a comment: Jupyter shows its first line, a fold is named by it."""
    return [
        f"cell {number} is hidden: begin it with a comment that says what it does"
        for number, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and HIDDEN in tags(cell) and not cell.source.startswith("# ")
    ]


def exercises_are_not_answered(notebook: NotebookNode) -> list[str]:
    """Code right behind an exercise shows nothing in view, so that no output answers it."""
    found: list[str] = []
    asked: int | None = None
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            asked = None
        elif tags(cell) & {"exercise", "solution"}:
            asked = number
        elif asked is not None and not _hides_outputs(cell):
            found.append(f"cell {number} may answer in view the exercise of cell {asked}")
    return found


def code_in_view_is_short(notebook: NotebookNode) -> list[str]:
    """No cell has more than `LONGEST_IN_VIEW` lines of code in view, solutions aside."""
    lengths = [
        (number, sum(bool(line.strip()) for line in cell.source.splitlines()))
        for number, cell in enumerate(notebook.cells)
        if cell.cell_type == "code"
        and not tags(cell) & {"solution", "parameters"}
        and not cell.metadata.get("jupyter", {}).get("source_hidden")
    ]
    return [
        f"cell {number} has {length} lines in view, at most {LONGEST_IN_VIEW}: split or hide it"
        for number, length in lengths
        if length > LONGEST_IN_VIEW
    ]


def minutes_are_measured(notebook: NotebookNode) -> list[str]:
    """The minutes in the opening are the sums of those of the sections, which are measured."""
    marks = [found for cell in notebook.cells if (found := _MARK.match(cell.source))]
    core = sum(int(mark[2]) for mark in marks if mark[1] == "Core path")
    sums = [str(core), str(sum(int(mark[2]) for mark in marks))]
    opening = notebook.cells[0].source if notebook.cells else ""
    given = re.findall(r"\d+", opening.partition("**Time:**")[2].partition("\n\n")[0])
    if given == sums or (given == sums[:1] and sums[0] == sums[1]):
        return []
    return [f"the opening gives {given} minutes, the sections have {sums}: write {{core}}, {{all}}"]


FORM_CHECKS = (
    answers_are_folded,
    exercises_are_not_answered,
    code_asserts_no_answer,
    code_in_view_is_short,
    minutes_are_measured,
    figures_have_captions,
    figures_have_tables,
    core_path,
    bookkeeping_is_hidden,
    hidden_code_is_named,
)
"""All of them."""


def _hides_outputs(cell: NotebookNode) -> bool:
    """Whether nothing that a cell shows is in view."""
    if cell.metadata.get("jupyter", {}).get("outputs_hidden") and cell.metadata.get("collapsed"):
        return True
    return all(map(is_folded, cell.outputs))


def _assertions(code: str) -> Iterator[ast.AST]:
    """Assertions that say what comes out; code that is no Python has a check of its own."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            yield node
        elif isinstance(node, ast.Call) and ast.unparse(node.func).startswith("assert_"):
            given = [part for argument in node.args for part in ast.walk(argument)]
            if any(isinstance(part, ast.Constant) for part in given):
                yield node


def _is_folded_text(text: str) -> bool:
    return _FOLDED.fullmatch(text) is not None
