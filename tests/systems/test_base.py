"""A batch keeps its parts together; a system is what its subclass says, and no more."""

import pytest
import torch

from cifviz.errors import CIFError
from cifviz.systems.base import Batch, System
from cifviz.systems.configuration import SystemConfig
from tests.systems.tiny import VOCABULARY, noise, tiny_recognizer


def batch():
    features, targets = [torch.ones(3, 2), torch.ones(1, 2), torch.ones(2, 2)], [[4], [1, 2], []]
    marks = [{"mark": torch.tensor([float(n)])} for n in range(3)]
    return Batch.collate(features, targets, None, marks, by={"mark": torch.stack})


def test_each_extra_input_is_put_together_by_its_own_collate():
    lists = [{"phrases": ["a"]}, {"phrases": []}, {"phrases": ["b", "c"]}]
    counted = {"phrases": lambda values: torch.tensor([len(one) for one in values])}
    features = [torch.ones(2, 2)] * 3
    found = Batch.collate(features, [[]] * 3, extras=lists, by=counted)
    assert found.extras["phrases"].tolist() == [1, 0, 2]
    assert batch().extras["mark"].tolist() == [[0], [1], [2]]
    assert Batch.collate(features, [[]] * 3).extras == {}


def test_an_extra_input_that_nothing_takes_or_that_some_lack_is_refused():
    features = [torch.ones(2, 2)] * 2
    with pytest.raises(CIFError, match="extra input must be one of 'mark', got 'video'"):
        Batch.collate(features, [[]] * 2, extras=[{"video": 1}] * 2, by={"mark": torch.stack})
    with pytest.raises(CIFError, match="1 utterances of a batch lack the extra input 'mark'"):
        Batch.collate(features, [[]] * 2, extras=[{"mark": 1}, {}], by={"mark": torch.tensor})


@pytest.mark.parametrize("kept", [torch.tensor([True, False, True]), torch.tensor([0, 2])])
def test_a_selection_keeps_all_of_an_utterance(kept):
    whole, some = batch(), batch().select(kept)
    for name in ("features", "lengths", "targets", "target_lengths", "spans"):
        assert torch.equal(getattr(some, name), getattr(whole, name)[[0, 2]]), name
    assert some.extras["mark"].tolist() == [[0], [2]]


def test_a_batch_goes_to_a_device_as_a_whole():
    moved = batch().to(torch.device("meta"))
    tensors = [value for name, value in vars(moved).items() if name != "extras"]
    assert {one.device.type for one in (*tensors, *moved.extras.values())} == {"meta"}


def test_a_system_has_no_losses_and_keeps_nothing_but_what_it_says():
    model = System(SystemConfig(VOCABULARY))
    assert (model.loss_weights, tuple(model.further_losses)) == ({}, ())
    assert (model.extras, model.readouts, model.metrics) == ({}, {}, {})
    assert model.kept() == (model.config, {})
    assert model.start_at(0.2) is None
    assert model.learn_edges([]) is None


def test_what_is_put_between_firing_and_decoder_is_what_both_are_given(monkeypatch):
    """In training and in transcription."""
    model = tiny_recognizer()
    seen = []

    def adapt(embeddings, firing, encoded):
        assert embeddings is firing.embeddings
        seen.append(len(encoded.batch.features))
        return torch.zeros_like(embeddings)

    plain = model.transcribe(noise(1.0))
    monkeypatch.setattr(model, "adapt", adapt)
    adapted = model.transcribe_batch([noise(1.0), noise(0.5)])[0]
    assert len(set(adapted.scores)) == 1 != len(set(plain.scores))  # of nothing, all alike
    assert adapted.firing.embeddings.std() > 0.1
    model(Batch.collate([torch.randn(60, 40)], [[1, 2]]))
    assert seen == [2, 1]
