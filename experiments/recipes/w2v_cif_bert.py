"""The recipe "w2v-cif-bert": a CIF from the encoder of Moonshine to the layers of MiniLM."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from cifviz.audio.moonshine import DIM
from cifviz.audio.waveform import LogMel
from cifviz.core.module import CIFConfig
from cifviz.core.peak_flattening import HIGHEST
from cifviz.systems.encoder import EncoderConfig
from cifviz.systems.language_side import LanguageConfig
from cifviz.systems.w2v_cif_bert import FusionConfig, W2VCIFBertConfig
from cifviz.training.fit import FitConfig
from experiments import piece_speech
from experiments.recipes.english import whole_utterances
from experiments.recipes.hieradist import LICENCE, SOURCES
from experiments.recipes.recipe import Recipe

MINILM = LanguageConfig(
    "masked",
    384,
    {
        "model_type": "bert",
        "hidden_size": 384,
        "num_hidden_layers": 6,
        "num_attention_heads": 12,
        "intermediate_size": 1536,
        "max_position_embeddings": 512,
        "layer_norm_eps": 1e-12,
    },
    name="minilm",
)
SMOLLM2 = LanguageConfig(
    "causal",
    576,
    {
        "model_type": "llama",
        "hidden_size": 576,
        "intermediate_size": 1536,
        "num_hidden_layers": 6,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "max_position_embeddings": 8192,
        "rms_norm_eps": 1e-5,
        "rope_parameters": {"rope_theta": 100_000.0, "rope_type": "default"},
    },
    name="smollm2",
)
"""Its first six layers of thirty: all of them take five times as long."""


def pretrained(model: Any) -> None:
    """Give an untrained model the weights of its language model, and of layers of its encoder."""
    model.fill(piece_speech.text_model(model.config.language.name or MINILM.name))
    layers_of_moonshine(model)


def layers_of_moonshine(model: Any) -> None:
    """Give an untrained model the weights of those layers of Moonshine that it trains."""
    if model.last_layers is not None:
        model.last_layers.fill()


def table_of_moonshine(model: Any) -> None:
    """Let the output begin as the table of Moonshine's text decoder."""
    model.fill(piece_speech.text_model("moonshine"))


RECIPE = Recipe(
    name="w2v-cif-bert",
    system="w2v-cif-bert",
    config=W2VCIFBertConfig(
        vocabulary=piece_speech.vocabulary("minilm"),
        encoder=EncoderConfig(n_mels=DIM, channels=192, down_sampling=2, dilations=(1, 2, 4)),
        cif=CIFConfig(
            encoder_embed_dim=192,
            conv_cif_output_channels_num=192,
            conv_cif_activation=True,
            cif_threshold=HIGHEST,
        ),
        language=MINILM,
        # The schedule of the paper in proportion: it has 30,000 steps.
        fusion=FusionConfig(
            gold_rate_steps=(23, 187),
            freeze_lm_finetune_updates=23,
            freeze_finetune_updates=12,
        ),
    ),
    real=partial(piece_speech.real, "minilm"),
    synthetic=partial(piece_speech.synthetic, "minilm"),
    dev=partial(piece_speech.kept_out, "minilm"),
    synthetic_dev=list,
    test=None,
    begin=pretrained,
    fit=FitConfig(steps=700, batch_size=16, warmup=100, loss_weights={"even": 0.5}),
    example_maker=whole_utterances,
    synthetic_share=0.4,
    corpora=("prompts",),
    licence=LICENCE,
    sources=f"{SOURCES}. With layers of MiniLM-L6 (MIT)",
)


def _log_mel(config: W2VCIFBertConfig) -> Any:
    """The same on log-mel, at a rate as near as there is: 40 ms for 48 ms."""
    return W2VCIFBertConfig(
        **{
            **vars(config),
            "input": "log-mel",
            "features": LogMel(),
            "encoder": EncoderConfig(channels=192, dilations=(1, 2, 4)),
        }
    )


_NO_MODEL: Mapping[str, Any] = {
    "config.language": lambda _: LanguageConfig(dim=MINILM.dim),
    "begin": lambda _: None,
}


def _pieces_of(name: str) -> dict[str, Any]:
    """Another vocabulary, and the data in it."""
    return {
        "config.vocabulary": lambda _: piece_speech.vocabulary(name),
        "real": lambda _: partial(piece_speech.real, name),
        "synthetic": lambda _: partial(piece_speech.synthetic, name),
        "dev": lambda _: partial(piece_speech.kept_out, name),
    }


_SMOLLM2: Mapping[str, Any] = {**_pieces_of("smollm2"), "config.language": lambda _: SMOLLM2}
_MOONSHINE: Mapping[str, Any] = {
    **_pieces_of("moonshine"),
    "config.language": lambda _: LanguageConfig(dim=DIM),
    "begin": lambda _: None,
}
_TENTH: Mapping[str, Any] = {
    "real": lambda _: partial(piece_speech.real, "minilm", tenth=True),
    "real_set": "tenth",
}
_SLOW: Mapping[str, Any] = {"fit.learning_rate": 5e-4}
"""Pretrained layers that are trained want smaller steps; all of the model takes them."""
_TUNED_ENCODER: Mapping[str, Any] = {
    **_SLOW,
    "config.states.tuned_layers": 2,
    # What stands between layers is not made for missing values.
    "example_maker": lambda _: partial(whole_utterances, state_noise=0.02, dropped=0.0),
}
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    # No language model, nor anything of one; or the table of its embeddings as the output.
    "none": _NO_MODEL,
    "table": {"config.language": lambda _: LanguageConfig(dim=MINILM.dim)},
    # Another language model; and its pieces without it.
    "smollm2": _SMOLLM2,
    "smollm2-none": {**_pieces_of("smollm2"), **_NO_MODEL},
    # The pieces of Moonshine's own decoder, with the table of their embeddings as the output.
    "moonshine-none": _MOONSHINE,
    "moonshine-table": {**_MOONSHINE, "begin": lambda _: table_of_moonshine},
    # Layers of the language model, or of the encoder, are trained, too; beside them smaller steps.
    "slow": _SLOW,
    "tuned": {**_SLOW, "config.language.tuned": True},
    "tuned-encoder": _TUNED_ENCODER,
    "slow-none": {**_NO_MODEL, **_SLOW},
    "tuned-encoder-none": {
        **_NO_MODEL,
        **_TUNED_ENCODER,
        "begin": lambda _: layers_of_moonshine,
    },
    # No pretrained encoder.
    "log-mel": {"config": _log_mel},
    "log-mel-none": {**_NO_MODEL, "config": _log_mel},
    # A tenth of the real speech.
    "tenth": _TENTH,
    "tenth-none": {**_NO_MODEL, **_TENTH},
    "tenth-log-mel-none": {**_NO_MODEL, **_TENTH, "config": _log_mel},
    "tenth-smollm2": {
        **_SMOLLM2,
        "real": lambda _: partial(piece_speech.real, "smollm2", tenth=True),
        "real_set": "tenth",
    },
    # How weights are made and scaled.
    "predictor": {"config.weights": "predictor"},
    "unflattened": {"config.flatten": False},
}
"""Of this recipe alone."""
