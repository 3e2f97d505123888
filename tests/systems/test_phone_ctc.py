"""The second task: what it adds to the recogniser's losses, and what it leaves alone."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from cifviz.errors import CIFError
from cifviz.systems.base import Batch
from cifviz.systems.phone_ctc import PhoneticLearner
from tests.systems.tiny import VOCABULARY, tiny_recognizer

PRONUNCIATIONS = [(0, 1), (2,), (1, 0, 3), (3, 3), (4,), (2, 4), (0,)]
"""Of the five tokens and of two other words, 5 and 6."""


def learner(**settings):
    return PhoneticLearner(tiny_recognizer(**settings), PRONUNCIATIONS)


def batch(*targets):
    features = [torch.randn(60 + 8 * n, 40, generator=torch.manual_seed(n)) for n in range(3)]
    return Batch.collate(features[: len(targets)], targets)


def test_words_of_the_recogniser_are_learned_as_without_phones():
    model, known = learner(), batch([0, 3], [2])
    losses, plain = model(known), model.recognizer(known)
    for name in ("cross_entropy", "ctc", "quantity"):
        torch.testing.assert_close(losses[name], plain[name])
    assert losses.keys() == {*plain, "phones"}


def test_utterances_with_other_words_teach_phones_alone():
    model = learner()
    with_others, without = model(batch([0, 3], [2], [1, 6])), model(batch([0, 3], [2]))
    for name in ("cross_entropy", "ctc", "quantity"):
        torch.testing.assert_close(with_others[name], without[name])
    assert not torch.isclose(with_others["phones"], without["phones"])


def test_only_known_words_are_told_where_their_weight_belongs():
    model, known, all_of_them = learner(), batch([0, 3], [2]), batch([0, 3], [2], [1, 6])
    spans = torch.tensor([[[10.0, 20.0], [30.0, 50.0]]] * 3, dtype=torch.float64)
    known, all_of_them = (
        replace(one, spans=spans[: len(one.spans)]) for one in (known, all_of_them)
    )
    loss = model(all_of_them, wanted=["even"])
    plain = model.recognizer(known, wanted=["even"])
    assert plain["even"] > 0
    torch.testing.assert_close(loss["even"], plain["even"])


def test_loss_of_the_phones_is_ctc_per_phone_of_all_words():
    model, one = learner(), batch([2, 5])
    encoder_out, frame_lengths = model.recognizer.encoder(one.features, one.lengths)
    log_probs = model.phones(encoder_out).transpose(0, 1)
    phones = torch.tensor([[1, 0, 3, 2, 4]])
    expected = F.ctc_loss(log_probs, phones, frame_lengths, torch.tensor([5]), blank=5) / 1
    torch.testing.assert_close(model(one)["phones"], expected)


def test_a_batch_of_other_words_alone_teaches_phones():
    losses = learner()(batch([5, 6], [6]))
    assert set(losses) == {"phones"}
    assert losses["phones"] > 0


def test_silence_teaches_that_there_are_no_phones():
    losses = learner()(batch([], []))
    assert all(loss.isfinite() for loss in losses.values())


def test_a_batch_without_a_frame_loses_nothing_by_its_phones():
    empty = Batch.collate([torch.zeros(0, 40)] * 2, [[0, 3], [5]])
    assert learner()(empty)["phones"] == 0


def test_phones_reach_the_encoder_and_not_the_decoder():
    model = learner().train()
    model(batch([5, 6]))["phones"].backward()
    assert all(weight.grad is not None for weight in model.recognizer.encoder.parameters())
    assert all(weight.grad is None for weight in model.recognizer.decoder.parameters())


def test_every_token_needs_its_phones():
    with pytest.raises(CIFError, match=f"each of the recogniser's {len(VOCABULARY)} tokens, got 2"):
        PhoneticLearner(tiny_recognizer(), PRONUNCIATIONS[:2])


def test_phones_count_once_beside_the_losses_of_the_recogniser():
    model = learner()
    assert model.loss_weights == {**model.recognizer.loss_weights, "phones": 1.0}
    assert model.further_losses == model.recognizer.further_losses
