"""The explorers of the lessons as pages of their own, which a lesson's page loads when asked to.

A notebook keeps, beside the static fallback of an explorer, what a page of it needs: see
`cifviz.course.live_explorer`.
"""

from __future__ import annotations

import json

from bs4 import BeautifulSoup
from nbformat import NotebookNode

from cifviz.course.site.page_templates import fragment
from cifviz.errors import DataError, require
from cifviz.notebooks.media_types import EXPLORER
from cifviz.notebooks.reader import outputs, tags

TAG = "explored"


def explorer_place(name: str) -> str:
    """The page of a lesson's explorer in the site.

    >>> explorer_place("00_start_here")
    'explorers/00_start_here.html'
    """
    return f"explorers/{name}.html"


def explorer_content(notebook: NotebookNode, name: str) -> str | None:
    """What a notebook keeps of its explorer; None if it shows none.

    Raises
    ------
    DataError
        If it shows more than one: the site has one page for each lesson.
    """
    kept = [output.data[EXPLORER] for _, output in outputs(notebook) if _is_explorer(output)]
    require(len(kept) <= 1, f"{name} shows {len(kept)} explorers, the site has one", DataError)
    return kept[0] if kept else None


def mark_explorer(notebook: NotebookNode) -> None:
    """Tag the cell of a lesson that shows an explorer, if there is one."""
    for cell in notebook.cells:
        if any(map(_is_explorer, cell.get("outputs", ()))):
            cell.metadata["tags"] = sorted({*tags(cell), TAG})


def put_explorer(soup: BeautifulSoup, source: str) -> None:
    """Put a fold with the live explorer below its static fallback, on a cleaned page.

    Parameters
    ----------
    soup : BeautifulSoup
        The page; it has a cell that `mark_explorer` tagged, or none.
    source : str
        The way from the page to the explorer. The script of the page loads it when the fold is
        opened.
    """
    cell = soup.select_one(f".cell.{TAG}")
    if cell is not None:
        cell.append(BeautifulSoup(fragment("explorer.html.j2", source=source), "html.parser"))


def explorer_page(content: str, name: str) -> str:
    """The explorer of a lesson as a page that needs no network.

    Parameters
    ----------
    content : str
        Of `explorer_content`.
    name : str
        Of the lesson.

    Raises
    ------
    DataError
        If that is not what `cifviz.course.live_explorer` writes.
    """
    from cifviz.explorer.page import page

    wrong = f"{name} keeps an explorer that cannot be read: build it again"
    try:
        kept = json.loads(content)
    except ValueError as error:
        raise DataError(wrong) from error
    is_whole = isinstance(kept, dict) and kept.keys() == {"title", "data"}
    require(is_whole and isinstance(kept["title"], str), wrong, DataError)
    return page(kept["data"], title=kept["title"])


def _is_explorer(output: NotebookNode) -> bool:
    return EXPLORER in output.get("data", {})
