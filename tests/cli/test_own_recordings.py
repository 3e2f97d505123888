"""A person's own recording, as phones, browsers and editors write it, with its transcript."""

import subprocess
import sys

import numpy as np
import pytest
import soundfile
import soxr

from cifviz.audio.moonshine import has_moonshine
from cifviz.corpora.clips import load_clip
from cifviz.formats import read_alignments
from cifviz.systems.checkpoints import list_models
from tests.audio.test_phone_files import KINDS, write
from tests.cli.test_transcripts import aligned, folder, words  # noqa: F401 (a fixture)

CLIP = load_clip("natural_lake")
"""A synthetic voice: "The small boat drifted slowly across a quiet lake"."""
ENGLISH = "english"

KEPT = ["wav", "stereo.wav", "24bit.wav", "flac", "mp3", "ogg", "opus", "m4a", "mp4", "webm"]
RATES = {"wav": 16_000, "24bit.wav": 96_000, "stereo.wav": 44_100, "ogg": 22_050, "mp3": 44_100}


def recorded(path, kind):
    """The clip in a container, at a rate that is usual for it; lossy codecs lose their part."""
    rate = RATES.get(kind, 48_000)
    samples = soxr.resample(CLIP.waveform.samples, CLIP.waveform.sample_rate, rate)
    if kind in KINDS:
        write(path, *KINDS[kind], samples, rate)
    elif kind == "stereo.wav":
        soundfile.write(path, np.stack([samples, 0.5 * samples], axis=1), rate)
    else:
        subtype = {"24bit.wav": "PCM_24", "ogg": "VORBIS"}.get(kind)
        soundfile.write(path, samples, rate, subtype=subtype)
    return path


@pytest.mark.parametrize("kind", ["stereo.wav", "m4a", "webm"])
def test_a_recording_and_its_transcript_are_one_command(folder, kind):  # noqa: F811
    path = recorded(folder / f"mine.{kind}", kind)
    result = aligned(path.name, "--text", CLIP.words.text)
    assert result.exit_code == 0, result.output
    found = words(folder, path.stem)
    assert found.text == CLIP.words.text
    first, *_, last = found.timed  # weights of an untrained model may put words into silence
    assert 0 <= first.start < last.end <= CLIP.waveform.duration + 0.07


needs_english = pytest.mark.skipif(
    not has_moonshine() or ENGLISH not in list_models(),
    reason="needs the extra cifviz[english] and the checkpoint english",
)


@pytest.mark.long
@needs_english
def test_every_container_gives_the_same_words_at_the_same_times(tmp_path):
    """In an interpreter of its own, as from a terminal: nothing is replaced by a stand-in."""
    files = [recorded(tmp_path / f"mine_{number}.{kind}", kind) for number, kind in enumerate(KEPT)]
    (tmp_path / "texts").mkdir()
    for path in files:
        (tmp_path / "texts" / f"{path.stem}.txt").write_text(CLIP.words.text)
    code = "from cifviz.cli import app; app()"
    out = ["--text-dir", "texts", "--out", "out"]
    command = [sys.executable, "-c", code, "align", "--model", ENGLISH, *out]
    done = subprocess.run(
        [*command, *(path.name for path in files)], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = [
        np.array(read_alignments(tmp_path / "out" / f"{path.stem}.json")["words"].spans)
        for path in files
    ]
    true = np.array(CLIP.words.spans)
    for path, spans in zip(files, found, strict=True):
        assert np.abs(spans - found[0]).mean() < 0.005, path.name
        assert np.abs(spans - true).mean() < 0.04, path.name


@pytest.mark.slow
@needs_english
def test_words_are_recognised_without_a_transcript(tmp_path, monkeypatch):
    from tests.cli.test_cli import align

    monkeypatch.chdir(tmp_path)
    recorded(tmp_path / "mine.m4a", "m4a")
    result = align("mine.m4a", "--model", ENGLISH)
    assert result.exit_code == 0, result.output
    assert read_alignments("mine.json")["words"].text.lower() == CLIP.words.text.lower()
