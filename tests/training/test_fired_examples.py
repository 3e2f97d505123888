"""Utterances as a frozen recogniser fires them, kept for training."""

import numpy as np
import pytest
import torch

from cifviz.errors import CIFError
from cifviz.systems.base import Batch
from cifviz.training.augmentation import Example
from cifviz.training.fired_examples import KeptExamples, fired_examples
from tests.systems.tiny import tiny_recognizer


def make_example(rng):
    """Noise of 40 to 80 frames with 0 to 3 tokens."""
    tokens = rng.integers(0, 5, size=rng.integers(0, 4)).tolist()
    features = torch.from_numpy(rng.normal(size=(int(rng.integers(40, 81)), 40))).float()
    return Example(features, tokens, torch.full((len(tokens), 2), -1.0))


def test_examples_are_what_fires_scaled_to_their_tokens():
    model = tiny_recognizer()
    made = fired_examples(model, make_example, count=20, seed=1, batch_size=4)
    rng = np.random.default_rng(1)
    drawn = [make_example(rng) for _ in range(20)]
    spoken = [one for one in drawn if one.tokens]
    assert 0 < len(made) <= len(spoken) < 20
    for one in made:
        source = next(other for other in spoken if other.tokens == one.tokens)
        assert one.features.shape == (len(source.tokens), 16)
    one = min(spoken, key=lambda example: len(example.features))
    batch = Batch.collate([one.features], [one.tokens])
    encoded = model.encode(batch)
    firing = model.cif(
        encoded.encoder_out, encoded.frame_lengths, target_lengths=batch.target_lengths
    )
    torch.testing.assert_close(made[0].features, firing.embeddings[0], rtol=1e-4, atol=1e-5)
    assert made[0].tokens == one.tokens


def test_how_many_are_fired_at_once_changes_nothing():
    model = tiny_recognizer()
    alone, together = (
        fired_examples(model, make_example, count=10, seed=2, batch_size=size) for size in (1, 10)
    )
    assert [one.tokens for one in alone] == [one.tokens for one in together]
    for one, other in zip(alone, together, strict=True):
        torch.testing.assert_close(one.features, other.features, rtol=1e-4, atol=1e-5)


def test_an_utterance_of_which_another_number_fires_is_left_out(monkeypatch):
    model = tiny_recognizer()
    cif = model.cif.forward

    def unscaled(encoder_out, frame_lengths, *, target_lengths):
        return cif(encoder_out, frame_lengths, target_lengths=target_lengths + 1)

    monkeypatch.setattr(model.cif, "forward", unscaled)
    assert fired_examples(model, make_example, count=10, seed=2) == []


def test_of_no_utterance_nothing_fires():
    assert fired_examples(tiny_recognizer(), make_example, count=0, seed=0) == []


def test_a_recogniser_in_training_mode_is_refused():
    with pytest.raises(CIFError, match=r"call \.eval\(\)"):
        fired_examples(tiny_recognizer().train(), make_example, count=1, seed=0)


def test_kept_examples_are_drawn_again_and_again():
    kept = [Example(torch.zeros(1, 4), [i], torch.zeros(1, 2)) for i in range(3)]
    make, rng = KeptExamples(kept), np.random.default_rng(0)
    assert {make(rng).tokens[0] for _ in range(40)} == {0, 1, 2}
