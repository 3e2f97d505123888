"""What every executed notebook must be, of this project or another: readers see what ran.

Each check takes a notebook and returns complaints, one sentence each; none means that it passed.
"""

from __future__ import annotations

import re
from itertools import pairwise

from nbformat import NotebookNode

from cifviz.errors import shown
from cifviz.notebooks.masks import ADDRESS
from cifviz.notebooks.media_types import WIDGET_VIEW
from cifviz.notebooks.reader import code, is_run, outputs, tags, texts

_ALT = re.compile(r'<img\b[^<>]*\balt="([^"]*)"')
LINE = 200
"""Characters of a complaint that may come from a notebook."""
_ABSOLUTE = re.compile(r"(?<![\w.:/~-])(?:/(?:home|root|tmp|usr|work|Users|mnt|var|opt)/|[A-Z]:\\)")


def execution_counts(notebook: NotebookNode) -> list[str]:
    """Every code cell was run once, from top to bottom, in a fresh kernel.

    Cells that a run leaves out need no count.
    """
    counts = [
        cell.execution_count
        for cell in code(notebook)
        if is_run(cell) or cell.execution_count is not None
    ]
    wanted = list(range(1, len(counts) + 1))
    if counts == wanted:
        return []
    return [f"execution counts are {shown(counts)}, expected 1 to {len(counts)}"]


def in_order(notebook: NotebookNode) -> list[str]:
    """No cell was run before one that stands above it, as far as cells have counts."""
    counted = [
        (number, cell.execution_count)
        for number, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and cell.execution_count is not None
    ]
    return [
        f"cell {number} was run before cell {above}: execution counts {after} and {before}"
        for (above, before), (number, after) in pairwise(counted)
        if after <= before
    ]


def no_errors(notebook: NotebookNode) -> list[str]:
    """No cell failed, but those tagged "raises-exception"."""
    return [
        f"cell {number} failed with {output.ename}: {output.evalue}".partition("\n")[0][:LINE]
        for number, output in outputs(notebook)
        if output.output_type == "error" and "raises-exception" not in tags(notebook.cells[number])
    ]


def no_stderr(notebook: NotebookNode) -> list[str]:
    """Nothing was written to the error stream: no warning, no log."""
    return [
        f"cell {number} writes to stderr: {output.text.strip().splitlines()[0][:80]}"
        for number, output in outputs(notebook)
        if output.output_type == "stream" and output.name == "stderr" and output.text.strip()
    ]


def widgets_have_fallbacks(notebook: NotebookNode) -> list[str]:
    """Every live control has a static fallback: a picture of its own, or one beside it."""
    found = []
    for number, cell in enumerate(notebook.cells):
        kinds = [set(output.get("data", ())) for output in cell.get("outputs", ())]
        live = sum(WIDGET_VIEW in kind for kind in kinds)
        static = sum("image/png" in kind for kind in kinds)
        if live > static:
            found.append(f"cell {number} has {live} live controls and {static} static pictures")
    return found


def pictures_have_alt(notebook: NotebookNode) -> list[str]:
    """Every picture says in words what there is to see, in HTML and in plain text."""
    found = []
    for number, output in outputs(notebook):
        data = output.get("data", {})
        if any(kind.startswith("image/") for kind in data):
            alts = _ALT.findall(data.get("text/html", ""))
            words = data.get("text/plain", "")
            if not (alts and all(len(alt.strip()) > 20 for alt in alts)):
                found.append(
                    f"cell {number} shows a picture without alt text: use show(figure, alt)"
                )
            elif "Figure:" not in words:
                found.append(f"cell {number} shows a picture whose plain text is {shown(words)}")
        elif "<img" in data.get("text/html", "") and not _ALT.search(data["text/html"]):
            found.append(f"cell {number} shows HTML with an image without alt text")
    return found


def no_absolute_paths(notebook: NotebookNode) -> list[str]:
    """No path of the machine on which the notebook was built."""
    return [
        f"cell {number} names an absolute path: …{_around(text, hit)}…"
        for number, text in texts(notebook)
        if (hit := _ABSOLUTE.search(text))
    ]


def no_addresses(notebook: NotebookNode) -> list[str]:
    """No memory address, which would differ in each run and mean nothing to a reader."""
    return [
        f"cell {number} shows a memory address: {hit[0]}"
        for number, text in texts(notebook)
        if (hit := ADDRESS.search(text))
    ]


ALWAYS = (in_order, no_errors)
"""What every owner wants."""
ON_REQUEST = {
    "counts": execution_counts,
    "stderr": no_stderr,
    "fallbacks": widgets_have_fallbacks,
    "alt": pictures_have_alt,
    "paths": no_absolute_paths,
    "addresses": no_addresses,
}
"""What an owner may ask for besides, by name."""


def _around(text: str, hit: re.Match[str]) -> str:
    """Some words around what was found, in one line."""
    return " ".join(text[max(0, hit.start() - 10) : hit.end() + 30].split())
