"""``--text``, ``--text-file``, ``--text-dir``: the words of a sound, given by a person."""

import json
import re

import numpy as np
import pytest
import soundfile
from PIL import Image

from cifviz.cli import transcripts
from cifviz.corpora import pronunciation
from cifviz.errors import CheckpointError
from cifviz.explorer.compared import spans_of
from cifviz.formats import read_alignments
from cifviz.systems import long_sound, phone_cif
from cifviz.systems.checkpoints import save_model
from cifviz.systems.phone_cif import PhoneCIFRecognizer
from tests.cli.test_cli import ROOT, align, explore, explored
from tests.systems.pretrained import FakeMoonshine
from tests.systems.test_phone_cif import tiny
from tests.systems.tiny import noise

WRITTEN = "Hello there, 1984!"
WORDS = ["Hello", "there", "1984"]


class FakeHearing(FakeMoonshine):
    def decode(self, states):
        return "a bee"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with two sounds and a model, whose words have two phones each."""
    for module in (phone_cif, long_sound):
        monkeypatch.setattr(module, "load_moonshine", FakeHearing)
    # An untrained head finds no word probable.
    monkeypatch.setattr(phone_cif, "is_made_up", lambda found: False)
    monkeypatch.setattr(
        pronunciation, "_phones", lambda spellings, voice: dict.fromkeys(spellings, ("b", "iː"))
    )
    for name in ("me.wav", "you.wav"):
        soundfile.write(tmp_path / name, noise(1.0).samples, 16_000, subtype="FLOAT")
    save_model(tiny(), tmp_path / "model", "# A card\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def aligned(*arguments):
    return align(*arguments, "--model", "model", "--out", "out")


def words(folder, stem="me"):
    return read_alignments(folder / "out" / f"{stem}.json")["words"]


def test_a_transcript_gives_its_words_and_their_phones_as_tiers(folder):
    result = aligned("me.wav", "--text", WRITTEN)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[1].split() == ["word", "start", "s", "end", "s", "score", "presence"]
    assert [line.split()[0] for line in lines[2:5]] == WORDS
    for suffix in (".json", ".TextGrid"):
        tiers = read_alignments(folder / "out" / f"me{suffix}")
        assert list(tiers) == ["words", "phones"]
        assert tiers["words"].text.split() == WORDS
        assert tiers["phones"].text.split() == ["b", "iː"] * 3
        for index, (start, end) in enumerate(tiers["words"].spans):
            assert start == tiers["phones"].spans[2 * index][0]
            assert end == tiers["phones"].spans[2 * index + 1][1]
    assert (folder / "out/me.png").read_bytes().startswith(b"\x89PNG")


def test_json_has_the_promised_fields(folder):
    """Those that docs/own_voice.md lists."""
    aligned("me.wav", "--text", WRITTEN)
    record = json.loads((folder / "out/me.json").read_text("utf-8"))
    page = (ROOT / "docs/own_voice.md").read_text("utf-8").partition("## What the files hold")[2]
    promised = re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.+?) \|", page, re.MULTILINE)))
    assert set(promised) - {"tokens"} == set(record)
    assert record["tiers"] == ["words", "phones"]
    assert record["text"] == "Hello there 1984"
    for tier in record["tiers"]:
        for token in record[tier]:
            assert set(token) == {"token", "start", "end", "score"}
            assert 0 <= token["start"] <= token["end"] <= record["duration"]
    assert len(record["fires"]) == len(record["phones"]) == 6


def test_without_a_transcript_words_are_recognised(folder):
    assert aligned("me.wav").exit_code == 0
    assert words(folder).text == "a bee"


def test_a_transcript_is_read_from_a_file(folder):
    (folder / "me.txt").write_bytes(b"\xef\xbb\xbfHello\r\nthere, 1984!\r\n")
    assert aligned("me.wav", "--text-file", "me.txt").exit_code == 0
    assert words(folder).text.split() == WORDS


def test_transcripts_are_found_by_the_names_of_the_sounds(folder):
    (folder / "texts").mkdir()
    (folder / "texts/me.lab").write_text("Me")
    (folder / "texts/you.lab").write_text("older")
    (folder / "texts/you.txt").write_text("You")
    assert aligned("me.wav", "you.wav", "--text-dir", "texts").exit_code == 0
    assert (words(folder).text, words(folder, "you").text) == ("Me", "You")


def test_a_sound_without_a_transcript_is_reported_and_the_others_go_on(folder):
    (folder / "you.txt").write_text("You")
    result = aligned("me.wav", "you.wav", "--text-dir", ".")
    assert result.exit_code == 1
    complaint = "me.wav: no transcript of it in .: neither me.txt nor me.lab"
    assert complaint in result.stderr and "you" in result.stdout
    assert not (folder / "out/me.json").exists() and words(folder, "you").text == "You"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["you.wav", "--text", "Me"], "--text is the transcript of one sound, got 2: --text-dir"),
        (["you.wav", "--text-file", "a.txt"], "--text-file is the transcript of one sound, got"),
        (["--text", "Me", "--text-dir", "."], "--text-dir, got --text and --text-dir"),
        (["--text-dir", "nowhere"], "must name a folder of transcripts, nowhere is none"),
        (["--text", "Me", "--model", "digits"], r"any text \(--model english\), digits recognises"),
    ],
)
def test_what_options_cannot_mean_is_one_line_before_any_sound(folder, arguments, complaint):
    result = align("me.wav", "--model", "model", "--out", "out", *arguments)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert re.search(complaint, result.stderr) and not (folder / "out").exists()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "the transcript has no word: expected what is spoken"),
        (" \n ", "the transcript has no word: expected what is spoken"),
        ("🎉 — …", "the transcript has no word: expected what is spoken"),
        ("Привет", "English is written in Latin letters and digits, got 'Привет'"),
        ("one 你好", "English is written in Latin letters and digits, got '你好'"),
        ("x" * 61, "expected words of at most 60 characters"),
        ("hello there " * 5000, "none of the 10000 words of the transcript has a place in 1.00 s"),
    ],
)
@pytest.mark.parametrize("command", [aligned, explore])
def test_a_text_that_cannot_be_aligned_is_one_answer(folder, command, text, complaint):
    (folder / "text.txt").write_text(text, "utf-8")
    result = command("me.wav", "--text-file", "text.txt", "--model", "model")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert complaint in result.stderr
    assert not (folder / "out").exists() and not list(folder.glob("*.html"))


@pytest.mark.parametrize("text", ["Hello 🎉", "«Hello»", "HELLO…", "hello"])
def test_what_nobody_speaks_is_left_out(folder, text):
    assert aligned("me.wav", "--text", text).exit_code == 0
    assert words(folder).text.lower() == "hello"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"\xff\xfeH\x00", "the transcript text.txt must be UTF-8 text, it is not from byte 0 on"),
        (b"H\x00i\x00", "the transcript text.txt must be text, it has NULs"),
        (b"one " * 300_000, "the transcript text.txt is larger than 1048576 bytes"),
        (None, "no such transcript: text.txt"),
    ],
)
def test_a_file_that_is_no_transcript_is_one_line(folder, content, complaint):
    if content is not None:
        (folder / "text.txt").write_bytes(content)
    result = aligned("me.wav", "--text-file", "text.txt")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert complaint in result.stderr


def test_a_transcript_is_an_input_that_no_result_replaces(folder):
    (folder / "out").mkdir()
    (folder / "me.txt").write_text("Me")
    (folder / "out/me.json").hardlink_to(folder / "me.txt")
    for given in (["--text-file", "me.txt"], ["--text-dir", "."]):
        result = aligned("me.wav", "--overwrite", *given)
        assert result.exit_code == 1 and "never replaced: it is an input" in result.stderr
    assert (folder / "me.txt").read_text() == "Me"


def test_doubtful_words_are_listed_worst_first(folder, monkeypatch):
    found = phone_cif.PhoneCIFRecognizer.align

    def doubting(self, waveform, text, **options):
        one = found(self, waveform, text, **options)
        one.extras["presence"] = [0.4, 0.9, 0.125]
        one.extras["unexplained"] = ((0.5, 0.75), (0.8, 1.0))
        one.extras["intervals"] = np.array([[[0, 0.1], [0.2, 0.3]], [[np.nan] * 2] * 2] * 2)[:3]
        return one

    monkeypatch.setattr(phone_cif.PhoneCIFRecognizer, "align", doubting)
    result = aligned("me.wav", "--text", WRITTEN)
    *table, heading, first, second, others = result.stdout.splitlines()
    assert others == "  spoken, but not in the transcript: 0.50–0.75 s, 0.80–1.00 s"
    assert heading == "  doubtful, worst first:"
    assert re.fullmatch(r"    1984 \d\.\d\d–\d\.\d\d s: presence 0\.12", first)
    assert re.fullmatch(r"    Hello \d\.\d\d–\d\.\d\d s: presence 0\.40", second)
    assert [line.split()[-1] for line in table[1:5]] == ["presence", "0.40", "0.90", "0.12"]
    record = json.loads((folder / "out/me.json").read_text("utf-8"))
    assert record["presence"] == [0.4, 0.9, 0.125]
    assert record["intervals"][:2] == [[[0, 0.1], [0.2, 0.3]], [[None, None], [None, None]]]
    assert [one["word"] for one in record["doubtful"]] == [2, 0]
    assert record["unexplained"] == [[0.5, 0.75], [0.8, 1.0]]


def test_without_the_extra_one_line_says_how_to_get_it(folder, monkeypatch):
    def missing():
        raise CheckpointError("the English encoder needs …: pip install cifviz[english]")

    monkeypatch.setattr(phone_cif, "load_moonshine", missing)
    result = aligned("me.wav", "you.wav")
    assert (result.exit_code, result.stdout) == (2, "")
    complaints = [line for line in result.stderr.splitlines() if "cifviz align" in line]
    assert len(complaints) == 1 and complaints[0].endswith("pip install cifviz[english]")
    assert not (folder / "out").exists()


def test_a_page_has_the_words_as_a_lane(folder):
    result = explore("me.wav", "--model", "model", "--text", WRITTEN)
    assert result.exit_code == 0, result.stderr
    assert [line.split()[0] for line in result.stdout.splitlines()[2:5]] == WORDS
    shown = explored(folder / "me.html")
    assert shown["tokens"] == ["b", "iː"] * 3
    (lane,) = shown["compare"]
    assert lane["name"] == "words" and lane["tokens"]["labels"] == WORDS
    aligned("me.wav", "--text", WRITTEN)
    assert lane["tokens"]["starts"] == pytest.approx(spans_of(words(folder))["starts"], abs=1e-4)


def test_a_page_of_a_sound_without_a_transcript_has_the_words_that_were_recognised(folder):
    assert explore("me.wav", "--model", "model").exit_code == 0
    assert explored(folder / "me.html")["compare"][0]["tokens"]["labels"] == ["a", "bee"]


def test_help_names_the_three_options():
    listed = " ".join(align("--help").stdout.split())
    for name in ("--text ", "--text-file", "--text-dir"):
        assert name in listed
    assert transcripts.SUFFIXES == (".txt", ".lab") and "STEM.txt, or else STEM.lab" in listed


@pytest.fixture
def long(folder):
    """Half a minute and a bit."""
    soundfile.write(folder / "long.wav", noise(31.0).samples, 16_000, subtype="FLOAT")
    return folder


def test_of_a_long_sound_the_picture_and_the_page_show_the_first_window(long):
    result = aligned("long.wav")
    assert result.exit_code == 0, result.output
    record = json.loads((long / "out/long.json").read_text("utf-8"))
    assert len(record["windows"]) > 1 and "fires" not in record
    assert len(read_alignments(long / "out/long.TextGrid")["words"]) == len(record["words"]) > 2
    picture = Image.open(long / "out/long.png").text["Description"]
    begin, end = re.match(r"The picture shows ([\d.]+) to ([\d.]+) of 31 s\. ", picture).groups()
    assert [float(begin), float(end)] == pytest.approx(record["windows"][0], abs=0.2)
    result = explore("long.wav", "--model", "model")
    assert result.exit_code == 0, result.stderr
    assert re.search(r"written to long.html; it shows [\d.]+ to [\d.]+ of 31 s$", result.stdout)


def test_a_long_sound_in_which_nobody_speaks_has_no_word_like_a_short_one(folder):
    soundfile.write(folder / "long.wav", np.zeros(31 * 16_000), 16_000)
    soundfile.write(folder / "short.wav", np.zeros(16_000), 16_000)
    result = aligned("long.wav", "short.wav")
    assert result.exit_code == 0 and "cifviz align" not in result.stderr
    assert result.stdout.count("(no word)") == 2
    for name in ("long", "short"):
        record = json.loads((folder / f"out/{name}.json").read_text("utf-8"))
        assert record["words"] == record["phones"] == []
        assert len(read_alignments(folder / f"out/{name}.TextGrid")["words"]) == 0
    assert json.loads((folder / "out/long.json").read_text("utf-8"))["unexplained"] == []
    picture = Image.open(folder / "out/long.png").text["Description"]
    assert picture.startswith("The picture shows 0.0 to ")


def test_a_language_needs_a_transcript_and_reaches_the_model(folder, monkeypatch):
    for command in (aligned, explore):
        result = command("me.wav", "--language", "cs")
        assert result.exit_code == 2 or command is explore
        assert "--language is that of a transcript" in result.stderr
    asked = []
    plain = PhoneCIFRecognizer.align

    def align(self, *arguments, language="", **request):
        asked.append(language)
        return plain(self, *arguments, **request)

    monkeypatch.setattr(PhoneCIFRecognizer, "align", align)
    assert aligned("me.wav", "--text", "hello", "--language", "cs").exit_code == 0
    assert asked == ["cs"]
