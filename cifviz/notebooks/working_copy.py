"""A temporary copy of the folder of a notebook, in which a run may change files."""

from __future__ import annotations

import os
import shutil
import stat
from collections import deque
from contextlib import suppress
from pathlib import Path

LARGEST = 200_000_000
"""Bytes that are copied; the files beyond them are linked."""
MOST = 5_000
"""Files and folders that are copied; those beyond them are linked."""
LEVELS = 3
"""Folders above that a relative path finds: ``../../../data``."""


def working_copy(folder: Path, temporary: Path) -> Path:
    """Make a copy of a folder in which relative paths lead to what they lead to in the folder.

    Parameters
    ----------
    folder : Path
        It is not changed. Its files are copied, those nearest to it first, up to `LARGEST` bytes
        and `MOST` entries. Further files, what is no file or cannot be read, and the entries of
        the `LEVELS` folders above it are linked.
    temporary : Path
        An empty folder to make the copy in.

    Returns
    -------
    Path
        The copy.
    """
    folder = folder.resolve()
    above = list(folder.parents)[:LEVELS]
    copy = temporary / folder.relative_to(above[-1] if above else folder)
    copy.mkdir(parents=True, exist_ok=True)
    _copy(folder, copy)
    inner = copy
    for outer in above:
        inner = inner.parent
        for entry in _entries(outer)[:MOST]:
            if not temporary.is_relative_to(entry.path):  # or a walk through it would not end
                _link(entry.path, inner / entry.name)
    return copy


def _copy(folder: Path, copy: Path) -> None:
    """Copy a folder within the limits, breadth first, and link what is beyond them."""
    bytes_left, entries_left = LARGEST, MOST
    waiting = deque([folder])
    while waiting:
        here = waiting.popleft()
        for entry in _entries(here):
            place = copy / Path(entry.path).relative_to(folder)
            try:
                kind = entry.stat(follow_symlinks=False)
            except OSError:  # it is gone since it was listed
                continue
            entries_left -= 1
            if entries_left >= 0 and stat.S_ISDIR(kind.st_mode):
                place.mkdir()
                waiting.append(Path(entry.path))
            elif entries_left >= 0 and stat.S_ISREG(kind.st_mode) and kind.st_size <= bytes_left:
                bytes_left -= kind.st_size
                _copy_file(entry.path, place, kind.st_mode)
            elif stat.S_ISLNK(kind.st_mode):
                _link(_target(Path(entry.path), folder, copy), place)
            else:
                _link(entry.path, place)


def _copy_file(source: str, place: Path, mode: int) -> None:
    """Copy a file; the copy of a read-only one may be written to."""
    try:
        shutil.copyfile(source, place)
        place.chmod(stat.S_IMODE(mode) | stat.S_IWUSR)
    except OSError:  # it may not be read, or the disk is full
        place.unlink(missing_ok=True)
        _link(source, place)


def _target(link: Path, folder: Path, copy: Path) -> str:
    """Where a link in the folder leads, from the copy: within the folder, within the copy too."""
    found = Path(os.path.realpath(link))
    return str(copy / found.relative_to(folder) if found.is_relative_to(folder) else found)


def _link(target: str, place: Path) -> None:
    with suppress(OSError):  # it is there already, or this system has no links, and it is missing
        place.symlink_to(target, target_is_directory=os.path.isdir(target))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder, in order; nothing if it cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []
