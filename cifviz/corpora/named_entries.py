"""Lists of what ships with the library: a JSON file with an object for each clip or recording."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cifviz.errors import DataError
from cifviz.formats import read_json


def read_entries(path: Path) -> dict[str, dict[str, Any]]:
    """The objects of a list, by their "name", in the order of the file.

    Raises
    ------
    DataError
        If the file cannot be read, or is no list of objects with names.

    Examples
    --------
    >>> from cifviz.resources import resource
    >>> read_entries(resource("clips") / "clips.json")["digits_three"]["tokens"]
    ['three', 'one', 'four']
    """
    listed = read_json(path)
    try:
        return {entry["name"]: entry for entry in listed}
    except (KeyError, TypeError) as error:
        raise DataError(f"{path}: expected a list of objects, each with a name") from error
