"""The budget of all lessons together can be exceeded, and then the tests fail."""

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest

PLACE = Path(__file__).parents[1] / "notebooks" / "conftest.py"


def budget(workers, *durations):
    spec = importlib.util.spec_from_file_location("notebooks_conftest", PLACE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    counted = module.Budget(workers)
    for folder, seconds in durations:
        report = SimpleNamespace(nodeid=f"tests/{folder}/test_x.py::test", duration=seconds)
        counted.pytest_runtest_logreport(report)
    return counted


@pytest.mark.parametrize(
    ("workers", "durations", "failed"),
    [
        (1, [("notebooks", 400), ("notebooks", 190)], False),
        (1, [("notebooks", 400), ("notebooks", 210)], True),
        (2, [("notebooks", 700), ("notebooks", 490)], False),
        (2, [("notebooks", 700), ("notebooks", 510)], True),
        (1, [("teaching", 4000), ("notebooks", 1)], False),
    ],
)
def test_more_than_ten_minutes_fail(workers, durations, failed):
    session, said = SimpleNamespace(exitstatus=0), []
    counted = budget(workers, *durations)
    counted.pytest_sessionfinish(session)
    assert session.exitstatus == failed
    counted.pytest_terminal_summary(SimpleNamespace(write_line=lambda line, red: said.append(line)))
    assert said[0].endswith("over the budget of 10" if failed else "in the budget")
