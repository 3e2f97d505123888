"""``cifviz align --phrases FILE``: read before any sound, for a model that takes phrases."""

import json
import re

import pytest
import soundfile

from cifviz.cli import align_command
from cifviz.systems.checkpoints import save_model
from tests.cli.test_cli import align
from tests.systems.test_coldec import FIFTY, tiny
from tests.systems.tiny import noise


@pytest.fixture
def sound(tmp_path):
    waveform = noise(2.0)
    soundfile.write(tmp_path / "call.wav", waveform.samples, 16_000, subtype="FLOAT")
    return tmp_path / "call.wav"


@pytest.fixture
def model(tmp_path):
    save_model(tiny(), tmp_path / "model", "# A card\n")
    return tmp_path / "model"


@pytest.fixture
def names(tmp_path):
    (tmp_path / "names.txt").write_text("\n".join(FIFTY) + "\n", "utf-8")
    return tmp_path / "names.txt"


def tokens(folder):
    record = json.loads((folder / "call.json").read_text("utf-8"))
    return [(one["token"], one["score"]) for one in record["tokens"]]


def expected(**request):
    found = tiny().transcribe(noise(2.0), **request)
    return [
        (token, pytest.approx(score, abs=1e-4))
        for token, score in zip(found.tokens, found.scores, strict=True)
    ]


def test_the_list_is_heeded_and_the_results_are_those_of_any_model(sound, model, names, tmp_path):
    options = {"usual": [], "heavy": ["--phrase-weight", 0.9]}
    for folder, more in options.items():
        out = tmp_path / folder
        result = align(sound, "--model", model, "--phrases", names, "--out", out, *more)
        assert result.exit_code == 0, result.output
        files = sorted(path.name for path in out.iterdir())
        assert files == ["call.TextGrid", "call.json", "call.png"]
    assert tokens(tmp_path / "usual") == expected(phrases=FIFTY)
    assert tokens(tmp_path / "usual") != expected()
    assert tokens(tmp_path / "heavy") == expected(phrases=FIFTY, phrase_weight=0.9)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"one\n\ntwo five\n", r"line 3 of .*names.txt \('two five'\) has the token 'five', which"),
        (b"\xff\xfe\x00", "the list of phrases .*names.txt must be UTF-8 text, it is not"),
        (b"one \n" * 300_000, "the list of phrases .*names.txt is larger than 1048576 bytes"),
        (None, "no such list of phrases: .*names.txt"),
    ],
)
def test_a_list_that_cannot_be_read_is_one_line_before_any_sound(
    sound, model, names, monkeypatch, content, message
):
    names.unlink()
    if content is not None:
        names.write_bytes(content)
    monkeypatch.setattr(align_command, "_align_one", None)
    out = sound.parent / "out"
    result = align(sound, sound, "--model", model, "--phrases", names, "--out", out)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert result.stderr.startswith("cifviz align: ") and not out.exists()
    assert re.search(message, result.stderr)


def test_an_empty_list_is_none(sound, model, names):
    names.write_text("\n  \n", "utf-8")
    out = sound.parent / "out"
    result = align(sound, "--model", model, "--phrases", names, "--out", out)
    assert result.exit_code == 0 and tokens(out) == expected()


def test_a_model_that_takes_no_phrases_is_named(sound, names):
    result = align(sound, "--phrases", names, "--model", "digits-ctc")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "cifviz align: --phrases needs a model that listens for phrases, digits-ctc takes none\n"
    )


@pytest.mark.parametrize("weight", ["1.5", "-0.1", "nan"])
def test_a_weight_is_a_share(sound, model, names, weight):
    result = align(sound, "--model", model, "--phrases", names, f"--phrase-weight={weight}")
    assert result.exit_code == 2
    assert "--phrase-weight must be a number >= 0 and <= 1, got" in result.stderr


def test_a_weight_is_that_of_a_list(sound, model):
    result = align(sound, "--model", model, "--phrase-weight", "0.5")
    assert result.exit_code == 2
    assert "--phrase-weight is that of --phrases, which is not given" in result.stderr


def test_the_list_is_an_input_that_no_result_replaces(sound, model, names):
    target = sound.with_suffix(".json")
    names.rename(target)
    result = align(
        sound, "--model", model, "--phrases", target, "--out", sound.parent, "--overwrite"
    )
    assert result.exit_code == 1 and "never replaced: it is an input" in result.stderr
    assert target.read_text("utf-8").startswith(FIFTY[0])


def test_help_says_what_the_file_is():
    listed = " ".join(align("--help").stdout.split())
    assert "Text file of phrases to listen for, one a line, tokens separated by spaces" in listed
    assert "How much the phrases count, from 0 to 1" in listed
