"""Intervals of a model: learned, kept with it, and read for each transcription."""

import json

import numpy as np
import pytest
import torch

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.moonshine import DIM
from cifviz.corpora.pronunciation import SpokenWord
from cifviz.errors import CheckpointError, CIFError
from cifviz.systems.checkpoints import load_model, save_model
from cifviz.systems.transcription import INTERVALS
from cifviz.systems.word_intervals import with_intervals
from tests.systems.test_phone_cif import tiny

WORDS = (SpokenWord("hi", 0, 2, ("h", "aɪ")), SpokenWord("no", 3, 5, ("n", "oʊ")))
DURATION = (384 * 39 + 895) / 16_000


def given(seed):
    states = torch.randn(40, DIM, generator=torch.manual_seed(seed))
    frames = int(np.ceil(round(DURATION * 16_000) / 160))
    return {"states": states, "log_mel": torch.zeros(frames, 40), "duration": DURATION}


def pairs(model, count=12):
    """Aligned noise, and words 10 ms later."""
    found = [model.align_states(words=WORDS, **given(seed)) for seed in range(count)]
    return [
        (
            one,
            Alignment(tuple(TimedToken(w.token, w.start + 0.01, w.end + 0.01) for w in one.words)),
        )
        for one in found
    ]


def test_a_model_without_intervals_gives_none():
    found = tiny().align_states(words=WORDS, **given(0))
    assert INTERVALS not in found.extras
    assert with_intervals(found, None) is found


def test_intervals_are_learned_kept_and_read(tmp_path):
    model = tiny()
    learned = model.learn_intervals(pairs(model))
    save_model(model, tmp_path / "model", "A card.")
    again = load_model(tmp_path / "model")
    assert again.config.intervals == learned
    found = again.align_states(words=WORDS, **given(0))
    intervals = found.extras[INTERVALS]
    assert intervals.shape == (2, 2, 2) and intervals.dtype == torch.float64
    edges = torch.tensor(found.words.spans, dtype=torch.float64)
    assert (intervals[..., 0] <= edges).all() and (edges <= intervals[..., 1]).all()
    assert (intervals >= 0).all() and (intervals <= found.duration).all()
    assert (intervals[..., 1] >= (edges + 0.009).clamp(max=found.duration)).all()


def test_no_words_have_no_intervals():
    model = tiny()
    model.learn_intervals(pairs(model))
    assert model.align_states(words=(), **given(0)).extras[INTERVALS].shape == (0, 2, 2)


def test_too_many_phones_have_unknown_intervals():
    model = tiny()
    model.learn_intervals(pairs(model))
    found = model.align_states(words=WORDS * 30, **given(0))
    assert found.extras[INTERVALS].shape == (60, 2, 2) and found.extras[INTERVALS].isnan().all()


def test_references_have_the_same_words():
    model = tiny()
    found, _ = pairs(model, 1)[0]
    with pytest.raises(CIFError, match="expected the times of 2 words, got 0"):
        model.learn_intervals([(found, Alignment())])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("onset_weights", None),
        ("offset_weights", ["a"]),
        ("onset_quantiles", 5),
        ("offset_quantiles", [None, 1]),
        ("medians", [-1, -1]),
    ],
)
def test_a_damaged_configuration_is_refused(tmp_path, name, value):
    model = tiny()
    model.learn_intervals(pairs(model))
    save_model(model, tmp_path / "model", "A card.")
    path = tmp_path / "model" / "config.json"
    config = json.loads(path.read_text())
    config["intervals"][name] = value
    path.write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match=rf"EdgeIntervals\.{name} must be"):
        load_model(tmp_path / "model")


def test_only_what_was_aligned_teaches():
    model = tiny()
    found, words = pairs(model, 1)[0]
    phones = model.transcribe_states(**given(0))
    for learn in (model.learn_intervals, model.learn_edges):
        with pytest.raises(CIFError, match="pair 0: expected what align gave"):
            learn([(phones, words)])
        with pytest.raises(CIFError, match="the first of pair 1 must be a Transcription"):
            learn([(found, words), (None, words)])
        with pytest.raises(CIFError, match="the second of pair 0 must be an Alignment"):
            learn([(found, "hi no")])
        with pytest.raises(CIFError, match="pair 0 must be a Transcription and an Alignment"):
            learn([found])
        with pytest.raises(CIFError, match="pairs must be"):
            learn(None)
