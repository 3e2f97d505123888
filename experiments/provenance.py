"""Where a result comes from: which code and which data."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from cifviz.corpora.corpus_registry import corpus_folder


def commit() -> str | None:
    """The commit of a clone that the library runs from, "-dirty" if changed; None elsewhere."""
    here = Path(__file__)
    try:
        # An environment inside somebody's own repository is not a clone of this one.
        _git(here.parent, "ls-files", "--error-unmatch", here.name)
        return _git(here.parent, "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
    except (OSError, subprocess.CalledProcessError):  # no git here, or no clone
        return None


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def checksum(corpus: str) -> str:
    """SHA-256 of a data set: of the names and contents of all its files, in order.

    Raises
    ------
    DataError
        If the data set is missing.
    """
    folder = corpus_folder(corpus)
    found = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        found.update(f"{path.relative_to(folder).as_posix()}\0{path.stat().st_size}\0".encode())
        found.update(path.read_bytes())
    return found.hexdigest()
