"""Published results: JSON files, each with the command that made it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cifviz.errors import DataError, require
from cifviz.formats import read_json, write_json
from cifviz.resources import check_target


def read_results(folder: Path) -> list[dict[str, Any]]:
    """What all published runs measured, in the order of their names.

    Raises
    ------
    DataError
        If there is none, or one is not what `cifviz train` writes.
    """
    results = [read_result(path) for path in sorted(folder.glob("*.json"))]
    require(bool(results), f"expected results (*.json) in {folder}, found none", DataError)
    return results


def read_result(path: Path) -> dict[str, Any]:
    """One result.

    Raises
    ------
    DataError
        If the file is not what `run` writes.
    """
    result = read_json(path)
    needed = {"recipe", "variant", "seed", "leave_out", "fit", "recordings", "versions", "history"}
    missing = needed - set(result if isinstance(result, dict) else ())
    require(not missing, f"{path} is no result of `cifviz train`: no {sorted(missing)}", DataError)
    return dict(result)


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
    return write_json(path, dict(result), overwrite=True)


def check_result(path: Path, command: str) -> None:
    """Raise unless nothing stands at `path`, or a result of the same command.

    Commands are the same up to their first option: ``cifviz train digits``.

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
    same = isinstance(made, str) and made.split(" --")[0] == command.split(" --")[0]
    require(same, f"{path} is no result of `{command}`, and is left as it is", DataError)
