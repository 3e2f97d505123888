"""`corpus_rows`: the utterances of a corpus, whichever way it is kept."""

from __future__ import annotations

import json
import os
from pathlib import Path

from cifviz.corpus_alignment.corpus_row import CorpusRow, numbered
from cifviz.corpus_alignment.csv_source import csv_rows
from cifviz.corpus_alignment.folder_source import folder_rows
from cifviz.corpus_alignment.lhotse_manifest import lhotse_rows
from cifviz.corpus_alignment.nemo_manifest import nemo_rows
from cifviz.errors import DataError, require, shown

TABLES = (".csv", ".tsv", ".tab")
MANIFESTS = (".jsonl", ".json", ".jsonl.gz", ".json.gz")


def corpus_rows(source: str | os.PathLike[str], *, leave_out: Path) -> list[CorpusRow]:
    """Every utterance of a corpus, in the order of its source.

    Parameters
    ----------
    source : str or Path
        A folder of sound files with their transcripts beside them, a table (.csv, .tsv), a
        manifest of NeMo (.json, .jsonl) or one of lhotse (.jsonl, .jsonl.gz; with
        ``cifviz[lhotse]``).
    leave_out : Path
        A folder whose files are not looked at, such as that of the results.

    Returns
    -------
    list of CorpusRow
        One for each utterance; what is wrong with a row is its `problem`, and stops no other.

    Raises
    ------
    DataError
        If there is no such file or folder, or the file is none of these.
    """
    if not isinstance(source, str | os.PathLike):
        raise DataError(f"expected the path of a corpus, got {shown(source)}")
    path = Path(source)
    name = path.name.lower()
    if path.is_dir():
        return list(numbered(folder_rows(path, leave_out)))
    require(os.path.lexists(path), f"no such corpus: {path}", DataError)
    require(path.is_file(), f"expected a folder or a file, {path} is neither", DataError)
    if name.endswith(TABLES):
        return list(numbered(csv_rows(path)))
    if name.endswith(MANIFESTS):
        read = lhotse_rows if _is_lhotse(path) else nemo_rows
        return list(numbered(read(path)))
    raise DataError(
        f"expected a folder of sound files, a table ({', '.join(TABLES)}) or a manifest "
        f"({', '.join(MANIFESTS)}), got {path}"
    )


def _is_lhotse(path: Path) -> bool:
    """Whether the first line of a manifest is an object as lhotse writes it."""
    if path.name.lower().endswith(".gz"):
        return True
    try:
        with path.open("rb") as file:
            line = file.readline(2**20)
        first = json.loads(line)
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(first, dict) and ("recording" in first or "sources" in first)
