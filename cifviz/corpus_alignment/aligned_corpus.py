"""`AlignedCorpus`: the results of a run over a corpus, read part by part."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifviz.corpus_alignment.corpus_run import DESCRIPTION, PARTS, require_corpus_extra
from cifviz.corpus_alignment.part_files import part_statuses
from cifviz.corpus_alignment.row_alignment import STATUSES
from cifviz.errors import DataError, require, shown
from cifviz.formats import read_json

if TYPE_CHECKING:
    import pyarrow

INDEX = "index.html"


@dataclass(frozen=True)
class AlignedCorpus:
    """The results of `cifviz.align_corpus` in a folder."""

    folder: Path
    description: dict[str, Any]
    """Of `DESCRIPTION`: model, code, settings, and the names of the parts in their order."""

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> AlignedCorpus:
        """The results in a folder.

        Raises
        ------
        DataError
            If it holds none, or some of its parts are missing: the run has not come to its end.
        CIFError
            If the extra ``cifviz[corpus]`` is not installed.
        """
        require_corpus_extra()
        if not isinstance(folder, str | os.PathLike):
            raise DataError(f"expected the folder of an aligned corpus, got {shown(folder)}")
        path = Path(folder)
        require(
            (path / DESCRIPTION).is_file(),
            f"expected the folder of an aligned corpus, {path} has no {DESCRIPTION}",
            DataError,
        )
        found = cls(path, read_json(path / DESCRIPTION))
        missing = [one for one in found.parts if part_statuses(one) is None]
        require(
            not missing,
            f"{len(missing)} of {len(found.parts)} parts in {path} are missing: call the command "
            "that made it again, it goes on from there",
            DataError,
        )
        return found

    @property
    def parts(self) -> list[Path]:
        """The Parquet files, in the order of the corpus."""
        return [self.folder / PARTS / name for name in self.description["parts"]]

    @property
    def statuses(self) -> dict[str, int]:
        """How many rows have each status."""
        counts: Counter[str] = Counter()
        for part in self.parts:
            counts.update(part_statuses(part) or {})
        return {status: counts[status] for status in STATUSES}

    @property
    def index(self) -> Path:
        """The page of `align_corpus`; open it in a browser."""
        return self.folder / INDEX

    def __len__(self) -> int:
        """Number of rows."""
        return sum(self.statuses.values())

    def rows(self) -> Iterator[dict[str, Any]]:
        """Each row as plain values, by the names of the columns; a part is in memory at a time."""
        import pyarrow.parquet as parquet

        for path in self.parts:
            yield from parquet.read_table(path).to_pylist()

    def table(self) -> pyarrow.Table:
        """All rows as one table; ``table().to_pandas()`` where pandas is installed."""
        import pyarrow as pa
        import pyarrow.parquet as parquet

        # Their metadata differ in the counts alone.
        tables = [parquet.read_table(one).replace_schema_metadata() for one in self.parts]
        return pa.concat_tables(tables)

    def __str__(self) -> str:
        counted = ", ".join(f"{count} {status}" for status, count in self.statuses.items() if count)
        return f"{len(self)} utterances in {self.folder}: {counted or 'none'}"
