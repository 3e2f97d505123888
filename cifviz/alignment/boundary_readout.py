"""Boundary read-outs: ways to read a token's edges from a transcription.

Each takes some time from a token (a candidate) and adds a constant. Both are learned, for onsets
and for offsets: those with the least mean absolute error on development utterances.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from cifviz.alignment.mass_times import times_at
from cifviz.alignment.timed_tokens import Alignment, Edges
from cifviz.core.firing import Firing
from cifviz.errors import CIFError
from cifviz.timing import FrameGrid

ONSET_QUANTILES = (0.02, *(share / 20 for share in range(1, 11)))
OFFSET_QUANTILES = (*(share / 20 for share in range(10, 20)), 0.98)
"""Shares of a token's mass at which its edges may be read: 2 % … 50 % and 50 % … 98 %."""
LONGEST = tuple(n / 10 for n in range(2, 9))
"""Seconds that a token may last where silence is inserted: 0.2 … 0.8."""
SUPPORTS = (0.05, 0.1, 0.2, 0.3, 0.5)
"""Shares of its largest weight above which a frame belongs to a token."""


class TranscriptionLike(Protocol):
    """What a read-out needs of a transcription; those of a CIF's fires need its `firing`, too."""

    @property
    def tokens(self) -> tuple[str, ...]:
        """The recognised tokens, in order."""

    @property
    def rows(self) -> Tensor:
        """How each token is spread over the frames (tokens, frames); rows sum to 1."""

    @property
    def grid(self) -> FrameGrid:
        """Clock of the frames."""

    @property
    def duration(self) -> float:
        """Length of the sound, seconds."""


class EdgeCandidates(NamedTuple):
    """Candidates for one kind of edge."""

    names: tuple[str, ...]
    read: Callable[[Any], Tensor]
    """Seconds (tokens, candidates)."""


@dataclass(frozen=True)
class BoundaryReadout:
    """A way to read edges, before anything is learned."""

    onset: EdgeCandidates
    offset: EdgeCandidates
    shifted: bool = True
    """Whether constants are learned."""


@dataclass(frozen=True)
class LearnedReadout:
    """A boundary read-out with the candidates and constants that were learned."""

    readout: BoundaryReadout
    onset: int
    """Which of the candidates."""
    offset: int
    onset_shift: float = 0.0
    """Seconds."""
    offset_shift: float = 0.0
    error: float = math.inf
    """Mean absolute error of both edges where it was learned, seconds."""

    def align(self, transcription: TranscriptionLike) -> Alignment:
        """The tokens with their times."""
        return Alignment.from_edges(
            transcription.tokens,
            self.readout.onset.read(transcription)[:, self.onset] + self.onset_shift,
            self.readout.offset.read(transcription)[:, self.offset] + self.offset_shift,
            duration=transcription.duration,
        )

    def to_dict(self) -> dict[str, str | float]:
        """What was learned, for a result."""
        return {
            "onset": self.readout.onset.names[self.onset],
            "onset_shift": self.onset_shift,
            "offset": self.readout.offset.names[self.offset],
            "offset_shift": self.offset_shift,
        }


def comparable(
    transcriptions: Sequence[Any], references: Sequence[Alignment]
) -> list[tuple[Any, Alignment]]:
    """Pairs of transcription and timed reference with as many tokens in both, at least one.

    A reference of which a token is untimed is in no pair.
    """
    pairs = zip(transcriptions, references, strict=True)
    return [
        (one, words)
        for one, words in pairs
        if len(one.tokens) == len(words) > 0 and words.timed == words.tokens
    ]


def learn(
    readout: BoundaryReadout, pairs: Sequence[tuple[TranscriptionLike, Alignment]]
) -> LearnedReadout:
    """Choose the candidates and the constants.

    Parameters
    ----------
    readout : BoundaryReadout
    pairs : sequence of (transcription, reference)
        `comparable` development utterances, never the ones that are reported. Without any, the
        middle candidates are taken, unshifted.
    """
    if not pairs:
        return LearnedReadout(
            readout, len(readout.onset.names) // 2, len(readout.offset.names) // 2
        )
    found = []
    for side, candidates in enumerate((readout.onset, readout.offset)):
        errors = np.concatenate(
            [
                candidates.read(transcription).numpy() - np.array(words.spans)[:, side : side + 1]
                for transcription, words in pairs
            ]
        )
        found.append(best_of(errors, shifted=readout.shifted))
    (onset, onset_shift, early), (offset, offset_shift, late) = found
    return LearnedReadout(readout, onset, offset, onset_shift, offset_shift, (early + late) / 2)


def best_of(errors: np.ndarray, *, shifted: bool = True) -> tuple[int, float, float]:
    """The column whose mean absolute error is least, the constant that makes it so, and the error.

    Parameters
    ----------
    errors : array (edges, candidates)
        Hypothesis − reference, seconds.
    shifted : bool
        Whether a constant may be added; 0 otherwise.

    Examples
    --------
    The second one is always 0.1 s late:

    >>> best_of(np.array([[0.0, 0.1], [0.1, 0.1]]))
    (1, -0.1, 0.0)
    """
    shifts = [-float(np.median(column)) if shifted else 0.0 for column in errors.T]
    means = [float(np.abs(e + shift).mean()) for e, shift in zip(errors.T, shifts, strict=True)]
    best = int(np.argmin(means))
    return best, shifts[best], means[best]


def _firing(transcription: Any) -> Firing:
    """The firing of a CIF's transcription, or a `CIFError`."""
    firing = getattr(transcription, "firing", None)
    if not isinstance(firing, Firing):
        raise CIFError("this read-out needs the firing of a CIF, got a transcription without one")
    return firing


def _at(quantiles: Sequence[float], cut: str) -> EdgeCandidates:
    """Times at quantiles of a CIF token's mass."""

    def read(one: Any) -> Tensor:
        return times_at(_firing(one), one.grid, quantiles, cut=cut)

    return EdgeCandidates(
        tuple(f"{100 * quantile:g} % of the mass" for quantile in quantiles), read
    )


def _row_quantiles(quantiles: Sequence[float]) -> EdgeCandidates:
    """Times at quantiles of a row."""

    def read(one: TranscriptionLike) -> Tensor:
        rows = one.rows.double()
        running = torch.nn.functional.pad(rows.cumsum(dim=1), (1, 0))
        wanted = torch.tensor(quantiles, dtype=torch.float64).expand(len(rows), -1).contiguous()
        wanted = (wanted * running[:, -1:]).clamp(min=1e-9)  # a share of 0: the first mass there is
        frame = torch.searchsorted(running[:, 1:].contiguous(), wanted)
        inside = (wanted - running.gather(1, frame)) / rows.gather(1, frame).clamp(min=1e-9)
        return one.grid.seconds(frame + inside.clamp(0, 1))

    return EdgeCandidates(tuple(f"{100 * quantile:g} % of the row" for quantile in quantiles), read)


def _centroid(one: TranscriptionLike) -> Tensor:
    middles = torch.arange(one.rows.shape[1], dtype=torch.float64) + 0.5
    return one.grid.seconds((one.rows.double() @ middles).unsqueeze(1))


def _support(last: bool) -> EdgeCandidates:
    """First or last edge of the frames that weigh more than a share of the largest."""

    def read(one: TranscriptionLike) -> Tensor:
        rows = one.rows.double()
        if not len(rows):
            return rows.new_zeros(0, len(SUPPORTS))
        places = torch.arange(rows.shape[1])
        columns = []
        for share in SUPPORTS:
            inside = rows > share * rows.max(dim=1, keepdim=True).values
            if last:
                columns.append(torch.where(inside, places + 1, 0).amax(dim=1))
            else:
                columns.append(torch.where(inside, places, rows.shape[1]).amin(dim=1))
        return one.grid.seconds(torch.stack(columns, dim=1).double())

    return EdgeCandidates(tuple(f"above {100 * share:g} % of the peak" for share in SUPPORTS), read)


def _not_before_fire() -> EdgeCandidates:
    """The fire before, but at most `LONGEST` before a token's own."""

    def read(one: Any) -> Tensor:
        fires = times_at(_firing(one), one.grid, (0.0, 1.0), cut="fires")
        return torch.maximum(fires[:, :1], fires[:, 1:] - torch.tensor(LONGEST))

    return EdgeCandidates(tuple(f"at most {seconds:g} s" for seconds in LONGEST), read)


CENTROID = EdgeCandidates(("centroid",), _centroid)

CIF_READOUTS: Mapping[str, BoundaryReadout] = {
    "fire": BoundaryReadout(_at([0.0], "fires"), _at([1.0], "fires"), shifted=False),
    "fire, shifted": BoundaryReadout(_at([0.0], "fires"), _at([1.0], "fires")),
    "fire, silence inserted": BoundaryReadout(_not_before_fire(), _at([1.0], "fires")),
    "centroid": BoundaryReadout(CENTROID, CENTROID),
    "support": BoundaryReadout(_support(last=False), _support(last=True)),
    "quantiles": BoundaryReadout(_at(ONSET_QUANTILES, "fires"), _at(OFFSET_QUANTILES, "fires")),
    "valleys, quantiles": BoundaryReadout(
        _at(ONSET_QUANTILES, "valleys"), _at(OFFSET_QUANTILES, "valleys")
    ),
}
"""Of a CIF, from its fires to quantiles between valleys, the default of `Edges`."""

EDGES_READOUTS = {"valleys": "valleys, quantiles", "fires": "quantiles"}
"""The read-outs among them that `Edges` can express, by where they cut."""

CTC_READOUTS: Mapping[str, BoundaryReadout] = {
    "path": BoundaryReadout(_row_quantiles([0.0]), _row_quantiles([1.0]), shifted=False),
    "path, shifted": BoundaryReadout(_row_quantiles([0.0]), _row_quantiles([1.0])),
}
"""Of CTC: the frames of the token on its best path."""

ATTENTION_READOUTS: Mapping[str, BoundaryReadout] = {
    "centroid": BoundaryReadout(CENTROID, CENTROID),
    "quantiles": BoundaryReadout(_row_quantiles(ONSET_QUANTILES), _row_quantiles(OFFSET_QUANTILES)),
}
"""Of cross-attention: the frames that a token attends to."""


def learn_edges(pairs: Sequence[tuple[Any, Alignment]]) -> Edges:
    """Like `learn`, but in the form that a recogniser keeps: the better of the two cuts.

    Valleys find the gaps between words. Where words touch there are none; there a fire, which may
    lie inside a frame, is closer than a cut, which may not.
    """
    learned = {cut: learn(CIF_READOUTS[name], pairs) for cut, name in EDGES_READOUTS.items()}
    cut, best = min(learned.items(), key=lambda item: item[1].error)
    return Edges(
        ONSET_QUANTILES[best.onset],
        OFFSET_QUANTILES[best.offset],
        best.onset_shift,
        best.offset_shift,
        cut=cut,
    )


def align_all(
    readout: BoundaryReadout,
    transcriptions: Sequence[TranscriptionLike],
    tuning: Sequence[tuple[TranscriptionLike, Alignment]],
) -> list[Alignment]:
    """Alignments of transcriptions, with the read-out learned on the pairs of `tuning`."""
    learned = learn(readout, tuning)
    return [learned.align(one) for one in transcriptions]


def cross_aligned(
    readout: BoundaryReadout,
    transcriptions: Sequence[TranscriptionLike],
    references: Sequence[Alignment],
) -> list[Alignment]:
    """Alignments of development utterances: each half with the read-out learned on the other."""
    found: dict[int, Alignment] = {}
    for half in (0, 1):
        tuning = comparable(transcriptions[1 - half :: 2], references[1 - half :: 2])
        places = range(half, len(transcriptions), 2)
        aligned = align_all(readout, transcriptions[half::2], tuning)
        found.update(zip(places, aligned, strict=True))
    return [found[place] for place in range(len(transcriptions))]
