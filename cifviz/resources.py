"""Finds what ships with the library, and writes files that are whole or not there at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from cifviz.errors import DataError, require

_PACKAGE = Path(__file__).resolve().parent


def resource(name: str) -> Path:
    """The folder `name` ("clips", "checkpoints" …) that ships with the library.

    A wheel carries it inside the package, in ``cifviz/_data``; a clone or an editable install keeps
    it beside the package, in ``data``.

    Raises
    ------
    DataError
        If it is in neither place.

    Examples
    --------
    >>> resource("clips").name
    'clips'
    """
    places = [_PACKAGE / "_data" / name, _PACKAGE.parent / "data" / name]
    for place in places:
        if place.is_dir():
            return place
    looked = " nor ".join(str(place) for place in places)
    raise DataError(f"expected the folder {name!r} that ships with cifviz, found neither {looked}")


def write_atomically(path: str | Path, writer: Callable[[Path], object]) -> Path:
    """Let `writer` write a temporary file beside `path`, then put it in place in one step.

    Parameters
    ----------
    path : str or Path
        Where the file shall be; its folder exists.
    writer : callable
        Given the path of the temporary file (which ends like `path`, as some libraries choose the
        format by it), writes it.

    Returns
    -------
    Path
        `path`. If `writer` raises, an older file there is untouched and nothing new is left behind.

    Raises
    ------
    DataError
        If the folder does not exist.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_atomically(Path(folder) / "a.txt", lambda part: part.write_bytes(b"b"))
    ...     path.read_text()
    'b'
    """
    path = Path(path)
    require(path.parent.is_dir(), f"no such folder to write in: {path.parent}", DataError)
    handle, name = tempfile.mkstemp(prefix=".", suffix="-part" + path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        writer(temporary)
        # mkstemp makes files that nobody else may read.
        temporary.chmod(0o666 & ~_umask())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _umask() -> int:
    """The process's umask; it can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
