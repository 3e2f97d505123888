"""The encoder keeps time: frame u stands for its own d feature frames, padded or not."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from cifviz.audio.waveform import LogMel, Waveform
from cifviz.errors import CIFError
from cifviz.systems.encoder import Encoder, EncoderConfig
from cifviz.systems.feature_normalisation import normalise

SMALL = {"n_mels": 5, "channels": 8, "kernel": 3, "dilations": (1, 2)}


def small(**settings) -> Encoder:
    torch.manual_seed(0)
    return Encoder(EncoderConfig(**{**SMALL, **settings})).eval()


def averaging(factor: int) -> Encoder:
    """Every convolution adds up its inputs; nothing else is left, so energy stays where it is."""
    encoder = small(n_mels=40, down_sampling=factor, dilations=())
    encoder.norm = nn.Identity()
    convolutions = [*encoder.halve, *([encoder.project] if factor == 1 else [])]
    for conv in convolutions:
        nn.init.constant_(conv.weight, 1 / conv.weight[0].numel())
        nn.init.zeros_(conv.bias)
    return encoder


@pytest.mark.parametrize("factor", [1, 2, 4, 8])
def test_length_is_rounded_up(factor):
    encoder = small(down_sampling=factor)
    for frames in (1, 2, 7, 8, 9, 31):
        encoder_out, lengths = encoder(torch.randn(1, frames, 5), torch.tensor([frames]))
        assert lengths.tolist() == [math.ceil(frames / factor)]
        assert encoder_out.shape == (1, math.ceil(frames / factor), 8)


@pytest.mark.parametrize("factor", [1, 2, 4, 8])
def test_no_frames_are_no_frames(factor):
    encoder_out, lengths = small(down_sampling=factor)(torch.zeros(2, 0, 5), torch.tensor([0, 0]))
    assert encoder_out.shape == (2, 0, 8)
    assert lengths.tolist() == [0, 0]


@pytest.mark.parametrize("factor", [1, 2, 4, 8])
def test_padding_changes_nothing(factor):
    encoder = small(down_sampling=factor)
    lengths = torch.tensor([37, 1, 8, 13, 0])
    features = torch.randn(5, 37, 5)
    features[torch.arange(37) >= lengths[:, None]] = math.nan
    with torch.no_grad():
        together, frames = encoder(features, lengths)
        assert together.isfinite().all()
        for row, length in enumerate(lengths.tolist()[:4]):
            alone, own = encoder(features[row : row + 1, :length], lengths[row : row + 1])
            assert own.item() == frames[row].item() == math.ceil(length / factor)
            torch.testing.assert_close(together[row, : int(own)], alone[0], rtol=0, atol=1e-5)
            assert (together[row, int(own) :] == 0).all()


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_encoder_frame_is_centred_on_its_feature_frames(factor):
    """What goes into its d feature frames comes out evenly to both sides of its middle."""
    encoder = averaging(factor)
    impulse = torch.zeros(1, 16 * factor, 40)
    impulse[0, 8 * factor : 9 * factor] = 100.0
    energy = encoder(impulse, torch.tensor([16 * factor]))[0][0].detach().sum(dim=1)
    torch.testing.assert_close(energy[5:8].flip(0), energy[9:12])
    assert energy.argmax() == 8


@pytest.mark.parametrize("padding", [0.0, 0.77])
@pytest.mark.parametrize("factor", [1, 2, 4, 8])
def test_a_click_is_found_where_it_was(factor, padding):
    """From the sample through log-mel, down-sampling and a batch: off by half a frame at most."""
    features, encoder = LogMel(), averaging(factor)
    grid = features.grid.downsampled(factor)
    for sample in (4000, 6543, 9999, 11201):
        samples = np.zeros(16_000, dtype=np.float32)
        samples[sample] = 1.0
        loudness = normalise(features(Waveform(samples))) + 1  # digital silence is 0
        batch = torch.zeros(2, len(loudness) + round(100 * padding), 40)
        batch[0, : len(loudness)] = loudness
        lengths = torch.tensor([len(loudness), batch.shape[1]])
        energy = encoder(batch, lengths)[0][0].detach().sum(dim=1)
        assert energy.max() > 0.1
        centroid = float((energy * (torch.arange(len(energy)) + 0.5)).sum() / energy.sum())
        assert abs(grid.seconds(centroid) - sample / 16_000) <= grid.shift / 2
        # The analysis window, 25 ms, may reach into a neighbouring frame of 10 ms.
        assert abs(int(energy.argmax()) - int(grid.frame(sample / 16_000))) <= (factor < 4)


def test_dropout_is_for_training():
    features, lengths = torch.randn(1, 20, 5), torch.tensor([20])
    encoder = small(dropout=0.5)
    assert torch.equal(encoder(features, lengths)[0], encoder(features, lengths)[0])
    encoder.train()
    assert not torch.equal(encoder(features, lengths)[0], encoder(features, lengths)[0])


@pytest.mark.parametrize("factor", [0, 3, 6, -2, 4.0])
def test_down_sampling_must_be_a_power_of_two(factor):
    with pytest.raises(CIFError, match=f"down_sampling must be a power of two, got {factor}"):
        EncoderConfig(down_sampling=factor)


def test_kernel_must_be_odd():
    with pytest.raises(CIFError, match="kernel must be odd, got 4"):
        EncoderConfig(kernel=4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"channels": 0}, "encoder.channels must be an integer > 0, got 0"),
        ({"kernel": "5"}, "encoder.kernel must be an integer > 0, got '5'"),
        ({"n_mels": 40.0}, "encoder.n_mels must be an integer > 0, got 40.0"),
        ({"dilations": 3}, "dilations must be an Iterable, got 3"),
        ({"dilations": "12"}, "each of dilations must be an integer > 0 .*, got '1'"),
        ({"dilations": (1, 10**9)}, "each of dilations must be .* <= 4096, got 1000000000"),
        ({"dropout": -0.1}, "encoder.dropout must be a number >= 0 and < 1, got -0.1"),
    ],
)
def test_sizes_must_be_sizes(settings, message):
    with pytest.raises(CIFError, match=message):
        EncoderConfig(**settings)
