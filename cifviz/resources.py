"""Finds what ships with the library, reads what users name, writes files whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from cifviz.errors import CIFError, DataError, require, shown

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


def read_file(
    path: str | Path, what: str, error: type[CIFError] = DataError, *, at_most: int | None = None
) -> bytes:
    """Read a file that a user names: its content, or one error.

    Parameters
    ----------
    path : str or Path
        The file. Folders, pipes and devices are refused without being opened.
    what : str
        What it should be ("TextGrid"), for messages.
    error : type of CIFError
        What to raise.
    at_most : int, optional
        Size that it may have, in bytes; no more is read.

    Raises
    ------
    CIFError
        Of the type `error`, if there is no such file, it cannot be read or it is larger.

    Examples
    --------
    >>> read_file("nowhere.TextGrid", "TextGrid")
    Traceback (most recent call last):
    ...
    cifviz.errors.DataError: no such TextGrid: nowhere.TextGrid
    """
    if not isinstance(path, str | os.PathLike):
        raise error(f"expected the path of a {what}, got {shown(path)}")
    path = Path(path)
    try:
        is_file, is_there = path.is_file(), path.exists()
        require(is_file or not is_there, f"expected a {what}, {path} is not a file", error)
        require(is_file, f"no such {what}: {path}", error)
        with path.open("rb") as file:
            content = file.read() if at_most is None else file.read(at_most + 1)
    except OSError as problem:
        raise error(f"cannot read the {what} {path}: {problem.strerror}") from problem
    require(
        at_most is None or len(content) <= at_most,
        f"the {what} {path} is larger than {at_most} bytes",
        error,
    )
    return content


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
