"""What others trained, as a `CIF` of ours: state dicts of CIF-PyTorch and of FunASR."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from cifviz.core.interop.state_dicts import Names, Source, filled, parameters, shape_of
from cifviz.core.module import CIF, CIFConfig
from cifviz.errors import (
    CheckpointError,
    CIFError,
    require,
    require_choice,
    require_integer,
    require_number,
    require_type,
    shown,
)

PREDICTORS = ("CifPredictor", "CifPredictorV2", "CifPredictorV3")
SECOND_HEAD = ("upsample_cnn.", "blstm.", "self_attn.", "cif_output2.")
"""Beginnings of the parameters that CifPredictorV3 has for timestamps alone."""
UNUSED = (
    "smooth_factor2",
    "noise_threshold2",
    "upsample_times",
    "upsample_type",
    "use_cif1_cnn",
    "tail_mask",
    "tf2torch_tensor_name_prefix_torch",
    "tf2torch_tensor_name_prefix_tf",
)
"""Settings of FunASR's predictors that change nothing here."""


def cif_pytorch(
    state_dict: Source,
    config: CIFConfig | Mapping[str, Any] | None = None,
    *,
    prefix: str | None = None,
) -> CIF:
    """A trained `CifMiddleware` of CIF-PyTorch, or of fairseq models built on it.

    Parameters
    ----------
    state_dict : mapping of str to Tensor, or path
        Its parameters: ``weight_proj``, ``conv`` or ``dense_proj``, and where there are any
        ``cif_output_proj`` and ``cif_ctxt_stacks``. Or a file of them: .safetensors, or what
        `torch.save` wrote (.pt, .pth, .bin, .ckpt).
    config : CIFConfig or mapping, optional
        Its configuration, in its own keys. Sizes and the kind of weight predictor that a mapping
        leaves out are read off the tensors. CIF-PyTorch builds one convolution whatever
        ``conv_cif_layer_num`` says, and so does this.
    prefix : str, optional
        What the names begin with in a whole model, such as "cif."; found if there is but one.

    Returns
    -------
    CIF
        In evaluation mode, on the CPU, in float32. Its weights are those of CIF-PyTorch, except
        that the convolution does not read padding; so are its tokens, except for CIF-PyTorch's
        faults: a tail that fires only where a padded frame follows, one fire per frame, and
        float32 sums. (The dialect "cif_pytorch" has those.) In training our last token ends where
        the weights end.

    Raises
    ------
    CheckpointError
        If a parameter is missing, unexpected, of another shape or no tensor, or if the file is
        not there, is damaged, or holds more than tensors.
    CIFError
        If the configuration cannot mean anything.

    Examples
    --------
    A linear weight predictor with no weights and a bias of 0 gives every frame one half: ten frames
    are five tokens.

    >>> import torch
    >>> state = {"weight_proj.weight": torch.zeros(1, 4), "weight_proj.bias": torch.zeros(1)}
    >>> cif = CIF.from_cif_pytorch(state, {"cif_threshold": 0.99})
    >>> cif(torch.ones(1, 10, 4)).num_fires
    tensor([5])

    Notes
    -----
    Repository: github.com/MingLunHan/CIF-PyTorch · Paper: Dong & Xu (2020)
    """
    where, tensors = parameters(state_dict, prefix, ("weight_proj.weight",))
    shape_of(tensors["weight_proj.weight"], 2, "weight_proj.weight", where)
    if not isinstance(config, CIFConfig):
        given = {} if config is None else config
        require_type("config", given, Mapping)
        config = CIFConfig.from_dict(_cif_pytorch_sizes(tensors, where) | dict(given))
    config = CIFConfig.from_dict(config.to_dict() | {"conv_cif_layer_num": 1})
    names = _same("weights.weight_proj", "weight_proj")
    if config.produce_weight_type == "conv":
        names |= _same("weights.conv.0", "conv")
    elif config.produce_weight_type == "depthwise":
        raise CIFError("CIF-PyTorch has no weight predictor 'depthwise': conv, dense or linear")
    elif config.produce_weight_type == "dense":
        names |= _same("weights.dense_proj", "dense_proj")
    if config.embedding_dim != config.encoder_embed_dim:
        names["output.weight"] = ("cif_output_proj.weight",)
    if config.add_cif_ctxt_layers:
        require(
            config.cif_ctxt_layers <= len(tensors),
            f"{where} has {len(tensors)} parameters, which cannot be those of "
            f"{config.cif_ctxt_layers} context layers",
            CheckpointError,
        )
        for layer in range(config.cif_ctxt_layers):
            names |= _context_names(f"context.layers.layers.{layer}", f"cif_ctxt_stacks.{layer}")
    return filled(lambda: CIF(config), names, tensors, where).eval()


def funasr(
    state_dict: Source,
    *,
    prefix: str | None = None,
    predictor: str | None = None,
    idim: int | None = None,
    l_order: int | None = None,
    r_order: int | None = None,
    threshold: float = 1.0,
    dropout: float = 0.1,
    smooth_factor: float = 1.0,
    noise_threshold: float = 0.0,
    tail_threshold: float | None = None,
    **others: Any,
) -> CIF:
    """A trained predictor of FunASR: CifPredictor, CifPredictorV2 or CifPredictorV3.

    Parameters
    ----------
    state_dict : mapping of str to Tensor, or path
        Its parameters, ``cif_conv1d`` and ``cif_output``, or a file of them (as in `cif_pytorch`);
        a whole model will do.
    prefix : str, optional
        What the names begin with in a whole model, such as "predictor."; found if there is but one.
    predictor : str, optional
        The class. Default: what the parameters show (CifPredictor filters each channel alone,
        CifPredictorV3 has a second head).
    idim, l_order, r_order : int, optional
        Channels, and frames that the convolution sees before and after the current one. Default:
        what the parameters show, as many before as after.
    threshold : float, 0 < threshold <= 1
        A token fires at it and is charged 1. CifPredictorV2 knows only 1.
    dropout : float
        In training, and in CifPredictor alone: the others never apply theirs.
    smooth_factor, noise_threshold : float
        ``alpha = max(0, sigmoid(…) · smooth_factor − noise_threshold)``.
    tail_threshold : float, 0 <= tail_threshold < 1, optional
        Weight of the frame of zeros that FunASR appends. Default, as there: 0.45 for CifPredictor,
        0 (none) for the others.
    **others
        What else FunASR's ``predictor_conf`` holds, about the second head or about where in a batch
        the appended frame stands: it changes nothing here.

    Returns
    -------
    CIF
        In evaluation mode, on the CPU, in float32. Its weights are those of FunASR, except that
        the convolution does not read padding. Where FunASR lets a rest r fire if the appended
        weight completes it, r >= 1 − tail_threshold, our tail fires if r > 1 − tail_threshold: as
        many tokens, but the last embedding is a full token's, 1/r times as large as FunASR's, and
        holds no padded frame. Beyond that FunASR's faults are left out: tokens lost to rounding,
        one fire per frame. (The dialects "paraformer_v1" and "paraformer_v2" have them all.)

        Of CifPredictorV3 it is the first head, which makes the tokens. The second one, which
        upsamples the frames to time the tokens, is not loaded: our positions are those of the
        tokens' own weights.

    Raises
    ------
    CheckpointError
        As `cif_pytorch` does.
    CIFError
        If a setting cannot mean anything, or does not fit the class.

    Examples
    --------
    >>> import torch
    >>> state = {
    ...     "predictor.cif_conv1d.weight": torch.zeros(4, 1, 3),  # a filter for each channel: V1
    ...     "predictor.cif_conv1d.bias": torch.zeros(4),
    ...     "predictor.cif_output.weight": torch.zeros(1, 4),
    ...     "predictor.cif_output.bias": torch.zeros(1),
    ... }
    >>> CIF.from_funasr(state)(torch.ones(1, 10, 4)).num_fires
    tensor([5])

    Notes
    -----
    Repository: github.com/modelscope/FunASR, version 1.4.16 · Paper: Gao et al. (2022)
    """
    known = [*inspect.signature(funasr).parameters][1:-1]  # without the state dict and the others
    for name in others:
        if name not in UNUSED:
            close = difflib.get_close_matches(name, [*known, *UNUSED], 1)
            hint = f", did you mean {close[0]!r}?" if close else "."
            listed = ", ".join([*known, *UNUSED])
            raise CIFError(f"unknown setting of a FunASR predictor {name!r}{hint} Known: {listed}")
    where, tensors = parameters(state_dict, prefix, ("cif_output.weight", "cif_conv1d.weight"))
    second_head = [name for name in tensors if name.startswith(SECOND_HEAD)]
    channels, inputs, width = shape_of(tensors["cif_conv1d.weight"], 3, "cif_conv1d.weight", where)
    if predictor is None:
        depthwise = inputs == 1 < channels
        predictor = PREDICTORS[0 if depthwise else 2 if second_head else 1]
    require_choice("predictor", predictor, PREDICTORS)
    if predictor == "CifPredictorV3":
        tensors = {name: value for name, value in tensors.items() if name not in second_head}
    if predictor == "CifPredictorV2":
        require(
            threshold == 1,
            f"threshold of CifPredictorV2 must be 1, where it fires whatever it is told; "
            f"got {shown(threshold)}",
        )
    if tail_threshold is None:
        tail_threshold = 0.45 if predictor == "CifPredictor" else 0.0
    tail = require_number("tail_threshold", tail_threshold, at_least=0, below=1)
    first = predictor == "CifPredictor"
    config = CIFConfig(
        encoder_embed_dim=channels if idim is None else idim,
        produce_weight_type="depthwise" if first else "conv",
        cif_threshold=threshold,
        conv_cif_output_channels_num=channels if idim is None else idim,
        conv_cif_activation=True,
        conv_cif_dropout=dropout if first else 0.0,
        **_orders(l_order, r_order, width, where),
        smooth_factor=smooth_factor,
        noise_threshold=noise_threshold,
        apply_tail_handling=tail > 0,
        tail_handling_firing_threshold=1 - tail,
    )
    names = _same("weights.conv" if first else "weights.conv.0", "cif_conv1d")
    names |= _same("weights.weight_proj", "cif_output")
    return filled(lambda: CIF(config), names, tensors, where).eval()


def _cif_pytorch_sizes(tensors: Mapping[str, Any], where: str) -> dict[str, Any]:
    """What a configuration may leave out: the tensors show it."""

    def shape(name: str) -> tuple[int, ...]:
        value = tensors.get(name)
        return tuple(value.shape) if isinstance(value, Tensor) else ()

    sizes: dict[str, Any] = {"produce_weight_type": "linear"}
    if len(inputs := shape("weight_proj.weight")) == 2:
        sizes["encoder_embed_dim"] = inputs[1]
    if len(conv := shape("conv.weight")) == 3:
        channels, dim, width = conv
        require(
            width % 2 == 1,
            f"conv.weight of {where} must be an odd number of frames wide, got {tuple(conv)}",
            CheckpointError,
        )
        sizes |= {"produce_weight_type": "conv", "conv_cif_width": width}
        sizes |= {"encoder_embed_dim": dim, "conv_cif_output_channels_num": channels}
    elif len(dense := shape("dense_proj.weight")) == 2:
        sizes |= {"produce_weight_type": "dense"}
        sizes |= {"dense_cif_units_num": dense[0], "encoder_embed_dim": dense[1]}
    if len(output := shape("cif_output_proj.weight")) == 2:
        sizes["cif_embedding_dim"] = output[0]
    layers = {name.split(".")[1] for name in tensors if name.startswith("cif_ctxt_stacks.")}
    if layers:
        sizes |= {"add_cif_ctxt_layers": True, "cif_ctxt_layers": len(layers)}
        if len(ffn := shape("cif_ctxt_stacks.0.fc1.weight")) == 2:
            sizes["cif_ctxt_ffn_embed_dim"] = ffn[0]
    return sizes


def _orders(l_order: int | None, r_order: int | None, width: int, where: str) -> dict[str, Any]:
    """The configuration of a convolution that sees so many frames before and after."""
    for name, order in (("l_order", l_order), ("r_order", r_order)):
        if order is not None:
            require_integer(name, order, at_least=0)
    if l_order is None and r_order is None:
        require(
            width % 2 == 1,
            f"l_order or r_order must be given: cif_conv1d of {where} is {width} frames wide, "
            "which cannot be as many before as after",
            CheckpointError,
        )
        l_order = r_order = width // 2
    left = max(width - 1 - (r_order or 0), 0) if l_order is None else l_order
    right = max(width - 1 - left, 0) if r_order is None else r_order
    return {"conv_cif_width": left + 1 + right, "r_order": None if left == right else right}


def _same(ours: str, theirs: str) -> Names:
    """A layer with weight and bias."""
    return {f"{ours}.{name}": (f"{theirs}.{name}",) for name in ("weight", "bias")}


def _context_names(ours: str, theirs: str) -> Names:
    """A pre-norm transformer layer as fairseq names it."""
    names: Names = {}
    for name in ("weight", "bias"):
        names[f"{ours}.self_attn.in_proj_{name}"] = tuple(
            f"{theirs}.self_attn.{part}_proj.{name}" for part in "qkv"
        )
    names |= _same(f"{ours}.self_attn.out_proj", f"{theirs}.self_attn.out_proj")
    names |= _same(f"{ours}.norm1", f"{theirs}.self_attn_layer_norm")
    names |= _same(f"{ours}.norm2", f"{theirs}.final_layer_norm")
    names |= _same(f"{ours}.linear1", f"{theirs}.fc1")
    return names | _same(f"{ours}.linear2", f"{theirs}.fc2")
