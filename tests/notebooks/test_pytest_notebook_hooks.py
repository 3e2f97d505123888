"""What pytest-notebook is offered: it is run itself in tests/peers."""

import copy
import importlib
import tomllib
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from cifviz.notebooks.pytest_notebook_hooks import masked, tolerant

ROOT = Path(__file__).resolve().parents[2]


def notebook(*texts):
    cells = [
        new_code_cell("1", outputs=[new_output("stream", text=text)], execution_count=1)
        for text in texts
    ]
    return new_notebook(cells=[new_markdown_cell("# Title"), *cells])


@pytest.fixture
def folder(tmp_path):
    nbformat.write(notebook("x 1.0", "y 2.0"), tmp_path / "stored.ipynb")
    nbformat.write(notebook("other"), tmp_path / "other.ipynb")
    (tmp_path / "broken.ipynb").write_text("{")
    return tmp_path


def texts(found):
    return [cell.outputs[0].text for cell in found.cells[1:]]


def test_what_agrees_is_put_back_and_what_differs_is_left(folder):
    run = notebook("x 1.0000001", "y 2.1")
    before = copy.deepcopy(run)
    resources = {"metadata": {"path": str(folder)}}
    found, same = tolerant(run, resources)
    assert texts(found) == ["x 1.0", "y 2.1"]
    assert run == before and same is resources


def test_where_it_is_not_clear_which_is_the_stored_one_nothing_is_put_back(folder):
    nbformat.write(notebook("x 3.0", "y 2.0"), folder / "copy.ipynb")
    run = notebook("x 1.0000001", "y 2.1")
    assert tolerant(run, {"metadata": {"path": str(folder)}})[0] == run


def test_times_and_addresses_are_masked():
    run = notebook("<A at 0x7f33c29f3b50> took 3 s")
    run.cells[1].outputs.append(new_output("display_data", data={"text/plain": "/a/b/c.csv"}))
    found = masked(run)
    assert texts(found) == ["<A at 0x…> took (time)"]
    assert found.cells[1].outputs[1].data["text/plain"] == "…/c.csv"
    assert masked(found) == found


def test_the_entry_points_lead_to_functions():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for group in ("nbreg.post_proc", "nbreg.diff_normalize"):
        for target in project["entry-points"][group].values():
            module, name = target.split(":")
            assert callable(getattr(importlib.import_module(module), name))
