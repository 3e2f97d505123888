"""What the runs of all lessons cost together: reported at the end, and too much is a failure."""

import os

import pytest

MINUTES = 10
"""CPU time of all lessons, in all their runs; a busy machine makes only the clock run longer."""


def cpu_seconds():
    """What this process and those that it waited for have taken of the processors."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    started = cpu_seconds()
    try:
        return (yield)
    finally:
        item.user_properties.append(("cpu_seconds", cpu_seconds() - started))


class Budget:
    """Adds up the CPU time of the tests in this folder."""

    def __init__(self):
        self.seconds = 0.0

    def pytest_runtest_logreport(self, report):
        if report.when == "call" and report.nodeid.startswith("tests/lessons/"):
            self.seconds += dict(report.user_properties).get("cpu_seconds", 0.0)

    def pytest_sessionfinish(self, session):
        if self.seconds > 60 * MINUTES:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        over = self.seconds > 60 * MINUTES
        verdict = f"over the budget of {MINUTES}" if over else "in the budget"
        terminalreporter.write_line(
            f"Lessons: {self.seconds / 60:.1f} min of CPU time, {verdict}", red=over
        )


def pytest_configure(config):
    if not hasattr(config, "workerinput"):  # workers of pytest-xdist report to the one that counts
        config.pluginmanager.register(Budget())
