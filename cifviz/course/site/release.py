"""Packs the course into one archive:  cifviz notebooks release [--out build].

The site to read, the sources with the notebooks to work on, and the library as a wheel. Two
releases of the same files are the same bytes.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import cifviz
from cifviz.course.site.build_site import render
from cifviz.errors import DataError, require
from cifviz.notebooks.run_inputs import ROOT
from cifviz.resources import check_target, write_atomically

README = """\
To read: open site/index.html in a browser; it needs no network.
To work: in source, run "python tasks.py lab" (Python 3.11 or newer; at first with a network).
To use the library alone: pip install {wheel}
"""

MOMENT = (1980, 1, 1, 0, 0, 0)
"""When every file of the archive was made, as far as it says."""


def release(out: Path, root: Path = ROOT) -> str:
    """Make ``cifviz-course-VERSION.zip`` and say how large it is: ``cifviz notebooks release``.

    Parameters
    ----------
    out : Path
        Folder for the archive; made if needed.
    root : Path
        Of the repository.

    Raises
    ------
    DataError
        As `contents` does; also if something else than such an archive stands in its place.
    """
    name = f"cifviz-course-{cifviz.__version__}"
    path = out / f"{name}.zip"
    check_target(path, overwrite=True)
    ours = not path.exists() or _is_archive(path, name)
    require(ours, f"{path} is no archive of the course, and is left as it is", DataError)
    files = contents(root)
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda part: write_archive(part, files, folder=name), overwrite=True)
    return f"{path}: {len(files)} files, {path.stat().st_size / 1e6:.1f} MB"


def _is_archive(path: Path, folder: str) -> bool:
    """Whether a file is an archive of everything in one folder."""
    try:
        with zipfile.ZipFile(path) as archive:
            return all(name.startswith(f"{folder}/") for name in archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def contents(root: Path = ROOT) -> dict[str, bytes]:
    """What goes into the archive, by path.

    Parameters
    ----------
    root : Path
        Of the repository. What hatchling packs as its sources is packed: all but what git ignores.

    Raises
    ------
    DataError
        If the site or the packages cannot be built.
    """
    files = {f"site/{place}": text.encode() for place, text in render(root).items()}
    with tempfile.TemporaryDirectory(prefix="cifviz-release-") as folder:
        command = [sys.executable, "-m", "hatchling", "build", "--directory", folder]
        built = subprocess.run(command, cwd=root, capture_output=True, text=True)
        require(built.returncode == 0, f"hatchling failed:\n{built.stderr.strip()}", DataError)
        (wheel,) = Path(folder).glob("*.whl")
        (sources,) = Path(folder).glob("*.tar.gz")
        files[wheel.name] = wheel.read_bytes()
        files["README.txt"] = README.format(wheel=wheel.name).encode()
        with tarfile.open(sources) as archive:
            for member in archive.getmembers():
                inner = member.name.partition("/")[2]
                content = archive.extractfile(member) if member.isfile() else None
                if content is None:
                    raise DataError(f"{inner} is no plain file")
                files[f"source/{inner}"] = content.read()
    return files


def write_archive(path: Path, files: Mapping[str, bytes], *, folder: str) -> None:
    """Write a zip archive, the same bytes for the same files.

    Parameters
    ----------
    path : Path
        Of the archive.
    files : mapping of str to bytes
        What to pack, by path.
    folder : str
        Everything is unpacked into this one.

    Raises
    ------
    DataError
        If a path would lead out of it, or two differ in case alone.

    Examples
    --------
    >>> write_archive(Path("x.zip"), {"../a": b""}, folder="x")
    Traceback (most recent call last):
    ...
    cifviz.errors.DataError: no path for an archive: '../a'
    """
    names = sorted(files)
    for name in names:
        parts = name.split("/")
        safe = not set(parts) & {"", ".", ".."} and not set(name) & set('\\:*?"<>|\0')
        require(safe, f"no path for an archive: {name!r}", DataError)
    twins = len(names) - len({name.casefold() for name in names})
    require(not twins, "two paths differ in case alone", DataError)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in names:
            info = zipfile.ZipInfo(f"{folder}/{name}", MOMENT)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # whatever system makes it
            info.external_attr = 0o100644 << 16
            archive.writestr(info, files[name])
