"""Runs an executed notebook again and compares the results with those that it shows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from nbformat import NotebookNode

from cifviz.notebooks.checks import EVERYTHING
from cifviz.notebooks.execution import RunError, execute, keep_run, why_not_run
from cifviz.notebooks.normalise import RUN, normalise
from cifviz.notebooks.output_checks import (
    no_errors,
    no_stderr,
    pictures_have_alt,
    widgets_have_fallbacks,
)
from cifviz.notebooks.output_comparison import is_compared, output_differences
from cifviz.notebooks.reader import lesson_metadata, read_notebook
from cifviz.notebooks.records import compare_records, comparison_table, read_records
from cifviz.notebooks.run_inputs import KEY, changed_inputs, other_versions
from cifviz.notebooks.run_limits import Limits
from cifviz.notebooks.tolerances import Tolerances

CHECKED_AGAIN = {
    "stderr": no_stderr,
    "alt": pictures_have_alt,
    "fallbacks": widgets_have_fallbacks,
}
"""What is asked of the new run, too, by name."""


def verify(
    path: Path,
    *,
    keep: Path | None = None,
    asked: Collection[str] = EVERYTHING,
    tolerances: Tolerances | None = None,
    limits: Limits | None = None,
    network: bool = False,
    contents: bool = True,
) -> list[str]:
    """Execute a notebook from a fresh kernel and compare with what it holds.

    Parameters
    ----------
    path : Path
        An executed notebook, of this project or another. It is not changed.
    keep : Path, optional
        Where the fresh run is left if anything is wrong.
    asked : collection of str
        Which of `EVERYTHING` its owner asks for: "records" that there are recorded numbers,
        "warnings" that no warning is raised, "stderr", "alt" and "fallbacks" what the checks of
        these names want of the new run.
    tolerances : Tolerances, optional
        Of printed numbers and of pictures, where the notebook names none of its own.
    limits : Limits, optional
        Of the time that the run may take; it is stopped where one is exceeded.
    network : bool
        Whether the run may reach other machines.
    contents : bool
        Whether what cells show is compared, or only of which kinds it is.

    Returns
    -------
    list of str
        Complaints; empty if no cell fails and what each cell shows, numbers that it recorded
        included, is as before within tolerances. Where it is not, the next complaints name the
        library code, data and versions that changed since it was built.

    Raises
    ------
    DataError
        If there is no such notebook, or it cannot be read.
    """
    # 1. Run it.
    committed = read_notebook(path)
    if keep is not None and keep.exists() and keep.samefile(path):
        keep = keep.with_stem(f"{keep.stem}-run")  # an earlier run is looked at, where it was kept
    limits = limits or Limits()
    try:
        strict = "warnings" in asked
        run = execute(
            committed, beside=path.parent, keep=keep, limits=limits, strict=strict, network=network
        )
    except RunError as error:
        return [str(error)]
    # 2. Compare.
    took = run.metadata.get(RUN, {}).get("cpu_seconds", 0.0)
    now = normalise(run)
    found = [
        *_numbers(committed, now, demanded="records" in asked),
        *output_differences(
            normalise(committed), now, tolerances or Tolerances(), contents=contents
        ),
    ]
    if found:
        before = lesson_metadata(committed).get(KEY, {})
        found += [*changed_inputs(before), *other_versions(before)]
    found += no_errors(now)
    found += [one for name, check in CHECKED_AGAIN.items() if name in asked for one in check(now)]
    if over := replace(limits, cell=None, clock=None).exceeded(cell=0, clock=0, cpu=took):
        found.append(over)  # it ended before anybody looked
    # 3. Keep what is not as it was.
    if found and keep is not None:
        kept = keep_run(now, keep)
        if kept is None:
            found.append(f"the run cannot be kept in {keep.parent}")
        elif kept != keep:
            found.append(f"the run is in {kept}")
    return found


def why_not_compared(path: Path) -> str:
    """Why nothing that a notebook in a file holds can be compared; empty if something can."""
    notebook = read_notebook(path)
    if why := why_not_run(notebook):
        return f"not run: {why}"
    compared = any(map(is_compared, notebook.cells))
    return "" if compared else "it holds no output that a run could be compared with"


def _numbers(committed: NotebookNode, now: NotebookNode, *, demanded: bool) -> list[str]:
    """A table of the recorded numbers, if they differ; a sentence, if there must be some."""
    comparisons = compare_records(read_records(committed), read_records(now))
    if not comparisons and demanded:
        return ["no cell records a number, so there is nothing to compare: record(fires=…)"]
    if all(one.agrees for one in comparisons):
        return []
    return ["recorded numbers differ:\n" + comparison_table(comparisons)]
