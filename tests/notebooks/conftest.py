"""What the runs of all lessons cost together: reported at the end, and too much is a failure."""

import pytest

MINUTES = 10
"""All lessons, in all their runs, on a machine with two cores."""


class Budget:
    """Adds up the time of the tests in this folder."""

    def __init__(self, workers: int):
        self.workers, self.seconds = workers, 0.0

    @property
    def minutes(self) -> float:
        """On the clock, where several workers share the tests."""
        return self.seconds / self.workers / 60

    def pytest_runtest_logreport(self, report):
        if report.nodeid.startswith("tests/notebooks/"):
            self.seconds += report.duration

    def pytest_sessionfinish(self, session):
        if self.minutes > MINUTES:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        verdict = f"over the budget of {MINUTES}" if self.minutes > MINUTES else "in the budget"
        with_all = f"{self.workers} at a time" if self.workers > 1 else "one after the other"
        terminalreporter.write_line(
            f"Lessons: {self.minutes:.1f} min, {with_all}, {verdict}", red=self.minutes > MINUTES
        )


def pytest_configure(config):
    if not hasattr(config, "workerinput"):  # workers of pytest-xdist report to the one that counts
        workers = getattr(config.option, "numprocesses", None) or 1
        config.pluginmanager.register(Budget(workers))
