"""The recipe "small-grid": like "grid", but as small as "markov-digits"."""

from __future__ import annotations

from cifviz.core.module import CIFConfig
from cifviz.systems.cif import CIFRecognizerConfig
from cifviz.systems.decoders import DecoderConfig
from cifviz.systems.encoder import EncoderConfig
from cifviz.training.fit import FitConfig
from experiments.rare_pairs import WithoutUnseenPairs
from experiments.recipes import grid
from experiments.recipes.recipe import Recipe
from experiments.training_data import labelled_sentences

RECIPE = Recipe(
    name="small-grid",
    config=CIFRecognizerConfig(
        vocabulary=grid.RECIPE.config.vocabulary,
        features=grid.RECIPE.config.features,
        encoder=EncoderConfig(n_mels=56, channels=64, dilations=(1, 1, 1, 1, 1)),
        cif=CIFConfig(
            encoder_embed_dim=64,
            conv_cif_output_channels_num=64,
            conv_cif_activation=True,
            noise_threshold=0.005,
        ),
        decoder=DecoderConfig("nar", dim=64, layers=2),
    ),
    real=lambda: labelled_sentences("train"),
    synthetic=list,
    dev=lambda: labelled_sentences("dev"),
    synthetic_dev=list,
    test=None,
    phrase_example_maker=WithoutUnseenPairs,
    # Five times as many words as digits: after 700 steps a third of them was still wrong.
    fit=FitConfig(steps=2000, batch_size=16, warmup=100, averaging=0.99),
    augmentation=grid.RECIPE.augmentation,
    synthetic_share=0.0,
    corpora=("grid",),
    grammar="GRID",
    licence=grid.RECIPE.licence,
    sources="GRID corpus, talker 1 (Cooke, Barker, Cunningham & Shao 2006, CC BY 4.0 as its "
    "users state)",
)
