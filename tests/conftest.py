"""What all tests share."""

import os
from pathlib import Path

os.environ.setdefault("MPLBACKEND", "Agg")  # before anything imports matplotlib: no screen needed

import pytest
from hypothesis import settings

# The same examples in every run: a failure in CI is a failure here.
settings.register_profile("cifviz", derandomize=True, deadline=None)
# `pytest tests/core/test_properties.py --hypothesis-profile=many --timeout=0`: 10 000 others.
settings.register_profile("many", max_examples=10_000, deadline=None, database=None)
settings.load_profile("cifviz")


def pytest_itemcollected(item):
    """What opens a browser is slow, and long but for a way through each page."""
    if item.nodeid.startswith("tests/ui/"):
        item.add_marker(pytest.mark.slow)
        if not item.get_closest_marker("smoke"):
            item.add_marker(pytest.mark.long)


def pytest_collection_modifyitems(items):
    """Files without a slow test come first."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path in slow)


class AtOnce:
    """Says what failed when it fails; the rest of the story comes at the end."""

    def __init__(self, reporter):
        self.reporter = reporter

    def pytest_runtest_logreport(self, report):
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            message = crash.message.splitlines()[0] if crash and crash.message else ""
            self.reporter.ensure_newline()
            self.reporter.write_line(f"FAILED {report.nodeid} {message}".rstrip(), red=True)


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter and not hasattr(config, "workerinput"):  # workers of pytest-xdist print nothing
        config.pluginmanager.register(AtOnce(reporter))


@pytest.fixture(scope="session")
def cifviz_data() -> Path:
    """The folder of real speech that is not part of the project."""
    folder = os.environ.get("CIFVIZ_DATA")
    if not folder:
        pytest.skip("CIFVIZ_DATA does not name the folder of real speech")
    path = Path(folder)
    if not path.is_dir():
        pytest.fail(f"CIFVIZ_DATA names {folder}, which is not a folder")
    return path
