"""``python -m experiments``, tried as a person would."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cifviz.corpora.corpus_registry import corpus_folder
from cifviz.resources import resource
from experiments import edge_picture
from experiments.command_line import app
from experiments.run_tables import RUN_TABLES
from experiments.studies import STUDIES
from experiments.tables import make_table

ROOT = Path(__file__).resolve().parents[2]


def test_the_program_lists_its_commands():
    result = subprocess.run(
        [sys.executable, "-m", "experiments", "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    commands = result.stdout.split("Commands:")[1]
    listed = [line.split()[0] for line in commands.strip().splitlines()]
    assert listed == [
        *("train", "measure", "publish", "study", "table", "teacher", "pieces", "edges"),
    ]


def test_without_a_name_studies_are_listed():
    assert CliRunner().invoke(app, ["study"]).stdout.split() == list(STUDIES)


def test_help_names_every_table():
    told = " ".join(CliRunner().invoke(app, ["table", "--help"]).stdout.split())
    assert f"{', '.join(RUN_TABLES)}, or the name of a study" in told


def test_a_table_is_printed():
    result = CliRunner().invoke(app, ["table", "tail-sweep", "--data", str(ROOT / "data")])
    assert result.stdout == make_table("tail-sweep", resource("results")) + "\n"


def test_an_unknown_table_is_answered_with_the_known():
    result = CliRunner().invoke(app, ["table", "sharpness"])
    assert result.exit_code == 1
    assert "table must be one of 'summary', 'alignment', " in result.stderr


def test_results_of_nothing_say_so(tmp_path):
    result = CliRunner().invoke(app, ["table", "summary", "--data", str(tmp_path)])
    assert result.exit_code == 1
    assert "expected results" in result.stderr


def test_no_steps_are_refused(tmp_path):
    result = CliRunner().invoke(app, ["train", "digits", "--steps", "0", "--runs", str(tmp_path)])
    assert result.exit_code == 1
    assert "steps must be an integer > 0, got 0" in result.stderr


def test_edges_without_recordings_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFVIZ_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    result = CliRunner().invoke(app, ["edges", "--out", str(tmp_path / "edges.png")])
    assert result.exit_code == 1
    assert result.stderr.startswith("python -m experiments edges: data set 'digits' not found")
    assert not list(tmp_path.glob("*.png"))


@pytest.mark.usefixtures("cifviz_data")
def test_edges_draws_and_tells(tmp_path):
    result = CliRunner().invoke(app, ["edges", "--out", str(tmp_path / "edges.png")])
    assert result.exit_code == 0, result.stderr
    assert "Cut at valleys" in result.stdout
    assert (tmp_path / "edges.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("cifviz_data")
def test_edges_replaces_nothing_unasked_and_no_input(tmp_path, monkeypatch):
    monkeypatch.setattr(edge_picture, "labelled_strings", lambda _: pytest.fail("it began"))
    path = tmp_path / "edges.png"
    path.write_text("mine")
    for out, options, said in (
        (path, [], "exists; --overwrite"),
        (corpus_folder("digits") / "edges.png", ["--overwrite"], "never replaced"),
        (resource("checkpoints") / "digits/README.md", ["--overwrite"], "never replaced"),
    ):
        result = CliRunner().invoke(app, ["edges", "--out", str(out), *options])
        assert result.exit_code == 1
        assert result.stderr.startswith("python -m experiments edges: ") and said in result.stderr
    assert path.read_text() == "mine"
