"""What a lesson must be besides an executed notebook, from its opening to its appendix.

Each check takes a notebook and returns complaints, one sentence each; none means that it passed.
"""

from __future__ import annotations

import ast
import re

from nbformat import NotebookNode

from cifviz.course.exercises import read_verdicts
from cifviz.course.palette_lint import colours_outside
from cifviz.errors import CIFError
from cifviz.notebooks.notebook_parameters import read_parameters
from cifviz.notebooks.reader import code, lesson_metadata, outputs, sections, tags
from cifviz.notebooks.records import read_records

LONGEST_CELL = 25
"""Lines of code."""
FEWEST_EXERCISES = 3

OPENING = ("What you'll do", "What you'll learn", "What you need", "Time")
"""Labels in bold in the first cell, in this order, before the links to the lessons around it."""
CLOSING = ("On your own", "In practice", "Further reading")
"""The last headings of a notebook, in this order; a solved one has `LECTURER` behind them."""
WORDS = "Words"
"""The heading before those."""
LECTURER = "For the lecturer"
FOR_LECTURERS = ("90 minutes", "Likely questions", "Usual misconceptions")
"""What stands below it, in this order."""
LECTURE = 90
"""Minutes of a lecture."""

_BANNED = {
    r"\btqdm\b": "a progress bar",
    r"^[ \t]*%%?time(it)?\b": "a timing magic",
    r"^[ \t]*[!%][ \t]*(pip|conda)\b": "an installation",
    r"\b(urllib|requests|urlopen|httpx)\b": "the network",
    r"\bwarnings\.(filterwarnings|simplefilter)\b": "hidden warnings",
}


def opening(notebook: NotebookNode) -> list[str]:
    """The first cell says what the reader will do, learn and need, and how long it takes."""
    first = notebook.cells[0] if notebook.cells else None
    if first is None or first.cell_type != "markdown":
        return ["the first cell is not text"]
    found = []
    if not first.source.startswith("# "):
        found.append("the first cell does not begin with a title (# …)")
    places = [first.source.find(f"**{label}") for label in OPENING]
    for label, place in zip(OPENING, places, strict=True):
        if place < 0:
            found.append(f"the first cell lacks **{label}**")
    if not found and places != sorted(places):
        found.append(f"the first cell should say, in this order: {', '.join(OPENING)}")
    if not found:
        learnt = first.source[places[1] : places[2]]
        items = re.findall(r"^- (.*)", learnt, re.MULTILINE)
        if not 3 <= len(items) <= 5:
            found.append(f"{OPENING[1]} should list 3 to 5 things, it lists {len(items)}")
        if not all(re.match(r"\*\w+\* ", item) for item in items):
            found.append(f"{OPENING[1]} should begin each with what one can do then: - *name* …")
        done = re.sub(r"\s+", " ", first.source[places[0] : places[1]]).strip()
        if not re.fullmatch(r"[^.!?]+(\.\d[^.!?]*)*\.", done):
            found.append(f"{OPENING[0]} should be one sentence")
        if not re.search(r"\d min", first.source[places[3] :]):
            found.append("the first cell does not give the minutes")
    if not ("Previous:" in first.source and "Next:" in first.source):
        found.append("the first cell lacks Previous: and Next:")
    return found


def words(notebook: NotebookNode) -> list[str]:
    """Right before the closing, the words of the lesson are shown with a call of glossary."""
    headings = [title for title, _ in sections(notebook)]
    place = headings.index(CLOSING[0]) if CLOSING[0] in headings else len(headings)
    if headings[max(0, place - 1) : place] != [WORDS]:
        return [f"the section right before {CLOSING[0]} should be {WORDS}"]
    body = dict(sections(notebook))[WORDS]
    return [] if re.search(r"^glossary\(", body, re.MULTILINE) else [f"{WORDS} calls no glossary"]


def closing(notebook: NotebookNode) -> list[str]:
    """The notebook ends with things to try, practice, and described reading."""
    headings = [title for title, _ in sections(notebook) if title != LECTURER]
    if headings[-len(CLOSING) :] != list(CLOSING):
        return [f"the last headings should be {', '.join(CLOSING)}, got {headings[-3:]}"]
    reading = dict(sections(notebook))[CLOSING[-1]]
    items = re.split(r"^- ", reading, flags=re.MULTILINE)[1:]
    bare = [
        " ".join(item.split())
        for item in items
        if len(re.sub(r"\[[^][]*\]\([^)]{0,500}\)", "", item).split()) < 6
    ]
    if not items:
        return ["Further reading lists nothing"]
    return [f"Further reading does not describe: {item}" for item in bare]


def lecturer(notebook: NotebookNode) -> list[str]:
    """The solved copy ends with a plan, questions and misconceptions; the student's has none."""
    tagged = [number for number, cell in enumerate(notebook.cells) if "lecturer" in tags(cell)]
    titles = [title for title, _ in sections(notebook)]
    if lesson_metadata(notebook).get("copy") != "solved":
        unasked = tagged or LECTURER in titles
        return [f"{LECTURER} stands in the solved copy alone"] if unasked else []
    if tagged != [len(notebook.cells) - 1] or titles[-1:] != [LECTURER]:
        return [f"the solved copy should end with a cell tagged lecturer: ## {LECTURER}"]
    parts = re.split(r"^### (.*)\n", notebook.cells[-1].source, flags=re.MULTILINE)
    found = dict(zip(parts[1::2], parts[2::2], strict=True))
    if list(found) != list(FOR_LECTURERS):
        return [f"{LECTURER} should hold {', '.join(FOR_LECTURERS)}, got {list(found)}"]
    empty = [f"{LECTURER}: {name} lists nothing" for name in found if not _listed(found[name])]
    plan = found[FOR_LECTURERS[0]]
    minutes = [
        int(number) for number in re.findall(r"^(?:- |\| *)(\d{1,4}) min\b", plan, re.MULTILINE)
    ]
    if sum(minutes) != LECTURE:
        empty.append(f"{LECTURER}: the plan should sum to {LECTURE} min, got {sum(minutes)}")
    return empty


def parameters(notebook: NotebookNode) -> list[str]:
    """Exactly one cell is tagged parameters; it sets seed and fast, with plain assignments."""
    cells = [cell for cell in code(notebook) if "parameters" in tags(cell)]
    if len(cells) != 1:
        return [f"expected one cell tagged parameters, found {len(cells)}"]
    try:
        known = read_parameters(notebook)
    except CIFError as error:
        return [str(error)]
    return [f"the parameters lack {name}" for name in ("seed", "fast") if name not in known]


def predicts_first(notebook: NotebookNode) -> list[str]:
    """Somewhere a question stands before its answer."""
    asked = any("**Predict first" in cell.source for cell in notebook.cells)
    return [] if asked else ["no question stands before what answers it: **Predict first:** …"]


def imports_first(notebook: NotebookNode) -> list[str]:
    """The first code cell imports, the second is the parameters."""
    first = list(code(notebook))[:2]
    found = []
    if not first or not _imports_alone(first[0].source):
        found.append("the first code cell should hold imports and nothing else")
    if len(first) < 2 or "parameters" not in tags(first[1]):
        found.append("the second code cell should be the parameters")
    return found


def cell_length(notebook: NotebookNode) -> list[str]:
    """No code cell in view has more than `LONGEST_CELL` lines."""
    lengths = [
        (number, len(cell.source.splitlines()))
        for number, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and not cell.metadata.get("jupyter", {}).get("source_hidden")
    ]
    return [
        f"cell {number} has {length} lines, at most {LONGEST_CELL} are read"
        for number, length in lengths
        if length > LONGEST_CELL
    ]


def nothing_banned(notebook: NotebookNode) -> list[str]:
    """No progress bars, timing magics, installations, network or hidden warnings."""
    return [
        f"cell {number} has {what}"
        for number, cell in enumerate(notebook.cells)
        if cell.cell_type == "code"
        for pattern, what in _BANNED.items()
        if re.search(pattern, cell.source, re.MULTILINE)
    ]


def plain_python(notebook: NotebookNode) -> list[str]:
    """Cells hold Python that runs anywhere: no magics, no commands of a shell."""
    return [
        f"cell {number} is not plain Python, line {error.lineno or 1}"
        for number, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and (error := _syntax_error(cell.source))
    ]


def palette_colours(notebook: NotebookNode) -> list[str]:
    """Colours come from `cifviz.plot.STYLE`, which is tested for colour-blind readers."""
    return [
        f"cell {number} names the colour {colour}: take one of cifviz.plot.STYLE"
        for number, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and not _syntax_error(cell.source)
        for colour in colours_outside(cell.source)
    ]


def pictures_are_png(notebook: NotebookNode) -> list[str]:
    """Pictures are PNG: other kinds have dates and random names in them, or are too large."""
    kinds = [
        (number, kind) for number, output in outputs(notebook) for kind in output.get("data", ())
    ]
    return [
        f"cell {number} shows {kind}: use show(figure, alt)"
        for number, kind in kinds
        if kind.startswith("image/") and kind != "image/png"
    ]


def clean_metadata(notebook: NotebookNode) -> list[str]:
    """No traces of the run: no papermill, no times, ids of cells unique, no injected cell."""
    found = [
        f"the metadata hold {name}"
        for name in ("papermill", "execution")
        if name in notebook.metadata or any(name in cell.metadata for cell in notebook.cells)
    ]
    ids = [cell.get("id") for cell in notebook.cells]
    if None in ids or len(set(ids)) != len(ids):
        found.append("the ids of the cells are missing or not unique")
    if any("injected-parameters" in tags(cell) for cell in notebook.cells):
        found.append("papermill injected parameters")
    return found


def records(notebook: NotebookNode) -> list[str]:
    """The lesson records the numbers that it arrives at."""
    try:
        return [] if read_records(notebook) else ["no cell records a number: record(fires=…)"]
    except CIFError as error:
        return [str(error)]


def exercises(notebook: NotebookNode) -> list[str]:
    """Three exercises or more; open in the student's copy, all right in the solved one."""
    copy = lesson_metadata(notebook).get("copy")
    verdicts = read_verdicts(notebook)
    wanted = {"student": "open", "solved": "right"}.get(str(copy))
    found = []
    if wanted is None:
        found.append(f"the notebook should say which copy it is, student or solved, got {copy!r}")
    if len(verdicts) < FEWEST_EXERCISES:
        found.append(f"expected {FEWEST_EXERCISES} exercises or more, found {sorted(verdicts)}")
    return found + [
        f"exercise {number} is {state}, expected {wanted}"
        for number, state in verdicts.items()
        if wanted and state != wanted
    ]


LESSON_CHECKS = (
    opening,
    words,
    closing,
    lecturer,
    parameters,
    imports_first,
    predicts_first,
    cell_length,
    nothing_banned,
    plain_python,
    pictures_are_png,
    palette_colours,
    clean_metadata,
    records,
    exercises,
)
"""All of them."""


def _listed(text: str) -> list[str]:
    """Items of a list, or rows of a table."""
    return re.findall(r"^(?:- |\| *\w)", text, re.MULTILINE)


def _syntax_error(source: str) -> SyntaxError | None:
    try:
        ast.parse(source)
    except SyntaxError as error:
        return error
    except (ValueError, RecursionError, MemoryError):  # a null byte; brackets without end
        return SyntaxError("not for this parser", ("", 1, None, None))
    return None


def _imports_alone(source: str) -> bool:
    body = [] if _syntax_error(source) else ast.parse(source).body
    return bool(body) and all(isinstance(one, ast.Import | ast.ImportFrom) for one in body)
