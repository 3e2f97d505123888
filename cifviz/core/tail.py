"""What happens to the weight left after the last fire.

An utterance rarely ends exactly on a fire. The rest is either dropped or, if there is enough of it,
fired as one more token. The rule looks at the residual alone: neither the padding behind an
utterance nor its neighbours in the batch can change it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cifviz.errors import CIFError, is_number, shown


def tail_fires(residual: Tensor, tail_threshold: float | None) -> Tensor:
    """Decide which utterances fire their rest as one more token.

    Parameters
    ----------
    residual : Tensor (batch,)
        Weight left after the last fire.
    tail_threshold : float >= 0, optional
        τ, in units of weight; None drops every rest.

    Returns
    -------
    Tensor (batch,) of bool
        ``residual > tail_threshold``. The token that fires is rescaled to a full one.

    Raises
    ------
    CIFError
        If `tail_threshold` is neither None nor a number >= 0.

    Examples
    --------
    Exactly at the threshold nothing fires.

    >>> tail_fires(torch.tensor([0.3, 0.5, 0.8]), 0.5)
    tensor([False, False,  True])
    """
    if tail_threshold is None:
        return torch.zeros_like(residual, dtype=torch.bool)
    if not (is_number(tail_threshold) and tail_threshold >= 0):
        raise CIFError(f"tail_threshold must be a number >= 0 or None, got {shown(tail_threshold)}")
    return residual > tail_threshold
