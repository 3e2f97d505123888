"""Tables for notebooks."""

from __future__ import annotations

from collections.abc import Sequence

from cifviz.notebooks.cell_output import emit
from cifviz.text_tables import markdown_table, text_table


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Show a table in a notebook: Markdown where that is rendered, aligned text elsewhere.

    Parameters
    ----------
    header : sequence of str (columns,)
        Names of the columns, with units.
    rows : sequence of rows
        A row has one value for each column; numbers are best formatted by the caller.
    """
    cells = [[str(cell) for cell in row] for row in rows]
    emit({"text/markdown": markdown_table(header, cells), "text/plain": text_table(header, cells)})
