"""What a run used of this project is noted, and a change of it is named."""

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from cifviz.notebooks import run_inputs as module
from cifviz.notebooks.execution import execute
from cifviz.notebooks.normalise import RUN
from cifviz.notebooks.run_inputs import changed_inputs, file_digest, run_inputs, used_files


@pytest.fixture
def project(tmp_path):
    for name in (
        "cifviz/core/scaling.py",
        "cifviz/core/__pycache__/scaling.cpython-311.pyc",
        "data/checkpoints/digits/config.json",
        "data/checkpoints/digits/weights.safetensors",
        "data/clips/one.flac",
        "data/clips/two.flac",
        "tests/test_line.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def test_compiled_modules_stand_for_their_source(project):
    opened = [str(project / "cifviz/core/__pycache__/scaling.cpython-311.pyc")]
    assert used_files(opened, project) == ["cifviz/core/scaling.py"]


def test_weights_beside_an_opened_file_count_as_used(project):
    """They are read by native code, which no hook of Python sees."""
    opened = [str(project / "data/checkpoints/digits/config.json")]
    assert used_files(opened, project) == [
        "data/checkpoints/digits/config.json",
        "data/checkpoints/digits/weights.safetensors",
    ]


def test_only_library_and_data_count(project):
    opened = [project / "tests/test_line.py", "/etc/hosts", project / "data/clips/one.flac"]
    assert used_files(map(str, opened), project) == ["data/clips/one.flac"]


def test_line_ends_are_no_change(project):
    path = project / "cifviz/core/scaling.py"
    path.write_bytes(b"a\nb\n")
    kept = run_inputs(["cifviz/core/scaling.py"], project)
    path.write_bytes(b"a\r\nb\r\n")
    assert changed_inputs(kept, project) == []
    path.write_bytes(b"a\nc\n")
    assert changed_inputs(kept, project) == ["library code changed: cifviz/core/scaling.py"]


def test_many_changes_are_counted(project):
    names = [f"data/{number}" for number in range(module.MOST_NAMED + 2)]
    for name in names:
        (project / name).write_text("")
    kept = run_inputs(names, project)
    for name in names:
        (project / name).write_text("changed")
    (change,) = changed_inputs(kept, project)
    assert change == f"data changed: {', '.join(names[: module.MOST_NAMED])} and 2 more"


def test_a_missing_file_has_no_digest(tmp_path):
    assert file_digest(tmp_path / "none") == ""


def test_a_run_lists_the_modules_and_the_data_that_it_used():
    code = [
        "from cifviz.notebooks.run_inputs import ROOT",
        "text = (ROOT / 'data' / 'clips' / 'clips.json').read_text()",
    ]
    ran = execute(new_notebook(cells=[new_code_cell(line) for line in code]))
    files = ran.metadata[RUN]["files"]
    assert "cifviz/notebooks/run_inputs.py" in files
    assert "data/clips/clips.json" in files
    assert "cifviz/training/fit.py" not in files
