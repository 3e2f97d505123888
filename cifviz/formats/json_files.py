"""Plain values as JSON, read strictly."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any, NoReturn

from cifviz.alignment.timed_tokens import Alignment
from cifviz.errors import DataError, require, shown
from cifviz.resources import read_file, write_atomically

_SURROGATE = re.compile("[\ud800-\udfff]")


def write_json(
    path: str | Path, value: Any, *, overwrite: bool = False, compact: bool = False
) -> Path:
    r"""Write what JSON can hold: UTF-8, keys sorted, so that equal values make equal files.

    Parameters
    ----------
    path : str or Path
        Where to write.
    value : mapping, sequence, str, number, bool or None
        An `Alignment` becomes a list of objects with token, start, end and score. Half of a
        surrogate pair, which UTF-8 cannot hold, is written as an escape, ``\udXXX``.
    overwrite : bool
        Whether a file that is there may be replaced, in one step.
    compact : bool
        Whether all is in one line, without spaces.

    Raises
    ------
    DataError
        If something cannot be written as JSON, NaN and infinity included, the folder does not
        exist, or a file is there that may not be replaced.
    """
    try:
        text = json.dumps(
            value,
            ensure_ascii=False,
            indent=None if compact else 1,
            separators=(",", ":") if compact else None,
            sort_keys=True,
            allow_nan=False,
            default=_plain,
        )
    except DataError as error:
        raise DataError(f"{path}: cannot be written as JSON: {error}") from error
    except (TypeError, ValueError, RecursionError) as error:
        raise DataError(
            f"{path}: cannot be written as JSON: expected finite numbers, texts, true, false and "
            "null in lists and in objects with texts as keys, none within itself or nested too deep"
        ) from error
    # Outside of texts JSON is ASCII, so what is replaced is part of a text.
    text = _SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", text)
    # Line ends are the same everywhere, so that equal values make equal files.
    content = (text + "\n").encode("utf-8")
    return write_atomically(path, lambda part: part.write_bytes(content), overwrite=overwrite)


def read_json(path: str | Path, *, at_most: int | None = None) -> Any:
    """Read a JSON file.

    Parameters
    ----------
    path : str or Path
        In UTF-8, with or without a byte order mark.
    at_most : int, optional
        Size that the file may have, in bytes.

    Raises
    ------
    DataError
        If the file cannot be read or is larger, or is not JSON: also if a number is not finite, an
        object has a key twice, or it is nested too deep.
    """
    data = read_file(path, "JSON file", DataError, at_most=at_most)
    try:
        return json.loads(
            data.decode("utf-8-sig"),
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_integer,
            object_pairs_hook=_object,
        )
    except UnicodeDecodeError as error:
        problem = f"byte {error.start} is not UTF-8"
    except json.JSONDecodeError as error:
        problem = f"line {error.lineno}, column {error.colno} is not JSON"
    except RecursionError:
        problem = "it is nested too deep"
    except DataError as error:
        problem = str(error)
    raise DataError(f"expected JSON in UTF-8, cannot read {path}: {problem}")


def _plain(value: Any) -> Any:
    """The JSON of a value that JSON does not know."""
    if isinstance(value, Alignment):
        return [
            {"token": token.token, "start": token.start, "end": token.end, "score": token.score}
            for token in value
        ]
    raise DataError(f"{type(value).__name__} is not a JSON type")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, if it has no key twice."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        require(key not in found, f"the key {shown(key)} occurs twice in an object", DataError)
        found[key] = value
    return found


def _finite(digits: str) -> float:
    value = float(digits)
    require(math.isfinite(value), f"the number {shown(digits)} is too large", DataError)
    return value


def _integer(digits: str) -> int:
    # As a float it would be infinite: neither a time nor a size.
    require(len(digits) <= 308, f"the number {shown(digits)} is too large", DataError)
    return int(digits)


def _refuse_constant(name: str) -> NoReturn:
    raise DataError(f"{name} is not a number of JSON")
