"""Any module that returns weights: which part of its output they are, and what they fire.

`watch` is for a CIF that cifviz does not know by its name. Nothing is known of how it fires, so the
weights fire by the rule that is given.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import is_dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from cifviz.core.firing import Firing
from cifviz.core.interop.firing_rule import FiringRule
from cifviz.core.interop.recorded_firing import RecordedFiring, recorded_firing
from cifviz.core.validation import check_lengths, described
from cifviz.errors import CIFError, printable, require, shown

NAMES = ("alpha", "alphas", "weights", "cif_weights", "cif_alpha")
"""What weights are called in an output with names, the likeliest first."""
DEEPEST = 3
"""Lists in lists that are looked into."""
MOST_NAMED = 12
"""Modules that a message lists."""
LIKELY = re.compile(r"cif|predictor|alpha|weight_?p|integrate", re.IGNORECASE)
"""Names of modules that may make weights."""
CLOSE = 1e-2
"""An integrator is a running sum less whole tokens, within so much."""


class Candidate(NamedTuple):
    """A part of an output that may be the weights."""

    place: str
    """How Python gets at it, such as ``[2]`` or ``["alphas"]``; empty for the whole output."""
    value: Tensor
    """(batch, frames)."""


def module_at(model: nn.Module, at: str) -> tuple[nn.Module, str]:
    """The module of a name, and the place in its output that stands behind it.

    Parameters
    ----------
    model : nn.Module
    at : str
        ``"encoder.predictor"``, ``"encoder.predictor[2]"`` or ``"predictor['alphas']"``.

    Raises
    ------
    CIFError
        If the model has no such module; the message lists those that may be meant.

    Examples
    --------
    >>> module_at(nn.Sequential(nn.Linear(2, 1)), "0[1]")
    (Linear(in_features=2, out_features=1, bias=True), '[1]')
    """
    require(isinstance(at, str), f"at must be the name of a module, got {shown(at)}")
    name, bracket, rest = at.partition("[")
    place = bracket + rest
    known = dict(model.named_modules())
    if name not in known:
        raise CIFError(
            f"{type(model).__name__} has no module {printable(name, most=60)!r}; "
            f"it has {likely_modules(model)}"
        )
    return known[name], place


def likely_modules(model: nn.Module) -> str:
    """Names of modules that may make weights; where none is likely, of all, in words."""
    names = [name for name, _ in model.named_modules() if name]
    kinds = {name: type(part).__name__ for name, part in model.named_modules()}
    likely = [
        name
        for name in names
        if LIKELY.search(name.rpartition(".")[2]) or LIKELY.search(kinds[name])
    ]
    chosen = likely or names
    listed = ", ".join(f"{name!r} ({kinds[name]})" for name in chosen[:MOST_NAMED])
    more = len(chosen) - MOST_NAMED
    return (listed or "none") + (f" and {more} more" if more > 0 else "")


def watch(
    model: nn.Module,
    at: str,
    rule: FiringRule,
    frame_lengths: Tensor | None,
    firings: list[Firing],
    stack: ExitStack,
) -> None:
    """Add a firing for each call of the module of a name, until the stack unwinds."""
    module, place = module_at(model, at)

    def see(module: nn.Module, args: Any, output: Any) -> None:
        found = weights_in(output, at, place)
        source = f"{at.partition('[')[0] or 'the model'}{found.place}"
        firings.append(fired(found, rule, frame_lengths, source))

    stack.callback(module.register_forward_hook(see).remove)


def weights_in(output: Any, at: str, place: str = "") -> Candidate:
    """The weights in an output.

    Parameters
    ----------
    output : anything
        A tensor (batch, frames) or (batch, frames, 1), or tuples, lists, mappings and named tuples
        with one in them.
    at : str
        Where it came from, for messages.
    place : str
        Which part of it is meant, such as ``[2]``; empty to look for the only one.

    Raises
    ------
    CIFError
        If there is none, or if there are several: the message lists them.

    Examples
    --------
    FunASR's alphas and peaks are of one shape; the peaks are the running sum of the alphas less
    whole tokens, so they are not taken for weights.

    >>> alphas, peaks = torch.tensor([[0.6, 0.6, 0.5]]), torch.tensor([[0.6, 1.2, 0.7]])
    >>> weights_in((torch.ones(1, 2, 8), alphas, peaks), "predictor").place
    '[1]'
    """
    parts = list(_parts(output))
    found = [one for one in (_candidate(place, value) for place, value in parts) if one]
    if place:
        wanted = _normal(place)
        chosen = [one for one in found if one.place == wanted]
        if not chosen:
            raise CIFError(f"{at} is no weights (batch, frames) in [0, ∞); {_listed(parts)}")
        return chosen[0]
    named = [
        one for name in NAMES for one in found if re.search(rf"""\[['"]{name}['"]\]$""", one.place)
    ]
    found = _different(found)
    long = [one for one in found if one.value.shape[1] > 1]  # (batch, 1) may be a count of tokens
    found = named[:1] or _without_integrators(long) or found
    if not found:
        raise CIFError(
            f"the output of {at} holds no weights: expected a tensor (batch, frames) or (batch, "
            f"frames, 1) of floating point numbers >= 0; {_listed(parts)}"
        )
    if len(found) > 1:
        choices = " or ".join(f'at="{at}{one.place}"' for one in found)
        raise CIFError(
            f"the output of {at} holds {len(found)} tensors that may be the weights: choose one, "
            f"{choices}; {_listed(parts)}"
        )
    return found[0]


def fired(
    found: Candidate, rule: FiringRule, frame_lengths: Tensor | None, source: str
) -> RecordedFiring:
    """What a rule makes of a batch of weights, as if a model had done it; on the CPU."""
    alpha = found.value.detach().float().cpu()
    lengths = [alpha.shape[1]] * len(alpha)
    if frame_lengths is not None:
        checked = check_lengths("frame_lengths", frame_lengths, alpha, maximum=alpha.shape[1])
        lengths = checked.tolist()
    rows = zip(alpha, lengths, strict=True)
    single = [rule.fire(row[:length].unsqueeze(0)) for row, length in rows]
    num_fires = torch.tensor([int(one.num_fires) for one in single], dtype=torch.long)
    fires = int(num_fires.max()) if single else 0
    frames = max((one.scaled_alpha.shape[1] for one in single), default=alpha.shape[1])
    contributions = torch.zeros(len(alpha), fires, frames, dtype=torch.float64)
    given, used = torch.zeros(2, len(alpha), frames)
    for row, one in enumerate(single):
        weights = one.contributions[0]
        contributions[row, : weights.shape[0], : weights.shape[1]] = weights
        given[row, : one.alpha.shape[1]] = one.alpha[0]
        used[row, : one.scaled_alpha.shape[1]] = one.scaled_alpha[0]
    made = recorded_firing(
        contributions,
        alpha=given,
        scaled_alpha=used,
        frame_lengths=torch.tensor([one.alpha.shape[1] for one in single], dtype=torch.long),
        threshold=single[0].threshold if single else rule.threshold,
        slack=single[0].slack if single else rule.slack,
        embeddings=torch.zeros(len(alpha), fires, 0),
        num_fires=num_fires,
        rule=rule,
    )
    return replace(made, source=source, has_lengths=frame_lengths is not None or len(alpha) <= 1)


def _parts(output: Any, place: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Tensors in an output, and how Python gets at each."""
    if isinstance(output, Tensor):
        yield place, output
    elif depth > DEEPEST:
        return
    elif isinstance(output, Mapping):
        for key, value in output.items():
            yield from _parts(value, f"{place}[{key!r}]", depth + 1)
    elif isinstance(output, Sequence) and not isinstance(output, str | bytes):
        for index, value in enumerate(output):
            yield from _parts(value, f"{place}[{index}]", depth + 1)
    elif is_dataclass(output) and not isinstance(output, type):
        for key, value in vars(output).items():
            yield from _parts(value, f"{place}[{key!r}]", depth + 1)


def _candidate(place: str, value: Tensor) -> Candidate | None:
    """A part, if it can be weights."""
    if value.ndim == 3 and 1 in value.shape[1:]:
        value = value.squeeze(2 if value.shape[2] == 1 else 1)
    if value.ndim != 2 or not value.is_floating_point() or value.layout != torch.strided:
        return None
    return None if _flaw(value) else Candidate(place, value)


def _flaw(value: Tensor) -> str:
    """Why numbers are no weights, for messages; empty if they may be."""
    if not value.is_floating_point() or value.layout != torch.strided or value.is_meta:
        return ""
    values = value.detach()
    if not bool(values.isfinite().all()):
        return " with values that are not finite"
    return f" with values down to {float(values.min()):.3g}" if bool((values < 0).any()) else ""


def _different(found: list[Candidate]) -> list[Candidate]:
    """The candidates without those that are equal to one before them."""
    kept: list[Candidate] = []
    for one in found:
        if not any(torch.equal(one.value, other.value) for other in kept):
            kept.append(one)
    return kept


def _without_integrators(found: list[Candidate]) -> list[Candidate]:
    """The candidates that are no running sum of another one less whole tokens."""

    def is_integrator(one: Candidate) -> bool:
        for other in found:
            if other is one or other.value.shape != one.value.shape:
                continue
            charged = other.value.detach().double().cumsum(dim=1) - one.value.detach().double()
            near = (charged - charged.round()).abs() < CLOSE
            back = one.value.detach().double().cumsum(dim=1) - other.value.detach().double()
            both = (back - back.round()).abs() < CLOSE
            if bool(near.all()) and not bool(both.all()):
                return True
        return False

    return [one for one in found if not is_integrator(one)]


def _listed(parts: list[tuple[str, Any]]) -> str:
    """What an output holds, for messages."""
    listed = ", ".join(
        f"{place or 'output'}: {described(value)}{_flaw(value)}"
        for place, value in parts[:MOST_NAMED]
    )
    more = len(parts) - MOST_NAMED
    return f"it holds {listed or 'no tensor'}" + (f" and {more} more" if more > 0 else "")


def _normal(place: str) -> str:
    """A place as `_parts` writes it; raises `CIFError` if it is none."""
    keys = re.findall(r"\[([^\[\]]*)\]", place)
    require(
        "".join(f"[{key}]" for key in keys) == place, f"at: expected [index], got {shown(place)}"
    )
    try:
        return "".join(f"[{ast.literal_eval(key)!r}]" for key in keys)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        raise CIFError(
            f"at: expected an index or a quoted name in brackets, got {shown(place)}"
        ) from error
