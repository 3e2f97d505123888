"""Results as files: compact JSON, each with the command that made it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cifviz.errors import DataError, require
from cifviz.formats import read_json, write_json
from cifviz.published import current_command
from cifviz.resources import check_target


def keep_result(path: Path, result: Mapping[str, Any]) -> Path:
    """Write what a command measured, in place of what the same command measured before.

    Parameters
    ----------
    path : Path
        Where to write; its folder is made if it is not there.
    result : mapping
        What JSON can hold, with the command line under "command".

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    DataError
        If anything else stands there; it is left as it is.
    """
    check_result(path, result["command"])
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_result(path, result)


def write_result(path: Path, result: Mapping[str, Any]) -> Path:
    """Write a result as all of them are written: in one line."""
    return write_json(path, dict(result), overwrite=True, compact=True)


def check_result(path: Path, command: str) -> None:
    """Raise unless nothing stands at `path`, or a result of the same command.

    Commands are the same up to their first option: ``python -m experiments train digits``.

    Raises
    ------
    DataError
        If anything else stands there.
    """
    check_target(path, overwrite=True)
    if not path.exists():
        return
    try:
        found = read_json(path)
    except DataError:
        found = None
    made = found.get("command") if isinstance(found, dict) else None
    same = isinstance(made, str) and _without_options(made) == _without_options(command)
    require(same, f"{path} is no result of `{command}`, and is left as it is", DataError)


def _without_options(command: str) -> str:
    return current_command(command).split(" --")[0]
