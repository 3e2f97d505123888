"""Every table by its name: those of the published runs, and one of each study."""

from __future__ import annotations

from pathlib import Path

from cifviz.errors import require_choice
from cifviz.published import read_results
from experiments.run_tables import RUN_TABLES
from experiments.studies import STUDIES, study_table


def table_names() -> list[str]:
    """Names that `make_table` knows."""
    return [*RUN_TABLES, *STUDIES]


def make_table(name: str, folder: Path) -> str:
    """A table as Markdown, from a folder of results."""
    require_choice("table", name, table_names())
    if name in STUDIES:
        return study_table(name, folder)
    return RUN_TABLES[name](read_results(folder))
