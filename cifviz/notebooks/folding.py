"""Folds the outputs of cells tagged "answer", in a form that every viewer honours.

A reader should see an answer only after asking for it, in JupyterLab, on GitHub, in VS Code, in
HTML exports and on a page of the course. Metadata that collapse a cell are known to few of them,
so what a tagged cell shows becomes one output in HTML: a ``<details>`` element, which opens without
a script, with a mouse or with keys. A reader who runs the cell sees its outputs as they come.

A live control cannot stand inside HTML. A cell that shows one is collapsed by its metadata as well
(``jupyter.outputs_hidden``), which JupyterLab and VS Code honour; its static picture is folded.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output

from cifviz.notebooks.media_types import WIDGET_VIEW

TAG = "answer"
"""Of cells whose text or outputs resolve a prediction."""

TEXT_LABEL, OUTPUT_LABEL = "Answer", "Show the result"
"""What a reader opens: words of the author, or what the code shows if it does not name it."""
ABOVE = "<!-- folded above -->"
"""In place of an output that machines read, whose words are in the fold above it."""


def folded_text(text: str, label: str = TEXT_LABEL) -> str:
    """A text in Markdown that shows its label alone until it is opened.

    >>> print(folded_text("Two tokens.").partition(chr(10))[0])
    <details><summary>Answer</summary>
    """
    return f"<details><summary>{label}</summary>\n\n{text}\n\n</details>"


def fold_outputs(cell: NotebookNode) -> None:
    """Fold what a cell of code shows, in place, under the name that its first line gives.

    Parameters
    ----------
    cell : NotebookNode
        Executed. Outputs that machines read, such as records, stay outputs of their own, and their
        words are in the fold. Errors and warnings stay in view.
    """
    shown = [output for output in cell.outputs if _is_foldable(output)]
    others = [output for output in cell.outputs if not _is_foldable(output)]
    kept = [output for output in others if _is_for_machines(output)]
    controls = [output for output in others if WIDGET_VIEW in output.get("data", {})]
    label = output_label(cell.source)
    # 1. Collapse a cell with a live control by its metadata.
    if controls:
        cell.metadata["jupyter"] = {**cell.metadata.get("jupyter", {}), "outputs_hidden": True}
        cell.metadata["collapsed"] = True
    # 2. One fold holds everything else that is in view.
    if shown:
        folded = new_output("display_data", data=_folded([*shown, *kept], label))
        cell.outputs = [*controls, folded, *(one for one in others if one not in controls)]
    # 3. What machines read shows nothing of its own.
    elif kept and not is_folded(kept[0]):
        kept[0].data["text/html"] = _folded(kept, label)["text/html"]
    for output in kept:
        output.data.setdefault("text/html", ABOVE)


def output_label(code: str) -> str:
    """What a fold of outputs is called: the comment that its code begins with.

    >>> output_label("# Figure: both trainings"), output_label("print(3)")
    ('Figure: both trainings', 'Show the result')
    """
    first = code.partition("\n")[0]
    return first[2:].strip() if first.startswith("# ") else OUTPUT_LABEL


def is_folded(output: NotebookNode) -> bool:
    """Whether an output shows nothing but a closed fold, or nothing."""
    page = output.get("data", {}).get("text/html", "")
    is_fold = page.startswith("<details><summary>") and page.endswith("</details>")
    return is_fold or page == ABOVE


def _is_foldable(output: NotebookNode) -> bool:
    data = output.get("data", {})
    if output.output_type == "stream":
        return output.name == "stdout"
    if output.output_type == "error" or WIDGET_VIEW in data or _is_for_machines(output):
        return False
    return bool(data) and not is_folded(output)


def _is_for_machines(output: NotebookNode) -> bool:
    """Whether an output holds a record, or another bundle of this project."""
    return any(kind.startswith("application/vnd.cifviz.") for kind in output.get("data", {}))


def _folded(shown: Sequence[NotebookNode], label: str) -> dict[str, Any]:
    """One bundle for several outputs. A single picture stays as a PNG too, for paper."""
    bundles = [output.get("data", {}) for output in shown]
    pictures = [data["image/png"] for data in bundles if "image/png" in data]
    parts = "\n".join(_html(output) for output in shown)
    summary = f"<summary>{html.escape(label, quote=False)}</summary>"
    bundle = {
        "text/html": f"<details>{summary}\n{parts}\n</details>",
        "text/plain": "\n".join(_words(output) for output in shown),
    }
    return {**bundle, "image/png": pictures[0]} if len(pictures) == 1 else bundle


def _html(output: NotebookNode) -> str:
    """An output as HTML, from the representation that says most."""
    from nbconvert.filters import markdown2html

    data = output.get("data", {})
    if "text/html" in data:
        return str(data["text/html"])
    if "text/markdown" in data:
        return str(markdown2html(data["text/markdown"])).strip()
    return f'<pre tabindex="0">{html.escape(_words(output), quote=False)}</pre>'


def _words(output: NotebookNode) -> str:
    return str(output.get("text") or output.get("data", {}).get("text/plain", "")).rstrip()
