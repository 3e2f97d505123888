"""Tables as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table: its heads, a rule, and a line for each row.

    >>> print(markdown_table(["set", "errors %"], [["dev", 1.5]]))
    | set | errors % |
    |---|---|
    | dev | 1.5 |
    """
    lines = [f"| {' | '.join(map(str, cells))} |" for cells in (heads, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(heads), *lines[1:]])
