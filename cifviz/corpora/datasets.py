"""Readers of data sets of real recordings: digits, GRID, and speech aligned by hand."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.waveform import SAMPLE_RATE, Waveform, load_waveform
from cifviz.corpora.corpus_registry import corpus_folder
from cifviz.errors import DataError, require, require_choice

__all__ = [
    "DigitString",
    "GridSentence",
    "Take",
    "digit_string_waveform",
    "digit_strings",
    "digit_takes",
    "grid_sentences",
    "human_aligned",
    "read_table",
    "take_waveform",
]


@dataclass(frozen=True)
class Take:
    """One recording of one digit: a stretch of a sound file, in samples at 16 kHz."""

    id: str
    speaker: str
    word: str
    split: str
    path: Path
    start_sample: int
    end_sample: int
    voiced_start_sample: int
    """First sample less than 30 dB below the take's peak: the better reference for an onset."""
    voiced_end_sample: int
    """One past the last such sample."""


@dataclass(frozen=True)
class DigitString:
    """A connected string of digits, put together from takes of one speaker with silence around."""

    id: str
    speaker: str
    split: str
    words: tuple[str, ...]
    takes: tuple[str, ...]
    """The ids of the takes, one for each word."""
    gaps_ms: tuple[int, ...]
    """Silence between neighbouring takes, one less than there are takes."""
    lead_ms: int
    tail_ms: int
    total_samples: int
    """Length of the whole at 16 kHz."""


@dataclass(frozen=True)
class GridSentence:
    """A sentence of GRID, with the word times that the authors of the corpus made by machine.

    These are about 45 ms early at the first word's onset and 15 ms inside: score at 50 ms.
    """

    id: str
    split: str
    text: str
    words: Alignment
    path: Path

    def waveform(self) -> Waveform:
        """The sound, read from the file each time."""
        return load_waveform(self.path)


def digit_takes() -> list[Take]:
    """All takes of the data set "digits".

    Raises
    ------
    DataError
        If the data set is missing or its tables are damaged.
    """
    return list(_takes(corpus_folder("digits")).values())


def take_waveform(take: Take) -> tuple[Waveform, Alignment]:
    """The sound of one take, and when its word is voiced, in seconds from the take's own start."""
    samples = _recording(take.path)[take.start_sample : take.end_sample]
    word = TimedToken(
        take.word,
        (take.voiced_start_sample - take.start_sample) / SAMPLE_RATE,
        (take.voiced_end_sample - take.start_sample) / SAMPLE_RATE,
    )
    return Waveform(samples, SAMPLE_RATE), Alignment((word,))


def digit_strings(split: str) -> list[DigitString]:
    """The connected strings of one split of "digits".

    Parameters
    ----------
    split : {"train", "dev", "test"}

    Raises
    ------
    CIFError
        If there is no such split.
    DataError
        If the data set is missing or its tables are damaged.
    """
    require_choice("split", split, ("train", "dev", "test"))
    folder = corpus_folder("digits")
    takes = _takes(folder)
    table = folder / f"strings_{split}.csv"
    columns: dict[str, Callable[[str], Any]] = {
        "id": str,
        "speaker": str,
        "text": lambda text: tuple(text.split()),
        "item_ids": lambda text: tuple(text.split()),
        "gaps_ms": lambda text: tuple(int(gap) for gap in text.split()),
        "lead_ms": int,
        "tail_ms": int,
        "total_samples": int,
    }
    rows = read_table(table, columns)
    for row in rows:
        _check_string(row, takes, table)
    renamed = {"text": "words", "item_ids": "takes"}
    return [
        DigitString(split=split, **{renamed.get(name, name): row[name] for name in columns})
        for row in rows
    ]


def _check_string(row: Mapping[str, Any], takes: Mapping[str, Take], table: Path) -> None:
    """Raise unless the takes of a string are known and their words are its text."""
    unknown = [name for name in row["item_ids"] if name not in takes]
    require(not unknown, f"{table}: {row['id']} names unknown takes {unknown}", DataError)
    words = tuple(takes[name].word for name in row["item_ids"])
    require(
        words == row["text"] and len(row["gaps_ms"]) == max(0, len(words) - 1),
        f"{table}: {row['id']} expects the words {row['text']} with a gap between neighbours, "
        f"its takes have {words} with gaps {row['gaps_ms']}",
        DataError,
    )


def digit_string_waveform(string: DigitString) -> tuple[Waveform, Alignment]:
    """Put a string together: its sound, and when each word is voiced.

    Returns
    -------
    Waveform
        16 kHz; digital silence before, between and after the takes.
    Alignment
        Each word from its take's first voiced sample to its last, in seconds.

    Raises
    ------
    DataError
        If the data set is missing, or the length is not the stated one.
    """
    takes = _takes(corpus_folder("digits"))
    pieces: list[np.ndarray] = []
    words: list[TimedToken] = []
    position = 0
    pauses = (string.lead_ms, *string.gaps_ms)
    for word, name, pause in zip(string.words, string.takes, pauses, strict=True):
        take = takes[name]
        silence = _samples(pause)
        sound = _recording(take.path)[take.start_sample : take.end_sample]
        pieces += [np.zeros(silence, np.float32), sound]
        # Whole samples until here: seconds added to seconds would not give the same floats.
        offset = position + silence - take.start_sample
        words.append(
            TimedToken(
                word,
                (offset + take.voiced_start_sample) / SAMPLE_RATE,
                (offset + take.voiced_end_sample) / SAMPLE_RATE,
            )
        )
        position += silence + len(sound)
    samples = np.concatenate([*pieces, np.zeros(_samples(string.tail_ms), np.float32)])
    require(
        len(samples) == string.total_samples,
        f"string {string.id} should be {string.total_samples} samples long, "
        f"its takes and pauses make {len(samples)}",
        DataError,
    )
    return Waveform(samples, SAMPLE_RATE), Alignment(tuple(words))


def grid_sentences(split: str) -> list[GridSentence]:
    """The sentences of one split of "grid".

    Parameters
    ----------
    split : {"train", "dev"}

    Raises
    ------
    CIFError
        If there is no such split.
    DataError
        If the data set is missing, or its tables are damaged or disagree.
    """
    require_choice("split", split, ("train", "dev"))
    folder = corpus_folder("grid")
    words = _words(folder)
    sentences = []
    columns = {"id": str, "path": str, "split": str, "text": str}
    for row in read_table(folder / "manifest.csv", columns):
        if row["split"] != split:
            continue
        alignment = Alignment(tuple(words.get(row["id"], ())))
        require(
            alignment.text == row["text"],
            f"{folder}: {row['id']} is {row['text']!r} in manifest.csv, "
            f"but {alignment.text!r} in words.csv",
            DataError,
        )
        sentences.append(
            GridSentence(
                id=row["id"],
                split=split,
                text=row["text"],
                words=alignment,
                path=folder / row["path"],
            )
        )
    return sentences


def human_aligned() -> dict[str, tuple[Waveform, Alignment]]:
    """The utterances whose word boundaries were set by hand, by name; for evaluation alone.

    Where two words share a sound, their labels overlap; here both end in the middle of the overlap.

    Raises
    ------
    DataError
        If the data set is missing or its tables are damaged.
    """
    folder = corpus_folder("human_aligned")
    words = _words(folder)
    found = {}
    for row in read_table(folder / "manifest.csv", {"id": str, "path": str}):
        labels = words[row["id"]]
        edges = torch.tensor([(one.start, one.end) for one in labels], dtype=torch.float64)
        alignment = Alignment.from_edges([one.token for one in labels], edges[:, 0], edges[:, 1])
        found[row["id"]] = (load_waveform(folder / row["path"]), alignment)
    return found


def _words(folder: Path) -> dict[str, list[TimedToken]]:
    """The words of a data set with their times, by utterance."""
    words: dict[str, list[TimedToken]] = {}
    columns = {"id": str, "start_s": float, "end_s": float, "word": str}
    for row in read_table(folder / "words.csv", columns):
        words.setdefault(row["id"], []).append(
            TimedToken(row["word"], row["start_s"], row["end_s"])
        )
    return words


def read_table(path: Path, columns: Mapping[str, Callable[[str], Any]]) -> list[dict[str, Any]]:
    """The rows of a CSV file in UTF-8, the named columns converted.

    Parameters
    ----------
    path : Path
        A CSV file with a header.
    columns : mapping of str to callable
        The columns that are needed, and what turns their text into a value.

    Raises
    ------
    DataError
        If the file or a column is missing, or a value cannot be converted.
    """
    require(path.is_file(), f"no such table: {path}", DataError)
    rows = []
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        require(
            not missing,
            f"{path}: expected the columns {list(columns)}, missing {missing}",
            DataError,
        )
        for row in reader:
            values = {}
            for name, convert in columns.items():
                place = f"{path}, line {reader.line_num}, column {name!r}"
                require(row[name] is not None, f"{place}: the line ends before it", DataError)
                try:
                    values[name] = convert(row[name])
                except ValueError as error:
                    raise DataError(f"{place}: cannot be {row[name]!r}") from error
            rows.append(values)
    return rows


def _samples(milliseconds: int) -> int:
    """Number of samples at 16 kHz."""
    return milliseconds * SAMPLE_RATE // 1000


@lru_cache(maxsize=4)
def _takes(folder: Path) -> dict[str, Take]:
    """The takes by id."""
    columns = {
        "id": str,
        "path": str,
        "speaker": str,
        "word": str,
        "split": str,
        "start_sample": int,
        "end_sample": int,
        "voiced_start_sample": int,
        "voiced_end_sample": int,
    }
    return {
        row["id"]: Take(**{**row, "path": folder / row["path"]})
        for row in read_table(folder / "manifest.csv", columns)
    }


@lru_cache(maxsize=64)
def _recording(path: Path) -> np.ndarray:
    """A whole file of takes: each holds fifty, and a string asks for a few from many files."""
    return load_waveform(path).samples
