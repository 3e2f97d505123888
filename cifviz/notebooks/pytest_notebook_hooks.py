"""What pytest-notebook may use of the comparison of outputs, offered to it by entry points.

``nb_post_processors = coalesce_streams cifviz_tolerant`` in the settings of pytest makes
pytest-notebook (0.11) pass what `cifviz.notebooks.output_comparison` finds to be the same.
``nb_diff_normalize = cifviz_masked`` is for later versions of it, which normalise both the stored
and the new notebook; it masks times, folders and addresses alone.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from cifviz.errors import CIFError
from cifviz.notebooks.masks import mask
from cifviz.notebooks.output_comparison import cell_difference, is_compared
from cifviz.notebooks.reader import read_notebook
from cifviz.notebooks.tolerances import Tolerances


def tolerant(
    notebook: NotebookNode, resources: dict[str, Any]
) -> tuple[NotebookNode, dict[str, Any]]:
    """Put back the stored outputs of each cell whose new outputs are the same within tolerances.

    Parameters
    ----------
    notebook : NotebookNode
        The new run; it is not changed.
    resources : dict
        Of pytest-notebook: "metadata" holds the "path" of the folder that the notebook was run in.
        The stored notebook is the one there that has the same cells. Where there is none, or
        several, nothing is put back, and pytest-notebook compares exactly.

    Returns
    -------
    notebook : NotebookNode
        What differs still does. Tolerances are those of the metadata, see
        `cifviz.notebooks.tolerances`.
    resources : dict
        As they were.
    """
    result = copy.deepcopy(notebook)
    stored = _stored(notebook, Path(resources.get("metadata", {}).get("path", ".")))
    if stored is not None:
        common = Tolerances().changed_by(stored.metadata)
        for old, new in zip(stored.cells, result.cells, strict=True):
            own = common.changed_by(old.metadata)
            if old.cell_type == "code" and not (
                is_compared(old) and cell_difference(old, new, own)
            ):
                new.outputs = old.outputs
    return result, resources


def masked(notebook: NotebookNode) -> NotebookNode:
    """The same notebook without times, folders and addresses in the text of its outputs."""
    result = copy.deepcopy(notebook)
    for cell in result.cells:
        for output in cell.get("outputs", ()):
            if output.output_type == "stream":
                output.text = mask(output.text)
            elif "text/plain" in output.get("data", {}):
                output.data["text/plain"] = mask(output.data["text/plain"])
    return result


def _stored(notebook: NotebookNode, folder: Path) -> NotebookNode | None:
    """The only notebook in a folder that has these cells."""
    found = []
    for path in sorted(folder.glob("*.ipynb")):
        try:
            one = read_notebook(path)
        except CIFError:
            continue
        if _sources(one) == _sources(notebook):
            found.append(one)
    return found[0] if len(found) == 1 else None


def _sources(notebook: NotebookNode) -> list[tuple[str, str]]:
    return [(cell.cell_type, cell.source) for cell in notebook.cells]
