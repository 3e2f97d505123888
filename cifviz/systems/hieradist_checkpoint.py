"""Loads what CIF-HieraDist trained: everything behind the encoder.

Its encoder, a Conformer with pooling between layers, is not built here. A CIF of this library, the
decoder and the projections to the teacher are given its weights; encoder output comes from where
the model was trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor, nn

from cifviz.core.interop.cif_pytorch import load_cif_pytorch
from cifviz.core.interop.state_dicts import (
    Names,
    Source,
    fairseq_layer,
    filled,
    parameters,
    same_layer,
    shape_of,
)
from cifviz.core.module import CIF, CIFConfig
from cifviz.errors import CheckpointError, require, require_integer, require_type
from cifviz.systems.decoders import DecoderConfig
from cifviz.systems.hieradist_decoder import ProjectedARDecoder

BLANK, END = 0, 2
"""Ids in its vocabularies: CTC's blank, which is ``<s>``, and ``</s>``, which ends a sentence and
stands before its first token."""
HEADS = 4
"""Heads of its decoder in its training for AISHELL-1; no weight tells how many there were."""


class HieraDistParts(nn.Module):
    """What stands behind the encoder of a CIF-HieraDist.

    Parameters
    ----------
    cif : CIF
        It fires for the end of a sentence, too.
    ctc : nn.Linear
        On the encoder output, over the vocabulary; the blank is id 0.
    decoder : ProjectedARDecoder
        Over the vocabulary, whose id 2 ends a sentence.
    projections : mapping of str to nn.Linear
        "acoustic" and "linguistic": to the width of the teacher's states. None where the model
        was trained without a teacher.
    """

    def __init__(
        self,
        cif: CIF,
        ctc: nn.Linear,
        decoder: ProjectedARDecoder,
        projections: Mapping[str, nn.Linear],
    ):
        super().__init__()
        self.cif, self.ctc, self.decoder = cif, ctc, decoder
        self.projections = nn.ModuleDict(projections)


def load_hieradist(
    state_dict: Source, config: Mapping[str, Any] | None = None, *, prefix: str | None = None
) -> HieraDistParts:
    """The parts behind the encoder of a model of CIF-HieraDist with an autoregressive decoder.

    Parameters
    ----------
    state_dict : mapping of str to Tensor, or path
        The parameters of an ``s2t_cif_transformer``, or a file of them: .safetensors, or what
        `torch.save` wrote of the state dict alone. Those of its encoder are passed over, but for
        ``encoder.cif`` and ``encoder.ctc_proj``.
    config : mapping of str to Any, optional
        Arguments of its training. Of these ``decoder_attention_heads`` (default 4) and what a
        `CIFConfig` knows is looked at; sizes are read off the tensors. Its code takes the value of
        ``conv_cif_dropout`` for ``apply_scaling``, so that any number but 0 switches scaling on.
    prefix : str, optional
        What the names begin with; found if there is but one.

    Returns
    -------
    HieraDistParts
        In evaluation mode, on the CPU, in float32. Its CIF is that of `load_cif_pytorch`.

    Raises
    ------
    CheckpointError
        If a parameter is missing, unexpected, of another shape or no tensor, or if the file is not
        there, is damaged, or holds more than tensors.
    CIFError
        If the configuration cannot mean anything.

    Notes
    -----
    Repository: github.com/MingLunHan/CIF-HieraDist · Paper: Han et al. (2023, arXiv 2301.13003).
    ``semantic_cif_dis_proj``, of a loss that the published training does not have, is passed over.
    """
    values = {} if config is None else config
    require_type("config", values, Mapping)
    heads = require_integer(
        "decoder_attention_heads", values.get("decoder_attention_heads", HEADS), above=0
    )
    where, tensors = parameters(state_dict, prefix, (_OUTPUT, _EMBED, _IN, _OUT, _CTC))
    cif = load_cif_pytorch(tensors, _cif_settings(values), prefix="encoder.cif.")
    decoder = _decoder(tensors, heads, cif.config.embedding_dim, where)
    size = shape_of(tensors[_CTC], 2, _CTC, where)
    ctc = _linear(tensors, "encoder.ctc_proj", size, where)
    projections = {}
    for ours, theirs in _PROJECTIONS.items():
        name = f"{theirs}.weight"
        if name in tensors:
            shape = shape_of(tensors[name], 2, name, where)
            projections[ours] = _linear(tensors, theirs, shape, where)
    return HieraDistParts(cif, ctc, decoder, projections).eval()


_OUTPUT, _EMBED = "decoder.output_projection.weight", "decoder.embed_tokens.weight"
_IN, _OUT = "decoder.project_in_dim.weight", "decoder.project_out_dim.weight"
_CTC = "encoder.ctc_proj.weight"
_PROJECTIONS = {"acoustic": "tokenwise_cif_dis_proj", "linguistic": "tokenwise_dec_state_proj"}
_NO_PARAMETERS = ("decoder.version", "decoder.embed_positions._float_tensor")


def _cif_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a `CIFConfig` knows of its arguments."""
    known = {one.name for one in fields(CIFConfig)}
    settings = {name: value for name, value in values.items() if name in known}
    if "apply_scaling" in settings:
        settings["apply_scaling"] = bool(settings["apply_scaling"])
    if settings.get("cif_embedding_dim") == settings.get("encoder_embed_dim"):
        settings.pop("cif_embedding_dim", None)
    return settings


def _decoder(
    tensors: Mapping[str, Any], heads: int, input_dim: int, where: str
) -> ProjectedARDecoder:
    """The decoder, from the parameters of the whole model."""
    # 1. Its sizes.
    vocabulary, dim = shape_of(tensors[_OUTPUT], 2, _OUTPUT, where)
    require(
        vocabulary > END,
        f"{_OUTPUT} of {where} must hold a vocabulary with its four special tokens, "
        f"got {vocabulary} rows",
        CheckpointError,
    )
    own = {name: value for name, value in tensors.items() if name.startswith("decoder.")}
    layers = {name.split(".")[2] for name in own if name.startswith("decoder.layers.")}
    first = "decoder.layers.0.fc1.weight"
    require(first in own, f"{where} has no {first}: no layer of a decoder", CheckpointError)
    ffn_dim = shape_of(own[first], 2, first, where)[0]
    config = DecoderConfig("ar", dim=dim, layers=len(layers), heads=heads, dropout=0.0)

    # 2. Ours begins with an embedding of its own, and reads embeddings before tokens.
    for name, shape in ((_EMBED, (vocabulary, dim)), (_IN, (dim, dim + input_dim))):
        value = own[name]
        right = isinstance(value, Tensor) and tuple(value.shape) == shape
        require(
            right,
            f"{name} of {where} must be {shape}, got {tuple(getattr(value, 'shape', ()))}",
            CheckpointError,
        )
    own[_EMBED] = torch.cat([own[_EMBED], own[_EMBED][END : END + 1]])
    own[_IN] = torch.cat([own[_IN][:, dim:], own[_IN][:, :dim]], dim=1)

    # 3. The rest is the same under other names.
    names: Names = {
        "embed.weight": (_EMBED,),
        "project.weight": (_IN,),
        "project_out.weight": (_OUT,),
        "output.weight": (_OUTPUT,),
        **same_layer("attention.norm", "decoder.layer_norm"),
    }
    for layer in range(len(layers)):
        names |= fairseq_layer(f"attention.layers.{layer}", f"decoder.layers.{layer}")
    kept = {name: value for name, value in own.items() if name not in _NO_PARAMETERS}
    return filled(
        lambda: ProjectedARDecoder(config, input_dim, vocabulary, ffn_dim=ffn_dim),
        names,
        kept,
        where,
    )


def _linear(
    tensors: Mapping[str, Any], theirs: str, shape: tuple[int, ...], where: str
) -> nn.Linear:
    """A linear layer of the model."""
    names: Names = {kind: (f"{theirs}.{kind}",) for kind in ("weight", "bias")}
    own = {name: value for name, value in tensors.items() if name.startswith(f"{theirs}.")}
    return filled(lambda: nn.Linear(shape[1], shape[0]), names, own, where)
