"""Forced alignment of the bundled clips, whose words and times are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cifviz.audio.waveform import Waveform
from cifviz.corpora.clips import list_clips, load_clip
from cifviz.errors import AudioError, CIFError
from cifviz.systems.checkpoints import load_model
from cifviz.systems.count_hypotheses import decode_at_counts
from cifviz.systems.forced_alignment import align_by_count, align_by_ctc
from tests.systems.tiny import noise, tiny_recognizer

CLIPS = [name for name in list_clips() if load_clip(name).domain == "digits"]


@pytest.fixture(scope="module")
def model():
    return load_model("digits")


def words(clip) -> list[str]:
    return [token.token for token in clip.words]


@pytest.mark.parametrize("name", CLIPS)
def test_by_count_is_what_the_model_hears_where_it_hears_the_right_words(model, name):
    clip = load_clip(name)
    hypothesis = model.transcribe(clip.waveform)
    assert list(hypothesis.tokens) == words(clip)
    forced = align_by_count(model, clip.waveform, words(clip))
    assert forced.tokens == hypothesis.tokens
    assert min(forced.scores) > 0.5
    np.testing.assert_allclose(forced.alignment.spans, hypothesis.alignment.spans, atol=0.1)


@pytest.mark.parametrize("name", CLIPS)
def test_by_ctc_each_token_lies_in_its_word(model, name):
    clip = load_clip(name)
    alignment = align_by_ctc(model, clip.waveform, words(clip))
    assert [token.token for token in alignment] == words(clip)
    for (start, end), (onset, offset) in zip(alignment.spans, clip.words.spans, strict=True):
        assert onset - 0.1 < (start + end) / 2 < offset + 0.1


@pytest.mark.parametrize("place", [0, 2, 4])
def test_a_wrong_word_is_seen_by_its_score(model, place):
    clip = load_clip("digits_five")
    reference = words(clip)
    reference[place] = "three"  # which is not in it
    for scores in (
        align_by_count(model, clip.waveform, reference).scores,
        [token.score for token in align_by_ctc(model, clip.waveform, reference)],
    ):
        assert int(np.argmin(scores)) == place
        assert scores[place] < 0.3


def test_a_missing_word_moves_what_follows_by_count_and_not_by_ctc(model):
    clip = load_clip("digits_five")
    reference = words(clip)
    whole = align_by_ctc(model, clip.waveform, reference).spans
    counted = align_by_count(model, clip.waveform, reference).alignment.spans
    del reference[1]
    assert (
        np.abs(
            np.subtract(align_by_ctc(model, clip.waveform, reference).spans[1:], whole[2:])
        ).max()
        < 0.1
    )
    moved = np.subtract(
        align_by_count(model, clip.waveform, reference).alignment.spans[1:], counted[2:]
    )
    assert np.abs(moved).max() > 0.15


def test_no_tokens_are_aligned_with_nothing(model):
    clip = load_clip("digits_five")
    assert len(align_by_count(model, clip.waveform, []).alignment) == 0
    assert len(align_by_ctc(model, clip.waveform, [])) == 0


def test_tokens_that_do_not_fit_are_untimed(model):
    short = Waveform(np.zeros(800, np.float32))
    alignment = align_by_ctc(model, short, ["one"] * 9)
    assert [token.is_timed for token in alignment] == [False] * 9


@pytest.mark.parametrize("align", [align_by_count, align_by_ctc])
def test_bad_input_is_refused(model, align):
    sound = load_clip("digits_five").waveform
    with pytest.raises(CIFError, match="token must be one of 'zero', .* got 'ten'"):
        align(model, sound, ["ten"])
    with pytest.raises(CIFError, match="waveform must be a Waveform, got "):
        align(model, [0.0], ["one"])
    with pytest.raises(AudioError, match="8000"):
        align(model, Waveform(sound.samples, 8000), ["one"])
    with pytest.raises(CIFError, match="call .eval"):
        align(load_model("digits").train(), sound, ["one"])


@pytest.mark.parametrize("decoder", ["nar", "ar", "projection"])
def test_scores_by_count_are_those_of_decoding_at_that_count(decoder):
    one, waveform = tiny_recognizer(decoder=decoder), noise(1.0)
    (found,) = decode_at_counts(one, waveform, [4])
    forced = align_by_count(one, waveform, found.tokens)
    assert forced.scores == pytest.approx(found.scores, abs=1e-5)


def test_scores_are_probabilities(model):
    clip = load_clip("digits_five")
    reference = words(clip)
    scores = [*align_by_count(model, clip.waveform, reference).scores]
    scores += [token.score for token in align_by_ctc(model, clip.waveform, reference)]
    assert all(0 <= score <= 1 and not math.isnan(score) for score in scores)
