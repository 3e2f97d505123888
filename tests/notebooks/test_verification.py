"""A notebook is run again: what differs is found."""

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from typer.testing import CliRunner

from cifviz.cli import app
from cifviz.course import build as building
from cifviz.errors import DataError
from cifviz.notebooks import verification
from cifviz.notebooks.execution import execute
from cifviz.notebooks.normalise import RUN, normalise
from cifviz.notebooks.run_inputs import KEY, run_inputs
from cifviz.notebooks.run_limits import Limits
from cifviz.notebooks.tolerances import Tolerances
from cifviz.notebooks.verification import verify

CELLS = ["from cifviz.course import record", "record(fires=3, mass=2.5)", "print('text')"]


@pytest.fixture(scope="module")
def executed():
    return normalise(execute(new_notebook(cells=[new_code_cell(cell) for cell in CELLS])))


@pytest.fixture
def rerun(executed, tmp_path, monkeypatch):
    """What `verify` says of a committed notebook, the second run being given."""
    monkeypatch.setattr(verification, "execute", lambda notebook, **_: executed)

    def run(old, new, **how):
        text = json.dumps(executed)
        assert old in text
        path = tmp_path / "lesson.ipynb"
        path.write_text(text.replace(old, new), encoding="utf-8")
        return verify(path, keep=tmp_path / "kept.ipynb", **how)

    return run


@pytest.mark.long  # as every run of a lesson shows
def test_the_same_is_found_the_same_in_a_real_run(executed, tmp_path):
    path = tmp_path / "lesson.ipynb"
    nbformat.write(executed, path)
    assert verify(path, keep=tmp_path / "kept.ipynb") == []
    assert not (tmp_path / "kept.ipynb").exists()


def test_another_number_is_shown_in_a_table(rerun, tmp_path):
    (complaint,) = rerun('"fires": 3', '"fires": 4')
    assert "fires  4          3    exact      differs" in complaint
    assert (tmp_path / "kept.ipynb").is_file()


def test_what_changed_since_is_named_beside_another_number(rerun, executed, monkeypatch):
    kept = {**run_inputs(["cifviz/errors.py"]), "library": {"cifviz/errors.py": "00000000"}}
    monkeypatch.setitem(executed.metadata, "cifviz", {KEY: kept})
    assert rerun('"mass": 2.5', '"mass": 2.5') == []
    _, named = rerun('"fires": 3', '"fires": 4')
    assert named == "library code changed: cifviz/errors.py"


def test_a_number_within_its_tolerance_passes(rerun):
    assert rerun('"mass": 2.5', '"mass": 2.5009') == []


def test_another_kind_of_output_is_found(rerun):
    assert rerun('"name": "stdout"', '"name": "stderr"') == [
        "cell 2 shows stdout, expected stderr; the stored one says: text"
    ]


def test_a_notebook_that_records_nothing_is_not_as_before(rerun, executed, monkeypatch):
    silent = normalise(executed)
    silent.cells[1].outputs = []
    monkeypatch.setattr(verification, "execute", lambda notebook, **_: silent)
    (complaint, _) = rerun(*["application/vnd.cifviz.record+json"] * 2)
    assert "fires  3          (missing)  exact      differs" in complaint
    nothing = json.dumps(executed.cells[1].outputs), "[]"
    assert rerun(*nothing) == [
        "no cell records a number, so there is nothing to compare: record(fires=…)"
    ]
    assert rerun(*nothing, asked=()) == []


BROKEN = [
    "no notebook",
    "",
    "{}",
    "[]",
    "null",
    '{"nbformat": 3}',
    '{"nbformat": 9, "cells": []}',
    '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}',
    '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [1]}',
    '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code"}]}',
]


@pytest.mark.parametrize("content", BROKEN)
def test_what_is_no_notebook_is_refused(tmp_path, content):
    path = tmp_path / "lesson.ipynb"
    path.write_text(content)
    with pytest.raises(DataError, match=r"lesson\.ipynb is not a notebook: .+"):
        verify(path)
    result = CliRunner().invoke(app, ["notebooks", "check", str(path)])
    assert result.exit_code == 1
    assert result.stdout.startswith(f"{path}: {path} is not a notebook: ")


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "lesson.ipynb"
    path.write_bytes(b"\x89PNG\xff")
    with pytest.raises(DataError, match=r"lesson\.ipynb is not a notebook: .+"):
        verify(path)


def test_a_missing_notebook_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"no such notebook: .*lesson\.ipynb"):
        verify(tmp_path / "lesson.ipynb")


def test_a_failing_cell_is_named_and_its_run_kept(executed, tmp_path):
    broken = normalise(executed)
    broken.cells[2].source = "print(undefined)"
    path, keep = tmp_path / "lesson.ipynb", tmp_path / "kept" / "lesson.ipynb"
    nbformat.write(broken, path)
    (complaint,) = verify(path, keep=keep)
    assert complaint.startswith("cell 2 fails with NameError: name 'undefined' is not defined;")
    assert complaint.endswith(str(keep))
    assert "NameError" in keep.read_text()


def test_a_run_that_hangs_is_cut_off(executed, tmp_path):
    hanging = normalise(executed)
    hanging.cells = hanging.cells[2:]
    hanging.cells[0].source = "import time; time.sleep(600)"
    path, keep = tmp_path / "lesson.ipynb", tmp_path / "kept" / "lesson.ipynb"
    nbformat.write(hanging, path)
    (complaint,) = verify(path, keep=keep, limits=Limits(cell=2))
    assert complaint.startswith("cell 0 was cut off: it takes longer than 2 s; the run is in")
    assert keep.is_file()


def test_a_run_that_takes_too_much_of_the_processors_is_found(executed, tmp_path, monkeypatch):
    """Not one that waits long on a busy machine."""
    run = nbformat.from_dict(executed)
    run.metadata[RUN] = {"cpu_seconds": 64.26}
    monkeypatch.setattr(verification, "execute", lambda notebook, **_: run)
    path = tmp_path / "lesson.ipynb"
    nbformat.write(executed, path)
    assert verify(path) == verify(path, limits=Limits(cpu=65)) == []
    (complaint,) = verify(path, limits=Limits(cpu=60))
    assert complaint == "the run takes more than 60 s of CPU time"


# --- the commands --------------------------------------------------------------------------------


def run(*arguments):
    return CliRunner().invoke(app, ["notebooks", *map(str, arguments)])


@pytest.fixture
def theirs(executed, tmp_path):
    """A folder of somebody else's: a notebook that is no lesson, and one that Jupyter hides."""
    path = tmp_path / "theirs" / "week 1" / "adapted.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(executed, path)
    hidden = tmp_path / "theirs" / ".ipynb_checkpoints" / "adapted-checkpoint.ipynb"
    hidden.parent.mkdir()
    hidden.write_text("no notebook")
    return path


def test_a_folder_of_somebody_else_is_checked(theirs):
    folder = theirs.parents[1]
    result = run("check", "--no-execute", folder)
    assert (result.exit_code, result.stdout) == (0, f"{theirs}: good\n")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"execution_count": 3', '"execution_count": 7', "execution counts are"),
        ('"name": "stdout"', '"name": "stderr"', "cell 2 writes to stderr: text"),
        ('"text\\n"', '"/home/me/text\\n"', "cell 2 names an absolute path"),
        ('"text\\n"', '"' + "x" * 1_000_000 + '"', "1.00 MB, at most 1 MB"),
    ],
)
def test_the_outputs_of_somebody_else_are_looked_at(theirs, old, new, complaint):
    text = theirs.read_text()
    assert old in text
    theirs.write_text(text.replace(old, new))
    assert run("check", "--no-execute", theirs).exit_code == 0
    result = run("check", "--no-execute", "--ask", "everything", theirs)
    assert result.exit_code == 1
    (line,) = result.stdout.splitlines()
    assert line.startswith(f"{theirs}: {complaint}")


def test_with_its_source_beside_it_a_notebook_is_a_lesson(theirs):
    source = theirs.parent / "source" / "adapted.py"
    source.parent.mkdir()
    source.write_text("# %%\nprint('text')\n")
    result = run("check", "--no-execute", theirs)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert all(line.startswith(f"{theirs}: ") for line in lines)
    assert f"{theirs}: the first cell is not text" in lines
    assert f"{theirs}: expected the student copy of adapted here, got another" in lines
    assert any("stale outputs: name and copy" in line for line in lines)


def test_a_folder_without_notebooks_is_no_folder_in_which_all_is_well(tmp_path):
    result = run("check", "--no-execute", tmp_path)
    assert (result.exit_code, result.stdout) == (1, f"{tmp_path}: no notebooks in {tmp_path}\n")
    none = tmp_path / "none"
    result = run("check", "--no-execute", none)
    assert (result.exit_code, result.stdout) == (1, f"{none}: no such notebook: {none}\n")


def test_the_command_says_which_notebook_is_not_as_before(theirs, tmp_path, monkeypatch):
    asked = {}

    def pretend(path, **arguments):
        asked[path.name] = arguments
        return [] if path == theirs else ["recorded numbers differ:\nfires"]

    monkeypatch.setattr(verification, "verify", pretend)
    bad = theirs.with_name("bad.ipynb")
    bad.write_text(theirs.read_text())
    result = run("check", theirs)
    assert (result.exit_code, result.stdout) == (0, f"{theirs}: good\n")
    result = run("check", "--seconds", 60, "--keep", tmp_path / "kept", theirs, bad)
    assert result.exit_code == 1
    assert result.stdout.endswith(f"{bad}: recorded numbers differ:\nfires\n")
    keep = tmp_path / "kept" / "week 1" / "bad.ipynb"
    assert asked["bad.ipynb"] == {
        "keep": keep,
        "asked": frozenset(),
        "tolerances": Tolerances(),
        "limits": Limits(cpu=60.0),
        "network": False,
    }


@pytest.mark.parametrize("wrong", [True, False])
def test_the_command_keeps_a_run_under_a_name_that_is_free(executed, tmp_path, monkeypatch, wrong):
    """Neither the notebook that is looked at nor another file is replaced or removed."""
    notebook = tmp_path / "nb" / "a.ipynb"
    notebook.parent.mkdir()
    nbformat.write(executed, notebook)
    notebook.with_name("a-run.ipynb").write_text("mine")
    before = {path.name: path.read_bytes() for path in notebook.parent.iterdir()}
    now = normalise(executed)

    if wrong:
        now.cells[2].outputs = []
    monkeypatch.setattr(verification, "execute", lambda *_, **__: now)
    result = run("check", "--keep", tmp_path, notebook)
    assert result.exit_code == int(wrong), result.stdout
    after = {path.name: path.read_bytes() for path in notebook.parent.iterdir()}
    assert {name: after.pop(name) for name in before} == before
    assert list(after) == (["a-run-2.ipynb"] if wrong else [])


def test_a_kept_run_that_is_looked_at_is_not_replaced(executed, tmp_path, monkeypatch):
    kept = tmp_path / "nb" / "a.ipynb"
    kept.parent.mkdir()
    executed.metadata["cifviz_run"] = {}
    nbformat.write(executed, kept)
    before = kept.read_bytes()
    now = normalise(executed)
    now.cells[2].outputs = []
    monkeypatch.setattr(verification, "execute", lambda *_, **__: now)
    result = run("check", "--keep", tmp_path, kept)
    assert result.exit_code == 1
    assert f"the run is in {kept.with_name('a-run.ipynb')}" not in result.stdout
    assert kept.read_bytes() == before
    assert sorted(path.name for path in kept.parent.iterdir()) == ["a-run.ipynb", "a.ipynb"]


def test_the_command_goes_on_after_what_nobody_expected(theirs, monkeypatch):
    def fail(path, **_):
        raise KeyError("bug")

    monkeypatch.setattr(verification, "verify", fail)
    result = run("check", theirs, theirs)
    assert result.exit_code == 1
    assert result.stdout.count(f"{theirs}: unexpected KeyError: 'bug'; please report this") == 2


def test_the_command_runs_nothing_if_it_is_told_so(theirs, monkeypatch):
    monkeypatch.setattr(verification, "execute", lambda *_, **__: pytest.fail("it was run"))
    assert run("check", "--no-execute", theirs).exit_code == 0


def test_the_command_says_a_complaint_once(theirs, monkeypatch):
    complaint = "cell 2 writes to stderr: text"
    monkeypatch.setattr(verification, "verify", lambda path, **_: [complaint])
    theirs.write_text(theirs.read_text().replace('"name": "stdout"', '"name": "stderr"'))
    assert run("check", "--ask", "stderr", theirs).stdout == f"{theirs}: {complaint}\n"


def test_the_command_goes_on_after_a_missing_notebook(theirs):
    none = theirs.with_name("none.ipynb")
    result = run("check", "--no-execute", none, theirs)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f"{none}: no such notebook: {none}",
        f"{theirs}: good",
    ]


def test_the_command_builds(monkeypatch):
    asked = []
    monkeypatch.setattr(building, "main", lambda names: asked.append(names) or 0)
    assert CliRunner().invoke(app, ["notebooks", "build", "01"]).exit_code == 0
    assert CliRunner().invoke(app, ["notebooks", "build"]).exit_code == 0
    assert asked == [["01"], []]
