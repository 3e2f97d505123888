"""The explorers of the lessons as pages of their own, which a lesson's page loads when asked to.

A notebook keeps the static fallback of an explorer alone. What it explores is recognised again when
the site is built: the same clip by the same model, as the parameters of the notebook name them.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bs4 import BeautifulSoup
from nbformat import NotebookNode

from cifviz.course.site.page_templates import fragment
from cifviz.errors import DataError, require
from cifviz.notebooks.notebook_parameters import read_parameters
from cifviz.notebooks.reader import tags

if TYPE_CHECKING:
    from cifviz.systems.transcription import Transcription

class Explored(NamedTuple):
    """The weights that the explorer of a lesson shows, and how they fire.

    A model gives them to the clip that the lesson's parameter ``clip`` names.
    """

    model: str = ""
    """A model that ships with cifviz; empty for the one that the parameter ``model`` names."""
    dialect: str = ""
    """The code base whose rule fires them, see `cifviz.core.dialects`; empty for the plain CIF."""


EXPLORED = {
    "00_start_here": Explored(),
    "16_your_own_model": Explored(model="digits", dialect="cif_pytorch"),
}
"""Every lesson that shows an explorer. The second model of lesson 16 is written in the lesson; it
fires the weights of a shipped one as CIF-PyTorch does, in an utterance without padding."""
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


def explored(notebook: NotebookNode, name: str) -> Transcription:
    """What the explorer of a lesson shows, computed again.

    Raises
    ------
    DataError
        If the notebook lacks a parameter that `EXPLORED` needs.
    """
    import cifviz
    from cifviz.core.interop.firing_rule import FiringRule

    given, shown = read_parameters(notebook), EXPLORED[name]
    needed = ["clip"] if shown.model else ["clip", "model"]
    message = f"{name} lacks the parameters {', '.join(needed)}"
    require(given.keys() >= set(needed), message, DataError)
    clip = cifviz.load_clip(given["clip"])
    decoded = cifviz.load_model(shown.model or given["model"]).transcribe(clip.waveform)
    tail = "drop" if shown.dialect else "above 0.5"  # "drop" leaves a dialect its own
    rule = FiringRule.from_settings(tail=tail, dialect=shown.dialect)
    return cifviz.Transcription.from_firing(
        rule.fire(decoded.require_firing().alpha),
        decoded.tokens,
        frame_shift=decoded.grid.shift,
        waveform=clip.waveform,
        reference=clip.words,
        rule=rule,
    )


def explorer_page(notebook: NotebookNode, name: str) -> str:
    """The explorer of a lesson as a page that needs no network; raises as `explored` does."""
    from cifviz.explorer import to_html

    with tempfile.TemporaryDirectory(prefix="cifviz-explorer-") as folder:
        path = Path(folder) / f"{name}.html"
        to_html(explored(notebook, name), path)
        return path.read_text(encoding="utf-8")
