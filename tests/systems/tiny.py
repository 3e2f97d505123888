"""A recogniser small enough to run in milliseconds, and sounds to run it on."""

import numpy as np
import torch

from cifviz.audio.waveform import LogMel, Waveform
from cifviz.core.module import CIFConfig
from cifviz.systems.cif import CIFRecognizer, CIFRecognizerConfig
from cifviz.systems.decoders import DecoderConfig
from cifviz.systems.encoder import EncoderConfig

VOCABULARY = ("zero", "one", "two", "three", "four")


def tiny_config(
    *, decoder="nar", n_mels=40, down_sampling=4, dropout=0.1, **cif
) -> CIFRecognizerConfig:
    return CIFRecognizerConfig(
        vocabulary=VOCABULARY,
        features=LogMel(n_mels=n_mels),
        encoder=EncoderConfig(
            n_mels=n_mels,
            channels=16,
            down_sampling=down_sampling,
            kernel=3,
            dilations=(1, 2),
            dropout=dropout,
        ),
        cif=CIFConfig(encoder_embed_dim=16, conv_cif_output_channels_num=16, **cif),
        decoder=DecoderConfig(kind=decoder, dim=16, layers=1, heads=2, dropout=dropout),
    )


def tiny_recognizer(seed=0, **settings) -> CIFRecognizer:
    torch.manual_seed(seed)
    return CIFRecognizer(tiny_config(**settings)).eval()


def noise(seconds: float, seed=0) -> Waveform:
    """Noise that swells and fades four times a second."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(16_000 * seconds)) / 16_000
    samples = rng.normal(0, 0.1, len(time)) * np.sin(2 * np.pi * 2 * time + seed) ** 2
    return Waveform(samples.astype(np.float32))
