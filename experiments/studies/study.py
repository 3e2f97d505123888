"""`Study`: a measurement with a result and a table of its own; the table of all is in `STUDIES`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


class Run(Protocol):
    """What measures."""

    def __call__(self, *, runs: Path, data: Path) -> Mapping[str, Any]:
        """Measure; raises `DataError` where runs or recordings are missing.

        Parameters
        ----------
        runs : Path
            Holds the folders of finished runs.
        data : Path
            Holds ``checkpoints`` and ``results``.

        Returns
        -------
        mapping
            What JSON can hold. Command, commit and checksums of data are added to it.
        """


@dataclass(frozen=True)
class Study:
    """How a study measures, and how its published result is read and shown."""

    run: Run
    read: Callable[[Path], Any]
    """The published result, from a folder of results; `DataError` if there is none."""
    table: Callable[[Any], str]
    """Markdown, of what `read` returns."""
    corpora: tuple[str, ...] = ()
    """Data sets that it reads, whose checksums the result keeps."""
    rows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Lists of the result that have a row for each run, and the keys that name a row. A study with
    such lists can add further runs to what is published."""
