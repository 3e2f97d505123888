"""Finds what is wrong with a notebook without running it: `problems`, and `inspect` for a file."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote

from nbformat import NotebookNode

from cifviz.course.lesson_checks import LESSON_CHECKS
from cifviz.notebooks.links import is_local, targets
from cifviz.notebooks.output_checks import LINE, OUTPUT_CHECKS
from cifviz.notebooks.reader import lesson_metadata, read_notebook
from cifviz.notebooks.sources import Copy, derive, provenance, read_source

LARGEST = 1_000_000
"""Bytes of a notebook."""


def problems(
    notebook: NotebookNode,
    *,
    size: int | None = None,
    source: NotebookNode | None = None,
    place: Path | None = None,
) -> list[str]:
    """Everything that is wrong with a built lesson.

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
    found = is_fresh(notebook, source) if source is not None else []
    found += [complaint for check in LESSON_CHECKS for complaint in check(notebook)]
    found += [complaint for check in OUTPUT_CHECKS for complaint in check(notebook)]
    found += is_small(size) if size is not None else []
    return found + (links_resolve(notebook, place) if place is not None else [])


def inspect(path: Path) -> list[str]:
    """Everything that is wrong with a notebook in a file, of this project or of anyone's.

    Parameters
    ----------
    path : Path
        A notebook. Where ``source/NAME.py`` stands beside it (beside the folder, for one in
        ``solutions``), it is a lesson and must be all that a lesson is; any other is asked only for
        what every executed notebook should be: its outputs, its size and its links.

    Returns
    -------
    list of str
        One sentence each; empty if all is well.

    Raises
    ------
    DataError
        If there is no such notebook, or it cannot be read.
    """
    notebook, size = read_notebook(path), path.stat().st_size
    copy: Copy = "solved" if path.resolve().parent.name == "solutions" else "student"
    home = path.resolve().parents[1 if copy == "solved" else 0]
    source = home / "source" / f"{path.stem}.py"
    if not source.is_file():
        found = [complaint for check in OUTPUT_CHECKS for complaint in check(notebook)]
        return found + is_small(size) + links_resolve(notebook, path)
    kept = lesson_metadata(notebook)
    stray = (kept.get("lesson"), kept.get("copy")) != (path.stem, copy)
    found = [f"the {copy} copy of {path.stem} belongs here, this is another"] if stray else []
    return found + problems(notebook, size=size, source=read_source(source), place=path)


def is_small(size: int) -> list[str]:
    """A notebook that mails and GitHub will carry."""
    return [] if size <= LARGEST else [f"{size / 1e6:.2f} MB, at most {LARGEST / 1e6:g} MB"]


def is_fresh(notebook: NotebookNode, source: NotebookNode) -> list[str]:
    """The notebook was built from this very source, with this version of the library."""
    kept = lesson_metadata(notebook)
    name, copy = kept.get("lesson", ""), kept.get("copy", "student")
    now = provenance(source, name, copy)
    different = [key for key in now if kept.get(key) != now[key]]
    if different:
        return [f"source changed, outputs stale ({', '.join(different)}): run make notebooks"]
    cells = [(cell.get("id"), cell.source) for cell in notebook.cells]
    if cells != [(cell.id, cell.source) for cell in derive(source, name, copy).cells]:
        return ["the cells are not those of the source: edit that, and run make notebooks"]
    return []


def links_resolve(notebook: NotebookNode, place: Path) -> list[str]:
    """Links between files lead somewhere, in Jupyter, on GitHub and in HTML alike."""
    found = []
    for number, cell in enumerate(notebook.cells):
        for target in targets(cell.source) if cell.cell_type == "markdown" else ():
            fault = _fault(target, place)
            found += [f"cell {number} links to {target[:LINE]}, {fault}"] if fault else []
    return found


def _fault(target: str, place: Path) -> str:
    """What is wrong with a link, if anything."""
    path, _, section = target.partition("#")
    if target.startswith(("/", "file:")):
        return "which is a place on one machine"
    if target.startswith("#") or (section and path.endswith(".ipynb")):
        return "but Jupyter, GitHub and HTML give a section of a notebook different names"
    if not is_local(target):
        return ""
    file = place.parent / unquote(path)
    if not os.path.exists(file):
        return "which is not there"
    if section and file.suffix == ".md" and file.is_file() and section not in _sections(file):
        return "but no heading is called so"
    return ""


def _sections(page: Path) -> set[str]:
    """What GitHub calls the headings of a page in Markdown."""
    titles = re.findall(
        r"^#+ (.*)$", page.read_text(encoding="utf-8", errors="replace"), re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
