"""FunASR's predictors, and WeNet's `Cif`, which is one of them: load one, or record what it does.

`load_funasr` makes a `CIF` of its parameters. `watch` records a forward: a predictor makes the
weights and hands them, with the tail's weight, to a function that integrates, and both come out of
it. That function runs once more, on the identity.
"""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from cifviz.core.dialects import DIALECTS
from cifviz.core.dialects._parts import scaled
from cifviz.core.firing import Firing
from cifviz.core.interop.firing_rule import FiringRule
from cifviz.core.interop.identity_probe import (
    arguments,
    capture_errors,
    count_tokens,
    disagreement,
    identity_like,
)
from cifviz.core.interop.recorded_firing import recorded_firing
from cifviz.core.interop.state_dicts import Source, filled, parameters, same_layer, shape_of
from cifviz.core.module import CIF, CIFConfig
from cifviz.core.validation import valid_mask
from cifviz.errors import (
    CheckpointError,
    CIFError,
    require,
    require_choice,
    require_integer,
    require_number,
    shown,
)

CLASSES = (
    "CifPredictor",
    "CifPredictorV2",
    "CifPredictorV3",
    "CifPredictorV2Export",
    "CifPredictorV3Export",
    "Cif",
)
EXPECTED = (
    "a FunASR predictor, which takes hidden (batch, frames, dim) first and gives "
    "(embeddings, token_num, alphas, …), or another name for the class"
)
OBEY = {"cif": True, "cif_export": True, "cif_v1": False, "cif_v1_export": False}
"""Functions that integrate, and whether they obey the threshold; the others fire at 1."""

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


def watch(module: nn.Module, firings: list[Firing], stack: ExitStack) -> None:
    """Add a firing for each call of `module`, until the stack unwinds."""

    def see(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        with capture_errors(f"the output of {type(module).__name__}", EXPECTED):
            firings.append(_read(module, args, kwargs, output).cpu())

    stack.callback(module.register_forward_hook(see, with_kwargs=True).remove)


@torch.no_grad()
def _read(module: nn.Module, args: Any, kwargs: Any, output: Any) -> Firing:
    """A call of a predictor as a firing."""
    given = arguments(module, args, kwargs)
    encoder_out = next(iter(given.values()))
    right = isinstance(output, Sequence) and len(output) >= 3
    require(
        right and all(isinstance(value, Tensor) for value in output[:3]),
        f"{type(module).__name__} cannot be captured: expected {EXPECTED}; "
        f"got {type(output).__name__}",
    )
    embeddings, token_num, alphas = output[:3]
    batch, frames, _ = encoder_out.shape
    appended = encoder_out.new_zeros(batch, alphas.shape[1] - frames, encoder_out.shape[2])
    encoder_out = torch.cat([encoder_out, appended], dim=1)

    lengths = torch.full((batch,), frames, device=alphas.device)
    mask = given.get("mask")
    if isinstance(mask, Tensor) and mask.numel() == batch * frames:
        lengths = mask.reshape(batch, frames).bool().sum(dim=1)
    alpha = alphas.masked_fill(~valid_mask(lengths, alphas.shape[1]), 0)
    trained = any(given.get(name) is not None for name in ("target_label", "target_label_length"))
    if trained:
        alpha = scaled(alpha, token_num)  # was scaled; token_num is the sum that was predicted
    contributions, obeys = _contributions(module, alphas, encoder_out, embeddings)
    threshold = float(getattr(module, "threshold", 1.0)) if obeys else 1.0
    return recorded_firing(
        contributions,
        alpha=alpha,
        scaled_alpha=alphas.clone(),
        frame_lengths=lengths.maximum(count_tokens(alphas.unsqueeze(2))),
        threshold=1.0,
        slack=1 - threshold,
        embeddings=embeddings.clone(),
        num_fires=count_tokens(contributions),
        rule=None if trained else _rule(module, threshold, obeys=obeys),
    )


def _rule(module: nn.Module, threshold: float, *, obeys: bool) -> FiringRule | None:
    """The rule of a predictor in inference, None where its numbers cannot be one."""
    name = "paraformer_v1" if obeys else "paraformer_v2"
    try:
        tail = float(getattr(module, "tail_threshold", 0.0) or 0.0)
        return FiringRule.of_dialect(name, threshold if obeys else None, tail)
    except (TypeError, ValueError):
        return None


def _contributions(
    module: nn.Module, alphas: Tensor, encoder_out: Tensor, embeddings: Tensor
) -> tuple[Tensor, bool]:
    """What the predictor's own function makes of the identity, and if it obeys the threshold."""
    threshold = float(getattr(module, "threshold", 1.0))
    tried = {}
    for name, integrate in _integrators(module, threshold):
        given = integrate(identity_like(encoder_out), alphas.clone())
        given = given[:, : embeddings.shape[1]]  # a predictor may cut what the function gives
        tried[name] = given, disagreement(given, encoder_out, embeddings)
    best = min(tried, key=lambda name: tried[name][1].far)
    contributions, (far, _) = tried[best]
    if far <= 1:
        return contributions, OBEY[best]
    listed = ", ".join(f"by {name} it {what}" for name, (_, (_, what)) in tried.items())
    raise CIFError(
        f"the output of {type(module).__name__} must be what its weights make of its input, "
        f"but {listed}"
    )


def _integrators(
    module: nn.Module, threshold: float
) -> Iterator[tuple[str, Callable[[Tensor, Tensor], Tensor]]]:
    """The functions by which this module may integrate: its own; else the dialects."""
    own: dict[str, Callable[..., Any]] = {}
    for base in type(module).__mro__:
        if "forward" in vars(base) and base is not nn.Module:
            names = inspect.getclosurevars(inspect.unwrap(vars(base)["forward"]))
            known = {**names.globals, **names.nonlocals}
            own |= {name: known[name] for name in OBEY if callable(known.get(name))}
    for name, function in own.items():
        yield name, functools.partial(_own, function, threshold)
    if not own:
        yield "cif_v1", lambda _, alphas: DIALECTS["funasr_cif_v1"].contributions(alphas).weights
        yield (
            "cif",
            lambda _, alphas: (
                DIALECTS["funasr_cif"].contributions(alphas, threshold=threshold).weights
            ),
        )


def _own(
    function: Callable[..., Any], threshold: float, identity: Tensor, alphas: Tensor
) -> Tensor:
    contributions: Tensor = function(identity, alphas, threshold)[0]
    return contributions


def load_funasr(
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
        Its parameters, ``cif_conv1d`` and ``cif_output``, or a file of them (as in
        `load_cif_pytorch`); a whole model will do.
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
        the convolution does not read padding. Where FunASR lets a residual r fire if the appended
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
        As `load_cif_pytorch` does.
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
    >>> load_funasr(state)(torch.ones(1, 10, 4)).num_fires
    tensor([5])

    Notes
    -----
    Repository: github.com/modelscope/FunASR, version 1.4.16 · Paper: Gao et al. (2022)
    """
    # 1. Which settings, which parameters, which class.
    _require_known(others)
    where, tensors = parameters(state_dict, prefix, ("cif_output.weight", "cif_conv1d.weight"))
    second_head = [name for name in tensors if name.startswith(SECOND_HEAD)]
    channels, inputs, width = shape_of(tensors["cif_conv1d.weight"], 3, "cif_conv1d.weight", where)
    if predictor is None:
        depthwise = inputs == 1 < channels
        predictor = PREDICTORS[0 if depthwise else 2 if second_head else 1]
    require_choice("predictor", predictor, PREDICTORS)
    if predictor == "CifPredictorV3":
        tensors = {name: value for name, value in tensors.items() if name not in second_head}
    # 2. Its settings in our keys.
    if predictor == "CifPredictorV2":
        require(
            threshold == 1,
            f"threshold of CifPredictorV2 must be 1, where it fires whatever it is told; "
            f"got {shown(threshold)}",
        )
    first = predictor == "CifPredictor"
    if tail_threshold is None:
        tail_threshold = 0.45 if first else 0.0
    tail = require_number("tail_threshold", tail_threshold, at_least=0, below=1)
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
    # 3. A module of ours with its parameters.
    names = same_layer("weights.conv" if first else "weights.conv.0", "cif_conv1d")
    names |= same_layer("weights.weight_proj", "cif_output")
    return filled(lambda: CIF(config), names, tensors, where).eval()


def _require_known(others: Mapping[str, Any]) -> None:
    """Raise unless each setting is one of FunASR's that change nothing here."""
    known = [*inspect.signature(load_funasr).parameters][1:-1]  # but the state dict and the others
    for name in others:
        if name not in UNUSED:
            close = difflib.get_close_matches(name, [*known, *UNUSED], 1)
            hint = f", did you mean {close[0]!r}?" if close else "."
            listed = ", ".join([*known, *UNUSED])
            raise CIFError(f"unknown setting of a FunASR predictor {name!r}{hint} Known: {listed}")


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
