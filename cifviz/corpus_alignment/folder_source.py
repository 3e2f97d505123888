"""A corpus as a folder of sound files, each with its transcript beside it or without one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from cifviz.corpus_alignment.corpus_row import CorpusRow
from cifviz.corpus_alignment.corpus_run import DESCRIPTION, PARTS
from cifviz.errors import CIFError
from cifviz.resources import Inputs, read_text

SOUNDS = (
    *(".wav", ".flac", ".mp3", ".ogg", ".opus", ".oga", ".m4a", ".aac", ".mp4", ".webm", ".amr"),
    *(".aif", ".aiff", ".aifc", ".au", ".caf", ".w64", ".sph"),
)
"""Suffixes of what is taken for sound, in lower case."""
TRANSCRIPTS = (".txt", ".lab")
"""Suffixes of transcripts, in the order in which they are looked for."""
LARGEST_TRANSCRIPT = 2**20
"""Bytes: twenty hours of speech."""


def folder_rows(folder: Path, leave_out: Path) -> Iterator[CorpusRow]:
    """A row for each sound file in a folder and in the folders in it, in the order of their names.

    Parameters
    ----------
    folder : Path
        Of sound files. The transcript of ``a/b.wav`` is ``a/b.txt`` or else ``a/b.lab``.
    leave_out : Path
        A folder whose files are not looked at, such as that of the results.

    Yields
    ------
    CorpusRow
        None of the results of another run. Its id is the path in the folder without the suffix. A
        transcript that cannot be read is its problem.
    """
    results = Inputs([leave_out])
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if _is_kept(place, name, results))
        there = set(names)
        for name in sorted(names):
            stem, suffix = os.path.splitext(name)
            if suffix.lower() not in SOUNDS or name.startswith("."):
                continue
            path = os.path.join(os.path.abspath(place), name)
            sound = os.path.relpath(os.path.join(place, name), folder).replace(os.sep, "/")
            text, problem = _transcript(place, stem, there)
            name = sound.removesuffix(suffix)
            yield CorpusRow(name, sound, path, text, problem=problem)


def _is_kept(place: str, name: str, results: Inputs) -> bool:
    path = os.path.join(place, name)
    is_aligned = os.path.isfile(os.path.join(path, DESCRIPTION)) and os.path.isdir(
        os.path.join(path, PARTS)
    )
    return not name.startswith(".") and not is_aligned and path not in results


def _transcript(place: str, stem: str, there: set[str]) -> tuple[str | None, str]:
    """The text beside a sound, or None; and what is wrong with it."""
    for suffix in TRANSCRIPTS:
        if stem + suffix in there:
            path = os.path.join(place, stem + suffix)
            try:
                return read_text(path, "transcript", at_most=LARGEST_TRANSCRIPT).strip(), ""
            except CIFError as error:
                return None, str(error).replace(path, stem + suffix)
    return None, ""
