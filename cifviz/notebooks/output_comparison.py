"""Compares the outputs of two runs of a notebook, cell by cell: `output_differences`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from nbformat import NotebookNode

from cifviz.notebooks.media_types import RECORD, WIDGET_VIEW
from cifviz.notebooks.picture_comparison import picture_difference
from cifviz.notebooks.reader import is_run, tags
from cifviz.notebooks.text_comparison import (
    html_difference,
    json_difference,
    svg_difference,
    text_difference,
)
from cifviz.notebooks.tolerances import Tolerances

IGNORED = "nbval-ignore-output"
"""Tag of a cell that is run and whose outputs are not compared."""

_EMBEDDED = re.compile(r"data:image/[a-z]+;base64,([A-Za-z0-9+/=\s]+)")


def output_differences(
    before: NotebookNode, now: NotebookNode, tolerances: Tolerances, *, contents: bool = True
) -> list[str]:
    """What cells show in one run and not in the other.

    Parameters
    ----------
    before, now : NotebookNode
        Two runs of the same cells.
    tolerances : Tolerances
        A notebook and a cell of it may have their own, in their metadata ``cifviz.check``.
    contents : bool
        Whether outputs of one kind are compared, or their kinds alone.

    Returns
    -------
    list of str
        At most one sentence for each cell; it begins with the number of the cell. Cells tagged
        `IGNORED` are not compared, nor those that hold no sign of a run.
    """
    tolerances = tolerances.changed_by(before.metadata)
    found = []
    for number, (old, new) in enumerate(zip(before.cells, now.cells, strict=True)):
        if is_compared(old):
            own = tolerances.changed_by(old.metadata)
            difference = cell_difference(old, new, own, contents=contents)
            found += [f"cell {number}{difference}"] if difference else []
    return found


def is_compared(cell: NotebookNode) -> bool:
    """Whether the outputs of a cell are something that a new run can be compared with."""
    was_run = cell.get("execution_count") is not None or bool(cell.get("outputs"))
    return is_run(cell) and was_run and IGNORED not in tags(cell)


def cell_difference(
    before: NotebookNode, now: NotebookNode, tolerances: Tolerances, *, contents: bool = True
) -> str:
    """The first difference between the outputs of two runs of a cell; empty if there is none."""
    old, new = _outputs(before), _outputs(now)
    if (kinds := _kinds(old)) != _kinds(new):
        return f" shows {_kinds(new) or 'nothing'}, expected {kinds or 'nothing'}{_why(old, new)}"
    for one, other in zip(old, new, strict=True) if contents else ():
        for what, difference in output_difference(one, other, tolerances):
            return f", {what}: {difference}"
    return ""


def output_difference(
    before: NotebookNode, now: NotebookNode, tolerances: Tolerances
) -> Iterator[tuple[str, str]]:
    """Differences between two outputs of one kind, each with what it is found in."""
    if before.output_type == "stream":
        parts = [(before.name, text_difference(before.text, now.text, tolerances))]
    elif before.output_type == "error":
        old, new = (f"{output.ename}: {output.evalue}" for output in (before, now))
        parts = [("error", text_difference(old, new, tolerances))]
    elif RECORD in before.data:  # its numbers have tolerances of their own
        parts = []
    else:
        parts = [
            (kind, data_difference(kind, before.data[kind], now.data[kind], tolerances))
            for kind in sorted(before.data)
        ]
    yield from ((what, difference) for what, difference in parts if difference)


def data_difference(kind: str, before: Any, now: Any, tolerances: Tolerances) -> str:
    """How two representations of one media type differ; empty if they do not.

    Parameters
    ----------
    kind : str
        A media type. Text, tables and words in HTML, JSON, SVG and pictures are compared; what is
        of another kind, such as a sound or a program, never differs.
    before, now : str or what JSON holds
        Values as a notebook keeps them.
    tolerances : Tolerances
        Of numbers and pixels.
    """
    if before == now or kind == WIDGET_VIEW:
        return ""
    if kind == "application/json" or kind.endswith("+json"):
        return json_difference(before, now, tolerances)
    old, new = str(before), str(now)
    if kind == "text/html":
        return html_difference(old, new, tolerances) or _embedded_difference(old, new, tolerances)
    if kind == "image/svg+xml":
        return svg_difference(old, new, tolerances)
    if kind.startswith("image/"):
        return picture_difference(old, new, tolerances.pixels)
    return text_difference(old, new, tolerances) if kind.startswith("text/") else ""


def _embedded_difference(before: str, now: str, tolerances: Tolerances) -> str:
    """How the pictures inside two pieces of HTML differ."""
    old, new = (_EMBEDDED.findall(html) for html in (before, now))
    if len(old) != len(new):
        return f"expected {len(old)} pictures in it, got {len(new)}"
    pairs = zip(old, new, strict=True)
    return next(filter(None, (picture_difference(*pair, tolerances.pixels) for pair in pairs)), "")


def _outputs(cell: NotebookNode) -> list[NotebookNode]:
    """The outputs of a cell: what went to one stream in one piece, streams first.

    Where a stream is cut, and which of two streams is written to first, is chance.
    """
    streams: dict[str, str] = {}
    others = []
    for output in cell.get("outputs", ()):
        if output.output_type == "stream":
            streams[output.name] = streams.get(output.name, "") + output.text
        else:
            others.append(output)
    pieces = [
        NotebookNode(output_type="stream", name=name, text=text)
        for name, text in sorted(streams.items(), reverse=True)
        if text.strip()
    ]
    return [*pieces, *others]


def _kinds(outputs: list[NotebookNode]) -> str:
    """What a cell shows: names of streams and types of data, in their order."""
    return ", ".join(
        output.get("name") or "+".join(sorted(output.get("data", ()))) or output.output_type
        for output in outputs
    )


def _why(before: list[NotebookNode], now: list[NotebookNode]) -> str:
    """The first line of an error or a warning that one of two runs has alone."""
    for which, outputs, others in (("it", now, before), ("the stored one", before, now)):
        seen = [_kinds([output]) for output in others]
        for output in outputs:
            text = output.get("text") or f"{output.get('ename')}: {output.get('evalue')}"
            if _kinds([output]) in ("stderr", "error") and _kinds([output]) not in seen:
                lines = text.strip().splitlines()
                return f"; {which} says: {lines[0][:100] if lines else ''}"
    return ""
