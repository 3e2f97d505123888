"""The commands, tried as a person would: on the bundled clips, on real speech, on bad files."""

import json
import os
import re

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from cifviz.cli import _fitting, app
from cifviz.explorer.data import spans_of
from cifviz.resources import resource
from cifviz.speech.clips import load_clip
from cifviz.speech.datasets import digit_string_waveform, digit_strings, grid_sentences
from cifviz.speech.formats import read_textgrid, write_textgrid

CLIPS = resource("clips")


def align(*arguments):
    return CliRunner().invoke(app, ["align", *map(str, arguments)])


def explore(*arguments):
    return CliRunner().invoke(app, ["explore", *map(str, arguments)])


def explored(page):
    """What a page holds."""
    text = page.read_text("utf-8")
    return json.loads(re.search(r'id="cifviz-data">(.*?)</script>', text, re.DOTALL)[1])


def heard(path):
    return [token["token"] for token in json.loads(path.read_text("utf-8"))["tokens"]]


def test_clip_gives_its_words_in_a_table_a_picture_a_textgrid_and_json(tmp_path):
    clip = load_clip("digits_four")
    result = align(CLIPS / "digits_four.flac", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.stdout.splitlines()[2:]] == list(clip.tokens)
    assert heard(tmp_path / "digits_four.json") == list(clip.tokens)
    tier = read_textgrid(tmp_path / "digits_four.TextGrid")["tokens"]
    assert [token.token for token in tier] == list(clip.tokens)
    assert (tmp_path / "digits_four.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".TextGrid", ".json", ".png"]


def test_json_has_the_promised_fields(tmp_path):
    align(CLIPS / "digits_two.flac", "--out", tmp_path)
    record = json.loads((tmp_path / "digits_two.json").read_text("utf-8"))
    assert record["file"] == "digits_two.flac"
    assert record["model"] == "digits"
    assert record["duration"] == pytest.approx(load_clip("digits_two").waveform.duration, abs=1e-4)
    for token in record["tokens"]:
        assert set(token) == {"token", "start", "end", "score"}
        assert 0 <= token["start"] <= token["end"] <= record["duration"]
        assert 0 <= token["score"] <= 1


def test_table_and_json_say_what_the_model_is_made_for(tmp_path):
    result = align(CLIPS / "digits_two.flac", "--out", tmp_path)
    record = json.loads((tmp_path / "digits_two.json").read_text("utf-8"))
    mean = np.mean([token["score"] for token in record["tokens"]])
    assert record["mean_score"] == pytest.approx(mean, abs=1e-3)
    assert f"s, model digits, 10 words: zero … nine, mean score {mean:.2f})" in result.stdout
    assert (record["vocabulary_size"], record["vocabulary"]) == (10, "10 words: zero … nine")
    assert record["out_of_domain"] is False
    assert record["warning"] is None
    assert 0 < record["domain_distance"] < record["domain_bound"]
    assert "warning" not in result.stdout


def test_sound_out_of_domain_is_flagged_in_table_and_json(tmp_path):
    result = align(CLIPS / "natural_lake.flac", "--out", tmp_path)
    assert result.exit_code == 0
    record = json.loads((tmp_path / "natural_lake.json").read_text("utf-8"))
    said = "this sound is probably outside what the model knows (10 words: zero … nine); "
    assert record["warning"] == f"{said}mean score {record['mean_score']:.2f}"
    assert record["out_of_domain"] is True
    assert record["domain_distance"] > record["domain_bound"]
    assert result.stdout.splitlines()[-1] == f"  warning: {record['warning']}"


def test_silence_is_not_flagged_but_said_to_be_empty(tmp_path):
    result = align(CLIPS / "silence.flac", "--out", tmp_path)
    record = json.loads((tmp_path / "silence.json").read_text("utf-8"))
    assert (record["tokens"], record["mean_score"], record["warning"]) == ([], None, None)
    assert "(no token fired)" in result.stdout
    assert "warning" not in result.stdout


def test_a_terminal_in_ascii_can_show_the_table():
    table = _fitting("10 words: zero … nine", "ascii")
    assert table == "10 words: zero ... nine"
    assert _fitting("zero … nine", "utf-8") == "zero … nine"


def test_grid_clip_with_the_grid_model(tmp_path):
    clip = load_clip("grid_bin")
    result = align(CLIPS / "grid_bin.flac", "--model", "grid", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert heard(tmp_path / "grid_bin.json") == list(clip.tokens)


@pytest.mark.usefixtures("cifviz_data")
def test_real_digits_and_a_real_sentence(tmp_path):
    string = digit_strings("test")[0]
    waveform, _ = digit_string_waveform(string)
    soundfile.write(tmp_path / "string.wav", waveform.samples, waveform.sample_rate)
    assert align(tmp_path / "string.wav", "--out", tmp_path).exit_code == 0
    assert heard(tmp_path / "string.json") == list(string.words)

    sentence = grid_sentences("dev")[0]
    assert align(sentence.path, "--model", "grid", "--out", tmp_path).exit_code == 0
    assert heard(tmp_path / f"{sentence.path.stem}.json") == sentence.text.split()


def test_one_bad_file_is_reported_and_the_rest_go_on(tmp_path):
    bad = tmp_path / "notes.wav"
    bad.write_text("this is no sound")
    out = tmp_path / "out"
    result = align(bad, CLIPS / "digits_one.flac", tmp_path / "missing.wav", "--out", out)
    assert result.exit_code == 1
    assert "notes.wav" in result.stderr
    assert "missing.wav" in result.stderr
    assert sorted(path.name for path in out.iterdir()) == [
        "digits_one.TextGrid",
        "digits_one.json",
        "digits_one.png",
    ]


def test_names_that_are_no_text_are_no_obstacle(tmp_path, monkeypatch):
    sound = (CLIPS / "digits_one.flac").read_bytes()
    for name in (b"bad\xff.flac", "你好.flac".encode()):
        (tmp_path / os.fsdecode(name)).write_bytes(sound)
    files = sorted(tmp_path.iterdir())
    result = align(*files, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert len(list((tmp_path / "out").glob("*.json"))) == 2
    monkeypatch.chdir(tmp_path)
    for file in files:
        result = explore(file.name)
        assert result.exit_code == 0, result.stderr
    assert len(list(tmp_path.glob("*.html"))) == 2


def test_a_result_that_cannot_be_written_leaves_no_other_behind(tmp_path):
    (tmp_path / "digits_one.TextGrid" / "in the way").mkdir(parents=True)
    result = align(CLIPS / "digits_one.flac", "--out", tmp_path)
    assert result.exit_code == 1
    assert "digits_one" in result.stderr
    assert not (tmp_path / "digits_one.json").exists()


def test_an_out_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "out").write_text("a file")
    result = align(CLIPS / "digits_one.flac", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "cifviz align:" in result.stderr


def test_results_of_nothing_say_so(tmp_path):
    result = CliRunner().invoke(app, ["results", "--data", str(tmp_path)])
    assert result.exit_code == 1
    assert "expected results" in result.stderr


def test_no_steps_are_refused(tmp_path):
    result = CliRunner().invoke(app, ["train", "digits", "--steps", "0", "--runs", str(tmp_path)])
    assert result.exit_code == 1
    assert "steps must be an integer > 0, got 0" in result.stderr


def test_silence_gives_an_empty_table(tmp_path):
    soundfile.write(tmp_path / "silence.wav", np.zeros(16000), 16000)
    result = align(tmp_path / "silence.wav", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "(no token fired)" in result.stdout
    assert heard(tmp_path / "silence.json") == []


def test_files_of_one_name_are_refused_before_anything_is_written(tmp_path):
    result = align(CLIPS / "digits_one.flac", tmp_path / "digits_one.wav", "--out", tmp_path / "o")
    assert result.exit_code == 2
    assert "digits_one.png" in result.stderr
    assert not (tmp_path / "o").exists()


def test_an_unknown_model_is_answered_with_the_known_ones(tmp_path):
    result = align(CLIPS / "digits_one.flac", "--model", "latin", "--out", tmp_path)
    assert result.exit_code == 2
    assert "digits, grid" in result.stderr


def test_edges_without_recordings_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFVIZ_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    result = CliRunner().invoke(app, ["edges", "--out", str(tmp_path / "edges.png")])
    assert result.exit_code == 1
    assert result.stderr.startswith("cifviz edges: data set 'digits' not found")
    assert not list(tmp_path.glob("*.png"))


@pytest.mark.usefixtures("cifviz_data")
def test_edges_draws_and_tells(tmp_path):
    result = CliRunner().invoke(app, ["edges", "--out", str(tmp_path / "edges.png")])
    assert result.exit_code == 0, result.stderr
    assert "Cut at valleys" in result.stdout
    assert (tmp_path / "edges.png").read_bytes().startswith(b"\x89PNG")


def test_explore_writes_a_page_with_the_sound_and_the_first_tier_of_a_reference(tmp_path):
    clip = load_clip("digits_four")
    tiers = {"words": clip.words, "phones": clip.phones}
    said = write_textgrid(tmp_path / "said.TextGrid", tiers, clip.waveform.duration)
    page = tmp_path / "page.html"
    result = explore(CLIPS / "digits_four.flac", "--reference", said, "--out", page)
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[2:-1]] == list(clip.tokens)
    assert lines[-1] == "written to page.html"
    shown = explored(page)
    assert shown["tokens"] == list(clip.tokens)
    assert shown["reference"] == spans_of(clip.words)
    assert shown["sound_file"]
    assert "<title>digits_four.flac</title>" in page.read_text("utf-8")
    explore(CLIPS / "digits_four.flac", "--reference", said, "--tier", "phones", "--out", page)
    assert explored(page)["reference"] == spans_of(clip.phones)


def test_explore_names_its_page_after_the_sound(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = explore(CLIPS / "grid_bin.flac", "--model", "grid")
    assert result.exit_code == 0, result.stderr
    shown = explored(tmp_path / "grid_bin.html")
    assert shown["tokens"] == list(load_clip("grid_bin").tokens)
    assert shown["reference"] is None


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["missing.wav"], "no such audio file: missing.wav"),
        (["--model", "latin"], "digits, grid"),
        (["--reference", "missing.TextGrid"], "no such TextGrid: missing.TextGrid"),
        (["--reference", "said.TextGrid", "--tier", "b"], "tier must be one of 'a', got 'b'"),
        (["--out", "missing/page.html"], "no such folder to write in: missing"),
    ],
)
def test_explore_says_what_is_wrong_and_writes_nothing(tmp_path, monkeypatch, arguments, complaint):
    monkeypatch.chdir(tmp_path)
    write_textgrid("said.TextGrid", {"a": load_clip("digits_one").words}, 2.0)
    sound = [] if arguments[0].endswith(".wav") else [CLIPS / "digits_one.flac"]
    result = explore(*sound, *arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("cifviz explore: ") and complaint in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["said.TextGrid"]
