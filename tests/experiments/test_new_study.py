"""A proof: a study is one file, here in the test, and one line of the table of studies."""

import importlib.util
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cifviz.errors import DataError
from cifviz.published import read_study, study_path
from cifviz.text_tables import markdown_table
from experiments import studies
from experiments.command_line import app
from experiments.provenance import commit
from experiments.studies import STUDIES
from experiments.studies.study import Study

CLIP_LENGTHS = '''
"""How long the bundled clips are."""

from functools import partial

from cifviz.corpora.clips import list_clips, load_clip
from cifviz.published import read_study
from cifviz.text_tables import markdown_table
from experiments.studies.study import Study


def run(*, runs, data):
    return {"seconds": {name: load_clip(name).waveform.duration for name in list_clips()}}


def table(found):
    rows = [[name, f"{seconds:.1f}"] for name, seconds in found["seconds"].items()]
    return markdown_table(["clip", "seconds"], rows)


STUDY = Study(run, partial(read_study, name="clip-lengths"), table, corpora=("digits",))
'''


@pytest.fixture
def clip_lengths(tmp_path, monkeypatch):
    """The file, and the line."""
    (tmp_path / "clip_lengths.py").write_text(CLIP_LENGTHS)
    spec = importlib.util.spec_from_file_location("clip_lengths", tmp_path / "clip_lengths.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(STUDIES, "clip-lengths", module.STUDY)
    monkeypatch.setattr(studies, "checksum", lambda corpus: f"of {corpus}")
    return module.STUDY


def python_m_experiments(*arguments):
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_a_new_study_is_run_published_read_and_tabled(clip_lengths, tmp_path):
    data = tmp_path / "data"
    printed = python_m_experiments("study", "clip-lengths", "--data", data)
    assert "| digits_one | " in printed
    published = read_study(data / "results", "clip-lengths")
    assert published["command"] == "python -m experiments study clip-lengths"
    assert published["commit"] == commit()
    assert published["data"] == {"digits": "of digits"}
    assert clip_lengths.read(data / "results") == published
    assert python_m_experiments("table", "clip-lengths", "--data", data) == printed
    assert "clip-lengths" in python_m_experiments("study").splitlines()


@pytest.mark.usefixtures("clip_lengths")
def test_it_replaces_its_own_result_alone(tmp_path):
    python_m_experiments("study", "clip-lengths", "--data", tmp_path)
    python_m_experiments("study", "clip-lengths", "--data", tmp_path)
    path = study_path(tmp_path / "results", "clip-lengths")
    path.write_text("mine")
    with pytest.raises(DataError, match="is no result of .* study clip-lengths"):
        studies.run_study("clip-lengths", runs=Path("runs"), data=tmp_path)
    assert path.read_text() == "mine"


@pytest.fixture
def counts(tmp_path, monkeypatch):
    """A study with a row for each run: a file that holds a number."""

    def run(*, runs, data):
        rows = [{"seed": int(one.name), "words": int(one.read_text())} for one in runs.iterdir()]
        return {"rows": sorted(rows, key=lambda one: one["seed"]), "runs": len(rows)}

    def table(found):
        return markdown_table(["seed", "words"], [[*one.values()] for one in found["rows"]])

    read = partial(read_study, name="counts")
    monkeypatch.setitem(
        STUDIES, "counts", Study(run, read, table, ("digits",), rows={"rows": ("seed",)})
    )
    monkeypatch.setattr(studies, "checksum", lambda corpus: f"of {corpus}")
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


def test_runs_are_added_and_published_rows_stay(counts, tmp_path):
    def add(*options):
        python_m_experiments("study", "counts", "--runs", counts, "--data", tmp_path, *options)
        return read_study(tmp_path / "results", "counts")

    (counts / "0").write_text("3")
    first = add()
    (counts / "0").write_text("7")
    (counts / "1").write_text("5")
    assert add("--add") == {
        **first,
        "rows": [{"seed": 0, "words": 3}, {"seed": 1, "words": 5}],
        "added": [commit()],
    }
    # A run whose folder is gone keeps its row.
    (counts / "0").unlink()
    (counts / "1").rename(counts / "2")
    again = add("--add")
    assert [one["seed"] for one in again["rows"]] == [0, 1, 2]
    assert again["added"] == [commit()] * 2 and again["runs"] == 1
    # Without the option what was published goes.
    assert [one["seed"] for one in add()["rows"]] == [2]


def test_nothing_is_added_to_other_recordings_or_to_a_whole(counts, tmp_path, monkeypatch):
    (counts / "0").write_text("3")
    with pytest.raises(DataError, match="run `python -m experiments study counts`"):
        studies.run_study("counts", runs=counts, data=tmp_path, add=True)
    studies.run_study("counts", runs=counts, data=tmp_path)
    monkeypatch.setattr(studies, "checksum", lambda corpus: "of others")
    with pytest.raises(DataError, match="counts was measured on other recordings"):
        studies.run_study("counts", runs=counts, data=tmp_path, add=True)
    monkeypatch.setitem(STUDIES, "counts", replace(STUDIES["counts"], rows={}))
    with pytest.raises(DataError, match="counts measures all at once"):
        studies.run_study("counts", runs=counts, data=tmp_path, add=True)


def test_before_it_is_run_its_table_says_how(clip_lengths, tmp_path):
    result = CliRunner().invoke(app, ["table", "clip-lengths", "--data", str(tmp_path)])
    assert result.exit_code == 1
    assert "run `python -m experiments study clip-lengths`" in result.stderr
