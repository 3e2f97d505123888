"""Checks a notebook without running it: `notebook_problems`, and `file_problems` for a file."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path
from urllib.parse import unquote

from nbformat import NotebookNode

from cifviz.notebooks.links import is_local, targets
from cifviz.notebooks.output_checks import ALWAYS, LINE, ON_REQUEST
from cifviz.notebooks.reader import read_notebook

LARGEST = 1_000_000
"""Bytes of a notebook."""

EVERYTHING = frozenset({*ON_REQUEST, "size", "links", "records", "warnings"})
"""Names of what may be asked of a notebook besides what every owner wants. Records and warnings
are seen when it is run, see `cifviz.notebooks.verification`."""


def notebook_problems(
    notebook: NotebookNode,
    *,
    size: int | None = None,
    place: Path | None = None,
    asked: Collection[str] = EVERYTHING,
) -> list[str]:
    """Everything that is wrong with the outputs, the size and the links of a notebook.

    Parameters
    ----------
    notebook : NotebookNode
        Executed.
    size : int, optional
        Bytes that it takes.
    place : Path, optional
        Where it is or will be; links are followed from there.
    asked : collection of str
        Which of `EVERYTHING` is asked.

    Returns
    -------
    list of str
        One sentence each; empty if nothing is wrong.
    """
    checks = [*ALWAYS, *(check for name, check in ON_REQUEST.items() if name in asked)]
    found = [complaint for check in checks for complaint in check(notebook)]
    found += is_small(size) if size is not None and "size" in asked else []
    if place is not None and "links" in asked:
        found += links_resolve(notebook, place)
    return found


def file_problems(path: Path, asked: Collection[str] = EVERYTHING) -> list[str]:
    """Everything that is wrong with an executed notebook in a file: outputs, size and links.

    Parameters
    ----------
    path : Path
        A notebook, of this project or another.
    asked : collection of str
        Which of `EVERYTHING` is asked.

    Returns
    -------
    list of str
        One sentence each; empty if nothing is wrong.

    Raises
    ------
    DataError
        If there is no such notebook, or it cannot be read.
    """
    size = path.stat().st_size
    return notebook_problems(read_notebook(path), size=size, place=path, asked=asked)


def is_small(size: int) -> list[str]:
    """A notebook is small enough for mail and for GitHub."""
    return [] if size <= LARGEST else [f"{size / 1e6:.2f} MB, at most {LARGEST / 1e6:g} MB"]


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
