"""What a run of a notebook used of this project: library code, data files, versions.

A build keeps `run_inputs` in the metadata of the notebook. `changed_inputs` names what is different
today. **The rule**: a change of library code or data makes a notebook *stale*, which
``cifviz notebooks list`` shows with the names of the files. It is not yet an error, since most
changes of code leave the numbers as they are: a new run decides. `cifviz.notebooks.verification`
runs the notebook again and compares its records; where they differ, the complaint names what
changed. Other versions of Python, torch or numpy are named and are never an error by themselves.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import cifviz

ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds the package `cifviz`; in a clone ``data`` lies beside it."""

KEY = "ran_with"
"""Where the metadata of a notebook keep it, below "cifviz"."""

GROUPS = {"library": "cifviz/", "data": "data/"}
"""What is watched, and where it lies below `ROOT`."""
NAMES = {"library": "library code changed", "data": "data changed"}
PACKAGES = ("torch", "numpy")
"""Third-party packages whose versions are kept."""
DIGITS = 8
"""Of a digest: enough to notice a change, and short."""
MOST_NAMED = 4
"""Files that a sentence names."""

UNSEEN = ".safetensors"
"""Files that are read by native code, where Python's audit hooks do not notice it."""


def used_files(opened: Iterable[str], root: Path = ROOT) -> list[str]:
    """Which files of the project a run used, given the paths that its kernel opened.

    Parameters
    ----------
    opened : iterable of str
        Absolute paths. The cache of a compiled module stands for its source; a file of
        `UNSEEN` kind counts as used when a file beside it was opened, such as the
        ``config.json`` of a model.
    root : Path
        Where the package and its data are.

    Returns
    -------
    list of str
        Sorted paths relative to `root`, with slashes.
    """
    found = set()
    for path in map(Path, opened):
        if not path.is_relative_to(root):
            continue
        if path.parent.name == "__pycache__":
            path = path.parents[1] / f"{path.name.partition('.')[0]}.py"
        found.add(path)
        if path.is_relative_to(root / GROUPS["data"]):
            found |= {file for file in path.parent.iterdir() if file.suffix == UNSEEN}
    names = (path.relative_to(root).as_posix() for path in found if path.is_file())
    return sorted(name for name in names if name.startswith(tuple(GROUPS.values())))


def run_inputs(files: Iterable[str], root: Path = ROOT) -> dict[str, Any]:
    """Digests of files and versions of packages, as a notebook keeps them.

    Parameters
    ----------
    files : iterable of str
        What `used_files` returned.
    root : Path
        Where the package and its data are.

    Returns
    -------
    dict
        "versions" by package; "library" and "data": a short digest by path.
    """
    kept: dict[str, Any] = {group: {} for group in GROUPS}
    for name in files:
        group = next(group for group, folder in GROUPS.items() if name.startswith(folder))
        kept[group][name] = file_digest(root / name)
    return {**kept, "versions": versions()}


def changed_inputs(kept: Mapping[str, Any], root: Path = ROOT) -> list[str]:
    """What changed since a notebook was run, one sentence for each group of files.

    Parameters
    ----------
    kept : mapping
        What `run_inputs` returned then; an empty one names nothing.
    root : Path
        Where the package and its data are.
    """
    found = []
    for group in GROUPS:
        before = kept.get(group, {})
        names = [name for name, digest in before.items() if file_digest(root / name) != digest]
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        if names:
            found.append(f"{NAMES[group]}: {', '.join(names[:MOST_NAMED])}{more}")
    return found


def other_versions(kept: Mapping[str, Any]) -> list[str]:
    """Packages that have another version than when a notebook was run, one sentence each."""
    now = versions()
    return [
        f"it was run with {name} {before}, this is {now.get(name, 'none')}"
        for name, before in kept.get("versions", {}).items()
        if now.get(name) != before
    ]


def versions() -> dict[str, str]:
    """Versions that a run depends on: Python as major.minor, packages without local parts."""
    found = {"python": f"{sys.version_info.major}.{sys.version_info.minor}"}
    found["cifviz"] = cifviz.__version__
    for name in PACKAGES:
        try:
            found[name] = version(name).partition("+")[0]
        except PackageNotFoundError:
            continue
    return found


def file_digest(path: Path) -> str:
    """A short digest of a file; empty if there is none. Line ends of text do not count."""
    try:
        content = path.read_bytes()
    except OSError:
        return ""
    if b"\0" not in content:
        content = content.replace(b"\r\n", b"\n")
    return hashlib.sha256(content).hexdigest()[:DIGITS]
