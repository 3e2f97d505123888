"""State dicts of others: read from a mapping or from a file of nothing but tensors.

A pickle that holds anything else is refused before anything in it runs.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from cifviz.core.validation import described
from cifviz.errors import CheckpointError, require, shown

PICKLES = (".pt", ".pth", ".bin", ".ckpt")
NESTS = ("state_dict", "model", "model_state_dict")
"""Where FunASR, fairseq and others keep the tensors in a file that holds more."""
DEEPEST = 4
"""A file holds the tensors at most in so many mappings, one in the other."""
Source = Mapping[str, Any] | str | Path
Module = TypeVar("Module", bound=nn.Module)
Names = dict[str, tuple[str, ...]]
"""For each parameter of a `CIF`, the pretrained ones that it is made of, concatenated."""


def parameters(
    source: Source, prefix: str | None, telling: tuple[str, ...]
) -> tuple[str, dict[str, Any]]:
    """Find the parameters of a module in a state dict, perhaps of a whole model, or in a file.

    Parameters
    ----------
    source : mapping of str to Tensor, or path
        The state dict, or a mapping that holds it under a usual name, or a file of either.
    prefix : str, optional
        What their names begin with; found if there is but one beginning.
    telling : tuple of str
        Names that must be there; by the first of them the beginning is found.

    Returns
    -------
    tuple of str and dict
        Where they come from, for messages, and all that is there under the beginning, without it.

    Raises
    ------
    CheckpointError
        If there is no such file, it cannot be read safely, the telling names are not there, or a
        tensor does not hold each of its values.
    """
    require(
        prefix is None or isinstance(prefix, str),
        f"prefix must be the beginning of names, got {shown(prefix)}",
        CheckpointError,
    )
    where = "the state dict"
    tensors: Any = source
    if isinstance(source, str | Path):
        where, tensors = str(source), _read(Path(source))
    if not isinstance(tensors, Mapping):
        raise CheckpointError(
            f"{where} must be a mapping of names to tensors, got {shown(tensors)}"
        )
    for _ in range(DEEPEST):
        nested = [name for name in NESTS if isinstance(tensors.get(name), Mapping)]
        if not nested or any(isinstance(value, Tensor) for value in tensors.values()):
            break
        tensors = tensors[nested[0]]
    if prefix is None:
        prefix = _prefix(tensors, telling[0], where)
    names = {name for name in tensors if isinstance(name, str) and name.startswith(prefix)}
    missing = [prefix + name for name in telling if prefix + name not in names]
    if missing:
        some = ", ".join(sorted(map(str, tensors))[:8]) or "nothing"
        raise CheckpointError(f"{where} has no {', '.join(missing)}; it has {some}")
    for name in sorted(names):
        _require_whole(tensors[name], name, where)
    return where, {name.removeprefix(prefix): tensors[name] for name in sorted(names)}


def shapes(build: Callable[[], nn.Module]) -> dict[str, torch.Size]:
    """Names and shapes of the weights of a module, without memory for them.

    Parameters
    ----------
    build : callable
        Makes the module.

    Raises
    ------
    CheckpointError
        If it has sizes that no tensor can have.

    Examples
    --------
    >>> shapes(lambda: nn.Linear(10**9, 10**6))["weight"]
    torch.Size([1000000, 1000000000])
    """
    try:
        with torch.device("meta"):
            module = build()
    except (RuntimeError, OverflowError, TypeError) as error:  # more bytes than an int64 counts
        raise CheckpointError("its sizes are beyond those of any tensor") from error
    return {name: value.shape for name, value in module.state_dict().items()}


def floats(value: object, name: str, where: str) -> Tensor:
    """A weight in float32 on the CPU, from any floating point type.

    Raises
    ------
    CheckpointError
        If it is no floating point tensor, or not finite in float32.
    """
    if not isinstance(value, Tensor) or not value.is_floating_point():
        raise CheckpointError(
            f"{name} of {where} must be a floating point tensor, got {described(value)}"
        )
    value = value.detach().to("cpu", torch.float32)
    require(
        bool(value.isfinite().all()),
        f"{name} of {where} must be finite, got NaN or infinity in float32",
        CheckpointError,
    )
    return value


def filled(
    build: Callable[[], Module], names: Names, tensors: Mapping[str, Any], where: str
) -> Module:
    """A module with pretrained parameters.

    Parameters
    ----------
    build : callable
        Makes the module, of float32; it is called only once all parameters fit.
    names : dict of str to tuple of str
        For each of its parameters, the pretrained ones that it is made of, concatenated.
    tensors : mapping of str to Tensor
        The pretrained parameters, these and no others.
    where : str
        Where they come from, for messages.

    Raises
    ------
    CheckpointError
        If one is missing, not expected, no floating point tensor, of another shape or not finite.
    """
    expected = {name for parts in names.values() for name in parts}
    missing, unexpected = sorted(expected - set(tensors)), sorted(set(tensors) - expected)
    problems = [
        f"{problem}: {', '.join(found)}"
        for problem, found in (("missing", missing), ("not expected", unexpected))
        if found
    ]
    require(not problems, f"parameters of {where}: {'; '.join(problems)}", CheckpointError)
    expected_shapes = shapes(build)
    for ours, parts in names.items():
        shape = list(expected_shapes[ours])
        shape[0] //= len(parts)
        for name in parts:
            value = tensors[name]
            right = isinstance(value, Tensor) and value.is_floating_point()
            if not (right and list(value.shape) == shape):
                raise CheckpointError(
                    f"{name} of {where} must be a floating point tensor {tuple(shape)}, "
                    f"got {described(value)}"
                )
    state = {
        ours: torch.cat([floats(tensors[name], name, where) for name in parts])
        for ours, parts in names.items()
    }
    module = build()
    module.load_state_dict(state)
    return module


def same_layer(ours: str, theirs: str) -> Names:
    """Names of a layer with weight and bias.

    >>> same_layer("weights.weight_proj", "cif_output")["weights.weight_proj.bias"]
    ('cif_output.bias',)
    """
    return {f"{ours}.{name}": (f"{theirs}.{name}",) for name in ("weight", "bias")}


def fairseq_layer(ours: str, theirs: str) -> Names:
    """Names of a pre-norm layer of self-attention, PyTorch's and fairseq's.

    >>> fairseq_layer("layers.0", "decoder.layers.0")["layers.0.self_attn.in_proj_bias"][0]
    'decoder.layers.0.self_attn.q_proj.bias'
    """
    names: Names = {}
    for kind in ("weight", "bias"):
        names[f"{ours}.self_attn.in_proj_{kind}"] = tuple(
            f"{theirs}.self_attn.{part}_proj.{kind}" for part in "qkv"
        )
    for own, other in (
        ("self_attn.out_proj", "self_attn.out_proj"),
        ("norm1", "self_attn_layer_norm"),
        ("norm2", "final_layer_norm"),
        ("linear1", "fc1"),
        ("linear2", "fc2"),
    ):
        names |= same_layer(f"{ours}.{own}", f"{theirs}.{other}")
    return names


def shape_of(value: object, ndim: int, name: str, where: str) -> torch.Size:
    """The shape of a parameter, or a `CheckpointError` unless it has so many axes."""
    if not isinstance(value, Tensor) or not value.is_floating_point() or value.ndim != ndim:
        raise CheckpointError(
            f"{name} of {where} must be a floating point tensor of {ndim} axes, "
            f"got {described(value)}"
        )
    return value.shape


def _require_whole(value: object, name: str, where: str) -> None:
    """Raise if a tensor stands for more values than it holds: what is built of it would be huge."""
    if not isinstance(value, Tensor):
        return
    is_strided = value.layout == torch.strided and not value.is_nested and not value.is_meta
    require(
        is_strided,
        f"{name} of {where} must be a dense tensor with values, got {described(value)} on "
        f"{value.device}, {value.layout}",
        CheckpointError,
    )
    size, held = value.numel() * value.element_size(), value.untyped_storage().nbytes()
    require(
        size <= held,
        f"{name} of {where} must hold each of its values, {size} bytes, got {described(value)} of "
        f"{held} bytes, expanded",
        CheckpointError,
    )


def _read(path: Path) -> Any:
    """What is in a file of tensors; anything else in it is refused, not run."""
    try:
        is_file, is_there = path.is_file(), path.exists()
    except OSError as error:  # a name too long
        raise CheckpointError(f"{shown(str(path))} cannot be a file: {error.strerror}") from error
    require(is_file or not is_there, f"{path} is not a file", CheckpointError)
    require(is_file, f"there is no file {path}", CheckpointError)
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        if path.suffix in PICKLES:
            with warnings.catch_warnings():  # about files that are then refused
                warnings.simplefilter("ignore")
                return torch.load(path, weights_only=True, map_location="cpu")
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path} holds more than tensors, or is damaged; nothing in it was run. "
            "Where it was made, save the state dict alone: torch.save(model.state_dict(), path)"
        ) from error
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
    except Exception as error:  # damaged files fail in as many ways as there are damages
        raise CheckpointError(f"{path} is not a file of tensors, or is damaged") from error
    raise CheckpointError(
        f"{path} must end in .safetensors, {', '.join(PICKLES)}, got {path.suffix!r}"
    )


def _prefix(tensors: Mapping[str, Any], telling: str, where: str) -> str:
    """What stands before the telling name; "" if that is there as it is, or not at all."""
    names = [name for name in tensors if isinstance(name, str)]
    found = [name.removesuffix(telling) for name in names if f".{name}".endswith(f".{telling}")]
    if "" in found or not found:
        return ""
    require(
        len(found) == 1,
        f"{where} has more than one {telling}: give prefix= one of {', '.join(map(repr, found))}",
        CheckpointError,
    )
    return found[0]
