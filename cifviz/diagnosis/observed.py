"""`ObservedUtterance`: what is known of one utterance's CIF, however it came.

Its weights are kept as they are, in float64: negative, infinite or no numbers at all, for that is
what a diagnosis is to find. Whatever else is unknown is None.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cifviz.alignment.timed_tokens import Alignment
from cifviz.audio.waveform import Waveform
from cifviz.core.firing import MOST_TOKENS, Firing
from cifviz.timing import FrameGrid

ROUNDING = 1e-4
"""Tokens: a sum so near to a whole number of them is that number, up to rounding in float32."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ObservedUtterance:
    """The weights of an utterance, and what else is known of it."""

    name: str
    alpha: np.ndarray
    """Weights as predicted, float64 (frames,)."""
    used: np.ndarray
    """Weights as they were integrated: scaled, a tail's weight added, float64 (frames,)."""
    dtype: str = "float64"
    """Type in which the weights came, such as "float16"."""
    threshold: float = 1.0
    """β, the mass that a token takes."""
    slack: float = 0.0
    """δ, how far below full a token fires."""
    fires: np.ndarray | None = None
    """Ends of the tokens that fired, in fractional frames (fires,); None where only the weights
    are known."""
    tail_fired: bool = False
    """Whether the last of `fires` is the residual."""
    tokens: tuple[str, ...] | None = None
    """What the model made of the fires, or what is spoken; None where it is unknown."""
    expected: int | None = None
    """How many tokens there should be; None where it is unknown."""
    grid: FrameGrid | None = None
    """Clock of the frames."""
    waveform: Waveform | None = None
    reference: Alignment | None = None
    """The tokens with their true times."""
    alone: np.ndarray | None = None
    """`alpha` of the same utterance when it was not in a batch, float64 (frames,)."""
    padding: np.ndarray | None = None
    """Weights behind the last real frame, float64."""

    @cached_property
    def is_valid(self) -> bool:
        """Whether its weights can be integrated: finite, at least 0, a million tokens at most."""
        with np.errstate(over="ignore"):
            return all(
                bool(np.all(one >= 0)) and float(one.sum()) / self.threshold <= MOST_TOKENS
                for one in (self.alpha, self.used)
            )

    @cached_property
    def mass(self) -> float:
        """Sum of the weights as used, in tokens."""
        return float(self.used.sum()) / self.threshold

    @cached_property
    def predicted_mass(self) -> float:
        """Sum of the weights as predicted, in tokens."""
        return float(self.alpha.sum()) / self.threshold

    @cached_property
    def running(self) -> np.ndarray:
        """Running sum of the weights as used, in tokens (frames,)."""
        return np.cumsum(self.used) / self.threshold

    @cached_property
    def full(self) -> int:
        """Full tokens in the weights as used, in float64; a token within the slack is one."""
        return int(np.floor(self.mass + self.slack / self.threshold))

    @cached_property
    def num_fires(self) -> int:
        """Tokens that fired; where that is unknown, the full ones in the weights."""
        return self.full if self.fires is None else len(self.fires)

    @cached_property
    def fire_frames(self) -> np.ndarray:
        """Ends of the tokens in fractional frames (fires,), from the weights if need be."""
        return self.fires if self.fires is not None else frames_at(self.running, self.full)

    @property
    def residual(self) -> float:
        """Weight behind the last full token that fired, in tokens, without an appended one."""
        return self.mass - self.appended - (self.num_fires - int(self.tail_fired))

    @cached_property
    def appended(self) -> float:
        """Weight of a frame that the source appends for the tail, as FunASR does, in tokens."""
        if not len(self.used) or self.alpha[-1] != 0 or len(self.alpha) != len(self.used):
            return 0.0
        is_alone = np.array_equal(self.alpha[:-1], self.used[:-1])
        return float(self.used[-1]) / self.threshold if is_alone else 0.0

    def seconds(self, frames: np.ndarray) -> np.ndarray:
        """Times of fractional frames; without a clock the frames themselves."""
        return frames if self.grid is None else np.asarray(self.grid.seconds(frames))

    @property
    def unit(self) -> str:
        """Unit of `seconds`."""
        return "frames" if self.grid is None else "s"


def frames_at(running: np.ndarray, tokens: int) -> np.ndarray:
    """Fractional frames at which a running sum comes to 1, 2 … `tokens`.

    >>> frames_at(np.array([0.6, 1.2, 1.8]), 1).round(4).tolist()
    [1.6667]
    """
    if not len(running) or tokens <= 0:
        return np.zeros(0)
    ends = np.arange(1, tokens + 1, dtype=np.float64)
    frame = np.minimum(np.searchsorted(running, ends), len(running) - 1)
    before = np.concatenate([[0.0], running])[frame]
    weight = running[frame] - before
    share = np.divide(ends - before, weight, out=np.ones_like(ends), where=weight > 0)
    return frame + np.clip(share, 0, 1)


def observed_firing(firing: Firing, **known: object) -> ObservedUtterance:
    """What a firing of one utterance tells; `known` are further fields.

    Examples
    --------
    >>> import torch
    >>> from cifviz.core.firing import integrate_and_fire
    >>> firing = integrate_and_fire(torch.tensor([[0.6, 0.6, 0.6]]), torch.eye(3)[None])
    >>> observed_firing(firing, name="a").fires.round(4).tolist()
    [1.6667]
    """
    one = firing.cpu()
    fields: dict[str, object] = {
        "alpha": one.alpha[0].double().numpy(),
        "used": one.scaled_alpha[0].double().numpy(),
        "dtype": str(one.alpha.dtype).removeprefix("torch."),
        "threshold": float(one.threshold),
        "slack": float(one.slack),
        "fires": one.fire_positions[0].double().numpy(),
        "tail_fired": bool(one.tail_fired[0]),
    }
    return ObservedUtterance(**(fields | known))  # type: ignore[arg-type]
