"""Sound from standard input, as from another program's output."""

import pytest
from typer.testing import CliRunner

from cifviz.cli import app
from cifviz.resources import resource

CLIP = resource("clips") / "digits_three.flac"


def run(*arguments, content=b""):
    return CliRunner().invoke(app, [*map(str, arguments)], input=content)


def test_align_reads_standard_input(tmp_path):
    done = run("align", "-", "--out", tmp_path, content=CLIP.read_bytes())
    assert done.exit_code == 0, done.output
    assert "three" in done.stdout
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"stdin.png", "stdin.TextGrid", "stdin.json"}


def test_explore_reads_standard_input(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run("explore", "-", content=CLIP.read_bytes())
    assert done.exit_code == 0, done.output
    assert [path.name for path in tmp_path.iterdir()] == ["stdin.html"]


@pytest.mark.parametrize("content", [b"", b"this is not a sound"])
def test_what_is_no_sound_on_standard_input_is_one_sentence(tmp_path, content):
    done = run("align", "-", CLIP, "--out", tmp_path, content=content)
    assert done.exit_code == 1
    assert "cifviz align: -: expected a sound file" in done.stderr
    assert (tmp_path / "digits_three.json").is_file()
    assert not (tmp_path / "stdin.json").exists()
