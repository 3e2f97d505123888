"""The small lesson, as notebooks."""

import copy
import importlib.util
from pathlib import Path

import pytest
from nbformat.v4 import output_from_msg

from cifviz.course.figures import canvas
from cifviz.course.lesson_sources import derive, read_source
from cifviz.plot.images import picture_bundle, png


def small_lesson():
    """Its text; the tests are no package, so it is loaded by its place."""
    spec = importlib.util.spec_from_file_location("lesson", Path(__file__).with_name("lesson.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.SOURCE


@pytest.fixture
def folder(tmp_path):
    """A folder of notebooks with one lesson, not built."""
    source = tmp_path / "notebooks" / "source" / "00_line.py"
    source.parent.mkdir(parents=True)
    source.write_text(small_lesson(), encoding="utf-8")
    (tmp_path / "README.md").write_text("A project.")
    return tmp_path / "notebooks"


@pytest.fixture
def source(folder):
    """Its cells."""
    return read_source(folder / "source" / "00_line.py")


def replace_in(cell, old, new):
    assert old in cell.source
    cell.source = cell.source.replace(old, new)


def data(**kinds):
    """An output that displays something."""
    content = {"data": kinds, "metadata": {}}
    message = {"header": {"msg_type": "display_data"}, "content": content}
    return output_from_msg(message)


@pytest.fixture
def good(source):
    """The student's notebook as it is after a run, without the run."""
    return as_run(derive(source, "00_line", "student"), "open")


@pytest.fixture
def solved(source):
    """The solved one, likewise."""
    return as_run(derive(source, "00_line", "solved"), "right")


def as_run(derived, state):
    notebook = copy.deepcopy(derived)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for count, cell in enumerate(code, start=1):
        cell.execution_count = count
    picture = data(**picture_bundle(png(canvas()[0]), "A line that rises from 0 to the height."))
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "control"}
    kind = "application/vnd.cifviz.exercise+json"
    for number in ("01.1", "01.2", "01.3"):
        code[3].outputs.append(data(**{kind: {"exercise": number, "state": state}}))
    code[4].outputs.append(copy.deepcopy(picture))
    code[5].outputs += [data(**view), copy.deepcopy(picture)]
    numbers = {"numbers": {"height": 1.0, "text": "line"}, "tolerance": 0.001}
    code[6].outputs.append(data(**{"application/vnd.cifviz.record+json": numbers}))
    return notebook
