"""The quantity loss: as many tokens as were said."""

from __future__ import annotations

from torch import Tensor

from cifviz.core.firing import Firing
from cifviz.core.validation import check_lengths
from cifviz.errors import require_type


def quantity_loss(firing: Firing, target_lengths: Tensor) -> Tensor:
    """Difference between the sum of the weights and the number of tokens, per token.

    Parameters
    ----------
    firing : Firing
        Its *unscaled* weights are judged: scaled ones always sum to the right number.
    target_lengths : Tensor (batch,), integers
        Number of tokens of each utterance, N.

    Returns
    -------
    Tensor ()
        ``Σ_b |Σ_t α_bt / β − N_b| / max(1, Σ_b N_b)``.

    Raises
    ------
    CIFError
        If `firing` is no `Firing` or `target_lengths` not one integer >= 0 for each utterance.

    Examples
    --------
    Weights that sum to 1.5 where two tokens were said:

    >>> import torch
    >>> from cifviz.core.firing import integrate_and_fire
    >>> firing = integrate_and_fire(torch.full((1, 3), 0.5), torch.eye(3)[None])
    >>> quantity_loss(firing, torch.tensor([2]))
    tensor(0.2500)

    Notes
    -----
    Paper: Dong & Xu (2020), section 2.2.
    """
    require_type("firing", firing, Firing)
    target_lengths = check_lengths("target_lengths", target_lengths, firing.alpha)
    difference = firing.weight_sum / firing.threshold - target_lengths
    return difference.abs().sum() / target_lengths.sum().clamp(min=1)
