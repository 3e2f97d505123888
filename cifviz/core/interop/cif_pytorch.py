"""CIF-PyTorch's `CifMiddleware`, and fairseq models built on it: load one, or record what it does.

`load_cif_pytorch` makes a `CIF` of its parameters. `watch` records a forward, which makes the
weights and integrates in one go. So it runs again, on the identity, while its parts are held to
what they gave before: those up to the weights repeat it, those behind the integration (a
projection, context layers) hand on what they get. Then the module is as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from cifviz.core.dialects._parts import scaled
from cifviz.core.firing import Firing
from cifviz.core.interop.firing_rule import FiringRule
from cifviz.core.interop.identity_probe import (
    arguments,
    capture_errors,
    count_tokens,
    disagreement,
    unchanged,
)
from cifviz.core.interop.recorded_firing import recorded_firing
from cifviz.core.interop.state_dicts import (
    Source,
    fairseq_layer,
    filled,
    parameters,
    same_layer,
    shape_of,
)
from cifviz.core.module import CIF, CIFConfig
from cifviz.errors import CheckpointError, CIFError, require, require_type

CLASSES = ("CifMiddleware", "CtcConstrainedCifMiddleware")
EXPECTED = (
    "a CifMiddleware, which takes a dictionary with encoder_raw_out and encoder_padding_mask and "
    "gives one with cif_out, or another name for the class"
)
NEVER = 1e6
"""A tail threshold above which no residual is."""
Log = list[tuple[nn.Module, Any, Any]]
"""The parts that were called, in order, what each was given, and what it gave."""


def watch(module: nn.Module, firings: list[Firing], stack: ExitStack) -> None:
    """Add a firing for each call of `module`, until the stack unwinds."""
    log: Log = []

    def begin(module: nn.Module, args: Any) -> None:
        log.clear()

    def note(part: nn.Module, args: Any, output: Any) -> None:
        log.append((part, args, output))

    def see(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        with capture_errors(f"the output of {type(module).__name__}", EXPECTED):
            firings.append(_read(module, args, kwargs, output, log.copy()).cpu())
        log.clear()

    begin, note, see = map(torch.compiler.disable, (begin, note, see))
    stack.callback(module.register_forward_pre_hook(begin).remove)
    for part in list(module.modules())[1:]:
        stack.callback(part.register_forward_hook(note).remove)
    stack.callback(module.register_forward_hook(see, with_kwargs=True).remove)


@torch.no_grad()
def _read(module: nn.Module, args: Any, kwargs: Any, output: Any, log: Log) -> Firing:
    """A call of a middleware as a firing."""
    # 1. What was called with what.
    given = arguments(module, args, kwargs)
    inputs = _inputs(given)
    encoder_out = inputs["encoder_raw_out"]
    batch, frames, _ = encoder_out.shape
    calls = [index for index, (part, *_) in enumerate(log) if part is _weights(module)]
    require(
        len(calls) == 1,
        f"weight_proj of {type(module).__name__} must be called once, got {len(calls)} calls "
        "(capture does not see into what was compiled before)",
    )
    before, behind = log[: calls[0] + 1], log[calls[0] + 1 :]

    # 2. Run it again on the identity, its parts held to what they gave.
    def run(encoder_out: Tensor) -> Tensor:
        other = {**inputs, "encoder_raw_out": encoder_out}
        again = [other if value is inputs else value for value in args]
        named = {name: other if value is inputs else value for name, value in kwargs.items()}
        with unchanged(module):
            _hold(before, behind)
            embeddings: Tensor = module.forward(*again, **named)["cif_out"]
        return embeddings

    contributions = _slices(run, encoder_out)
    # 3. Compare the contributions with what the module made.
    integrated = [output["cif_out"]]
    for first in behind[0][1][:1] if behind else ():  # given what came of the integration
        if isinstance(first, Tensor) and first.ndim == 3:
            integrated += [first, first.transpose(0, 1)]
    contributions, (far, what) = min(
        (
            (given, disagreement(given, encoder_out, came))
            for given in (contributions, _without_silent_tokens(contributions, encoder_out))
            for came in integrated
        ),
        key=lambda tried: tried[1].far,
    )
    _agree(far <= 1, module, what)

    # 4. The weights, as predicted and as used.
    real = ~inputs["encoder_padding_mask"].bool()
    alpha = torch.sigmoid(before[-1][2]).reshape(batch, frames) * real
    total = alpha.sum(dim=1)
    if "quantity_out" in output:
        same = torch.allclose(total, output["quantity_out"].to(total.dtype), rtol=1e-3, atol=1e-3)
        _agree(same, module, "gave a quantity_out that is not the sum of the weights")
    scaled_alpha, targets = alpha, given.get("target_lengths")
    if module.training and getattr(module, "apply_scaling", False) and isinstance(targets, Tensor):
        scaled_alpha = scaled(alpha, targets)
    return recorded_firing(
        contributions,
        alpha=alpha,
        scaled_alpha=scaled_alpha,
        frame_lengths=real.sum(dim=1),
        threshold=1.0,
        slack=1 - float(getattr(module, "cif_threshold", 1.0)),
        embeddings=output["cif_out"].clone(),
        num_fires=count_tokens(contributions),
        rule=_rule(module) if scaled_alpha is alpha else None,
    )


def _rule(module: nn.Module) -> FiringRule | None:
    """The rule of a middleware, None where its numbers cannot be one."""
    handles = not module.training and getattr(module, "apply_tail_handling", True)
    tail = getattr(module, "tail_handling_firing_threshold", 0.5) if handles else NEVER
    try:
        return FiringRule.of_dialect("cif_pytorch", getattr(module, "cif_threshold", None), tail)
    except (TypeError, ValueError):
        return None


def _weights(module: nn.Module) -> nn.Module:
    part = getattr(module, "weight_proj", None)
    if not isinstance(part, nn.Module):
        raise CIFError(f"{type(module).__name__} must make its weights by a weight_proj, has none")
    return part


def _inputs(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The dictionary in which the encoder output came."""
    for value in arguments.values():
        if isinstance(value, Mapping) and {"encoder_raw_out", "encoder_padding_mask"} <= set(value):
            return value
    raise CIFError(
        "a CifMiddleware must be given a dictionary with encoder_raw_out and encoder_padding_mask, "
        f"got {', '.join(arguments) or 'nothing'}"
    )


def _slices(run: Any, encoder_out: Tensor) -> Tensor:
    """The contributions, as many frames at a time as there are channels but one.

    The last channel is 1 in every frame: the source takes a token that is 0 in every channel for no
    token at all.
    """
    _, frames, dim = encoder_out.shape
    require(dim > 1, "a CifMiddleware must have 2 channels or more to be captured, got 1")
    parts = []
    for start in range(0, frames, dim - 1):
        size = min(dim - 1, frames - start)
        probe = torch.zeros_like(encoder_out)
        probe[:, :, -1] = 1
        probe[:, start : start + size, :size] = torch.eye(size).to(probe)
        parts.append(run(probe)[:, :, :size])
    return torch.cat(parts, dim=2)


def _without_silent_tokens(contributions: Tensor, encoder_out: Tensor) -> Tensor:
    """The contributions of the tokens that the source keeps: of frames of zeros it makes none."""
    kept = (contributions.abs() @ encoder_out.abs().to(contributions)).any(dim=2)
    order = (~kept).long().argsort(dim=1, stable=True).unsqueeze(2)
    contributions = (contributions * kept.unsqueeze(2)).take_along_dim(order, dim=1)
    return contributions[:, : int(kept.sum(dim=1).max()) if len(kept) else 0]


def _hold(before: Log, behind: Log) -> None:
    """Parts of the module do not compute: they repeat what they gave, or hand on what they get."""
    gave: dict[nn.Module, list[Any]] = {}
    for part, _, output in before + behind:
        gave.setdefault(part, []).append(output)
    repeating = {part: iter(gave[part]) for part, *_ in before}

    def hold(part: nn.Module) -> None:
        def forward(*args: Any, **kwargs: Any) -> Any:
            if part in repeating:
                return next(repeating[part], args[0])
            last = gave[part][-1]
            return (args[0], *last[1:]) if isinstance(last, tuple) else args[0]

        part.forward = forward

    for part in gave:
        hold(part)


def _agree(right: bool, module: nn.Module, what: str) -> None:
    require(
        right,
        f"the output of {type(module).__name__} must be what its weights make of its input, "
        f"but it {what}",
    )


def load_cif_pytorch(
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
    >>> cif = load_cif_pytorch(state, {"cif_threshold": 0.99})
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
    names = same_layer("weights.weight_proj", "weight_proj")
    if config.produce_weight_type == "conv":
        names |= same_layer("weights.conv.0", "conv")
    elif config.produce_weight_type == "depthwise":
        raise CIFError("CIF-PyTorch has no weight predictor 'depthwise': conv, dense or linear")
    elif config.produce_weight_type == "dense":
        names |= same_layer("weights.dense_proj", "dense_proj")
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
            names |= fairseq_layer(f"context.layers.layers.{layer}", f"cif_ctxt_stacks.{layer}")
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
