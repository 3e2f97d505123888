"""Intermediate and self-conditioned CTC: what inner blocks give, lose and pass on.

What they share with `ctc` (training, padding, empty utterances, transcription) is tested in
`test_ctc_and_attention`, saving and loading in `test_checkpoints`.
"""

import json
import math
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cifviz.errors import CIFError
from cifviz.systems.base import Batch
from cifviz.systems.ctc import CTCRecognizer, CTCRecognizerConfig
from cifviz.systems.encoder import Encoder, EncoderConfig
from cifviz.systems.intermediate_ctc import (
    IntermediateCTCRecognizer,
    IntermediateCTCRecognizerConfig,
)
from cifviz.systems.self_conditioned_ctc import SelfConditionedCTCRecognizer
from tests.systems.tiny import VOCABULARY, noise

KINDS = [IntermediateCTCRecognizer, SelfConditionedCTCRecognizer]
every_kind = pytest.mark.parametrize("kind", KINDS)


def config(blocks=None, *, vocabulary=VOCABULARY, priors=0.0, **encoder):
    encoder = {"channels": 16, "kernel": 3, "dilations": (1, 2, 1, 2), "dropout": 0.0, **encoder}
    return IntermediateCTCRecognizerConfig(
        vocabulary,
        encoder=EncoderConfig(**encoder),
        prior_weight=priors,
        intermediate_blocks=blocks,
    )


def made(kind, *given, **settings):
    torch.manual_seed(0)
    return kind(config(*given, **settings)).eval()


def batch_of(*targets, frames=60):
    torch.manual_seed(1)
    features = [torch.randn(frames - 20 * place, 40) for place in range(len(targets))]
    return Batch.collate(features, targets)


# --- what a block gives --------------------------------------------------------------------------


def test_what_is_seen_behind_a_block_is_the_output_of_an_encoder_that_ends_there():
    batch = batch_of([1], [2])
    torch.manual_seed(0)
    encoder = Encoder(config().encoder).eval()
    seen = {}
    after = {block: lambda output, block=block: seen.update({block: output}) for block in (0, 2)}
    whole, lengths = encoder(batch.features, batch.lengths, after=after)
    assert torch.equal(whole, encoder(batch.features, batch.lengths)[0])
    assert seen.keys() == {0, 2}
    for block, output in seen.items():
        short = Encoder(replace(encoder.config, dilations=(1, 2, 1)[: block + 1])).eval()
        short.load_state_dict(encoder.state_dict(), strict=False)
        expected, frames = short(batch.features, batch.lengths)
        assert torch.equal(output, expected) and torch.equal(frames, lengths)


def test_what_is_returned_is_added_to_the_input_of_the_next_block():
    batch = batch_of([1])
    torch.manual_seed(0)
    encoder = Encoder(config().encoder).eval()
    taken = []
    encoder.blocks[2].register_forward_pre_hook(lambda module, inputs: taken.append(inputs[0]))
    encoder(batch.features, batch.lengths)
    encoder(batch.features, batch.lengths, after={1: lambda output: 2 * output + 1})
    output = encoder.norm(taken[0].transpose(1, 2))
    torch.testing.assert_close(taken[1], taken[0] + (2 * output + 1).transpose(1, 2))


# --- losses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "blocks", "expected"),
    [(2, None, (0,)), (3, None, (0,)), (6, None, (2,)), (6, (0, 3), (0, 3)), (4, [1, 2], (1, 2))],
)
def test_blocks_are_those_asked_for_or_the_one_in_the_middle(layers, blocks, expected):
    made_of = config(blocks, dilations=(1,) * layers)
    assert made_of.inner_blocks == expected
    again = IntermediateCTCRecognizerConfig.from_dict(json.loads(json.dumps(made_of.to_dict())))
    assert again == made_of and again.inner_blocks == expected


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ((3,), "each of intermediate_blocks must be an integer >= 0 and <= 2, got 3"),
        ((-1,), "each of intermediate_blocks must be an integer >= 0"),
        ((1.0,), "each of intermediate_blocks must be an integer"),
        ((), r"at least one block, ascending, got \(\)"),
        ((2, 1), r"at least one block, ascending, got \(2, 1\)"),
        ((1, 1), r"at least one block, ascending, got \(1, 1\)"),
        (1, "intermediate_blocks must be a Sequence, got 1"),
    ],
)
def test_blocks_that_are_none_are_refused(blocks, message):
    with pytest.raises(CIFError, match=message):
        config(blocks)


def test_an_encoder_of_one_block_has_no_inner_one():
    with pytest.raises(CIFError, match="needs an encoder of 2 blocks or more, got 1"):
        config(dilations=(1,))


def test_losses_by_hand():
    """2 frames, a token and the blank: 3 of the 4 paths are the token's.

    The head's logits are the two channels of what the norm lets through: (1, −1) where block 0 was
    asked, (−1, 1) behind block 1. With p = e/(e + 1/e), the token's probability in a frame, the
    paths add up to 1 − (1 − p)² there; behind block 1 it is 1 − p, and they add up to 1 − p².
    """
    model = made(IntermediateCTCRecognizer, vocabulary=("no",), channels=2, dilations=(1, 1))
    nn.init.eye_(model.ctc.project.weight)
    nn.init.zeros_(model.ctc.project.bias)

    def give(values):
        return lambda module, inputs, output: torch.tensor(values).expand_as(output.mT).mT

    model.encoder.blocks[0].register_forward_hook(give([5.0, 3.0]))  # the norm makes it (1, −1)
    model.encoder.blocks[1].register_forward_hook(give([3.0, 5.0]))
    losses = model(Batch.collate([torch.zeros(8, 40)], [[0]]))
    likely = math.e / (math.e + 1 / math.e)
    assert losses["intermediate_ctc"].item() == pytest.approx(
        -math.log(1 - (1 - likely) ** 2), rel=1e-4
    )
    assert losses["ctc"].item() == pytest.approx(-math.log(1 - likely**2), rel=1e-4)
    assert model.loss_weights == {"ctc": 0.5, "intermediate_ctc": 0.5}


@every_kind
def test_the_loss_of_several_blocks_is_their_mean(kind):
    model, batch = made(kind, (0, 2)), batch_of([1, 2], [3])
    encoded = model.encode(batch)
    assert len(encoded.intermediate) == 2
    _, *utterances = encoded.with_targets
    each = [model.ctc.loss(one, *utterances) for one in encoded.intermediate]
    assert not torch.isclose(*each)
    torch.testing.assert_close(model(batch)["intermediate_ctc"], (each[0] + each[1]) / 2)


@every_kind
def test_some_utterances_of_a_batch_lose_as_they_do_alone(kind):
    """As where the words of the others are unknown."""
    model = made(kind)
    some = model.losses(model.encode(batch_of([1, 2], [3])).select(torch.tensor([True, False])))
    for name, loss in model(batch_of([1, 2])).items():
        torch.testing.assert_close(some[name], loss, rtol=1e-4, atol=1e-5)


@every_kind
def test_the_intermediate_loss_teaches_what_lies_before_its_block_alone(kind):
    model = made(kind, (1,)).train()
    model(batch_of([1, 2], [3]))["intermediate_ctc"].backward()
    assert model.encoder.blocks[1].conv.weight.grad.any()
    assert model.ctc.project.weight.grad.any()
    for block in (2, 3):
        assert all(weight.grad is None for weight in model.encoder.blocks[block].parameters())


def test_priors_are_those_of_plain_ctc():
    """They take part in both losses and are learned from the last block alone."""
    model = made(IntermediateCTCRecognizer, priors=0.5).train()
    plain = CTCRecognizer(CTCRecognizerConfig(VOCABULARY, encoder=model.config.encoder))
    plain.load_state_dict(model.state_dict())
    batch = batch_of([1, 2], [3])
    plain.train()(batch)
    before = model(batch)["intermediate_ctc"]
    assert torch.equal(model.ctc.priors, plain.ctc.priors)
    assert not torch.isclose(model(batch)["intermediate_ctc"], before)


# --- what self-conditioning passes on ------------------------------------------------------------


def test_an_intermediate_loss_changes_nothing_of_what_is_recognised():
    model = made(IntermediateCTCRecognizer, (0, 1))
    plain = CTCRecognizer(CTCRecognizerConfig(VOCABULARY, encoder=model.config.encoder)).eval()
    plain.load_state_dict(model.state_dict())
    one, two = model.transcribe(noise(1.0)), plain.transcribe(noise(1.0))
    assert one.tokens == two.tokens != ()
    assert one.scores == two.scores
    batch = batch_of([1, 2], [3])
    assert torch.equal(model(batch)["ctc"], plain(batch)["ctc"])


@torch.no_grad()
def test_the_block_behind_is_given_what_was_recognised():
    model, batch = made(SelfConditionedCTCRecognizer, (1, 2)), batch_of([1])
    taken = []
    for block in (2, 3):
        model.encoder.blocks[block].register_forward_pre_hook(
            lambda module, inputs: taken.append(inputs[0].transpose(1, 2))
        )
    left = []
    for block in (1, 2):
        model.encoder.blocks[block].register_forward_hook(
            lambda module, inputs, output: left.append(output.transpose(1, 2))
        )
    encoded = model.encode(batch)
    for came, given, seen in zip(left, taken, encoded.intermediate, strict=True):
        normal = F.layer_norm(came, (16,), model.encoder.norm.weight, model.encoder.norm.bias)
        torch.testing.assert_close(seen, normal)
        posteriors = model.ctc.project(normal).softmax(dim=2)
        told = posteriors @ model.feed_back.weight.T + model.feed_back.bias
        torch.testing.assert_close(given, came + told)


def test_without_feed_back_it_is_intermediate_ctc():
    model = made(SelfConditionedCTCRecognizer)
    nn.init.zeros_(model.feed_back.weight)
    nn.init.zeros_(model.feed_back.bias)
    plain = IntermediateCTCRecognizer(model.config).eval()
    plain.load_state_dict(model.state_dict(), strict=False)
    batch = batch_of([1, 2], [3])
    for name, loss in plain(batch).items():
        torch.testing.assert_close(model(batch)[name], loss)


@every_kind
def test_an_utterance_is_encoded_in_a_batch_as_alone(kind):
    model, batch = made(kind, (0, 2)), batch_of([1], [2], [], frames=60)
    together = model.encode(batch)
    for row, length in enumerate(batch.lengths.tolist()):
        alone = model.encode(Batch.collate([batch.features[row, :length]], [[]]))
        frames = int(alone.frame_lengths)
        for mine, its in zip(
            (*together.intermediate, together.encoder_out),
            (*alone.intermediate, alone.encoder_out),
            strict=True,
        ):
            torch.testing.assert_close(mine[row, :frames], its[0], rtol=1e-4, atol=1e-5)
            assert not mine[row, frames:].any()


# --- derivatives ---------------------------------------------------------------------------------


@every_kind
def test_gradients_are_right(kind):
    model = made(kind, (0, 1), channels=4, n_mels=40, dilations=(1, 1, 1)).double()
    lengths, targets, counts = torch.tensor([16, 9]), torch.tensor([[1, 2], [3, -1]]), [2, 1]
    spans = torch.full((2, 2, 2), -1.0).double()

    def losses(features):
        batch = Batch(features, lengths, targets, torch.tensor(counts), spans)
        return tuple(model(batch).values())

    torch.manual_seed(2)
    features = torch.randn(2, 16, 40, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(losses, features, fast_mode=True)
