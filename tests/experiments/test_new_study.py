"""A proof: a study is one file, here in the test, and one line of the table of studies."""

import importlib.util
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cifviz.errors import DataError
from cifviz.published import read_study, study_path
from experiments import studies
from experiments.command_line import app
from experiments.provenance import commit
from experiments.studies import STUDIES

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


def test_before_it_is_run_its_table_says_how(clip_lengths, tmp_path):
    result = CliRunner().invoke(app, ["table", "clip-lengths", "--data", str(tmp_path)])
    assert result.exit_code == 1
    assert "run `python -m experiments study clip-lengths`" in result.stderr
