"""Parts of a corpus: rows that a worker aligns together, and the Parquet file of their results.

The name of a part depends on its rows, the model, the code and the settings, and on nothing else.
The file is written aside and then renamed: where it is, all its rows are done.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifviz.corpus_alignment.corpus_row import KEY_LENGTH, CorpusRow
from cifviz.corpus_alignment.corpus_run import PARTS, CorpusRun
from cifviz.corpus_alignment.row_alignment import STATUSES
from cifviz.corpus_alignment.row_files import RESULT, file_stem, row_content
from cifviz.errors import DataError
from cifviz.resources import write_atomically

if TYPE_CHECKING:
    import pyarrow

METADATA = b"cifviz"
"""The key under which a part says whose results it holds, as JSON."""


@dataclass(frozen=True)
class Part:
    """Rows that are aligned together."""

    first: int
    """Index of its first row in the corpus."""
    rows: tuple[CorpusRow, ...]
    keys: tuple[str, ...]
    """Of each row, see `CorpusRow.key`."""
    name: str
    """Of its file."""
    same_id: tuple[int, ...]
    """How many rows of the corpus have the id of each."""


def parts_of(rows: Sequence[CorpusRow], size: int, run_key: str) -> Iterator[Part]:
    """The parts of a corpus, `size` rows each, in order."""
    counts = Counter(row.id for row in rows)
    for number, first in enumerate(range(0, len(rows), size)):
        chosen = tuple(rows[first : first + size])
        same = tuple(counts[row.id] for row in chosen)
        keys = tuple(row.key(run_key) for row in chosen)
        content = json.dumps([first, keys, same])
        digest = hashlib.sha256(content.encode()).hexdigest()[:KEY_LENGTH]
        yield Part(first, chosen, keys, f"part-{number:05d}-{digest}.parquet", same)


def align_part(run: CorpusRun, part: Part) -> dict[str, int]:
    """Align the rows of a part and write its file: what a worker does.

    Returns
    -------
    dict of str to int
        How many rows have each status.

    Raises
    ------
    CIFError
        If this process has other code or another model than the run, or cannot write.
    """
    import torch

    torch.set_num_threads(1)
    run.require_same_code()
    columns: dict[str, list[Any]] = {name: [] for name in schema().names}
    for place, (row, key) in enumerate(zip(part.rows, part.keys, strict=True)):
        content = row_content(run, row, key)
        values = {
            **content,
            "row": part.first + place,
            "same_id": part.same_id[place],
            "tokens": _timed(content, ("words", "tokens")),
            "phones": _timed(content, ("phones",)),
            "file": file_stem(row, key) + RESULT,
        }
        for name, column in columns.items():
            column.append(_plain(values.get(name)))
    counts = Counter(columns["status"])
    found = {status: counts[status] for status in STATUSES}
    _write(Path(run.out, PARTS, part.name), columns, {**run.identity, "statuses": found})
    return found


def part_statuses(path: Path) -> dict[str, int] | None:
    """How many rows of a finished part have each status; None if the file is not whole."""
    import pyarrow
    import pyarrow.parquet as parquet

    try:
        metadata = parquet.read_schema(path).metadata or {}
        found = json.loads(metadata[METADATA])["statuses"]
    except (OSError, KeyError, TypeError, ValueError, pyarrow.ArrowException):
        return None
    return {status: int(found.get(status, 0)) for status in STATUSES}


def schema() -> pyarrow.Schema:
    """The columns of a part."""
    import pyarrow as pa

    token = [("token", pa.string()), ("start", pa.float64()), ("end", pa.float64())]
    timed = pa.list_(pa.struct([*token, ("score", pa.float64())]))
    return pa.schema(
        [
            ("row", pa.int64()),
            ("id", pa.string()),
            ("same_id", pa.int32()),
            ("sound", pa.string()),
            ("offset", pa.float64()),
            ("text", pa.string()),
            ("status", pa.string()),
            ("reason", pa.string()),
            ("duration", pa.float64()),
            ("hypothesis", pa.string()),
            ("score", pa.float64()),
            ("lowest", pa.float64()),
            ("doubtful", pa.int32()),
            ("errors", pa.int32()),
            ("reference_tokens", pa.int32()),
            ("out_of_domain", pa.bool_()),
            ("tokens", timed),
            ("phones", timed),
            ("file", pa.string()),
            ("model", pa.string()),
            ("model_hash", pa.string()),
            ("code", pa.string()),
            ("settings", pa.string()),
        ]
    )


def _timed(content: Mapping[str, Any], names: Sequence[str]) -> list[dict[str, Any]] | None:
    """A tier of a JSON file, by the first of its names; None where it has none of them."""
    for name in names:
        if name in content.get("tiers", ()):
            return [{key: _plain(value) for key, value in one.items()} for one in content[name]]
    return None


def _plain(value: Any) -> Any:
    """A text without what UTF-8 cannot hold; other values as they are."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _write(path: Path, columns: dict[str, list[Any]], metadata: Mapping[str, Any]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    content = {METADATA: json.dumps(metadata, sort_keys=True).encode()}
    table = pa.table(columns, schema=schema().with_metadata(content))

    def write(part: Path) -> None:
        parquet.write_table(table, part, compression="zstd", version="2.6")

    try:
        write_atomically(path, write, overwrite=True)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"cannot write {path}: {error}") from error
