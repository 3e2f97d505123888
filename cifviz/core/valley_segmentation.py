"""Valley segmentation: cut the weights into as many tokens as fired, where the weights are least.

The position of a fire depends on the sum of all weights before it, so that an error in the weight
of one token moves the ends of all later ones. With cuts in valleys, such an error stays local.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cifviz.core.firing import Firing
from cifviz.errors import require, require_type

BAND = 1.5
"""Tokens by which a cut may lie before or behind its fire, on the mass axis. In speech of hundreds
of tokens, errors of their masses may add up to more; but a wider band was worse there, since such
utterances rarely come out with the right number of tokens, and one too many then spreads its error
over all the others instead of over its neighbours."""


_AT_ONCE = 1 << 20
"""Pairs of cuts that are compared at once: more than there are in speech without long silence."""


def segment_ends(firing: Firing) -> Tensor:
    """Ends of the tokens on the mass axis, each in a valley of the weights.

    Parameters
    ----------
    firing : Firing
        Of one utterance, with N fires.

    Returns
    -------
    Tensor (fires,), float64
        In units of weight, like `Firing.token_masses`; the last is the sum of all weights. Of all
        ways to cut the utterance between frames those that minimise
        ``Σ_i (m_i − 1)² + Σ_cuts low / max α``, where m_i is the mass between two cuts, in tokens
        once all weights are scaled to the sum N, and low the smaller one of the weights on the two
        sides of a cut; by dynamic programming, each cut at most 1.5 tokens from its fire.

    Raises
    ------
    CIFError
        If the firing is that of a batch.

    See Also
    --------
    cifviz.alignment.timed_tokens.Edges : reads word edges inside these segments.

    Examples
    --------
    The first token weighs 1.25, the second 0.75: the fire takes a frame of the first away, the cut
    goes through the gap.

    >>> from cifviz.core.firing import integrate_and_fire
    >>> alpha = torch.tensor([[0.5, 0.5, 0.25, 0.0, 0.5, 0.25]])
    >>> firing = integrate_and_fire(alpha, torch.eye(6)[None])
    >>> firing.token_masses.tolist()
    [[1.0, 2.0]]
    >>> segment_ends(firing).tolist()
    [1.25, 2.0]
    """
    # 1. Mass before each frame in tokens, and how deep the valley there is.
    require_type("firing", firing, Firing)
    require(len(firing) == 1, f"one utterance is cut at a time, got a batch of {len(firing)}")
    alpha = firing.scaled_alpha[0, : int(firing.frame_lengths[0])].detach().double().cpu()
    fires = int(firing.num_fires[0])
    running = torch.cat([alpha.new_zeros(1), alpha.cumsum(dim=0)])
    total = running[-1]
    if not fires or not total:
        return total.expand(fires)
    mass = running * fires / total
    sides = torch.nn.functional.pad(alpha, (1, 1))
    depth = torch.minimum(sides[:-1], sides[1:]) / alpha.max()

    # 2. The best way to each cut, each within the band around its fire.
    wanted = torch.arange(1, fires, dtype=mass.dtype)
    first = torch.searchsorted(mass, wanted - BAND).tolist()
    behind = torch.searchsorted(mass, wanted + BAND, right=True).tolist()
    places, cost = torch.zeros(1, dtype=torch.long), alpha.new_zeros(1)
    ways: list[tuple[Tensor, Tensor]] = []
    for token in range(1, fires):
        near = torch.arange(first[token - 1], behind[token - 1])
        if not len(near):  # a frame that weighs several tokens jumps over the whole band
            near = (mass - token).abs().argmin().view(1)
        least, way = _least(near, places, mass, cost)
        ways.append((places, way))
        places, cost = near, least + depth[near]
    # 3. Walk back along the best way.
    way = ((mass[-1] - mass[places] - 1).square() + cost).argmin()
    cuts = [len(alpha)]
    for before, back in reversed(ways):
        cuts.append(int(places[way]))
        places, way = before, back[way]
    return running[torch.tensor(cuts[::-1])]


def _least(near: Tensor, places: Tensor, mass: Tensor, cost: Tensor) -> tuple[Tensor, Tensor]:
    """The least cost of each cut of `near` behind one of `places`, and behind which.

    The later a cut, the later the best one before it: mass never falls, so that the square favours
    later ones the more. Where there are many, as in long silence, the best one of the cut in the
    middle divides all pairs in two smaller parts: N log N of them are compared instead of N².
    """
    if len(near) * len(places) <= _AT_ONCE or len(near) == 1:
        wrong = (mass[near].unsqueeze(1) - mass[places] - 1).square() + cost
        least, way = wrong.masked_fill(near.unsqueeze(1) < places, torch.inf).min(dim=1)
        return least, way
    middle = len(near) // 2
    best = int(_least(near[middle : middle + 1], places, mass, cost)[1])
    early = _least(near[:middle], places[: best + 1], mass, cost[: best + 1])
    late = _least(near[middle:], places[best:], mass, cost[best:])
    return torch.cat([early[0], late[0]]), torch.cat([early[1], late[1] + best])
