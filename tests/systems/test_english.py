"""The model "english" that ships: small, and its words lie where the clips say."""

import importlib.util

import numpy as np
import pytest

from cifviz.audio.moonshine import has_moonshine
from cifviz.corpora.clips import load_clip
from cifviz.corpora.phone_inventory import PHONES
from cifviz.metrics import token_errors
from cifviz.resources import resource
from cifviz.systems.checkpoints import WEIGHTS, load_model
from cifviz.systems.phone_cif import PhoneCIFRecognizer
from cifviz.systems.phone_paths import PATHS
from experiments.english_words import aligned, encoded_sound, english_samples

needs_encoder = pytest.mark.skipif(
    not has_moonshine() or importlib.util.find_spec("espeakng_loader") is None,
    reason="the English encoder is not installed (pip install cifviz[english])",
)


@pytest.fixture(scope="module")
def model():
    return load_model("english")


def test_it_is_a_small_head_for_all_phones(model):
    assert isinstance(model, PhoneCIFRecognizer)
    assert model.config.vocabulary == PHONES
    assert (resource("checkpoints") / "english" / WEIGHTS).stat().st_size < 2_000_000


def test_its_edges_were_learned(model):
    edges = model.config.edges
    assert edges.cut == "fires"
    assert edges.onset_shift and edges.offset_shift


@needs_encoder
@pytest.mark.parametrize("name", ["natural_lake", "natural_river"])
@pytest.mark.parametrize("path", [one for one in PATHS if one != "count"])
def test_words_of_a_clip_lie_where_they_are_spoken(model, name, path):
    clip = load_clip(name)
    found = model.align(clip.waveform, clip.words.text, path=path)
    assert found.words.text == clip.words.text
    errors = np.array(found.words.spans) - np.array(clip.words.spans)
    assert np.median(np.abs(errors)) < 0.06


@needs_encoder
def test_silence_has_no_phones(model):
    assert model.transcribe(load_clip("silence").waveform).tokens == ()


@needs_encoder
@pytest.mark.slow
def test_phones_of_real_recordings_are_recognised(model, cifviz_data):
    samples = [one for one in english_samples() if one.waveform.duration < 6]
    references = [[phone for word in one.words for phone in word.phones] for one in samples]
    found = [
        model.transcribe_states(
            encoded_sound(one).states, encoded_sound(one).log_mel, duration=one.waveform.duration
        ).tokens
        for one in samples
    ]
    assert token_errors(references, found).rate < 0.4
    assert aligned(model, samples[0]).words.text == " ".join(w.text for w in samples[0].words)
