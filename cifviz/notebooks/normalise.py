"""Removes from an executed notebook what differs from run to run and has no meaning."""

from __future__ import annotations

import copy
import json
import re
from itertools import groupby
from typing import Any

from nbformat import NotebookNode

from cifviz.notebooks.folding import TAG, fold_outputs
from cifviz.notebooks.masks import ADDRESS
from cifviz.notebooks.media_types import WIDGET_STATE, WIDGET_VIEW
from cifviz.notebooks.reader import tags

RUN = "cifviz_run"
"""Metadata of a notebook that was run here: how long that took and which files of the project it
used. `normalise` drops it."""

_PART = re.compile(r"IPY_MODEL_(\w+)")
_NAME = re.compile(r"(IPY_MODEL_)?(\w+)")
_RUN_METADATA = ("papermill", "execution", "ExecuteTime")


def normalise(notebook: NotebookNode) -> NotebookNode:
    """The same notebook without timestamps, papermill's metadata, memory addresses and random ids.

    Parameters
    ----------
    notebook : NotebookNode
        Executed; it is not changed.

    Returns
    -------
    NotebookNode
        Pieces of one stream are joined, since where they are cut is chance. Widgets keep their
        state, under ids that count from 1, so that a reader sees them before running a cell; but
        of one that brings a picture only the picture is kept: its state would be a whole program.
        Outputs of cells tagged "answer" are folded, see `cifviz.notebooks.folding`.
    """
    result = copy.deepcopy(notebook)
    for name in ("papermill", RUN):
        result.metadata.pop(name, None)
    # A lesson does not depend on the version of Python.
    result.metadata["language_info"] = NotebookNode(name="python")
    for cell in result.cells:
        for name in _RUN_METADATA:
            cell.metadata.pop(name, None)
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]
        if cell.cell_type == "code":
            for output in cell.outputs:
                output.get("metadata", {}).pop("cifviz", None)  # how long controls took
            cell.outputs = [_without_addresses(output) for output in _joined(cell.outputs)]
            if TAG in tags(cell):
                fold_outputs(cell)
    return _with_counted_widgets(_without_programs(result))


def _joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Consecutive pieces of one stream as one output."""
    joined: list[NotebookNode] = []
    for stream, pieces in groupby(outputs, lambda output: output.get("name")):
        first, *others = pieces
        if stream is None:
            joined += [first, *others]
        else:
            first.text = "".join([first.text, *(piece.text for piece in others)])
            joined.append(first)
    return joined


def _without_addresses(output: NotebookNode) -> NotebookNode:
    if output.output_type == "stream":
        output.text = ADDRESS.sub("0x…", output.text)
    for mime, value in output.get("data", {}).items():
        # In HTML and pictures an address would be part of something encoded.
        if mime in ("text/plain", "text/markdown") and isinstance(value, str):
            output.data[mime] = ADDRESS.sub("0x…", value)
    return output


def _without_programs(notebook: NotebookNode) -> NotebookNode:
    """Keep the static picture of a widget that has one, and no state that no output shows."""
    shown = []
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "image/png" in data:
                data.pop(WIDGET_VIEW, None)
            elif (model := _model_id(data)) is not None:
                shown.append(model)
    state = notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    wanted: set[str] = set()
    while shown:
        model = shown.pop()
        if model in state and model not in wanted:
            wanted.add(model)
            shown += _PART.findall(json.dumps(state[model]))
    for model in set(state) - wanted:
        del state[model]
    if not state:
        notebook.metadata.pop("widgets", None)
    return notebook


def _with_counted_widgets(notebook: NotebookNode) -> NotebookNode:
    """Replace the random ids of widget models by counts, in the order in which they were made."""
    state = notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    names = {model: f"{count:032x}" for count, model in enumerate(state, start=1)}
    if not names:
        return notebook
    widgets = _NAME.sub(
        lambda found: (found[1] or "") + names.get(found[2], found[2]),
        json.dumps(notebook.metadata.widgets),
    )
    notebook.metadata.widgets = _node(widgets)
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            model = _model_id(output.get("data", {}))
            if model is not None:
                output.data[WIDGET_VIEW]["model_id"] = names.get(model, model)
                output.data["text/plain"] = "A control: run this cell to move it."
    return notebook


def _model_id(data: dict[str, Any]) -> str | None:
    """The model whose view an output shows, if it shows one."""
    match data.get(WIDGET_VIEW):
        case {"model_id": str(model)}:
            return model
    return None


def _node(text: str) -> Any:
    return json.loads(text, object_hook=NotebookNode)
