"""The recognisers that come with cifviz, on the clips that come with it and on real speech."""

import numpy as np
import pytest
import torch

from cifviz.alignment.timed_tokens import Edges
from cifviz.audio.waveform import SAMPLE_RATE, Waveform
from cifviz.corpora.clips import list_clips, load_clip
from cifviz.corpora.datasets import digit_string_waveform, digit_strings, grid_sentences
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.resources import resource
from cifviz.systems.checkpoints import list_models, load_model
from experiments.measure import measure_transcriptions, transcribe_all

MODELS = ("digits", "grid")


@pytest.fixture(scope="module", params=MODELS)
def shipped(request):
    """Name, model and clips of its domain."""
    clips = [clip for clip in map(load_clip, list_clips()) if clip.domain == request.param]
    assert clips
    return request.param, load_model(request.param), clips


def test_both_models_ship():
    assert set(MODELS) <= set(list_models())


def test_checkpoints_are_small():
    for path in resource("checkpoints").rglob("*"):
        assert path.stat().st_size < 5_000_000, path


def test_every_clip_of_the_domain_is_heard_right(shipped):
    _, model, clips = shipped
    hypothesis = {clip.name: list(model.transcribe(clip.waveform).tokens) for clip in clips}
    assert hypothesis == {clip.name: list(clip.tokens) for clip in clips}


def test_weights_lie_on_the_words(shipped):
    # A frame lost somewhere between samples and weights would show here before anywhere else.
    _, model, clips = shipped
    off = []
    for clip in clips:
        firing = model.transcribe(clip.waveform).firing
        ends = firing.token_masses
        begins = torch.nn.functional.pad(ends[:, :-1], (1, 0))
        # Where half of a token's weight lies; what little came before a long pause moves a mean.
        middles = model.grid.seconds(firing.frames_at_mass((begins + ends) / 2))[0]
        spans = torch.tensor(clip.words.spans, dtype=torch.float64)
        off += (middles - spans.mean(dim=1)).tolist()
        inside = (middles > spans[:, 0]) & (middles < spans[:, 1])
        assert inside.double().mean() > 0.8, clip.name
    assert abs(np.mean(off)) < model.grid.shift


def test_later_sound_gives_later_edges(shipped):
    # 0.1 s is two frames and a half: what the clock does inside a frame shows too.
    _, model, clips = shipped
    moved = []
    for clip in clips:
        silence = np.zeros(SAMPLE_RATE // 10, np.float32)
        later = Waveform(np.concatenate([silence, clip.waveform.samples]))
        before, after = model.transcribe(clip.waveform), model.transcribe(later)
        # The clock is in question here, not the count: a rest near the tail threshold may go
        # either way when the sound moves inside its frames.
        common = min(len(before.tokens), len(after.tokens))
        assert common >= len(clip.tokens) - 1
        assert before.tokens[:common] == after.tokens[:common]
        spans = zip(before.alignment.spans[:common], after.alignment.spans[:common], strict=True)
        moved += [np.subtract(two, one) for one, two in spans]
    assert np.mean(moved) == pytest.approx(0.1, abs=model.grid.shift / 4)


def test_fires_fall_between_the_middles_of_the_words(shipped):
    # A frame lost somewhere between samples and fires would show here before anywhere else.
    _, model, clips = shipped
    for clip in clips:
        one = model.transcribe(clip.waveform)
        _, fires = Edges(0.0, 1.0, cut="fires").read(one.firing, one.grid)
        middles = [(start + end) / 2 for start, end in clip.words.spans]
        for fire, before, after in zip(fires[:-1].tolist(), middles, middles[1:], strict=False):
            assert before - model.grid.shift < fire < after + model.grid.shift, clip.name


def test_alone_and_in_a_batch_are_the_same(shipped):
    _, model, clips = shipped
    together = model.transcribe_batch([clip.waveform for clip in clips])
    for clip, other in zip(clips, together, strict=True):
        alone = model.transcribe(clip.waveform)
        assert alone.tokens == other.tokens
        np.testing.assert_allclose(
            alone.firing.fire_positions, other.firing.fire_positions, atol=1e-3
        )


@pytest.mark.parametrize("name", MODELS)
def test_silence_is_empty(name):
    model = load_model(name)
    assert model.transcribe(load_clip("silence").waveform).tokens == ()
    ten_minutes = Waveform(np.zeros(600 * SAMPLE_RATE, np.float32))
    assert model.transcribe(ten_minutes).tokens == ()


@pytest.mark.usefixtures("cifviz_data")
def test_real_digit_strings():
    strings = digit_strings("test")
    spoken = [LabelledUtterance(*digit_string_waveform(string)) for string in strings]
    hypothesis = transcribe_all(load_model("digits"), spoken)
    assert measure_transcriptions(spoken, hypothesis, {})["token_error_rate"] <= 0.02


@pytest.mark.usefixtures("cifviz_data")
def test_real_grid_sentences():
    sentences = grid_sentences("dev")[:20]
    spoken = [LabelledUtterance(sentence.waveform(), sentence.words) for sentence in sentences]
    hypothesis = transcribe_all(load_model("grid"), spoken)
    assert measure_transcriptions(spoken, hypothesis, {})["token_error_rate"] <= 0.05
