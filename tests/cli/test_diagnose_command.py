"""``cifviz diagnose``: on weights, firings and models; exit codes that a CI can trust."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import cifviz
from cifviz.cli import app
from cifviz.corpora.clips import load_clip
from cifviz.diagnosis import save_firings
from cifviz.resources import resource
from tests.diagnosis.healthy import clip_utterances

CLIPS = resource("clips")
NAMES = ("digits_two", "digits_five", "digits_fast")


def diagnose(*arguments):
    return CliRunner().invoke(app, ["diagnose", *map(str, arguments)])


@pytest.fixture
def weights(tmp_path):
    """Weights of a healthy model, and the tokens of each utterance."""
    found = {one.name: one for one in clip_utterances("digits") if one.name in NAMES}
    np.savez(tmp_path / "alpha.npz", **{name: one.alpha for name, one in found.items()})
    lines = [f"{name} {' '.join(load_clip(name).tokens)}" for name in NAMES]
    (tmp_path / "tokens.txt").write_text("\n".join(lines), "utf-8")
    return tmp_path / "alpha.npz"


def test_healthy_weights_give_zero(weights, tmp_path):
    result = diagnose(weights, "--tokens", tmp_path / "tokens.txt", "--tail", "rounded")
    assert result.exit_code == 0, result.output
    assert "nothing found; 8 of 12 checks ran on 3 utterances" in result.output
    assert "fires_in_silence: needs the sound" in result.output


def test_a_fault_gives_one_a_page_and_json(weights, tmp_path):
    tokens = ["--tokens", tmp_path / "tokens.txt", "--tail", "drop"]
    files = ["--page", tmp_path / "out.html", "--json", tmp_path / "out.json"]
    result = diagnose(weights, *tokens, *files)
    assert result.exit_code == 1, result.output
    assert "fault: the residual is a token that is lost" in result.output
    assert "written to out.html" in result.output
    data = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert data["findings"][0]["check"] == "lost_tail"
    assert "lost_tail" in (tmp_path / "out.html").read_text("utf-8")
    again = diagnose(weights, *tokens, *files)
    assert again.exit_code == 2
    assert "exists; --overwrite" in again.output
    assert diagnose(weights, *tokens, *files, "--overwrite").exit_code == 1


def test_one_array_of_a_file_is_chosen_by_its_name(tmp_path):
    alpha = np.float32([[0.5, 0.5, 0.25, 0.75], [0.25, 0.75, 0.5, 0.0]])
    file = tmp_path / "batch.npz"
    np.savez(file, alpha=alpha, peaks=-alpha, frame_lengths=np.array([4, 3]))
    assert diagnose(file, "--array", "peaks").exit_code == 1  # weights below 0
    result = diagnose(file, "--array", "alpha", "--json", tmp_path / "out.json")
    assert result.exit_code == 0, result.output
    data = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert [one["frames"] for one in data["utterances"]] == [4, 3]


def test_the_severity_that_fails_is_chosen(weights):
    assert diagnose(weights).exit_code == 0  # a note: which rule fires the tail is not known
    assert diagnose(weights, "--fail-on", "warning").exit_code == 0
    assert diagnose(weights, "--fail-on", "note").exit_code == 1


def test_firings_with_sounds_and_references(tmp_path):
    model = cifviz.load_model("digits")
    firings = [model.transcribe(load_clip(name).waveform).firing for name in NAMES]
    path = save_firings(firings, tmp_path / "kept.npz", names=NAMES, grid=0.04)
    sounds = [CLIPS / f"{name}.flac" for name in NAMES]
    result = diagnose(path, *sounds, "--reference", CLIPS, "--tier", "words", "--alone", path)
    assert result.exit_code == 0, result.output
    assert "nothing found; 12 of 12 checks" in result.output


def test_a_model_on_sounds(tmp_path):
    sounds = [CLIPS / f"{name}.flac" for name in NAMES]
    result = diagnose("digits", *sounds, "--reference", CLIPS)
    assert result.exit_code == 0, result.output
    assert "digits: nothing found; 12 of 12 checks ran on 3 utterances" in result.output


def test_a_wrong_clock_is_a_drift(tmp_path):
    one = next(one for one in clip_utterances("digits") if one.name == "digits_pause")
    np.save(tmp_path / "digits_pause.npy", one.used)
    reference = CLIPS / "digits_pause.TextGrid"
    right = diagnose(
        tmp_path / "digits_pause.npy", "--reference", reference, "--frame-shift", 0.04, "--tail",
        "rounded",
    )  # fmt: skip
    assert right.exit_code == 0, right.output
    wrong = diagnose(
        tmp_path / "digits_pause.npy", "--reference", reference, "--frame-shift", 0.05, "--tail",
        "rounded",
    )  # fmt: skip
    assert wrong.exit_code == 1
    assert "fault: fires drift away from the reference" in wrong.output


def test_a_sound_that_cannot_be_read_stops_no_other(tmp_path):
    (tmp_path / "bad.wav").write_bytes(b"no sound")
    result = diagnose("digits", tmp_path / "bad.wav", CLIPS / "digits_two.flac")
    assert result.exit_code == 2
    assert "bad.wav" in result.output
    assert "checks ran on 1 utterance" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no model"], "no model 'no model'"),
        (["digits"], "a model needs waveforms"),
        (["nothing.npz"], "no such file of arrays"),
        (["alpha.npz", "--array", "beta"], "no array 'beta', but 'digits_"),
        (["digits", "--array", "alpha"], "--array needs a file of arrays"),
        (["alpha.npz", "--fail-on", "bad"], "--fail-on must be one of"),
        (["alpha.npz", "--tail", "none"], "tail rule must be one of"),
        (["alpha.npz", "--threshold", "0"], "threshold must be a number > 0"),
        (["alpha.npz", "--frame-shift", "0"], "frame_shift must be a number > 0"),
        (["alpha.npz", "--page", "alpha.npz", "--overwrite"], "is never replaced"),
        (["alpha.npz", "--page", "a", "--json", "a"], "must name different files"),
        (["alpha.npz", "--alone", "nothing.npy"], "no such file of arrays"),
        (["alpha.npz", "--page", "nowhere/a.html"], "no such folder"),
        (["alpha.npz", "--tokens", "nothing.txt"], "no such file of tokens"),
        (["alpha.npz", "--tokens", "other.txt"], "must begin each line with the name"),
        (["alpha.npz", "--reference", "other.txt"], "must be a folder"),
        (["alpha.npz", "other.wav"], "there is no utterance named 'other'"),
    ],
)
def test_bad_use_gives_two_and_one_sentence(weights, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.txt").write_text("nobody one two", "utf-8")
    before = weights.read_bytes()
    result = diagnose(*arguments)
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert "Traceback" not in result.output
    assert weights.read_bytes() == before


def test_what_is_in_a_damaged_file_is_one_sentence(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 nonsense")
    result = diagnose(tmp_path / "a.npz")
    assert result.exit_code == 2
    assert "is no .npz file, or is damaged" in result.output
