"""The explorers of the lessons as pages of their own, which a lesson's page loads when asked to.

A notebook keeps the static fallback of an explorer, and what `cifviz.course.live_explorer` notes of
what it shows. The sound is that of the clip of this project which the parameter ``clip`` names.
"""

from __future__ import annotations

import json
from typing import Any

from bs4 import BeautifulSoup
from nbformat import NotebookNode

from cifviz.course.site.page_templates import fragment
from cifviz.errors import DataError, require
from cifviz.notebooks.media_types import EXPLORED
from cifviz.notebooks.notebook_parameters import read_parameters
from cifviz.notebooks.reader import tags

TAG = "explored"


def explorer_place(name: str) -> str:
    """The page of a lesson's explorer in the site.

    >>> explorer_place("00_start_here")
    'explorers/00_start_here.html'
    """
    return f"explorers/{name}.html"


def explored(cell: NotebookNode) -> Any:
    """What a cell notes of the explorer that it shows, or None."""
    noted = [output.get("data", {}).get(EXPLORED) for output in cell.get("outputs", ())]
    return next((one for one in noted if one is not None), None)


def explorer_cell(notebook: NotebookNode) -> NotebookNode | None:
    """The cell of a lesson that shows its explorer, if it has one.

    Raises
    ------
    DataError
        If there are several: a lesson has one page for its explorer.
    """
    cells = [cell for cell in notebook.cells if explored(cell) is not None]
    require(len(cells) < 2, f"{len(cells)} cells show an explorer, not one at most", DataError)
    return cells[0] if cells else None


def mark_explorer(notebook: NotebookNode) -> None:
    """Tag the cell of a lesson that shows an explorer."""
    cell = explorer_cell(notebook)
    if cell is not None:
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


def explorer_page(notebook: NotebookNode, name: str) -> str | None:
    """The explorer of a lesson as a page that needs no network; None of a lesson without one.

    Raises
    ------
    DataError
        If there are several explorers, what the cell notes is not what `live_explorer` writes, or
        the lesson has no parameter ``clip`` that names the clip of the explorer's sound.
    """
    from cifviz.corpora.clips import load_clip
    from cifviz.explorer.page import page
    from cifviz.explorer.sound_pieces import sound_pieces

    cell = explorer_cell(notebook)
    if cell is None:
        return None
    noted = explored(cell)
    try:
        title, data = str(noted["title"]), json.loads(noted["data"])
        sound = data["sound"]
        size = None if sound is None else (sound["rate"], sound["length"], sound["piece"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{name}: its explorer is damaged, build the lesson again") from error
    if size is None:
        return page(data, title=title)
    clip = read_parameters(notebook).get("clip")
    if not isinstance(clip, str):
        raise DataError(f"{name} has no parameter clip for its explorer")
    waveform = load_clip(clip).waveform
    require(
        (waveform.sample_rate, len(waveform.samples)) == size[:2],
        f"{name}: the sound of its explorer is not the clip {clip}",
        DataError,
    )
    data["name"] = clip
    return page(data, title=title, sound=sound_pieces(waveform, "", size=size[2]))
