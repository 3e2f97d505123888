"""torch_cif's `cif_function`: no module, so its name is replaced wherever it was imported to."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from cifviz.core.firing import Firing
from cifviz.core.interop.firing_rule import FiringRule
from cifviz.core.interop.identity_probe import capture_errors, disagreement, identity_like
from cifviz.core.interop.recorded_firing import recorded_firing
from cifviz.core.validation import valid_mask
from cifviz.errors import require

FUNCTION = "cif_function"
EXPECTED = (
    "torch_cif's function of inputs, alpha, beta and padding_mask, which gives a dictionary with "
    "a list of one tensor in each of cif_out, cif_lengths and scaled_alpha"
)
OVER = "capture_is_over"
"""Marks what stands in for the function, and says whether it still watches."""


class Place(NamedTuple):
    """A name by which code may call the function."""

    get: Callable[[], Any]
    put: Callable[[Any], None]


def watch(
    model: nn.Module, firings: list[Firing], calls: list[FunctionType], stack: ExitStack
) -> int:
    """Add a firing for each call of the function by this model, until the stack unwinds.

    Each call is also added to `calls` before it is read. Returns the number of names of the
    function.
    """
    places = list(_places(model))
    for place in places:
        watched = _watched(place.get(), model, firings, calls)
        place.put(watched)
        stack.callback(_give_back, place, watched)
    return len(places)


def _give_back(place: Place, watched: FunctionType) -> None:
    """Stop watching; what other captures have put there since stays until they are over."""
    vars(watched)[OVER] = True
    function = place.get()
    while vars(function).get(OVER):
        function = function.__wrapped__
    place.put(function)


def _places(model: nn.Module) -> Iterator[Place]:
    """Every name by which code may call the function."""
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
                get = functools.partial(space.__getitem__, name)
                yield Place(get, functools.partial(space.__setitem__, name))
    for cell in cells.values():
        try:
            value = cell.cell_contents
        except ValueError:  # a name that has not been given a value yet
            continue
        if _is_it(value):
            get = functools.partial(getattr, cell, "cell_contents")
            yield Place(get, functools.partial(setattr, cell, "cell_contents"))


def _is_it(value: object) -> bool:
    # type(): asking some lazy or deprecated values for their class warns, or imports something
    if type(value) is not FunctionType or value.__name__ != FUNCTION:
        return False
    return {"inputs", "alpha"} <= set(inspect.signature(value).parameters)


def _watched(
    function: FunctionType, model: nn.Module, firings: list[Firing], calls: list[FunctionType]
) -> FunctionType:
    @functools.wraps(function)
    def watched(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        if not vars(watched)[OVER] and _is_running(model):
            own = _unwatched(function)
            calls.append(own)
            with capture_errors(f"{FUNCTION} of {own.__module__}", EXPECTED):
                firings.append(_read(own, args, kwargs, result).cpu())
        return result

    vars(watched)[OVER] = False
    return watched  # type: ignore[return-value]  # the type of what functools.wraps gives


def _unwatched(function: Any) -> FunctionType:
    """The function behind what stands in for it."""
    while OVER in vars(function):
        function = function.__wrapped__
    own: FunctionType = function
    return own


def _is_running(model: nn.Module) -> bool:
    """Whether the current call comes from some part of the model: it or a method of it is running.

    `nn.Module` itself calls every forward from a method, whatever that calls its `self`.
    """
    parts = {id(part) for part in model.modules()}
    frame = inspect.currentframe()
    while frame is not None:
        if id(frame.f_locals.get("self")) in parts:
            return True
        frame = frame.f_back
    return False


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
    far, what = disagreement(contributions, inputs, embeddings)
    require(
        far <= 1,
        f"the output of {FUNCTION} must be what its weights make of its input, but it {what}",
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
        rule=_rule(given.arguments),
    )


def _rule(given: Mapping[str, Any]) -> FiringRule | None:
    """The rule of a call, None in training, or where its numbers cannot be one."""
    if given.get("target_lengths") is not None:
        return None
    try:
        tail = given.get("tail_thres")
        return FiringRule.of_dialect("torch_cif", given["beta"], tail)
    except (TypeError, ValueError):
        return None


def _only(result: Any, key: str) -> Tensor:
    """torch_cif puts each tensor into a list of its own."""
    (value,) = result[key]
    tensor: Tensor = value
    return tensor
