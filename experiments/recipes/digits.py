"""The recipe "digits": strings of English digits."""

from __future__ import annotations

from cifviz.audio.waveform import LogMel
from cifviz.core.module import CIFConfig
from cifviz.corpora.word_lists import DIGITS
from cifviz.systems.cif import CIFRecognizerConfig
from cifviz.systems.decoders import DecoderConfig
from cifviz.systems.encoder import EncoderConfig
from cifviz.training.augmentation import Augmentation
from cifviz.training.fit import FitConfig
from experiments.recipes.recipe import Recipe
from experiments.robustness_sets import joined_strings
from experiments.training_data import (
    an4_phones,
    an4_recordings,
    digit_string,
    labelled_strings,
    labelled_takes,
    synthetic,
)

RECIPE = Recipe(
    name="digits",
    config=CIFRecognizerConfig(
        vocabulary=DIGITS,
        # The recordings hold nothing above 4 kHz.
        features=LogMel(n_mels=40, f_max=4000.0),
        # A receptive field of 0.4 s to either side, about a word.
        encoder=EncoderConfig(n_mels=40, channels=144, dilations=(1, 1, 1, 1, 1)),
        cif=CIFConfig(
            encoder_embed_dim=144,
            conv_cif_output_channels_num=144,
            conv_cif_activation=True,
            noise_threshold=0.005,
            pause_frames=5,  # 0.2 s: longer than the closure of a plosive inside a word
        ),
        decoder=DecoderConfig("nar", dim=144),
    ),
    real=labelled_takes,
    synthetic=lambda: synthetic(digit_string, 1400),
    dev=lambda: labelled_strings("dev"),
    synthetic_dev=lambda: synthetic(digit_string, 200, seed=1),
    test=lambda: labelled_strings("test"),
    joined=joined_strings,
    cepstral=an4_recordings,
    pronunciations=an4_phones,
    fit=FitConfig(steps=1300, batch_size=32, loss_weights={"even": 1.0}),
    augmentation=Augmentation(max_tokens=8),
    synthetic_share=0.4,
    corpora=("digits", "an4"),
    licence="CC BY-SA 4.0, as the recordings",
    sources="Free Spoken Digit Dataset (Jackson et al., CC BY-SA 4.0), four speakers; "
    "cepstra of CMU's AN4 (Carnegie Mellon University, BSD-style), 74 speakers, of other words "
    "than digits too, for their phones; digit strings synthesised with eSpeak NG",
)
