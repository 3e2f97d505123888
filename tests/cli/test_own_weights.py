"""`cifviz explore` and `cifviz panel` on the weights of one's own model."""

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from cifviz.cli import app
from cifviz.formats import write_alignments
from cifviz.systems.given_cif import Alignment, TimedToken

ALPHA = np.float32([0.5, 0.5, 0.75, 0.5, 0.25] * 10)  # 25 in all


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("alpha.npy", ALPHA)
    np.savez("two.npz", alpha=ALPHA, peaks=ALPHA)
    np.savez("halves.npz", alpha=ALPHA, half=ALPHA / 2)
    np.savez("unnamed.npz", a=ALPHA, b=ALPHA)
    np.save("objects.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    np.save("negative.npy", -ALPHA)
    np.save("integers.npy", np.arange(5))
    np.save("batch.npy", np.stack([ALPHA, ALPHA]))
    (tmp_path / "tokens.txt").write_text(
        " ".join("今天天气真不错我们一起去公园散步吧好的没问题啊"[:25])
    )
    (tmp_path / "few.txt").write_text("你 好\n")
    soundfile.write("my.wav", np.zeros(32000), 16000)
    write_alignments("ref.TextGrid", {"words": Alignment((TimedToken("今", 0, 0.1),))}, 2.0)
    return tmp_path


def called(*arguments):
    return CliRunner().invoke(app, [str(one) for one in arguments])


OWN = ["--alpha", "alpha.npy", "--frame-shift", "0.04"]


def test_one_command_to_the_page_and_one_to_the_picture(folder):
    given = ["my.wav", *OWN, "--tokens", "few.txt", "--reference", "ref.TextGrid"]
    for command, name in (("explore", "my.html"), ("panel", "my.png")):
        result = called(command, *given)
        assert result.exit_code == 0, result.output
        assert "你" in result.output
        assert "25 fires, but 2 tokens" in result.output
        assert f"written to {name}" in result.output
        assert (folder / name).stat().st_size > 1000
        again = called(command, *given)
        assert again.exit_code == 1
        assert "exists" in again.output
        assert called(command, *given, "--overwrite").exit_code == 0


def test_without_a_sound_and_by_another_rule(folder):
    result = called(
        "panel", *OWN, "--dialect", "cif_pytorch", "--threshold", "0.9", "--out", "out.svg"
    )
    assert result.exit_code == 0, result.output
    assert "as cif_pytorch fires" in result.output
    assert "<svg" in (folder / "out.svg").read_text("utf-8")
    result = called("panel", *OWN, "--tail", "above 0.5", "--out", "out.pdf")
    assert (folder / "out.pdf").read_bytes().startswith(b"%PDF")
    assert called("explore", *OWN).exit_code == 0
    assert (folder / "alpha.html").exists()
    assert called("panel", "--alpha", "two.npz", "--frame-shift", "0.04").exit_code == 0
    named = ["--alpha", "halves.npz", "--array", "half", "--frame-shift", "0.04"]
    result = called("panel", *named)
    assert result.exit_code == 0, result.output
    assert "12 fires" in result.output  # 12.5 in all


def test_a_picture_of_a_model_of_cifviz(folder, monkeypatch):
    from cifviz.resources import resource

    clip = resource("clips") / "digits_two.flac"
    result = called("panel", clip)
    assert result.exit_code == 0, result.output
    assert (folder / "digits_two.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["my.wav", "--alpha", "alpha.npy"], "--alpha needs --frame-shift"),
        (["my.wav", "--tokens", "few.txt"], "--tokens: expected --alpha with it"),
        (["my.wav", *OWN, "--text", "hello"], "it takes no --text"),
        (["my.wav", "--alpha", "alpha.npy", "--frame-shift", "0.4"], "but the sound lasts 2 s"),
        (["my.wav", "--alpha", "alpha.npy", "--frame-shift", "-1"], "frame_shift must be"),
        (["--alpha", "objects.npy", "--frame-shift", "0.04"], "must hold numbers"),
        (["--alpha", "negative.npy", "--frame-shift", "0.04"], "finite and >= 0"),
        (["--alpha", "integers.npy", "--frame-shift", "0.04"], "floating point weights"),
        (["--alpha", "batch.npy", "--frame-shift", "0.04"], "weights of one utterance"),
        (["--alpha", "unnamed.npz", "--frame-shift", "0.04"], "expected one array in unnamed.npz"),
        (["--alpha", "unnamed.npz", "--frame-shift", "0.04", "--array", "c"], "but 'a', 'b'"),
        (["my.wav", "--array", "a"], "--array: expected --alpha with it"),
        (["--alpha", "nowhere.npy", "--frame-shift", "0.04"], "no such file of arrays"),
        (["--alpha", "my.wav", "--frame-shift", "0.04"], "expected a file of arrays"),
        (["my.wav", *OWN, "--tokens", "alpha.npy"], "must be UTF-8 text|has NULs"),
        (["my.wav", *OWN, "--tail", "sometimes"], "tail rule must be one of"),
        (["my.wav", *OWN, "--dialect", "espnet"], "dialect must be one of"),
        (["my.wav", *OWN, "--out", "alpha.npy", "--overwrite"], "suffix|input"),
        ([], "expected a sound file, or --alpha"),
    ],
)
@pytest.mark.parametrize("command", ["explore", "panel"])
def test_what_contradicts_is_one_line_and_nothing_is_written(command, arguments, message, folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    result = called(command, *arguments)
    assert result.exit_code == 1, result.output
    (line,) = result.output.strip().splitlines()
    assert line.startswith(f"cifviz {command}: ")
    import re

    assert re.search(message, line), line
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_the_options_of_a_panel(folder):
    look = ["--start", "0.2", "--end", "1", "--width", "4", "--title", "Mine", "--style", "dark"]
    result = called("panel", "my.wav", *OWN, *look, "--lanes", "weights, tokens")
    assert result.exit_code == 0, result.output
    picture = (folder / "my.png").read_bytes()
    assert int.from_bytes(picture[16:20], "big") == 400
    assert b"from 0.20 to 1.00 s: weight per frame, tokens." in picture
    for option, value, message in (
        ("--lanes", "weights,wave", "a lane must be one of"),
        ("--start", "3", "start must be a number < 2"),
        ("--style", "night", "style must be one of"),
    ):
        result = called("panel", "my.wav", *OWN, option, value, "--overwrite")
        assert result.exit_code == 1
        assert message in " ".join(result.output.split())
        assert (folder / "my.png").read_bytes() == picture
