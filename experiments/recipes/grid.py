"""The recipe "grid": sentences of the GRID corpus, one speaker."""

from __future__ import annotations

from cifviz.audio.waveform import LogMel
from cifviz.core.module import CIFConfig
from cifviz.corpora.word_lists import GRID
from cifviz.systems.cif import CIFRecognizerConfig
from cifviz.systems.decoders import DecoderConfig
from cifviz.systems.encoder import EncoderConfig
from cifviz.training.augmentation import Augmentation
from cifviz.training.fit import FitConfig
from experiments.recipes.recipe import Recipe
from experiments.training_data import grid_sentence, labelled_sentences, synthetic

RECIPE = Recipe(
    name="grid",
    config=CIFRecognizerConfig(
        vocabulary=tuple(word for group in GRID for word in group),
        features=LogMel(n_mels=56, f_max=7600.0),
        encoder=EncoderConfig(n_mels=56, channels=144, dilations=(1, 2, 4, 1, 2, 4)),
        cif=CIFConfig(
            encoder_embed_dim=144,
            conv_cif_output_channels_num=144,
            conv_cif_activation=True,
            noise_threshold=0.005,
            pause_frames=5,  # 0.2 s: longer than the closure of a plosive inside a word
        ),
        decoder=DecoderConfig("ar", dim=144),
    ),
    real=lambda: labelled_sentences("train"),
    synthetic=lambda: synthetic(grid_sentence, 1400),
    dev=lambda: labelled_sentences("dev"),
    synthetic_dev=lambda: synthetic(grid_sentence, 100, seed=1),
    test=None,
    fit=FitConfig(steps=2500, loss_weights={"even": 1.0}),
    # One speaker and one microphone: the augmentation serves the synthesised voices.
    augmentation=Augmentation(tempo=0.12, warp=0.08, noise=0.4, hush=0.0),
    synthetic_share=0.35,
    corpora=("grid",),
    grammar="GRID",
    licence="CC BY 4.0, as the recordings",
    sources="GRID corpus, talker 1 (Cooke, Barker, Cunningham & Shao 2006, CC BY 4.0 as its "
    "users state); sentences of its grammar synthesised with eSpeak NG",
)
