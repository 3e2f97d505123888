"""Tail rules: what happens to the weight behind the last full token.

The weights of an utterance sum to S, a token takes the threshold β, and behind the last full token
the *residual* r is left. A rule decides from these alone, so that neither padding nor the
neighbours in a batch can change the result:

================  ====================  ==========================  =============================
rule              tokens                what is made of them        used by
================  ====================  ==========================  =============================
``drop``          ⌊S/β⌋                 the residual is dropped     Algorithm 1 of the CIF paper
``above(τ)``      one more if r > τ     a full token, r scaled to β CIF-PyTorch
``at_least(τ)``   one more if r ≥ τ     the same                    torch_cif
``appended(w)``   one more if r + w ≥ β a token of weight r         FunASR, WeNet
``rounded``       round(S/β)            all weights scaled          w2v-cif-bert, E-Paraformer
``dynamic``       ⌈S/β⌉                 equal parts of S            the Paraformer paper
================  ====================  ==========================  =============================

The names are the same in Python, in JSON (``{"rule": "above", "value": 0.5}``) and in JavaScript.
To add a rule, write one decorated function here and one entry of the same name in
``cifviz/explorer/js/tail.js``. Everything else finds it in `RULES`.

>>> above(0.5), above(0.5).to_dict()
(TailRule(rule='above', value=0.5), {'rule': 'above', 'value': 0.5})
>>> print(drop, above(0.5), at_least(0.5), appended(0.45), sep=", ")
drop, above 0.5, at least 0.5, appended 0.45

Notes
-----
Notebook: notebooks/05_tail_handling.ipynb
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, overload

import torch
from torch import Tensor

from cifviz.errors import require, require_choice, require_number, require_type, shown

LARGEST = 1e6
"""Value of a rule, at most."""


@dataclass(frozen=True)
class TailRule:
    """One rule with its value. Made by `drop`, `above`, `at_least` and so on.

    Raises
    ------
    CIFError
        If there is no such rule, or the value is outside the rule's range.
    """

    rule: str
    """Its name: a key of `RULES`."""
    value: float | None = None
    """τ, or the appended weight, in units of weight; None for a rule that takes no value."""

    def __post_init__(self) -> None:
        require_choice("tail rule", self.rule, RULES)
        limits = RULES[self.rule].limits
        if limits is None:
            given = shown(self.value)
            require(self.value is None, f"value of {self.rule} must be None, got {given}")
        else:
            value = require_number(
                f"value of {self.rule}", self.value, at_least=limits[0], at_most=limits[1]
            )
            object.__setattr__(self, "value", float(value))

    def __str__(self) -> str:
        words = self.rule.replace("_", " ")
        return words if self.value is None else f"{words} {self.value:g}"

    @property
    def scales(self) -> bool:
        """Whether all weights are scaled, so that no residual is left (not in a stream)."""
        return RULES[self.rule].scales

    @property
    def fills(self) -> bool:
        """Whether its tokens are scaled to full ones; otherwise they keep the weight they have."""
        return RULES[self.rule].fills

    def fires(self, residual: Tensor, threshold: float) -> Tensor:
        """Which residuals fire as one more token (bool, shape of `residual`).

        Only for a rule that leaves the full tokens alone. A residual of 0 or less never fires.

        >>> above(0.5).fires(torch.tensor([0.3, 0.5, 0.8]), 1.0)
        tensor([False, False,  True])
        """
        return (residual > 0) & self._decide(residual, threshold)

    def tokens(self, mass: Tensor, full: Tensor, threshold: float) -> Tensor:
        """Number of tokens in each mass (shape of `mass`), `full` of which are full ones.

        >>> rounded.tokens(torch.tensor([2.2, 2.8]), torch.tensor([2.0, 2.0]), 1.0)
        tensor([2., 3.])
        """
        if self.scales:
            return self._decide(mass, threshold)
        return full + self.fires(mass - full * threshold, threshold)

    def to_dict(self) -> dict[str, Any]:
        """The rule as JSON holds it."""
        return {"rule": self.rule, "value": self.value}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TailRule:
        """The inverse of `to_dict`; the value may be left out where the rule takes none.

        >>> TailRule.from_dict({"rule": "above", "value": 0.5}) == above(0.5)
        True
        """
        require_type("tail rule", values, Mapping)
        for key in values:
            require_choice("key of a tail rule", key, ("rule", "value"))
        return cls(values.get("rule", ""), values.get("value"))

    @classmethod
    def from_text(cls, text: str) -> TailRule:
        """A rule by its name and value, as it is printed; without its value the usual one.

        Raises
        ------
        CIFError
            If there is no such rule, or its value is none.

        Examples
        --------
        >>> TailRule.from_text("above 0.3"), TailRule.from_text("at least:0.5").rule
        (TailRule(rule='above', value=0.3), 'at_least')
        >>> TailRule.from_text("appended").value
        0.45
        """
        require_type("tail", text, str)
        *words, last = text.replace(":", " ").replace("=", " ").split() or [""]
        name = "_".join(words) or last
        if words and not _is_float(last):
            name = "_".join([*words, last])
        require_choice(
            "tail rule", name.replace("_", " "), [one.replace("_", " ") for one in RULES]
        )
        if words and _is_float(last):
            return cls(name, float(last))
        usual = next(tail for tail in every_rule() if tail.rule == name)
        return usual

    def _decide(self, mass: Tensor, threshold: float) -> Tensor:
        decide = RULES[self.rule].decide
        return (
            decide(mass, threshold) if self.value is None else decide(mass, threshold, self.value)
        )


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class Definition:
    """What distinguishes one rule from another."""

    decide: Callable[..., Tensor]
    """``decide(mass, threshold[, value])``: the number of tokens in all the mass if `scales`,
    otherwise whether the mass, a residual, fires."""
    limits: tuple[float, float] | None
    """Least and largest value, None if the rule takes none."""
    scales: bool
    fills: bool
    usual: float | None = None
    """The value in use; None if that is a tail threshold, or there is no value."""


RULES: dict[str, Definition] = {}
"""Every rule by its name."""
Factory = Callable[[float], TailRule]


@overload
def tail_rule(
    *, limits: None = None, scales: bool = False, fills: bool = True
) -> Callable[[Callable[..., Tensor]], TailRule]: ...
@overload
def tail_rule(
    *,
    limits: tuple[float, float],
    scales: bool = False,
    fills: bool = True,
    usual: float | None = None,
) -> Callable[[Callable[..., Tensor]], Factory]: ...
def tail_rule(
    *,
    limits: tuple[float, float] | None = None,
    scales: bool = False,
    fills: bool = True,
    usual: float | None = None,
) -> Callable[[Callable[..., Tensor]], TailRule | Factory]:
    """Define a rule: the function that it decorates becomes the rule of that name.

    Parameters
    ----------
    limits : tuple of float, optional
        Least and largest value. With limits the result is a function of the value, otherwise the
        rule itself.
    scales, fills : bool
        See `TailRule`.
    usual : float, optional
        The value in use. Without one it is a tail threshold τ; see `every_rule`.
    """

    def define(decide: Callable[..., Tensor]) -> TailRule | Factory:
        name = decide.__name__
        RULES[name] = Definition(decide, limits, scales, fills, usual)
        if limits is None:
            return TailRule(name)

        @wraps(decide)
        def make(value: float) -> TailRule:
            return TailRule(name, value)

        return make

    return define


@tail_rule()
def drop(residual: Tensor, threshold: float) -> Tensor:
    """The residual is dropped."""
    return torch.zeros_like(residual, dtype=torch.bool)


@tail_rule(limits=(0.0, LARGEST))
def above(residual: Tensor, threshold: float, tau: float) -> Tensor:
    """A residual above the tail threshold, τ, fires as a full token."""
    return residual > tau


@tail_rule(limits=(0.0, LARGEST))
def at_least(residual: Tensor, threshold: float, tau: float) -> Tensor:
    """A residual of τ or more fires as a full token."""
    return residual >= tau


@tail_rule(limits=(0.0, LARGEST), fills=False, usual=0.45)
def appended(residual: Tensor, threshold: float, weight: float) -> Tensor:
    """A frame of zeros with this weight follows; a token that it completes fires, not rescaled."""
    return residual + weight >= threshold


@tail_rule(scales=True)
def rounded(mass: Tensor, threshold: float) -> Tensor:
    """All weights are scaled to the nearest whole number of tokens, half to even."""
    return (mass / threshold).round()


@tail_rule(scales=True, fills=False)
def dynamic(mass: Tensor, threshold: float) -> Tensor:
    """All weights are divided into ⌈S/β⌉ equal tokens of β or less."""
    return (mass / threshold).ceil()


def every_rule(tail_threshold: float = 0.5) -> list[TailRule]:
    """Each rule of `RULES` once, at β = 1: with its usual value, or with this tail threshold τ.

    Where τ is beyond the limits of a rule, it gets the nearest value within them.

    >>> [tail in every_rule(0.3) for tail in (drop, above(0.3), appended(0.45), appended(0.3))]
    [True, True, True, False]
    """
    require_number("tail_threshold", tail_threshold, at_least=0, at_most=LARGEST)
    found = []
    for name, rule in RULES.items():
        value = rule.usual
        if rule.limits is not None and value is None:
            value = min(max(tail_threshold, rule.limits[0]), rule.limits[1])
        found.append(TailRule(name, value))
    return found


DEFAULT = above(0.5)
"""What a CIF does in inference unless its configuration says otherwise. `integrate_and_fire` and
`CIFState.flush` alone, being Algorithm 1 of the paper, have no tail: `drop`."""
