"""Faults in notebooks, found by others and by cifviz; cifviz inside pytest-notebook."""

import json
import warnings
from pathlib import Path

import pytest

from benchmarks.notebook_cases import FAULTS, HARMLESS
from benchmarks.notebook_checkers import plant, run

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "data/results/benchmarks/notebooks.json"
CASES = {case.name: case for case in (*FAULTS, *HARMLESS)}
EXACT, TOLERANT = ("coalesce_streams",), ("coalesce_streams", "cifviz_tolerant")


@pytest.mark.slow
def test_the_table_is_what_comes_out():
    some = [CASES[name] for name in ("a number drifts by 1 %", "a picture is swapped")]
    harmless = [CASES["an address in memory"]]
    kept, now = json.loads(KEPT.read_text()), run(some, harmless)
    for part in ("faults", "harmless"):
        for name, answers in now[part].items():
            assert {who: bool(text) for who, text in answers.items()} == {
                who: bool(text) for who, text in kept[part][name].items()
            }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "processors", "passes"),
    [
        ("an address in memory", EXACT, False),
        ("an address in memory", TOLERANT, True),
        ("the last digits of a number", TOLERANT, True),
        ("a number drifts by 1 %", TOLERANT, False),
        ("a picture is swapped", TOLERANT, False),
    ],
)
def test_pytest_notebook_compares_within_tolerances(tmp_path, name, processors, passes):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pytest_notebook.nb_regression import NBRegressionFixture
    path = plant(CASES[name], tmp_path / "case")
    fixture = NBRegressionFixture(
        post_processors=processors,
        exec_timeout=120,
        diff_ignore=("/metadata", "/cells/*/outputs/*/traceback"),
    )
    result = fixture.check(str(path), raise_errors=False)
    assert (result.diff_string.count("\n") <= 3) is passes, result.diff_string
