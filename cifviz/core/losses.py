"""Losses on the weights: how many tokens they sum to, and where their mass lies.

`quantity_loss` looks at sums alone, as scaling does: neither minds where a token's weight lies. The
others compare it with CTC's paths or with known times. They leave out utterances of which a span is
negative (unknown). All judge the *unscaled* weights of a `Firing` in tokens (divided by β), are
sums over the batch divided by the number of its tokens, Σ_b N_b, at least 1, and raise `CIFError`
if shapes disagree.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from cifviz.core.firing import Firing
from cifviz.core.validation import check_lengths, described, valid_mask
from cifviz.errors import require, require_type

FARTHEST = 10.0
"""Squared differences of `spike_mass_loss` are cut here."""


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
    Weights that sum to 1.5 where the reference has two tokens:

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
    is_token, known = _known(firing, spans, target_lengths)
    mass = _mass_before(firing, _cuts(firing, spans, is_token)).diff(dim=1)
    return _per_token((mass - 1).abs() * (is_token & known), firing, target_lengths)


def spike_mass_loss(firing: Firing, spans: Tensor, target_lengths: Tensor) -> Tensor:
    """Like `segment_mass_loss`, but asks for i tokens' mass before the end of the i-th token.

    Parameters
    ----------
    firing, spans, target_lengths
        As there; the spans are those of CTC's spikes.

    Returns
    -------
    Tensor ()
        ``Σ_b Σ_i min((S(end of token i) / β − i)², 10) / max(1, Σ_b N_b)``, i counted from 1.

    Examples
    --------
    The first token ends behind frame 0 with half its mass, the second with all of it:

    >>> from cifviz.core.firing import integrate_and_fire
    >>> firing = integrate_and_fire(torch.tensor([[0.5, 0.5, 1.0]]), torch.eye(3)[None])
    >>> spike_mass_loss(firing, torch.tensor([[[0, 1], [2, 3]]]), torch.tensor([2]))
    tensor(0.1250)

    Notes
    -----
    Source: the "align" quantity loss of github.com/George0828Zhang/simulst (Chang & Lee, 2022),
    where it is a mean by utterance and the target is what is cut. Also one of two reconstructions
    of the loss by which CTC's spikes guide a CIF in Yu et al. (2021, arXiv 2104.04702); the other
    is `spike_segment_mass_loss`.
    """
    is_token, known = _known(firing, spans, target_lengths)
    count = torch.arange(1, spans.shape[1] + 1, device=spans.device)
    wrong = (_mass_before(firing, spans[:, :, 1].double()) - count).square().clamp(max=FARTHEST)
    return _per_token(wrong * (is_token & known), firing, target_lengths)


def spike_segment_mass_loss(firing: Firing, spans: Tensor, target_lengths: Tensor) -> Tensor:
    """Like `segment_mass_loss`, but cut at the ends of tokens, as `spike_mass_loss` is.

    A token's mass is asked for between the end of the token before it and its own end, so that it
    fires at its spike. `spike_mass_loss` asks for the same weights, but a mistake at one token is
    judged there at all tokens behind it too; here each segment is judged alone.

    Parameters
    ----------
    firing, spans, target_lengths
        As there; the spans are those of CTC's spikes.

    Returns
    -------
    Tensor ()
        ``Σ_b Σ_i |S(end of token i) − S(end of token i−1) − β| / (β · max(1, Σ_b N_b))``, where the
        token before the first ends at 0. What follows the last token is not judged.

    Examples
    --------
    Half a token before the end of the first, which lacks ½, and one and a half before that of the
    second, ½ too much:

    >>> from cifviz.core.firing import integrate_and_fire
    >>> firing = integrate_and_fire(torch.tensor([[0.5, 0.5, 1.0]]), torch.eye(3)[None])
    >>> spike_segment_mass_loss(firing, torch.tensor([[[0, 1], [2, 3]]]), torch.tensor([2]))
    tensor(0.5000)

    Notes
    -----
    One of two reconstructions of the loss by which CTC's spikes guide a CIF in Yu et al. (2021,
    arXiv 2104.04702); the other is `spike_mass_loss`. Where each spike is one frame and no other
    frame is likely to hold a token, `border_mass_loss` is the same.
    """
    is_token, known = _known(firing, spans, target_lengths)
    mass = _mass_before(firing, pad(spans[:, :, 1].double(), (1, 0))).diff(dim=1)
    return _per_token((mass - 1).abs() * (is_token & known), firing, target_lengths)


def border_mass_loss(firing: Firing, blank_probability: Tensor, target_lengths: Tensor) -> Tensor:
    """Like `segment_mass_loss`, but between all frames in which CTC finds a token.

    Parameters
    ----------
    firing : Firing
        Its weights are judged.
    blank_probability : Tensor (batch, frames)
        CTC's probability of the blank. Frames where it is below ½ are borders.
    target_lengths : Tensor (batch,), integers
        Number of tokens of each utterance, N; only for the mean.

    Returns
    -------
    Tensor ()
        ``Σ_b Σ_k |a_bk − β| / (β · max(1, Σ_b N_b))``: a_k is the weight behind border k − 1 up to
        and with border k. What follows the last border is not judged.

    Examples
    --------
    A spike of two frames is two borders, and the second stands alone with its frame:

    >>> from cifviz.core.firing import integrate_and_fire
    >>> firing = integrate_and_fire(torch.tensor([[0.5, 0.5, 0.5, 0.5]]), torch.eye(4)[None])
    >>> border_mass_loss(firing, torch.tensor([[1.0, 0.0, 0.0, 1.0]]), torch.tensor([2]))
    tensor(0.2500)

    Notes
    -----
    Source: the CTC-constrained CIF of github.com/MingLunHan/CIF-HieraDist (Han et al., 2023), where
    it judges scaled weights and sums over the batch.
    """
    require_type("firing", firing, Firing)
    target_lengths = check_lengths("target_lengths", target_lengths, firing.alpha)
    require(
        blank_probability.shape == firing.alpha.shape,
        f"blank_probability must be (batch, frames) = {tuple(firing.alpha.shape)}, "
        f"got {described(blank_probability)}",
    )
    real = valid_mask(firing.frame_lengths, firing.alpha.shape[1])
    borders = (blank_probability < 0.5) & real
    segment = borders.long().cumsum(dim=1) - borders.long()  # a border ends its own segment
    count = borders.sum(dim=1, keepdim=True)
    sums = torch.zeros_like(firing.alpha, dtype=torch.float64).scatter_add(
        1, segment, firing.alpha.double()
    )
    judged = torch.arange(sums.shape[1], device=sums.device) < count
    wrong = (sums / firing.threshold - 1).abs() * judged
    return _per_token(wrong, firing, target_lengths)


def even_mass_loss(firing: Firing, spans: Tensor, target_lengths: Tensor) -> Tensor:
    """How far each token's weight is from one, and from being spread evenly over its sound.

    Weight that is spread evenly has no thin places inside a token, so that every quantile of its
    mass is a well-conditioned time; between tokens there is none.

    Evenness and mass are two terms. One term for both would ask for a weight of 1 over the token's
    length, which cannot be predicted at the token's beginning. So a frame is compared with its
    share of the token, and the token's mass with one token.

    Parameters
    ----------
    firing : Firing
        Its weights are judged.
    spans : Tensor (batch, tokens, 2)
        Where each token begins and ends, in fractional frames: known times, since CTC's spikes are
        much shorter than the sounds.
    target_lengths : Tensor (batch,), integers
        Number of tokens of each utterance, N. Where it is 0, no weight is right.

    Returns
    -------
    Tensor ()
        ``Σ_b (Σ_t |share_bt − Σ_i overlap(t, i) / length(i)| + Σ_i |m_bi − 1|) / max(1, Σ_b N_b)``:
        m_i is the mass between the cuts around token i, which are those of `segment_mass_loss`, in
        tokens. share_t is ``α_t / (β · max(m_i, 0.1))`` for the token i between whose cuts the
        middle of frame t lies, ``α_t / β`` where N = 0. overlap is how much of frame t lies inside
        token i, length how long that is, both in frames.

    Examples
    --------
    One token, from the middle of frame 0 to the end of frame 1. Spread as it sounds, ⅓ and ⅔ of it,
    but half a token too heavy:

    >>> from cifviz.core.firing import integrate_and_fire
    >>> spans, lengths = torch.tensor([[[0.5, 2.0]]]), torch.tensor([1])
    >>> firing = integrate_and_fire(torch.tensor([[0.5, 1.0, 0.0]]), torch.eye(3)[None])
    >>> even_mass_loss(firing, spans, lengths)
    tensor(0.5000)

    All of it in frame 1: it has a share of ⅓ too much there, and as much too little in frame 0.

    >>> firing = integrate_and_fire(torch.tensor([[0.0, 1.5, 0.0]]), torch.eye(3)[None])
    >>> even_mass_loss(firing, spans, lengths)
    tensor(1.1667)
    """
    is_token, known = _known(firing, spans, target_lengths)
    alpha = firing.alpha.double() / firing.threshold
    frame = torch.arange(alpha.shape[1], device=spans.device)
    begin, end = (spans[:, :, side].unsqueeze(2).double() for side in (0, 1))
    overlap = (torch.minimum(end, frame + 1) - torch.maximum(begin, frame)).clamp(min=0)
    wanted = (overlap / (end - begin).clamp(min=1e-3) * is_token.unsqueeze(2)).sum(dim=1)
    cuts = _cuts(firing, spans, is_token)
    mass = _mass_before(firing, cuts).diff(dim=1)
    # Each frame's share of its own token; without any token the weight itself is what is wrong.
    token = torch.searchsorted(cuts[:, 1:].contiguous(), (frame + 0.5).repeat(len(cuts), 1))
    if mass.shape[1]:
        own = mass.gather(1, token.clamp(max=mass.shape[1] - 1)).clamp(min=0.1)
        alpha = torch.where(target_lengths.unsqueeze(1) > 0, alpha / own, alpha)
    real = valid_mask(firing.frame_lengths, alpha.shape[1])
    wrong = ((alpha - wanted).abs() * (real & known)).sum(dim=1)
    wrong = wrong + ((mass - 1).abs() * (is_token & known)).sum(dim=1)
    return _per_token(wrong, firing, target_lengths)


def _cuts(firing: Firing, spans: Tensor, is_token: Tensor) -> Tensor:
    """Begin of the utterance, middles of the gaps between tokens, and its end, repeated."""
    ends = firing.frame_lengths.unsqueeze(1).double()
    between = (spans[:, :-1, 1] + spans[:, 1:, 0]).double() / 2
    cuts = torch.where(is_token[:, 1:], between, ends)
    return torch.cat([torch.zeros_like(ends), cuts, ends], dim=1)[:, : spans.shape[1] + 1]


def _known(firing: Firing, spans: Tensor, target_lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Which places hold a token (batch, tokens), and where all spans are known (batch, 1)."""
    require_type("firing", firing, Firing)
    alpha = firing.alpha
    require(
        spans.ndim == 3 and spans.shape[0] == len(alpha) and spans.shape[2] == 2,
        f"spans must be (batch, tokens, 2) with batch = {len(alpha)}, got {described(spans)}",
    )
    lengths = check_lengths("target_lengths", target_lengths, alpha, spans.shape[1])
    is_token = valid_mask(lengths, spans.shape[1])
    return is_token, ~((spans < 0).any(dim=2) & is_token).any(dim=1, keepdim=True)


def _mass_before(firing: Firing, frames: Tensor) -> Tensor:
    """Weight in tokens before each fractional frame (batch, places), evenly spread in a frame."""
    running = pad(firing.alpha.double().cumsum(dim=1), (1, 1))
    running[:, -1] = running[:, -2]  # nothing behind the end
    whole = frames.floor().long().clamp(min=0, max=firing.alpha.shape[1])
    below, above = running.gather(1, whole), running.gather(1, whole + 1)
    return (below + (frames - whole) * (above - below)) / firing.threshold


def _per_token(wrong: Tensor, firing: Firing, target_lengths: Tensor) -> Tensor:
    return (wrong.sum() / target_lengths.sum().clamp(min=1)).to(firing.alpha.dtype)
