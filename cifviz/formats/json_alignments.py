"""Alignments as JSON: an object with the duration, the names of the tiers, and a list for each.

A tier is a list of objects with token, start, end and score. Details, such as the name of the
model, are further entries of the object. ``alignment.schema.json``, beside this module, is the JSON
Schema of such a file, and "schema" names its version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import CIFError, DataError, require, require_number, shown
from cifviz.formats.json_files import read_json, write_json
from cifviz.formats.timed_entries import LARGEST, named_tiers

DURATION, TIERS, SCHEMA = "duration", "tiers", "schema"
VERSION = "cifviz-alignment-1"
"""What `SCHEMA` is in a file; the number grows when an older reader would go wrong."""
SCHEMA_FILE = Path(__file__).with_name("alignment.schema.json")
"""The JSON Schema of a file (draft 2020-12)."""


def write(
    path: str | Path,
    tiers: Alignment | Mapping[str, Alignment],
    duration: float,
    *,
    details: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write alignments and details; see `cifviz.formats.write_alignments`.

    Raises
    ------
    DataError
        If two entries have one name, something cannot be written as JSON, or the file cannot be
        written.
    """
    given = named_tiers(tiers)
    seconds = require_number("duration", duration, at_least=0, error=DataError)
    content: dict[str, Any] = {SCHEMA: VERSION, DURATION: seconds, TIERS: list(given)}
    for name, value in (*given.items(), *(details or {}).items()):
        require(name not in content, f"{path}: {shown(name)} is the name of two entries", DataError)
        content[name] = value
    return write_json(path, content, overwrite=overwrite)


def read(path: str | Path) -> dict[str, Alignment]:
    """The tiers that `write` wrote; a list of tokens alone is the tier "words".

    Raises
    ------
    DataError
        If the file cannot be read, or is something else.
    """
    content = read_json(path, at_most=LARGEST)
    if isinstance(content, list):
        content = {TIERS: ["words"], "words": content}
    version = content.get(SCHEMA, VERSION) if isinstance(content, dict) else VERSION
    require(
        version == VERSION,
        f"expected the schema {VERSION!r}, cannot read {path}: it has {shown(version)}",
        DataError,
    )
    names = content.get(TIERS) if isinstance(content, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataError(
            f"expected a list of tokens, or an object with the names of its tiers in {TIERS!r}, "
            f"cannot read {path}"
        )
    try:
        return {name: alignment_from_json(content.get(name)) for name in names}
    except DataError as error:
        raise DataError(f"cannot read {path}: {error}") from error


def alignment_from_json(value: Any) -> Alignment:
    """The `Alignment` that `write_json` wrote, untimed tokens included.

    Parameters
    ----------
    value : list of dict
        Each with "token" and, if they are known, "start", "end" and "score".

    Raises
    ------
    DataError
        If it is something else, or no `Alignment`: tokens without one of two times, out of order …

    Examples
    --------
    >>> alignment_from_json([{"token": "uh", "start": None, "end": None, "score": None}]).text
    'uh'
    """
    known = {field.name for field in fields(TimedToken)}
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    for index, token in enumerate(value if is_list else [value]):
        if not is_list or not isinstance(token, Mapping) or not {"token"} <= token.keys() <= known:
            raise DataError(
                "expected a list of objects with token, start, end and score, "
                f"got {shown(token)}" + (f" as number {index}" if is_list else "")
            )
    try:
        return Alignment(tuple(TimedToken(**token) for token in value))
    except CIFError as error:
        raise DataError(f"expected the tokens of an alignment: {error}") from error
