"""An aligned transcript is held against its sound."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.alignment.word_flags import LONG, SILENT
from cifviz.audio.waveform import LogMel, Waveform
from cifviz.corpora.pronunciation import SpokenWord
from cifviz.systems.doubtful_words import DOUBTS, PRESENCE
from cifviz.systems.transcription import CTC_PATH, INTERVALS, Transcription
from cifviz.systems.word_checks import checked
from cifviz.timing import FrameGrid

WORDS = (
    SpokenWord("hi", 0, 2, ("h", "aɪ")),
    SpokenWord("no", 3, 5, ("n", "oʊ")),
    SpokenWord("a", 6, 7, ("ə",)),
)


@pytest.fixture
def aligned():
    """Four seconds of noise, a second of silence, and words of which the second lies in it."""
    samples = np.random.default_rng(0).normal(size=80_000).astype(np.float32) / 10
    samples[64_000:] = 0
    times = [(0.1, 2.0), (2.0, 3.5), (4.2, 4.3), (4.3, 4.5), (4.6, 4.7)]
    tokens = [phone for word in WORDS for phone in word.phones]
    phones = tuple(
        TimedToken(token, start, end, 0.5)
        for token, (start, end) in zip(tokens, times, strict=True)
    )
    return Transcription(
        tokens=tuple(tokens),
        scores=(0.5,) * 5,
        alignment=Alignment(phones),
        firing=None,
        grid=FrameGrid(0.024),
        duration=5.0,
        log_mel=LogMel()(Waveform(samples)),
        config=None,
        waveform=Waveform(samples),
        row_kind=CTC_PATH,
        given_rows=torch.zeros(5, 0),
    )


def test_long_words_are_flagged_and_silent_ones_lose_their_times(aligned):
    found = checked(aligned, WORDS)
    assert found.extras[DOUBTS] == ((LONG,), (SILENT,), (SILENT,))
    assert [word.is_timed for word in found.words] == [True, False, False]
    assert [phone.is_timed for phone in found.alignment] == [True, True, False, False, False]
    assert (found.words.tokens[0].start, found.words.tokens[0].end) == (0.1, 3.5)
    assert found.tokens == aligned.tokens and found.scores == aligned.scores


def test_a_word_that_is_probably_there_is_only_quiet(aligned):
    found = checked(replace(aligned, extras={PRESENCE: (0.2, 0.9, 0.4)}), WORDS)
    assert found.extras[DOUBTS] == ((LONG,), (SILENT,), (SILENT,))
    assert [word.is_timed for word in found.words] == [True, True, False]
    assert (found.words.tokens[1].start, found.words.tokens[1].end) == (4.2, 4.5)


def test_intervals_of_words_without_times_are_unknown(aligned):
    given = torch.arange(12, dtype=torch.float64).view(3, 2, 2)
    found = checked(replace(aligned, extras={INTERVALS: given, "other": 1}), WORDS)
    assert found.extras[INTERVALS][0].tolist() == given[0].tolist()
    assert found.extras[INTERVALS][1:].isnan().all()
    assert found.extras["other"] == 1
    assert not given.isnan().any()


def test_no_word_and_no_sound(aligned):
    empty = replace(
        aligned, alignment=Alignment(), tokens=(), scores=(), waveform=aligned.waveform.cut(0, 0)
    )
    found = checked(empty, ())
    assert found.words == Alignment() and found.extras == {DOUBTS: ()}
