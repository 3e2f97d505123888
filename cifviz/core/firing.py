"""`integrate_and_fire`: from frame weights and encoder output to token embeddings.

Everything happens on the *mass axis*: the weights laid end to end. Frame t owns ``[S_t, S_{t+1}]``,
token i owns ``[iβ, (i+1)β]``, and what frame t contributes to token i is the length of their
overlap. Running sums are float64 whatever the dtype of the weights, so no token is lost in adding.
Apple's MPS devices have no float64: on them, move the weights and the encoder output to the CPU.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from cifviz.core.masks import (
    check_lengths,
    described,
    require_tensor,
    require_weights,
    valid_mask,
)
from cifviz.core.scaling import scale_to_length
from cifviz.core.tail import tail_fires
from cifviz.errors import CIFError, require, require_integer, require_number

MOST_TOKENS = 1_000_000
"""More in one utterance are refused: they are a mistake, and would fill the memory."""


@dataclass(frozen=True, eq=False)
class Firing:
    """What came out of `integrate_and_fire`, with everything needed to see how.

    Entries beyond an utterance's ``num_fires`` or ``frame_lengths`` are zero.
    """

    alpha: Tensor
    """Weights as given, zero at padded frames (batch, frames)."""
    scaled_alpha: Tensor
    """Weights as used: scaled in training, otherwise as given (batch, frames)."""
    frame_lengths: Tensor
    """Real frames of each utterance (batch,)."""
    threshold: float
    """β, the mass that a token takes."""
    slack: float
    """δ, how far below full a token may fire."""
    embeddings: Tensor
    """Integrated embeddings c_i (batch, fires, dim). A `CIF` with ``add_cif_ctxt_layers`` replaces
    them by what its context layers make of them."""
    num_fires: Tensor
    """Tokens of each utterance, the tail's included (batch,)."""
    tail_fired: Tensor
    """True where the last token is the weight left at the end, rescaled to a full one (batch,)."""
    token_masses: Tensor
    """Ends of the tokens on the mass axis, float64 (batch, fires); one begins where one ends."""
    fire_positions: Tensor
    """Ends of the tokens in fractional frames, float64 (batch, fires)."""
    residual: Tensor
    """Weight left after the last full token, before any tail rule, float64 (batch,)."""
    exact: bool = False
    """True if the number of tokens was given: the last one then ends where the weights end."""

    @property
    def weight_sum(self) -> Tensor:
        """Sum of the weights as given, Σα (batch,): what the quantity loss compares with N."""
        return self.alpha.sum(dim=1)

    @property
    def accumulated(self) -> Tensor:
        """Integrator after each frame and the fires in it, float64 (batch, frames).

        ``S_{t+1} − β · (full tokens so far)``; negative where a token borrowed within the slack.
        """
        mass = _running_mass(self.scaled_alpha)
        reached = mass.unsqueeze(1) >= (self.token_masses - self.slack).unsqueeze(2)
        fired = (reached & self._is_full.unsqueeze(2)).sum(dim=1)
        return (mass - self.threshold * fired.double()) * valid_mask(
            self.frame_lengths, mass.shape[1]
        )

    @property
    def contributions(self) -> Tensor:
        """What each frame gives to each token, W (batch, fires, frames), float64.

        ``embeddings = W @ encoder_out`` (before any context layers). Rows sum to β (in training the
        last one carries the rounding); an entry is negative only where a token borrowed within the
        slack.
        """
        mass = _running_mass(self.scaled_alpha).unsqueeze(1)
        ends = self.token_masses.unsqueeze(2)
        reached = self._is_full.unsqueeze(2) & (mass >= ends - self.slack)
        given = torch.where(reached, ends, mass)  # M_{i+1}(t): what tokens 0…i hold after frame t
        weights = given.diff(dim=1, prepend=torch.zeros_like(mass))
        weights = weights.diff(dim=2, prepend=torch.zeros_like(ends))
        return weights * self._fill.unsqueeze(2)

    def frames_at_mass(self, mass: Tensor) -> Tensor:
        """Fractional frame at which the running sum of the weights reaches each mass.

        Parameters
        ----------
        mass : Tensor (batch, points)
            Positions on the mass axis, in units of weight.

        Returns
        -------
        Tensor (batch, points), float64
            ``t + (mass − S_t) / α_t`` for the first frame t with ``S_{t+1} >= mass``; the end of
            the utterance for a mass that is never reached. Its condition number is 1/α: read it
            where the weights are large.

        Examples
        --------
        >>> firing = integrate_and_fire(torch.tensor([[0.5, 0.5, 1.0]]), torch.eye(3)[None])
        >>> firing.frames_at_mass(torch.tensor([[0.25, 1.0, 1.5]]))
        tensor([[0.5000, 2.0000, 2.5000]], dtype=torch.float64)
        """
        require(
            isinstance(mass, Tensor) and mass.ndim == 2 and len(mass) == len(self),
            f"mass must be a tensor (batch, points) = ({len(self)}, points), got {described(mass)}",
        )
        require(not mass.isnan().any(), "mass must hold numbers, got NaN")
        return _frames_at_mass(self.scaled_alpha, self.frame_lengths, mass)

    def utterance(self, index: int) -> Firing:
        """The same for one utterance alone, padding cut off (a batch of one).

        An index below 0 counts from the end.

        >>> alpha = torch.tensor([[0.6, 0.6, 0.0], [0.9, 0.9, 0.9]])
        >>> firing = integrate_and_fire(alpha, torch.eye(3).expand(2, 3, 3))
        >>> firing.utterance(0).embeddings.shape
        torch.Size([1, 1, 3])
        """
        index = require_integer("utterance index", index)
        if not -len(self) <= index < len(self):
            raise CIFError(f"utterance must be an index into a batch of {len(self)}, got {index}")
        frames, fires = int(self.frame_lengths[index]), int(self.num_fires[index])
        row = {name: value[index].unsqueeze(0) for name, value in self._tensors.items()}
        for name in ("alpha", "scaled_alpha"):
            row[name] = row[name][:, :frames]
        for name in ("embeddings", "token_masses", "fire_positions"):
            row[name] = row[name][:, :fires]
        return replace(self, **row)

    def cpu(self) -> Firing:
        """The same on the CPU, detached from whatever computed it."""
        return replace(
            self, **{name: value.detach().cpu() for name, value in self._tensors.items()}
        )

    def __len__(self) -> int:
        """Number of utterances in the batch."""
        return len(self.num_fires)

    def __iter__(self) -> Iterator[Firing]:
        """The utterances of the batch, one by one."""
        return (self.utterance(index) for index in range(len(self)))

    @property
    def _tensors(self) -> dict[str, Any]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Tensor)}

    @property
    def _is_full(self) -> Tensor:
        """True for tokens that end at a multiple of β, not where the weights end (batch, fires)."""
        ends_with_weights = self.tail_fired | self.exact
        return valid_mask(self.num_fires - ends_with_weights.long(), self.token_masses.shape[1])

    @property
    def _fill(self) -> Tensor:
        """Factor on each token (batch, fires): 0 beyond the last, β / residual for a tail."""
        is_token = valid_mask(self.num_fires, self.token_masses.shape[1])
        is_tail = is_token & ~self._is_full & self.tail_fired.unsqueeze(1)
        tail = self.threshold / torch.where(self.tail_fired, self.residual, 1.0)
        return torch.where(is_tail, tail.unsqueeze(1), is_token.double())


def integrate_and_fire(
    alpha: Tensor,
    encoder_out: Tensor,
    *,
    frame_lengths: Tensor | None = None,
    target_lengths: Tensor | None = None,
    threshold: float = 1.0,
    slack: float = 0.0,
    tail_threshold: float | None = None,
) -> Firing:
    """Integrate encoder frames until their weights reach the threshold, then fire; again and again.

    Parameters
    ----------
    alpha : Tensor (batch, frames), >= 0
        Weight of each frame. One above `threshold` fires several times.
    encoder_out : Tensor (batch, frames, dim)
        Encoder output, one vector for each frame.
    frame_lengths : Tensor (batch,), integers, optional
        Real frames of each utterance; what stands behind them is ignored. Default: all frames.
    target_lengths : Tensor (batch,), integers, optional
        In training: number of tokens of each utterance. The weights are scaled to it and exactly so
        many tokens come out; the last one ends where the weights end and carries the rounding.
    threshold : float > 0
        β, the mass that a token takes, in units of `alpha`.
    slack : float, 0 <= slack < threshold
        δ: a token fires already within δ of full and borrows what it lacks from the next.
    tail_threshold : float >= 0, optional
        τ: without target lengths, a rest above τ fires one more token, rescaled to a full one.
        Default: the rest is dropped.

    Returns
    -------
    Firing
        ``embeddings[b, i] = Σ_t contributions[b, i, t] · encoder_out[b, t]``, where for δ = 0
        ``contributions[b, i, t]`` is the length of ``[S_t, S_{t+1}] ∩ [iβ, (i+1)β]``.

    Raises
    ------
    CIFError
        If shapes disagree, a weight is negative or not finite, `threshold` is not above 0, `slack`
        not in [0, threshold) or `tail_threshold` below 0, or if an utterance comes to more than
        a million tokens.

    Examples
    --------
    Three weights of 0.6: frame 1 completes the first token with 0.4 and carries 0.2 on. Fed the
    identity, any CIF shows its contributions.

    >>> alpha = torch.tensor([[0.6, 0.6, 0.6]])
    >>> firing = integrate_and_fire(alpha, torch.eye(3)[None])
    >>> firing.embeddings
    tensor([[[0.6000, 0.4000, 0.0000]]])
    >>> firing.fire_positions, firing.residual
    (tensor([[1.6667]], dtype=torch.float64), tensor([0.8000], dtype=torch.float64))

    The rest, 0.2 and 0.6, is worth a token to a tail threshold of 0.5:

    >>> integrate_and_fire(alpha, torch.eye(3)[None], tail_threshold=0.5).embeddings
    tensor([[[0.6000, 0.4000, 0.0000],
             [0.0000, 0.2500, 0.7500]]])

    See Also
    --------
    cifviz.core.reference.integrate_and_fire : the same for one utterance, in plain Python.

    Notes
    -----
    Algorithm 1 of the paper to the letter for β = 1 and weights up to 1: there a token fires at β
    but is charged 1, whereas here it takes β, and a frame may fire several times.

    Notebook: notebooks/01_integrate_and_fire.ipynb · Paper: Dong & Xu (2020), Algorithm 1
    """
    threshold = require_number("threshold", threshold, above=0)
    slack = require_number("slack (below the threshold)", slack, at_least=0, below=threshold)
    alpha, encoder_out, frame_lengths = _check_input(alpha, encoder_out, frame_lengths)
    if target_lengths is None:
        scaled_alpha = alpha
    else:
        target_lengths = check_lengths("target_lengths", target_lengths, alpha, MOST_TOKENS)
        scaled_alpha = scale_to_length(alpha, target_lengths, threshold)

    mass = _running_mass(scaled_alpha)
    total = mass[:, -1] if mass.shape[1] else mass.new_zeros(len(mass))
    _check_token_count(total, threshold)
    num_full = _count_full(total, target_lengths, threshold, slack)
    residual = total - num_full.double() * threshold
    tail_fired = tail_fires(residual, tail_threshold)
    if target_lengths is None:
        num_fires = num_full + tail_fired
    else:
        tail_fired = torch.zeros_like(tail_fired)
        num_fires = target_lengths

    with torch.no_grad():
        steps = torch.arange(
            1, int(num_fires.max()) + 1 if len(num_fires) else 1, device=alpha.device
        )
        is_full = steps <= num_full.unsqueeze(1)
        full_masses = (steps.double() * threshold).expand(len(alpha), -1)
        token_masses = torch.where(is_full, full_masses, total.unsqueeze(1))
        if (
            target_lengths is not None
        ):  # weights too small to be scaled must not end before they end
            token_masses = token_masses.minimum(total.unsqueeze(1))
        is_token = valid_mask(num_fires, len(steps))
        positions = _frames_at_mass(
            scaled_alpha, frame_lengths, token_masses, slack * is_full.double()
        )

    firing = Firing(
        alpha=alpha,
        scaled_alpha=scaled_alpha,
        frame_lengths=frame_lengths,
        threshold=threshold,
        slack=slack,
        embeddings=encoder_out,
        num_fires=num_fires,
        tail_fired=tail_fired,
        token_masses=token_masses * is_token,
        fire_positions=positions * is_token,
        residual=residual,
        exact=target_lengths is not None,
    )
    return replace(firing, embeddings=firing.contributions.to(encoder_out.dtype) @ encoder_out)


def _running_mass(alpha: Tensor) -> Tensor:
    """S_{t+1}, the sum of the weights up to and including frame t, float64 (batch, frames)."""
    return alpha.double().cumsum(dim=1)


def _check_token_count(total: Tensor, threshold: float) -> None:
    """Refuse weights that come to more tokens than any utterance has."""
    wrong = ~(total.detach() / threshold < MOST_TOKENS + 1)
    if wrong.any():
        row = int(wrong.nonzero()[0])
        raise CIFError(
            f"alpha must come to at most {MOST_TOKENS} tokens in an utterance, "
            f"got a sum of {float(total[row]):g} at a threshold of {threshold:g} in row {row}"
        )


def _count_full(
    total: Tensor, target_lengths: Tensor | None, threshold: float, slack: float
) -> Tensor:
    """Tokens that end at a multiple of β (batch,): in training, all but the last."""
    if target_lengths is not None:
        return (target_lengths - 1).clamp(min=0)
    most = math.floor((float(total.detach().max()) + slack) / threshold) + 1 if len(total) else 0
    ends = torch.arange(1, most + 1, device=total.device).double() * threshold
    return (total.unsqueeze(1) >= ends - slack).sum(dim=1)


def _frames_at_mass(
    alpha: Tensor, frame_lengths: Tensor, mass: Tensor, slack: Tensor | float = 0.0
) -> Tensor:
    """Fractional frames where the running sum reaches `mass`, found within `slack` of it."""
    if not alpha.shape[1]:
        return mass.new_zeros(mass.shape, dtype=torch.float64)
    weights = alpha.detach().double()
    running = weights.cumsum(dim=1)
    mass = mass.double().contiguous()
    frame = torch.searchsorted(running, (mass - slack).contiguous())
    inside = frame.clamp(max=alpha.shape[1] - 1)
    weight = weights.gather(1, inside)
    before = torch.cat([torch.zeros_like(running[:, :1]), running], dim=1).gather(1, inside)
    within = torch.where(weight > 0, (mass - before) / weight, 0.0).clamp(0, 1)
    return torch.where(frame < alpha.shape[1], inside + within, frame_lengths.double().unsqueeze(1))


def _check_input(
    alpha: Tensor, encoder_out: Tensor, frame_lengths: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Check shapes and values; return weights and encoder output with zeros at padded frames."""
    alpha = require_tensor("alpha", alpha, "batch", "frames")
    encoder_out = require_tensor("encoder_out", encoder_out, "batch", "frames", "dim")
    require(
        alpha.shape == encoder_out.shape[:2],
        f"alpha must be (batch, frames) = {tuple(encoder_out.shape[:2])} to match encoder_out "
        f"{tuple(encoder_out.shape)}, got {tuple(alpha.shape)}",
    )
    batch, frames = alpha.shape
    if frame_lengths is None:
        frame_lengths = torch.full((batch,), frames, device=alpha.device)
    else:
        frame_lengths = check_lengths("frame_lengths", frame_lengths, alpha, maximum=frames)
        padded = ~valid_mask(frame_lengths, frames)
        alpha = alpha.masked_fill(padded, 0)
        encoder_out = encoder_out.masked_fill(padded.unsqueeze(2), 0)
    return require_weights(alpha), encoder_out, frame_lengths
