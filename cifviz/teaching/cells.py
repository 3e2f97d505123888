"""Reads a notebook and walks through its cells."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from cifviz.errors import DataError, require


def read_notebook(path: Path) -> NotebookNode:
    """A notebook, if it is one.

    Raises
    ------
    DataError
        If there is no such file, or something else stands in it.
    """
    import nbformat

    require(path.is_file(), f"no such notebook: {path}", DataError)
    # What stands in a file may fail in many ways: no JSON, no object, no cells, cells of no kind.
    broken = (ValueError, AttributeError, KeyError, TypeError, nbformat.ValidationError)
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except broken as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{path} is not a notebook: {reason}") from error
    return notebook


def find_notebooks(path: Path) -> list[Path]:
    """A notebook, or all in a folder and in the folders within.

    Raises
    ------
    DataError
        If there is no such place, or no notebook in it.
    """
    if not path.is_dir():
        require(path.is_file(), f"no such notebook: {path}", DataError)
        return [path]
    found = [
        file
        for file in sorted(path.rglob("*.ipynb"))
        if not any(part.startswith(".") for part in file.relative_to(path).parts)
    ]
    require(bool(found), f"no notebooks in {path}", DataError)
    return found


def code(notebook: NotebookNode) -> Iterator[NotebookNode]:
    """The cells of code."""
    return (cell for cell in notebook.cells if cell.cell_type == "code")


def outputs(notebook: NotebookNode) -> Iterator[tuple[int, NotebookNode]]:
    """All outputs, each with the number of its cell."""
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", ()):
            yield number, output


def texts(notebook: NotebookNode) -> Iterator[tuple[int, str]]:
    """All that a reader can read: sources and outputs in words, not what is encoded in HTML."""
    for number, cell in enumerate(notebook.cells):
        yield number, cell.source
    for number, output in outputs(notebook):
        data: dict[str, Any] = output.get("data", {})
        for kind in ("text/plain", "text/markdown"):
            yield number, str(data.get(kind, ""))
        yield number, str(output.get("text", ""))
        yield number, "\n".join(output.get("traceback", ()))


def sections(notebook: NotebookNode) -> list[tuple[str, str]]:
    """The headings of second rank, and all that is written below each, code included."""
    found: list[tuple[str, str]] = []
    for cell in notebook.cells:
        parts = [cell.source]
        if cell.cell_type == "markdown":
            parts = re.split(r"^## (.*)$", cell.source, flags=re.MULTILINE)
        if found:
            title, body = found[-1]
            found[-1] = (title, f"{body}\n{parts[0]}")
        pairs = zip(parts[1::2], parts[2::2], strict=True)
        found += [(title.strip(), body) for title, body in pairs]
    return found
