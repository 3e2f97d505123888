"""Reading published results: one JSON file for each run of a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cifviz.errors import DataError, require
from cifviz.speech.formats import read_json


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
