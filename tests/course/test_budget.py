"""The budget of all lessons together can be exceeded, and then the tests fail."""

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest

PLACE = Path(__file__).parents[1] / "lessons" / "conftest.py"


@pytest.fixture(scope="module")
def lessons():
    """The module that counts."""
    spec = importlib.util.spec_from_file_location("lessons_conftest", PLACE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def report(folder, seconds, when="call"):
    return SimpleNamespace(
        nodeid=f"tests/{folder}/test_x.py::test",
        when=when,
        user_properties=[("cpu_seconds", seconds)],
    )


@pytest.mark.parametrize(
    ("reports", "failed"),
    [
        ([report("lessons", 400), report("lessons", 190)], False),
        ([report("lessons", 400), report("lessons", 210)], True),
        ([report("lessons", 400), report("lessons", 400, "teardown")], False),
        ([report("course", 4000), report("lessons", 1)], False),
    ],
)
def test_more_than_ten_minutes_fail(lessons, reports, failed):
    counted = lessons.Budget()
    for one in reports:
        counted.pytest_runtest_logreport(one)
    session, output = SimpleNamespace(exitstatus=0), []
    counted.pytest_sessionfinish(session)
    assert session.exitstatus == failed
    counted.pytest_terminal_summary(
        SimpleNamespace(write_line=lambda line, red: output.append(line))
    )
    assert output[0].endswith("over the budget of 10" if failed else "in the budget")


def test_what_a_test_computes_is_counted_and_what_it_waits_for_is_not(lessons, monkeypatch):
    taken = iter([10.0, 12.5])
    monkeypatch.setattr(lessons, "cpu_seconds", lambda: next(taken))
    item = SimpleNamespace(user_properties=[])
    call = lessons.pytest_runtest_call(item)
    list(call)
    assert item.user_properties == [("cpu_seconds", 2.5)]
