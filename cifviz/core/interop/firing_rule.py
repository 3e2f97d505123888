"""`FiringRule`: by what rule weights became tokens, so that other weights can be given to it.

A `Firing` holds what happened. What would have happened with another threshold, or with another
weight of one frame, only the rule can say: that of `integrate_and_fire` with a tail rule, or that
of a dialect. A rule is believed only where it repeats the firing at hand (`rule_of`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from cifviz.core.dialects import DIALECTS
from cifviz.core.firing import Firing, integrate_and_fire
from cifviz.core.interop.recorded_firing import RecordedFiring, recorded_firing
from cifviz.core.tail import TailRule, above, appended, at_least, drop, every_rule
from cifviz.errors import require, require_choice, require_number, require_type, shown

TAILS: dict[str, Callable[[float], TailRule]] = {
    "cif_pytorch": above,
    "torch_cif": at_least,
    "paraformer_v1": appended,
    "paraformer_v2": appended,
}
"""The tail rule of a dialect whose tail threshold can be set."""
MOST_CONTRIBUTIONS = 2**27
"""Frames times tokens for a dialect, at most: a GiB for each matrix of them, of which there are a
few at a time. Rules of `integrate_and_fire` keep none and have no such limit."""
SAME = 1e-3
"""Contributions and positions closer than this are the same, in tokens and in frames."""


@dataclass(frozen=True)
class FiringRule:
    """One rule of firing, with its numbers.

    Examples
    --------
    Three weights of 0.6 and a threshold of 0.9 that is charged as 1, as in CIF-PyTorch:

    >>> rule = FiringRule(0.9, dialect="cif_pytorch")
    >>> rule.fire(torch.tensor([[0.5, 0.25, 0.2]])).contributions.float()
    tensor([[[0.5000, 0.2500, 0.2500]]])
    """

    threshold: float = 1.0
    """β; of a dialect that ignores it, the dialect's own."""
    slack: float = 0.0
    """δ, of `integrate_and_fire` alone."""
    tail: TailRule = drop
    """Of a dialect the rule nearest to its own, for its value."""
    dialect: str = ""
    """Key in `cifviz.core.dialects.DIALECTS`; empty for `integrate_and_fire`."""
    real_frames: int | None = None
    """Frames of which weights are read, where the firing has one more, which its source appended;
    None for all."""
    padding: int = 0
    """Frames of zeros behind them in the source's batch: there CIF-PyTorch fires its tail."""
    cuts: bool = True
    """Whether FunASR's cut to as many tokens as the sum of the weights has whole parts reaches this
    utterance: it takes the largest sum of the batch."""

    def __post_init__(self) -> None:
        require_type("tail", self.tail, TailRule)
        threshold = require_number("threshold", self.threshold, above=0)
        require_number("slack (below the threshold)", self.slack, at_least=0, below=threshold)
        object.__setattr__(self, "threshold", threshold)
        if self.dialect:
            require_choice("dialect", self.dialect, DIALECTS)
            require(not self.slack, f"slack is not a setting of the dialect {self.dialect}")

    @classmethod
    def of_dialect(
        cls, name: str, threshold: float | None = None, tail_threshold: float | None = None
    ) -> FiringRule:
        """A dialect with these thresholds, by default its own.

        Raises
        ------
        CIFError
            If there is no such dialect, or it has no such threshold to set.

        Examples
        --------
        >>> FiringRule.of_dialect("torch_cif").tail
        TailRule(rule='at_least', value=0.5)
        """
        require_choice("dialect", name, DIALECTS)
        dialect = DIALECTS[name]
        dialect.contributions(  # which checks the thresholds
            torch.zeros(0, 1), threshold=threshold, tail_threshold=tail_threshold
        )
        value = dialect.tail_threshold if tail_threshold is None else float(tail_threshold)
        has_tail = name in TAILS and value is not None
        return cls(
            (dialect.threshold or 1.0) if threshold is None else float(threshold),
            tail=TAILS[name](value) if has_tail and value is not None else drop,
            dialect=name,
        )

    @classmethod
    def from_settings(
        cls,
        threshold: float = 1.0,
        tail: TailRule | str = "drop",
        dialect: str = "",
        *,
        slack: float = 0.0,
    ) -> FiringRule:
        """A rule from what a user says: a tail rule or its text, and perhaps a dialect.

        Of a dialect, a threshold of 1 and the tail "drop" stand for its own numbers.

        >>> FiringRule.from_settings(tail="above 0.3").tail
        TailRule(rule='above', value=0.3)
        >>> FiringRule.from_settings(dialect="cif_pytorch").threshold
        0.99
        """
        rule = tail if isinstance(tail, TailRule) else TailRule.from_text(tail)
        if not dialect:
            return cls(threshold, slack, rule)
        require(not slack, f"slack is not a setting of the dialect {shown(dialect)}")
        return cls.of_dialect(dialect, None if threshold == 1 else threshold, rule.value)

    @property
    def fixed(self) -> tuple[str, ...]:
        """The settings among "threshold", "slack" and "tail" that change nothing here."""
        if not self.dialect:
            return ()
        free = DIALECTS[self.dialect].adjustable
        fixed = ["slack"]
        fixed += [] if "threshold" in free else ["threshold"]
        fixed += [] if "tail_threshold" in free and self.dialect in TAILS else ["tail"]
        return tuple(fixed)

    def fire(self, alpha: Tensor) -> Firing:
        """What the rule makes of the weights of one utterance.

        Parameters
        ----------
        alpha : Tensor (1, frames), >= 0

        Returns
        -------
        Firing
            Its embeddings have no channels.

        Raises
        ------
        CIFError
            If frames and tokens are too many for a dialect (`MOST_CONTRIBUTIONS`), or weights or
            thresholds are refused, see `integrate_and_fire` and
            `Dialect.contributions`.
        """
        if not self.dialect:
            return integrate_and_fire(
                alpha,
                alpha.new_zeros(*alpha.shape, 0),
                threshold=self.threshold,
                slack=self.slack,
                tail=self.tail,
            )
        # 1. The frames that are read, and those of zeros behind them.
        frames = alpha.shape[1]
        tokens = max(float(alpha.sum()) / self.threshold, 0.0 if self.cuts else 2.0 * frames)
        require(
            not frames * tokens > MOST_CONTRIBUTIONS,  # of NaN the dialect says what is wrong
            f"{frames} frames with about {tokens:.0f} tokens are too many at once for the dialect "
            f"{self.dialect}: pass shorter stretches",
        )
        real = frames if self.real_frames is None else min(self.real_frames, frames)
        padded = torch.nn.functional.pad(alpha[:, :real], (0, self.padding))
        # 2. The dialect with its thresholds.
        fixed, lengths = self.fixed, torch.tensor([real])
        batch = padded
        if not self.cuts:  # beside it, one of twice as many tokens as frames
            batch = torch.cat([padded, torch.full_like(padded, 2.0)])
            lengths = torch.tensor([real, padded.shape[1]])
        made = DIALECTS[self.dialect].contributions(
            batch,
            lengths,
            threshold=None if "threshold" in fixed else self.threshold,
            tail_threshold=None if "tail" in fixed else self.tail.value,
        )
        # 3. As a firing of its own frames, an appended one included.
        fires = int(made.num_fires[0])
        weights, used = made.weights[:1, :fires], made.alpha[:1]
        width = max(frames, used.shape[1])
        given = torch.nn.functional.pad(padded, (0, width - padded.shape[1]))
        weights = torch.nn.functional.pad(weights, (0, width - weights.shape[2]))
        used = torch.nn.functional.pad(used, (0, width - used.shape[1]))
        is_used = (used != 0) & (torch.arange(width) >= real)
        length = max(real, frames, int(is_used.any()) * (real + 1))
        firing = recorded_firing(
            weights,
            alpha=given,
            scaled_alpha=used,
            frame_lengths=torch.tensor([length]),
            threshold=made.charge,
            slack=made.charge - self.threshold,
            embeddings=given.new_zeros(1, fires, 0),
            num_fires=made.num_fires[:1],
            rule=self,
        )
        return firing.utterance(0)

    def repeats(self, firing: Firing) -> bool:
        """Whether the rule makes of the firing's weights what the firing holds."""
        try:
            again = self.fire(firing.alpha.float() if self.dialect else firing.alpha)
        except ValueError:  # a dialect may refuse them
            return False
        if int(again.num_fires) != int(firing.num_fires):
            return False
        if not isinstance(firing, RecordedFiring):
            return bool(torch.allclose(again.fire_positions, firing.fire_positions, atol=SAME))
        ours, theirs = again.contributions, firing.contributions
        width = max(ours.shape[2], theirs.shape[2])
        ours, theirs = (torch.nn.functional.pad(w, (0, width - w.shape[2])) for w in (ours, theirs))
        return bool(((ours - theirs).abs() < SAME).all())


def rule_of(firing: Firing, wanted: Sequence[FiringRule] = ()) -> FiringRule | None:
    """The rule that made a firing: the first one that repeats it.

    Parameters
    ----------
    firing : Firing
        Of one utterance, on the CPU.
    wanted : sequence of FiringRule
        Tried before any other.

    Returns
    -------
    FiringRule or None
        None where no known rule repeats it.

    Examples
    --------
    >>> alpha = torch.full((1, 7), 0.4)
    >>> rule_of(integrate_and_fire(alpha, torch.eye(7)[None], tail=above(0.5))).tail
    TailRule(rule='above', value=0.5)
    """
    return next((rule for rule in _candidates(firing, wanted) if rule.repeats(firing)), None)


def _candidates(firing: Firing, wanted: Sequence[FiringRule]) -> Iterator[FiringRule]:
    """Rules that may have made a firing."""
    known = [*wanted]
    if isinstance(firing, RecordedFiring) and firing.rule is not None:
        known.append(firing.rule)
    frames = firing.alpha.shape[1]
    given, used = firing.alpha[0, -1:], firing.scaled_alpha[0, -1:]
    is_appended = bool((given != used).any()) and not bool(given.any())
    real = frames - int(is_appended)
    for rule in known:
        yield rule if not rule.dialect else replace(rule, real_frames=real)
        for cuts in (True, False) if rule.dialect else ():
            for last in (real, frames, max(frames - 1, 0)):
                for padding in (0, 1):
                    yield replace(rule, real_frames=last, padding=padding, cuts=cuts)
    slack = min(max(firing.slack, 0.0), 0.99 * firing.threshold)
    for tail in sorted(every_rule(), key=lambda tail: tail != drop):
        yield FiringRule(firing.threshold, slack, tail)
