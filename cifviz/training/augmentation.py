"""Endless training utterances, cut and joined from the recordings there are.

Sentences that always hold six words in three seconds teach a model the clock instead of the words.
So runs of words are cut out at word times and joined, with pauses in between, until counts, lengths
and pauses vary; then speaker, tempo, channel and noise are varied too. All of it happens on log-mel
frames, 10 ms each, which is cheap enough to do anew for every step.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from cifviz.errors import CIFError, require
from cifviz.systems.feature_normalisation import normalise

SILENCE = np.float32(-23.0)
"""Log-mel power of digital silence."""


@dataclass(frozen=True, eq=False)
class Recording:
    """Log-mel features of an utterance with its tokens and their frames."""

    features: np.ndarray
    """Natural logarithm of mel power, before normalisation (frames, n_mels)."""
    tokens: tuple[int, ...]
    spans: tuple[tuple[float, float], ...] | None
    """Where each token begins and ends, in fractional frames; None where that is unknown."""
    speaker: str
    extras: Mapping[str, Any] = field(default_factory=dict)
    """Further inputs of a system, by name, for the whole recording; see `CutAndJoin`."""

    def cut(self, first: int, last: int, margins: tuple[int, int]) -> tuple[int, int]:
        """First frame of the tokens first … last and the one after, in the middle of the gaps.

        At the start and the end of the recording at most so many frames of silence are kept.
        """
        if self.spans is None:
            raise CIFError("a recording without spans cannot be cut")
        if first == 0:
            start = max(0, math.floor(self.spans[0][0]) - margins[0])
        else:
            start = int((self.spans[first - 1][1] + self.spans[first][0]) / 2)
        if last == len(self.tokens) - 1:
            end = min(len(self.features), math.ceil(self.spans[last][1]) + margins[1])
        else:
            end = int((self.spans[last][1] + self.spans[last + 1][0]) / 2)
        return start, end

    @property
    def quiet(self) -> np.ndarray:
        """Frames before the first token and after the last, less 50 ms beside them."""
        if not self.spans:
            return self.features[:0]
        before = self.features[: max(0, math.floor(self.spans[0][0]) - 5)]
        return np.concatenate([before, self.features[math.ceil(self.spans[-1][1]) + 5 :]])


class Example(NamedTuple):
    """One training utterance."""

    features: Tensor
    """Normalised (frames, n_mels)."""
    tokens: list[int]
    """Ids."""
    spans: Tensor
    """Where each token begins and ends, in fractional frames (tokens, 2); −1 where unknown."""
    extras: Mapping[str, Any] = MappingProxyType({})
    """Further inputs of a system, by name: of each what its `Collate` takes for one utterance."""


@dataclass(frozen=True)
class Augmentation:
    """How much is varied: standard deviations, largest values and shares of utterances."""

    max_tokens: int = 9
    trim: int = 30
    """Frames of silence kept at the ends of a recording, at most."""
    tempo: float = 0.2
    """Standard deviation of the logarithm of the tempo."""
    warp: float = 0.15
    """Largest stretch of the frequency axis: another vocal tract."""
    tilt: float = 0.5
    """Standard deviation of the slow waves added along frequency (nepers): another channel."""
    level: float = 0.4
    """Standard deviation of the level of a joined piece (nepers of power)."""
    hush: float = 4.0
    """Largest loss of frames whose power lies high (nepers): fricatives poorly recorded."""
    noise: float = 0.7
    """Share of utterances with added noise."""
    masks: int = 2
    """Largest number of masked bands and of masked stretches of time."""
    empty: float = 0.06
    """Share of utterances without a word: silence or noise."""


class CutAndJoin:
    """Make training utterances from recordings, each from one random generator.

    Recordings with extras are neither cut nor joined, for the extras are those of the whole
    recording: each makes an utterance of its own, with pauses around it, in another tempo and with
    all else that is varied. Extras that follow the frames need another maker of utterances.

    Parameters
    ----------
    groups : mapping of str to sequence of Recording
        Recordings by group (real, synthesised …).
    shares : mapping of str to float
        How often each group is drawn from.
    augmentation : Augmentation
        What is varied.

    Raises
    ------
    CIFError
        If a group has no share, some recordings lack extras that others have, or recordings have
        extras and there are to be utterances without a word, for which there are none.
    """

    def __init__(
        self,
        groups: Mapping[str, Sequence[Recording]],
        shares: Mapping[str, float],
        augmentation: Augmentation,
    ):
        require(groups.keys() == shares.keys(), "every group of recordings needs its share")
        kinds = {tuple(sorted(one.extras)) for group in groups.values() for one in group}
        require(
            len(kinds) < 2, f"all recordings need the same extras, got {sorted(map(list, kinds))}"
        )
        require(
            kinds <= {()} or not augmentation.empty,
            "where recordings have extras, Augmentation.empty must be 0: an utterance without a "
            f"word has none, got {augmentation.empty}",
        )
        self.names = list(groups)
        total = sum(shares.values())
        self.shares = [shares[name] / total for name in self.names]
        self.speakers = [_by_speaker(groups[name]) for name in self.names]
        self.augmentation = augmentation

    def __call__(self, rng: np.random.Generator) -> Example:
        """One utterance."""
        # 1. From whom; now and then there is no word.
        settings = self.augmentation
        group = self.speakers[rng.choice(len(self.names), p=self.shares)]
        recordings = group[rng.integers(len(group))]
        if rng.random() < settings.empty:
            noise = np.full((rng.integers(1, 300), recordings[0].features.shape[1]), SILENCE)
            noise = _add_noise(rng, noise, rng.uniform(float(SILENCE), 4.0))
            normal = self.normalised(torch.from_numpy(noise.astype(np.float32)))
            return Example(normal, [], _no_spans(0))

        # 2. Runs of words, with pauses around them.
        wanted = int(rng.integers(1, settings.max_tokens + 1))
        pieces = [_pause(rng, recordings, ends=True)]
        tokens: list[int] = []
        spans: list[Tensor] = []
        extras: Mapping[str, Any] = {}
        joined: list[Recording] = []
        while len(tokens) < wanted and not extras:
            recording = self.pick(rng, recordings, joined, wanted - len(tokens))
            joined.append(recording)
            features, ids, inside = self._run(rng, recording, wanted - len(tokens))
            spans.append(inside + sum(map(len, pieces)))
            pieces += [features, _pause(rng, recordings, ends=False)]
            tokens += ids
            extras = recording.extras
        pieces.append(_pause(rng, recordings, ends=True))

        # 3. Another voice, channel and noise.
        features = np.concatenate(pieces)
        features = _stretch(features, 1, 1 + rng.uniform(-settings.warp, settings.warp))
        features = _hush(features, rng.uniform(0, settings.hush))
        features = features + _curve(rng, features.shape[1], settings.tilt)
        if rng.random() < settings.noise:
            loudest = features.mean(axis=1).max()
            features = _add_noise(rng, features, loudest - rng.uniform(2.5, 12))
        normal = self.normalised(torch.from_numpy(features.astype(np.float32)))
        known = torch.cat(spans)
        if known.isnan().any():
            known = _no_spans(len(tokens))
        return Example(_mask(rng, normal, settings.masks), tokens, known, extras)

    def normalised(self, features: Tensor) -> Tensor:
        """What the system is given for the log-mel features of an utterance (frames, n_mels).

        The hook of systems that look at something else, such as ones that stream.
        """
        return normalise(features)

    def pick(
        self,
        rng: np.random.Generator,
        recordings: Sequence[Recording],
        joined: Sequence[Recording],
        wanted: int,
    ) -> Recording:
        """The recording that a run of words is taken from: any of them.

        The hook of utterances whose words depend on each other.

        Parameters
        ----------
        rng : numpy Generator
        recordings : sequence of Recording
            Those of a speaker.
        joined : sequence of Recording
            What runs were taken from so far.
        wanted : int > 0
            Tokens that the utterance still lacks.
        """
        return recordings[int(rng.integers(len(recordings)))]

    def _run(
        self, rng: np.random.Generator, recording: Recording, most: int
    ) -> tuple[np.ndarray, list[int], Tensor]:
        """A run of consecutive tokens of a recording, in another tempo, and its spans.

        At most `most` of them, or all where the recording has extras or the spans are unknown,
        which are then nan.
        """
        settings = self.augmentation
        if recording.spans is None:
            features, _ = self._paced(rng, recording.features)
            return features, list(recording.tokens), _no_spans(len(recording.tokens)) * math.nan
        if recording.extras:
            length, first, start, end = len(recording.tokens), 0, 0, len(recording.features)
        else:
            length = min(most, int(rng.integers(1, len(recording.tokens) + 1)))
            first = int(rng.integers(0, len(recording.tokens) - length + 1))
            before, behind = rng.integers(settings.trim + 1, size=2).tolist()
            start, end = recording.cut(first, first + length - 1, (before, behind))
        features, pace = self._paced(rng, recording.features[start:end])
        run = slice(first, first + length)
        inside = (torch.tensor(recording.spans[run]).double().view(-1, 2) - start) * pace
        return features, list(recording.tokens[run]), inside.clamp(0, len(features))

    def _paced(self, rng: np.random.Generator, features: np.ndarray) -> tuple[np.ndarray, float]:
        """The same in another tempo, at another level, and how much longer it is."""
        tempo = np.exp(rng.normal(0, self.augmentation.tempo))
        paced = _stretch(features, 0, tempo, round(len(features) / tempo))
        return paced + rng.normal(0, self.augmentation.level), 1 / tempo


def _no_spans(tokens: int) -> Tensor:
    return torch.full((tokens, 2), -1.0, dtype=torch.float64)


def _by_speaker(recordings: Sequence[Recording]) -> list[list[Recording]]:
    speakers: dict[str, list[Recording]] = {}
    for recording in recordings:
        speakers.setdefault(recording.speaker, []).append(recording)
    return list(speakers.values())


def _pause(rng: np.random.Generator, recordings: Sequence[Recording], *, ends: bool) -> np.ndarray:
    """Frames of a pause: digital silence or the recording's own, often none between words."""
    kind = rng.random()
    if ends:
        frames = int(rng.integers(0, 40)) if kind < 0.9 else int(rng.integers(0, 150))
    elif kind < 0.4:
        frames = 0
    else:
        frames = int(rng.integers(0, 25)) if kind < 0.9 else int(rng.integers(25, 150))
    bands = recordings[0].features.shape[1]
    quiet = recordings[int(rng.integers(len(recordings)))].quiet
    if len(quiet) < 5 or rng.random() < 0.3:
        return np.full((frames, bands), SILENCE)
    return quiet[rng.integers(0, len(quiet), frames)]


def _stretch(features: np.ndarray, axis: int, factor: float, size: int | None = None) -> np.ndarray:
    """Read an axis at every `factor`-th place, between its entries by linear interpolation."""
    length = features.shape[axis]
    size = max(1, length if size is None else size)
    places = np.minimum(np.arange(size) * factor, length - 1)
    below = places.astype(int)
    above = np.minimum(below + 1, length - 1)
    share = (places - below).astype(np.float32)
    share = share[:, None] if axis == 0 else share
    return np.take(features, below, axis) * (1 - share) + np.take(features, above, axis) * share


def _curve(rng: np.random.Generator, bands: int, size: float) -> np.ndarray:
    """A smooth random curve over the bands."""
    waves = np.cos(np.outer(np.arange(1, 4), np.linspace(0, np.pi, bands)))
    return (rng.normal(0, size, 3) @ waves).astype(np.float32)


def _hush(features: np.ndarray, loss: float) -> np.ndarray:
    """Lower each frame by up to `loss`, the more the higher its power lies."""
    bands = features.shape[1]
    high = features[:, bands * 2 // 3 :].mean(axis=1)
    low = features[:, bands // 10 : bands * 9 // 20].mean(axis=1)
    return features - (loss / (1 + np.exp(-2 * (high - low))))[:, None]


def _add_noise(rng: np.random.Generator, features: np.ndarray, level: float) -> np.ndarray:
    """Add noise of a random colour at a level in nepers of power."""
    noise = level + _curve(rng, features.shape[1], 1.0) + rng.normal(0, 0.6, features.shape)
    return np.logaddexp(features, noise)


def _mask(rng: np.random.Generator, features: Tensor, masks: int) -> Tensor:
    """Set some bands and some stretches of time to the mean (SpecAugment)."""
    frames, bands = features.shape
    mean = float(features.mean()) if frames else 0.0
    for _ in range(rng.integers(0, masks + 1)):
        width = int(rng.integers(1, bands // 6 + 1))
        start = int(rng.integers(0, bands - width + 1))
        features[:, start : start + width] = mean
    for _ in range(rng.integers(0, masks + 1)):
        width = int(rng.integers(1, 9))
        start = int(rng.integers(0, max(1, frames - width)))
        features[start : start + width] = mean
    return features
