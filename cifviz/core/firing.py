"""`integrate_and_fire`: from frame weights and encoder output to token embeddings.

Everything happens on the *mass axis*: the weights laid end to end. Frame t owns ``[S_t, S_{t+1}]``,
token i owns ``[iβ, (i+1)β]``, and what frame t contributes to token i is the length of their
overlap. Running sums are float64 whatever the dtype of the weights: adding float32 weights loses no
token.
Apple's MPS devices have no float64: on them, move the weights and the encoder output to the CPU.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from cifviz.core.float64 import in_float64
from cifviz.core.forward_mode import in_transform
from cifviz.core.graph_breaks import sizes_vary, without_graph
from cifviz.core.mass_axis import GivenAxis, MassAxis
from cifviz.core.one_node import LaidOut, in_one_node
from cifviz.core.scaling import scaled_to_length
from cifviz.core.tail import TailRule, drop
from cifviz.core.token_sums import small_sums, token_sums
from cifviz.core.validation import (
    check_lengths,
    described,
    number_in,
    require_all,
    require_tensor,
    require_weights,
    valid_mask,
)
from cifviz.errors import CIFError, require, require_integer, require_number, require_type

MOST_TOKENS = 1_000_000
"""More in one utterance are refused: they are a mistake, and would fill the memory."""
SOME = torch.finfo(torch.float64).tiny
"""The least weight: without any, nothing fires."""
LEAST_TAIL = 1e-150
"""A tail of less is rescaled as if it were so much: the square of a larger factor is infinite."""


@dataclass(frozen=True, eq=False)
class Firing:
    """What came out of `integrate_and_fire`, with everything needed to see how.

    Entries beyond an utterance's ``num_fires`` or ``frame_lengths`` are zero. Whatever is no count
    carries the gradients of the weights, and `embeddings` that of the encoder output too.
    """

    alpha: Tensor
    """Weights as given, zero at padded frames (batch, frames)."""
    scaled_alpha: Tensor
    """Weights as used (batch, frames): scaled, in float32 at least, in training and by a tail rule
    that scales; otherwise as given."""
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
    """True where the last token is the residual, fired by the tail rule (batch,)."""
    residual: Tensor
    """Weight behind the last full token, before a tail rule fires it, float64 (batch,). Where the
    weights were scaled to a number of tokens, the last one is not full before they end."""
    axis: MassAxis
    """Where frames and tokens end on the mass axis."""

    @property
    def frame_lengths(self) -> Tensor:
        """Real frames of each utterance (batch,)."""
        return self.axis.frame_lengths

    @property
    def weight_sum(self) -> Tensor:
        """Sum of the weights as given, the running sum at its end, in float32 at least (batch,).

        It is what the quantity loss compares with N. In bfloat16 a sum above 256 is no count.
        """
        exact = torch.promote_types(self.alpha.dtype, torch.float32)
        return self.alpha.sum(dim=1, dtype=exact)

    @property
    def accumulated(self) -> Tensor:
        """Integrator after each frame and the fires in it, float64 (batch, frames).

        ``S_{t+1} − β · (full tokens so far)``; negative where a token borrowed within the slack.
        """
        left = self.axis.running - self.threshold * self.axis.fired.double()
        return left * valid_mask(self.frame_lengths, left.shape[1])

    @property
    def token_masses(self) -> Tensor:
        """Ends of the tokens on the mass axis, float64 (batch, fires)."""
        return self.axis.ends[:, 1:] * valid_mask(self.num_fires, self.axis.fill.shape[1])

    @property
    def fire_positions(self) -> Tensor:
        """Ends of the tokens in fractional frames, float64 (batch, fires).

        ``t + ((i+1)β − S_t) / α_t`` for the frame t that fires, at most ``t + 1``.
        """
        ends, reach = self.axis.ends[:, 1:], self.axis.reach[:, 1:]
        reach = torch.where(reach.isinf(), ends.detach().clamp(min=SOME), reach)
        positions = _frames_at_mass(self.axis, self.scaled_alpha, ends, reach)
        return positions * valid_mask(self.num_fires, positions.shape[1])

    @property
    def contributions(self) -> Tensor:
        """What each frame gives to each token, W (batch, fires, frames), float64.

        ``embeddings = W @ encoder_out`` (before any context layers). Rows sum to β (in training the
        last one carries the rounding; the tail rules `appended` and `dynamic` leave less); an entry
        is negative only where a token borrowed within the slack.
        """
        return self.axis.contributions

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
        return _frames_at_mass(self.axis, self.scaled_alpha, mass)

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
        row["embeddings"] = row["embeddings"][:, :fires]
        return replace(self, **row, axis=self.axis.utterance(index, frames, fires))

    def cpu(self) -> Firing:
        """The same on the CPU, detached from whatever computed it."""
        on_cpu = {name: value.detach().cpu() for name, value in self._tensors.items()}
        return replace(self, **on_cpu, axis=self.axis.cpu())

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


# So that torch.export makes programs that return a firing.
for _kind in (MassAxis, GivenAxis, Firing):
    torch.export.register_dataclass(_kind, serialized_type_name=f"cifviz.{_kind.__name__}")


def integrate_and_fire(
    alpha: Tensor,
    encoder_out: Tensor,
    *,
    frame_lengths: Tensor | None = None,
    target_lengths: Tensor | None = None,
    threshold: float = 1.0,
    slack: float = 0.0,
    tail: TailRule = drop,
    max_fires: int | None = None,
) -> Firing:
    """Integrate encoder frames until their weights reach the threshold, then fire; again and again.

    Parameters
    ----------
    alpha : Tensor (batch, frames), >= 0
        Weight of each frame. One above `threshold` fires several times.
    encoder_out : Tensor (batch, frames, dim)
        Encoder output, one finite vector for each real frame.
    frame_lengths : Tensor (batch,), integers, optional
        Real frames of each utterance; what stands behind them is ignored. Default: all frames.
    target_lengths : Tensor (batch,), integers, optional
        In training: number of tokens of each utterance. The weights are scaled to it and exactly so
        many tokens come out; the last one ends where the weights end and carries the rounding.
    threshold : float > 0
        β, the mass that a token takes, in units of `alpha`.
    slack : float, 0 <= slack < threshold
        δ: a token fires already within δ of full and borrows what it lacks from the next.
    tail : TailRule
        What happens to the residual without target lengths, such as ``above(0.5)``; see
        `cifviz.core.tail`. Default: it is dropped.
    max_fires : int >= 0, optional
        Size of the fires axis, for `torch.compile` and `torch.export`: known beforehand, it does
        not depend on the weights. One program then serves batches and utterances of all sizes.
        Default: as many as the utterance with most tokens has.

    Returns
    -------
    Firing
        ``embeddings[b, i] = Σ_t contributions[b, i, t] · encoder_out[b, t]``, where for δ = 0
        ``contributions[b, i, t]`` is the length of ``[S_t, S_{t+1}] ∩ [iβ, (i+1)β]``.

    Raises
    ------
    CIFError
        If shapes disagree, a weight is negative or not finite, `threshold` is not above 0, `slack`
        not in [0, threshold) or `tail` no tail rule, or if an utterance comes to more than
        `max_fires` tokens, or a million, or if `torch.vmap` hides the values. (Compiled and
        exported code raises a RuntimeError instead where a value is at fault.)

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

    The residual, 0.2 and 0.6, is above 0.5 and fires as a full token:

    >>> from cifviz.core.tail import above
    >>> integrate_and_fire(alpha, torch.eye(3)[None], tail=above(0.5)).embeddings
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
    require_type("tail", tail, TailRule)
    rules = _Rules(threshold, slack, tail, max_fires)
    parts = _decided(
        alpha, encoder_out, frame_lengths, target_lengths, rules, torch.compiler.is_compiling()
    )
    if parts["embeddings"] is None:
        padded = frame_lengths is not None
        parts["embeddings"] = token_sums(encoder_out, parts["axis"], padded=padded)
    return Firing(**parts)


class _Rules(NamedTuple):
    """What decides which tokens fire, apart from the weights."""

    threshold: float
    slack: float
    tail: TailRule
    max_fires: int | None


@without_graph
def _decided(
    alpha: Tensor,
    encoder_out: Tensor,
    frame_lengths: Tensor | None,
    target_lengths: Tensor | None,
    rules: _Rules,
    compiled: bool,
) -> dict[str, Any]:
    """The parts of a firing; without embeddings where these are not made in one go with it."""
    padded = frame_lengths is not None
    alpha, frame_lengths = _check_input(alpha, encoder_out, frame_lengths)

    # 1. Scale the weights, if it is known how many tokens they shall come to.
    tokens, scaled_alpha = _scaled(alpha, target_lengths, rules.tail, rules.threshold)

    # 2. Lay them end to end, and see which tokens fire.
    lay_out = partial(_laid_out, frame_lengths=frame_lengths, tokens=tokens, rules=rules)
    unscaled = target_lengths is None and rules.tail.scales and not rules.tail.fills
    embeddings = None
    if compiled or in_transform():
        laid = lay_out(scaled_alpha)
    else:
        sums = _none if unscaled else partial(small_sums, padded=padded)
        laid, embeddings = in_one_node(scaled_alpha, encoder_out, lay_out, sums)
    axis = laid.axis
    if unscaled:
        axis = replace(axis, fill=axis.fill * _unscaled(alpha, axis.running))
    parts = {
        "alpha": alpha,
        "scaled_alpha": scaled_alpha,
        "threshold": rules.threshold,
        "slack": rules.slack,
        "num_fires": laid.num_fires,
        "tail_fired": laid.tail_fired,
        "residual": laid.residual,
        "axis": axis,
        "embeddings": embeddings,
    }
    if compiled:
        sizes_vary(encoder_out, *parts.values(), *vars(axis).values())
    return parts


def _laid_out(
    alpha: Tensor, *, frame_lengths: Tensor, tokens: Tensor | None, rules: _Rules
) -> LaidOut:
    """Where frames and tokens end; `alpha` are the weights as used."""
    threshold, slack, tail, max_fires = rules

    # 1. The mass axis: the weights laid end to end.
    running, total = _running_sum(alpha)
    sums = total.detach()
    most = _most_tokens(alpha, sums, tokens, threshold, max_fires)

    # 2. Which tokens fire.
    ends = torch.arange(most + 2, device=alpha.device, dtype=torch.float64) * threshold
    reach = ends - slack if slack else ends
    if tokens is None:
        num_fires = num_full = (sums.unsqueeze(1) >= reach[1:]).sum(dim=1)
    else:
        num_fires, num_full = tokens, (tokens - 1).clamp(min=0)
    residual = total - num_full.double() * threshold
    tail_fired = None
    if tokens is None and tail != drop:
        tail_fired = tail.fires(residual.detach(), threshold)
        num_fires = num_full + tail_fired

    # 3. Where they end: full ones at their place, others with the weights.
    fires = _fires(num_fires, max_fires)
    token = torch.arange(fires + 1, device=alpha.device)
    is_full = token <= num_full.unsqueeze(1)  # with the beginning of the first one
    ends, reach = ends[: fires + 1], reach[: fires + 1]
    stays = is_full
    if tokens is not None:
        stays = is_full & (ends <= sums.unsqueeze(1))
        reach = _until_the_end(reach, sums, slack)
    ends = torch.where(stays, ends, total.unsqueeze(1))
    reach = torch.where(is_full, reach, math.inf)

    # 4. How much of it a token is made of.
    is_token = is_full[:, 1:]
    if num_fires is not num_full:
        is_token = token[1:] <= num_fires.unsqueeze(1)
    fill, is_tail = is_token.double(), None
    if tail_fired is not None and tail.fills:
        is_tail = is_token & ~is_full[:, 1:]
        fired = torch.where(tail_fired, residual, math.inf).clamp(min=LEAST_TAIL)
        fill = torch.where(is_tail, threshold / fired.unsqueeze(1), fill)
        is_tail = is_tail & (residual.detach() >= LEAST_TAIL).unsqueeze(1)
    if tail_fired is None:
        tail_fired = torch.zeros_like(num_full, dtype=torch.bool)
    axis = MassAxis(running, frame_lengths, ends, reach, fill)
    return LaidOut(axis, residual, num_fires, tail_fired, stays, is_tail, tokens is not None)


def _none(*_: object) -> None:
    """No sums."""


def _scaled(
    alpha: Tensor, tokens: Tensor | None, tail: TailRule, threshold: float
) -> tuple[Tensor | None, Tensor]:
    """The number of tokens, None where the weights decide about it, and the weights as used."""
    if tokens is None and tail.scales:
        tokens = _tokens_of_all(alpha, tail, threshold)
    if tokens is None:
        return None, alpha
    tokens = check_lengths("target_lengths", tokens, alpha, MOST_TOKENS)
    return tokens, scaled_to_length(alpha, tokens, threshold)


def _until_the_end(reach: Tensor, total: Tensor, slack: float) -> Tensor:
    """Where tokens fire that end with the weights: too small to be scaled, they end too early."""
    reach = reach.minimum(total.unsqueeze(1) - slack).clamp(min=SOME)
    return F.pad(reach[:, 1:], (1, 0))


def _unscaled(alpha: Tensor, running: Tensor) -> Tensor:
    """Factor that takes the scaling of the weights back (batch, 1); 0 without weight."""
    total = F.pad(running, (1, 0))[:, -1]
    return (_running_sum(alpha)[1] / torch.where(total > 0, total, math.inf)).unsqueeze(1)


def _running_sum(alpha: Tensor) -> tuple[Tensor, Tensor]:
    """S after each frame (batch, frames) and in all (batch,), float64; zeros behind add nothing."""
    running = in_float64(alpha).cumsum(dim=1)
    return running, F.pad(running, (1, 0))[:, -1]


def _tokens_of_all(alpha: Tensor, tail: TailRule, threshold: float) -> Tensor:
    """Number of tokens that a rule scales the weights to, int64 (batch,)."""
    _, total = _running_sum(alpha.detach())
    _require_countable(alpha, total, threshold)
    return tail.tokens(total, torch.zeros_like(total), threshold).long()


def _require_countable(alpha: Tensor, total: Tensor, threshold: float) -> float | None:
    """The largest total, once it is sure that the weights are weights; None in a graph."""
    values, most = alpha.detach(), (MOST_TOKENS + 1) * threshold
    rule = "alpha must be finite, >= 0 and come to at most a million tokens"
    if torch.compiler.is_compiling():
        require_all((values >= 0).all() & (total < most).all(), rule, str)
        return None
    if not alpha.numel():
        return 0.0
    least, largest = number_in(values.amin(), rule), number_in(total.amax(), rule)
    if not (least >= 0 and largest < most):  # of NaN nothing is true
        raise CIFError(_wrong_weights(values, total, threshold))
    return largest


def _most_tokens(
    alpha: Tensor,
    total: Tensor,
    target_lengths: Tensor | None,
    threshold: float,
    max_fires: int | None,
) -> int:
    """As many tokens as there can be, once it is sure that the weights are weights."""
    largest = _require_countable(alpha, total, threshold)
    if max_fires is not None:
        return require_integer("max_fires", max_fires, at_least=0)
    if target_lengths is not None:
        return _largest(target_lengths)
    return _largest(total / threshold) if largest is None else math.ceil(largest / threshold)


def _wrong_weights(alpha: Tensor, total: Tensor, threshold: float) -> str:
    """What is wrong with weights that cannot be laid on the mass axis."""
    require_weights(alpha)
    row = int(total.argmax())
    return (
        f"alpha must come to at most {MOST_TOKENS} tokens in an utterance, got a sum of "
        f"{float(total[row]):g} at a threshold of {threshold:g} in row {row}"
    )


def _fires(num_fires: Tensor, max_fires: int | None) -> int:
    """Size of the fires axis."""
    if max_fires is None:
        return _largest(num_fires)
    require_all(
        num_fires <= max_fires,
        "alpha must come to at most max_fires tokens in an utterance",
        lambda row: (
            f"alpha must come to at most max_fires = {max_fires} tokens in an utterance, "
            f"got {int(num_fires[row])} or more in row {row}"
        ),
    )
    return max_fires


def _largest(counts: Tensor) -> int:
    """The largest of counts (batch,), rounded up; 0 of none. In a graph a size not known yet."""
    if not torch.compiler.is_compiling():
        return math.ceil(float(counts.amax())) if len(counts) else 0
    whole = counts.ceil().long() if counts.is_floating_point() else counts
    size: Any = F.pad(whole, (0, 1)).amax(0).item()  # int() would make it constant
    torch._check(size >= 0)
    return size


def _frames_at_mass(
    axis: MassAxis, alpha: Tensor, mass: Tensor, reach: Tensor | None = None
) -> Tensor:
    """Fractional frames of each `mass`, in the frame where the running sum comes to `reach`."""
    running, frames = axis.running, alpha.shape[1]
    if not frames:
        return mass.new_zeros(mass.shape, dtype=torch.float64)
    mass = mass.double()
    reach = (mass if reach is None else reach).detach().contiguous()
    frame = torch.searchsorted(running.detach(), reach)
    inside = frame.clamp(max=frames - 1)
    before = F.pad(running, (1, 0)).gather(1, inside)
    # The weight itself, without rounding; its gradient is that of the running sum, so that all of
    # it is added up in float64.
    length = running.gather(1, inside) - before
    weight = alpha.detach().double().gather(1, inside) + (length - length.detach())
    # Nothing is divided by zero, not even where it is thrown away: its gradient would be NaN.
    within = ((mass - before) / torch.where(weight > 0, weight, math.inf)).clamp(0, 1)
    return torch.where(frame < frames, inside + within, axis.frame_lengths.double().unsqueeze(1))


def _check_input(
    alpha: Tensor, encoder_out: Tensor, frame_lengths: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Check shapes and lengths; return weights with zeros at padded frames, and all lengths."""
    alpha = require_tensor("alpha", alpha, "batch", "frames")
    encoder_out = require_tensor("encoder_out", encoder_out, "batch", "frames", "dim")
    if alpha.shape != encoder_out.shape[:2]:  # a message made beforehand would fix what is traced
        raise CIFError(
            f"alpha must be (batch, frames) = {tuple(encoder_out.shape[:2])} to match encoder_out "
            f"{tuple(encoder_out.shape)}, got {tuple(alpha.shape)}"
        )
    batch, frames = alpha.shape
    if frame_lengths is None:
        frame_lengths = torch.full((batch,), frames, device=alpha.device)
    else:
        frame_lengths = check_lengths("frame_lengths", frame_lengths, alpha, maximum=frames)
        alpha = alpha.masked_fill(~valid_mask(frame_lengths, frames), 0)
    return alpha, frame_lengths
