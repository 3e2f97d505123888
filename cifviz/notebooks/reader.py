"""Reads a notebook and walks through its cells."""

from __future__ import annotations

import json
import os
import re
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from cifviz.errors import DataError, require, shown

_WARNINGS = threading.Lock()
"""Filters of warnings belong to a whole process, in which several notebooks may be read."""

LARGEST_READ = 50_000_000
"""Bytes up to which a notebook is read: more would not be answered in seconds."""
NBVAL = {"nbval-skip": "skip-execution", "nbval-raises-exception": "raises-exception"}
"""Tags of nbval and those of Jupyter that mean the same."""
DEEPEST = 100
"""Levels of lists and objects within each other: what copies and writes them is recursive."""


def read_notebook(path: Path) -> NotebookNode:
    """A notebook in format 4.5, whatever version the file has.

    Cells that lack an id, or share one, get ids of their own.

    Raises
    ------
    DataError
        If there is no such file, it cannot be read, or something else stands in it.
    """
    import nbformat

    data = _read_json(path)
    bad = f"{path} is not a notebook: "
    require(isinstance(data, dict), f"{bad}expected an object, got {shown(data)}", DataError)
    require(
        not is_too_deep(data), f"{bad}data nested more than {DEEPEST} levels deep in it", DataError
    )
    version = data.get("nbformat")
    known = type(version) is int and version in nbformat.versions
    require(known, f"{bad}expected nbformat 3 or 4, got {shown(version)}", DataError)
    wrong = f"{bad}its parts are not those of nbformat {version}"
    # What stands in the file may lack any part that a conversion takes for granted.
    broken = (ValueError, AttributeError, KeyError, TypeError, nbformat.ValidationError)
    try:
        node = nbformat.versions[version].to_notebook_json(
            data, minor=data.get("nbformat_minor", 0)
        )
        notebook = nbformat.v4.upgrade(nbformat.convert(node, 4))
    except broken as error:
        raise DataError(wrong) from error
    try:
        _validate(notebook)
    except broken as error:
        raise DataError(f"{wrong}{_first_bad_cell(notebook)}") from error
    return notebook


def find_notebooks(path: Path) -> list[Path]:
    """A notebook, or all in a folder and in the folders within.

    Returns
    -------
    list of Path
        Without what is hidden. Whatever has the name of a notebook is listed, and each folder that
        cannot be looked into: `read_notebook` says what is wrong with it.

    Raises
    ------
    DataError
        If there is no such place, or no notebook in it.
    """
    if not path.is_dir():
        require(os.path.isfile(path), _why_no_file(path), DataError)
        return [path]
    found: list[Path] = []

    def unreadable(error: OSError) -> None:
        found.append(Path(error.filename))

    for folder, folders, files in os.walk(path, onerror=unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            Path(folder, name)
            for name in files
            if name.endswith(".ipynb") and not name.startswith(".")
        ]
    require(bool(found), f"no notebooks in {path}", DataError)
    return sorted(found)


def is_too_deep(data: Any) -> bool:
    """Whether lists and objects are nested in each other more than `DEEPEST` levels.

    >>> is_too_deep([{"a": []}]), is_too_deep(json.loads("[" * 101 + "]" * 101))
    (False, True)
    """
    level = [data]
    for _ in range(DEEPEST):
        level = [
            part
            for node in level
            for part in (node.values() if isinstance(node, dict) else node)
            if isinstance(part, dict | list)
        ]
        if not level:
            return False
    return True


def tags(cell: NotebookNode) -> set[str]:
    """The tags of a cell, with what the marks of nbval in it mean to Jupyter.

    nbval's tags are also comments there, on a line of their own: ``# NBVAL_SKIP``.

    >>> cell = NotebookNode(source="# NBVAL_SKIP", metadata=NotebookNode(tags=["answer"]))
    >>> sorted(tags(cell))
    ['answer', 'nbval-skip', 'skip-execution']
    """
    found = set(cell.metadata.get("tags", ()))
    marks = re.findall(r"^[ \t]*+#++[ \t]*+(NBVAL_[A-Z_]++)[ \t]*+$", cell.source, re.MULTILINE)
    found |= {mark.lower().replace("_", "-") for mark in marks}
    return found | {NBVAL[tag] for tag in found & set(NBVAL)}


def is_run(cell: NotebookNode) -> bool:
    """Whether a run executes a cell: code, not empty, and not tagged "skip-execution"."""
    return bool(
        cell.cell_type == "code" and cell.source.strip() and "skip-execution" not in tags(cell)
    )


def lesson_metadata(notebook: NotebookNode) -> dict[str, Any]:
    """What a notebook says of the lesson that it was built from; empty for any other notebook."""
    kept = notebook.metadata.get("cifviz")
    return kept if isinstance(kept, dict) else {}


def code(notebook: NotebookNode) -> Iterator[NotebookNode]:
    """The cells of code."""
    return (cell for cell in notebook.cells if cell.cell_type == "code")


def outputs(notebook: NotebookNode) -> Iterator[tuple[int, NotebookNode]]:
    """All outputs, each with the number of its cell."""
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", ()):
            yield number, output


def texts(notebook: NotebookNode) -> Iterator[tuple[int, str]]:
    """All that a reader can read: sources and outputs in words.

    Neither what is encoded in HTML, nor tracebacks: those of libraries always name their place.
    """
    for number, cell in enumerate(notebook.cells):
        yield number, cell.source
    for number, output in outputs(notebook):
        data: dict[str, Any] = output.get("data", {})
        for kind in ("text/plain", "text/markdown"):
            yield number, str(data.get(kind, ""))
        yield number, str(output.get("text", ""))


def sections(notebook: NotebookNode) -> list[tuple[str, str]]:
    """The headings of second rank, and all that is written below each, code included."""
    found: list[tuple[str, list[str]]] = []
    for cell in notebook.cells:
        parts = [cell.source]
        if cell.cell_type == "markdown":
            parts = re.split(r"^## (.*)$", cell.source, flags=re.MULTILINE)
        if found:
            found[-1][1].append(parts[0])
        pairs = zip(parts[1::2], parts[2::2], strict=True)
        found += [(title.strip(), [body]) for title, body in pairs]
    return [(title, "\n".join(bodies)) for title, bodies in found]


def _read_json(path: Path) -> Any:
    require(os.path.isfile(path), _why_no_file(path), DataError)
    try:
        size = path.stat().st_size
        require(
            size <= LARGEST_READ,
            f"{path} has {size / 1e6:.0f} MB: more than {LARGEST_READ / 1e6:.0f} MB are not read",
            DataError,
        )
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    try:
        return json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not a notebook: no text in UTF-8") from error
    except RecursionError as error:
        raise DataError(
            f"{path} is not a notebook: data nested more than {DEEPEST} levels deep in it"
        ) from error
    except ValueError as error:  # JSONDecodeError, or an integer of too many digits
        line = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise DataError(f"{path} is not a notebook: no JSON{line}") from error


def _why_no_file(path: Path) -> str:
    if not os.path.lexists(path):
        return f"no such notebook: {path}"
    if os.path.isdir(path):
        return f"{path} is a folder that cannot be looked into"
    if os.path.exists(path):
        return f"{path} is not a notebook: no file, but a pipe or a device"
    return f"{path} is not a notebook: a link that leads nowhere"


def _validate(notebook: Any) -> None:
    import nbformat

    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of ids that are missing or not unique: it mends them
        nbformat.validate(notebook)


def _first_bad_cell(notebook: NotebookNode) -> str:
    """Which cell is not as the format asks, if it is a cell."""
    import nbformat

    for number, cell in enumerate(notebook.get("cells", ())):
        alone = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        try:
            _validate(alone)
        except (AttributeError, TypeError, nbformat.ValidationError):
            return f", see cell {number}"
    return ""
