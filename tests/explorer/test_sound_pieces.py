"""The sound of a page: exact or small, in one piece or several."""

import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
import soundfile

import cifviz
from cifviz import CIFError
from cifviz.explorer import data, sound_pieces, to_html
from cifviz.explorer.sound_pieces import EXACT, SMALL


def noise(seconds, rate=8000):
    rng = np.random.default_rng(0)
    return cifviz.Waveform(rng.uniform(-0.5, 0.5, round(seconds * rate)).astype("f4"), rate)


def test_exact_pieces_are_the_sound():
    waveform = noise(2.5)
    pieces = sound_pieces.sound_pieces(waveform, EXACT, size=8000)
    read = [soundfile.read(io.BytesIO(piece), dtype="float32")[0] for piece in pieces]
    assert [len(one) for one in read] == [8000, 8000, 4000]
    np.testing.assert_allclose(np.concatenate(read), waveform.samples, atol=1 / 2**15)


@pytest.mark.parametrize(
    ("seconds", "sound", "is_small"),
    [(1, "", False), (1, SMALL, True), (3, "", True), (3, EXACT, False)],
)
def test_a_long_sound_is_small_unless_it_is_asked_for(monkeypatch, seconds, sound, is_small):
    monkeypatch.setattr(sound_pieces, "LONG", 2.0)
    pieces = sound_pieces.sound_pieces(noise(seconds), sound, size=10**9)
    assert [piece[:4] == b"fLaC" for piece in pieces] == [not is_small]
    note = sound_pieces.sound_note(noise(seconds), sound)
    assert ("its times are exact, its samples not" in note) == is_small


def test_a_page_holds_the_pieces_that_its_facts_state(transcription, tmp_path, monkeypatch):
    monkeypatch.setattr(data, "LONG", 1.0)
    monkeypatch.setattr(data, "PIECE", 1)
    text = to_html(transcription, tmp_path / "page.html", sound=SMALL).read_text("utf-8")
    (written,) = re.findall(r'id="cifviz-data">(.*?)</script>', text)
    page = json.loads(written)
    facts = page["sound"]
    assert facts["piece"] == facts["rate"] == 16000
    assert facts["length"] == len(transcription.waveform.samples)
    assert len(page["sound_pieces"]) == -(-facts["length"] // facts["piece"]) == 2
    assert facts["note"].startswith("compressed sound")


def test_another_kind_of_sound_is_refused(transcription, tmp_path):
    with pytest.raises(CIFError, match="sound must be one of"):
        to_html(transcription, tmp_path / "page.html", sound="loud")
    assert not (tmp_path / "page.html").exists()


def test_samples_at_another_rate_than_the_features_make_no_spectrogram(transcription):
    other = replace(transcription, waveform=noise(1.0))
    assert data.sound_facts(other)["features"] is None
    assert data.sound_facts(replace(transcription, waveform=None)) is None
    assert data.sound_facts(transcription)["features"]["top"] == pytest.approx(
        float(transcription.log_mel.max())
    )
