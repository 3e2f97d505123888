"""Commands that `python -m experiments` has now, typed as they were called before."""

import importlib.util

import pytest
from typer.testing import CliRunner

from cifviz.cli import app, former_commands
from experiments.tables import make_table
from tests.cli.test_cli import ROOT


def run(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments)])


def test_they_are_not_listed():
    commands = run("--help").stdout.split("Commands:")[1]
    listed = [line.split()[0] for line in commands.strip().splitlines()]
    assert listed == ["align", "explore", "panel", "diagnose", "notebooks"]


def test_one_says_what_it_is_called_now_and_runs_that_with_its_options():
    result = run("results", "grid", "--data", ROOT / "data")
    assert result.exit_code == 0, result.stderr
    assert result.stderr == (
        "cifviz results: this is `python -m experiments table` now, in a clone of the repository\n"
    )
    assert result.stdout == make_table("grid", ROOT / "data/results") + "\n"


@pytest.mark.parametrize(
    ("name", "current"),
    [
        ("train", "train"),
        ("publish", "publish"),
        ("results", "table"),
        ("edges", "edges"),
        ("compare", "study robustness-comparison"),
        ("cover", "study vocabulary-coverage"),
        ("tails", "study tail-sweep"),
        ("sharpness", "study token-width"),
    ],
)
def test_each_is_a_command_now_and_needs_a_clone(monkeypatch, name, current):
    asked = run(name, "--help")
    assert asked.exit_code == 0
    assert asked.stdout.startswith(f"Usage: python -m experiments {current.split()[0]} ")
    monkeypatch.setattr(former_commands.importlib.util, "find_spec", lambda _: None)
    result = run(name)
    assert result.exit_code == 1
    told, refused = result.stderr.splitlines()
    assert told.startswith(f"cifviz {name}: this is `python -m experiments {current}` now")
    assert refused == (
        f"cifviz: `python -m experiments {current}` needs a clone of the repository; "
        "it is not in this package"
    )


def test_a_package_of_somebody_that_is_called_alike_is_not_run(monkeypatch):
    found = importlib.util.find_spec
    missing = "experiments.command_line"
    monkeypatch.setattr(
        former_commands.importlib.util,
        "find_spec",
        lambda name: None if name == missing else found(name),
    )
    assert "needs a clone" in run("tails").stderr
