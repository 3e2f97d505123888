"""What every dialect takes and gives: `Dialect.contributions` and `Contributions`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from cifviz.core.dialects._parts import require_few_tokens
from cifviz.core.firing import MOST_TOKENS
from cifviz.core.validation import (
    check_lengths,
    described,
    require_tensor,
    require_weights,
    valid_mask,
)
from cifviz.errors import CIFError, require, require_number, shown


@dataclass(frozen=True, eq=False, kw_only=True)
class Contributions:
    """What a dialect makes of some weights.

    Built by name only, and checked: an integrator charges whole tokens, so `accumulated` differs
    from the running sum of `alpha` by a multiple of `charge` in every frame. Weights and integrator
    swapped, as FunASR's ``alphas`` and ``peaks`` once were (issue #3723), fail that.

    Raises
    ------
    CIFError
        If shapes disagree, or `accumulated` cannot come from `alpha`.

    Examples
    --------
    >>> alphas, peaks = torch.tensor([[0.6, 0.6]]), torch.tensor([[0.6, 1.2]])
    >>> weights = torch.tensor([[[0.6, 0.4]]])
    >>> given = Contributions(
    ...     weights=weights, num_fires=torch.tensor([1]), alpha=alphas, accumulated=peaks
    ... )
    >>> Contributions(
    ...     weights=weights, num_fires=torch.tensor([1]), alpha=peaks, accumulated=alphas
    ... )
    Traceback (most recent call last):
    ...
    cifviz.errors.CIFError: accumulated must be the running sum of alpha less whole tokens, ...
    """

    weights: Tensor
    """W, what each frame gives to each token (batch, fires, frames), where frames include one that
    the source appends. The source's output is ``weights @ encoder_out``, with zeros for an appended
    frame and padded frames as they stand. Rows from ``num_fires`` on hold what the source leaves
    there, mostly zeros."""
    num_fires: Tensor
    """Tokens that came out, int64 (batch,)."""
    alpha: Tensor
    """Weights as used: masked, scaled, the tail's weight added (batch, frames)."""
    accumulated: Tensor | None = None
    """The source's integrator as the source returns it (batch, frames): after the fire in
    CIF-PyTorch, before it in FunASR's ``fires``. None where there is none."""
    charge: float = 1.0
    """What a fire takes off the integrator."""
    delays: Tensor | None = None
    """torch_cif's expected delay of each token in frames, from 1 (batch, fires); else None."""

    def __post_init__(self) -> None:
        require_tensor("weights", self.weights, "batch", "fires", "frames")
        require_tensor("alpha", self.alpha, "batch", "frames")
        batch, fires, frames = self.weights.shape
        require(
            self.alpha.shape == (batch, frames),
            f"alpha must be (batch, frames) = {(batch, frames)} like the weights, "
            f"got {tuple(self.alpha.shape)}",
        )
        check_lengths("num_fires", self.num_fires, self.weights, maximum=fires)
        require_number("charge", self.charge, above=0)
        if self.accumulated is not None:
            self._check_integrator(self.accumulated)

    def _check_integrator(self, accumulated: Tensor) -> None:
        require(
            isinstance(accumulated, Tensor) and accumulated.shape == self.alpha.shape,
            f"accumulated must be (batch, frames) = {tuple(self.alpha.shape)} like alpha, "
            f"got {described(accumulated)}",
        )
        mass = self.alpha.detach().double().cumsum(dim=1)
        charged = mass - accumulated.detach().double()
        tokens = (charged / self.charge).round()
        # float32 loops: a rounding in each frame, and in FunASR's running sum the size of the sum
        wrong = (charged - self.charge * tokens).abs() > 1e-2 + 1e-6 * mass
        if wrong.any():
            row, frame = wrong.nonzero()[0].tolist()
            raise CIFError(
                "accumulated must be the running sum of alpha less whole tokens, got "
                f"{float(accumulated[row, frame]):g} where that sum is {float(mass[row, frame]):g} "
                f"in row {row}, frame {frame}: are weights and integrator (FunASR's alphas and "
                "peaks) swapped?"
            )


@dataclass(frozen=True)
class Dialect:
    """A CIF as one code base runs it.

    Parameters
    ----------
    name : str
        Its key in `DIALECTS`.
    source : str
        Whose code, and which version of it.
    integrate : callable
        ``integrate(alpha, frame_lengths, target_lengths, **settings) -> Contributions``, on float32
        weights that were checked, where the settings are those named in `adjustable`.
    threshold : float, optional
        Weight at which it fires unless told otherwise; None if it has no fixed one.
    tail_threshold : float, optional
        The number in its tail rule; None without such a rule.
    adjustable : tuple of str
        Which of the two may be set.
    masks_padding : bool
        True if weights of padded frames are zeroed; otherwise they count like any other.
    overlapping : bool
        True if tokens share frames without a boundary between them.
    """

    name: str
    source: str
    integrate: Callable[..., Contributions]
    threshold: float | None = None
    tail_threshold: float | None = None
    adjustable: tuple[str, ...] = ()
    masks_padding: bool = True
    overlapping: bool = False

    def contributions(
        self,
        alpha: Tensor,
        frame_lengths: Tensor | None = None,
        *,
        threshold: float | None = None,
        tail_threshold: float | None = None,
        target_lengths: Tensor | None = None,
    ) -> Contributions:
        """Run the dialect on given weights.

        Parameters
        ----------
        alpha : Tensor (batch, frames), >= 0
            Weight of each frame, before any scaling; used in float32 whatever it comes in.
        frame_lengths : Tensor (batch,), integers, optional
            Real frames of each utterance. Default: all.
        threshold : float > 0, optional
            Weight at which a token fires. Default: the dialect's own.
        tail_threshold : float >= 0, optional
            The number in its tail rule. Default: the dialect's own.
        target_lengths : Tensor (batch,), integers, optional
            Number of tokens of each utterance: the dialect then does what its source does in
            training, and there is no tail.

        Returns
        -------
        Contributions
            ``weights @ encoder_out`` is the output of the source. An utterance without any weight
            fires nothing, also where its source divides zero by zero, but for two that count the
            tokens asked for: with `target_lengths`, torch_cif gives that many rows of zeros, soft
            that many means of the real frames. And with a tail threshold of 0 torch_cif fires a
            tail of nothing.

        Raises
        ------
        CIFError
            If a weight is negative or not finite, lengths do not fit, a threshold is no number or
            set where the dialect ignores it, or an utterance comes to more than a million tokens.

        Examples
        --------
        >>> from cifviz.core.dialects import DIALECTS
        >>> alpha = torch.tensor([[0.6, 0.6, 0.6]])
        >>> DIALECTS["torch_cif"].contributions(alpha, torch.tensor([3])).weights
        tensor([[[0.6000, 0.4000, 0.0000],
                 [0.0000, 0.2500, 0.7500]]])
        >>> DIALECTS["soft"].contributions(alpha, tail_threshold=0.5)
        Traceback (most recent call last):
        ...
        cifviz.errors.CIFError: soft has no tail_threshold to set: it must be None, got 0.5
        """
        settings = self._settings(threshold, tail_threshold)
        alpha = require_tensor("alpha", alpha, "batch", "frames")
        if frame_lengths is None:
            frame_lengths = torch.full((len(alpha),), alpha.shape[1], device=alpha.device)
        frame_lengths = check_lengths("frame_lengths", frame_lengths, alpha, alpha.shape[1])
        if target_lengths is not None:
            target_lengths = check_lengths("target_lengths", target_lengths, alpha, MOST_TOKENS)
        if self.masks_padding:
            alpha = alpha.masked_fill(~valid_mask(frame_lengths, alpha.shape[1]), 0)
        alpha = require_weights(require_weights(alpha).float())  # may overflow in float32
        if target_lengths is None:
            require_few_tokens(alpha)
        return self.integrate(alpha, frame_lengths, target_lengths, **settings)

    def _settings(self, threshold: float | None, tail_threshold: float | None) -> dict[str, float]:
        """The adjustable ones as given or by default; any other must be left alone."""
        if threshold is not None:
            threshold = require_number("threshold", threshold, above=0)
        if tail_threshold is not None:
            tail_threshold = require_number(
                "tail_threshold", tail_threshold, at_least=0, at_most=MOST_TOKENS
            )
        settings: dict[str, float] = {}
        for name, value in (("threshold", threshold), ("tail_threshold", tail_threshold)):
            default = getattr(self, name)
            if name in self.adjustable:
                settings[name] = default if value is None else value
            elif value is not None and value != default:
                allowed = "None" if default is None else f"{default:g} or None"
                raise CIFError(
                    f"{self.name} has no {name} to set: it must be {allowed}, got {shown(value)}"
                )
        return settings
