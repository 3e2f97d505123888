"""The recipe "english": states as features, utterances as they are, edges from times of words."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.moonshine import DIM, Moonshine
from cifviz.audio.waveform import SAMPLE_RATE, Waveform
from cifviz.core.module import CIFConfig
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.corpora.pronunciation import SpokenWord
from cifviz.systems import phone_cif
from cifviz.systems.checkpoints import load_model
from cifviz.systems.encoder import EncoderConfig
from cifviz.systems.phone_cif import PhoneCIFConfig, PhoneCIFRecognizer
from cifviz.training.augmentation import Augmentation, Recording
from cifviz.training.fit import FitConfig
from experiments import runs, training_data
from experiments.english_words import TranscribedUtterance, aligned
from experiments.recipes import find_recipe
from experiments.recipes.english import DROPPED, whole_utterances
from tests.systems.pretrained import FakeMoonshine

SMALL = PhoneCIFConfig(
    encoder=EncoderConfig(n_mels=DIM, channels=16, down_sampling=1, kernel=3, dilations=(1,)),
    cif=CIFConfig(encoder_embed_dim=16, conv_cif_output_channels_num=16),
)


@pytest.fixture(autouse=True)
def pretrained(monkeypatch):
    for module in (training_data, phone_cif):
        monkeypatch.setattr(module, "load_moonshine", FakeMoonshine)


def utterance(speaker="ann"):
    """A second of noise with a phone in each half of its middle."""
    samples = 0.1 * np.random.default_rng(0).standard_normal(SAMPLE_RATE)
    phones = (TimedToken("p", 0.2, 0.5), TimedToken("b", 0.5, 0.8))
    sound = Waveform(samples.astype(np.float32), SAMPLE_RATE)
    return LabelledUtterance(sound, Alignment(phones), speaker)


def test_features_of_a_model_on_states_are_states(tmp_path):
    (one,) = training_data.recordings("one", lambda: [utterance()], SMALL, tmp_path)
    assert one.features.shape == (40, DIM)
    assert one.features.dtype == np.float16
    assert one.tokens == (0, 1)
    spans = Moonshine.grid.seconds(np.array(one.spans))
    assert spans == pytest.approx(np.array([[0.2, 0.5], [0.5, 0.8]]))


def recording(value, token):
    features = np.full((50, DIM), value, np.float16) + np.arange(50, dtype=np.float16)[:, None]
    return Recording(features, (token,), ((10.0, 20.0),), "ann")


def test_utterances_stay_whole_and_lack_some_values():
    groups = {"real": [recording(1, 1)], "synthetic": [recording(100, 2)]}
    make = whole_utterances(groups, {"real": 3.0, "synthetic": 1.0}, Augmentation())
    rng = np.random.default_rng(0)
    examples = [make(rng) for _ in range(200)]
    assert {tuple(one.features.shape) for one in examples} == {(50, DIM)}
    assert 0.6 < np.mean([one.tokens == [1] for one in examples]) < 0.9
    assert examples[0].spans.tolist() == [[10.0, 20.0]]
    missing = np.mean([(one.features == 0).all(dim=0).double().mean() for one in examples])
    assert missing == pytest.approx(DROPPED, abs=0.01)


def test_a_group_without_a_share_is_never_drawn():
    variant = find_recipe("english", "made-up")
    groups = {"real": [recording(1, 1)], "synthetic": [recording(100, 2)]}
    shares = {"real": 1 - variant.synthetic_share, "synthetic": variant.synthetic_share}
    make = whole_utterances(groups, shares, variant.augmentation)
    rng = np.random.default_rng(0)
    assert {tuple(make(rng).tokens) for _ in range(50)} == {(2,)}


def test_the_head_is_small_enough_to_ship():
    model = PhoneCIFRecognizer(find_recipe("english").config)
    assert 4 * sum(weight.numel() for weight in model.state_dict().values()) < 2_000_000


def test_edges_and_intervals_are_learned_from_the_times_of_words(tmp_path, monkeypatch):
    monkeypatch.setattr("experiments.english_words.load_moonshine", FakeMoonshine)
    words = (SpokenWord("pub", 0, 3, ("p", "b")),)
    times = Alignment((TimedToken("pub", 0.2, 0.8),))
    spoken = TranscribedUtterance("one", utterance().waveform, words, times)

    def learned(model):
        pair = (aligned(model, spoken), spoken.times)
        return {"level": model.learn_intervals([pair] * 20).level}

    recipe = replace(
        find_recipe("english"),
        config=SMALL,
        real=lambda: [utterance(), utterance("bob")],
        synthetic=lambda: [utterance("robot")],
        dev=lambda: [utterance()],
        fit=FitConfig(steps=2, batch_size=2, loss_weights={"even": 1.0, "stretches": 1.0}),
        edge_pairs=lambda model: [(aligned(model, spoken), spoken.times)],
        intervals=learned,
        corpora=(),
    )
    result = runs.run(recipe, folder=tmp_path / "run", progress=False)
    assert {"even", "stretches"} <= result["history"][0].keys()
    assert result["dev"]["tokens"] == 2
    config = load_model(tmp_path / "run" / "model").config
    assert config.edges.onset_shift == result["edges"]["shipped"]["onset_shift"]
    assert config.intervals.level == result["intervals"]["level"] == 0.9
    # A single word: its edges are exactly where they were learned from.
    found = aligned(load_model(tmp_path / "run" / "model"), spoken).words
    assert np.array(found.spans) == pytest.approx(np.array(times.spans))


def test_frames_that_are_states_are_known_by_their_encoder():
    assert training_data.EncoderStates() == training_data.EncoderStates()
    assert torch.is_tensor(training_data.EncoderStates()(utterance().waveform))
