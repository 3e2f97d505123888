"""torch_cif's `cif_function`: no module, so its name is replaced wherever it was imported to."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import FunctionType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from cifviz.core.capture.identity import disagreement, identity_like
from cifviz.core.firing import Firing
from cifviz.core.masks import valid_mask
from cifviz.core.recorded import recorded_firing
from cifviz.errors import require

FUNCTION = "cif_function"


def watch(model: nn.Module, firings: list[Firing], stack: ExitStack) -> int:
    """Add a firing for each call of the function, until the stack unwinds; return where it is.

    Whoever calls it meanwhile is recorded, whether for this model or not.
    """
    places = list(_places(model))
    for function, put in places:
        put(_watched(function, firings))
        stack.callback(put, function)
    return len(places)


def _places(model: nn.Module) -> Iterator[tuple[FunctionType, Callable[[Any], None]]]:
    """Every name by which code may call the function, and how to put another one there."""
    names: dict[int, dict[str, Any]] = {}
    cells: dict[int, Any] = {}
    for module in list(sys.modules.values()):
        if isinstance(module, ModuleType):
            names[id(vars(module))] = vars(module)
    for part in model.modules():
        names[id(vars(part))] = vars(part)
        for base in type(part).__mro__:
            for function in vars(base).values():
                if isinstance(function, FunctionType):
                    names[id(function.__globals__)] = function.__globals__
                    cells |= {id(cell): cell for cell in function.__closure__ or ()}
    for space in names.values():
        for name, value in list(space.items()):
            if _is_it(value):
                yield value, functools.partial(space.__setitem__, name)
    for cell in cells.values():
        try:
            value = cell.cell_contents
        except ValueError:  # a name that has not been given a value yet
            continue
        if _is_it(value):
            yield value, functools.partial(setattr, cell, "cell_contents")


def _is_it(value: object) -> bool:
    # type(): asking some lazy or deprecated values for their class warns, or imports something
    return type(value) is FunctionType and value.__name__ == FUNCTION


def _watched(function: FunctionType, firings: list[Firing]) -> Callable[..., Any]:
    @functools.wraps(function)
    def watched(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        firings.append(_read(inspect.unwrap(function), args, kwargs, result).cpu())
        return result

    return watched


@torch.no_grad()
def _read(function: Callable[..., Any], args: Any, kwargs: Any, result: Any) -> Firing:
    """A call of the function as a firing."""
    given = inspect.signature(function).bind(*args, **kwargs)
    given.apply_defaults()
    inputs, alpha = given.arguments["inputs"], given.arguments["alpha"].detach()
    given.arguments["inputs"] = identity_like(inputs)
    given.arguments["alpha"] = alpha.clone()
    contributions = _only(function(*given.args, **given.kwargs), "cif_out")
    embeddings = _only(result, "cif_out")
    far = disagreement(contributions, inputs, embeddings)
    require(
        far <= 1,
        f"the output of {FUNCTION} must be what its weights make of its input, "
        f"got one that is {far:.3g} times too far from it",
    )
    frame_lengths = torch.full((len(alpha),), alpha.shape[1], device=alpha.device)
    if given.arguments["padding_mask"] is not None:
        frame_lengths = (~given.arguments["padding_mask"].bool()).sum(dim=1)
    return recorded_firing(
        contributions,
        alpha=alpha.masked_fill(~valid_mask(frame_lengths, alpha.shape[1]), 0),
        scaled_alpha=_only(result, "scaled_alpha").clone(),
        frame_lengths=frame_lengths,
        threshold=float(given.arguments["beta"]),
        slack=0.0,
        embeddings=embeddings.clone(),
        num_fires=_only(result, "cif_lengths").clone(),
    )


def _only(result: Any, key: str) -> Tensor:
    """torch_cif puts each tensor into a list of its own."""
    (value,) = result[key]
    tensor: Tensor = value
    return tensor
