"""`cifviz notebooks check`: reports, several at a time, and what it says without the extra."""

import importlib.util
import json
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

import pytest
from nbformat.v4 import new_code_cell, new_notebook
from typer.testing import CliRunner

from cifviz.cli import app, notebook_check
from cifviz.notebooks import verification
from cifviz.notebooks.checks import EVERYTHING
from cifviz.notebooks.tolerances import Tolerances


def run(*arguments):
    return CliRunner().invoke(app, ["notebooks", "check", *map(str, arguments)])


@pytest.fixture
def three(tmp_path):
    """Notebooks that no run is compared with; they are not run, either."""
    for name in "abc":
        (tmp_path / f"{name}.ipynb").write_text(
            json.dumps(new_notebook(cells=[new_code_cell("1")]))
        )
    return tmp_path


def verdicts(monkeypatch, judge):
    """Let `judge` say what is wrong with a notebook in place of a run; what it was asked."""
    asked = []

    def verify(path, **how):
        asked.append(how)
        return judge(path)

    monkeypatch.setattr(verification, "verify", verify)
    return asked


def test_results_come_in_order_however_long_each_takes(three, monkeypatch):
    verdicts(monkeypatch, lambda path: time.sleep(0.2 * (path.stem == "a")) or [path.stem])
    result = run(three, "--jobs", 3)
    assert result.exit_code == 1
    assert [line.split(": ")[-1] for line in result.stdout.splitlines()] == ["a", "b", "c"]


TOLD_TO_END = """
import subprocess, sys, time, psutil
from pathlib import Path
from cifviz.cli.notebook_check import in_turn

def check(path):
    if path.stem != "a":
        subprocess.run([sys.executable, "-c", "import time; time.sleep(600)"])
    return path

results = in_turn([Path(sys.argv[1])], check, 1)
next(results)
while not psutil.Process().children():
    time.sleep(0.01)
results.throw(KeyboardInterrupt("now"))
"""


def test_whoever_is_told_to_end_waits_for_no_run(three):
    """In a process of its own: all that it started is ended."""
    done = subprocess.run(
        [sys.executable, "-c", TOLD_TO_END, three], capture_output=True, text=True, timeout=300
    )
    assert done.stderr.endswith("KeyboardInterrupt: now\n")


def test_reports_are_written_for_machines(three, monkeypatch):
    verdicts(monkeypatch, lambda path: ["cell 0 fails"] if path.stem == "b" else [])
    junit, report = three / "report.xml", three / "report.json"
    for _ in range(2):  # the second replaces the first
        result = run(three, "--junit", junit, "--json", report)
    assert result.stdout.splitlines()[1] == f"{three / 'b.ipynb'}: cell 0 fails"
    suites = ElementTree.parse(junit).getroot()
    assert [suite.get("failures") for suite in suites] == ["0", "1", "0"]
    found = json.loads(report.read_text())
    assert [one["good"] for one in found["notebooks"]] == [True, False, True]


@pytest.mark.parametrize("name", ["", "a.ipynb"])
def test_a_report_that_would_replace_something_is_refused_before_anything_runs(
    three, monkeypatch, name
):
    asked = verdicts(monkeypatch, lambda path: [])
    result = run(three, "--json", three / name)
    assert result.exit_code == 1 and not asked
    assert result.stderr.startswith("cifviz notebooks check: ")


def test_a_place_for_no_report_is_refused_before_anything_runs(three, monkeypatch):
    asked = verdicts(monkeypatch, lambda path: [])
    for options in (
        ("--json", three / "nowhere" / "a.json"),
        ("--json", three / "a.out", "--junit", three / "." / "a.out"),
        ("--cell-seconds", "0"),
        ("--seconds", "nan"),
    ):
        result = run(three, *options)
        assert result.exit_code == 1 and not asked
        assert result.stderr.startswith("cifviz notebooks check: ")


def test_a_circle_of_links_is_a_complaint_in_words(tmp_path):
    path = tmp_path / "circle.ipynb"
    path.symlink_to(path)
    result = run(path)
    assert result.exit_code == 1
    assert "report this" not in result.stdout and "circle.ipynb: " in result.stdout


def test_the_owner_is_asked_for_no_more_than_the_options_say(three, monkeypatch):
    asked = verdicts(monkeypatch, lambda path: [])
    run(three / "a.ipynb")
    run(three / "a.ipynb", "--ask", "alt", "--rtol", 0.1, "--pixels", 0.5, "--cell-seconds", 7)
    run(three / "a.ipynb", "--ask", "everything", "--network")
    plain, some, everything = asked
    assert set(plain["asked"]) == set() and plain["network"] is False
    assert set(some["asked"]) == {"alt"} and some["limits"].cell == 7
    assert some["tolerances"] == Tolerances(rtol=0.1, pixels=0.5)
    assert set(everything["asked"]) == EVERYTHING and everything["network"] is True


def test_each_name_that_may_be_asked_is_a_check():
    names = {str(one) for one in notebook_check.Request}
    assert names == {*EVERYTHING, "everything"}


def test_a_notebook_without_outputs_is_run_and_that_is_said(three, monkeypatch):
    asked = verdicts(monkeypatch, lambda path: [])
    result = run(three / "a.ipynb")
    note = "it holds no output that a run could be compared with"
    assert (result.exit_code, len(asked)) == (0, 1)
    assert result.stdout == f"{three / 'a.ipynb'}: good; {note}\n"


def test_without_the_extra_one_sentence_says_how_to_get_it(three, monkeypatch):
    find = importlib.util.find_spec
    missing = {"nbclient", "ipykernel"}
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in missing else find(name)
    )
    result = run(three)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "cifviz notebooks check: this needs nbclient, ipykernel, which "
        "pip install 'cifviz[notebooks]' gets\n"
    )
