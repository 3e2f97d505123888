"""The registry of named data sets: licence, attribution, official source, and location.

Real recordings never ship with the library. They are searched in the folder that the environment
variable ``CIFVIZ_DATA`` names, then in the cache that `fetch` fills.

>>> sorted(REGISTRY)
['an4', 'clips', 'digits', 'grid', 'human_aligned', 'prompts', 'samples']
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
    """None: its checksum is not known here, and `fetch` warns that the download is not verified."""


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
    """Downloaded by `fetch`; empty where no download has a useful form."""
    ships: bool = False
    """Whether it comes with the library."""
    files: tuple[str, ...] = ()
    """Needed by the readers in the set's folder."""
    sound: tuple[str, ...] = ()
    """Further files that belong there, as patterns."""


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
        DataSet(
            name="prompts",
            title="Telephone prompts by professional speakers in English and four other languages",
            licence="CC BY-SA 3.0 (en, es, fr), CC BY 3.0 (it, ru)",
            attribution="Allison Smith, June Wallack, Carlo Flora, Maxim Topal; Digium, Inc.",
            source="the Debian packages asterisk-core-sounds-*",
            files=("manifest.csv",),
            sound=("audio/*/*.opus",),
        ),
        DataSet(
            name="samples",
            title="16 short recordings in English, Spanish, Japanese and Mandarin",
            licence="public domain, CC0, CC BY 4.0 or alike, by recording (in its manifest)",
            attribution="by recording (in its manifest)",
            source="the examples and tests of speech tools, by recording (in its manifest)",
            files=("manifest.csv",),
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
        hint = f"cifviz.corpora.corpus_registry.fetch({name!r}) downloads the official archives"
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
    of the download.
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
    official.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=official.parent) as folder:
        # Unpacked aside and moved at the end: an interrupted download leaves no partial data set.
        unpacked = Path(folder) / "official"
        for archive in data_set.archives:
            downloaded = _download(archive, official.parent)
            try:
                unpack(downloaded, unpacked)
            except DataError:
                downloaded.unlink()  # or it would be taken for the right one the next time
                raise
        os.replace(unpacked, official)
    return official


def _download(archive: Archive, folder: Path) -> Path:
    """Download an archive to a folder, unless it is there; warn if it cannot be verified."""
    import pooch

    name = archive.url.rsplit("/", 1)[-1]
    try:
        path = pooch.retrieve(archive.url, known_hash=archive.sha256, path=folder, fname=name)
    except (OSError, ValueError) as error:
        raise DataError(f"cannot download {archive.url}: {error}") from error
    if archive.sha256 is None:
        warnings.warn(
            f"{archive.url} is not verified: its checksum is not known here; the SHA-256 "
            f"of the download is {pooch.file_hash(path)}",
            stacklevel=3,
        )
    return Path(path)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip or tar archive that may hold anything; nothing is written outside `folder`.

    Plain files and folders are unpacked. Permissions, owners and times are not.

    Raises
    ------
    DataError
        If it is no archive, is damaged or encrypted, holds a link, a device or a path that leads
        out of `folder`, or more than `LARGEST_UNPACKED` bytes or `MOST_FILES` entries.
    """
    too_large = f"{archive} unpacks to more than {LARGEST_UNPACKED >> 30} GB"
    folder.mkdir(parents=True, exist_ok=True)
    left = LARGEST_UNPACKED
    try:
        for number, (name, content) in enumerate(_entries(archive)):
            require(number < MOST_FILES, f"{archive} holds more than {MOST_FILES} files", DataError)
            target = _inside(folder, name, archive)
            if content is None:
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with content, target.open("wb") as file:
                while piece := content.read(1 << 20):
                    left -= len(piece)
                    require(left >= 0, too_large, DataError)
                    file.write(piece)
    except DataError:
        raise
    except _DAMAGE as error:
        raise DataError(
            f"cannot unpack {archive}: expected a whole zip or tar archive that is not encrypted"
        ) from error
    except OSError as error:
        raise DataError(f"cannot unpack {archive}: {error.strerror or error}") from error


def _inside(folder: Path, name: str, archive: Path) -> Path:
    """The place of an entry, if it is inside the folder."""
    target = folder / name
    require(
        target.resolve().is_relative_to(folder.resolve()) and "\\" not in name,
        f"{archive} holds a path that leads out of its folder: {name!r}",
        DataError,
    )
    return target


def _entries(archive: Path) -> Iterator[tuple[str, IO[bytes] | None]]:
    """Name and content of each entry of an archive, None for a folder.

    Neither zipfile nor tarfile writes the files: their safety checks differ between versions of
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
