"""A notebook says what it was built from and what it ran with, and what of that has changed."""

import pytest

from cifviz.course.freshness import is_fresh, stale_inputs, version_notes
from cifviz.course.inspection import lesson_problems
from cifviz.notebooks.run_inputs import KEY, run_inputs


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ("source", "source"),
        ("tags", "source"),
        ("parameters", "parameters"),
        ("form", "form"),
        ("unbuilt", "name and copy and form and source and parameters"),
    ],
)
def test_stale_outputs_are_found_and_the_change_is_named(good, source, changed, named):
    assert is_fresh(good, source) == []
    if changed == "source":
        source.cells[3].source += "\n"
    elif changed == "tags":
        source.cells[3].metadata["tags"] = ["hide"]
    elif changed == "parameters":
        good.metadata.cifviz.parameters.height = 2.0
    elif changed == "form":
        good.metadata.cifviz.form = 3
    else:
        del good.metadata["cifviz"]
    (complaint,) = is_fresh(good, source)
    assert complaint == f"stale outputs: {named} changed; run make notebooks"
    assert complaint in lesson_problems(good, source=source)


def test_outputs_beside_an_edited_cell_are_stale(good, source):
    """Though the source did not change."""
    good.cells[3].source += "  # edited"
    (complaint,) = is_fresh(good, source)
    assert complaint == "the cells are not those of the source: edit that, and run make notebooks"


@pytest.fixture
def project(tmp_path):
    """A project with a module and a data file, and the notebook that used both."""
    for name in ("cifviz/core/line.py", "data/clips/one.json"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("1")
    return tmp_path


@pytest.fixture
def ran(good, project):
    good.metadata.cifviz[KEY] = run_inputs(["cifviz/core/line.py", "data/clips/one.json"], project)
    return good


def test_changed_code_and_data_are_named_and_are_no_failure(ran, project, source):
    assert stale_inputs(ran, project) == []
    (project / "cifviz/core/line.py").write_text("2")
    (project / "data/clips/one.json").unlink()
    assert stale_inputs(ran, project) == [
        "library code changed: cifviz/core/line.py; run make notebooks",
        "data changed: data/clips/one.json; run make notebooks",
    ]
    assert lesson_problems(ran, source=source) == []


def test_a_notebook_that_notes_nothing_is_stale(good):
    assert stale_inputs(good) == ["the build did not note what it ran with; run make notebooks"]


def test_other_versions_are_named_and_are_no_failure(ran, project, source):
    assert version_notes(ran) == []
    ran.metadata.cifviz[KEY]["versions"]["python"] = "2.7"
    (note,) = version_notes(ran)
    assert note.startswith("it was run with python 2.7, this is 3.")
    assert stale_inputs(ran, project) == []
    assert lesson_problems(ran, source=source) == []
