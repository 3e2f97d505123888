"""The commands, tried as a person would: on the bundled clips, on real speech, on bad files."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from cifviz import formats
from cifviz.audio import waveform
from cifviz.cli import align_command, app
from cifviz.corpora.clips import load_clip
from cifviz.corpora.datasets import digit_string_waveform, digit_strings, grid_sentences
from cifviz.errors import DataError
from cifviz.explorer.compared import spans_of
from cifviz.formats import read_alignments, read_textgrid, write_textgrid
from cifviz.formats.json_alignments import SCHEMA_FILE
from cifviz.resources import resource
from cifviz.systems.checkpoints import list_models, load_model
from tests.formats import lab_format

CLIPS = resource("clips")
ROOT = Path(__file__).resolve().parents[2]


def align(*arguments):
    return CliRunner().invoke(app, ["align", *map(str, arguments)])


def explore(*arguments):
    return CliRunner().invoke(app, ["explore", *map(str, arguments)])


def explored(page):
    """What a page holds."""
    text = page.read_text("utf-8")
    return json.loads(re.search(r'id="cifviz-data">(.*?)</script>', text, re.DOTALL)[1])


def transcription(path):
    return [token["token"] for token in json.loads(path.read_text("utf-8"))["tokens"]]


def test_clip_gives_its_words_in_a_table_a_picture_a_textgrid_and_json(tmp_path):
    clip = load_clip("digits_four")
    result = align(CLIPS / "digits_four.flac", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.stdout.splitlines()[2:]] == list(clip.tokens)
    assert transcription(tmp_path / "digits_four.json") == list(clip.tokens)
    tier = read_textgrid(tmp_path / "digits_four.TextGrid")["tokens"]
    assert [token.token for token in tier] == list(clip.tokens)
    assert (tmp_path / "digits_four.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".TextGrid", ".json", ".png"]


def test_a_new_format_gives_nobody_a_further_file(tmp_path, monkeypatch):
    monkeypatch.setitem(formats.WRITERS, ".lab", lab_format.write)
    assert align(CLIPS / "digits_two.flac", "--out", tmp_path).exit_code == 0
    assert {path.suffix for path in tmp_path.iterdir()} == {".TextGrid", ".json", ".png"}


def test_other_formats_are_written_if_asked_for(tmp_path):
    names = [suffix[1:] for suffix in formats.WRITERS]
    result = align(CLIPS / "digits_two.flac", "--format", ",".join(names), "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert {path.name for path in tmp_path.iterdir()} == {f"digits_two.{name}" for name in names}
    reference = read_alignments(tmp_path / "digits_two.json")["tokens"]
    for name in names:
        path = tmp_path / f"digits_two.{name}"
        ((kind, found),) = read_alignments(path).items()
        expected = {".ctm": "digits_two", ".rttm": "digits_two"}
        one_tier = dict.fromkeys(formats.ONE_TIER, "words")
        assert kind == {**expected, **one_tier}.get(f".{name}", "tokens")
        assert found.text == reference.text
        assert np.array(found.spans) == pytest.approx(np.array(reference.spans), abs=0.006)


def test_the_json_file_follows_its_schema(tmp_path):
    for clip in ("digits_two", "silence"):
        align(CLIPS / f"{clip}.flac", "--out", tmp_path)
        record = json.loads((tmp_path / f"{clip}.json").read_text("utf-8"))
        jsonschema.validate(record, json.loads(SCHEMA_FILE.read_text("utf-8")))


def test_a_recording_with_spaces_in_its_name_has_underscores_in_a_ctm(sound):
    spaced = sound.rename(sound.with_name("my talk.flac"))
    result = align(spaced, "--format", " CTM, .srt,ctm", "--out", sound.parent / "out")
    assert result.exit_code == 0, result.output
    assert {path.name for path in (sound.parent / "out").iterdir()} == {
        "my talk.ctm",
        "my talk.srt",
    }
    assert (sound.parent / "out/my talk.ctm").read_text("utf-8").startswith("my_talk 1 ")


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--format", "docx"], 2, "--format must be one of 'png', 'textgrid', .*, got 'docx'"),
        (["--format", ""], 2, "--format must be one of"),
        (["--format", "ctm", "--tier", "phones"], 1, "--tier must be one of 'tokens', got 'phon"),
        (
            ["--model", "digits-attention", "--format", "srt"],
            1,
            "SRT holds times, and none of the 2 tokens has any; JSON and CSV hold tokens without",
        ),
    ],
)
def test_what_cannot_be_written_is_said(tmp_path, options, code, message):
    result = align(CLIPS / "digits_two.flac", "--out", tmp_path / "out", *options)
    assert result.exit_code == code
    assert re.search(message, result.stderr), result.stderr
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_a_format_whose_library_is_missing_stops_before_anything_is_done(tmp_path, monkeypatch):
    def missing():
        raise DataError("ELAN's EAF needs the library pympi-ling")

    monkeypatch.setitem(formats.LIBRARIES, ".eaf", missing)
    result = align(CLIPS / "digits_two.flac", "--format", "ctm,eaf", "--out", tmp_path)
    assert (result.exit_code, list(tmp_path.iterdir())) == (2, [])
    assert "needs the library pympi-ling" in result.stderr


def test_the_json_file_is_read_as_a_reference(tmp_path):
    align(CLIPS / "digits_two.flac", "--out", tmp_path)
    path = tmp_path / "digits_two.json"
    (tokens,) = read_alignments(path).values()
    assert tokens.text == load_clip("digits_two").words.text
    page = tmp_path / "page.html"
    result = explore(CLIPS / "digits_two.flac", "--reference", path, "--out", page)
    assert (result.exit_code, page.exists()) == (0, True)


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
    printed = "this sound is probably outside what the model knows (10 words: zero … nine); "
    assert record["warning"] == f"{printed}mean score {record['mean_score']:.2f}"
    assert record["out_of_domain"] is True
    assert record["domain_distance"] > record["domain_bound"]
    assert result.stdout.splitlines()[-1] == f"  warning: {record['warning']}"


def test_silence_is_not_flagged_but_said_to_be_empty(tmp_path):
    result = align(CLIPS / "silence.flac", "--out", tmp_path)
    record = json.loads((tmp_path / "silence.json").read_text("utf-8"))
    assert (record["tokens"], record["mean_score"], record["warning"]) == ([], None, None)
    assert "(no token fired)" in result.stdout
    assert "warning" not in result.stdout


def test_grid_clip_with_the_grid_model(tmp_path):
    clip = load_clip("grid_bin")
    result = align(CLIPS / "grid_bin.flac", "--model", "grid", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert transcription(tmp_path / "grid_bin.json") == list(clip.tokens)


@pytest.mark.parametrize(("model", "is_timed"), [("digits-ctc", True), ("digits-attention", False)])
def test_a_model_of_another_system_is_used_like_any(tmp_path, model, is_timed):
    """What only a CIF has is left out, and a time that is not known is a dash."""
    result = align(CLIPS / "digits_two.flac", "--out", tmp_path, "--model", model)
    assert result.exit_code == 0, result.output
    assert ("  four         –      –   0.96" in result.stdout) != is_timed
    record = json.loads((tmp_path / "digits_two.json").read_text("utf-8"))
    assert [one["token"] for one in record["tokens"]] == ["four", "two"]
    assert all((one["start"] is not None) == is_timed for one in record["tokens"])
    assert "fires" not in record


@pytest.mark.usefixtures("cifviz_data")
def test_real_digits_and_a_real_sentence(tmp_path):
    string = digit_strings("test")[0]
    waveform, _ = digit_string_waveform(string)
    soundfile.write(tmp_path / "string.wav", waveform.samples, waveform.sample_rate)
    assert align(tmp_path / "string.wav", "--out", tmp_path).exit_code == 0
    assert transcription(tmp_path / "string.json") == list(string.words)

    sentence = grid_sentences("dev")[0]
    assert align(sentence.path, "--model", "grid", "--out", tmp_path).exit_code == 0
    assert transcription(tmp_path / f"{sentence.path.stem}.json") == sentence.text.split()


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


def listed(folder):
    """Everything in a folder and below, with what is in it."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


@pytest.fixture
def sound(tmp_path):
    """A recording in a folder of its own, as people keep them."""
    path = tmp_path / "corpus" / "talk.flac"
    path.parent.mkdir()
    path.write_bytes((CLIPS / "digits_one.flac").read_bytes())
    return path


@pytest.mark.parametrize("suffix", [".png", ".TextGrid", ".json"])
def test_what_stands_beside_the_sound_is_not_replaced_unasked(sound, suffix):
    """TextGrids made by hand lie beside the sound, in MFA's corpora as in our clips."""
    sound.with_suffix(suffix).write_text("made by hand")
    before = listed(sound.parent)
    result = align(sound, "--out", sound.parent)
    assert result.exit_code == 1
    assert result.stderr.startswith("cifviz align: talk.flac: ")
    assert f"talk{suffix} exists; --overwrite" in result.stderr
    assert result.stderr.count("\n") == 1
    assert listed(sound.parent) == before


def test_a_second_run_says_how_results_are_replaced(sound):
    assert align(sound, "--out", sound.parent).exit_code == 0
    made = listed(sound.parent)
    assert len(made) == 4
    result = align(sound, "--out", sound.parent)
    assert result.exit_code == 1 and "--overwrite" in result.stderr
    sound.with_suffix(".json").write_text("spoilt")
    assert align(sound, "--out", sound.parent, "--overwrite").exit_code == 0
    assert listed(sound.parent) == made


@pytest.mark.parametrize("suffix", [".png", ".TextGrid", ".json"])
@pytest.mark.parametrize("way", ["a folder", "a link", "a FIFO", "write-protected"])
def test_a_result_that_cannot_be_written_leaves_the_others_as_they_were(sound, suffix, way):
    for other in {".png", ".TextGrid", ".json"} - {suffix}:
        sound.with_suffix(other).write_text("earlier")
    place = sound.with_suffix(suffix)
    if way == "a folder":
        (place / "in it").mkdir(parents=True)
    elif way == "a link":
        place.symlink_to(sound)
    elif way == "a FIFO":
        os.mkfifo(place)
    else:
        place.write_text("mine")
        place.chmod(0o444)
    before = listed(sound.parent)
    result = align(sound, CLIPS / "digits_two.flac", "--out", sound.parent, "--overwrite")
    assert result.exit_code == 1
    assert [line for line in result.stderr.splitlines() if "talk.flac: " in line]
    after = listed(sound.parent)
    assert {name for name in after.keys() - before.keys() if not name.startswith("digits_two")} == (
        set()
    )
    assert {name: after[name] for name in before} == before
    assert (sound.parent / "digits_two.json").exists(), "the next file is done"


def test_a_name_too_long_for_its_results_leaves_none(sound):
    long = sound.rename(sound.with_stem("x" * 249))  # with .json it fits, with .TextGrid not
    result = align(long, "--out", sound.parent)
    assert result.exit_code == 1
    assert "cannot write" in result.stderr and "File name too long" in result.stderr
    assert list(sound.parent.iterdir()) == [long]


def test_a_disk_that_is_full_leaves_nothing(sound, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(formats.WRITERS, ".json", full)
    result = align(sound, "--out", sound.parent / "out")
    assert result.exit_code == 1
    assert "talk.flac: No space left on device" in result.stderr
    assert list((sound.parent / "out").iterdir()) == []


@pytest.mark.parametrize("overwrite", [[], ["--overwrite"]])
def test_no_input_is_ever_replaced(sound, tmp_path, overwrite):
    named = sound.rename(sound.with_suffix(".png"))  # a sound file, whatever it is called
    reference = write_textgrid(tmp_path / "said.TextGrid", load_clip("digits_one").words, 2.0)
    twin = tmp_path / "twin.flac"
    twin.hardlink_to(named)
    model = tmp_path / "model"
    shutil.copytree(resource("checkpoints") / "digits", model)
    before = listed(tmp_path)
    for result in (
        align(named, "--out", named.parent, *overwrite),
        align(named, "--model", model, "--out", model, *overwrite),
        align(named, "--out", resource("checkpoints") / "digits", *overwrite),
        explore(named, "--out", named, *overwrite),
        explore(named, "--out", twin, *overwrite),
        explore(named, "--reference", reference, "--out", reference, *overwrite),
        explore(named, "--model", model, "--out", model / "config.json", *overwrite),
    ):
        assert result.exit_code == 1, result.stdout
        assert "never replaced: it is an input" in result.stderr
        assert result.stderr.count("\n") == 1
    assert listed(tmp_path) == before
    assert not list(resource("checkpoints").rglob("*.png"))


def test_results_of_one_run_do_not_replace_each_other(sound, monkeypatch):
    """As where a file system takes Talk.wav and talk.wav for one name."""
    twin = sound.with_stem("Talk")
    twin.write_bytes(sound.read_bytes())
    named = align_command.with_suffix

    def alike(stem, end):
        return named(stem.with_name("talk"), end)

    monkeypatch.setattr(align_command, "with_suffix", alike)
    result = align(sound, twin, "--out", sound.parent / "out", "--overwrite")
    assert result.exit_code == 1
    assert "Talk.flac" in result.stderr and "just written" in result.stderr
    assert json.loads((sound.parent / "out/talk.json").read_text())["file"] == "talk.flac"


@pytest.mark.parametrize(
    ("error", "printed"),
    [
        (MemoryError(), "this needs more memory than there is"),
        (PermissionError(13, "Permission denied", "b.flac"), "b.flac: Permission denied"),
        (KeyError("bug"), "unexpected KeyError: 'bug'; please report this"),
    ],
)
def test_whatever_one_file_does_the_others_are_done(sound, monkeypatch, error, printed):
    load = waveform.load_waveform

    def fail(path, **options):
        if path.name == "bad\x1b[31m.flac":
            raise error
        return load(path, **options)

    monkeypatch.setattr(waveform, "load_waveform", fail)
    bad, folder = sound.with_name("bad\x1b[31m.flac"), sound.with_name("folder.flac")
    folder.mkdir()
    result = align(bad, folder, sound, "--out", sound.parent / "out")
    assert result.exit_code == 1
    lines = [line for line in result.stderr.splitlines() if line.startswith("cifviz align: ")]
    assert lines[0].startswith(f"cifviz align: bad\\x1b[31m.flac: {printed}")
    assert lines[1].startswith("cifviz align: folder.flac: ") and len(lines) == 2
    assert "Traceback" not in result.stderr and "\x1b" not in result.stderr
    assert len(list((sound.parent / "out").iterdir())) == 3


@pytest.mark.parametrize("folder", ["", "..", "/", "out", "talk"])
def test_a_folder_among_the_sounds_stops_none(sound, monkeypatch, folder):
    """As where a shell completes * to all that is there, results of an earlier run among it."""
    monkeypatch.chdir(sound.parent)
    for name in ("out", "talk"):
        Path(name).mkdir()
    result = align(folder, sound.name, "--out", "out")
    assert result.exit_code == 1
    assert " folder" in result.stderr and "report this" not in result.stderr
    assert transcription(Path("out/talk.json")) == ["seven"]


def test_a_folder_is_no_sound_to_explore(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = explore("")
    assert result.exit_code == 1
    assert result.stderr == "cifviz explore: expected a sound file, . is a folder\n"


def test_an_interrupted_run_leaves_whole_results_alone(sound, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setitem(formats.WRITERS, ".json", interrupt)
    result = align(sound, sound.with_stem("next"), "--out", sound.parent / "out")
    assert (result.exit_code, result.stdout) == (130, "")
    assert "Traceback" not in result.stderr
    assert list((sound.parent / "out").iterdir()) == []


def test_names_from_outside_do_not_reach_the_terminal_as_they_are(sound, monkeypatch):
    recognizer = load_model("digits")
    words = tuple(f"{word}\u202e" for word in recognizer.config.vocabulary)
    recognizer.config = replace(recognizer.config, vocabulary=words)
    monkeypatch.setattr("cifviz.systems.checkpoints.load_model", lambda name: recognizer)
    name = sound.rename(sound.with_name("two\nlines\x1b[31m\udcff.flac"))
    result = align(name, "--out", sound.parent / "out")
    assert result.exit_code == 0, result.stderr
    heading, _, line = result.stdout.splitlines()
    assert heading.startswith(r"two\nlines\x1b[31m\udcff.flac  (")
    assert line.split()[0] == r"seven\u202e"
    result = explore(name, "--out", sound.parent / "page.html")
    assert result.exit_code == 0, result.stderr
    assert len(result.stdout.splitlines()) == 4 and "\x1b" not in result.stdout


ELSEWHERE = """
import sys
from cifviz.cli import app
try:
    app(["align", sys.argv[1], "--out", sys.argv[2]])
except SystemExit as error:
    code = error.code
print(code, *sys.modules, file=open(sys.argv[3], "w"))
sys.exit(code)
"""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no such device")
def test_results_are_whole_without_a_home_a_wide_encoding_or_room_for_the_table(sound, tmp_path):
    """A full standard output is told in one line; nothing that needs a cache is loaded."""
    (tmp_path / "file").touch()
    (tmp_path / "temporary").mkdir()
    home = str(tmp_path / "file" / "home")  # can neither be made nor written
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("XDG_")},
        "HOME": home,
        "TMPDIR": str(tmp_path / "temporary"),
        "PYTHONIOENCODING": "ascii",
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    environ.pop("MPLCONFIGDIR", None)
    arguments = [sound, tmp_path / "out", tmp_path / "log"]
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [sys.executable, "-c", ELSEWHERE, *map(str, arguments)],
            env=environ,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert result.returncode == 1
    assert result.stderr == "cifviz: cannot write to standard output: No space left on device\n"
    assert transcription(tmp_path / "out" / "talk.json") == list(load_clip("digits_one").tokens)
    assert len(list((tmp_path / "out").iterdir())) == 3
    assert list((tmp_path / "temporary").iterdir()) == []
    loaded = {name.split(".")[0] for name in (tmp_path / "log").read_text().split()}
    assert "torch" in loaded
    assert not loaded & {"numba", "librosa", "scipy", "IPython", "anywidget"}


def test_an_out_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "out").write_text("a file")
    result = align(CLIPS / "digits_one.flac", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "cifviz align:" in result.stderr


def test_silence_gives_an_empty_table(tmp_path):
    soundfile.write(tmp_path / "silence.wav", np.zeros(16000), 16000)
    result = align(tmp_path / "silence.wav", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "(no token fired)" in result.stdout
    assert transcription(tmp_path / "silence.json") == []


@pytest.mark.parametrize("overwrite", [[], ["--overwrite"]])
def test_the_second_file_of_a_name_is_refused_and_stops_no_other(tmp_path, overwrite):
    """As in a corpus, where each sound has a TextGrid of its name beside it."""
    twin = tmp_path / "digits_one.wav"
    twin.write_bytes((CLIPS / "digits_one.flac").read_bytes())
    grid = tmp_path / "digits_two.TextGrid"
    grid.write_bytes((CLIPS / "digits_two.TextGrid").read_bytes())
    names = [CLIPS / "digits_one.flac", twin, grid, CLIPS / "digits_two.flac"]
    result = align(*names, "--out", tmp_path / "o", *overwrite)
    assert result.exit_code == 1
    complaints = [line for line in result.stderr.splitlines() if "cifviz align: " in line]
    assert len(complaints) == 2
    assert "digits_one.wav: its results would replace those of digits_one.flac" in complaints[0]
    assert "digits_two.TextGrid: expected a sound file" in complaints[1]
    stems = {path.stem for path in (tmp_path / "o").iterdir()}
    assert stems == {"digits_one", "digits_two"}
    assert len(transcription(tmp_path / "o" / "digits_two.json")) == 2


def test_an_unknown_model_is_answered_with_the_known_ones(tmp_path):
    result = align(CLIPS / "digits_one.flac", "--model", "latin", "--out", tmp_path)
    assert result.exit_code == 2
    assert all(name in result.stderr for name in list_models())


def test_explore_writes_a_page_with_the_sound_and_the_first_tier_of_a_reference(tmp_path):
    clip = load_clip("digits_four")
    tiers = {"words": clip.words, "phones": clip.phones}
    reference = write_textgrid(tmp_path / "said.TextGrid", tiers, clip.waveform.duration)
    page = tmp_path / "page.html"
    result = explore(CLIPS / "digits_four.flac", "--reference", reference, "--out", page)
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[2:-1]] == list(clip.tokens)
    assert lines[-1] == "written to page.html"
    shown = explored(page)
    assert shown["tokens"] == list(clip.tokens)
    assert shown["reference"] == spans_of(clip.words)
    assert len(shown["sound_pieces"]) == 1
    assert "<title>digits_four.flac</title>" in page.read_text("utf-8")
    again = ["--reference", reference, "--tier", "phones", "--out", page]
    result = explore(CLIPS / "digits_four.flac", *again)
    assert result.exit_code == 1
    assert f"{page} exists; --overwrite" in result.stderr
    assert explored(page) == shown
    explore(CLIPS / "digits_four.flac", *again, "--overwrite")
    assert explored(page)["reference"] == spans_of(clip.phones)


def test_explore_leaves_the_sound_out_when_asked(tmp_path):
    audible, silent = tmp_path / "audible.html", tmp_path / "silent.html"
    assert explore(CLIPS / "digits_two.flac", "--out", audible).exit_code == 0
    result = explore(CLIPS / "digits_two.flac", "--no-sound", "--out", silent)
    assert result.exit_code == 0, result.stderr
    with_sound, without = explored(audible), explored(silent)
    assert with_sound["sound"] is not None and len(with_sound["sound_pieces"]) == 1
    assert without["sound"] is None and without["sound_pieces"] is None
    assert with_sound["sound_pieces"][0] not in silent.read_text("utf-8")
    left_out = {"sound", "sound_pieces", "name"}
    for key in with_sound.keys() - left_out:
        assert without[key] == with_sound[key], key


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
        (["--model", "latin"], f"({', '.join(list_models())})"),
        (["--reference", "missing.TextGrid"], "no such TextGrid: missing.TextGrid"),
        (["--reference", "said.TextGrid", "--tier", "b"], "tier must be one of 'a', got 'b'"),
        (["--reference", "none.TextGrid"], "a file with a tier, none.TextGrid has none"),
        (["--out", "missing/page.html"], "no such folder to write in: missing"),
    ],
)
def test_explore_says_what_is_wrong_and_writes_nothing(tmp_path, monkeypatch, arguments, complaint):
    monkeypatch.chdir(tmp_path)
    write_textgrid("said.TextGrid", {"a": load_clip("digits_one").words}, 2.0)
    write_textgrid("none.TextGrid", {}, 2.0)
    sound = [] if arguments[0].endswith(".wav") else [CLIPS / "digits_one.flac"]
    result = explore(*sound, *arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("cifviz explore: ") and complaint in result.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"said.TextGrid", "none.TextGrid"}
