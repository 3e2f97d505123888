"""The planted faults in notebooks, and the table of who finds them."""

import json

import pytest

from benchmarks import notebook_checkers
from benchmarks.notebook_cases import FAULTS, HARMLESS
from benchmarks.notebook_checkers import CHECKERS, plant, plant_nothing, table
from benchmarks.pages import NOTEBOOKS
from cifviz.notebooks.reader import read_notebook


@pytest.fixture(scope="module")
def kept():
    return json.loads(NOTEBOOKS.results.read_text(encoding="utf-8"))


def test_what_is_kept_is_of_all_cases_and_all_checkers(kept):
    assert list(kept["faults"]) == [case.name for case in FAULTS]
    assert list(kept["harmless"]) == [case.name for case in HARMLESS]
    assert len(FAULTS) == 20
    for answers in (kept["unchanged"], *kept["faults"].values(), *kept["harmless"].values()):
        assert list(answers) == list(CHECKERS)


def test_cifviz_found_every_fault_and_raised_no_false_alarm(kept):
    assert all(answers["cifviz"] for answers in kept["faults"].values())
    assert not any(answers["cifviz"] for answers in kept["harmless"].values())
    assert not any(kept["unchanged"].values())


def test_the_table_counts():
    answers = {"a": {"cifviz": "x", "nbval": "", "nbmake": ""}}
    lines = table({"faults": answers, "harmless": {}}).splitlines()
    assert lines[2] == "| a | found | – | – |"
    assert lines[3] == "| **found, of 1** | **1** | **0** | **0** |"


def test_a_fault_is_planted_after_the_notebook_was_executed(tmp_path, monkeypatch):
    monkeypatch.setattr(notebook_checkers, "NotebookClient", Counting)
    cases = {case.name: case for case in FAULTS}
    drift = plant(cases["a number drifts by 1 %"], tmp_path / "drift")
    assert (drift.parent / "lib.py").read_text() == "x = 0.3158\n"
    gone = plant(cases["a file is missing"], tmp_path / "gone")
    assert not (gone.parent / "data.csv").exists()
    mixed = read_notebook(plant(cases["cells were run out of order"], tmp_path / "mixed"))
    assert [cell.source for cell in mixed.cells[1:]] == ["k = 1", "print(k)", "k = 2"]
    assert [cell.execution_count for cell in mixed.cells] == [1, 2, 4, 3]
    sound = plant_nothing(FAULTS[:2], tmp_path / "sound")
    assert (sound.parent / "lib0.py").read_text() == "x = 0.3127\n"


class Counting:
    """Runs a notebook that shows nothing."""

    def __init__(self, notebook, **_):
        self.notebook = notebook

    def execute(self):
        for count, cell in enumerate(self.notebook.cells, start=1):
            cell.execution_count = count
