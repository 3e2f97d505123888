"""`tail_rules`: every rule of `cifviz.core.tail` as a function from weights to contributions."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from cifviz.core.firing import integrate_and_fire
from cifviz.core.tail import TailRule, every_rule
from cifviz.core.validation import require_tensor
from cifviz.errors import require, require_number

TailContributions = Callable[[Tensor], Tensor]
"""From the weights of one utterance (1, frames) to W (fires, frames), float64."""


def tail_rules(tail_threshold: float = 0.5, *, slack: float = 0.0) -> dict[str, TailContributions]:
    """The tail rules by name, at β = 1.

    Parameters
    ----------
    tail_threshold : float >= 0
        τ of the rules that take one, such as `above`; they are named after it.
    slack : float, 0 <= slack < 1
        δ of the rules that leave the full tokens alone and fill theirs, such as `above`: a token
        fires already within δ of full. Where the sources of the others run, there is none.

    Returns
    -------
    dict of str to callable
        ``rule(alpha)`` takes the weights of one utterance (1, frames) and gives W (fires, frames),
        float64.

    Raises
    ------
    CIFError
        If a setting is out of range; by a rule, if `alpha` are not the weights of one utterance.

    Examples
    --------
    Seven frames of 0.4 sum to 2.8: two full tokens, and a residual of 0.8.

    >>> import torch
    >>> alpha = torch.full((1, 7), 0.4)
    >>> rules = tail_rules()
    >>> for name in ("drop", "above 0.5", "appended 0.45", "dynamic"):
    ...     tokens = rules[name](alpha)
    ...     print(f"{name:13} {len(tokens)} tokens, the last of {tokens[-1].sum():.2f}")
    drop          2 tokens, the last of 1.00
    above 0.5     3 tokens, the last of 1.00
    appended 0.45 3 tokens, the last of 0.80
    dynamic       3 tokens, the last of 0.93

    See Also
    --------
    cifviz.core.tail : the rules themselves.
    cifviz.core.dialects : code bases with all else that they do.

    Notes
    -----
    Notebook: notebooks/05_tail_handling.ipynb
    """
    require_number("slack", slack, at_least=0, below=1)

    def contributions(tail: TailRule) -> TailContributions:
        def rule(alpha: Tensor) -> Tensor:
            alpha = require_tensor("alpha", alpha, "batch", "frames")
            require(len(alpha) == 1, f"expected the weights of one utterance, got {len(alpha)}")
            early = slack if tail.fills and not tail.scales else 0.0
            firing = integrate_and_fire(alpha, alpha.unsqueeze(2), slack=early, tail=tail)
            return firing.contributions[0]

        return rule

    return {str(tail): contributions(tail) for tail in every_rule(tail_threshold)}
