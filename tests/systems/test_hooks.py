"""What a system may override, and that all which uses a system uses what it overrides."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
import torch
from torch import nn

from cifviz.core.validation import valid_mask
from cifviz.errors import CIFError
from cifviz.systems.base import Batch, Collate
from cifviz.systems.cif import CIFRecognizer
from cifviz.systems.decoders import DECODERS, Decoder
from cifviz.systems.phone_ctc import PhoneticLearner
from cifviz.systems.tail_rule_decoding import decode_by_tail_rule
from cifviz.training.snapshots import held_out_metrics
from tests.systems.tiny import VOCABULARY, noise, tiny_config


def made(kind, **settings):
    torch.manual_seed(0)
    return kind(tiny_config(**settings)).eval()


def batch_of(*targets, extras=None, by=None):
    torch.manual_seed(1)
    features = [torch.randn(60, 40) for _ in targets]
    return Batch.collate(features, targets, extras=extras, by=by)


# --- encoder -------------------------------------------------------------------------------------


class FlatEncoder(nn.Module):
    """Frames that are all alike."""

    def __init__(self, channels):
        super().__init__()
        self.frame = nn.Parameter(torch.randn(channels))

    def forward(self, features, lengths):
        frames = lengths // 4
        return self.frame.expand(len(features), int(frames.max()), -1), frames


class Seeing(CIFRecognizer):
    """Another encoder, and a further input that is added to its frames."""

    extras: Mapping[str, Collate] = {"video": torch.stack}

    def make_encoder(self):
        return FlatEncoder(self.config.encoder.channels)

    def encode(self, batch):
        encoded = super().encode(batch)
        if "video" not in batch.extras:
            return encoded
        seen = batch.extras["video"].mean(dim=1)[:, None, None]
        return replace(encoded, encoder_out=encoded.encoder_out + seen)


def test_an_encoder_of_its_own_is_heeded_in_training_and_transcription():
    model = made(Seeing)
    assert type(model.encoder) is FlatEncoder
    plain = model.transcribe(noise(0.6))
    assert torch.equal(plain.firing.alpha[0, 2:12], plain.firing.alpha[0, 2:3].expand(10))
    seen = model.transcribe(noise(0.6), video=torch.ones(3))
    assert not torch.equal(seen.firing.alpha, plain.firing.alpha)


def test_whoever_encodes_does_it_by_the_hook(monkeypatch):
    model, encoded = made(CIFRecognizer), []
    encode = model.encode
    monkeypatch.setattr(model, "encode", lambda batch: encoded.append(batch) or encode(batch))
    batch = batch_of([1, 2])
    model(batch)
    model.transcribe(noise(0.4))
    held_out_metrics(model, batch)
    PhoneticLearner(model, [(0,)] * 5)(batch)
    decode_by_tail_rule(model, torch.randn(60, 40))
    assert len(encoded) == 5


# --- decoder and losses --------------------------------------------------------------------------


class CountingDecoder(Decoder):
    """The first fire is token 0, the second token 1 …, whatever was fired."""

    def forward(self, embeddings, num_fires, targets):
        fires = torch.arange(embeddings.shape[1]) % 5
        return 9.0 * nn.functional.one_hot(fires, 5).float().expand(len(embeddings), -1, -1)

    def decode(self, embeddings, num_fires):
        best = self.forward(embeddings, num_fires, num_fires).softmax(dim=2).max(dim=2)
        return best.indices, best.values


class Counting(CIFRecognizer):
    """A decoder of its own."""

    def make_decoder(self):
        return CountingDecoder()


def test_a_decoder_of_its_own_is_trained_and_decodes():
    model = made(Counting)
    words = model.transcribe(noise(1.5)).tokens
    assert words == tuple(VOCABULARY[place % 5] for place in range(len(words))) != ()
    right, wrong = batch_of([0, 1, 2]), batch_of([4, 3, 1])
    assert model(right)["cross_entropy"] < model(wrong)["cross_entropy"]


def test_a_decoder_is_a_line_in_the_table(monkeypatch):
    monkeypatch.setitem(DECODERS, "counting", lambda *sizes: CountingDecoder())
    assert isinstance(made(CIFRecognizer, decoder="counting").decoder, CountingDecoder)
    with pytest.raises(CIFError, match="decoder kind must be one of 'nar', .* got 'rnn'"):
        tiny_config(decoder="rnn")


class Glancing(CIFRecognizer):
    """Learns the second token of each utterance alone, and a loss on the encoder's frames."""

    loss_weights: Mapping[str, float] = {**CIFRecognizer.loss_weights, "loud": 1.0}

    def token_losses(self, firing, adapted, encoded, **settings):
        losses = super().token_losses(firing, adapted, encoded, **settings)
        return losses * (torch.arange(losses.shape[1]) == 1)

    def own_losses(self, firing, adapted, encoded, *, wanted):
        real = valid_mask(encoded.frame_lengths, encoded.encoder_out.shape[1]).unsqueeze(2)
        return {"loud": (encoded.encoder_out.square() * real).sum() / encoded.frame_lengths.sum()}


def test_tokens_can_be_masked_and_frames_be_taught():
    plain, glancing = made(CIFRecognizer), made(Glancing)
    batch = batch_of([1, 2, 3], [4, 0])
    encoded = plain.encode(batch)
    firing = plain.cif(
        encoded.encoder_out, encoded.frame_lengths, target_lengths=batch.target_lengths
    )
    each = plain.token_losses(firing, firing.embeddings, encoded)
    assert each.shape == (2, 3) and each[1, 2] == 0 and (each[batch.targets >= 0] > 0).all()
    torch.testing.assert_close(plain(batch)["cross_entropy"], each.sum() / 5)
    found = glancing(batch)
    torch.testing.assert_close(found["cross_entropy"], each[:, 1].sum() / 5)
    assert found["loud"] > 0


class Twice(CIFRecognizer):
    """Two fires for each token: its decoder is given their mean."""

    def fired_targets(self, batch):
        return batch.targets.repeat_interleave(2, dim=1), 2 * batch.target_lengths

    def adapt(self, embeddings, firing, encoded):
        return embeddings.unflatten(1, (-1, 2)).mean(dim=2)


def test_what_is_fired_need_not_be_what_is_decoded():
    model, plain = made(Twice), made(CIFRecognizer)
    batch, doubled = batch_of([1, 2, 3], [4, 0]), batch_of([1, 1, 2, 2, 3, 3], [4, 4, 0, 0])
    found, expected = (
        one(each, wanted=["segments", "borders"])
        for one, each in ((model, batch), (plain, doubled))
    )
    for name in ("ctc", "quantity", "segments", "borders"):
        torch.testing.assert_close(found[name], expected[name], msg=name)
    with pytest.raises(CIFError, match='"even" needs spans'):
        model(batch, wanted=["even"])


class Repeated(CIFRecognizer):
    """Two fires for each token, of which the decoder is taught the first ones."""

    def fired_targets(self, batch):
        return batch.targets.repeat_interleave(2, dim=1), 2 * batch.target_lengths


def test_a_snapshot_weighs_against_what_is_fired_for():
    batch = batch_of([1, 2, 3], [4, 0])
    plain, repeated = (
        held_out_metrics(made(kind), batch)["mass"] for kind in (CIFRecognizer, Repeated)
    )
    assert repeated == pytest.approx(plain / 2)
