"""The recipe "hieradist": word pieces of English, taught by MiniLM, on the encoder of Moonshine."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from cifviz.audio.moonshine import DIM
from cifviz.core.module import CIFConfig
from cifviz.systems.decoders import DecoderConfig
from cifviz.systems.encoder import EncoderConfig
from cifviz.systems.hieradist import HieraDistConfig
from cifviz.systems.hieradist_settings import DistillationConfig
from cifviz.training.fit import FitConfig
from experiments import piece_speech
from experiments.recipes.english import whole_utterances
from experiments.recipes.recipe import Recipe

TEACHER = "minilm"
WIDTH = 384
"""Of its states."""
SOURCES = (
    "English telephone prompts of the Debian package asterisk-core-sounds-en (Allison Smith, "
    "CC BY-SA 3.0); the same sentences, and others made up by the trigram model of pocketsphinx, "
    "read by hibari (Apache-2.0) and by eSpeak NG. Word times by pocketsphinx (BSD-style). On "
    "states of Moonshine tiny-en (MIT), which is frozen"
)
LICENCE = "CC BY-SA 4.0, as the recordings"

RECIPE = Recipe(
    name="hieradist",
    system="hieradist",
    config=HieraDistConfig(
        vocabulary=piece_speech.vocabulary(TEACHER),
        encoder=EncoderConfig(n_mels=DIM, channels=192, down_sampling=2, dilations=(1, 2, 4)),
        cif=CIFConfig(
            encoder_embed_dim=192, conv_cif_output_channels_num=192, conv_cif_activation=True
        ),
        decoder=DecoderConfig("ar", dim=192),
        input="states",
        # A batch has some 200 tokens: all but a few are negatives.
        distillation=DistillationConfig(bert_distill_feat_dim=WIDTH),
    ),
    real=lambda: piece_speech.taught(piece_speech.real(TEACHER), TEACHER),
    synthetic=lambda: piece_speech.taught(piece_speech.synthetic(TEACHER), TEACHER),
    dev=partial(piece_speech.kept_out, TEACHER),
    synthetic_dev=list,
    test=None,
    fit=FitConfig(steps=700, batch_size=16, warmup=100, loss_weights={"even": 0.5}),
    example_maker=whole_utterances,
    synthetic_share=0.4,
    corpora=("prompts",),
    licence=LICENCE,
    sources=f"{SOURCES}. Taught by states of MiniLM-L6 (MIT)",
)

_OFF: Mapping[str, Any] = {
    "config.distillation.apply_cif_contrastive_dis_cos_loss": False,
    "config.distillation.apply_dec_state_dis_loss": False,
}
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    # The recipe has both losses; these have none or one.
    "none": _OFF,
    "token": {"config.distillation.apply_dec_state_dis_loss": False},
    "decoder": {"config.distillation.apply_cif_contrastive_dis_cos_loss": False},
    # How sharp the contrast is, and how much each loss counts.
    **{
        f"temperature-{value:g}": {"config.distillation.contrastive_temperature": value}
        for value in (0.05, 0.1, 0.5)
    },
    **{
        f"token-{value:g}": {"config.distillation.cif_contrastive_dis_cos_loss_lambda": value}
        for value in (0.1, 0.3)
    },
    **{
        f"decoder-{value:g}": {"config.distillation.dec_state_dis_loss_lambda": value}
        for value in (0.001, 0.1)
    },
    # CTC-constrained CIF beside both.
    "constrained": {"config.distillation.use_ctc_constraint": True},
}
"""Of this recipe alone."""
