"""The table of intervals of word edges, for the study and the model card."""

from __future__ import annotations

from typing import Any

from cifviz.text_tables import markdown_table


def interval_table(result: dict[str, Any]) -> str:
    """Share of edges in their intervals, and how wide these are."""
    heads = [
        "set",
        "edges",
        "onsets in their interval",
        "width, median",
        "offsets",
        "width, median",
    ]
    heads.append("error where narrow / medium / wide")
    rows = []
    for name, found in result["sets"].items():
        onset, offset = found["onset"], found["offset"]
        cells = [name, onset["edges"] + offset["edges"]]
        for side in (onset, offset):
            cells += [f"{100 * side['covered']:.1f} %", f"{1000 * side['width']:.0f} ms"]
        thirds = zip(onset["error_by_width"], offset["error_by_width"], strict=True)
        cells.append(" / ".join(f"{500 * (one + other):.0f}" for one, other in thirds) + " ms")
        rows.append(cells)
    return f"Intervals of {100 * result['level']:g} %.\n\n" + markdown_table(heads, rows)
