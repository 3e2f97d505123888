"""The explorers of the lessons as pages of their own, which a lesson's page loads when asked to.

A notebook keeps the static fallback of an explorer alone. What it explores is recognised again when
the site is built: the same clip by the same model, as the parameters of the notebook name them.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from bs4 import BeautifulSoup
from nbformat import NotebookNode

from cifviz.course.site.page_templates import fragment
from cifviz.errors import DataError, require
from cifviz.notebooks.notebook_parameters import read_parameters
from cifviz.notebooks.reader import tags

EXPLORED = {"00_start_here"}
"""Lessons whose explorer shows the weights that their parameter ``model`` gives to their parameter
``clip``, fired by the plain CIF."""
OTHERWISE = {"16_your_own_model"}
"""Lessons whose explorer shows a model that is written in the lesson; the notebook alone has it."""
TAG = "explored"


def explorer_place(name: str) -> str:
    """The page of a lesson's explorer in the site.

    >>> explorer_place("00_start_here")
    'explorers/00_start_here.html'
    """
    return f"explorers/{name}.html"


def mark_explorer(notebook: NotebookNode, name: str) -> None:
    """Tag the cell of a lesson that shows an explorer, if the site has one for it.

    Raises
    ------
    DataError
        If the lesson is in `EXPLORED` and shows none.
    """
    if name not in EXPLORED:
        return
    cell = next(filter(shows_explorer, notebook.cells), None)
    if cell is None:
        raise DataError(f"{name} shows no explorer, but is in EXPLORED")
    cell.metadata["tags"] = sorted({*tags(cell), TAG})


def shows_explorer(cell: NotebookNode) -> bool:
    """Whether code shows an explorer: it asks for one, and has a picture."""
    pictures = any("image/png" in output.get("data", {}) for output in cell.get("outputs", ()))
    asks = any(call in cell.source for call in ("cifviz.explore(", "live_explorer("))
    return cell.cell_type == "code" and asks and pictures


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


def explorer_page(notebook: NotebookNode, name: str) -> str:
    """The explorer of a lesson as a page that needs no network.

    Raises
    ------
    DataError
        If the notebook lacks the parameters ``clip`` and ``model``.
    """
    import cifviz
    from cifviz.core.interop.firing_rule import FiringRule
    from cifviz.core.tail import above
    from cifviz.explorer import to_html

    given = read_parameters(notebook)
    require(
        {"clip", "model"} <= given.keys(), f"{name} lacks the parameters clip, model", DataError
    )
    clip = cifviz.load_clip(given["clip"])
    decoded = cifviz.load_model(given["model"]).transcribe(clip.waveform)
    alpha = decoded.require_firing().alpha
    plain = cifviz.integrate_and_fire(alpha, alpha[:, :, None], tail=above(0.5))
    transcription = cifviz.Transcription.from_firing(
        plain,
        decoded.tokens,
        frame_shift=decoded.grid.shift,
        waveform=clip.waveform,
        rule=FiringRule(threshold=1.0, tail=above(0.5)),
    )
    with tempfile.TemporaryDirectory(prefix="cifviz-explorer-") as folder:
        path = Path(folder) / f"{given['clip']}.html"
        to_html(transcription, path, reference=clip.words)
        return path.read_text(encoding="utf-8")
