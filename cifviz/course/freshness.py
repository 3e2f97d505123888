"""Whether a notebook was built from its source as it is now, and what else changed since.

Two degrees, see also `cifviz.notebooks.run_inputs`:

- The source, its parameters or its form changed: the notebook shows outputs of another lesson.
  `is_fresh` complains, ``cifviz notebooks check`` and the tests fail.
- Library code or data that the run used changed: the notebook is *stale*. `stale_inputs` names the
  files, and ``cifviz notebooks list`` shows them. The tests fail only if a new run comes to other
  numbers; they run every lesson.
"""

from __future__ import annotations

from pathlib import Path

from nbformat import NotebookNode

from cifviz.course.lesson_sources import derive, provenance
from cifviz.notebooks.reader import lesson_metadata
from cifviz.notebooks.run_inputs import KEY, ROOT, changed_inputs, other_versions

NAMES = {
    "lesson": "name",
    "copy": "copy",
    "form": "form",
    "source_sha256": "source",
    "parameters": "parameters",
}
"""What a person calls the parts of `provenance`."""


def is_fresh(notebook: NotebookNode, source: NotebookNode) -> list[str]:
    """The notebook was built from this very source, with these parameters."""
    kept = lesson_metadata(notebook)
    name, copy = kept.get("lesson", ""), kept.get("copy", "student")
    now = provenance(source, name, copy)
    different = [NAMES[key] for key in now if kept.get(key) != now[key]]
    if different:
        return [f"stale outputs: {' and '.join(different)} changed; run make notebooks"]
    cells = [(cell.get("id"), cell.source) for cell in notebook.cells]
    if cells != [(cell.id, cell.source) for cell in derive(source, name, copy).cells]:
        return ["the cells are not those of the source: edit that, and run make notebooks"]
    return []


def stale_inputs(notebook: NotebookNode, root: Path = ROOT) -> list[str]:
    """Library code and data that changed since the notebook was run, named; a new run decides."""
    kept = lesson_metadata(notebook).get(KEY)
    if not isinstance(kept, dict):
        return ["the build did not note what it ran with; run make notebooks"]
    return [f"{change}; run make notebooks" for change in changed_inputs(kept, root)]


def version_notes(notebook: NotebookNode) -> list[str]:
    """Python and packages that have other versions here than in the build; never an error."""
    return other_versions(lesson_metadata(notebook).get(KEY) or {})
