"""What every built notebook must be, as checks that need no kernel.

Each check takes a notebook and returns complaints, one sentence each; none is good news. `problems`
runs them all.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from cifviz.errors import CIFError
from cifviz.teaching.exercises import read_verdicts
from cifviz.teaching.normalise import WIDGET_VIEW
from cifviz.teaching.records import read_records
from cifviz.teaching.sources import provenance, read_parameters, tags

LONGEST_CELL = 25
"""Lines of code."""
LARGEST = 1_000_000
"""Bytes of a notebook."""
FEWEST_EXERCISES = 3

OPENING = ("What you'll do", "What you'll learn", "What you need", "Time")
"""Said in bold in the first cell, in this order, before the links to the lessons around it."""
CLOSING = ("On your own", "In practice", "Further reading")
"""The last headings of a notebook, in this order."""

Check = Callable[[NotebookNode], list[str]]

_ALT = re.compile(r'<img\b[^>]*\balt="([^"]*)"')
_LINK = re.compile(r"\]\(([^)\s]+)[^)]*\)")
_ABSOLUTE = re.compile(r"(?<![\w.:/~-])(?:/(?:home|root|tmp|usr|work|Users|mnt|var|opt)/|[A-Z]:\\)")
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
_BANNED = {
    r"\btqdm\b": "a progress bar",
    r"^\s*%%?time(it)?\b": "a timing magic",
    r"^\s*[!%]\s*(pip|conda)\b": "an installation",
    r"\b(urllib|requests|urlopen|httpx)\b": "the network",
    r"\bwarnings\.(filterwarnings|simplefilter)\b": "hidden warnings",
}


def execution_counts(notebook: NotebookNode) -> list[str]:
    """Every code cell was run once, from top to bottom, in a fresh kernel."""
    counts = [cell.execution_count for cell in _code(notebook)]
    wanted = list(range(1, len(counts) + 1))
    return (
        [] if counts == wanted else [f"execution counts are {counts}, expected 1 to {len(counts)}"]
    )


def no_errors(notebook: NotebookNode) -> list[str]:
    """No cell failed."""
    return [
        f"cell {number} failed with {output.ename}: {output.evalue}"
        for number, output in _outputs(notebook)
        if output.output_type == "error"
    ]


def no_stderr(notebook: NotebookNode) -> list[str]:
    """Nothing was written to the error stream: no warning, no log."""
    return [
        f"cell {number} writes to stderr: {output.text.strip().splitlines()[0][:80]}"
        for number, output in _outputs(notebook)
        if output.output_type == "stream" and output.name == "stderr" and output.text.strip()
    ]


def widgets_have_stills(notebook: NotebookNode) -> list[str]:
    """Every live control has a picture in the same cell, for where nothing moves."""
    found = []
    for number, cell in enumerate(notebook.cells):
        kinds = [set(output.get("data", ())) for output in cell.get("outputs", ())]
        live = sum(WIDGET_VIEW in kind for kind in kinds)
        still = sum("image/png" in kind and WIDGET_VIEW not in kind for kind in kinds)
        if live > still:
            found.append(f"cell {number} has {live} live controls and {still} still pictures")
    return found


def pictures_have_alt(notebook: NotebookNode) -> list[str]:
    """Every picture says in words what there is to see, in HTML and in plain text."""
    found = []
    for number, output in _outputs(notebook):
        data = output.get("data", {})
        if any(kind.startswith("image/") for kind in data):
            alts = _ALT.findall(data.get("text/html", ""))
            words = data.get("text/plain", "")
            if not (alts and all(len(alt.strip()) > 20 for alt in alts)):
                found.append(
                    f"cell {number} shows a picture without alt text: use show(figure, alt)"
                )
            elif "Figure:" not in words:
                found.append(f"cell {number} shows a picture whose plain text is {words!r}")
        elif "<img" in data.get("text/html", "") and not _ALT.search(data["text/html"]):
            found.append(f"cell {number} shows HTML with an image without alt text")
    return found


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
        verbs = re.findall(r"^- ", learnt, re.MULTILINE)
        if not 3 <= len(verbs) <= 5:
            found.append(f"{OPENING[1]} should list 3 to 5 things, it lists {len(verbs)}")
        if not re.search(r"\d+ min", first.source[places[3] :]):
            found.append("the first cell does not give the minutes")
    if not ("Previous:" in first.source and "Next:" in first.source):
        found.append("the first cell lacks Previous: and Next:")
    return found


def closing(notebook: NotebookNode) -> list[str]:
    """The notebook ends with things to try, practice, and described reading."""
    headings = [
        line.lstrip("# ").strip()
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if line.startswith("## ")
    ]
    if headings[-len(CLOSING) :] != list(CLOSING):
        return [f"the last headings should be {', '.join(CLOSING)}, got {headings[-3:]}"]
    reading = notebook.cells[-1].source.partition(f"## {CLOSING[-1]}")[2]
    items = re.split(r"^- ", reading, flags=re.MULTILINE)[1:]
    bare = [
        item.strip()
        for item in items
        if len(re.sub(r"\[.*?\]\([^)]*\)", "", item, flags=re.DOTALL).split()) < 6
    ]
    if not items:
        return ["Further reading lists nothing"]
    return [f"Further reading does not describe: {item}" for item in bare]


def parameters(notebook: NotebookNode) -> list[str]:
    """Exactly one cell is tagged parameters; it sets seed and fast, with plain assignments."""
    cells = [cell for cell in _code(notebook) if "parameters" in tags(cell)]
    if len(cells) != 1:
        return [f"expected one cell tagged parameters, found {len(cells)}"]
    try:
        known = read_parameters(notebook)
    except CIFError as error:
        return [str(error)]
    return [f"the parameters lack {name}" for name in ("seed", "fast") if name not in known]


def imports_first(notebook: NotebookNode) -> list[str]:
    """The first code cell imports, the second is the parameters."""
    code = list(_code(notebook))[:2]
    found = []
    if not code or not _imports_alone(code[0].source):
        found.append("the first code cell should hold imports and nothing else")
    if len(code) < 2 or "parameters" not in tags(code[1]):
        found.append("the second code cell should be the parameters")
    return found


def cell_length(notebook: NotebookNode) -> list[str]:
    """No code cell is longer than a reader's breath."""
    lengths = [
        (number, len(cell.source.splitlines()))
        for number, cell in enumerate(notebook.cells)
        if cell.cell_type == "code"
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


def no_absolute_paths(notebook: NotebookNode) -> list[str]:
    """No path of the machine on which the notebook was built."""
    return [
        f"cell {number} names an absolute path: …{text[max(0, hit.start() - 10) : hit.end() + 30]}…"
        for number, text in _texts(notebook)
        if (hit := _ABSOLUTE.search(text))
    ]


def no_addresses(notebook: NotebookNode) -> list[str]:
    """No memory address, which would differ in each run and mean nothing to a reader."""
    return [
        f"cell {number} shows a memory address: {hit[0]}"
        for number, text in _texts(notebook)
        if (hit := _ADDRESS.search(text))
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
    copy = notebook.metadata.get("cifviz", {}).get("copy")
    verdicts = read_verdicts(notebook)
    wanted = {"student": "open", "solved": "right"}.get(copy)
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


def is_small(size: int) -> list[str]:
    """A notebook that mails and GitHub will carry."""
    return [] if size <= LARGEST else [f"{size / 1e6:.2f} MB, at most {LARGEST / 1e6:g} MB"]


def is_fresh(notebook: NotebookNode, source: NotebookNode) -> list[str]:
    """The notebook was built from this very source, with this version of the library."""
    kept = dict(notebook.metadata.get("cifviz", {}))
    now = provenance(source, kept.get("lesson", ""), kept.get("copy", "student"))
    different = [name for name in now if kept.get(name) != now[name]]
    if not different:
        return []
    return [f"source changed, outputs stale ({', '.join(different)}): run make notebooks"]


def links_resolve(notebook: NotebookNode, place: Path) -> list[str]:
    """Relative links lead somewhere from where the notebook is; no local link is absolute."""
    found = []
    for number, cell in enumerate(notebook.cells):
        for target in _LINK.findall(cell.source) if cell.cell_type == "markdown" else ():
            path = target.partition("#")[0]
            if "://" in target or not path:
                continue
            if path.startswith("/") or not (place.parent / path).exists():
                found.append(f"cell {number} links to {target}, which is not there")
    return found


CHECKS: tuple[Check, ...] = (
    execution_counts,
    no_errors,
    no_stderr,
    widgets_have_stills,
    pictures_have_alt,
    opening,
    closing,
    parameters,
    imports_first,
    cell_length,
    nothing_banned,
    no_absolute_paths,
    no_addresses,
    clean_metadata,
    records,
    exercises,
)
"""The checks that need the notebook alone."""


def problems(
    notebook: NotebookNode,
    *,
    size: int | None = None,
    source: NotebookNode | None = None,
    place: Path | None = None,
) -> list[str]:
    """Everything that is wrong with a built notebook.

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
        One sentence each; empty if all is well.
    """
    found = [complaint for check in CHECKS for complaint in check(notebook)]
    found += is_small(size) if size is not None else []
    found += is_fresh(notebook, source) if source is not None else []
    return found + (links_resolve(notebook, place) if place is not None else [])


def _code(notebook: NotebookNode) -> Iterator[NotebookNode]:
    return (cell for cell in notebook.cells if cell.cell_type == "code")


def _outputs(notebook: NotebookNode) -> Iterator[tuple[int, NotebookNode]]:
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", ()):
            yield number, output


def _texts(notebook: NotebookNode) -> Iterator[tuple[int, str]]:
    """All that a reader can read: sources and outputs in words, not what is encoded in HTML."""
    for number, cell in enumerate(notebook.cells):
        yield number, cell.source
    for number, output in _outputs(notebook):
        data: dict[str, Any] = output.get("data", {})
        for kind in ("text/plain", "text/markdown"):
            yield number, str(data.get(kind, ""))
        yield number, str(output.get("text", ""))
        yield number, "\n".join(output.get("traceback", ()))


def _imports_alone(source: str) -> bool:
    body = ast.parse(source).body
    return bool(body) and all(isinstance(one, ast.Import | ast.ImportFrom) for one in body)
