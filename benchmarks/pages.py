"""What was measured, as tables in pages of the project: each stands between two marks."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cifviz.errors import DataError, require
from cifviz.resources import read_text, write_atomically

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "data/results/benchmarks"
LARGEST = 2**24
"""Bytes of a page, at most."""


@dataclass(frozen=True)
class Kept:
    """Where a measurement is kept, and which page shows it."""

    results: Path
    page: Path
    mark: str
    """The table stands between ``<!-- mark -->`` and ``<!-- /mark -->``."""

    def keep(self, result: dict[str, Any], table: Callable[[dict[str, Any]], str]) -> None:
        """Write the results, and the table of them into the page."""
        text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
        write_atomically(
            self.results, lambda part: part.write_text(text, encoding="utf-8"), overwrite=True
        )
        page = with_table(read_text(self.page, "page", at_most=LARGEST), self.mark, table(result))
        write_atomically(
            self.page, lambda part: part.write_text(page, encoding="utf-8"), overwrite=True
        )


CORE = Kept(RESULTS / "core.json", ROOT / "README.md", "benchmark")
NOTEBOOKS = Kept(RESULTS / "notebooks.json", ROOT / "docs/notebooks_check.md", "notebooks")
EXPLORER = Kept(RESULTS / "explorer.json", ROOT / "docs/explorer.md", "explorer")
CORPUS = Kept(RESULTS / "corpus.json", ROOT / "docs/corpus.md", "corpus")


def with_table(page: str, mark: str, table: str) -> str:
    """A page with another table between its marks.

    >>> with_table("a\\n<!-- t -->\\nold\\n<!-- /t -->\\nb", "t", "new")
    'a\\n<!-- t -->\\nnew\\n<!-- /t -->\\nb'
    """
    before, begins, rest = page.partition(f"<!-- {mark} -->\n")
    _, ends, after = rest.partition(f"<!-- /{mark} -->")
    require(bool(begins and ends), f"expected the marks of {mark!r} in the page", DataError)
    return f"{before}{begins}{table}\n{ends}{after}"
