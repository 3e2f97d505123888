"""What the recipes are compared with: a name, and the settings in which a variant differs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from cifviz.core.tail import dynamic, rounded
from cifviz.systems.attention import AttentionRecognizerConfig
from cifviz.systems.cif import CIFRecognizerConfig
from cifviz.systems.coldec import ColDecConfig
from cifviz.systems.coldec_tokens import ColDecTokensConfig, TokenContextConfig
from cifviz.systems.context_aware import ContextAwareConfig
from cifviz.systems.context_network import ContextConfig
from cifviz.systems.ctc import CTCRecognizerConfig
from cifviz.systems.decoders import DecoderConfig
from cifviz.systems.finecos import FineCoSConfig, FineCoSContextConfig
from cifviz.systems.intermediate_ctc import IntermediateCTCRecognizerConfig
from cifviz.systems.mask_ctc import MaskCTCRecognizerConfig
from cifviz.systems.paraformer import ParaformerConfig
from cifviz.systems.seaco import SeACoConfig, SeACoContext
from cifviz.training.fit import Schedule
from experiments.recipes.recipe import Recipe

ATTENTION_LAYERS = 2
"""With one alone no token depends on where the token before it attended."""
PRIOR_WEIGHT = 0.1
"""How much of the label priors CTC subtracts where it does."""
SAMPLING_RATIO = 0.75
"""λ of a Paraformer: the paper's best."""


def ctc_config(config: CIFRecognizerConfig, prior_weight: float = 0.0) -> CTCRecognizerConfig:
    """CTC on the same features and the same encoder."""
    return CTCRecognizerConfig(config.vocabulary, config.features, config.encoder, prior_weight)


def attention_config(config: CIFRecognizerConfig) -> AttentionRecognizerConfig:
    """Attention on the same features and the same encoder."""
    decoder = replace(config.decoder, layers=ATTENTION_LAYERS)
    return AttentionRecognizerConfig(config.vocabulary, config.features, config.encoder, decoder)


def intermediate_ctc_config(config: CIFRecognizerConfig) -> IntermediateCTCRecognizerConfig:
    """Intermediate or self-conditioned CTC on the same features and the same encoder."""
    return IntermediateCTCRecognizerConfig(config.vocabulary, config.features, config.encoder)


def mask_ctc_config(config: CIFRecognizerConfig) -> MaskCTCRecognizerConfig:
    """Mask-CTC on the same features and the same encoder, with as large a decoder."""
    return MaskCTCRecognizerConfig(
        config.vocabulary, config.features, config.encoder, decoder=config.decoder
    )


def context_aware_config(config: CIFRecognizerConfig) -> ContextAwareConfig:
    """The same CIF with two decoders of one layer each."""
    decoder = replace(config.decoder, kind="nar", layers=1)
    return ContextAwareConfig(
        config.vocabulary,
        config.features,
        config.encoder,
        config.cif,
        decoder,
        contextual=decoder,
    )


def paraformer_config(
    config: CIFRecognizerConfig, sampling_ratio: float = SAMPLING_RATIO
) -> ParaformerConfig:
    """The same CIF with the decoder and the sampler of a Paraformer."""
    return ParaformerConfig(
        config.vocabulary,
        config.features,
        config.encoder,
        config.cif,
        config.decoder,
        sampling_ratio=sampling_ratio,
    )


CONTEXT_NETWORK: Mapping[str, Any] = {
    "num_ctxt_encoder_layers": 1,
    "num_ctxt_query_layers": 2,
    "num_ctxt_decoder_layers": 1,
    "ctxt_encoder_filter_size": 64,
    "label_smoothing": 0.05,
}
"""Of the published context networks."""
TOKEN_NETWORK: Mapping[str, Any] = {
    "num_ctxt_decoder_layers": 1,
    "ctxt_num_heads": 1,
    "ctxt_encoder_filter_size": 128,
    # Two tokens in a row are what a fire can learn to look for; codes and names are longer.
    "contextual_content": "2gram,3gram,4gram,5gram,6gram",
    # One long list for a large batch: beside few phrases, fires need not tell many apart.
    "num_c_batch": 1,
    "label_smoothing": 0.05,
    "span_alignment_loss_lambda": 1.0,
}
"""Of the one with attention to tokens."""
RARE = 2000
"""Phrases in training are so long that at least so many are possible: shorter ones stand by chance
in most utterances."""
POSITIONS: Mapping[str, Any] = {
    "topk_renormalize": True,
    "ctxt_encoder_position_encoding_type": "org_transformer_pe",
}


def context_settings(config: CIFRecognizerConfig) -> dict[str, Any]:
    """Of a context network beside this recogniser: `CONTEXT_NETWORK`, and phrases of 3 lengths."""
    shortest = math.ceil(math.log(RARE) / math.log(len(config.vocabulary)))
    lengths = range(shortest, shortest + 3)
    return {**CONTEXT_NETWORK, "contextual_content": ",".join(f"{n}gram" for n in lengths)}


def coldec_config(config: CIFRecognizerConfig, **context: Any) -> ColDecConfig:
    """The same CIF with a context network beside it."""
    settings = ContextConfig(**context_settings(config), **context)
    return ColDecConfig(**vars(config), context=settings)


def coldec_tokens_config(config: CIFRecognizerConfig) -> ColDecTokensConfig:
    """The same CIF with a context network that attends to the tokens of all phrases."""
    return ColDecTokensConfig(**vars(config), context=TokenContextConfig(**TOKEN_NETWORK))


def finecos_config(config: CIFRecognizerConfig) -> FineCoSConfig:
    """The same CIF with the context network of FineCoS."""
    context = FineCoSContextConfig(**context_settings(config))
    return FineCoSConfig(**vars(config), context=context)


def seaco_config(config: CIFRecognizerConfig) -> SeACoConfig:
    """The same CIF with the bias decoder of SeACo, whose fires see each other anyway."""
    context = SeACoContext(**{**context_settings(config), "num_ctxt_query_layers": 0})
    decoder = replace(config.decoder, kind="nar")
    return SeACoConfig(**{**vars(config), "decoder": decoder}, context=context)


PLAIN = {"config.cif.pause_frames": 0, "fit.loss_weights": {}}
"""The CIF of the paper with a CTC beside it: without anything that the recipes add."""
LATE = Schedule(start=0.25)
"""Of losses that follow CTC, which has to find the tokens first."""
CONTEXT = {"config.cif.add_cif_ctxt_layers": True, "config.cif.cif_ctxt_ffn_embed_dim": 256}
"""Two Transformer layers between firing and decoder."""
COLDEC = {
    "system": "coldec",
    "config": coldec_config,
    "body": lambda _: "",
    "fit.loss_weights": {},
    "fit.steps": 4000,
    "fit.batch_size": 8,
}
"""A context network beside the recipe's own CIF, which stays as it is."""
PARAFORMER = {**PLAIN, "system": "paraformer", "config": paraformer_config}

VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "plain": PLAIN,
    # One addition to the plain CIF.
    "pauses": {"config.cif.pause_frames": 5, "fit.loss_weights": {}, "weights_of": "plain"},
    "segments": {**PLAIN, "fit.loss_weights": {"segments": LATE}},
    "spikes": {**PLAIN, "fit.loss_weights": {"spikes": LATE}},
    "borders": {**PLAIN, "fit.loss_weights": {"borders": LATE}},
    # The recipe without pause rounding.
    "even": {"config.cif.pause_frames": 0, "weights_of": ""},
    # How the plain CIF makes its weights, and what teaches their sum.
    "linear": {**PLAIN, "config.cif.produce_weight_type": "linear"},
    "dense": {
        **PLAIN,
        "config.cif.produce_weight_type": "dense",
        "config.cif.dense_cif_units_num": 144,
    },
    "affine": {**PLAIN, "config.cif.conv_cif_activation": False},
    "wide": {**PLAIN, "config.cif.conv_cif_width": 5},
    "unscaled": {**PLAIN, "config.cif.apply_scaling": False},
    "no-quantity": {**PLAIN, "fit.loss_weights": {"quantity": 0.0}},
    "20ms": {**PLAIN, "config.encoder.down_sampling": 2},
    "80ms": {**PLAIN, "config.encoder.down_sampling": 8},
    # Other systems on the same encoder.
    "upsampled": {**PLAIN, "system": "upsampled"},
    "blank-weighted": {**PLAIN, "system": "blank-weighted"},
    "ctc": {**PLAIN, "system": "ctc", "config": ctc_config},
    "ctc-priors": {
        **PLAIN,
        "system": "ctc",
        "config": partial(ctc_config, prior_weight=PRIOR_WEIGHT),
    },
    "attention": {**PLAIN, "system": "attention", "config": attention_config},
    "intermediate-ctc": {
        **PLAIN,
        "system": "intermediate-ctc",
        "config": intermediate_ctc_config,
    },
    "self-conditioned-ctc": {
        **PLAIN,
        "system": "self-conditioned-ctc",
        "config": intermediate_ctc_config,
    },
    "mask-ctc": {**PLAIN, "system": "mask-ctc", "config": mask_ctc_config},
    "context-aware": {**PLAIN, "system": "context-aware", "config": context_aware_config},
    "paraformer": PARAFORMER,
    # Phrases of a list.
    "coldec": COLDEC,
    "coldec-purified": {
        **COLDEC,
        "config": partial(coldec_config, topk_renormalize=True),
        "weights_of": "coldec",
    },
    "coldec-positions": {**COLDEC, "config": partial(coldec_config, **POSITIONS)},
    "coldec-tokens": {
        **COLDEC,
        "system": "coldec-tokens",
        "config": coldec_tokens_config,
        "fit.steps": 5000,
        "fit.batch_size": 64,
    },
    "finecos": {**COLDEC, "system": "finecos", "config": finecos_config},
    "seaco": {**COLDEC, "system": "seaco", "config": seaco_config},
    # Other decoders of the plain CIF.
    "ar": {**PLAIN, "config.decoder.kind": "ar"},
    "projection": {**PLAIN, "config.decoder": lambda _: DecoderConfig("projection")},
    "nar-context": {**PLAIN, "config.decoder.kind": "nar", **CONTEXT},
    # The same for longer, see `STEPS_FACTOR`.
    "ctc-longer": {**PLAIN, "system": "ctc", "config": ctc_config},
    "nar-longer": {**PLAIN, "config.decoder.kind": "nar"},
    "ar-longer": {**PLAIN, "config.decoder.kind": "ar"},
    "context-aware-longer": {**PLAIN, "system": "context-aware", "config": context_aware_config},
    # How often the sampler of the Paraformer gives tokens away, and how it counts.
    **{
        f"paraformer-{ratio:g}": {
            **PARAFORMER,
            "config": partial(paraformer_config, sampling_ratio=ratio),
        }
        for ratio in (0.0, 0.25, 0.5, 1.0)
    },
    "paraformer-rounded": {
        **PARAFORMER,
        "config.cif.tail_rule": lambda _: rounded,
        "weights_of": "paraformer",
    },
    "paraformer-dynamic": {
        **PARAFORMER,
        "config.cif.tail_rule": lambda _: dynamic,
        "weights_of": "paraformer",
    },
    # How much a loss on where weights lie counts: two readings of the boundary loss.
    **{
        f"{loss.replace('_', '-')}-{weight:g}": {
            **PLAIN,
            "fit.loss_weights": {loss: Schedule(weight, start=LATE.start)},
        }
        for loss in ("spike_segments", "spikes")
        for weight in (0.1, 0.3, 1.0)
    },
}
"""By name: settings of a `Recipe`, by their path, and the values that they get instead; a function
makes the value out of the recipe's."""

STEPS_FACTOR = {
    "attention": 2,
    "mask-ctc": 3,
    **{name: 3 for name in VARIANTS if name.endswith("-longer")},
    **{name: 2 for name in VARIANTS if name.startswith("paraformer")},
}
"""How many times longer than the recipe a variant trains. Attention to the frames is learned late,
and a sampler teaches few tokens at first; "-longer" ones are there to compare with them."""


def make_variant(recipe: Recipe, name: str, settings: Mapping[str, Any]) -> Recipe:
    """The recipe with the settings of a variant, such as one of `VARIANTS`."""
    for path, value in settings.items():
        recipe = changed(recipe, path.split("."), value)
    steps = STEPS_FACTOR.get(name, 1) * recipe.fit.steps
    return replace(recipe, variant=name, fit=replace(recipe.fit, steps=steps))


def changed(settings: Any, path: list[str], value: Any) -> Any:
    """The same dataclass or mapping with another value at a path of names.

    >>> changed({"a": {"b": 1, "c": 2}}, ["a", "b"], 3)
    {'a': {'b': 3, 'c': 2}}
    """
    name, *inner = path
    is_mapping = isinstance(settings, Mapping)
    held = settings[name] if is_mapping else getattr(settings, name)
    if inner:
        value = changed(held, inner, value)
    elif callable(value):
        value = value(held)
    return {**settings, name: value} if is_mapping else replace(settings, **{name: value})
