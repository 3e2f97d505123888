"""The registry of named data sets: licence, attribution, official source, and where they lie.

Real recordings never ship with the library. They are looked for in the folder that the environment
variable ``CIFVIZ_DATA`` names, then in the cache that `fetch` fills.
"""

from __future__ import annotations

import gzip
import lzma
import os
import struct
import tarfile
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cifviz.errors import DataError, require, require_choice
from cifviz.resources import resource

DATA_VARIABLE = "CIFVIZ_DATA"
"""Environment variable that names the folder with the real data sets."""
LARGEST_UNPACKED = 8 << 30
"""Bytes that an archive may hold, unpacked."""
MOST_FILES = 100_000
"""Files and folders that an archive may hold."""

# What zipfile and tarfile raise where an archive is damaged, encrypted or packed in an unknown way.
_DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    EOFError,
    gzip.BadGzipFile,
    lzma.LZMAError,
    zlib.error,
    struct.error,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True)
class Archive:
    """A file at an official address."""

    url: str
    sha256: str | None = None
    """None: its checksum is not known here, and `fetch` warns that what came is not verified."""


@dataclass(frozen=True)
class DataSet:
    """Where a data set comes from, and under which terms."""

    name: str
    title: str
    licence: str
    attribution: str
    source: str
    """The official address, for people."""
    archives: tuple[Archive, ...] = ()
    """What `fetch` downloads; empty where there is nothing to download in a useful form."""
    ships: bool = False
    """Whether it comes with the library."""
    files: tuple[str, ...] = ()
    """What the readers need in the set's folder."""
    sound: tuple[str, ...] = ()
    """What else belongs there, as patterns."""


REGISTRY = {
    data_set.name: data_set
    for data_set in (
        DataSet(
            name="clips",
            title="Short utterances synthesised for this project, with word and phone times",
            licence="MIT",
            attribution="made by data/make_clips.py with eSpeak NG",
            source="data/clips in this repository",
            ships=True,
        ),
        DataSet(
            name="digits",
            title="Free Spoken Digit Dataset: speakers george, jackson, nicolas and yweweler",
            licence="CC BY-SA 4.0",
            attribution="Zohar Jackson et al., Free Spoken Digit Dataset",
            source="https://github.com/Jakobovski/free-spoken-digit-dataset",
            archives=(
                Archive(
                    "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/26eb9aa.tar.gz"
                ),
            ),
            files=("manifest.csv", "strings_train.csv", "strings_dev.csv", "strings_test.csv"),
            sound=("audio/*.flac",),
        ),
        DataSet(
            name="grid",
            title="GRID audiovisual sentence corpus, talker 1",
            licence="CC BY 4.0, as its users state",
            attribution="M. Cooke, J. Barker, S. Cunningham, X. Shao (2006), JASA 120(5)",
            source="https://zenodo.org/records/3625687",
            archives=(
                Archive("https://zenodo.org/records/3625687/files/s1.zip"),
                Archive("https://zenodo.org/records/3625687/files/alignments.zip"),
            ),
            files=("manifest.csv", "words.csv"),
            sound=("audio/*.flac",),
        ),
        DataSet(
            name="an4",
            title="CMU AN4, training part: 13 cepstra at 100 frames a second, without the sound",
            licence="BSD-style: free for any use, keep the notice",
            attribution="Copyright (c) 1991-2005 Carnegie Mellon University",
            source="http://www.speech.cs.cmu.edu/databases/an4/",
            files=("an4.dic", "manifest.csv", "mfcc13_100hz_f16.npz"),
        ),
        DataSet(
            name="human_aligned",
            title="14 utterances in English and Czech with word boundaries set by hand",
            licence="MIT or BSD-3-Clause, by utterance (in its manifest)",
            attribution="EMU demo database, praatIO, phonlab, rPraat, PolyglotDB: by utterance",
            source="the examples and tests of these tools, by utterance (in its manifest)",
            files=("manifest.csv", "words.csv"),
            sound=("audio/*.flac",),
        ),
    )
}
"""The data sets by name."""


def corpus_folder(name: str) -> Path:
    """The folder of a data set, ready to be read.

    Parameters
    ----------
    name : str
        A key of `REGISTRY`.

    Raises
    ------
    CIFError
        If there is no data set of that name.
    DataError
        If it is not found, or is found in another layout than the readers need.

    Examples
    --------
    >>> corpus_folder("clips").name
    'clips'
    """
    require_choice("data set", name, REGISTRY)
    data_set = REGISTRY[name]
    if data_set.ships:
        return resource(name)
    root = os.environ.get(DATA_VARIABLE)
    places = ([Path(root) / name] if root else []) + [_cache() / name]
    for place in places:
        if all((place / file).is_file() for file in data_set.files):
            return place
    needed = ", ".join((*data_set.files, *data_set.sound))
    looked = ", ".join(str(place) for place in places)
    official = _cache() / name / "official"
    if official.is_dir():
        hint = f"the official archives are in {official}, whose layout differs"
    elif data_set.archives:
        hint = f"cifviz.corpora.datasets.fetch({name!r}) downloads the official archives"
    else:
        hint = f"it is described at {data_set.source}"
    raise DataError(
        f"data set {name!r} not found: expected {needed} in one of: {looked}. "
        f"Set {DATA_VARIABLE} to the folder that holds {name}/; {hint}, "
        "and data/README.md tells how to lay them out"
    )


def fetch(name: str) -> Path:
    """Download a data set's official archives and unpack them; only ever at your request.

    Parameters
    ----------
    name : str
        A key of `REGISTRY`.

    Returns
    -------
    Path
        The unpacked official files, or the folder itself for what ships with the library. Official
        layouts differ from the one that the readers need: see data/README.md.

    Raises
    ------
    CIFError
        If there is no data set of that name.
    DataError
        If a download fails, or an archive is damaged or would write outside its folder.

    Notes
    -----
    An archive whose `Archive.sha256` is None is not verified: a warning says so, with the checksum
    of what came.
    """
    require_choice("data set", name, REGISTRY)
    data_set = REGISTRY[name]
    if data_set.ships:
        return resource(name)
    require(
        bool(data_set.archives),
        f"data set {name!r} has nothing to download in the form needed; it is described at "
        f"{data_set.source}",
        DataError,
    )
    official = _cache() / name / "official"
    if official.is_dir():
        return official
    import pooch

    official.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=official.parent) as folder:
        # Unpacked aside and moved at the end: an interrupted download leaves no half a data set.
        unpacked = Path(folder) / "official"
        for archive in data_set.archives:
            try:
                downloaded = pooch.retrieve(
                    archive.url,
                    known_hash=archive.sha256,
                    path=official.parent,
                    fname=archive.url.rsplit("/", 1)[-1],
                )
            except (OSError, ValueError) as error:
                raise DataError(f"cannot download {archive.url}: {error}") from error
            if archive.sha256 is None:
                warnings.warn(
                    f"{archive.url} is not verified: its checksum is not known here; the SHA-256 "
                    f"of what came is {pooch.file_hash(downloaded)}",
                    stacklevel=2,
                )
            try:
                unpack(Path(downloaded), unpacked)
            except DataError:
                Path(downloaded).unlink()  # it would be taken for the right one the next time
                raise
        os.replace(unpacked, official)
    return official


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip or tar archive that may hold anything; nothing is written outside `folder`.

    Plain files and folders are unpacked. Permissions, owners and times are not.

    Raises
    ------
    DataError
        If it is no archive, is damaged or encrypted, holds a link, a device or a path that leads
        out of `folder`, or more than `LARGEST_UNPACKED` bytes or `MOST_FILES` entries.
    """
    folder.mkdir(parents=True, exist_ok=True)
    left = LARGEST_UNPACKED
    try:
        for number, (name, content) in enumerate(_entries(archive)):
            target = folder / name
            require(
                target.resolve().is_relative_to(folder.resolve()) and "\\" not in name,
                f"{archive} holds a path that leads out of its folder: {name!r}",
                DataError,
            )
            require(number < MOST_FILES, f"{archive} holds more than {MOST_FILES} files", DataError)
            if content is None:
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with content, target.open("wb") as file:
                while piece := content.read(1 << 20):
                    left -= len(piece)
                    require(
                        left >= 0,
                        f"{archive} unpacks to more than {LARGEST_UNPACKED >> 30} GB",
                        DataError,
                    )
                    file.write(piece)
    except DataError:
        raise
    except _DAMAGE as error:
        raise DataError(
            f"cannot unpack {archive}: expected a whole zip or tar archive that is not encrypted"
        ) from error
    except OSError as error:
        raise DataError(f"cannot unpack {archive}: {error.strerror or error}") from error


def _entries(archive: Path) -> Iterator[tuple[str, IO[bytes] | None]]:
    """Name and content of each entry of an archive, None for a folder.

    Neither zipfile nor tarfile is let write: what they guard against differs between versions of
    Python.
    """
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            for info in opened.infolist():
                yield info.filename, None if info.is_dir() else opened.open(info)
        return
    with tarfile.open(archive) as opened:
        for member in opened:
            content = opened.extractfile(member) if member.isreg() else None
            require(
                member.isdir() or (content is not None and not member.issparse()),
                f"{archive} holds {member.name!r}, which is neither a plain file nor a folder",
                DataError,
            )
            yield member.name, content


def _cache() -> Path:
    """Where downloads are kept."""
    import pooch

    return Path(pooch.os_cache("cifviz"))
