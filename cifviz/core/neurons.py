"""Neurons that fire: integrate-and-fire, and what it becomes with a leak, fatigue or dynamics.

A CIF is a neuron without a leak: its membrane potential is the mass that the token being filled
holds, its input current are the weights, and a spike takes β off. Each rule here has the same
interface, so that the same weights can be seen in frames and in membranes.

=============  =======================================================================
rule           what happens in a frame
=============  =======================================================================
``integrate``  v ← v + α; at v ≥ θ a spike, v ← v − θ, as often as it is reached: CIF
``leaky``      v ← (1 − leak) · v first (LIF)
``adaptive``   as leaky, and each spike raises θ for a while
``dynamic``    v ← v + v² − v − u + α, u ← u + a·v − b·u; at v ≥ θ a spike, v ← 0, u ← u + c
=============  =======================================================================

Notes
-----
A reconstruction. DyTr-SNN (Wang et al. 2023, arXiv 2302.01194) puts four kinds of neuronal dynamics
behind a spiking Transformer; its equations and constants could not be read in full. The second
order of ``dynamic`` is that of the same group's earlier work on such neurons, as we understand it,
with constants of our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from cifviz.core.firing import Firing
from cifviz.core.mass_axis import GivenAxis
from cifviz.core.tail import TailRule, drop
from cifviz.core.validation import check_lengths, require_tensor, require_weights, valid_mask
from cifviz.errors import require, require_choice, require_number

SLACK = 1e-4
"""A spike may come so far below its threshold: what is scaled to N tokens misses N by rounding."""
HIGHEST = 2.0
"""Potentials of `dynamic` are kept within this, or their squares would grow without bound."""
DOUBLINGS, CUTS, STEPS = 6, 3, 8
"""How often `NeuronRule.gain` doubles a factor, how often it cuts what it found, into how many."""
RULES = ("integrate", "leaky", "adaptive", "dynamic")


class Membrane(NamedTuple):
    """What a neuron does in each frame, all (batch, frames), float64, 0 at padded frames."""

    peak: Tensor
    """Potential before the spikes of the frame."""
    potential: Tensor
    """Potential after them."""
    threshold: Tensor
    """θ in that frame."""
    spikes: Tensor
    """Number of spikes, integers."""


@dataclass(frozen=True, eq=False)
class NeuronFiring(Firing):
    """Like `Firing`, with the count that a count loss can teach."""

    soft_count: Tensor
    """Spikes and the potential at the end in thresholds, of the unscaled weights, float64 (batch,).
    Its value is exact for each rule, its gradient that of Σα / θ: a straight-through estimate, but
    for ``integrate``, where it is the gradient."""


@dataclass(frozen=True)
class NeuronRule:
    """One rule with its constants; those that a rule does not have are not looked at.

    Examples
    --------
    Four weights of 0.4: without a leak there is a spike in frame 2. A leak of ½ leaves 0.2, 0.3 and
    0.35 of what was there, so that the potential never exceeds 0.75:

    >>> alpha = torch.full((1, 4), 0.4)
    >>> NeuronRule().run(alpha)[0].spikes.tolist()
    [[0, 0, 1, 0]]
    >>> NeuronRule("leaky", leak=0.5).run(alpha)[0].potential
    tensor([[0.4000, 0.6000, 0.7000, 0.7500]], dtype=torch.float64)
    """

    rule: str = "integrate"
    """Of `RULES`."""
    threshold: float = 1.0
    """θ, in units of weight."""
    leak: float = 0.1
    """Share of the potential that is lost in a frame, of ``leaky`` and ``adaptive``."""
    rise: float = 0.2
    """How much a spike raises the threshold, of ``adaptive``."""
    recovery: float = 0.2
    """Share of that rise which is gone after a frame."""
    excitation: float = 0.1
    """a, of ``dynamic``."""
    decay: float = 0.2
    """b, of ``dynamic``."""
    fatigue: float = 0.1
    """c, of ``dynamic``."""

    def __post_init__(self) -> None:
        require_choice("neuron rule", self.rule, RULES)
        require_number("threshold", self.threshold, above=0)
        for name in ("leak", "recovery"):
            require_number(name, getattr(self, name), at_least=0, at_most=1)
        for name in ("rise", "excitation", "decay", "fatigue"):
            require_number(name, getattr(self, name), at_least=0)

    def run(
        self, alpha: Tensor, frame_lengths: Tensor | None = None, *, slack: float = SLACK
    ) -> tuple[Membrane, Tensor, Tensor]:
        """The membrane of weights, and what each spike is made of.

        Parameters
        ----------
        alpha : Tensor (batch, frames), >= 0
            Input current of each frame.
        frame_lengths : Tensor (batch,), integers, optional
            Real frames of each utterance; default all.
        slack : float >= 0
            How far below its threshold a spike may come.

        Returns
        -------
        membrane : Membrane
        contributions : Tensor (batch, spikes + 1, frames), float64
            What each frame gave to each spike and, in the row behind an utterance's last spike, to
            the potential at the end. Where there is a leak, what a frame gave has leaked since.
            Rows of spikes sum to θ as it was then, for ``dynamic`` to θ.
        ends : Tensor (batch, spikes), float64
            Sum of the weights up to each spike; the weight of a frame comes evenly.
        """
        weights = require_weights(require_tensor("alpha", alpha, "batch", "frames")).double()
        if frame_lengths is None:
            frame_lengths = torch.full((len(alpha),), alpha.shape[1], device=alpha.device)
        lengths = check_lengths("frame_lengths", frame_lengths, alpha, maximum=alpha.shape[1])
        weights = weights * valid_mask(lengths, alpha.shape[1])
        loop = _DynamicLoop if self.rule == "dynamic" else _Loop
        return loop(self, weights, lengths, slack).result()

    def integrate(
        self,
        alpha: Tensor,
        encoder_out: Tensor,
        *,
        frame_lengths: Tensor | None = None,
        target_lengths: Tensor | None = None,
        tail: TailRule = drop,
        slack: float = SLACK,
    ) -> NeuronFiring:
        """Like `cifviz.core.firing.integrate_and_fire`, but by this rule.

        Parameters
        ----------
        alpha, encoder_out, frame_lengths, tail
            As there; the tail rule is none that scales or appends.
        target_lengths : Tensor (batch,), integers, optional
            In training: the weights are scaled by the smallest factor at which the neuron spikes so
            often, see `gain`. Where a spike too many comes with the last one there are more tokens,
            and fewer where all weights are 0.
        slack : float >= 0
            How far below its threshold a spike may come.

        Returns
        -------
        NeuronFiring
        """
        # 1. Scale.
        require(
            tail == drop or (tail.fills and not tail.scales),
            f"tail must be a rule that makes one more full token or none, got {tail}",
        )
        lengths = _lengths(alpha, frame_lengths)
        real = valid_mask(lengths, alpha.shape[1])
        used = alpha = alpha.masked_fill(~real, 0)
        count = self._soft_count(alpha, frame_lengths, slack)
        if target_lengths is not None:
            wanted = check_lengths("target_lengths", target_lengths, alpha)
            total = alpha.double().sum(dim=1) / self.threshold
            factor = wanted / total.clamp(min=1e-6)
            factor = factor * self.gain(alpha * factor.unsqueeze(1), lengths, wanted, slack=slack)
            used = alpha * factor.unsqueeze(1).to(alpha.dtype)

        # 2. Fire, and see whether the residual does.
        membrane, rows, ends = self.run(used, frame_lengths, slack=slack)
        full = membrane.spikes.sum(dim=1)
        last = rows.take_along_dim(full[:, None, None], dim=1).sum(dim=2).squeeze(1)
        residual = last if self.rule != "dynamic" else _last(membrane.potential, frame_lengths)
        fires = torch.zeros_like(full, dtype=torch.bool)
        if target_lengths is None and tail != drop:
            fires = tail.fires(residual.detach(), self.threshold)

        # 3. The firing.
        filled = self.threshold / torch.where(fires, last, 1.0).clamp(min=1e-9)
        axis = _axis(used, lengths, rows, ends, full, fires, filled)
        exact = torch.promote_types(encoder_out.dtype, torch.float32)
        frames = encoder_out.masked_fill(~real.unsqueeze(2), 0).to(exact)
        return NeuronFiring(
            alpha=alpha,
            scaled_alpha=used,
            threshold=self.threshold,
            slack=0.0,
            embeddings=(axis.given.to(exact) @ frames).to(encoder_out.dtype),
            num_fires=full + fires,
            tail_fired=fires,
            residual=residual,
            axis=axis,
            soft_count=count,
        )

    @torch.no_grad()
    def gain(
        self, alpha: Tensor, frame_lengths: Tensor, wanted: Tensor, *, slack: float = SLACK
    ) -> Tensor:
        """What makes up for a leak: the smallest factor at which weights give so many spikes.

        Parameters
        ----------
        alpha : Tensor (batch, frames), >= 0
            Weights that without a leak would give ``wanted`` spikes.
        frame_lengths, wanted : Tensor (batch,), integers
        slack : float >= 0
            How far below its threshold a spike may come.

        Returns
        -------
        Tensor (batch,), float64
            From 1, which it is without a leak, to 64, where none is enough; within 0.2 %.

        Examples
        --------
        Twice 0.5 and a leak of ½ make 0.25 + 0.5, so that 4 / 3 of it are one spike:

        >>> alpha, one = torch.full((1, 2), 0.5), torch.tensor([1])
        >>> [round(float(NeuronRule(name, leak=0.5).gain(alpha, 2 * one, one)), 2)
        ...  for name in ("integrate", "leaky")]
        [1.0, 1.33]
        """
        high = torch.ones_like(frame_lengths, dtype=torch.float64)
        low = high

        def is_enough(tried: Tensor) -> Tensor:
            scaled = alpha.double().unsqueeze(1) * tried.unsqueeze(2)
            repeated = frame_lengths.repeat_interleave(tried.shape[1])
            membrane, _, _ = self.run(scaled.flatten(0, 1), repeated, slack=slack)
            return membrane.spikes.sum(dim=1).view(tried.shape) >= wanted.unsqueeze(1)

        # 1. Double it until it is enough.
        for _ in range(DOUBLINGS):
            more = ~is_enough(high.unsqueeze(1)).squeeze(1)
            if not more.any():
                break
            low, high = torch.where(more, high, low), torch.where(more, 2 * high, high)

        # 2. Cut what lies between into steps of the same ratio, and those again.
        share = torch.linspace(0, 1, STEPS + 1, device=alpha.device, dtype=torch.float64)
        for _ in range(CUTS if bool((high > 1).any()) else 0):
            tried = low.unsqueeze(1) * (high / low).unsqueeze(1) ** share
            enough = is_enough(tried)
            enough[:, -1] = True
            first = enough.int().argmax(dim=1, keepdim=True)
            low = tried.take_along_dim((first - 1).clamp(min=0), dim=1).squeeze(1)
            high = tried.take_along_dim(first, dim=1).squeeze(1)
        return high

    def _soft_count(self, alpha: Tensor, frame_lengths: Tensor | None, slack: float) -> Tensor:
        """`NeuronFiring.soft_count`."""
        real = valid_mask(_lengths(alpha, frame_lengths), alpha.shape[1])
        total = (alpha.double() * real).sum(dim=1) / self.threshold
        with torch.no_grad():
            membrane, _, _ = self.run(alpha, frame_lengths, slack=slack)
            left = _last(membrane.potential, frame_lengths).clamp(min=0) / self.threshold
            count = membrane.spikes.sum(dim=1) + left
        return count + (total - total.detach())


def _axis(
    used: Tensor,
    lengths: Tensor,
    rows: Tensor,
    ends: Tensor,
    full: Tensor,
    fires: Tensor,
    filled: Tensor,
) -> GivenAxis:
    """The axis of spikes and, where it fires, of the residual, made full by a factor."""
    num_fires = full + fires
    most = int(num_fires.max()) if len(num_fires) else 0
    place = torch.arange(rows.shape[1], device=rows.device)
    at_tail = fires.unsqueeze(1) & (place == full.unsqueeze(1))
    shares = torch.where(at_tail, filled.unsqueeze(1), (place < full.unsqueeze(1)).double())
    running = used.double().cumsum(dim=1)
    total = running[:, -1:] if running.shape[1] else running.new_zeros(len(running), 1)
    ends = torch.cat([ends, total], dim=1)[:, :most]
    ends = torch.nn.functional.pad(torch.where(at_tail[:, :most], total, ends), (1, 0))
    is_token = (place < num_fires.unsqueeze(1)).double()[:, :most]
    given = (rows * shares.unsqueeze(2))[:, :most]
    return GivenAxis(running, lengths, ends, ends, is_token, given)


def _lengths(alpha: Tensor, frame_lengths: Tensor | None) -> Tensor:
    if frame_lengths is None:
        return torch.full((len(alpha),), alpha.shape[1], device=alpha.device)
    return frame_lengths


def _last(values: Tensor, frame_lengths: Tensor | None) -> Tensor:
    """The value at the last real frame of each utterance, 0 without any (batch,)."""
    lengths = _lengths(values, frame_lengths)
    padded = torch.nn.functional.pad(values, (1, 0))
    return padded.take_along_dim(lengths.unsqueeze(1), dim=1).squeeze(1)


class _Loop:
    """Frame after frame: the potential, what it is made of, and the spikes.

    Of `integrate`, `leaky` and `adaptive`: a spike takes its threshold off, and what is left of the
    frame's weight begins the next one.
    """

    def __init__(self, rule: NeuronRule, weights: Tensor, lengths: Tensor, slack: float):
        self.rule, self.weights, self.slack = rule, weights, slack
        batch, frames = weights.shape
        self.real = valid_mask(lengths, frames)
        self.frame = torch.eye(frames, device=weights.device, dtype=weights.dtype)
        self.potential = weights.new_zeros(batch)
        self.raised = weights.new_zeros(batch)
        self.row = weights.new_zeros(batch, frames)
        self.before = torch.nn.functional.pad(weights.cumsum(dim=1), (1, 0))
        self.spikes: list[tuple[Tensor, Tensor, Tensor]] = []
        self.trace: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []

    def result(self) -> tuple[Membrane, Tensor, Tensor]:
        """What `NeuronRule.run` gives."""
        for time in range(self.weights.shape[1]):
            self.trace.append(self.step(time, self.real[:, time]))
        columns = [torch.stack(part, dim=1) for part in zip(*self.trace, strict=True)]
        if not columns:
            columns = [self.weights] * 4
        peak, potential, threshold, spikes = columns
        real = self.real.double()
        membrane = Membrane(
            peak.detach() * real,
            potential.detach() * real,
            threshold.detach() * real,
            spikes.long() * self.real,
        )
        counts = membrane.spikes.sum(dim=1)
        most = int(counts.max()) if len(counts) else 0
        rows = self.row.new_zeros(len(counts), most + 1, self.row.shape[1])
        ends = self.row.new_zeros(len(counts), most)
        if self.spikes:
            fired, made, masses = (torch.stack(part) for part in zip(*self.spikes, strict=True))
            event, utterance = fired.nonzero(as_tuple=True)
            place = (fired.long().cumsum(dim=0) - 1)[event, utterance]
            rows = rows.index_put((utterance, place), made[event, utterance])
            ends = ends.index_put((utterance, place), masses[event, utterance])
        whom = torch.arange(len(counts), device=counts.device)
        return membrane, rows.index_put((whom, counts), self.row), ends

    def step(self, time: int, real: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """One frame: its peak, the potential after it, the threshold and the number of spikes."""
        rule = self.rule
        kept = 1.0 if rule.rule == "integrate" else 1.0 - rule.leak
        keep = torch.where(real, kept, 1.0)
        self.potential, self.row = keep * self.potential, keep.unsqueeze(1) * self.row
        threshold = torch.full_like(self.potential, rule.threshold)
        if rule.rule == "adaptive":
            self.raised = self.raised * (1 - rule.recovery)
            threshold = threshold + rule.rise * self.raised
        rest, mass = self.weights[:, time], self.before[:, time]
        peak, spikes = self.potential + rest, torch.zeros_like(rest)
        while True:
            need = threshold - self.potential
            fired = (rest.detach() >= need.detach() - self.slack) & real
            used = torch.where(fired, torch.minimum(need, rest), rest)
            self.row = self.row + used.unsqueeze(1) * self.frame[time]
            mass, rest = mass + used, rest - used
            if not fired.any():
                self.potential = self.potential + used
                break
            self.spikes.append((fired, self.row, mass))
            self.row = self.row * ~fired.unsqueeze(1)
            self.potential = torch.where(fired, 0.0, self.potential + used)
            spikes = spikes + fired
        self.raised = self.raised + spikes
        return peak, self.potential, threshold, spikes


class _DynamicLoop(_Loop):
    """Of `dynamic`: a spike takes all frames since the last one, in proportion to their weights."""

    def step(self, time: int, real: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """One frame: its peak, the potential after it, the threshold and the number of spikes."""
        rule, before = self.rule, self.potential
        weight = self.weights[:, time]
        peak = before + before.square() - before - self.raised + weight.detach()
        peak = torch.where(real, peak.clamp(-HIGHEST, HIGHEST), before)
        tired = self.raised + rule.excitation * before - rule.decay * self.raised
        fired = (peak >= rule.threshold - self.slack) & real
        self.raised = torch.where(real, tired, self.raised) + rule.fatigue * fired
        self.row = self.row + weight.unsqueeze(1) * self.frame[time]
        if fired.any():
            total = torch.where(fired, self.row.sum(dim=1), 1.0).clamp(min=1e-9)
            whole = rule.threshold * self.row / total.unsqueeze(1)
            self.spikes.append((fired, whole, self.before[:, time + 1]))
            self.row = self.row * ~fired.unsqueeze(1)
        self.potential = torch.where(fired, 0.0, peak)
        threshold = torch.full_like(peak, rule.threshold)
        return peak, self.potential, threshold, fired.double()


USUAL: Mapping[str, NeuronRule] = {name: NeuronRule(name) for name in RULES}
"""The rules with their usual constants."""
