"""Tables of texts: aligned columns for a terminal, and Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as plain text, columns two spaces apart and aligned on the left.

    Parameters
    ----------
    header : sequence of str (columns,)
    rows : sequence of sequences of str (rows, columns)
        See `flush_right` for columns of numbers.

    Returns
    -------
    str
        Lines without a line end behind the last one, and without spaces at their ends.

    Examples
    --------
    >>> print(text_table(["token", "end s"], [["one", "0.50"]]))
    token  end s
    one    0.50
    """
    columns = [flush_left(column) for column in zip(header, *rows, strict=True)]
    return "\n".join("  ".join(line).rstrip() for line in zip(*columns, strict=True))


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown; a vertical bar in a cell is escaped.

    Parameters
    ----------
    header : sequence of str (columns,)
    rows : iterable of sequences (columns,)
        Texts, or what ``str`` makes texts of.

    Examples
    --------
    >>> print(markdown_table(["token", "end s"], [["one", 0.5]]))
    | token | end s |
    |---|---|
    | one | 0.5 |
    """
    first, *others = (
        f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in line)} |"
        for line in (header, *rows)
    )
    return "\n".join([first, "|" + "---|" * len(header), *others])


def flush_left(cells: Sequence[str]) -> list[str]:
    """Texts of one width, spaces behind them.

    >>> flush_left(["a", "bcd"])
    ['a  ', 'bcd']
    """
    width = max(map(len, cells), default=0)
    return [cell.ljust(width) for cell in cells]


def flush_right(cells: Sequence[str]) -> list[str]:
    """Texts of one width, spaces before them: a column of numbers.

    >>> flush_right(["1", "100"])
    ['  1', '100']
    """
    width = max(map(len, cells), default=0)
    return [cell.rjust(width) for cell in cells]
