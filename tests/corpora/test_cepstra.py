"""Log-mel from cepstra, against cepstra worked out by hand."""

import numpy as np
import pytest

from cifviz.audio.waveform import LogMel
from cifviz.corpora.cepstra import (
    BANDS,
    FULL_SCALE,
    HIGHEST,
    LOWEST,
    an4_pronunciations,
    an4_utterances,
    log_mel_of_cepstra,
    smoothed,
)
from cifviz.corpora.corpus_registry import fetch
from cifviz.errors import DataError


def cepstra_of(log_power, coefficients):
    """The definition: c_i is the mean of the log power times a cosine."""
    places = np.arange(BANDS) + 0.5
    return np.array(
        [
            (log_power * np.cos(np.pi * order * places / BANDS)).mean()
            for order in range(coefficients)
        ]
    )


def test_all_cepstra_give_the_spectrum_back():
    def mel(frequency):
        return 2595 * np.log10(1 + np.asarray(frequency) / 700)

    centres = np.linspace(mel(LOWEST), mel(HIGHEST), BANDS + 2)[1:-1]
    log_power = 12 + np.sin(centres / 300)  # smooth enough to be read between the bands
    features = LogMel(n_mels=30, f_min=200, f_max=6000)
    found = log_mel_of_cepstra(cepstra_of(log_power, BANDS)[None], features)[0]

    import librosa

    wanted = mel(librosa.mel_frequencies(32, fmin=200, fmax=6000)[1:-1])
    np.testing.assert_allclose(found, 12 + np.sin(wanted / 300) - FULL_SCALE, atol=0.02)


def test_smoothing_keeps_what_is_smooth_and_drops_the_rest():
    places = np.arange(40) + 0.5
    slow, fast = (np.cos(np.pi * order * places / 40)[None] for order in (3, 25))
    np.testing.assert_allclose(smoothed(slow + fast, 10), slow, atol=1e-6)


def test_nothing_to_download():
    with pytest.raises(DataError, match="'an4' has nothing to download"):
        fetch("an4")


def test_missing_set_says_where_it_was_looked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFVIZ_DATA", str(tmp_path))
    with pytest.raises(DataError, match="manifest.csv, mfcc13_100hz_f16.npz in one of"):
        an4_utterances()


def test_damaged_array_is_named(tmp_path, monkeypatch):
    (tmp_path / "an4").mkdir()
    (tmp_path / "an4/an4.dic").touch()
    (tmp_path / "an4/manifest.csv").write_text("id,start_frame,end_frame,speaker,text\n")
    (tmp_path / "an4/mfcc13_100hz_f16.npz").write_bytes(b"not an archive")
    monkeypatch.setenv("CIFVIZ_DATA", str(tmp_path))
    with pytest.raises(DataError, match="expected the array 'feats'"):
        an4_utterances()


@pytest.mark.usefixtures("cifviz_data")
def test_real_utterances_are_loud_where_words_are_spoken():
    utterances = an4_utterances()
    assert len(utterances) == 948
    assert len({one.speaker for one in utterances}) == 74
    log_mel = log_mel_of_cepstra(utterances[0].cepstra, LogMel(n_mels=40))
    level = log_mel.mean(axis=1)
    assert level.max() - level[:5].mean() > 3


def test_pronunciations_are_the_first_but_for_a_and_one(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFVIZ_DATA", str(tmp_path))
    folder = tmp_path / "an4"
    folder.mkdir()
    for name in ("manifest.csv", "mfcc13_100hz_f16.npz"):
        (folder / name).touch()
    entries = [
        "A  AH",
        "A(2)  EY",
        "ONE  HH W AH N",
        "ONE(2)  W AH N",
        "ZERO  Z IH",
        "ZERO(2)  Z IY",
    ]
    (folder / "an4.dic").write_text("\n".join(entries), "utf-8")
    assert an4_pronunciations() == {"a": ("ey",), "one": ("w", "ah", "n"), "zero": ("z", "ih")}
