"""The parameters of a notebook: what papermill, or a test, may set before it is run."""

from __future__ import annotations

import ast
from typing import Any

from nbformat import NotebookNode

from cifviz.errors import DataError
from cifviz.notebooks.reader import tags


def read_parameters(notebook: NotebookNode) -> dict[str, Any]:
    """Names and values in the cells tagged "parameters": plain assignments of constants.

    Raises
    ------
    DataError
        If anything else stands there: papermill could not replace it.

    Examples
    --------
    >>> cell = {"cell_type": "code", "source": "seed = 0", "metadata": {"tags": ["parameters"]}}
    >>> from nbformat import from_dict
    >>> read_parameters(from_dict({"cells": [cell]}))
    {'seed': 0}
    """
    found: dict[str, Any] = {}
    for cell in notebook.cells:
        if "parameters" in tags(cell):
            for statement in _statements(cell.source):
                name, value = _assignment(statement)
                found[name] = value
    return found


def _statements(source: str) -> list[ast.stmt]:
    try:
        return ast.parse(source).body
    except SyntaxError as error:
        line = error.lineno or 1
        raise DataError(f"the parameters are not Python, line {line}") from error
    except (ValueError, RecursionError, MemoryError) as error:  # a null byte, deep nesting
        raise DataError("the parameters are not Python") from error


def _assignment(statement: ast.stmt) -> tuple[str, Any]:
    message = f"expected a parameter as name = constant, got: {ast.unparse(statement)}"
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)]):
            try:
                return name, ast.literal_eval(statement.value)
            except ValueError as error:
                raise DataError(message) from error
    raise DataError(message)
