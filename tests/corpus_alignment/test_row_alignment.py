"""What becomes of a row, whatever its sound is."""

import os
from dataclasses import replace

import numpy as np
import pytest
import soundfile

import cifviz
from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.corpus_alignment import row_alignment
from cifviz.corpus_alignment.corpus_row import CorpusRow
from cifviz.corpus_alignment.row_alignment import ALIGNED, EMPTY, FAILED, TRANSCRIBED, align_row
from cifviz.errors import CIFError
from cifviz.resources import resource
from cifviz.systems.doubtful_words import PRESENCE


@pytest.fixture(scope="module")
def digits():
    return cifviz.load_model("digits")


def clip_row(name, **fields):
    path = resource("clips") / f"digits_{name}.flac"
    return CorpusRow(name, path.name, str(path), **fields)


def test_a_sound_is_transcribed_and_its_errors_are_counted(digits):
    clip = cifviz.load_clip("digits_three")
    truth = clip.words.text
    wrong = "nine " + truth.upper().partition(" ")[2]
    right, other = (align_row(clip_row("three", text=text), digits) for text in (truth, wrong))
    assert right.status == other.status == TRANSCRIBED
    assert right.values["hypothesis"] == truth
    assert (right.values["errors"], other.values["errors"]) == (0, 1)
    assert right.values["reference_tokens"] == 3
    assert 0 <= right.values["lowest"] <= right.values["score"] <= 1
    expected = digits.transcribe(clip.waveform).alignment
    for found, token in zip(right.tiers["tokens"], expected, strict=True):
        assert found.start == pytest.approx(token.start, abs=1e-4)
        assert found.end <= right.duration


def test_silence_is_empty(digits):
    path = resource("clips") / "silence.flac"
    result = align_row(CorpusRow("s", path.name, str(path)), digits)
    assert (result.status, result.reason) == (EMPTY, "nothing was recognised")
    assert result.values["lowest"] is None and result.values["score"] is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_nobody_waits_for_a_pipe(digits, tmp_path):
    path = tmp_path / "a.wav"
    os.mkfifo(path)
    result = align_row(CorpusRow("a", "a.wav", str(path)), digits)
    assert (result.status, result.reason) == (FAILED, "expected a sound file, a.wav is no file")


def test_a_stretch_of_a_file_is_what_is_aligned(digits):
    clip = cifviz.load_clip("digits_three")
    word = clip.words.tokens[1]
    begin, length = word.start - 0.1, word.end - word.start + 0.2
    result = align_row(clip_row("three", offset=begin, duration=length), digits)
    assert result.duration == pytest.approx(length, abs=1e-3)
    assert word.token in result.values["hypothesis"]
    beyond = align_row(clip_row("three", offset=100.0), digits)
    assert beyond.status == FAILED and "begins at 100 s" in beyond.reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "no such audio file: a.wav"), (b"", "empty"), (b"RIFF....WAVE", "cannot read a.wav")],
)
def test_what_cannot_be_read_fails_for_a_reason_without_its_folder(
    tmp_path, digits, content, reason
):
    path = tmp_path / "a.wav"
    if content is not None:
        path.write_bytes(content)
    result = align_row(CorpusRow("a", "a.wav", str(path)), digits)
    assert result.status == FAILED
    assert reason in result.reason and str(tmp_path) not in result.reason
    assert not result.tiers


def test_a_problem_of_the_row_is_its_reason(digits):
    result = align_row(CorpusRow("a", "", "", problem="line 7 names no sound"), digits)
    assert (result.status, result.reason) == (FAILED, "line 7 names no sound")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (CIFError("of ours"), "of ours"),
        (MemoryError(), "needs more memory"),
        (RuntimeError("two\nlines"), r"unexpected RuntimeError: two\nlines"),
    ],
)
def test_whatever_a_model_raises_is_a_reason(monkeypatch, digits, error, reason):
    def fail(waveform):
        raise error

    monkeypatch.setattr(digits, "transcribe", fail)
    result = align_row(clip_row("two"), digits)
    assert result.status == FAILED and reason in result.reason


def test_a_long_sound_is_transcribed_window_by_window(tmp_path, digits, monkeypatch):
    """Eight clips with pauses between them: as if each were alone, later by where it begins."""
    monkeypatch.setattr(row_alignment, "LONGEST_AT_ONCE", 10.0)
    monkeypatch.setattr(row_alignment, "WINDOW", 5.0)
    waveform = cifviz.load_clip("digits_three").waveform
    pause = np.zeros(16_000, dtype=np.float32)
    samples = np.concatenate([part for _ in range(8) for part in (waveform.samples, pause)])
    path = tmp_path / "long.flac"
    soundfile.write(path, samples, 16_000, subtype="PCM_24")
    lengths = []
    transcribe = digits.transcribe
    monkeypatch.setattr(
        digits,
        "transcribe",
        lambda piece: (lengths.append(piece.duration), transcribe(piece))[1],
    )
    result = align_row(CorpusRow("long", "long.flac", str(path)), digits)
    assert max(lengths) <= 5.0 and sum(lengths) == pytest.approx(len(samples) / 16_000)
    assert result.status == TRANSCRIBED
    period = len(waveform.samples) / 16_000 + 1
    once = cifviz.load_clip("digits_three").words
    assert result.values["hypothesis"].split() == once.text.split() * 8
    for index, token in enumerate(result.tiers["tokens"]):
        truth = once.tokens[index % 3]
        shift = period * (index // 3)
        middle = (token.start + token.end) / 2 - shift
        assert truth.start - 0.05 < middle < truth.end + 0.05


class Aligner:
    """A model that finds what it was given in any sound."""

    def __init__(self, found):
        self.found = found
        self.config = found.config

    def align(self, waveform, text, *, language="", progress=False):
        self.language = language
        return self.found

    def hear(self, waveform, *, progress=False):
        return self.found


@pytest.fixture(scope="module")
def placed(digits):
    found = digits.transcribe(cifviz.load_clip("digits_two").waveform)
    return replace(found, words=found.alignment, extras={PRESENCE: (0.9, 0.25)})


def test_a_transcript_is_aligned_and_presence_counts(placed):
    result = align_row(clip_row("two", text="whatever it says"), Aligner(placed))
    assert result.status == ALIGNED
    assert list(result.tiers) == ["words", "phones"]
    assert (result.values["lowest"], result.values["doubtful"]) == (0.25, 1)
    german = Aligner(placed)
    align_row(clip_row("two", text="eins zwei"), german, language="de")
    assert german.language == "de"
    assert result.values["errors"] is None and result.values["reference_tokens"] == 3


def test_without_a_transcript_an_aligner_hears_the_words(placed):
    assert align_row(clip_row("two"), Aligner(placed)).status == TRANSCRIBED


def test_a_transcript_without_words_is_empty_and_one_without_a_place_fails(placed):
    none = replace(placed, words=Alignment(), extras={})
    empty = align_row(clip_row("two", text="…"), Aligner(none))
    assert (empty.status, empty.reason) == (EMPTY, "the transcript has no word")
    lost = Alignment(tuple(TimedToken(token.token) for token in placed.words))
    failed = align_row(clip_row("two", text="a b"), Aligner(replace(placed, words=lost)))
    assert failed.status == FAILED and "none of the 2 words" in failed.reason
