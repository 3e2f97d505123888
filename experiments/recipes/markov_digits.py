"""The recipe "markov-digits": strings in which a digit can be guessed, in noise; small, quick."""

from __future__ import annotations

from functools import partial

from cifviz.audio.waveform import LogMel
from cifviz.core.module import CIFConfig
from cifviz.corpora.word_lists import DIGITS
from cifviz.systems.cif import CIFRecognizerConfig
from cifviz.systems.decoders import DecoderConfig
from cifviz.systems.encoder import EncoderConfig
from cifviz.training.augmentation import Augmentation
from cifviz.training.fit import FitConfig
from experiments.recipes.recipe import Recipe
from experiments.structured_digits import GrammarStrings, grammar_utterances, markov_digit
from experiments.training_data import labelled_takes

RECIPE = Recipe(
    name="markov-digits",
    config=CIFRecognizerConfig(
        vocabulary=DIGITS,
        # The recordings hold nothing above 4 kHz.
        features=LogMel(n_mels=40, f_max=4000.0),
        # A receptive field of 0.4 s to either side, about a word: the neighbours of a digit, by
        # which it could be guessed, are left to the decoder.
        encoder=EncoderConfig(n_mels=40, channels=64, dilations=(1, 1, 1, 1, 1)),
        cif=CIFConfig(
            encoder_embed_dim=64,
            conv_cif_output_channels_num=64,
            conv_cif_activation=True,
            noise_threshold=0.005,
        ),
        decoder=DecoderConfig("nar", dim=64, layers=2),
    ),
    real=labelled_takes,
    synthetic=list,
    dev=lambda: grammar_utterances("dev", markov_digit),
    synthetic_dev=list,
    test=lambda: grammar_utterances("test", markov_digit),
    fit=FitConfig(steps=700, batch_size=16, warmup=100, averaging=0.99),
    augmentation=Augmentation(max_tokens=12),
    example_maker=partial(GrammarStrings, next_digit=markov_digit),
    synthetic_share=0.0,
    corpora=("digits",),
    licence="CC BY-SA 4.0, as the recordings",
    sources="Free Spoken Digit Dataset (Jackson et al., CC BY-SA 4.0), four speakers, "
    "in the order of a Markov grammar",
)
