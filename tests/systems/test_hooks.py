"""What a system may override, and that all which uses a system uses what it overrides."""

import torch
from torch import nn

from cifviz.systems.base import Batch
from cifviz.systems.cif import CIFRecognizer
from cifviz.systems.phone_ctc import PhoneticLearner
from cifviz.systems.tail_rule_decoding import decode_by_tail_rule
from cifviz.training.snapshots import measure
from tests.systems.tiny import noise, tiny_config


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

    extras = {"video": torch.stack}

    def make_encoder(self):
        return FlatEncoder(self.config.encoder.channels)

    def encode(self, batch):
        encoder_out, frame_lengths = super().encode(batch)
        if "video" in batch.extras:
            encoder_out = encoder_out + batch.extras["video"].mean(dim=1)[:, None, None]
        return encoder_out, frame_lengths


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
    measure(model, batch)
    PhoneticLearner(model, [(0,)] * 5)(batch)
    decode_by_tail_rule(model, torch.randn(60, 40))
    assert len(encoded) == 5
