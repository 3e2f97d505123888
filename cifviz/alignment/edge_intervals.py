"""`EdgeIntervals`: how far off an edge of an aligned word may be, learned on development speech.

How large an error is depends on what is around the edge: where the weights are small, time is far
from mass; a vowel beside a glide has no sharp border; a pause has. So the size of the error is
predicted first, as ``s = exp(w · x)`` of features x that are known at alignment, by least squares
on the logarithm of the errors. Then the errors are divided by it, and the interval is what lies
between two of their quantiles, times s (split conformal prediction, scaled by s). The quantiles are
those of utterances on which w was not fitted, so that a nominal 90 % covers 90 % of edges like
these; of other speakers and recordings it covers what it covers, which has to be measured.

Source: J. Lei, M. G'Sell, A. Rinaldo, R. Tibshirani, L. Wasserman, "Distribution-Free Predictive
Inference for Regression", JASA 2018 (locally weighted conformal inference).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import require, require_number, require_type, shown
from cifviz.timing import FrameGrid

LEVEL = 0.9
"""Share of edges that lie in their intervals."""
FOLDS = 5
"""Parts of the development set; errors of each are divided by what the others predict."""
RIDGE = 3.0
"""How strongly the coefficients are held near 0; features are scaled to one deviation."""

LEAST = 20
"""Words to learn from, at least."""

_LEAST_WEIGHT = 0.02
"""Of α: what is less weighs nothing."""
_PAUSE = 0.03
"""Seconds between two words from which on they do not touch."""
_LEAST_ERROR = 0.004
"""Seconds that are added to errors before the logarithm: references are no finer."""
_NARROWEST, _WIDEST = 0.25, 4.0
"""Limits of s, in shares of its median in development: beyond what was seen nothing is known."""
_CLASSES = {
    "stop": "p b t d k ɡ tʃ dʒ ɾ".split(),
    "fricative": "f v θ ð s z ʃ ʒ h".split(),
    "nasal": "m n ŋ".split(),
    "approximant": "l ɹ w j".split(),
}
"""Consonants by how they sound; whatever is none of them is a vowel."""
_KINDS = (*_CLASSES, "vowel", "pause")
FEATURES = (
    "constant",
    "log 1/α",
    "log pause",
    "end of the sound",
    "−log p of the phone",
    "−log p of the word",
    "log length of the phone",
    "log phones of the word",
    *(f"inside: {kind}" for kind in _KINDS[:-1]),
    *(f"outside: {kind}" for kind in _KINDS),
)
"""What is known of an edge. Its phone is the word's own, inside; outside is the next word's, or a
pause."""


@dataclass(frozen=True)
class EdgeIntervals:
    """Learned intervals of onsets and offsets; kept in a model's configuration, as `Edges` are."""

    onset_weights: tuple[float, ...]
    """Coefficients of log s (features,), of seconds."""
    offset_weights: tuple[float, ...]
    onset_quantiles: tuple[float, float]
    """From the edge that was read to the ends of its interval, in multiples of s."""
    offset_quantiles: tuple[float, float]
    medians: tuple[float, float]
    """Median s of onsets and of offsets in development, seconds."""
    level: float = LEVEL
    """Share of edges in their intervals, nominally."""

    def __post_init__(self) -> None:
        for name in ("onset_weights", "offset_weights"):
            self._set_numbers(name, len(FEATURES))
        for name in ("onset_quantiles", "offset_quantiles", "medians"):
            self._set_numbers(name, 2)
        for name in ("onset_quantiles", "offset_quantiles"):
            low, high = getattr(self, name)
            require(low <= high, f"EdgeIntervals.{name} must be in order, got {(low, high)}")
        for median in self.medians:
            require_number("each of EdgeIntervals.medians", median, above=0)
        require_number("EdgeIntervals.level", self.level, above=0, below=1)

    def _set_numbers(self, name: str, count: int) -> None:
        """Keep so many numbers as a tuple of floats."""
        values, name_shown = getattr(self, name), f"EdgeIntervals.{name}"
        is_list = isinstance(values, Sequence) and not isinstance(values, str | bytes)
        require(
            is_list and len(values) == count,
            f"{name_shown} must be {count} numbers, got {shown(values)}",
        )
        numbers = tuple(require_number(f"each of {name_shown}", one) for one in values)
        object.__setattr__(self, name, numbers)

    def read(self, words: Alignment, features: np.ndarray) -> np.ndarray:
        """The interval of each edge.

        Parameters
        ----------
        words : Alignment
        features : array (words, 2, features)
            What `edge_features` gave for them.

        Returns
        -------
        array (words, 2, 2), float64
            Of onset and offset the earliest and the latest time, seconds, not before 0; NaN of an
            untimed word. The edge itself is always inside.

        Raises
        ------
        CIFError
            If there are not as many features as words.
        """
        require_type("words", words, Alignment)
        shape = (len(words), 2, len(FEATURES))
        require(features.shape == shape, f"features must be {shape}, got {features.shape}")
        edges = _edges(words)
        weights = np.array([self.onset_weights, self.offset_weights])
        quantiles = np.array([self.onset_quantiles, self.offset_quantiles])
        scale = _limited(np.einsum("wsf,sf->ws", features, weights), np.array(self.medians))
        low = np.minimum(quantiles[:, 0], 0) * scale
        high = np.maximum(quantiles[:, 1], 0) * scale
        return np.stack([(edges + low).clip(min=0), edges + high], axis=2)


def edge_features(
    phones: Alignment, counts: Sequence[int], weights: np.ndarray, grid: FrameGrid, duration: float
) -> np.ndarray:
    """What is known of the edges of words when they are aligned.

    Parameters
    ----------
    phones : Alignment
        The phones of all words, with scores.
    counts : sequence of int > 0 (words,)
        Phones of each word.
    weights : array (frames,)
        The weights as they came, not scaled to the transcript.
    grid : FrameGrid
        Clock of the frames.
    duration : float
        Length of the sound, seconds.

    Returns
    -------
    array (words, 2, features)
        `FEATURES` of onset and offset; zeros of an untimed word.

    Examples
    --------
    A word of one phone in the middle of a second, beside silence:

    >>> from cifviz.alignment.timed_tokens import TimedToken
    >>> phones = Alignment((TimedToken("s", 0.25, 0.5, 1.0),))
    >>> found = edge_features(phones, [1], np.ones(10), FrameGrid(0.1), 1.0)[0, 0]
    >>> [(name, round(float(x), 2)) for name, x in zip(FEATURES, found, strict=True) if x]
    ... # doctest: +NORMALIZE_WHITESPACE
    [('constant', 1.0), ('log pause', 2.23), ('end of the sound', 1.0),
     ('log length of the phone', 0.92), ('inside: fricative', 1.0), ('outside: pause', 1.0)]
    """
    require(
        sum(counts) == len(phones) and all(count > 0 for count in counts),
        f"expected counts > 0 that add up to {len(phones)} phones, got {list(counts)}",
    )
    found = np.zeros((len(counts), 2, len(FEATURES)))
    bounds = np.cumsum([0, *counts])
    words = [phones.tokens[a:b] for a, b in itertools.pairwise(bounds)]
    timed = [number for number, own in enumerate(words) if all(one.is_timed for one in own)]
    silence = -np.log(np.clip(weights, _LEAST_WEIGHT, 1.0)) if len(weights) else np.zeros(1)
    for place, number in enumerate(timed):
        before = words[timed[place - 1]] if place else ()
        after = words[timed[place + 1]] if place + 1 < len(timed) else ()
        for side, outer in enumerate((before[-1:], after[:1])):
            values = _of_edge(words[number], side, outer, duration)
            time = _time(words[number][-side], side)
            frame = int(np.clip(grid.frame(time), 0, len(silence) - 1))
            found[number, side] = [1.0, silence[frame], *values]
    return found


def learn_intervals(
    words: Sequence[Alignment],
    features: Sequence[np.ndarray],
    references: Sequence[Alignment],
    *,
    reference_errors: Sequence[float] = (0.0,),
    level: float = LEVEL,
) -> EdgeIntervals:
    """Learn intervals from development utterances, never those that are reported.

    Parameters
    ----------
    words : sequence of Alignment (utterances,)
        As they were aligned.
    features : sequence of array (words, 2, features)
        What `edge_features` gave for each.
    references : sequence of Alignment (utterances,)
        The true times of the same words; pairs of which one is untimed do not count.
    reference_errors : sequence of float
        How far off references are themselves, seconds: some equally likely values. A model that was
        taught by a machine agrees with it better than with the truth. Each is added to each error.
    level : float in (0, 1)
        Share of edges that shall lie in their intervals.

    Raises
    ------
    CIFError
        If there are not as many of each, an utterance and its reference differ in their number of
        words, or there are fewer than 20 edges of a kind.
    """
    # 1. Errors of all edges that have times on both sides, and which fold each is in.
    level = require_number("level", level, above=0, below=1)
    parts = []
    for number, (own, known, true) in enumerate(zip(words, features, references, strict=True)):
        require(
            len(own) == len(true),
            f"expected {len(own)} words in reference {number}, got {len(true)}",
        )
        errors = _edges(true) - _edges(own)
        both = np.isfinite(errors).all(axis=1)
        parts.append((known[both], errors[both], np.full(int(both.sum()), number % FOLDS)))
    empty = (np.zeros((0, 2, len(FEATURES))), np.zeros((0, 2)), np.zeros(0, int))
    x, errors, fold = (np.concatenate(one) for one in zip(empty, *parts, strict=True))
    require(len(x) >= LEAST, f"expected at least {LEAST} words with times, got {len(x)}")

    # 2. Of onsets and of offsets: the size of errors, and their quantiles in multiples of it.
    noise = np.asarray(reference_errors, dtype=np.float64)
    weights: list[tuple[float, ...]] = []
    quantiles: list[tuple[float, float]] = []
    medians: list[float] = []
    for side in (0, 1):
        scaled = np.zeros((len(x), len(noise)))
        for number in np.unique(fold):
            own = fold == number
            others = ~own if (~own).sum() >= LEAST // 2 else np.ones(len(own), bool)
            fitted = _fit(x[others, side], errors[others, side])
            scale = _scale(x[own, side], fitted, x[others, side])
            scaled[own] = (errors[own, side, None] + noise) / scale[:, None]
        fitted = _fit(x[:, side], errors[:, side])
        weights.append(tuple(fitted.tolist()))
        medians.append(float(np.median(np.exp(x[:, side] @ fitted))))
        quantiles.append(_quantiles(scaled, level))
    return EdgeIntervals(
        weights[0], weights[1], quantiles[0], quantiles[1], (medians[0], medians[1]), level
    )


def _quantiles(scaled: np.ndarray, level: float) -> tuple[float, float]:
    """Those between which a share of values lies (edges, noise), rounded outwards for the edges."""
    ordered = np.sort(scaled, axis=None)
    out = int((len(scaled) + 1) * (1 - level) / 2 * scaled.shape[1])
    return float(ordered[max(out - 1, 0)]), float(
        ordered[min(len(ordered) - out, len(ordered) - 1)]
    )


def _fit(x: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Coefficients of log(|error| + 4 ms) on features (edges, features), by ridge regression."""
    target = np.log(np.abs(errors) + _LEAST_ERROR)
    spread = x.std(axis=0)
    spread[spread < 1e-6] = np.inf  # what never changes says nothing
    centre = x.mean(axis=0)
    scaled = (x - centre) / spread
    gram = scaled.T @ scaled + RIDGE * np.eye(x.shape[1])
    slopes = np.linalg.solve(gram, scaled.T @ (target - target.mean())) / spread
    slopes[0] = target.mean() - slopes[1:] @ centre[1:]  # the first feature is the constant
    return slopes


def _scale(x: np.ndarray, fitted: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """The s of edges, within the limits about its median in what it was fitted on."""
    return _limited(x @ fitted, np.median(np.exp(seen @ fitted)))


def _limited(logarithm: np.ndarray, middle: np.ndarray | np.floating[Any]) -> np.ndarray:
    """The s from its logarithm, within its limits."""
    low, high = np.log(_NARROWEST * middle), np.log(_WIDEST * middle)
    limited: np.ndarray = np.exp(logarithm.clip(low, high))
    return limited


def _edges(words: Alignment) -> np.ndarray:
    """Onset and offset of each word (words, 2); NaN of an untimed one."""
    times = [(one.start, one.end) if one.is_timed else (np.nan, np.nan) for one in words]
    return np.array(times, dtype=np.float64).reshape(-1, 2)


def _time(phone: TimedToken, side: int) -> float:
    """The start (side 0) or the end (side 1) of a timed phone."""
    return float((phone.start, phone.end)[side] or 0.0)


def _of_edge(
    own: Sequence[TimedToken], side: int, outer: Sequence[TimedToken], duration: float
) -> list[float]:
    """`FEATURES` of one edge from "log pause" on: of a word, beside a phone or the end of sound."""
    inner = own[-side]
    beside = _time(outer[0], 1 - side) if outer else (0.0, duration)[side]
    gap = (beside - _time(inner, side)) * (1 if side else -1)
    outside = _kind(outer[0].token) if outer and gap <= _PAUSE else "pause"
    surprise = [-np.log(np.clip(one.score or 0.0, 1e-3, 1.0)) for one in own]
    return [
        float(np.log1p(max(gap, 0.0) / _PAUSE)),
        float(not outer),
        float(surprise[-side]),
        float(np.mean(surprise)),
        float(np.log(max(inner.duration, 0.01) / 0.1)),
        float(np.log(len(own))),
        *(float(_kind(inner.token) == kind) for kind in _KINDS[:-1]),
        *(float(outside == kind) for kind in _KINDS),
    ]


def _kind(phone: str) -> str:
    return next((kind for kind, phones in _CLASSES.items() if phone in phones), "vowel")
