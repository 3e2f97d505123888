"""Ways to read word edges off what a system heard, each learned on a development set.

All of them read some time off a token (candidates) and add a constant. Candidate and constant are
those with the least mean absolute error on development utterances, for onsets and offsets apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from cifviz.alignment.timed_tokens import Alignment, Edges, times_at
from cifviz.errors import require_type
from cifviz.metrics import best_shift
from cifviz.systems.cif import Transcription
from cifviz.timing import FrameGrid
from experiments.measure import Spoken, comparable

ONSET_QUANTILES = (0.02, *(share / 20 for share in range(1, 11)))
OFFSET_QUANTILES = (*(share / 20 for share in range(10, 20)), 0.98)
"""Shares of a token's mass at which its edges may be read: 2 % … 50 % and 50 % … 98 %."""
LONGEST = tuple(n / 10 for n in range(2, 9))
"""Seconds that a token may last where silence is inserted: 0.2 … 0.8."""
SUPPORTS = (0.05, 0.1, 0.2, 0.3, 0.5)
"""Shares of its largest weight above which a frame belongs to a token."""


class Heard(Protocol):
    """What a recogniser heard: a `Transcription`, or a baseline's hypothesis."""

    @property
    def tokens(self) -> tuple[str, ...]:
        """What was said."""

    @property
    def rows(self) -> Tensor:
        """How each token is spread over the frames (tokens, frames); rows sum to 1."""

    @property
    def grid(self) -> FrameGrid:
        """Clock of the frames."""

    @property
    def duration(self) -> float:
        """Length of the sound, seconds."""


class Side(NamedTuple):
    """Candidates for one kind of edge."""

    names: tuple[str, ...]
    read: Callable[[Any], Tensor]
    """Seconds (tokens, candidates)."""


@dataclass(frozen=True)
class Reading:
    """A way to read edges, before it has learned anything."""

    onset: Side
    offset: Side
    shifted: bool = True
    """Whether constants are learned."""


@dataclass(frozen=True)
class LearnedReading:
    """A way to read edges, ready to be used."""

    reading: Reading
    onset: int
    """Which of the candidates."""
    offset: int
    onset_shift: float = 0.0
    """Seconds."""
    offset_shift: float = 0.0
    error: float = math.inf
    """Mean absolute error of both edges where it was learned, seconds."""

    def align(self, heard: Heard) -> Alignment:
        """The tokens with their times."""
        return Alignment.from_edges(
            heard.tokens,
            self.reading.onset.read(heard)[:, self.onset] + self.onset_shift,
            self.reading.offset.read(heard)[:, self.offset] + self.offset_shift,
            duration=heard.duration,
        )

    def to_dict(self) -> dict[str, str | float]:
        """What was learned, for a result."""
        return {
            "onset": self.reading.onset.names[self.onset],
            "onset_shift": self.onset_shift,
            "offset": self.reading.offset.names[self.offset],
            "offset_shift": self.offset_shift,
        }


def learn(reading: Reading, pairs: Sequence[tuple[Heard, Spoken]]) -> LearnedReading:
    """Choose the candidates and the constants.

    Parameters
    ----------
    reading : Reading
    pairs : sequence of (Heard, Spoken)
        Development utterances, never the ones that are reported, whose number of tokens is right.
        Without any, the middle candidates are taken, unshifted.
    """
    if not pairs:
        return LearnedReading(
            reading, len(reading.onset.names) // 2, len(reading.offset.names) // 2
        )
    found = []
    for side, edges in enumerate((reading.onset, reading.offset)):
        errors = np.concatenate(
            [
                edges.read(heard).numpy() - np.array(spoken.words.spans)[:, side : side + 1]
                for heard, spoken in pairs
            ]
        )
        found.append(best_of(errors, shifted=reading.shifted))
    (onset, onset_shift, early), (offset, offset_shift, late) = found
    return LearnedReading(reading, onset, offset, onset_shift, offset_shift, (early + late) / 2)


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
    shifts = [best_shift(column) if shifted else 0.0 for column in errors.T]
    means = [float(np.abs(e + shift).mean()) for e, shift in zip(errors.T, shifts, strict=True)]
    best = int(np.argmin(means))
    return best, shifts[best], means[best]


def _at(quantiles: Sequence[float], cut: str) -> Side:
    """Times at quantiles of a CIF token's mass."""

    def read(heard: Any) -> Tensor:
        require_type("heard", heard, Transcription)
        return times_at(heard.firing, heard.grid, quantiles, cut=cut)

    return Side(tuple(f"{100 * quantile:g} % of the mass" for quantile in quantiles), read)


def _row_quantiles(quantiles: Sequence[float]) -> Side:
    """Times at quantiles of a row."""

    def read(heard: Heard) -> Tensor:
        rows = heard.rows.double()
        running = torch.nn.functional.pad(rows.cumsum(dim=1), (1, 0))
        wanted = torch.tensor(quantiles, dtype=torch.float64).expand(len(rows), -1).contiguous()
        wanted = (wanted * running[:, -1:]).clamp(min=1e-9)  # of nothing, where there is something
        frame = torch.searchsorted(running[:, 1:].contiguous(), wanted)
        inside = (wanted - running.gather(1, frame)) / rows.gather(1, frame).clamp(min=1e-9)
        return heard.grid.seconds(frame + inside.clamp(0, 1))

    return Side(tuple(f"{100 * quantile:g} % of the row" for quantile in quantiles), read)


def _centroid(heard: Heard) -> Tensor:
    middles = torch.arange(heard.rows.shape[1], dtype=torch.float64) + 0.5
    return heard.grid.seconds((heard.rows.double() @ middles).unsqueeze(1))


def _support(last: bool) -> Side:
    """First or last edge of the frames that weigh more than a share of the largest."""

    def read(heard: Heard) -> Tensor:
        rows = heard.rows.double()
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
        return heard.grid.seconds(torch.stack(columns, dim=1).double())

    return Side(tuple(f"above {100 * share:g} % of the peak" for share in SUPPORTS), read)


def _not_before_fire() -> Side:
    """The fire before, but at most so long before a token's own."""

    def read(heard: Any) -> Tensor:
        require_type("heard", heard, Transcription)
        fires = times_at(heard.firing, heard.grid, (0.0, 1.0), cut="fires")
        return torch.maximum(fires[:, :1], fires[:, 1:] - torch.tensor(LONGEST))

    return Side(tuple(f"at most {seconds:g} s" for seconds in LONGEST), read)


CENTROID = Side(("centroid",), _centroid)

CIF_READINGS: Mapping[str, Reading] = {
    "fire": Reading(_at([0.0], "fires"), _at([1.0], "fires"), shifted=False),
    "fire, shifted": Reading(_at([0.0], "fires"), _at([1.0], "fires")),
    "fire, silence inserted": Reading(_not_before_fire(), _at([1.0], "fires")),
    "centroid": Reading(CENTROID, CENTROID),
    "support": Reading(_support(last=False), _support(last=True)),
    "quantiles": Reading(_at(ONSET_QUANTILES, "fires"), _at(OFFSET_QUANTILES, "fires")),
    "valleys, quantiles": Reading(
        _at(ONSET_QUANTILES, "valleys"), _at(OFFSET_QUANTILES, "valleys")
    ),
}
"""Of a CIF, from the raw reading to the default of `Edges`: between fires, where nothing else is
said, and between valleys."""

QUANTILES = {"valleys": "valleys, quantiles", "fires": "quantiles"}
"""Of these the readings that `Edges` can do, by where they cut."""

CTC_READINGS: Mapping[str, Reading] = {
    "path": Reading(_row_quantiles([0.0]), _row_quantiles([1.0]), shifted=False),
    "path, shifted": Reading(_row_quantiles([0.0]), _row_quantiles([1.0])),
}
"""Of a CTC: where its best path is on the token."""

ATTENTION_READINGS: Mapping[str, Reading] = {
    "centroid": Reading(CENTROID, CENTROID),
    "quantiles": Reading(_row_quantiles(ONSET_QUANTILES), _row_quantiles(OFFSET_QUANTILES)),
}
"""Of cross-attention: where a token looks."""


def learn_edges(pairs: Sequence[tuple[Transcription, Spoken]]) -> Edges:
    """Like `learn`, but as a recogniser keeps it: the better of both ways to cut.

    Valleys find the gaps between words; where words touch there are none, and a fire lies inside a
    frame, which a cut does not.
    """
    learned = {cut: learn(CIF_READINGS[name], pairs) for cut, name in QUANTILES.items()}
    cut, best = min(learned.items(), key=lambda item: item[1].error)
    return Edges(
        ONSET_QUANTILES[best.onset],
        OFFSET_QUANTILES[best.offset],
        best.onset_shift,
        best.offset_shift,
        cut=cut,
    )


def align_all(
    reading: Reading, heard: Sequence[Heard], tuning: Sequence[tuple[Heard, Spoken]]
) -> list[Alignment]:
    """Alignments of what was heard, as learned on other utterances."""
    learned = learn(reading, tuning)
    return [learned.align(one) for one in heard]


def cross_aligned(
    reading: Reading, heard: Sequence[Heard], utterances: Sequence[Spoken]
) -> list[Alignment]:
    """Alignments of development utterances: of every other one as learned on the rest."""
    found: dict[int, Alignment] = {}
    for half in (0, 1):
        rest = comparable(heard[1 - half :: 2], utterances[1 - half :: 2])
        places = range(half, len(heard), 2)
        found.update(zip(places, align_all(reading, heard[half::2], rest), strict=True))
    return [found[place] for place in range(len(heard))]
