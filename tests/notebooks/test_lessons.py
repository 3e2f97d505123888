"""Every lesson that is committed: built from its source, as a lesson should be, and still true."""

import time
from itertools import pairwise

import nbformat
import pytest

from cifviz.resources import resource
from cifviz.teaching.build import NOTEBOOKS, lessons, product
from cifviz.teaching.checks import problems
from cifviz.teaching.execution import ROOT, execute
from cifviz.teaching.exercises import exercises, read_verdicts
from cifviz.teaching.normalise import normalise
from cifviz.teaching.sources import derive, read_parameters, read_source
from cifviz.teaching.verification import verify

SECONDS = 60
"""A lesson takes no longer with `fast`."""

KEEP = ROOT / "build" / "notebooks"
"""Where a failing notebook is left, to be looked at or kept by CI."""

COPIES = ["student", "solved"]

OTHER = {
    "00_start_here": {
        "seed": 1,
        "fast": False,
        "clip": "silence",  # "On your own" suggests it
        "own_file": str(resource("clips") / "digits_two.flac"),
        "own_model": "digits",
    },
    "01_integrate_and_fire": {
        "seed": 1,
        "fast": False,
        "clip": "digits_five",
        "threshold": 0.5,
    },
}
"""What else a reader may set: no lesson is made for its own parameters alone."""

each_lesson = pytest.mark.parametrize("name", lessons())
each_copy = pytest.mark.parametrize("copy", COPIES)


def source_of(name):
    return read_source(NOTEBOOKS / "source" / f"{name}.py")


@each_copy
@each_lesson
def test_it_is_fresh_and_built_as_a_lesson(name, copy):
    path = product(name, copy)
    assert path.is_file(), "run make notebooks"
    text = path.read_bytes()
    notebook = nbformat.reads(text.decode("utf-8"), as_version=4)
    assert notebook.metadata.cifviz["copy"] == copy
    assert problems(notebook, size=len(text), source=source_of(name), place=path) == []


@each_copy
@each_lesson
def test_its_cells_are_those_of_its_source(name, copy):
    notebook = nbformat.read(product(name, copy), as_version=4)
    derived = derive(source_of(name), name, copy)
    assert [(cell.id, cell.source) for cell in notebook.cells] == [
        (cell.id, cell.source) for cell in derived.cells
    ]


@each_copy
@each_lesson
@pytest.mark.slow
def test_it_runs_and_arrives_at_the_same(name, copy):
    started = time.monotonic()
    complaints = verify(product(name, copy), keep=KEEP / f"{name}-{copy}.ipynb")
    assert not complaints, "\n".join(complaints)
    assert time.monotonic() - started < SECONDS


@each_lesson
@pytest.mark.slow
def test_it_runs_with_other_parameters(name):
    notebook = derive(source_of(name), name, "solved")
    keep = KEEP / f"{name}-other.ipynb"
    executed = normalise(execute(notebook, parameters=OTHER[name], keep=keep))
    # Papermill puts the parameters, and with them a path, into a cell of their own.
    expected = ("papermill injected parameters", "cell 3 names an absolute path")
    found = [complaint for complaint in problems(executed) if not complaint.startswith(expected)]
    assert found == []


@each_lesson
def test_other_parameters_are_really_other(name):
    known = read_parameters(source_of(name))
    assert OTHER[name].keys() <= known.keys()
    assert all(known[key] != value for key, value in OTHER[name].items())


@each_lesson
def test_every_exercise_is_asked_and_every_question_has_a_checker(name):
    notebook = nbformat.read(product(name, "solved"), as_version=4)
    assert list(read_verdicts(notebook)) == list(exercises(name.split("_")[0]))


@each_lesson
def test_every_solution_begins_as_its_stub_asks(name):
    """The name that a stub leaves open is the name that the solution sets."""
    cells = source_of(name).cells
    for stub, solution in pairwise(cells):
        if "exercise" in stub.metadata.get("tags", ()):
            asked = stub.source.strip().splitlines()
            answered = solution.source.strip().splitlines()
            assert asked[0].split("=")[0].split("(")[0] == answered[0].split("=")[0].split("(")[0]
            assert asked[-1] == answered[-1]
            assert asked[-1].startswith("check(")


def test_lessons_lead_to_one_another():
    for before, after in pairwise(lessons()):
        assert f"]({after}.ipynb)" in source_of(before).cells[0].source
        assert f"]({before}.ipynb)" in source_of(after).cells[0].source


def test_nothing_is_committed_but_lessons():
    built = {path.stem for path in NOTEBOOKS.rglob("*.ipynb") if "checkpoint" not in path.name}
    assert built <= set(lessons())
