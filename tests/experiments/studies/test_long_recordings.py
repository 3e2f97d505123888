"""Long recordings: their sound, their transcript, and what is measured."""

import numpy as np
import pytest

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.waveform import Waveform
from cifviz.corpora.pronunciation import SpokenWord
from cifviz.systems.long_transcription import LongTranscription
from cifviz.timing import FrameGrid
from experiments.english_words import TranscribedUtterance
from experiments.studies import long_recordings
from experiments.studies.long_recordings import measured, recording, table

RATE = 16_000


def utterance(level, seconds):
    """A sound of constant level, whose word lasts from 0.25 s to 0.5 s before its end."""
    samples = np.full(round(seconds * RATE), level, np.float32)
    word = SpokenWord(str(level), 0, 1, ("ə",))
    times = Alignment((TimedToken(word.text, 0.25, seconds - 0.5),))
    return TranscribedUtterance(str(level), Waveform(samples), (word,), times)


def test_a_recording_has_the_words_of_its_utterances_at_their_times():
    made = recording([utterance(0.25, 2.0), utterance(0.5, 3.0)], minutes=2, seed=0)
    assert 120 <= made.waveform.duration < 120 + 3 + 60
    assert len(made.words) == len(made.times) > 30
    for word, true in zip(made.words, made.times, strict=True):
        assert word.text == true.token
        inside = made.waveform.cut(true.start, true.end).samples
        assert (inside == np.float32(word.text)).all()
    assert recording([utterance(0.25, 2.0)], minutes=0.1, seed=0).waveform.duration == 6


def test_errors_drift_and_untimed_words_by_hand(monkeypatch):
    """A millisecond more in each minute; one word has no time."""
    one = recording([utterance(0.25, 6.0)], minutes=3, seed=1)

    def align_long(model, waveform, words, *, path, progress):
        late = [
            TimedToken(t.token, t.start * (1 + 1e-3 / 60), t.end * (1 + 1e-3 / 60))
            for t in one.times
        ]
        found = Alignment((*late[:-1], TimedToken("x")))
        return LongTranscription(found, Alignment(), FrameGrid(0.024), waveform.duration, None)

    monkeypatch.setattr(long_recordings, "align_long", align_long)
    found = measured(None, one)
    assert found["drift"] == pytest.approx([1.0, 1.0])
    assert (found["untimed"], found["far"], found["doubtful"]) == (1, 0, 1)
    assert found["errors"][0]["count"] == len(one.times) - 1
    assert found["longest_word"] == pytest.approx(5.25, rel=1e-3)
    assert found["peak_mb"] > found["sound_mb"] > 0
    assert "| 3 minutes |" in table({"recordings": {"3 minutes": found}})
