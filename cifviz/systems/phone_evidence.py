"""`PhoneEvidence`: what a CIF, and a CTC layer beside it, say about the phones of a sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

SMALLEST = 1e-9
"""A stretch that weighs less weighs nothing."""


@dataclass(frozen=True, eq=False)
class PhoneEvidence:
    """What a CIF, and a CTC layer beside it, say about a sound."""

    alpha: np.ndarray
    """Weights (frames,), float64."""
    hidden: Tensor
    """What the CIF integrates (frames, dim)."""
    ctc: Tensor
    """Logarithms of the posteriors of CTC (frames, phones + 1); the last label is the blank."""
    classify: Callable[[Tensor], Tensor]
    """From embeddings of mass one (tokens, dim) to logarithms of the probabilities of the phones
    (tokens, phones), each from its own embedding alone."""

    @cached_property
    def running(self) -> np.ndarray:
        """Running sum of the weights from 0 (frames + 1,)."""
        return np.concatenate([[0.0], np.cumsum(self.alpha)])

    @cached_property
    def integral(self) -> np.ndarray:
        """Running sum of the weighted frames from 0 (frames + 1, dim)."""
        weighted = self.hidden.double().numpy() * self.alpha[:, None]
        return np.concatenate([np.zeros_like(weighted[:1]), np.cumsum(weighted, axis=0)])

    @property
    def has_mass(self) -> bool:
        """Whether anything weighs something."""
        return bool(self.running[-1] > SMALLEST)

    def mass_at(self, frames: np.ndarray) -> np.ndarray:
        """The running sum of the weights at fractional frames."""
        return np.interp(frames, np.arange(len(self.running)), self.running)

    def frames_at(self, mass: np.ndarray) -> np.ndarray:
        """The first fractional frame at which the running sum of the weights is so large."""
        frame = np.searchsorted(self.running[1:], mass).clip(max=len(self.alpha) - 1)
        inside = (mass - self.running[frame]) / np.maximum(self.alpha[frame], SMALLEST)
        return frame + inside.clip(0, 1)

    def log_probs(self, spans: np.ndarray) -> np.ndarray:
        """Logarithms of the phones' probabilities in stretches (spans, 2): (spans, phones)."""
        at = np.arange(len(self.running))
        place = np.clip(spans, 0, len(self.alpha))
        low = np.minimum(place.astype(int), len(at) - 2) if len(at) > 1 else place.astype(int)
        share = (place - low)[..., None]
        ends = self.integral[low] * (1 - share) + self.integral[low + 1] * share
        mass = np.diff(self.mass_at(spans), axis=1)
        return self._classified(ends[:, 1] - ends[:, 0], mass)

    def _classified(self, sums: np.ndarray, mass: np.ndarray) -> np.ndarray:
        """Of sums of weighted frames (spans, dim) with their masses (spans, 1)."""
        mean = torch.from_numpy(sums / np.maximum(mass, SMALLEST)).to(self.hidden.dtype)
        found: np.ndarray = self.classify(mean).detach().double().numpy()
        return found
