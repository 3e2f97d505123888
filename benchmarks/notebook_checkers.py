"""Which faults in notebooks are found by `cifviz notebooks check`, by nbval and by nbmake.

``python -m benchmarks notebooks``, in the environment of ``make test-peers``.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from benchmarks.notebook_cases import DATA, FAULTS, HARMLESS, Case
from cifviz.cli.notebook_check import check_one
from cifviz.notebooks.masks import mask
from cifviz.notebooks.run_limits import Limits
from cifviz.notebooks.tolerances import Tolerances

CELL_SECONDS = 30
"""What a cell may take, in all of them."""

Result = dict[str, Any]


def plant(case: Case, folder: Path) -> Path:
    """Execute the notebook of a case in a folder of its own, then change what changes."""
    folder.mkdir()
    (folder / "lib.py").write_text(case.before)
    cells = [new_code_cell("import lib"), *cells_of(case)]
    order = [0, *(place + 1 for place in case.order or range(len(case.cells)))]
    path = executed([cells[place] for place in order], folder, order)
    if case.after is not None:
        (folder / "lib.py").write_text(case.after)
    if case.file_gone:
        (folder / "data.csv").unlink()
    return path


def plant_nothing(cases: Sequence[Case], folder: Path) -> Path:
    """Execute one notebook of the cells of all cases, in which nothing changes afterwards."""
    folder.mkdir()
    cells = []
    for number, case in enumerate(cases):
        own = f"lib{number}"
        (folder / f"{own}.py").write_text(case.before)
        cells += [new_code_cell(f"import {own} as lib"), *cells_of(case)]
    return executed(cells, folder, range(len(cells)))


def cells_of(case: Case) -> list[NotebookNode]:
    """The cells of a case, from top to bottom."""
    cells = [new_code_cell(source) for source in case.cells]
    cells[-1].metadata["tags"] = list(case.tags)
    return cells


def executed(cells: Sequence[NotebookNode], folder: Path, order: Sequence[int]) -> Path:
    """Execute cells as they come and write them as a notebook; `order` says where each stands."""
    (folder / "data.csv").write_text(DATA)
    run = new_notebook(cells=list(cells))
    NotebookClient(
        run, resources={"metadata": {"path": str(folder)}}, record_timing=False
    ).execute()
    run.cells = [run.cells[list(order).index(place)] for place in range(len(cells))]
    run.metadata = {"kernelspec": {"name": "python3", "display_name": "", "language": "python"}}
    path = folder / "notebook.ipynb"
    nbformat.write(run, path)
    return path


def ours(path: Path) -> str:
    """The first complaint of `cifviz notebooks check`; empty if there is none."""
    checked = check_one(
        path,
        execute=True,
        asked=(),
        keep=path.parent / "kept",
        tolerances=Tolerances(),
        limits=Limits(cell=CELL_SECONDS),
    )
    first = checked.complaints[0] if checked.complaints else ""
    # Where the run is kept is gone when this is read.
    return mask(first.partition("\n")[0].partition("; the run is in")[0])


def by_pytest(*options: str) -> Callable[[Path], str]:
    """What pytest says of a notebook with the options of a plugin; empty if it passes."""

    def check(path: Path) -> str:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rN", "--tb=no"]
        where = ["--rootdir", str(path.parent), "-c", "/dev/null", str(path)]
        try:
            done = subprocess.run(
                [*command, *options, *where],
                capture_output=True,
                text=True,
                cwd=path.parent,
                timeout=20 * CELL_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return ""  # it hangs, as the notebook does
        return "" if done.returncode == 0 else (done.stdout.strip() or done.stderr).splitlines()[-1]

    return check


CHECKERS: dict[str, Callable[[Path], str]] = {
    "cifviz": ours,
    "nbval": by_pytest("--nbval", f"--nbval-cell-timeout={CELL_SECONDS}"),
    "nbmake": by_pytest("--nbmake", f"--nbmake-timeout={CELL_SECONDS}"),
}


def judge(path: Path) -> dict[str, str]:
    """What each of them says of a notebook."""
    return {who: check(path) for who, check in CHECKERS.items()}


def run(faults: Sequence[Case] = FAULTS, harmless: Sequence[Case] = HARMLESS) -> Result:
    """What each of them says of each case; empty where nothing is wrong to it."""
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(2) as pool:

        def judged(number: int, case: Case) -> dict[str, str]:
            return judge(plant(case, Path(name, f"{number:02}")))

        cases = [*faults, *harmless]
        found = pool.map(judged, range(len(cases)), cases)
        answers = {case.name: each for case, each in zip(cases, found, strict=True)}
        unchanged = judge(plant_nothing(faults, Path(name, "unchanged")))
    return {
        "command": "python -m benchmarks notebooks",
        "versions": {name: version(name) for name in ("cifviz", "nbval", "nbmake", "matplotlib")},
        "cell_seconds": CELL_SECONDS,
        "unchanged": unchanged,
        "faults": {case.name: answers[case.name] for case in faults},
        "harmless": {case.name: answers[case.name] for case in harmless},
    }


def table(result: Result) -> str:
    """Which faults are found, and which changes that are none are complained of, as Markdown."""
    names = list(CHECKERS)
    lines = [f"| planted fault | {' | '.join(names)} |", "|---|" + ":-:|" * len(names)]
    lines += _rows(result["faults"], names, "found", "–")
    lines += [f"| **found, of {len(result['faults'])}** | {_totals(result['faults'], names)} |"]
    lines += ["", f"| change that is no fault | {' | '.join(names)} |"]
    lines += ["|---|" + ":-:|" * len(names), *_rows(result["harmless"], names, "complains", "–")]
    harmless = result["harmless"]
    lines += [f"| **false alarms, of {len(harmless)}** | {_totals(harmless, names)} |"]
    return "\n".join(lines)


def _rows(answers: dict[str, dict[str, str]], names: list[str], yes: str, no: str) -> list[str]:
    return [
        f"| {case} | {' | '.join(yes if each[name] else no for name in names)} |"
        for case, each in answers.items()
    ]


def _totals(answers: dict[str, dict[str, str]], names: list[str]) -> str:
    counts = (sum(bool(each[name]) for each in answers.values()) for name in names)
    return " | ".join(f"**{count}**" for count in counts)
