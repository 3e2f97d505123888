"""Losses on the weights themselves."""

from __future__ import annotations

import torch
from torch import Tensor

from cifviz.core.firing import Firing
from cifviz.core.masks import check_lengths, described, valid_mask
from cifviz.errors import require, require_type


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


def segment_mass_loss(firing: Firing, spans: Tensor, target_lengths: Tensor) -> Tensor:
    """How far the mass around each token is from one token's, per token.

    The utterance is cut in the middle of the gaps between tokens; what lies between two cuts should
    weigh β. That keeps a token's weight at its sound, which scaling and the quantity loss do not
    ask for.

    Parameters
    ----------
    firing : Firing
        Its *unscaled* weights are judged.
    spans : Tensor (batch, tokens, 2)
        First frame of each token and the one after its last, such as `ctc_viterbi` gives. An
        utterance of which a span is negative is left out.
    target_lengths : Tensor (batch,), integers
        Number of tokens of each utterance, N.

    Returns
    -------
    Tensor ()
        ``Σ_b Σ_i |S(cut_{i+1}) − S(cut_i) − β| / (β · max(1, Σ_b N_b))``, where S is the running
        sum of the weights, ``cut_0 = 0``, ``cut_N`` the end of the utterance and the others
        ``(end of token i−1 + begin of token i) / 2``, in fractional frames.

    Raises
    ------
    CIFError
        If shapes disagree.

    Examples
    --------
    Two tokens, cut between frames 1 and 2. All the weight stands before it, one token's too much:

    >>> from cifviz.core.firing import integrate_and_fire
    >>> firing = integrate_and_fire(torch.tensor([[1.0, 1.0, 0.0, 0.0]]), torch.eye(4)[None])
    >>> segment_mass_loss(firing, torch.tensor([[[0, 1], [3, 4]]]), torch.tensor([2]))
    tensor(1.)

    Notes
    -----
    Related: CIF-HieraDist's CTC-constrained CIF (Han et al., 2023), which asks the same of the
    weights between CTC spikes instead of between gaps.
    """
    require_type("firing", firing, Firing)
    alpha = firing.alpha
    target_lengths = check_lengths("target_lengths", target_lengths, alpha, spans.shape[1])
    require(
        spans.ndim == 3 and spans.shape[0] == len(alpha) and spans.shape[2] == 2,
        f"spans must be (batch, tokens, 2) with batch = {len(alpha)}, got {described(spans)}",
    )
    said = valid_mask(target_lengths, spans.shape[1])
    known = ~((spans < 0).any(dim=2) & said).any(dim=1, keepdim=True)
    ends = firing.frame_lengths.unsqueeze(1).double()
    between = (spans[:, :-1, 1] + spans[:, 1:, 0]).double() / 2
    cuts = torch.where(said[:, 1:], between, ends)
    cuts = torch.cat([torch.zeros_like(ends), cuts, ends], dim=1)[:, : spans.shape[1] + 1]
    running = torch.nn.functional.pad(alpha.double().cumsum(dim=1), (1, 1))
    running[:, -1] = running[:, -2]  # nothing behind the end
    whole = cuts.floor().long().clamp(min=0, max=alpha.shape[1])
    below, above = running.gather(1, whole), running.gather(1, whole + 1)
    mass = below + (cuts - whole) * (above - below)
    wrong = (mass.diff(dim=1) / firing.threshold - 1).abs() * (said & known)
    return (wrong.sum() / target_lengths.sum().clamp(min=1)).to(alpha.dtype)
