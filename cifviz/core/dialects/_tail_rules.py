"""Like `tail`, but of others too: what is done about the weight left at the end, rule by rule.

All of them say where tokens end on the mass axis, and how much a token is made of. At β = 1, with S
the sum of the weights and r = S − ⌊S⌋ the rest:

- "no tail" drops the rest;
- "> τ" and "≥ τ" fire it if it is enough, rescaled to a full token (CIF-PyTorch; torch_cif);
- "0.45 appended" adds an empty frame of weight 0.45 and rounds down, so that a rest fires from 0.55
  on, and is not rescaled (FunASR, WeNet);
- "scaled to round(Σα)" leaves no rest: all weights are scaled first (w2v-cif-bert, E-Paraformer);
- "dynamic threshold" neither: ⌈S⌉ tokens of S / ⌈S⌉ each (the paper of Paraformer).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor

from cifviz.core.dialects import DIALECTS
from cifviz.core.firing import integrate_and_fire
from cifviz.core.validation import require_tensor
from cifviz.errors import require, require_number

Rule = Callable[[Tensor], Tensor]
"""From the weights of one utterance (1, frames) to W (fires, frames), float64."""

APPENDED = 0.45
"""Weight of the empty frame in FunASR and WeNet."""


def tail_rules(tail_threshold: float = 0.5, *, slack: float = 0.0) -> dict[str, Rule]:
    """The rules by name, at β = 1.

    Parameters
    ----------
    tail_threshold : float > 0
        τ of "> τ" and "≥ τ", which are named after it.
    slack : float, 0 <= slack < 1
        δ of the three rules that may leave a rest: a token fires already within δ of full.

    Returns
    -------
    dict of str to callable
        ``rule(alpha)`` takes the weights of one utterance (1, frames) and gives W (fires, frames),
        float64. Not of a batch: padding, which some sources of these rules look at, has no say.

    Raises
    ------
    CIFError
        If a setting is out of range; by a rule, if `alpha` are not the weights of one utterance.

    Examples
    --------
    Seven frames of 0.4 sum to 2.8: two full tokens, and a rest that all rules but the first fire.

    >>> import torch
    >>> alpha = torch.full((1, 7), 0.4)
    >>> for name, rule in tail_rules().items():
    ...     print(f"{name:20} {len(rule(alpha))} tokens, the last of {rule(alpha)[-1].sum():.2f}")
    no tail              2 tokens, the last of 1.00
    > 0.5                3 tokens, the last of 1.00
    ≥ 0.5                3 tokens, the last of 1.00
    0.45 appended        3 tokens, the last of 0.80
    scaled to round(Σα)  3 tokens, the last of 1.00
    dynamic threshold    3 tokens, the last of 0.93

    See Also
    --------
    cifviz.core.dialects : the same rules with all else that their sources do.

    Notes
    -----
    Notebook: notebooks/04_tail_handling.ipynb
    """
    require_number("tail_threshold", tail_threshold, above=0)
    require_number("slack", slack, at_least=0, below=1)

    def drop_or_fire(threshold: float | None) -> Rule:
        def rule(alpha: Tensor) -> Tensor:
            alpha = _one(alpha)
            firing = integrate_and_fire(
                alpha, alpha.unsqueeze(2), slack=slack, tail_threshold=threshold
            )
            return firing.contributions[0]

        return rule

    return {
        "no tail": drop_or_fire(None),
        f"> {tail_threshold:g}": drop_or_fire(tail_threshold),
        # What is above the number before τ is at least τ.
        f"≥ {tail_threshold:g}": drop_or_fire(math.nextafter(tail_threshold, 0.0)),
        f"{APPENDED:g} appended": _appended,
        "scaled to round(Σα)": _scaled,
        "dynamic threshold": _dynamic,
    }


def _appended(alpha: Tensor) -> Tensor:
    alpha = _one(alpha)
    given = DIALECTS["paraformer_v2"].contributions(alpha, tail_threshold=APPENDED)
    return given.weights[0, : int(given.num_fires), : alpha.shape[1]].double()


def _scaled(alpha: Tensor) -> Tensor:
    tokens = _one(alpha).double().sum(dim=1).round().long()
    return integrate_and_fire(alpha, alpha.unsqueeze(2), target_lengths=tokens).contributions[0]


def _dynamic(alpha: Tensor) -> Tensor:
    return DIALECTS["paraformer_dynamic"].contributions(_one(alpha)).weights[0].double()


def _one(alpha: Tensor) -> Tensor:
    alpha = require_tensor("alpha", alpha, "batch", "frames")
    require(len(alpha) == 1, f"expected the weights of one utterance, got {len(alpha)}")
    return alpha
