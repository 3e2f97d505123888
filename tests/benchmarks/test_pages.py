"""Pages show the tables of what is kept, and a measurement renews its page."""

import json

import pytest
from typer.testing import CliRunner

import benchmarks.corpus
import benchmarks.explorer
from benchmarks import __main__ as program
from benchmarks import notebook_checkers, report
from benchmarks.pages import CORE, CORPUS, EXPLORER, NOTEBOOKS, Kept, with_table
from cifviz.errors import DataError

RUN = {
    "× real time per core": 80.5,
    "× real time per core, by the clock": 61.0,
    "files per second of CPU": 46.2,
    "peak_mb": 1232,
}
FOUND = {
    "rows": {"few": 1000, "many": 10_000},
    **dict.fromkeys(benchmarks.corpus.RUNS, RUN),
    "memory of ten times as many rows": 1.04,
    "broken": {
        "kills": 20,
        "rows_done_before_the_last_call": 8200,
        "done_again": 0,
        "files": 20_203,
        "files_that_differ": 0,
    },
}


def between_marks(kept):
    text = kept.page.read_text(encoding="utf-8")
    return text.split(f"<!-- {kept.mark} -->\n")[1].split(f"<!-- /{kept.mark} -->")[0]


@pytest.mark.parametrize(
    ("kept", "table"),
    [
        (CORE, report.table),
        (NOTEBOOKS, notebook_checkers.table),
        (CORPUS, benchmarks.corpus.table),
        (EXPLORER, benchmarks.explorer.table),
    ],
)
def test_a_page_shows_the_table_of_what_is_kept(kept, table):
    is_there = kept.results.is_file()
    expected = table(json.loads(kept.results.read_text("utf-8"))) + "\n" if is_there else ""
    assert between_marks(kept) == expected


def test_a_page_without_the_marks_is_left_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- a -->\nno end\n")
    with pytest.raises(DataError, match="expected the marks of 'a'"):
        with_table(page.read_text(), "a", "new")
    assert page.read_text() == "<!-- a -->\nno end\n"


def test_the_table_and_the_goals_of_a_corpus():
    lines = benchmarks.corpus.table(FOUND).splitlines()
    assert lines[2] == "| 1,000 | 1 | 80.5 | 61.0 | 46.2 | 1,232 |"
    assert lines[4] == "| 10,000 | 2 | 80.5 | 61.0 | 46.2 | 1,232 |"
    assert "Killed 20 times: 8,200 rows were done" in lines[-1]
    assert "MISSED" not in benchmarks.corpus.goals(FOUND)
    slow = FOUND | {"few, 2 workers": RUN | {"× real time per core": 59.4}}
    assert "MISSED  × real time per core: 59.4 (>= 60)" in benchmarks.corpus.goals(slow)
    again = FOUND | {"broken": FOUND["broken"] | {"done_again": 3}}
    assert "MISSED  rows done again: 3 (<= 0)" in benchmarks.corpus.goals(again)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose page has the marks."""
    page = tmp_path / "corpus.md"
    page.write_text("a\n<!-- corpus -->\n<!-- /corpus -->\nb\n", encoding="utf-8")
    kept = Kept(tmp_path / "corpus.json", page, "corpus")
    monkeypatch.setattr(program, "CORPUS", kept)
    monkeypatch.setattr(benchmarks.corpus, "measured", lambda *_, **__: iter(FOUND.items()))
    return kept


def corpus(*options):
    result = CliRunner().invoke(program.app, ["corpus", *map(str, options)])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_whole_measurement_is_kept_and_shown(project):
    corpus()
    assert json.loads(project.results.read_text("utf-8"))["broken"] == FOUND["broken"]
    text = project.page.read_text("utf-8")
    assert text == with_table(text, "corpus", benchmarks.corpus.table(FOUND))
    assert text.startswith("a\n") and text.endswith("-->\nb\n") and "Killed 20" in text


def test_a_trial_changes_nothing_but_what_is_named(project, tmp_path):
    before = project.page.read_text("utf-8")
    assert "holds" in corpus("--rows", 200)
    corpus("--out", tmp_path / "trial.json")
    assert json.loads((tmp_path / "trial.json").read_text("utf-8"))["rows"] == FOUND["rows"]
    assert project.page.read_text("utf-8") == before
    assert not project.results.exists()


def test_a_measurement_that_breaks_off_is_not_kept(project, monkeypatch):
    def breaks(*_, **__):
        yield "rows", FOUND["rows"]
        raise RuntimeError("a worker is gone")

    monkeypatch.setattr(benchmarks.corpus, "measured", breaks)
    result = CliRunner().invoke(program.app, ["corpus"])
    assert result.exit_code == 1 and "rows: " in result.output
    assert not project.results.exists()
