"""A notebook is run again: what differs is found."""

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from typer.testing import CliRunner

from cifviz.cli import app
from cifviz.errors import DataError
from cifviz.teaching import build as building
from cifviz.teaching import verification
from cifviz.teaching.execution import execute
from cifviz.teaching.normalise import normalise
from cifviz.teaching.verification import verify

CELLS = ["from cifviz.teaching import record", "record(fires=3, mass=2.5)", "print('text')"]


@pytest.fixture(scope="module")
def executed():
    return normalise(execute(new_notebook(cells=[new_code_cell(cell) for cell in CELLS])))


@pytest.fixture
def rerun(executed, tmp_path, monkeypatch):
    """What `verify` says of a committed notebook, the second run being given."""
    monkeypatch.setattr(verification, "execute", lambda notebook, keep: executed)

    def run(old, new):
        text = json.dumps(executed)
        assert old in text
        path = tmp_path / "lesson.ipynb"
        path.write_text(text.replace(old, new), encoding="utf-8")
        return verify(path, keep=tmp_path / "kept.ipynb")

    return run


def test_the_same_is_found_the_same_in_a_real_run(executed, tmp_path):
    path = tmp_path / "lesson.ipynb"
    nbformat.write(executed, path)
    assert verify(path, keep=tmp_path / "kept.ipynb") == []
    assert not (tmp_path / "kept.ipynb").exists()


def test_another_number_is_shown_in_a_table(rerun, tmp_path):
    (complaint,) = rerun('"fires": 3', '"fires": 4')
    assert "fires  4          3    exact      differs" in complaint
    assert (tmp_path / "kept.ipynb").is_file()


def test_a_number_within_its_tolerance_passes(rerun):
    assert rerun('"mass": 2.5', '"mass": 2.5009') == []


def test_another_kind_of_output_is_found(rerun):
    assert rerun('"name": "stdout"', '"name": "stderr"') == [
        "cell 2 shows stdout, the committed one stderr"
    ]


def test_a_notebook_that_records_nothing_is_not_as_before(rerun, executed, monkeypatch):
    silent = normalise(executed)
    silent.cells[1].outputs = []
    monkeypatch.setattr(verification, "execute", lambda notebook, keep: silent)
    (complaint, _) = rerun(*["application/vnd.cifviz.record+json"] * 2)
    assert "fires  3          (missing)  exact      differs" in complaint
    complaints = rerun(json.dumps(executed.cells[1].outputs), "[]")
    assert complaints == [
        "no cell records a number, so there is nothing to compare: record(fires=…)"
    ]


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
    assert result.stdout.startswith(f"{path}: FAILED\n{path} is not a notebook: ")


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "lesson.ipynb"
    path.write_bytes(b"\x89PNG\xff")
    with pytest.raises(DataError, match=r"lesson\.ipynb is not a notebook: .+"):
        verify(path)


def test_a_missing_notebook_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"no such notebook: .*lesson\.ipynb"):
        verify(tmp_path / "lesson.ipynb")


def test_the_command_says_which_notebook_is_not_as_before(tmp_path, monkeypatch):
    said = {"good.ipynb": [], "bad.ipynb": ["recorded numbers differ:\nfires"]}
    monkeypatch.setattr(verification, "verify", lambda path, keep: said[path.name])
    good, bad = (str(tmp_path / name) for name in said)
    result = CliRunner().invoke(app, ["notebooks", "check", good])
    assert (result.exit_code, result.stdout) == (0, f"{good}: as before\n")
    result = CliRunner().invoke(app, ["notebooks", "check", good, bad])
    assert result.exit_code == 1
    assert result.stdout.endswith(f"{bad}: FAILED\nrecorded numbers differ:\nfires\n")


def test_the_command_goes_on_after_a_missing_notebook(tmp_path):
    result = CliRunner().invoke(app, ["notebooks", "check", str(tmp_path / "none.ipynb")])
    assert result.exit_code == 1
    assert "no such notebook" in result.stdout


def test_the_command_builds(monkeypatch):
    asked = []
    monkeypatch.setattr(building, "main", lambda names: asked.append(names) or 0)
    assert CliRunner().invoke(app, ["notebooks", "build", "01"]).exit_code == 0
    assert CliRunner().invoke(app, ["notebooks", "build"]).exit_code == 0
    assert asked == [["01"], []]
