"""JavaScript and Python make the same of the same weights."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.explorer.cases import named_cases, random_cases

HERE = Path(__file__).parent
CASES = HERE / "cases.json"

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


def run(cases, environment=None):
    """Run a file of cases in node; what it printed is the message of a failure."""
    done = subprocess.run(
        ["node", "--test", str(HERE / "js" / "cases.test.mjs")],
        env={**os.environ, "CIFVIZ_CASES": str(cases)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_named_cases_are_what_python_makes_of_them():
    """If not: python -m tests.explorer.cases > tests/explorer/cases.json."""
    kept = json.loads(CASES.read_text("utf-8"))
    made = json.loads(json.dumps(named_cases()))
    assert [one["name"] for one in kept] == [one["name"] for one in made]
    for one, other in zip(kept, made, strict=True):
        assert one.keys() == other.keys()
        assert flat(one) == pytest.approx(flat(other), abs=1e-9), one["name"]


def flat(values, path=""):
    """All numbers in nested values, by where they stand."""
    if isinstance(values, dict):
        pairs = values.items()
    elif isinstance(values, list | tuple):
        pairs = enumerate(values)
    else:
        return {path: float(values)} if isinstance(values, bool | int | float) else {}
    return {
        place: number
        for key, value in pairs
        for place, number in flat(value, f"{path}/{key}").items()
    }


@needs_node
def test_named_cases():
    code, said = run(CASES)
    assert code == 0, said


@needs_node
def test_a_thousand_random_cases(tmp_path):
    path = tmp_path / "cases.json"
    path.write_text(json.dumps(random_cases(1000)), "utf-8")
    code, said = run(path)
    assert code == 0, said


@needs_node
def test_a_case_that_is_wrong_is_found(tmp_path):
    case = named_cases()[0]
    case["expected"]["positions"][0] += 1e-5
    path = tmp_path / "cases.json"
    path.write_text(json.dumps([case]), "utf-8")
    code, said = run(path)
    assert code != 0
    assert "position 0" in said
