"""Runs an executed notebook again and compares the results with those that it shows."""

from __future__ import annotations

from pathlib import Path

from nbformat import NotebookNode

from cifviz.notebooks.execution import RunError, execute, keep_run
from cifviz.notebooks.normalise import RUN, normalise
from cifviz.notebooks.output_checks import (
    no_errors,
    no_stderr,
    pictures_have_alt,
    widgets_have_fallbacks,
)
from cifviz.notebooks.reader import lesson_metadata, read_notebook
from cifviz.notebooks.records import compare_records, comparison_table, read_records
from cifviz.notebooks.run_inputs import KEY, changed_inputs, other_versions


def verify(path: Path, *, keep: Path | None = None, seconds: float | None = None) -> list[str]:
    """Execute a notebook from a fresh kernel and compare with what it holds.

    Parameters
    ----------
    path : Path
        An executed notebook, of this project or another. It is not changed.
    keep : Path, optional
        Where the fresh run is left if anything is wrong.
    seconds : float > 0, optional
        CPU time that the run may take, the start of the kernel included: a busy machine makes a
        run longer on the clock alone.

    Returns
    -------
    list of str
        Complaints; empty if no cell fails, there are recorded numbers and they agree within their
        tolerances, each cell shows the same kinds of output, nothing went to the error stream, and
        it took no longer than `seconds`. Where the numbers differ, the next complaints name the
        library code, data and versions that changed since it was built.

    Raises
    ------
    DataError
        If there is no such notebook, or it cannot be read.
    """
    committed = read_notebook(path)
    if keep is not None and keep.exists() and keep.samefile(path):
        keep = keep.with_stem(f"{keep.stem}-run")  # an earlier run is looked at, where it was kept
    try:
        run = execute(committed, beside=path.parent, keep=keep)
    except RunError as error:
        return [str(error)]
    took = run.metadata.get(RUN, {}).get("cpu_seconds", 0.0)
    now = normalise(run)
    found = [*_numbers(committed, now), *_outputs(committed, now)]
    if found:
        before = lesson_metadata(committed).get(KEY, {})
        found += [*changed_inputs(before), *other_versions(before)]
    for check in (no_errors, no_stderr, pictures_have_alt, widgets_have_fallbacks):
        found += check(now)
    if seconds is not None and took > seconds:
        found.append(f"it took {took:.1f} s of CPU time, at most {seconds:g} s")
    if found and keep is not None:
        kept = keep_run(now, keep)
        if kept is None:
            found.append(f"the run cannot be kept in {keep.parent}")
        elif kept != keep:
            found.append(f"the run is in {kept}")
    return found


def _numbers(committed: NotebookNode, now: NotebookNode) -> list[str]:
    """A table of the recorded numbers, if they differ; a sentence, if there are none."""
    comparisons = compare_records(read_records(committed), read_records(now))
    if not comparisons:
        return ["no cell records a number, so there is nothing to compare: record(fires=…)"]
    if all(one.agrees for one in comparisons):
        return []
    return ["recorded numbers differ:\n" + comparison_table(comparisons)]


def _outputs(committed: NotebookNode, now: NotebookNode) -> list[str]:
    """Cells whose outputs are of other kinds than before."""
    pairs = zip(committed.cells, now.cells, strict=True)
    kinds = [[_kinds(cell) for cell in pair] for pair in pairs]
    return [
        f"cell {number} shows {after or 'nothing'}, the committed one {before or 'nothing'}"
        for number, (before, after) in enumerate(kinds)
        if before != after
    ]


def _kinds(cell: NotebookNode) -> str:
    """What a cell shows: names of streams and types of data, in their order."""
    shown = [
        output.get("name") or "+".join(sorted(output.get("data", ()))) or output.output_type
        for output in cell.get("outputs", ())
    ]
    return ", ".join(shown)
