"""`cifviz align --corpus`, without the runs themselves: tests/corpus_alignment has those."""

from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from cifviz.cli import app
from cifviz.corpus_alignment import align_whole_corpus


@pytest.fixture
def calls(monkeypatch):
    made = []

    def align_corpus(source, out, **options):
        made.append((source, out, options))
        return SimpleNamespace(index=out / "index.html", statuses={"failed": len(made) - 1})

    monkeypatch.setattr(align_whole_corpus, "align_corpus", align_corpus)
    return made


def run(*arguments):
    return CliRunner().invoke(app, ["align", *map(str, arguments)])


def test_options_reach_the_library_and_a_failed_row_is_the_exit_code(calls, tmp_path):
    out = tmp_path / "out"
    corpus = ["--corpus", tmp_path, "--out", out, "--model", "grid"]
    assert (
        run(
            *corpus,
            "--workers",
            3,
            "--cuts",
            "--retry-failed",
            "--language",
            "en-gb",
            "--format",
            "srt",
        ).exit_code
        == 0
    )
    result = run(*corpus, "--scheduler", "tcp://host:8786", "--overwrite")
    assert result.exit_code == 1 and "index.html" in result.output
    (source, folder, first), (_, _, second) = calls
    assert (source, folder) == (tmp_path, out)
    assert (first["model"], first["workers"], first["client"]) == ("grid", 3, None)
    assert (first["language"], second["language"]) == ("en-gb", None)
    assert (first["formats"], second["formats"]) == ([".srt"], [".TextGrid", ".json"])
    assert first["cuts"] and first["retry_failed"] and not first["overwrite"]
    assert second["client"] == "tcp://host:8786" and second["overwrite"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--workers", 2, "a.wav"], "--workers: only with --corpus"),
        ([], "expected sound files, or --corpus"),
        (["--corpus", "x", "--out", "y", "a.wav"], "cannot be combined with files"),
        (["--corpus", "x", "--out", "y", "--text", "one"], "cannot be combined with --text"),
        (["--corpus", "x", "--out", "y", "--format", "png,srt"], "leave out png"),
        (["--corpus", "x"], "a folder of its own"),
    ],
)
def test_what_does_not_go_together_is_said(calls, arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2 and message in result.output
    assert not calls


def test_what_a_run_raises_is_one_line(tmp_path):
    result = run("--corpus", tmp_path / "none", "--out", tmp_path / "out", "--model", "digits")
    assert result.exit_code == 2
    assert result.output.startswith("cifviz align: no such corpus")
